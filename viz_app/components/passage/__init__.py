"""A passage of text, each character on the colour of a size; a click on a character chooses it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import streamlit as st

_FOLDER = Path(__file__).parent


def passage(
    tokens: Sequence[str],
    sizes: np.ndarray,
    *,
    target: int,
    cursor: int | None,
    low: int,
    scale: Sequence[str],
    letters: tuple[str, str],
    key: str,
    on_choose: Callable[[int], None],
) -> None:
    """Show the text, and report the step that is chosen by a click or the arrow keys.

    Parameters
    ----------
    tokens : sequence of str
        One string a step.
    sizes : float [time]
        The size at each step, 1 being the largest that is expected; nan where there is none.
    target, cursor : int
        The step in the ring, and the underlined one.
    low : int
        The scale is logarithmic from 10 to the ``low`` to 1; smaller sizes look like the lowest.
    scale : sequence of str
        Colours from the smallest to the largest, as #RRGGBB.
    letters : tuple of str
        A dark and a light colour: each character takes the one that can be read on its ground.
    on_choose : callable
        Called with the chosen step before the page runs again. The last step cannot be chosen: what comes
        after it is unknown.
    """

    def chosen() -> None:
        step = st.session_state[key].get("step")
        if isinstance(step, int) and 0 <= step < len(tokens) - 1:
            on_choose(step)

    with np.errstate(divide="ignore"):
        logarithms = np.log10(np.asarray(sizes, np.float64))
    _component()(
        key=key,
        data={
            "tokens": list(tokens),
            "logarithms": [None if np.isnan(value) else max(value, -999.0) for value in np.round(logarithms, 3)],
            "target": target,
            "cursor": cursor,
            "low": low,
            "scale": list(scale),
            "letters": list(letters),
        },
        on_step_change=chosen,
        height="content",
    )


@st.cache_resource
def _component() -> st.components.v2.types.ComponentRenderer:
    css, shared, js = ((_FOLDER / file).read_text("utf-8") for file in ("passage.css", "../dom.js", "passage.js"))
    return st.components.v2.component("rnncore.passage", css=css, js=shared + js)
