"""Cells, Text: a text coloured by one unit of one signal of one layer."""

from __future__ import annotations

import streamlit as st

from viz_app import controls, state
from viz_app.components.reader import Chosen, Reading, clearest, reader
from viz_app.components.reader.ranking import SORTS


def page() -> None:
    """Show the page."""
    selection = controls.bar(opens_on=lambda name, text: _clearest(name, state.stamp(name), text))
    name = selection.model
    _reader(_reading(name, state.stamp(name), selection.text.text, selection.layer))


@st.cache_resource(max_entries=12, show_spinner=False)
def _reading(model: str, stamp: str, text: str, layer: int) -> Reading:
    return Reading(state.record(model, text), layer)


@st.cache_resource(max_entries=64, show_spinner=False)
def _clearest(model: str, stamp: str, text: str) -> int:
    return clearest(state.record(model, text)).layer


@st.fragment
def _reader(reading: Reading) -> None:
    """The reader and the link, which follow each other without the rest of the page."""
    now = reader(reading, _linked(reading), key="reader")
    state.set_link(signal=now.signal, sort=now.sort)
    _linked(reading)  # which unit and step a link may leave out depends on them
    state.set_link(unit=now.unit, t=now.t)


def _linked(reading: Reading) -> Chosen:
    signal = state.link("signal", reading.memory, choices=tuple(reading.signals))
    sort = state.link("sort", "pattern", choices=tuple(SORTS))
    unit, t = reading.start(signal, sort)
    return Chosen(
        unit=state.link("unit", unit, low=0, high=reading.units - 1),
        signal=signal,
        sort=sort,
        t=state.link("t", t, low=0, high=reading.recording.time - 1),
    )
