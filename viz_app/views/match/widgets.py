"""Widgets of the page Match."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from viz_app import state


def slide(label: str, key: str, value: float, low: float, high: float, step: float) -> None:
    """Draw a slider that is held in the link under ``key``."""
    widget = f"_slide_{key}"
    st.session_state[widget] = min(max(value, low), high)

    def moved() -> None:
        chosen = st.session_state[widget]
        state.set_link(**{key: round(chosen, 2) if isinstance(chosen, float) else chosen})

    st.slider(label, low, high, step=step, key=widget, on_change=moved)


def take_home(table: pd.DataFrame, name: str) -> None:
    """Draw a button that downloads a table."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key=f"downloads-{name}"):
        st.download_button(
            "CSV",
            lambda: table.to_csv(index=False).encode(),
            file_name=f"{name}.csv",
            mime="text/csv",
            key=f"csv-{name}",
            type="tertiary",
            on_click="ignore",
        )
