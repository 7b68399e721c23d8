"""Passages of a text below each other, each character on the colour of a share or of a kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import streamlit as st

_FOLDER = Path(__file__).parent

NONE = -1
"""The level of a character without a colour."""


@dataclass(frozen=True)
class Excerpt:
    """A passage.

    Attributes
    ----------
    tokens : sequence of str
        One string a step.
    levels : sequence of int
        For each token its share in hundredths, or the number of its kind; :data:`NONE` for no colour.
    start, end : int
        Which of the tokens are marked; the same where none is.
    head, note : str
        What stands before it, and small below that.
    told : sequence of str
        What is said of a token under the pointer; empty for nothing.
    """

    tokens: Sequence[str]
    levels: Sequence[int]
    start: int = 0
    end: int = 0
    head: str = ""
    note: str = ""
    told: Sequence[str] = ()


@dataclass(frozen=True)
class Shares:
    """A scale from 0 to 100 hundredths, with the words at its ends."""

    low: str
    high: str


@dataclass(frozen=True)
class Kinds:
    """Names, and a colour for each as #RRGGBB."""

    names: Sequence[str]
    colours: Sequence[str]


def excerpts(
    rows: Sequence[Excerpt],
    scale: Shares | Kinds,
    *,
    label: str,
    key: str,
    breaks: bool = False,
    on_choose: Callable[[int], None] | None = None,
) -> None:
    """Draw the passages and what the colours mean.

    Parameters
    ----------
    label : str
        What is listed, for those who cannot see it.
    breaks : bool
        Whether a line break of the text breaks the line here too.
    on_choose : callable, optional
        Called with the number of the passage that is clicked, before the page runs again.
    """

    def chosen() -> None:
        number = st.session_state[key].get("choice")
        if on_choose and isinstance(number, int) and 0 <= number < len(rows):
            on_choose(number)

    data: dict[str, Any] = {
        "rows": [asdict(row) for row in rows],
        "scale": asdict(scale),
        "label": label,
        "breaks": breaks,
        "choose": on_choose is not None,
    }
    _component()(key=key, data=data, on_choice_change=chosen, height="content")


@st.cache_resource
def _component() -> st.components.v2.types.ComponentRenderer:
    css, shared, js = ((_FOLDER / file).read_text("utf-8") for file in ("excerpts.css", "../dom.js", "excerpts.js"))
    return st.components.v2.component("rnncore.excerpts", css=css, js=shared + js)
