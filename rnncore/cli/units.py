"""The command that says what each unit of a model stands for."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnncore.cli.reading import Model, load
from rnncore.cli.screen import Json, print_json, print_table, say, stages, working, write

if TYPE_CHECKING:
    from rnncore.analysis import Dictionary, Feature

LONGEST = 1_000_000
"""Characters that are read unless told otherwise."""

ORDER, COUNTED = 6, 1_000_000
"""Of the n-gram model for predictability, and the characters of training text that it counts."""


def units(
    model: Model,
    text: Annotated[
        Path | None,
        typer.Option(help="A text that the model was not trained on; by default the held-out part of its corpus."),
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="prose, play, c, python or latex; by default told from the corpus or file name.")
    ] = None,
    feature: Annotated[
        list[str] | None, typer.Option(help="Look for this feature only; repeatable. By default all for the language.")
    ] = None,
    pattern: Annotated[
        list[str] | None, typer.Option(help="Look for units inside matches of this regular expression; repeatable.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE:COLUMN", help="A column of a CSV file, one row a character of --text; repeatable."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the tables here, as Parquet and CSV.")] = None,
    most: Annotated[int, typer.Option(min=1, help="Read at most so many characters.")] = LONGEST,
    positions: Annotated[int, typer.Option(min=1000, help="Steps at which units are scored.")] = 60_000,
    removed: Annotated[int, typer.Option(min=1200, help="Symbols that are read again without each unit.")] = 30_000,
    seed: Annotated[int, typer.Option(min=0, help="Of all random choices.")] = 0,
    as_json: Json = False,
) -> None:
    """Find what each unit of a model stands for, with the evidence.

    Each unit gets the feature of the text that one of its signals tells best, chosen on one half of the text and judged
    on the other, against shifted labels, an untrained model, and the unit's removal.
    """
    from rnncore.analysis import dictionary

    content, features = _text_and_features(model, text, language, feature or [], pattern or [], column or [])
    content = content[:most]
    network = load(model, content)
    with stages(network.name) as progress:
        found = dictionary(
            network, content, features, positions=positions, removed=removed, seed=seed, progress=progress
        )
    if out:
        found.save(out)
        say(f"wrote the tables of units, labels and evidence into {out}")
    if as_json:
        return print_json(
            {"model": found.model, "shares": found.shares, "labels": _rows(found.labels), "units": _rows(found.units)}
        )
    return _print(found)


def _text_and_features(
    model: str, path: Path | None, language: str | None, names: list[str], patterns: list[str], columns: list[str]
) -> tuple[str, list[Feature]]:
    from rnncore import analysis
    from rnncore.training import corpora

    chosen = [analysis.find_feature(name) for name in names]
    chosen += [analysis.matching(pattern) for pattern in patterns]
    for place in columns:
        file, _, name = place.rpartition(":")
        if not file:
            raise typer.BadParameter(f"{place!r} is no FILE:COLUMN, as in labels.csv:sentiment")
        chosen.append(analysis.column(file, name))
    if path is not None:
        return corpora.load(path).text, chosen or analysis.suiting(language or analysis.language_of(path.name))
    kept = analysis.held_out(model)
    if not chosen:
        chosen = analysis.suiting(language or kept.language)
        with working("counting n-grams") as report:
            counted = analysis.ngrams(kept.training[-COUNTED:], ORDER, progress=report)
        chosen.append(analysis.predictability(counted.log_probabilities))
    return kept.text, chosen


def _rows(table: Any) -> list[dict[str, Any]]:
    return [{str(name): _plain(value) for name, value in row.items()} for row in table.to_dict("records")]


def _plain(value: Any) -> Any:
    """Return a value of a table for JSON: none for what is missing."""
    return None if isinstance(value, float) and math.isnan(value) else getattr(value, "item", lambda: value)()


def _print(found: Dictionary) -> None:
    from rnncore.analysis import VERDICTS

    counts = found.units["verdict"].value_counts()
    write(f"{found.model}: {len(found.units)} units\n\n")
    for verdict, meaning in VERDICTS.items():
        write(f"{counts.get(verdict, 0):5}  {found.shares[verdict]:6.1%}  {verdict}: {meaning}\n")
    write("\n")
    shown = found.units[found.units["verdict"].isin(["verified", "correlated only"])].sort_values(
        ["verdict", "strength"], ascending=False
    )
    best = shown.groupby("feature", sort=False).head(2)
    print_table(
        (
            "label",
            "layer",
            "unit",
            "signal",
            "sign",
            "AUC or R²",
            "untrained",
            "removal: inside minus outside, nats",
            "verdict",
        ),
        (
            (
                row["title"],
                str(row["layer"]),
                str(row["unit"]),
                row["signal"],
                "+" if row["rank"] > 0 else "-",
                f"{max(row['auc'], 1 - row['auc']) if row['kind'] == 'discrete' else row['r2']:.3f}",
                f"{(1 + row['untrained']) / 2 if row['kind'] == 'discrete' else row['untrained'] ** 2:.3f}",
                f"{row['effect']:+.4f} ({row['low']:+.4f} to {row['high']:+.4f})",
                row["verdict"],
            )
            for _, row in best.iterrows()
        ),
    )
