"""Translations below each other, one a line: its name, its text with what differs marked, a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import streamlit as st

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Line:
    """A translation.

    Attributes
    ----------
    name : str
        What it is.
    pieces : sequence of (str, bool)
        Its text in pieces, and whether each is marked.
    figure : str
        What is measured of it.
    """

    name: str
    pieces: Sequence[tuple[str, bool]] = field(default_factory=list)
    figure: str = ""


def lines(rows: Sequence[Line], key: str, note: str = "") -> None:
    """Draw translations; ``note`` says below them what the figures are."""
    _component()(key=key, data={"rows": [asdict(row) for row in rows], "note": note}, height="content")


@st.cache_resource
def _component() -> st.components.v2.types.ComponentRenderer:
    css, shared, js = ((_FOLDER / file).read_text("utf-8") for file in ("lines.css", "../dom.js", "lines.js"))
    return st.components.v2.component("rnncore.attention_lines", css=css, js=shared + js)
