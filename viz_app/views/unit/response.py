"""How the unit answers an n-gram that the visitor types."""

from __future__ import annotations

import streamlit as st

import rnncore
from rnncore import analysis
from viz_app import state
from viz_app.components import figure, theme
from viz_app.components.widgets import columns, how_to_read, letters
from viz_app.figures import unit_values as drawing
from viz_app.figures.words import capital, escaped, named
from viz_app.views.unit.chosen import Chosen

BEFORE, AFTER = 10, 20

SIGNS = {"↵": "\n", "→": "\t", "␣": " "}
"""How what cannot be seen is shown, and may be typed."""


def show(chosen: Chosen) -> None:
    """Show the mean change around the n-gram with its bands."""
    values, tokens = chosen.values[chosen.signal], chosen.tokens
    loud = analysis.loudest(values, tokens)
    if loud.empty:
        return
    st.subheader("What reading something does to it", anchor=False)
    left, right = columns([2, 3])
    with left:
        ngram = _typed(chosen, str(loud["token"].iloc[0]))
        st.markdown(f"Strongest single characters for ${chosen.signal}$: {escaped(drawing.strongest(loud))}.")
    with right:
        _curve(chosen, ngram)


def _typed(chosen: Chosen, usual: str) -> str:
    """Draw the field and return the n-gram."""
    ngram = state.link("ngram", usual) or usual
    st.session_state["_ngram"] = _signs(ngram)
    st.text_input(
        "Some characters (↵ is a line break, → a tab, ␣ a space)",
        key="_ngram",
        max_chars=60,
        on_change=lambda: state.set_link(ngram=_plain(st.session_state["_ngram"]) or None),
    )
    return ngram


def _signs(text: str) -> str:
    return "".join({plain: sign for sign, plain in SIGNS.items()}.get(character, character) for character in text)


def _plain(text: str) -> str:
    return "".join(SIGNS.get(character, character) for character in text)


def _curve(chosen: Chosen, ngram: str) -> None:
    model, values = state.model(chosen.model), chosen.values[chosen.signal]
    try:
        every = {"before": BEFORE, "after": AFTER, "most": len(chosen.tokens)}
        found = analysis.response_of(values, model, chosen.tokens, ngram, **every)
    except rnncore.Error as error:
        st.info(f"{state.plain(capital(str(error)), 200)}. Choose others, or a longer corpus.")
        return
    table = found.of_unit(0)
    colour = theme.palette().signal(chosen.signal)
    fig = drawing.response(table, theme.palette(), colour, length=len(found.ngram), size=letters())
    fig.update_layout(title_text=drawing.response_finding(table, chosen.signal, ngram, found.occurrences))
    figure.show(fig, table, "response", "response")
    how_to_read(
        f"The line: how far ${chosen.signal}$ is from where it was just before {escaped(named(ngram))}, on average; "
        "the dark band holds half of the occurrences, the pale one 82 %. The tinted strip is the reading itself. Did "
        "the unit not care, the line would stay at 0 and the bands would open evenly on both sides."
    )
