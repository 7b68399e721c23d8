"""The command that looks inside a model: record everything."""

from __future__ import annotations

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
    recording = recorded(model, text_of(text, file), gradients or target is not None, target, top, changes)
    if out:
        recording.save(out)
        say(f"saved {out}; open it with rnncore.Recording.load({str(out)!r})")
    if signal is not None:
        _print_signal(recording, signal, layer, unit, as_json)
    elif as_json:
        print_json(_summary(recording))
    elif not out:
        _print_summary(recording)


def recorded(
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
    check("layer", layer, recording.layers, recording.model)
    if unit is not None:
        check("unit", unit, recording.units, recording.model)
    values = recording[signal, layer] if unit is None else recording[signal, layer][:, unit]
    if as_json:
        where = {"signal": signal, "layer": layer, "unit": unit}
        return print_json({**where, "tokens": recording.tokens, "values": values.tolist()})
    for token, row in zip(recording.tokens, values.reshape(recording.time, -1), strict=True):
        write(f"{token!r}\t" + "\t".join(f"{value:.6g}" for value in row) + "\n")
    return None


def check(what: str, number: int, count: int, model: str) -> None:
    """Refuse a layer or a unit that the model does not have."""
    if not -count <= number < count:
        raise RecordingError(f"no {what} {number}; {model} has {what}s 0 to {count - 1}")
