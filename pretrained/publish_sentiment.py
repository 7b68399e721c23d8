"""Write what a model knows of reviews into its figures and its card: ``python pretrained/publish_sentiment.py NAME``.

`rnncore sentiment NAME --out pretrained/NAME/sentiment` has found it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from publish import PRETRAINED

import rnncore
from rnncore.analysis import Sentiment, spoken, strength
from rnncore.files import write_atomically, write_json

HEADING, NEXT = "## Sentiment", "## What it wrote"
"""The card's section, and the one before which it stands."""


def publish(
    name: Annotated[str, typer.Argument(help="A published model.")],
    into: Annotated[Path, typer.Option(help="The folder of pretrained models.")] = PRETRAINED,
) -> None:
    """Add the figures of NAME's sentiment to its metrics.json and its CARD.md."""
    folder = into / name
    try:
        found = Sentiment.load(folder / "sentiment").about(rnncore.load(str(folder)))
    except rnncore.Error as error:
        sys.exit(f"publish: {error}")
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    write_json(folder / "metrics.json", metrics | {"sentiment": figures(found)})
    card = (folder / "CARD.md").read_text("utf-8")
    before, after = card.split(NEXT, 1)
    before = before.split(HEADING, 1)[0]
    write_atomically(folder / "CARD.md", f"{before}{section(found)}\n{NEXT}{after}".encode())
    typer.echo(f"{folder / 'CARD.md'} tells its sentiment")


def figures(found: Sentiment) -> dict[str, Any]:
    """Return the figures: the unit, how well each way of reading tells the label, what holding the unit does."""
    names = ("signal", "layer", "unit", "polarity", "threshold", "C", "overlap", "calibration_error")
    tables = {"accuracy": found.accuracy, "strength": strength(found.steering)}
    return {name: getattr(found, name) for name in names} | {
        name: table.to_dict("records") for name, table in tables.items()
    }


def section(found: Sentiment) -> str:
    """Return the card's section, in Markdown."""
    lines = [
        HEADING,
        "",
        f"The {found.signal} of unit {found.unit} of layer {found.layer} after the last symbol of a review tells "
        f"{found.classes[1]} from {found.classes[0]}; it was chosen on training reviews, its threshold on validation, "
        "and the held-out reviews, which the model never read, were judged once. A linear probe with an L1 penalty "
        "reads all units.",
        "",
        "| by | reads | texts | fitted on | labels | accuracy | 95 % interval |",
        "|---|---|---|---|---:|---:|---:|",
    ]
    for _, row in found.accuracy.iterrows():
        lines.append(
            f"| {row['by']} | {row['read']} | {row['texts']:,} of {row['data']} | {row['fitted']} "
            f"| {row['labels']:,} | {row['accuracy']:.1%} | {row['low']:.1%} to {row['high']:.1%} |"
        )
    lines += ["", f"The histograms of the two classes have {found.overlap:.0%} in common.", ""]
    for _, row in strength(found.steering).iterrows():
        lines.append(
            f"Held from end to end while the model writes, {spoken(row['held'], row['units'])}: "
            f"{100 * row['strength']:+.1f} points ({100 * row['low']:+.1f} to {100 * row['high']:+.1f}) more texts "
            f"that a judge of words alone calls {found.classes[1]}.  "
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    typer.run(publish)
