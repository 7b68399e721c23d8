"""The commands about gradients: how far back they reach, and which cells remember how long because of it."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import numpy as np
import typer

from rnncore.cli.inside import Target, check, recorded
from rnncore.cli.reading import File, text_of
from rnncore.cli.screen import Json, bar, first, print_json, print_table, say, write
from rnncore.cli.training import Stop

if TYPE_CHECKING:
    from rnncore.gradients import Lap, RaceConfig

Item = TypeVar("Item", int, float, str)


gradients = typer.Typer(
    cls=first("flow"),
    help="How far back gradients reach in a model, and which cells remember how long.\n\n"
    "`gradients MODEL... TEXT` is short for `gradients flow MODEL... TEXT`.",
)


@gradients.command(epilog="Example: rnncore gradients flow shakespeare-elman shakespeare-lstm 'To be, or not to be'")
def flow(
    models: Annotated[list[str] | None, typer.Argument(metavar="MODEL...", help="One model or several.")] = None,
    text: Annotated[str | None, typer.Argument(help="The text; not with --file.")] = None,
    file: File = None,
    target: Target = -1,
    layer: Annotated[int, typer.Option(help="The layer of the table; -1 is the last. JSON and CSV have all.")] = -1,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Show how the total gradient of one step's loss fades, by distance back in time, for h and for c.

    Norms are computed in float64; what is below its range, 1e-308, is shown as underflow.
    """
    names = [*(models or []), *([text] if file and text else [])]  # with --file the last word is a model
    if not names:
        raise typer.BadParameter("give at least one model and a text")
    content = text_of(None if file else text, file)
    recordings = {name: recorded(name, content, gradients=True, target=target) for name in names}
    curves = {
        (name, state, number): norms[recording.target :: -1]
        for name, recording in recordings.items()
        for state, rows in recording.gradient.items()
        for number, norms in enumerate(rows)
    }
    if as_json or as_csv:
        titles = ("model", "state", "layer", "distance", "norm")
        table = [(*key, distance, float(norm)) for key, norms in curves.items() for distance, norm in enumerate(norms)]
        if as_json:
            return print_json([dict(zip(titles, row, strict=True)) for row in table])
        lines = io.StringIO()
        csv.writer(lines, lineterminator="\n").writerows([titles, *table])
        return write(lines.getvalue())
    layers = {name: recording.layers for name, recording in recordings.items()}
    for name, count in layers.items():
        check("layer", layer, count, name)
    shown = {key: norms for key, norms in curves.items() if key[2] == layer % layers[key[0]]}
    longest = max(map(len, shown.values()))
    steps = [1, 2, 5]
    distances = [0, *(step * 10**power for power in range(9) for step in steps if step * 10**power < longest - 1)]
    print_table(
        ("steps back", *(f"{name} {state}" for name, state, _ in shown)),
        (
            (str(distance), *(_norm(norms, distance) for norms in shown.values()))
            for distance in dict.fromkeys([*distances, longest - 1])
        ),
        left=0,
    )
    return None


def _norm(norms: np.ndarray, distance: int) -> str:
    if distance >= len(norms):
        return ""
    return f"{norms[distance]:.3g}" if norms[distance] >= np.finfo(np.float64).tiny else "underflow"


# ---- the race --------------------------------------------------------------------------------------------------


def _option(text: str) -> Any:
    return typer.Option(help=text, rich_help_panel="The same for all cells")


