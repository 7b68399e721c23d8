"""Gradients, Flow: how far back each model's gradient reaches, by every measure there is, each a view of the page."""

from __future__ import annotations

import streamlit as st

from viz_app import lecture, state
from viz_app.components.widgets import View, viewed
from viz_app.views.gradients import flow, horizon, jacobian, spectrum, training
from viz_app.views.gradients.compared import compare

VIEWS = {
    "flow": View("Flow", flow.show),
    "map": View("Every pair of steps", jacobian.show),
    "spectrum": View("Spectrum", spectrum.show),
    "horizon": View("Memory horizon", horizon.show),
    "training": View("Over training", training.show),
}
"""By the link's ``view``."""


def page() -> None:
    """Show the page."""
    _address()
    compared = compare()
    first = "training" if "step" in st.query_params else "flow"  # older links name the step of training alone
    view = viewed(VIEWS, first)
    body, foot = st.container(), st.container()
    with foot:
        lecture.five_clicks()
    with body:
        view.show(compared)


def _address() -> None:
    """Write into the address what a link from this page to itself asks for: Streamlit follows it, but leaves that."""
    asked, known = st.query_params.to_dict(), state.memory("address")
    if known and asked not in (known.get("asked"), state.memory("own")):
        st.query_params.from_dict(asked)
    known["asked"] = asked
