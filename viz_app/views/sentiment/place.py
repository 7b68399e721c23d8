"""Sentiment, where the review falls among held-out texts of either class; and how often each way to judge is right."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from rnncore.analysis import Along
from viz_app.components import figure, theme
from viz_app.components.facts import facts
from viz_app.components.widgets import how_to_read, letters
from viz_app.figures import sentiment as drawing
from viz_app.figures.words import THIN, capital, thousands
from viz_app.views.sentiment.asked import Asked

READS = {
    ("trained", "one unit"): "This unit alone",
    ("trained", "all units"): "All {} units",
    ("trained", "without the unit"): "All but this unit",
    ("untrained", "one unit"): "Best unit, untrained",
    ("untrained", "all units"): "All units, untrained",
    ("words", "words"): "Words, no model",
    ("trained", "the same unit"): "This unit, new threshold",
}
"""What each way to tell the label is called, in the order of the table."""


def show(asked: Asked, read: list[tuple[str, Along]]) -> None:
    """Show the histograms with the texts that were read, and the accuracies."""
    found, reading, palette = asked.found, asked.reading, theme.palette()
    own = found.accuracy[found.accuracy["data"] == found.data]
    texts = thousands(reading.histogram[["zero", "one"]].to_numpy().sum())
    st.subheader("Where this text falls" if len(read) == 1 else "Where the two fall", anchor=False)
    marks = [
        (name, float(text.values[-1]), palette.accent if name != "pinned" else palette.soft) for name, text in read
    ]
    what = capital(asked.signal) if asked.alone else "Log-odds"
    fig = drawing.histogram(
        reading.histogram,
        found.classes,
        palette,
        asked.colours,
        threshold=reading.threshold,
        polarity=reading.polarity,
        marks=marks,
        title=f"{what} at the end of {texts} held-out texts of {found.data}",
        size=letters(),
    )
    figure.show(fig, reading.histogram, "sentiment-histogram", "histogram")
    table(asked, own, "On the held-out texts, once")
    how_to_read(
        f"The two hills have {100 * reading.overlap:.0f}{THIN}% in common, and the tick is the threshold. "
        + (
            "The unit was chosen on training texts, the threshold on validation, both judged here once. "
            if asked.alone
            else "The probe was learned on training texts, its penalty chosen on validation, both judged here once. "
        )
        + "Were the model blind to the matter, the hills would be one, and a model without training would do as well.",
        drawing.place(reading.histogram, float(read[-1][1].values[-1]), reading.polarity, found.classes),
    )


def table(asked: Asked, rows: pd.DataFrame, title: str) -> None:
    """Draw one row a way to tell the label: its accuracy, the labels it learned from, the texts it was judged on."""
    palette = theme.palette()
    lines = []
    for (by, read), name in READS.items():
        for _, row in rows[(rows["by"] == by) & (rows["read"] == read)].iterrows():
            anew = (by, read) == ("trained", "one unit") and row["fitted"] != asked.found.data
            low, high = (drawing.number(100 * float(row[side]), 1) for side in ("low", "high"))
            cells = [
                "Best unit there" if anew else name.format(thousands(len(asked.found.units))),
                drawing.percent(float(row["accuracy"])),
                f"{low} to {high}",
                thousands(row["labels"]),
                thousands(row["texts"]),
            ]
            lines.append((asked.family if by == "trained" else palette.line2, cells))
    st.html(facts((title, "right", "95 % interval", "labels", "texts"), lines))
