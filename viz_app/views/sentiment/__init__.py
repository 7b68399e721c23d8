"""Sentiment: one unit reads a review; what it says, where that falls, and what the model writes when it is held."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import streamlit as st

import rnncore
from viz_app import state
from viz_app.components.widgets import columns, switch
from viz_app.figures.words import capital
from viz_app.views.sentiment import evidence, file, place, review, steer
from viz_app.views.sentiment.asked import Asked, ask


class View(NamedTuple):
    """A part of the page below the review: its name in the row, and what draws it."""

    title: str
    show: Callable[[Asked], None]


VIEWS = {
    "steer": View("Hold the unit", steer.show),
    "evidence": View("Few labels, few units", evidence.show),
    "file": View("A file of texts", file.show),
}
"""By the link's ``view``. Only the one that is asked for computes anything."""


def page() -> None:
    """Show the page."""
    asked = ask()
    left, right = columns([7, 5])
    with left:
        read = review.show(asked)
    with right:
        place.show(asked, read)
    st.divider()
    _below(asked)


@st.fragment
def _below(asked: Asked) -> None:
    """Show the view that is asked for; what is changed in it does not draw the review again."""
    view = state.link("view", "steer", choices=tuple(VIEWS))
    switch("View", "view", {name: one.title for name, one in VIEWS.items()}, view)
    try:
        VIEWS[view].show(asked)
    except rnncore.Error as error:  # the app does not see what fails when this part alone is drawn again
        st.error(f"{state.plain(capital(str(error)), 500)}.")
