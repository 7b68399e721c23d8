"""Sentiment: one unit reads a review; what it says, where that falls, and what the model writes with units held."""

from __future__ import annotations

import streamlit as st

import rnncore
from viz_app import state
from viz_app.components.widgets import View, columns, viewed
from viz_app.figures.words import capital
from viz_app.views.sentiment import evidence, file, place, review, steer
from viz_app.views.sentiment.asked import Asked, ask

VIEWS = {
    "steer": View("Hold units", steer.show),
    "evidence": View("Few labels, few units", evidence.show),
    "file": View("A file of texts", file.show),
}
"""By the link's ``view``; drawn below the review."""


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
    view = viewed(VIEWS)
    try:
        view.show(asked)
    except rnncore.Error as error:  # the app does not see what fails when this part alone is drawn again
        st.error(f"{state.plain(capital(str(error)), 500)}.")
