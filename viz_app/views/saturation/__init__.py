"""Cells, Saturation: how often each gate of each unit is all but shut or all but open, on a text and over training."""

from __future__ import annotations

import math

import streamlit as st

import rnncore
from viz_app import controls, corpus, state
from viz_app.components.widgets import switch
from viz_app.figures.words import escaped
from viz_app.views.saturation import text, training

VIEWS = {"text": "On a text", "training": "Over training"}
"""By the link's ``view``."""


def page() -> None:
    """Show the page."""
    view = state.link("view", "text", choices=tuple(VIEWS))
    reads = view == "text"
    selection = controls.bar(
        layer=False,
        text=reads and st.query_params.get("corpus") == "text",
        also=lambda chosen: corpus.choose(chosen.model, chosen.text, text.CORPORA) if reads else None,
    )
    cell = rnncore.cells()[state.model(selection.model).config.cell]
    gated = any(math.isfinite(gate.low) and math.isfinite(gate.high) for gate in cell.gates)
    if not gated:
        st.title(escaped(f"{selection.model} has no gates that could saturate"), anchor=False)
        st.markdown(f"A {cell.title} has no gate with two ends. Choose a model with gates, such as an LSTM or a GRU.")
        return
    switch("View", "view", VIEWS, view)
    meanings = {gate.symbol: gate.meaning for gate in cell.gates}
    (text if reads else training).show(selection, meanings)
