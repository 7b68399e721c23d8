"""Cells, Errors: what a model gets wrong, what it would take to get it right, and how well it closes brackets."""

from __future__ import annotations

import streamlit as st

from viz_app import controls, corpus, state
from viz_app.components.widgets import View, viewed
from viz_app.views.errors import closing, ladder
from viz_app.views.errors.read import CORPORA, read

VIEWS = {"ladder": View("Ladder of errors", ladder.show), "closing": View("Closing brackets", closing.show)}
"""By the link's ``view``."""


def page() -> None:
    """Show the page."""
    selection = controls.bar(
        layer=False, text=_shows_text(), also=lambda chosen: corpus.choose(chosen.model, chosen.text, CORPORA)
    )
    view = viewed(VIEWS)
    title, about = st.empty(), st.container()
    found = read(selection, about)
    if found is not None:
        view.show(selection.model, found, title)


def _shows_text() -> bool:
    """Tell whether the choice of a text is of use: where it is what is read, or could be."""
    name = st.query_params.get("model", "")
    return st.query_params.get("corpus") == "text" or not state.has(name) or bool(corpus.missing(name))
