"""Cells, Inside the cell: one step at a time, the numbers of one unit in the cell's diagram and equations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from viz_app import controls, state
from viz_app.components.diagram import inside
from viz_app.components.diagram.scene import main_state, scene

QUIET = 20
"""Steps at the start of a text, where the state has yet to fill, that the page does not open at."""


def page() -> None:
    """Show the page."""
    selection = controls.bar(also=_unit)
    name, text = selection.model, selection.text.text
    unit, t = _opening(selection)
    chosen = None if state.link("mean", False) else state.link("unit", unit, low=0)
    _steps(_scene(name, state.stamp(name), text, selection.layer, chosen), t)


def _opening(selection: controls.Selection) -> tuple[int, int]:
    recording = state.record(selection.model, selection.text.text)
    symbol = main_state(state.model(selection.model).layers[selection.layer])
    return opening(recording[symbol, selection.layer])


def _unit(selection: controls.Selection) -> None:
    """Draw the choice of a unit, or of the mean over the layer."""
    units = state.model(selection.model).config.units
    unit = state.link("unit", _opening(selection)[0], low=0, high=units - 1)
    if not state.link("mean", False):
        controls.choose("Unit", "unit", range(units), unit, width=100)
    st.session_state["_mean"] = state.link("mean", False)
    st.toggle("Mean of all units", key="_mean", on_change=lambda: state.set_link(mean=st.session_state["_mean"]))


@st.fragment
def _steps(shown: Mapping[str, Any], t: int) -> None:
    """The steps and the link, which follow each other without the rest of the page."""
    now = inside(shown, state.link("t", t, low=0, high=len(shown["tokens"]) - 1), key="inside")
    state.set_link(t=now)


@st.cache_resource(max_entries=12, show_spinner=False)
def _scene(model: str, stamp: str, text: str, layer: int, unit: int | None) -> Mapping[str, Any]:
    return scene(state.model(model), state.record(model, text), layer, unit)


def opening(values: np.ndarray) -> tuple[int, int]:
    """Return the unit and the step to open at: the unit that moves most, where it moves farthest.

    A large state counts as little more than one near 1, as in the tanh through which it is seen.

    Parameters
    ----------
    values : float [time, unit]
        The state that the page is about.
    """
    seen = np.tanh(values)
    unit = int(seen.var(0).argmax())
    moves = np.abs(np.diff(seen[:, unit], prepend=0))
    moves[: min(QUIET, len(moves) - 1)] = 0
    return unit, int(moves.argmax())
