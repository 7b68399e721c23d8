"""What else might have been written at each step of a translation, to go on with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from viz_app import translations
from viz_app.components.attention_choices import choices
from viz_app.translations import Translation
from viz_app.views.attention.asked import Asked

SHOWN = 5
"""Tokens at each step."""


def alternatives(asked: Asked, found: Translation, key: str, on_choose: Callable[[Sequence[int]], None]) -> None:
    """Draw the likeliest tokens at each step; ``on_choose`` is called with the ids up to the one that is clicked."""
    best = found.best
    steps = [
        [
            (translations.shown(asked.model.target, [other])[0], p, other == written)
            for other, p in zip(ids[:SHOWN], probability, strict=False)
        ]
        for written, ids, probability in zip(
            best.ids, best.alternatives.tolist(), best.probability.tolist(), strict=True
        )
    ]
    choices(steps, key, lambda step, place: on_choose([*best.ids[:step], int(best.alternatives[step, place])]))
