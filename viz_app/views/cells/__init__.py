"""Cells, Text: a text coloured by one unit of one signal of one layer, with what is known of the unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import streamlit as st

from viz_app import controls, evidence, opening, state
from viz_app.components.reader import Chosen, Reading, clearest, reader
from viz_app.views.cells import edit, find


class First(NamedTuple):
    """What the page opens on: an order of units, a signal, a unit; ``layer`` counts from 0."""

    sort: str
    signal: str
    unit: int
    layer: int


def page() -> None:
    """Show the page."""
    selection = controls.bar(opens_on=_layer, also=_ways)
    name, text = selection.model, selection.text.text
    edit.text(selection)  # where a link asks for one that is not there, it is said here
    find.answer(selection)
    reading = _reading(name, state.stamp(name), text, selection.layer, evidence.stamp(name))
    _reader(selection, reading, _first(name, text, selection.layer))


def _ways(selection: controls.Selection) -> None:
    """Draw the two ways on: to another cell, and to another text."""
    find.ask(selection)
    edit.ask(selection)


def _layer(name: str, text: str) -> int:
    first = _first(name, text)
    return first.layer if first else _clearest(name, state.stamp(name), text)


def _first(name: str, text: str, layer: int | None = None) -> First | None:
    """Return the best verified unit that can be seen at work on a text; None where there is none."""
    return _seen(name, text, layer, evidence.stamp(name))


@st.cache_resource(max_entries=64, show_spinner=False)
def _seen(name: str, text: str, layer: int | None, known: str) -> First | None:
    row = evidence.first(evidence.of(name), text, layer)
    return None if row is None else First(str(row["feature"]), str(row["signal"]), int(row["unit"]), int(row["layer"]))


@st.cache_resource(max_entries=12, show_spinner=False)
def _reading(model: str, stamp: str, text: str, layer: int, known: str) -> Reading:
    return Reading(state.record(model, text), layer, evidence.of(model))


@st.cache_resource(max_entries=64, show_spinner=False)
def _clearest(model: str, stamp: str, text: str) -> int:
    return clearest(state.record(model, text)).layer


@st.fragment
def _reader(selection: controls.Selection, reading: Reading, first: First | None) -> None:
    """The reader and the link, which follow each other without the rest of the page."""

    def turn(page: str, place: Mapping[str, Any]) -> None:
        st.session_state["_turned"] = True
        if page == "cells":
            find.go(**place)
        else:
            opening.ask(page, model=selection.model, **place)

    if st.session_state.pop("_turned", False):
        st.rerun()
    chosen = _linked(reading, first)
    above = st.container()
    doors = [door for door in ("unit",) if door in st.session_state.get("_pages", {})]
    visit = st.session_state.get("_visit", 0)
    now = reader(reading, chosen, key="reader", visit=visit, doors=doors, on_open=turn)
    state.set_link(sort=now.sort)
    _linked(reading, first)  # which signal, unit and step a link may leave out depends on them
    state.set_link(signal=now.signal)
    _linked(reading, first)
    state.set_link(unit=now.unit, t=now.t)
    with above:
        edit.compare(selection, reading, now)


def _linked(reading: Reading, first: First | None) -> Chosen:
    """Return what the link asks for; what it leaves open is the first unit of its order, or the best verified one."""
    sort = state.link("sort", first.sort if first else "pattern", choices=tuple(reading.sorts))
    if first and sort == first.sort:
        signal = state.link("signal", first.signal, choices=tuple(reading.signals))
    else:
        signal = state.link("signal", reading.signal(sort), choices=tuple(reading.signals))
    if first and (sort, signal) == (first.sort, first.signal):
        unit, t = first.unit, reading.strongest(signal, first.unit)
    else:
        unit, t = reading.start(signal, sort)
    return Chosen(
        unit=state.link("unit", unit, low=0, high=reading.units - 1),
        signal=signal,
        sort=sort,
        t=state.link("t", t, low=0, high=reading.recording.time - 1),
    )
