"""Five clicks for a lecture: vanishing, exploding, clipping, the LSTM's highway, depth; each a link."""

from __future__ import annotations

from typing import Any, NamedTuple

import streamlit as st

from viz_app import controls


class Scene(NamedTuple):
    """A thing to show: its name, what is seen, and the page and selection that show it."""

    name: str
    seen: str
    page: str
    selection: dict[str, Any]


SCENES = (
    Scene("Vanishing", "One text, three cells, one log axis: whose gradient is left.", "gradients", {"text": "sample"}),
    Scene("Exploding", "The same training without clipping, until it breaks.", "clipping", {"view": "training"}),
    Scene("Clipping", "The cliff, and two paths of gradient descent on it.", "clipping", {}),
    Scene(
        "The LSTM’s highway",
        "Every pair of steps, through the cell alone.",
        "gradients",
        {"text": "sample", "view": "map", "row": "LSTM", "path": "c"},
    ),
    Scene("The residual analogy", "The same disease without time, and the same cure.", "depth", {}),
)


def five_clicks() -> None:
    """Draw the scenes in a row; one whose page is not there is left out."""
    pages = st.session_state.get("_pages", {})
    scenes = [scene for scene in SCENES if scene.page in pages]
    if not scenes:
        return
    with st.container(key="five_clicks"):
        st.subheader("The gradient’s story in five clicks", anchor=False)
        for number, (column, scene) in enumerate(zip(st.columns(len(scenes)), scenes, strict=True), 1):
            with column, st.container(border=True, key=f"pick_scene_{number}", height="stretch"):
                st.markdown(f":gray[{number}] **{scene.name}**")
                st.markdown(f":small[:gray[{scene.seen}]]")
                controls.door(scene.page, "Show it →", **scene.selection)
