"""Attention, Explanation: does attention tell what matters? Its map beside what taking each source token out does."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st

from viz_app import state, translations, translators
from viz_app.components.attention import attention
from viz_app.components.widgets import columns, how_to_read
from viz_app.figures import attention as words
from viz_app.figures.style import number
from viz_app.figures.words import escaped, share, thousands
from viz_app.views.attention.asked import Asked
from viz_app.views.attention.looks import without

NATS = 8.0
"""Where the scale of removal ends."""


def show(asked: Asked) -> None:
    """Show the view."""
    found = asked.translation
    if not asked.attends:
        st.title(escaped(f"{asked.name} has no attention to explain it"), anchor=False)
        without(asked)
        return
    removal = translations.removed(asked.name, found.ids, found.best.ids)
    agree, rows, rank = words.agreement(found.attention, removal)
    st.title(escaped(_finding(agree, rows, rank)), anchor=False)
    asked.written()
    row = asked.row()
    left, right = columns([1, 1])
    for column, name, values, title in (
        (left, "looks", found.attention, "Where it looks"),
        (right, "matters", removal, "What taking each source token out does"),
    ):
        with column:
            signed = name == "matters"
            attention(
                values,
                found.source,
                found.target,
                links=_largest(values),
                chosen=row,
                show=["map"],
                titles=(title, ""),
                signed=signed,
                most=NATS if signed else 1.0,
                unit="nats by which the token becomes less likely" if signed else "each row adds up to 1",
                key=f"attention-{name}",
                on_row=lambda t: state.set_link(row=t + 1),
            )
    how_to_read(
        "Left: the weights. Right: how many nats less likely each written token becomes when a source token is taken "
        "out and nothing else is changed; blue means that it becomes likelier. The end of the sentence is never taken "
        "out. Were attention an explanation, the two would be filled at the same places in every row; rows in which "
        "nothing changes do not count.",
        _of_model(asked, rows, rank),
    )


def _largest(values: np.ndarray) -> list[tuple[int, int, float]]:
    return [(t, int(row.argmax()), float(row.max())) for t, row in enumerate(values)]


def _finding(agree: int, rows: int, rank: float) -> str:
    if not rows or math.isnan(rank):
        return "This sentence is too short to tell whether attention explains its translation"
    return f"In {agree} of {rows} rows the token it looks at most is the one that matters most"


def _of_model(asked: Asked, rows: int, rank: float) -> str:
    said = f"Here the mean rank correlation of the two is {number(rank)} over {rows} rows." if rows else ""
    known = translators.run(asked.name).metrics.get("explanation")
    if known:
        said += (
            f" Over {thousands(known['rows'])} tokens of the test part: rank correlation {number(known['rank'])}, the "
            f"same token first in {share(known['agree'])} of the rows (at random: {share(known['chance'])})."
        )
    return said.strip()
