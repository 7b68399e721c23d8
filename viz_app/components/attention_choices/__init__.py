"""What else might have been written at each step: the likeliest tokens, with bars, to choose another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

_FOLDER = Path(__file__).parent

Choice = tuple[str, float, bool]
"""A token as it is shown, its probability, and whether it is the one that was written."""


def choices(steps: Sequence[Sequence[Choice]], key: str, on_choose: Callable[[int, int], None]) -> None:
    """Draw a column of tokens for each step, and report the step and the place of the one that is clicked."""

    def chosen() -> None:
        found = st.session_state[key].get("choice")
        if isinstance(found, list) and len(found) == 2 and all(isinstance(place, int) for place in found):
            step, place = found
            if 0 <= step < len(steps) and 0 <= place < len(steps[step]):
                on_choose(step, place)

    data = [[[token, round(probability, 5), own] for token, probability, own in step] for step in steps]
    _component()(key=key, data=data, on_choice_change=chosen, height="content")


@st.cache_resource
def _component() -> st.components.v2.types.ComponentRenderer:
    css, shared, js = ((_FOLDER / file).read_text("utf-8") for file in ("choices.css", "../dom.js", "choices.js"))
    return st.components.v2.component("rnncore.attention_choices", css=css, js=shared + js)
