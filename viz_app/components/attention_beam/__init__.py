"""A beam search as a tree: what was kept, what fell out, what was finished."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Twig:
    """A token of the tree.

    Attributes
    ----------
    parent : int
        The one before it; -1 of the root.
    token : str
        As it is shown.
    step : int
        Its column, from 1; the root's is 0.
    probability : float
        Of this token after those before it.
    total : float
        Log probability of everything up to here, in nats.
    fate : {"best", "kept", "fallen", "finished"}
        On the way to the best translation; followed; fallen out of the beam; the end of another translation.
    score : str
        Of a finished translation.
    """

    parent: int
    token: str
    step: int
    probability: float
    total: float
    fate: str
    score: str = ""


def tree(twigs: Sequence[Twig], key: str, label: str, on_choose: Callable[[int], None]) -> None:
    """Draw the tree, the root at the left, the likeliest at the top; report the twig that is clicked."""

    def chosen() -> None:
        found = st.session_state[key].get("twig")
        if isinstance(found, int) and 0 < found < len(twigs):
            on_choose(found)

    data = {"twigs": [asdict(twig) for twig in twigs], "label": label}
    _component()(key=key, data=data, on_twig_change=chosen, height="content")


@st.cache_resource
def _component() -> st.components.v2.types.ComponentRenderer:
    css = (_FOLDER / "beam.css").read_text("utf-8")
    parts = ("../dom.js", "../attention/drawing.js", "beam.js")
    js = "\n".join((_FOLDER / part).read_text("utf-8") for part in parts)
    return st.components.v2.component("rnncore.attention_beam", css=css, js=js)
