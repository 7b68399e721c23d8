"""Cells, Match: brush a passage, see which cells are on over it and off around, and where else they do the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from rnncore import analysis
from viz_app import controls, corpus, opening, state
from viz_app.components import theme
from viz_app.components.brush import brush as brushed_text
from viz_app.components.curves import Curve, curves
from viz_app.components.widgets import columns, how_to_read, switch
from viz_app.figures import match as words
from viz_app.figures.style import number
from viz_app.figures.words import escaped, thousands
from viz_app.views.match.found import passages
from viz_app.views.match.query import LEVELS, SIDES, Query, query
from viz_app.views.match.widgets import slide, take_home

CORPORA = ("held-out", "stdlib", "sample", "text")

AROUND, SHOWN = 40, 60
"""Steps drawn on either side of the range; cells listed."""


def page() -> None:
    """Show the page."""
    selection = controls.bar(layer=False, also=lambda chosen: corpus.choose(chosen.model, chosen.text, CORPORA))
    tokens = state.record(selection.model, selection.text.text).tokens
    if len(tokens) < 2:
        st.info("A range with something around it needs a longer text: give at least two characters.")
        return
    asked = query(selection)
    cells = analysis.fitting(asked.values, asked.brush, asked.on)
    brushed = words.quoted(tokens[asked.brush.start : asked.brush.end])
    title = st.empty()
    title.title(escaped(words.finding(len(cells), asked.cells, brushed)), anchor=False)
    left, right = columns([3, 2])
    with left:
        _passage(tokens, asked, cells)
        _conditions(asked)
    with right:
        _cells(selection, asked, cells)
    if len(cells):
        marked = passages(selection, asked, cells, corpus.find(selection.model, selection.text, CORPORA))
        title.title(escaped(words.finding(len(cells), asked.cells, brushed, marked)), anchor=False)


def _passage(tokens: tuple[str, ...], asked: Query, cells: pd.DataFrame) -> None:
    """Draw the text; the ground tells how many of the fitting cells are on."""
    st.markdown("**Brush a range of the text**")
    fitting = asked.values[cells["layer"], :, cells["unit"]]  # [cell, time]
    levels = np.broadcast_to(asked.on.threshold, asked.values[:, 0].shape)[cells["layer"], cells["unit"], None]
    on = fitting <= levels if asked.side == "low" else fitting >= levels
    brushed_text(
        tokens,
        on.mean(0) if len(cells) else np.zeros(len(tokens)),
        start=asked.brush.start,
        end=asked.brush.end,
        before=asked.brush.before,
        after=asked.brush.after,
        key="brush",
        on_choose=lambda start, end: state.set_link(**{"from": start, "to": end}),
    )
    how_to_read(
        "Drag over the text or click a word; with the keyboard, arrows move the range and shift with an arrow its end. "
        "Between the coloured lines the cells are on throughout, where it is dashed they are off. The "
        "stronger a character is marked, the more of the cells are on: were the pattern this passage’s alone, all else "
        "would be unmarked."
    )


def _conditions(asked: Query) -> None:
    """Draw when a cell is on, and how far around it is off."""
    with st.container(horizontal=True, vertical_alignment="center", key="axes"):
        controls.choose("Signal", "signal", asked.signals, asked.signal, width=80)
        st.markdown("on when", width="content")
        switch("On when the signal is", "side", SIDES, asked.side)
        switch("Threshold", "level", LEVELS, asked.level)
    left, middle, right = st.columns([2, 1, 1])
    with left:
        if asked.level == "value":
            slide("Threshold", "at", asked.at, asked.low, asked.high, 0.01)
        else:
            end = "lowest" if asked.side == "low" else "highest"
            slide(f"On at each cell’s {end} steps of this text, %", "share", asked.percent, 1, 50, 1)
    with middle:
        slide("Off before, steps", "before", asked.before, 0, 20, 1)
    with right:
        slide("Off after, steps", "after", asked.after, 0, 20, 1)


def _cells(selection: controls.Selection, asked: Query, cells: pd.DataFrame) -> None:
    """List the cells that fit, the clearest first; a click opens one on Cells."""
    if cells.empty:
        st.markdown("**No cell fits**")
        lower = "raise" if asked.side == "low" else "lower"
        st.markdown(f"Brush fewer characters, {lower} the threshold, or ask for nothing around the range.")
        return
    few = cells.head(SHOWN)
    more = f", the clearest {SHOWN} of them" if len(cells) > SHOWN else ""
    st.markdown(f"**{thousands(len(cells))} cell{'s' if len(cells) > 1 else ''} that fit{more}**")
    first = max(0, asked.brush.start - AROUND)
    last = min(asked.values.shape[1], asked.brush.end + AROUND)
    levels = np.broadcast_to(asked.on.threshold, asked.values[:, 0].shape)
    rows = [
        Curve(
            f"layer {cell.layer + 1}, unit {cell.unit}",
            f"clear by {number(cell.margin)}",
            np.round(asked.values[cell.layer, first:last, cell.unit].astype(float), 3).tolist(),
            float(levels[cell.layer, cell.unit]),
        )
        for cell in few.itertuples()
    ]
    low, high = asked.low, asked.high
    if not asked.bounded:
        high = max(abs(value) for row in rows for value in row.values)
        low = -high
    part = selection.text.part if selection.text.parts > 1 else None

    def open_cell(place: int) -> None:
        cell = cells.iloc[place]
        which = {"layer": int(cell["layer"]) + 1, "unit": int(cell["unit"]), "signal": asked.signal}
        at = {"text": selection.text.id, "part": part, "t": asked.brush.start}
        opening.ask("cells", model=selection.model, **at, **which)

    curves(
        rows,
        start=asked.brush.start - first,
        end=asked.brush.end - first,
        before=asked.brush.before,
        after=asked.brush.after,
        low=low,
        high=high,
        colour=theme.palette().signal(asked.signal),
        label="Cells that fit, with their curves; press one to open it on Cells",
        key="cells",
        on_choose=open_cell,
    )
    how_to_read(
        f"${asked.signal}$ of each cell over the passage and {AROUND} characters on either side, all on one scale from "
        f"{number(low, signed=True)} to {number(high, signed=True)}; dotted, its threshold. Clear by: how "
        "far it keeps from the threshold at its weakest step. A click opens the cell."
    )
    take_home(cells, "cells")
