"""Attention: a translator at work on a sentence, where it looks, and what happens when it is made to look elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from viz_app import state
from viz_app.components.widgets import switch
from viz_app.views.attention import beam, explanation, gradient, length, looks, neighbours, training, whatif
from viz_app.views.attention.asked import Asked, ask


class View(NamedTuple):
    """A part of the page: its name in the row of views, and what draws it."""

    title: str
    show: Callable[[Asked], None]


VIEWS = {
    "map": View("Map", looks.show),
    "beam": View("Beam", beam.show),
    "whatif": View("What if", whatif.show),
    "length": View("Length", length.show),
    "training": View("Training", training.show),
    "gradient": View("Gradient", gradient.show),
    "explanation": View("Explanation", explanation.show),
    "neighbours": View("Neighbours", neighbours.show),
}
"""By the link's ``view``. Only the one that is asked for computes anything."""


def page() -> None:
    """Show the page."""
    asked = ask()
    view = state.link("view", "map", choices=tuple(VIEWS))
    switch("View", "view", {name: view.title for name, view in VIEWS.items()}, view)
    VIEWS[view].show(asked)
