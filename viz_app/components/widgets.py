"""Small parts of pages: widgets that are held in the link, columns, and the words below a figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import streamlit as st

from rnncore.errors import Error
from viz_app import jobs, state
from viz_app.figures.words import capital, escaped, thousands


class View(NamedTuple):
    """A part of a page: its name in the row of views, and what draws it."""

    title: str
    show: Callable[..., None]


def viewed(views: Mapping[str, View], first: str = "") -> View:
    """Draw the row of a page's views and return the one that the link's ``view`` asks for, or ``first``, or the first.

    Only that one is to be shown: the others compute nothing.
    """
    asked = state.link("view", first or next(iter(views)), choices=tuple(views))
    switch("View", "view", {name: view.title for name, view in views.items()}, asked)
    return views[asked]


def columns(widths: Sequence[int]) -> Sequence[Any]:
    """Return columns, or on a projector as many containers below each other."""
    return [st.container() for _ in widths] if state.projector() else st.columns(widths, gap="large")


def letters() -> int:
    """Return the size of a figure's letters: on a projector they grow with the page's."""
    return 24 if state.projector() else 16


def slider(label: str, key: str, value: int, high: int) -> None:
    """Draw a slider that is held in the link under ``key``."""
    if high < 1:
        return
    widget = f"_slide_{key}"
    st.session_state[widget] = min(value, high)
    st.slider(label, 0, high, key=widget, on_change=lambda: state.set_link(**{key: st.session_state[widget]}))


def switch(label: str, key: str, options: Mapping[str, str], value: str) -> None:
    """Draw a choice among a few that are all seen, held in the link under ``key``."""
    widget = f"_switch_{key}"
    st.session_state[widget] = value
    st.segmented_control(
        label,
        list(options),
        key=widget,
        format_func=options.__getitem__,
        label_visibility="collapsed",
        required=True,
        width="content",
        on_change=lambda: state.set_link(**{key: st.session_state[widget]}),
    )


def stops(label: str, key: str, options: Sequence[int], value: int) -> None:
    """Draw a slider over a few numbers, held in the link under ``key``."""
    widget = f"_{key}"
    st.session_state[widget] = value
    st.select_slider(
        label,
        options,
        key=widget,
        format_func=thousands,
        on_change=lambda: state.set_link(**{key: st.session_state[widget]}),
    )


def toggle(label: str, key: str, value: bool, **options: Any) -> None:
    """Draw a toggle that is held in the link under ``key``."""
    widget = f"_{key}"
    st.session_state[widget] = value
    st.toggle(label, key=widget, on_change=lambda: state.set_link(**{key: st.session_state[widget]}), **options)


def begin(start: Callable[[], None], **link: Any) -> None:
    """Start what takes a moment and go to where it is seen, or say why it cannot be started."""
    try:
        with st.spinner("Starting…"):
            start()
    except (jobs.JobError, Error) as error:
        st.error(state.plain(capital(str(error)), 400))
        return
    state.set_link(**link)
    st.rerun()


def how_to_read(explanation: str, conclusion: str = "") -> None:
    """Write how a figure is read, in markdown, and below it what follows from its numbers, in plain words."""
    st.markdown(f":small[**How to read it.** :gray[{explanation}]]")
    if conclusion:
        st.markdown(f":small[**What follows.** {escaped(conclusion)}]")
