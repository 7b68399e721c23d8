"""Attention, Gradient: how attention shortens the gradient's way from a target token back to the source."""

from __future__ import annotations

import numpy as np
import streamlit as st

from viz_app import state, translations, translators
from viz_app.components import figure, theme
from viz_app.components.attention import attention
from viz_app.components.widgets import columns, how_to_read, letters
from viz_app.figures import attention as words
from viz_app.figures import attention_gradient as drawing
from viz_app.figures.words import escaped
from viz_app.views.attention.asked import Asked


def show(asked: Asked) -> None:
    """Show the view."""
    found, row = asked.translation, asked.row()
    with st.spinner("The loss is followed back…"):
        own = translations.recorded(asked.name, found.ids, found.best.ids, row).gradient
        assert own is not None
        norms = {"recurrent": own.recurrent}
        if asked.attends:
            norms = {"attention": own.attention, **norms}
        other = _bottleneck(asked)
        if other:
            norms["twin"] = _of_twin(asked, other, row)
    table = drawing.ways(found.source, norms)
    st.title(escaped(drawing.finding(table, found.target[row])), anchor=False)
    st.markdown(
        f":gray[{escaped(asked.name)} is told to write “{escaped(found.text)}”; the loss is that of token {row + 1}.]"
    )
    left, right = columns([3, 2])
    with left:
        palette = theme.palette()
        fig = drawing.by_source(table, palette, palette.family("attention"), size=letters())
        figure.show(fig, table, f"attention-gradient-{asked.name}", "gradient")
        how_to_read(_explained(asked, other), drawing.following(table))
    with right:
        attention(
            found.attention,
            found.source,
            found.target,
            links=[link for link in words.links(found.attention) if link[0] == row],
            chosen=row,
            show=["links"],
            titles=("", "Whose loss: click a target token"),
            key="attention",
            on_row=lambda t: state.set_link(row=t + 1),
        )


def _bottleneck(asked: Asked) -> str:
    """Return a translator without attention that reads and writes the same tokens, if there is one."""
    if not asked.attends:
        return ""
    for name in translators.twins(asked.name)[1:]:
        if translators.attends(name):
            continue
        other = translators.load(name)
        if (other.source.symbols, other.target.symbols) == (asked.model.source.symbols, asked.model.target.symbols):
            return name
    return ""


def _of_twin(asked: Asked, name: str, row: int) -> np.ndarray:
    found = asked.translation
    gradient = translations.recorded(name, found.ids, found.best.ids, row).gradient
    assert gradient is not None
    return gradient.recurrent


def _explained(asked: Asked, other: str) -> str:
    parts = [
        "Norm of the gradient of one target token’s loss with respect to the vector of each source token, in float64, "
        "on a log axis, split exactly in two: by way of what the attention read, and by way of the state from which "
        "the decoder starts, through every step in between."
    ]
    if other:
        parts.append(
            f"Dotted: {state.plain(other)}, which has the second way alone, told the same translation. Its loss is "
            "another one: compare how the lines run, not how high they stand."
        )
    parts.append("Were attention of no use to learning, its line would lie below the others.")
    return " ".join(parts)
