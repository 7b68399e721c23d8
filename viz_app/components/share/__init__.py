"""The button that copies the page's address, which holds the page's whole state."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_FOLDER = Path(__file__).parent


def copy_link() -> None:
    """Draw the button; where the browser refuses the clipboard it shows the link to copy by hand."""
    _component()(key="copy-link", width="content", height="content")


@st.cache_resource
def _component() -> st.components.v2.types.ComponentRenderer:
    files = {kind: (_FOLDER / f"share.{kind}").read_text("utf-8") for kind in ("html", "css", "js")}
    return st.components.v2.component("rnncore.share", **files)
