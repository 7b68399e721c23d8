"""Attention, Map: where the decoder looks as it writes each token, as a map and as links."""

from __future__ import annotations

import streamlit as st

from viz_app import state, translators
from viz_app.components import figure, theme
from viz_app.components.attention import attention
from viz_app.components.widgets import how_to_read
from viz_app.figures import attention as words
from viz_app.figures import attention_map as drawing
from viz_app.figures.words import escaped
from viz_app.views.attention.asked import Asked


def show(asked: Asked) -> None:
    """Show the view."""
    found = asked.translation
    if not asked.attends:
        st.title(escaped(f"{asked.name} writes without looking back"), anchor=False)
        asked.written()
        without(asked)
        return
    row, truth = asked.row(), asked.truth
    aligned = truth is not None and truth.target == found.text
    st.title(escaped(words.looking(found.target[row], found.source, found.attention[row])), anchor=False)
    asked.written()
    attention(
        found.attention,
        found.source,
        found.target,
        links=words.links(found.attention),
        chosen=row,
        truth=truth.alignment if truth and aligned else None,
        key="attention",
        on_row=lambda t: state.set_link(row=t + 1),
    )
    shown, sentence, palette = (found.attention, found.source, found.target), asked.sentence, theme.palette()
    figure.downloads(
        lambda: drawing.heatmap(*shown, sentence, palette, palette.family("attention")),
        lambda: drawing.table(*shown),
        "attention",
        "attention",
    )
    how_to_read(_explained(asked, aligned), words.scored(found.attention, truth.alignment) if truth and aligned else "")


def without(asked: Asked) -> None:
    """Say that there is nothing to see where there is no attention, and who has some."""
    others = [name for name in translators.twins(asked.name) if translators.attends(name)]
    st.info(
        "All that its decoder knows of the sentence is the state it starts from: the bottleneck. There is no map to "
        "draw. Beam, Length, Gradient and Neighbours show what it does without one."
    )
    if others:
        st.button(
            f"Show {state.plain(others[0])} on this sentence",
            on_click=lambda: state.set_link(translator=others[0]),
        )


def _explained(asked: Asked, aligned: bool) -> str:
    parts = [
        "Each row is a token that was written, filled where the decoder looked; it adds up to 1. Beside it the fewest "
        "links that hold 75 % of each row, wide where the weight is large. Point at a token and its partners light up "
        "in both; click one to look at it. Were the map one even grey, attention would tell nothing."
    ]
    if aligned:
        parts.append("Framed: the characters that truly tell it, known exactly; hyphens are told by none.")
    if not asked.letters:
        parts.append("A dot before a piece: it goes on the word before it.")
    return " ".join(parts)
