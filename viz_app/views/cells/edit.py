"""The text at hand changed by the visitor: what it was, pinned, and below it what it is now."""

from __future__ import annotations

import streamlit as st

from viz_app import controls, state
from viz_app.components.reader import Chosen, Reading
from viz_app.components.versus import versus
from viz_app.components.widgets import how_to_read
from viz_app.figures import edited as words
from viz_app.figures.words import escaped
from viz_app.texts import WINDOW, digest

LONGEST = 2 * WINDOW
"""Characters that an edited text may have."""


def ask(selection: controls.Selection) -> None:
    """Draw the way to change the text."""
    if st.session_state.pop("_changed", False):
        st.session_state["_edit"] = False
    with st.popover("Edit", key="_edit", on_change="rerun") as popover:
        if not popover.open:
            return
        now = text(selection) or selection.text.text
        key = f"_edit_{digest(now)}"
        changed = st.text_area("Change the text", now, key=key, height=260, max_chars=LONGEST)
        st.button("Read", type="primary", width="stretch", on_click=lambda: _keep(selection, st.session_state[key]))
        if changed == selection.text.text:
            st.markdown(":small[:gray[Change a word, a quote or a bracket, and see what the cell makes of it.]]")


def _keep(selection: controls.Selection, changed: str) -> None:
    """Hold the edited text in the link; the text at hand is thereby pinned."""
    st.session_state["_changed"] = True
    try:
        name = None if changed == selection.text.text else state.keep(changed)[0]
    except state.TextError as error:
        state.memory("notices")["edited"] = str(error)
        return
    state.set_link(edited=name)


def text(selection: controls.Selection) -> str:
    """Return the edited text that the link asks for; nothing if it asks for none, or for one that is not there."""
    name = state.link("edited", "")
    if not name.startswith("mine:"):
        return ""
    try:
        return state.whole(selection.model, name)[:LONGEST]
    except state.TextError as error:
        state.refuse("edited", str(error))
        state.link("edited", "")  # says it
        return ""


def compare(selection: controls.Selection, reading: Reading, now: Chosen) -> None:
    """Show the pinned text and the edited one by the unit at hand, if there is an edited one."""
    changed = text(selection)
    if not changed:
        return
    signal, recording = reading.signals[now.signal], reading.recording
    other = Reading(state.record(selection.model, changed), reading.layer)
    blocks = words.aligned(recording.tokens, other.recording.tokens)
    values = (reading.values(now.signal)[:, now.unit], other.values(now.signal)[:, now.unit])
    what = f"unit {now.unit}’s {signal.meaning}"
    st.subheader(escaped(words.finding(*values, blocks, what, signal.low, signal.high, signal.signed)), anchor=False)
    versus((recording.tokens, other.recording.tokens), values, ("Pinned", "Edited"), blocks, signal, key="versus")
    how_to_read(
        "Both texts wear the same unit on the same scale; what was changed is underlined. Dashed the pinned text, "
        "solid the edited one, around the change, letters that belong together below each other. Before the change "
        "the two must be the same; did the unit not care for what was changed, they would be so after it too."
    )
    st.button("Unpin", key="_unpin", on_click=_unpin)


def _unpin() -> None:
    state.set_link(edited=None)
