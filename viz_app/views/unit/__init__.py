"""Cells, Unit: all that is known of one unit, and all that can be measured of it while one waits."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from viz_app import claims, controls, corpus, evidence, state
from viz_app.components.diagram.scene import main_state
from viz_app.components.widgets import columns
from viz_app.figures import unit as drawing
from viz_app.figures.style import number
from viz_app.figures.words import capital, escaped
from viz_app.views.inside import opening
from viz_app.views.unit import claim, passages, removal, response, training, values
from viz_app.views.unit.chosen import Chosen

CORPORA = ("held-out", "sample", "stdlib", "text")

First = tuple[int, int, str]
"""A layer, a unit, and a signal."""


def page() -> None:
    """Show the page."""
    selection = controls.bar(
        text=st.query_params.get("corpus") == "text",
        opens_on=lambda name, text: _first(name, text)[0],
        also=_choices,
    )
    title = st.empty()
    unit, signal = _chosen(selection)
    where = corpus.find(selection.model, selection.text, CORPORA)
    chosen = Chosen(selection, selection.layer, unit, signal, where, evidence.of(selection.model))
    title.title(escaped(capital(f"{chosen.name} has not been judged")), anchor=False)
    if chosen.row is None:
        chosen = replace(chosen, known=claim.weighed(chosen))
    if chosen.row is not None:
        title.title(escaped(_finding(chosen)), anchor=False)
        claim.show(chosen)
    if chosen.row is None:
        values.show(chosen)
    else:
        left, right = columns([1, 1])
        with left:
            claim.features(chosen)
        with right:
            values.show(chosen)
    passages.show(chosen)
    response.show(chosen)
    training.show(chosen)
    removal.show(chosen)


def _choices(selection: controls.Selection) -> None:
    """Draw the choice of a unit, of a signal and of a corpus."""
    model, known = state.model(selection.model), evidence.of(selection.model)
    unit, signal = _chosen(selection)
    proven = set()
    if known is not None:
        own = known.units[(known.units["layer"] == selection.layer) & (known.units["verdict"] == "verified")]
        proven = set(own["unit"])
    units = range(model.config.units)
    controls.choose("Unit", "unit", units, unit, lambda one: f"{one} ✓" if one in proven else str(one), width=100)
    controls.choose("Signal", "signal", list(model.layers[0].signals()), signal, width=80)
    corpus.choose(selection.model, selection.text, CORPORA)


def _chosen(selection: controls.Selection) -> tuple[int, str]:
    """Return the unit and the signal that the link asks for."""
    model = state.model(selection.model)
    _, first, _ = _first(selection.model, selection.text.text, selection.layer)
    unit = state.link("unit", first, low=0, high=model.config.units - 1)
    known, usual = evidence.of(selection.model), main_state(model.layers[selection.layer])
    if known is not None:
        own = known.units[(known.units["layer"] == selection.layer) & (known.units["unit"] == unit)]
        usual = str(own["signal"].iloc[0]) if len(own) else usual
    return unit, state.link("signal", usual, choices=model.layers[0].signals())


def _first(name: str, text: str, layer: int | None = None) -> First:
    """Return what the page opens on: the best verified unit; where there is none, the one that moves most on a text."""
    found = evidence.verified(evidence.of(name), layer)
    if len(found):
        best = found.iloc[0]
        return int(best["layer"]), int(best["unit"]), str(best["signal"])
    model = state.model(name)
    layer = len(model.layers) - 1 if layer is None else layer
    symbol = main_state(model.layers[layer])
    return layer, opening(state.record(name, text)[symbol, layer])[0], symbol


def _finding(chosen: Chosen) -> str:
    row = chosen.row or {}
    said = claims.claim(row)
    discrete = row["kind"] == "discrete"
    score = f"{said.scale[0]} {number(claims.figure(row['strength'], discrete, row['r2']), 3)}"
    return capital(drawing.title(chosen.name, row, said.head, score))
