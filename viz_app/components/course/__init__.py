"""A text on the colours of one unit, and below it the unit's course; one cursor for both. Or two texts, compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Scale:
    """What the colours mean, and which way is up.

    Attributes
    ----------
    neutral : float
        The value without a colour, which the curve crosses from one class to the other.
    reach : float
        How far from it colours are full.
    polarity : int
        1 where high values say the second class, -1 where low ones do: the second class is up, whatever its sign.
    classes : (str, str)
        What the two sides are called.
    label : str
        What is drawn, such as "cell state of unit 88".
    """

    neutral: float
    reach: float
    polarity: int
    classes: tuple[str, str]
    label: str


@dataclass(frozen=True, eq=False)
class Course:
    """A text and the unit's values along it.

    Attributes
    ----------
    pieces : sequence of str
        One string a step.
    values : float [step]
    name : str
        What stands above it; empty for nothing.
    places : sequence of float
        Where each step is drawn; by default one after the other.
    changed : set of int
        Steps that are underlined.
    """

    pieces: Sequence[str]
    values: np.ndarray
    name: str = ""
    places: Sequence[float] = ()
    changed: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Mark:
    """A word to be written at the curve, at a step; above it where the word took the curve up."""

    word: str
    step: int
    up: bool


def course(now: Course, scale: Scale, marks: Sequence[Mark], key: str, before: Course | None = None) -> None:
    """Draw a text and the unit's course; ``before`` is drawn above it, its course dashed on the same axes."""
    texts = [_drawn(text) for text in (before, now) if text is not None]
    data = {"texts": texts, "scale": asdict(scale), "marks": [asdict(mark) for mark in marks]}
    _component()(key=key, data=data, height="content")


def _drawn(text: Course) -> dict[str, Any]:
    return {
        "pieces": list(text.pieces),
        "values": np.round(np.nan_to_num(text.values), 3).tolist(),
        "name": text.name,
        "places": list(text.places) or list(range(len(text.pieces))),
        "changed": sorted(text.changed),
    }


@st.cache_resource
def _component() -> st.components.v2.types.ComponentRenderer:
    names = ("../legend.css", "course.css", "../dom.js", "course.js")
    legend, css, shared, js = ((_FOLDER / file).read_text("utf-8") for file in names)
    return st.components.v2.component("rnncore.course", css=legend + css, js=shared + js)
