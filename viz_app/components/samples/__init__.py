"""Texts side by side as they are written, each with what a judge says of it once it is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Sample:
    """A text that was written.

    Attributes
    ----------
    text : str
    verdict : str
        What the judge says.
    colour : str
        Of the verdict, as #RRGGBB.
    """

    text: str
    verdict: str
    colour: str


def samples(prompt: str, rows: Sequence[Sample], key: str) -> None:
    """Write the texts, each after ``prompt``."""
    _component()(key=key, data={"prompt": prompt, "rows": [asdict(row) for row in rows]}, height="content")


@st.cache_resource
def _component() -> st.components.v2.types.ComponentRenderer:
    css, shared, js = ((_FOLDER / file).read_text("utf-8") for file in ("samples.css", "../dom.js", "samples.js"))
    return st.components.v2.component("rnncore.samples", css=css, js=shared + js)
