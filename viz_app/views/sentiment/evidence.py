"""Sentiment, Few labels, few units: accuracy by the labels and by the units it takes, and on texts of another kind."""

from __future__ import annotations

import streamlit as st

from viz_app.components import figure, theme
from viz_app.components.widgets import columns, how_to_read, letters
from viz_app.figures import sentiment_curves as drawing
from viz_app.figures.words import escaped, listed, thousands
from viz_app.views.sentiment.asked import Asked
from viz_app.views.sentiment.place import table


def show(asked: Asked) -> None:
    """Show both curves, and the tables."""
    found, palette = asked.found, theme.palette()
    own = found.accuracy[(found.accuracy["data"] == found.data) & (found.accuracy["by"] == "trained")]
    all_units = float(own.loc[own["read"] == "all units", "accuracy"].iloc[0])
    st.subheader("How few labels, and how few units, are enough", anchor=False)
    left, right = columns([1, 1])
    with left:
        fig = drawing.by_labels(found.by_labels, palette, asked.family, letters())
        figure.show(fig, found.by_labels, "sentiment-labels", "labels")
        how_to_read(
            f"So many labelled texts are drawn, several times, but from {thousands(10_000)} on once or twice; the band "
            "is from the worst draw to the best. All units and words choose their penalty on up to "
            f"{thousands(1000)} further labelled texts, one unit on none. The model itself never sees a label: it only "
            "learned to predict the next symbol. Had it learned nothing of use, words would be ahead at every count.",
            drawing.few_labels(found.by_labels),
        )
    with right:
        fig = drawing.by_units(found.by_units, all_units, palette, asked.family, letters())
        figure.show(fig, found.by_units, "sentiment-units", "units")
        how_to_read(
            "Units in the order in which the L1 penalty lets them in, from five draws of half the training "
            "texts. A curve that is flat from the start is one unit that knows it all; a slow climb is a matter shared "
            "by many.",
            drawing.few_units(found.by_units, all_units),
        )
    _transfer(asked)


def _transfer(asked: Asked) -> None:
    """Draw the accuracies on other texts: by what was learned on the first ones, and by what was learned there."""
    found = asked.found
    others = found.accuracy[found.accuracy["data"] != found.data]
    if not len(others):
        return
    st.subheader(f"On texts of another kind: {escaped(listed(list(others['data'].unique())))}", anchor=False)
    for name, rows in others.groupby("data", sort=False):
        for place, fitted in zip(columns([1, 1]), (found.data, name), strict=True):
            learned = f"learned on {fitted}" if fitted != name else "learned there"
            with place:
                table(asked, rows[rows["fitted"] == fitted], f"On {name}, {learned}")
    how_to_read(
        "Left: probe, unit and threshold as they were learned on the first texts. Right: the same learned anew on "
        "these. A unit that knows the matter itself, and not these texts, keeps most of its accuracy on the left."
    )
