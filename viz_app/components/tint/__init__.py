"""A short passage tinted by the values of one unit; the value under the pointer is written below it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import streamlit as st

_FOLDER = Path(__file__).parent


def tint(tokens: Sequence[str], values: np.ndarray, reach: float, label: str, key: str) -> None:
    """Draw ``tokens`` on the signed scale.

    Parameters
    ----------
    values : float [time]
        One value a token.
    reach : float
        The size of a value at which the colour is full.
    label : str
        What is drawn, such as "c of unit 109, layer 2".
    """
    data = {
        "tokens": list(tokens),
        "values": np.round(np.nan_to_num(values).astype(float), 3).tolist(),
        "reach": reach,
        "label": label,
    }
    _component()(key=key, data=data, height="content")


@st.cache_resource
def _component() -> st.components.v2.types.ComponentRenderer:
    names = ("tint.html", "../legend.css", "tint.css", "../dom.js", "tint.js")
    html, legend, css, shared, js = ((_FOLDER / file).read_text("utf-8") for file in names)
    return st.components.v2.component("rnncore.tint", html=html, css=legend + css, js=shared + js)
