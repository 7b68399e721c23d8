"""The command that looks for the unit that knows what kind of text a model has read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnncore.cli.reading import Model
from rnncore.cli.screen import Json, print_json, print_table, say, stages, working, write

if TYPE_CHECKING:
    from rnncore.analysis import Sentiment


def sentiment(
    model: Model,
    texts: Annotated[str, typer.Option(help="imdb, sst, or a CSV file with a text and a label a line.")] = "imdb",
    text: Annotated[str, typer.Option(help="The CSV file's column of texts.", show_default="text")] = "",
    label: Annotated[str, typer.Option(help="The CSV file's column of labels.", show_default="label")] = "",
    positive: Annotated[str, typer.Option(help="The label to tell from all others.", show_default="the second")] = "",
    transfer: Annotated[
        list[str] | None, typer.Option(help="Judge what was learned on these texts too: sst, imdb, or a CSV file.")
    ] = None,
    score: Annotated[
        Path | None, typer.Option(help="Score the texts of this CSV file by what --out holds, and learn nothing.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Keep what was found here.", show_default="nowhere")] = None,
    most: Annotated[int, typer.Option(min=100, help="Read at most so many of the texts.")] = 1_000_000,
    rival_texts: Annotated[int, typer.Option(min=0, help="Texts that an untrained model reads to compare.")] = 8000,
    samples: Annotated[int, typer.Option(min=0, help="Texts to write at each setting of the units; 0 for none.")] = 200,
    length: Annotated[int, typer.Option(min=1, help="Symbols of each text written.")] = 300,
    precision: Annotated[str, typer.Option(help="float32, or bfloat16 for matrix products.")] = "float32",
    cache: Annotated[
        Path | None,
        typer.Option(help="Folder for what was read, so that it is read once.", show_default="own cache"),
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads.", show_default="all cores")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of all random choices.")] = 0,
    as_json: Json = False,
) -> None:
    """Find the unit that tells two kinds of text apart, such as good reviews and bad ones.

    The states at the end of each text are read by a linear probe of all units and by a threshold on one. The unit is
    chosen on training texts, the threshold on validation, and both are judged once on texts held out. Then the
    unit, and the best ones together, are held while the model writes, and a judge who knows only words says what came
    of it.
    """
    import torch
    from platformdirs import user_cache_path

    import rnncore
    from rnncore import analysis

    if threads:
        torch.set_num_threads(threads)
    network = rnncore.load(model)
    cache = cache or user_cache_path("rnncore") / "states"
    if score is not None:
        return _score(network, score, text, out or _kept(model), precision, as_json)
    data = analysis.labelled(texts, text=text, label=label, positive=positive, seed=seed).few(most, seed)
    others = [analysis.labelled(name, seed=seed).few(most, seed) for name in transfer or ()]
    with stages(network.name) as progress:
        found = analysis.sentiment(
            network,
            data,
            transfer=others,
            rival_texts=rival_texts,
            seed=seed,
            precision=precision,
            cache=cache,
            progress=progress,
        )
        if out:
            found.save(out)
        if samples:
            steering = analysis.steer(
                network,
                found,
                samples=samples,
                length=length,
                seed=seed,
                progress=lambda done, total: progress("writing", done, total),
            )
            found = replace(found, steering=steering)
    if out:
        found.save(out)
        say(f"wrote what was found into {out}")
    return print_json(_figures(found)) if as_json else _print(found)


def _kept(model: str) -> Path:
    """Return where a published model's findings lie."""
    from rnncore import pretrained

    return (pretrained.folder() / model if model in pretrained.available() else Path(model)) / "sentiment"


def _score(network: Any, file: Path, text: str, folder: Path, precision: str, as_json: bool) -> None:
    from rnncore import analysis

    found = analysis.Sentiment.load(folder).about(network)
    content = list(analysis.read_texts(file, text=text, label=None)["text"])
    with working(f"{network.name} reads {file.name}") as report:
        states = analysis.final_states(network, content, precision=precision, progress=report)
    table = found.judged(states, content)
    if as_json:
        return print_json(table.to_dict("records"))
    return write(table.to_csv(index=False))


def _figures(found: Sentiment) -> dict[str, Any]:
    from rnncore import analysis

    numbers = {name: value for name, value in vars(found).items() if isinstance(value, str | int | float | tuple)}
    tables = ("accuracy", "histogram", "by_units", "by_labels", "steering")
    strength = analysis.strength(found.steering).to_dict("records") if len(found.steering) else []
    return {**numbers, **{name: getattr(found, name).to_dict("records") for name in tables}, "strength": strength}


def _print(found: Sentiment) -> None:
    from rnncore import analysis

    beyond = "above" if found.polarity == 1 else "below"
    write(
        f"{found.model}: unit {found.unit} of layer {found.layer}, its {found.signal}; "
        f"{beyond} {found.threshold:.3g} it says {found.classes[1]}.\n"
        f"The two classes' histograms have {found.overlap:.0%} in common; its probabilities are off by "
        f"{found.calibration_error:.1%} on average.\n\n"
    )
    print_table(
        ("by", "read", "data", "fitted on", "labels", "accuracy", "95 % interval"),
        (
            (
                *(str(row[name]) for name in ("by", "read", "data", "fitted", "labels")),
                f"{row['accuracy']:.1%}",
                f"{row['low']:.1%} to {row['high']:.1%}",
            )
            for _, row in found.accuracy.iterrows()
        ),
        left=4,
    )
    if not len(found.steering):
        return
    write(f"\nHeld while it writes, judged by words alone: the share that is {found.classes[1]}\n")
    print_table(
        ("held", "units", "setting", "value", "share", "95 % interval", "effect", "95 % interval"),
        (
            (
                row["held"],
                str(row["units"]),
                *("" if row[name] != row[name] else f"{row[name]:.3g}" for name in ("setting", "value")),
                f"{row['ones']:.1%}",
                f"{row['low']:.1%} to {row['high']:.1%}",
                f"{row['effect']:+.1%}",
                f"{row['least']:+.1%} to {row['most']:+.1%}",
            )
            for _, row in found.steering.iterrows()
        ),
    )
    for _, row in analysis.strength(found.steering).iterrows():
        write(
            f"{analysis.spoken(row['held'], row['units'])}: from end to end {row['strength']:+.1%} "
            f"({row['low']:+.1%} to {row['high']:+.1%})\n"
        )