@gradients.command(epilog="Example: rnncore gradients race --cells elman,lstm --lengths 10,20,40 --seeds 2")
def race(
    task: Annotated[str, typer.Option(help="adding, copy or temporal-order.")] = "adding",
    cells: Annotated[str, typer.Option(help="Recurrences, with commas between them.")] = "elman,lstm",
    lengths: Annotated[str, typer.Option(help="Steps to remember over, in order.")] = "50,100,200,400",
    out: Annotated[Path | None, typer.Option(help="Keep every lap in this CSV file, and go on from it.")] = None,
    as_json: Json = False,
    seeds: Annotated[int, _option("Trainings for each cell and length.")] = 3,
    units: Annotated[int, _option("Of an LSTM; the others get as many as make the same number of weights.")] = 32,
    updates: Annotated[int, _option("Steps of Adam at most; a training ends when its task is solved.")] = 2000,
    batch: Annotated[int, _option("Sequences in each update.")] = 64,
    learning_rates: Annotated[str, _option("Of Adam; who fails at one is trained anew at the next.")] = "0.01,0.0015",
    clip: Annotated[float, _option("Largest norm of the gradient.")] = 1.0,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads; more than one seldom pays.")] = 1,
) -> None:
    """Race cells on a task that asks for memory, at growing lengths, and report which length each one solves.

    A task is solved when the loss on sequences not seen before is below a tenth of what the best answer without
    memory has. A cell that fails at a length, at every learning rate, is not sent over longer ones. Ctrl-C ends the
    race and prints what is finished.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import torch

    from rnncore.gradients import RaceConfig
    from rnncore.gradients import race as run

    torch.set_num_threads(threads)
    config = RaceConfig(
        task,
        tuple(_items(cells, str, "cells")),
        tuple(_items(lengths, int, "lengths")),
        seeds,
        units,
        updates,
        batch,
        tuple(_items(learning_rates, float, "learning-rates")),
        clip,
    )
    laps: list[Lap] = []
    stop = Stop()
    with stop.listening(), bar() as progress:
        shown = progress.add_task("the first lap", total=None)
        for lap in run(config, out):
            laps.append(lap)
            if lap.finished:
                progress.console.print(_told(config, laps), soft_wrap=True)
            done, left = _seconds(config, laps)
            progress.update(shown, description=_at(lap), completed=done, total=done + left)
            if stop.signal:
                break
    _print_race(config, laps, as_json)
    if stop.signal:
        again = "; the same command goes on" if out else ""
        say(f"Stopped{again}.")
        raise typer.Exit(128 + stop.signal)


def _items(text: str, kind: Callable[[str], Item], name: str) -> list[Item]:
    """Return what stands between commas."""
    try:
        return [kind(item.strip()) for item in text.split(",") if item.strip()]
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} for --{name} is no list of numbers; expected numbers with commas between them"
        ) from None


def _at(lap: Lap) -> str:
    return f"{_name(lap)}: update {lap.update}, loss {lap.loss:.4f}"


def _name(lap: Lap) -> str:
    return f"{lap.cell}, length {lap.length}, seed {lap.seed}, rate {lap.learning_rate:g}"


def _told(config: RaceConfig, laps: Sequence[Lap]) -> str:
    """Return the sentence on the training that has just ended."""
    lap, (_, left) = laps[-1], _seconds(config, laps)
    end = f"solved after {lap.update} updates" if lap.solved else f"not solved in {lap.update} updates"
    minutes = f"{left / 60:.0f} min" if left > 90 else f"{left:.0f} s"
    rest = f"; at most {minutes} left" if left else ""
    return f"{_name(lap)}: {end}, loss {lap.loss:.4f}, {lap.seconds:.0f} s{rest}"


def _seconds(config: RaceConfig, laps: Sequence[Lap]) -> tuple[float, float]:
    """Return how many seconds all laps took, and how many are left at most."""
    from rnncore.gradients.standings import left

    latest = {lap.training: lap.seconds for lap in laps}
    return sum(latest.values()), left(config, laps)


def _print_race(config: RaceConfig, laps: Sequence[Lap], as_json: bool) -> None:
    """Print a row for each cell: what it solved at each length, and the longest that it solved from every seed."""
    from rnncore.gradients.standings import reach, solved

    table, longest = solved(config, laps), reach(config, laps)
    if as_json:
        return print_json({"settings": asdict(config), "results": table.to_dict("records"), "reach": longest})
    found = table.set_index(["cell", "length"]).to_dict("index")
    rows = []
    for cell in config.cells:
        runs = [found.get((cell, length)) for length in config.lengths]
        first = next((run for run in runs if run), None)
        if first:
            sizes = (str(first["units"]), f"{first['weights']:,}")
            rows.append((cell, *sizes, *map(_result, runs), str(longest[cell] or "none")))
    if not rows:
        return say("No training is finished.")
    print_table(("cell", "units", "weights", *map(str, config.lengths), "solves"), rows)
    return write(
        f"\n{config.task}: trainings that solved each length, of {config.seeds}, and their median number of updates; "
        "last, the longest length solved from every seed\n"
    )


def _result(run: Mapping[Any, Any] | None) -> str:
    if run is None:
        return "-"
    median = "" if math.isnan(run["median_updates"]) else f" ({run['median_updates']:.0f})"
    return f"{run['solved']} of {run['runs']}{median}"
