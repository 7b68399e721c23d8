"""One chart leads another: what the first one plays, the second one shows too."""

from __future__ import annotations

from pathlib import Path

import streamlit as st


def lead(leader: str, follower: str) -> None:
    """Let a chart with frames follow another one; both are named by their keys in :func:`viz_app.components.figure`.

    Their frames are known by the same names. Whatever moves the first, its button or its slider, moves both.
    """
    _component()(
        key=f"lead-{leader}",
        data={"leader": f"st-key-figure-{leader}", "follower": f"st-key-figure-{follower}"},
        width="content",
        height="content",
    )


@st.cache_resource
def _component() -> st.components.v2.types.ComponentRenderer:
    return st.components.v2.component("rnncore.lead", js=(Path(__file__).parent / "lead.js").read_text("utf-8"))
