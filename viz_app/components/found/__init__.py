"""Cells that were found, one a line with their figures: a click opens one, another takes it out of the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Found:
    """A cell.

    Attributes
    ----------
    name : str
        Such as "layer 2, unit 37, c".
    figures : sequence of str
        One for each heading.
    verdict : str
        What is to be thought of it.
    holds : bool
        Whether it passed.
    removable : bool
        Whether its removal can be tried.
    """

    name: str
    figures: Sequence[str]
    verdict: str
    holds: bool
    removable: bool


def found(
    rows: Sequence[Found],
    headings: Sequence[str],
    *,
    key: str,
    on_open: Callable[[int], None],
    on_remove: Callable[[int], None],
) -> None:
    """List cells, and report the number of the one that is opened, or taken out, before the page runs again."""

    def report(trigger: str, act: Callable[[int], None]) -> None:
        number = st.session_state[key].get(trigger)
        if isinstance(number, int) and 0 <= number < len(rows):
            act(number)

    _component()(
        key=key,
        data={"rows": [asdict(row) for row in rows], "headings": list(headings)},
        on_open_change=lambda: report("open", on_open),
        on_remove_change=lambda: report("remove", on_remove),
        height="content",
    )


@st.cache_resource
def _component() -> st.components.v2.types.ComponentRenderer:
    css, shared, js = ((_FOLDER / file).read_text("utf-8") for file in ("found.css", "../dom.js", "found.js"))
    return st.components.v2.component("rnncore.found", css=css, js=shared + js)
