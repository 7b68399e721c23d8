"""What is looked for on the page Match: a range of steps of a signal, and when a cell counts as on."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import streamlit as st

import rnncore
from rnncore import analysis
from rnncore.analysis import Brush, On
from viz_app import controls, state
from viz_app.components.reader.packing import tame
from viz_app.components.reader.ranking import colour_scale

SIDES = {"high": "at or above", "low": "at or below"}
LEVELS = {"value": "one value", "share": "each cell’s own"}

FEWEST = 3
"""The page opens on the longest piece of the text that so many cells have to themselves."""

QUIET = 20
"""Steps at the start of a text, where the state has yet to fill, that the page does not open at."""

PIECES = re.compile(r"\"[^\"\n]{3,60}\"|/\*.{4,80}?\*/|\([^()\n]{4,60}\)|\$[^$\n]{4,60}\$|\w{4,}")


@dataclass(frozen=True, eq=False)
class Query:
    """A query.

    Attributes
    ----------
    signal : str
        Its symbol.
    signals : tuple of str
        All that there are.
    values : float32 [layer, time, unit]
        The signal over the text.
    low, high, bounded : float, float, bool
        Its range, or where it has none the range of its colours.
    brush : Brush
        The range of steps, and how far around it cells are off.
    before, after : int
        How far they are to be off, were there room.
    side, level : str
        Out of :data:`SIDES` and :data:`LEVELS`.
    at : float
        The value from which on all cells are on.
    percent : int
        Of steps at which each cell is on, where each has a threshold of its own.
    key : tuple
        All that an index of a corpus depends on.
    """

    signal: str
    signals: tuple[str, ...]
    values: np.ndarray
    low: float
    high: float
    bounded: bool
    brush: Brush
    before: int
    after: int
    side: str
    level: str
    at: float
    percent: int
    key: tuple[Hashable, ...]

    @property
    def on(self) -> On:
        """When a cell is on."""
        return threshold(self.values, self.side, None if self.level == "share" else self.at, self.percent)

    @property
    def cells(self) -> int:
        """Number of cells of all layers."""
        return self.values.shape[0] * self.values.shape[2]


def threshold(values: np.ndarray, side: str, at: float | None, percent: int = 10) -> On:
    """Return when a cell is on: from a value on, or without one at so many per cent of the steps of ``values``."""
    below = side == "low"
    return On.relative(values, percent / 100, below=below) if at is None else On(at, below)


def query(selection: controls.Selection) -> Query:
    """Return the query that the link asks for, on the text that is selected."""
    name, text = selection.model, selection.text.text
    _forget_range(text)
    recording = state.record(name, text)
    signal = state.link("signal", "h", choices=recording.signals)
    values, low, high, bounded = _signal(name, state.stamp(name), text, signal)
    side = state.link("side", "high", choices=tuple(SIDES))
    level = state.link("level", "value" if bounded else "share", choices=tuple(LEVELS))
    usual = round(low + (0.65 if side == "high" else 0.35) * (high - low), 2)
    at, percent = state.link("at", usual, low=low, high=high), state.link("share", 10, low=1, high=50)
    first, last = _opening(name, state.stamp(name), text, signal, side, usual if level == "value" else None)
    start = state.link("from", first, low=0, high=recording.time - 1)
    end = state.link("to", last if last > start else start + 1, low=start + 1, high=recording.time)
    before, after = (state.link(key, 1, low=0, high=20) for key in ("before", "after"))
    return Query(
        signal=signal,
        signals=recording.signals,
        values=values,
        low=low,
        high=high,
        bounded=bounded,
        brush=Brush(start, end, min(before, start), min(after, recording.time - end)),
        before=before,
        after=after,
        side=side,
        level=level,
        at=at,
        percent=percent,
        key=(signal, side, at) if level == "value" else (signal, side, percent, text),
    )


def _forget_range(text: str) -> None:
    """Take the range out of the link when the visitor has turned to another text."""
    known = state.memory("match")
    if known.get("text", text) != text:
        state.set_link(**{"from": None, "to": None})
    known["text"] = text


@st.cache_resource(max_entries=4, show_spinner=False)
def _signal(model: str, stamp: str, text: str, signal: str) -> tuple[np.ndarray, float, float, bool]:
    """Return a signal [layer, time, unit], its range to two decimals, and whether that is its own."""
    recording = state.record(model, text)
    values = tame(recording[signal])
    bounds = rnncore.cells()[recording.cell].ranges().get(signal)
    low, high = colour_scale(values.transpose(1, 0, 2).reshape(recording.time, -1), bounds)
    return values, float(np.floor(low * 100) / 100), float(np.ceil(high * 100) / 100), bounds is not None


@st.cache_resource(max_entries=64, show_spinner=False)
def _opening(model: str, stamp: str, text: str, signal: str, side: str, at: float | None) -> tuple[int, int]:
    values, *_ = _signal(model, stamp, text, signal)
    return opening(values, state.record(model, text).tokens, threshold(values, side, at))


def opening(values: np.ndarray, tokens: tuple[str, ...], on: On) -> tuple[int, int]:
    """Return the range to open at: the longest quotation, comment, bracket or word with some cells to itself.

    Where none has :data:`FEWEST` of them, the one with most.
    """
    joined, time = "".join(tokens), len(tokens)
    found = [match.span() for match in PIECES.finditer(joined)] if len(joined) == time else []
    pieces = [(a, b) for a, b in found if a > QUIET and b < time] or [(time // 2, time // 2 + 1)]
    cells = [len(analysis.fitting(values, Brush(a, b, 1, int(b < time)), on)) for a, b in pieces]
    able = [(b - a, -a) for (a, b), many in zip(pieces, cells, strict=True) if many >= FEWEST]
    if able:
        length, start = max(able)
        return -start, length - start
    return pieces[int(np.argmax(cells))]
