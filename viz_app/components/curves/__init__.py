"""Cells below each other, each with its small curve over a part of a text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Curve:
    """One cell: its name, what is said of it, its values, and the value from which it counts as on."""

    head: str
    note: str
    values: Sequence[float]
    threshold: float


def curves(
    rows: Sequence[Curve],
    *,
    start: int,
    end: int,
    before: int,
    after: int,
    low: float,
    high: float,
    colour: str,
    label: str,
    key: str,
    on_choose: Callable[[int], None],
) -> None:
    """Draw the curves on one scale, and report the number of the one that is clicked.

    Parameters
    ----------
    start, end : int
        Places in the curves between which the cells are on.
    before, after : int
        So many places on either side they are off.
    low, high : float
        Ends of the scale.
    colour : str
        Of the curves, as #RRGGBB.
    label : str
        What is listed, for those who cannot see it.
    on_choose : callable
        Called with the number of the curve that is clicked, before the page runs again.
    """

    def chosen() -> None:
        number = st.session_state[key].get("choice")
        if isinstance(number, int) and 0 <= number < len(rows):
            on_choose(number)

    data = {"rows": [asdict(row) for row in rows], "range": [start, end], "sides": [before, after]}
    data |= {"low": low, "high": high, "colour": colour, "label": label}
    _component()(key=key, data=data, on_choice_change=chosen, height="content")


@st.cache_resource
def _component() -> st.components.v2.types.ComponentRenderer:
    css, js = ((_FOLDER / f"curves.{kind}").read_text("utf-8") for kind in ("css", "js"))
    return st.components.v2.component("rnncore.curves", css=css, js=js)
