"""Attention: a translator at work on a sentence, where it looks, and what happens when it is made to look elsewhere."""

from __future__ import annotations

from viz_app.components.widgets import View, viewed
from viz_app.views.attention import beam, explanation, gradient, length, looks, neighbours, training, whatif
from viz_app.views.attention.asked import ask

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
"""By the link's ``view``."""


def page() -> None:
    """Show the page."""
    asked = ask()
    viewed(VIEWS).show(asked)
