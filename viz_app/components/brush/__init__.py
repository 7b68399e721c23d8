"""A text in which a range is brushed: by dragging, by a click on a word, by the arrow keys, by buttons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import streamlit as st

_FOLDER = Path(__file__).parent


def brush(
    tokens: Sequence[str],
    shares: np.ndarray,
    *,
    start: int,
    end: int,
    before: int,
    after: int,
    key: str,
    on_choose: Callable[[int, int], None],
) -> None:
    """Show the text, and report the range that is brushed.

    Parameters
    ----------
    tokens : sequence of str
        One string a step.
    shares : float [time]
        From 0 to 1: how dark the ground of each step is.
    start, end : int
        The range, from ``start`` up to but not including ``end``.
    before, after : int
        So many steps on either side are dashed.
    on_choose : callable
        Called with (start, end) before the page runs again.
    """

    def chosen() -> None:
        found = st.session_state[key].get("range")
        if isinstance(found, list) and len(found) == 2 and 0 <= found[0] < found[1] <= len(tokens):
            on_choose(int(found[0]), int(found[1]))

    _component()(
        key=key,
        data={
            "tokens": list(tokens),
            "shares": np.round(100 * np.asarray(shares, float)).astype(int).tolist(),
            "range": [start, end],
            "sides": [before, after],
        },
        on_range_change=chosen,
        height="content",
    )


@st.cache_resource
def _component() -> st.components.v2.types.ComponentRenderer:
    css, shared, js = ((_FOLDER / file).read_text("utf-8") for file in ("brush.css", "../dom.js", "brush.js"))
    return st.components.v2.component("rnncore.brush", css=css, js=shared + js)
