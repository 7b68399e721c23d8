"""Inside the cell: its diagram with a unit's numbers flowing through it, step by step, and its equations.

The diagram is laid out from the cell's traced equations, whatever they are; the browser holds the numbers of
every step, so that a step needs no answer from here. It reports where it stands a moment after the last one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

_FOLDER = Path(__file__).parent
_SCRIPTS = ("drawing.js", "panels.js", "take.js", "inside.js")


def inside(scene: Mapping[str, Any], t: int, key: str) -> int:
    """Show ``scene`` (see :func:`viz_app.components.diagram.scene.scene`) at step ``t``; return the step now shown.

    Call it inside a fragment: every report reruns what it stands in.
    """
    state = st.session_state.get(key)
    now = reported(state.get("at") if state else None, scene)
    data = {"scene": scene if now is None else None, "t": t}
    _component()(key=key, data=data, on_at_change=lambda: None, height="content")
    return t if now is None else now


def reported(report: Any, scene: Mapping[str, Any]) -> int | None:
    """Return the step that the browser reported, None if it holds another scene or says what cannot be."""
    try:
        t = int(report["t"]) if report["of"] == scene["of"] else -1
    except (TypeError, KeyError, ValueError):
        return None
    return t if 0 <= t < len(scene["tokens"]) else None


@st.cache_resource
def _component() -> st.components.v2.types.ComponentRenderer:
    js = "\n".join((_FOLDER / name).read_text("utf-8") for name in _SCRIPTS)
    html, css = ((_FOLDER / f"inside.{kind}").read_text("utf-8") for kind in ("html", "css"))
    return st.components.v2.component("rnncore.inside", html=html, css=css, js=js)
