"""A map of all pairs of steps: column k, row t, one value for each k up to t, told under the pointer."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import streamlit as st

_FOLDER = Path(__file__).parent

TINY = -32_768
"""In place of a logarithm: the value is too small for a plain number, or there is no path."""


def pairs(
    norms: np.ndarray,
    tokens: Sequence[str],
    *,
    target: int,
    source: int,
    low: int,
    high: int,
    scale: Sequence[str],
    key: str,
    label: str,
    on_choose: Callable[[int, int], None],
) -> None:
    """Draw the lower triangle of ``norms`` on a canvas, and report the pair that is clicked or moved to.

    Parameters
    ----------
    norms : float64 [time, time]
        At [t, k] the value of a step t and an earlier step k.
    tokens : sequence of str
        One string a step.
    target, source : int
        The pair t, k that is marked: its row is framed, its column ticked.
    low, high : int
        The scale is logarithmic from 10 to the ``low`` to 10 to the ``high``; what is beyond looks like its end.
    scale : sequence of str
        Colours from the smallest to the largest, as #RRGGBB.
    label : str
        What is drawn, for those who cannot see it.
    on_choose : callable
        Called with (t, k) before the page runs again.
    """

    def chosen() -> None:
        pair = st.session_state[key].get("pair")
        if isinstance(pair, list) and len(pair) == 2 and 0 <= pair[1] <= pair[0] < len(tokens):
            on_choose(int(pair[0]), int(pair[1]))

    _component()(
        key=key,
        data={
            "logs": packed(norms),
            "tokens": list(tokens),
            "target": target,
            "source": source,
            "low": low,
            "high": high,
            "scale": list(scale),
            "label": label,
        },
        on_pair_change=chosen,
        height="content",
    )


def packed(norms: np.ndarray) -> str:
    """Return log10 of the lower triangle, row by row, in hundredths as int16 in base64."""
    values = norms[np.tril_indices(len(norms))]
    with np.errstate(divide="ignore"):
        hundredths = np.round(100 * np.log10(values))
    whole = np.where(np.isfinite(hundredths), np.clip(hundredths, TINY + 1, -TINY - 1), TINY).astype("<i2")
    return base64.b64encode(whole.tobytes()).decode()


@st.cache_resource
def _component() -> st.components.v2.types.ComponentRenderer:
    css, shared, js = ((_FOLDER / file).read_text("utf-8") for file in ("pairs.css", "../dom.js", "pairs.js"))
    return st.components.v2.component("rnncore.pairs", css=css, js=shared + js)
