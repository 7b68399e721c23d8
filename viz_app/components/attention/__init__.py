"""Where a decoder looks: the map of all weights, and the fewest links that hold most of them, under one cursor."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np
import streamlit as st

_FOLDER = Path(__file__).parent

Link = tuple[int, int, float]
"""A target token, a source token, and the weight between them."""


def attention(
    weights: np.ndarray,
    source: Sequence[str],
    target: Sequence[str],
    *,
    links: Sequence[Link],
    key: str,
    chosen: int | None = None,
    show: Collection[str] = ("map", "links"),
    titles: tuple[str, str] = ("Attention, one row per target token", "The same, as links"),
    truth: np.ndarray | None = None,
    forced: Sequence[tuple[int, int]] = (),
    most: float = 1.0,
    signed: bool = False,
    unit: str = "each row adds up to 1",
    on_row: Callable[[int], None] | None = None,
    on_cell: Callable[[int, int], None] | None = None,
    on_source: Callable[[int], None] | None = None,
) -> None:
    """Draw a map of target tokens by source tokens, and links between them.

    Parameters
    ----------
    weights : float [target, source]
        nan where a source token was left out.
    source, target : sequence of str
        Tokens as they are shown.
    links : sequence of (target, source, weight)
        What is drawn as links, and what lights up with a token.
    chosen : int, optional
        The target token that is looked at.
    show : of "map", "links"
    truth : bool [target, source], optional
        Which source tokens truly tell each target token; they are framed.
    forced : sequence of (target, source)
        Cells that a visitor has chosen.
    most, signed, unit
        Where the scale ends, whether it has two sides, and what it measures.
    on_row, on_cell, on_source : callable, optional
        Called with the target token, the cell or the source token that is clicked, before the page runs again.
    """
    rows, columns = np.shape(weights)

    def reported(trigger: str) -> list[int]:
        found = st.session_state[key].get(trigger)
        places = found if isinstance(found, list) else []
        return places if all(isinstance(place, int) and place >= 0 for place in places) else []

    def row() -> None:
        found = reported("row")
        if on_row and len(found) == 1 and found[0] < rows:
            on_row(found[0])

    def cell() -> None:
        found = reported("cell")
        if on_cell and len(found) == 2 and found[0] < rows and found[1] < columns:
            on_cell(found[0], found[1])

    def column() -> None:
        found = reported("source")
        if on_source and len(found) == 1 and found[0] < columns:
            on_source(found[0])

    spans = [] if truth is None else [[t, *span] for t in range(len(truth)) for span in runs(truth[t])]
    _component()(
        key=key,
        data={
            "weights": [[None if np.isnan(w) else round(float(w), 3) for w in line] for line in weights],
            "source": list(source),
            "target": list(target),
            "links": [[t, j, round(float(w), 3)] for t, j, w in links],
            "chosen": chosen,
            "show": [part for part in ("map", "links") if part in show],
            "titles": list(titles),
            "truth": spans,
            "forced": [list(pair) for pair in forced],
            "most": most,
            "signed": signed,
            "unit": unit,
            "acts": [name for name, act in (("row", on_row), ("cell", on_cell), ("source", on_source)) if act],
        },
        on_row_change=row,
        on_cell_change=cell,
        on_source_change=column,
        height="content",
    )


def runs(true: np.ndarray) -> list[tuple[int, int]]:
    """Return where runs of true values begin and end; the end is the first place after it."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], true, [False]]).astype(int)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


@st.cache_resource
def _component() -> st.components.v2.types.ComponentRenderer:
    css = (_FOLDER / "attention.css").read_text("utf-8")
    parts = ("../dom.js", "drawing.js", "map.js", "links.js", "attention.js")
    js = "\n".join((_FOLDER / part).read_text("utf-8") for part in parts)
    return st.components.v2.component("rnncore.attention", css=css, js=js)
