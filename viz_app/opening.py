"""To another page by a click inside a figure or a component."""

from __future__ import annotations

from typing import Any

import streamlit as st


def ask(page: str, **selection: Any) -> None:
    """Ask for another page with ``selection``. For callbacks, in which Streamlit cannot turn the page."""
    st.session_state["_open"] = (page, selection)


def follow() -> None:
    """Open the page that was asked for, if one was.

    Called by the app before it draws anything: what a run has drawn until it is given up may be asked for in vain.
    """
    page, selection = st.session_state.pop("_open", ("", {}))
    target = st.session_state.get("_pages", {}).get(page)
    if target is not None:
        values = {key: str(value) for key, value in selection.items() if value is not None}
        st.switch_page(target, query_params=values)
