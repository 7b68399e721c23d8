"""The commands that look inside a model: record everything, and how gradients fade."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from rnncore.cli.reading import Ablations, Clamps, File, Model, Text, interventions, load, text_of
from rnncore.cli.screen import Json, print_json, print_table, say, working, write
from rnncore.errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import rnncore
    from rnncore.network.intervene import Intervention

Target = Annotated[
    int | None,
    typer.Option(help="The step whose loss is differentiated; negative counts from the last that has one."),
]

LARGEST = 4e9
"""Bytes of memory that making a recording may take."""


def record(
    model: Model,
    text: Text = None,
    file: File = None,
    out: Annotated[Path | None, typer.Option(help="Save the recording as this .npz file.")] = None,
    gradients: Annotated[bool, typer.Option("--gradients", help="Norms of the total gradient, too.")] = False,
    target: Target = None,
    top: Annotated[int, typer.Option(min=1, help="Likeliest next symbols to keep at each step.")] = 5,
    signal: Annotated[str | None, typer.Option(help="Print this signal's values, one line a step.")] = None,
    layer: Annotated[int, typer.Option(help="The layer to print; -1 is the last.")] = -1,
    unit: Annotated[int | None, typer.Option(help="The unit to print; all by default.")] = None,
    clamp: Clamps = None,
    ablate: Ablations = None,
    as_json: Json = False,
) -> None:
    """Record all that happens in a model while it reads a text: every signal of every unit at every step.

    Saves it with --out, prints one signal with --signal, and a summary otherwise.
    """
    changes = interventions(clamp, ablate)
    recording = _record(model, text_of(text, file), gradients or target is not None, target, top, changes)
    if out:
        recording.save(out)
        say(f"saved {out}; open it with rnncore.Recording.load({str(out)!r})")
    if signal is not None:
        _print_signal(recording, signal, layer, unit, as_json)
    elif as_json:
        print_json(_summary(recording))
    elif not out:
        _print_summary(recording)


def _record(
    name: str, text: str, gradients: bool, target: int | None, top: int = 5, changes: Sequence[Intervention] = ()
) -> rnncore.Recording:
    """Record with progress; refuse what memory cannot hold."""
    import rnncore

    model = load(name, text)
    steps = len(model.vocabulary.tokenize(text))
    width = model.config.units  # measured: bytes of one signal of one layer at one step
    columns = len(model.layers[0].signals()) * len(model.layers)
    each = columns * (30 * width + 4000 if gradients else 13 * width + 600)
    if steps * each > LARGEST:
        raise RecordingError(
            f"recording {steps:,} symbols would take {steps * each / 1e9:.0f} GB of memory; "
            f"give at most {int(LARGEST // each):,} of them at a time"
        )
    with working(f"recording {model.name}") as report:
        return rnncore.record(
            model, text, gradients=gradients, target=target, top=top, interventions=changes, progress=report
        )


def _summary(recording: rnncore.Recording) -> dict[str, Any]:
    symbols = recording.symbols
    return {
        "model": recording.model,
        "cell": recording.cell,
        "tokens": recording.tokens,
        "signals": {symbol: recording[symbol].shape for symbol in recording.signals},
        "loss": recording.loss.tolist(),
        "rank": recording.rank.tolist(),
        "top": [
            [[symbols[number], float(p)] for number, p in zip(ids, probabilities, strict=True)]
            for ids, probabilities in zip(recording.top_ids, recording.top_probability, strict=True)
        ],
        "target": recording.target,
        "gradient": {symbol: norms.tolist() for symbol, norms in recording.gradient.items()},
    }


def _print_summary(recording: rnncore.Recording) -> None:
    loss = recording.loss[:-1]
    mean = f", {loss[np.isfinite(loss)].mean():.3f} nats per symbol" if np.isfinite(loss).any() else ""
    write(
        f"{recording.model} ({recording.cell}) read {recording.time} symbols{mean}; "
        f"{recording.layers} layers of {recording.units} units\n\n"
    )
    print_table(
        ("signal", "layer", "least", "mean", "greatest"),
        (
            (symbol, layer, *(f"{value:.3f}" for value in (values.min(), values.mean(), values.max())))
            for symbol in recording.signals
            for layer, values in zip(recording.layer_names, recording[symbol], strict=True)
        ),
    )
    for state, norms in recording.gradient.items():
        for layer, row in zip(recording.layer_names, norms, strict=True):
            write(
                f"total gradient for {state}, layer {layer}: {row[0]:.3g} at the first step, {row.max():.3g} at most\n"
            )


def _print_signal(recording: rnncore.Recording, signal: str, layer: int, unit: int | None, as_json: bool) -> None:
    recording[signal]  # the sentence for an unknown one
    _check("layer", layer, recording.layers, recording.model)
    if unit is not None:
        _check("unit", unit, recording.units, recording.model)
    values = recording[signal, layer] if unit is None else recording[signal, layer][:, unit]
    if as_json:
        where = {"signal": signal, "layer": layer, "unit": unit}
        return print_json({**where, "tokens": recording.tokens, "values": values.tolist()})
    for token, row in zip(recording.tokens, values.reshape(recording.time, -1), strict=True):
        write(f"{token!r}\t" + "\t".join(f"{value:.6g}" for value in row) + "\n")
    return None


def _check(what: str, number: int, count: int, model: str) -> None:
    if not -count <= number < count:
        raise RecordingError(f"no {what} {number}; {model} has {what}s 0 to {count - 1}")


def gradients(
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
    recordings = {name: _record(name, content, gradients=True, target=target) for name in names}
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
        _check("layer", layer, count, name)
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
