"""The ladder of error types: as bars, in the text, and by examples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rnncore import analysis
from rnncore.analysis import Ladder
from rnncore.analysis.errors import TYPES
from viz_app import controls, state
from viz_app.components import figure, theme
from viz_app.components.excerpts import NONE, Excerpt, Kinds, excerpts
from viz_app.components.waiting import Progress, computed
from viz_app.components.widgets import columns, how_to_read, letters, switch
from viz_app.figures import errors as drawing
from viz_app.figures.words import escaped, named, share
from viz_app.views.errors.read import Read

COLOURS = dict(zip(TYPES, (9, 5, 3, 4, 0, 7), strict=True))
"""Which of the categorical colours a type has."""

PAGE, EXAMPLES, BEFORE, AFTER = 1_200, 8, 60, 20
"""Characters of a page of the text; examples, and how much of the text stands on either side of one."""


def show(name: str, read: Read, title: DeltaGenerator) -> None:
    """Show the view."""

    def work(progress: Progress) -> Ladder:
        return analysis.ladder(read.text, read.log_probability, read.training, progress=progress)

    found = computed(("ladder", *read.key), "Counting n-grams of 1 to 9 characters", work, growth=1.3)
    title.title(escaped(drawing.finding(found.shares, name)), anchor=False)
    palette = theme.palette()
    colours = {kind: palette.categorical[place] for kind, place in COLOURS.items()}
    left, right = columns([2, 3])
    with left:
        fig = drawing.bars(found.shares, palette, colours, size=letters())
        fig.update_layout(title_text="What it would take to avoid them")
        figure.show(fig, found.shares, f"errors-{name}", "ladder")
        how_to_read(
            "An error is a character that was given less than one half. From the top, each oracle takes the errors "
            "that it would have got right from what those above have left; hover a bar for its parts. Tick: the type’s "
            "share of the errors’ loss in nats. A tick right of its bar: errors that cost more than most.",
            drawing.conclusion(found.shares, int(np.isfinite(found.characters["probability"]).sum())),
        )
    with right:
        _text(found.characters, colours)
    if len(found.shares):
        _examples(found, colours)


def _text(characters: pd.DataFrame, colours: dict[str, str]) -> None:
    """Show a part of the text, its errors on the colour of their type."""
    pages = max(1, -(-len(characters) // PAGE))
    number = state.link("page", 1, low=1, high=pages)
    st.markdown("**The errors in the text**")
    part = characters.iloc[(number - 1) * PAGE : number * PAGE]
    told = [_told(row) for row in part.itertuples()]
    excerpts(
        [Excerpt(list(part["character"]), part["type"].cat.codes.tolist(), told=told)],
        Kinds(list(colours), list(colours.values())),
        label="The text with its errors",
        key="text",
        breaks=True,
    )
    if pages > 1:
        with st.container(key="axes-page", horizontal=True, vertical_alignment="center"):
            controls.choose("Page", "page", range(1, pages + 1), number, lambda n: f"{n} of {pages}", width=120)


def _told(row: Any) -> str:
    """Return what is said of a character under the pointer."""
    sign = named(row.character)
    probability, kind = row.probability, row.type
    if np.isnan(probability):
        return f"{sign}: the first, nobody asked"
    given = f"{sign}: given {share(probability)}"
    return given if pd.isna(kind) else f"{given}; {kind}: {drawing.detail(str(kind), row.detail)}"


def _examples(found: Ladder, colours: dict[str, str]) -> None:
    """Show errors of one type, spread evenly over the text."""
    st.divider()
    totals = drawing.by_type(found.shares)
    there = [str(kind) for kind in totals.loc[totals["errors"] > 0, "type"]]
    kind = state.link("kind", str(totals.loc[totals["errors"].idxmax(), "type"]), choices=tuple(there))
    st.subheader("Examples of each type", anchor=False)
    switch("Type", "kind", {one: one for one in there}, kind)
    table, place = found.characters, TYPES.index(kind)
    errors = table[(table["type"] == kind)]
    chosen = errors.iloc[np.unique(np.linspace(0, len(errors) - 1, min(EXAMPLES, len(errors))).astype(int))]
    rows = []
    for row in chosen.itertuples():
        first = max(0, row.position - BEFORE)
        tokens = table["character"].iloc[first : row.position + AFTER + 1].tolist()
        at = row.position - first
        levels = [NONE] * len(tokens)
        levels[at] = place
        note = drawing.detail(kind, row.detail)
        rows.append(
            Excerpt(tokens, levels, at, at + 1, f"given {share(row.probability)}", note if note != kind else "")
        )
    excerpts(rows, Kinds([kind], [colours[kind]] * len(TYPES)), label=f"Errors of type {kind}", key="examples")
