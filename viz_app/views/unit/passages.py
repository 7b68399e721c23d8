"""The passages on which the unit is highest, lowest, and in between."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from rnncore import Vocabulary, analysis
from viz_app import opening, state, texts
from viz_app.components.excerpts import Excerpt, Shares, excerpts
from viz_app.components.widgets import how_to_read
from viz_app.figures.style import number
from viz_app.figures.words import thousands
from viz_app.views.unit.chosen import Chosen

COUNT, BEFORE, AFTER = 3, 50, 20
"""Passages of each band, and characters on either side."""

LEAD, PAGE = 1000, 2000
"""A passage is opened on Cells with so many steps before it, and so many in all."""


def show(chosen: Chosen) -> None:
    """List the passages; a click opens one on Cells."""
    st.subheader(f"Where ${chosen.signal}$ is highest, lowest, and in between", anchor=False)
    model, values, tokens = state.model(chosen.model), chosen.values[chosen.signal], chosen.tokens
    found = analysis.snippets_of(values, model, tokens, count=COUNT, before=BEFORE, after=AFTER)
    low, high = chosen.ranges[chosen.signal]
    levels = np.rint(100 * np.clip((values - low) / (high - low), 0, 1)).astype(int)
    signed = low < 0
    rows = [
        Excerpt(
            tokens[row.first : row.step + AFTER + 1],
            levels[row.first : row.step + AFTER + 1].tolist(),
            row.step - row.first,
            row.step - row.first + 1,
            number(round(row.value, 2) + 0.0, signed=signed),  # never −0.00
            f"{_band(row.band)}, at {thousands(row.step)}",
        )
        for row in found.itertuples()
    ]

    def open_passage(place: int) -> None:
        step = int(found["step"].iloc[place])
        content, t = passage(model.vocabulary, tokens, step)
        text, _ = state.keep(content)
        which = {"layer": chosen.layer + 1, "unit": chosen.unit, "signal": chosen.signal}
        opening.ask("cells", model=chosen.model, text=text, t=t, **which)

    scale = Shares(number(low, signed=signed), number(high, signed=signed))
    excerpts(
        rows, scale, label="Passages by value; press one to open it on Cells", key="snippets", on_choose=open_passage
    )
    how_to_read(
        f"Each passage is coloured by ${chosen.signal}$, and chosen for its value at the underlined character; no two "
        "overlap or end alike. The passages between the extremes are drawn at random: a claim that only the top "
        "passages bear out is no claim about the unit. A click opens the passage on Cells."
    )


def passage(vocabulary: Vocabulary, tokens: Sequence[str], step: int) -> tuple[str, int | None]:
    """Return the text around ``step`` as Cells shows it, and the step's place there; None where it is another one.

    Cells has plain line ends, without carriage returns, and shows no more than a window of a text.
    """
    first = max(0, step - LEAD)
    if vocabulary.kind == "bytes":  # from the start of a character: a rest of one would be read as something longer
        first = next(start for start in range(first, -1, -1) if not "\x80" <= tokens[start] < "\xc0")
    if vocabulary.kind == "subwords":  # from the start of a word, which would be cut otherwise
        first = next((start for start in range(first, 0, -1) if tokens[start][0].isspace()), 0)
    text, _ = texts.cleaned(vocabulary.join(tokens[first : first + PAGE]))
    t = step - first
    same = vocabulary.tokenize(text[: texts.WINDOW])[: t + 1] == tuple(tokens[first : step + 1])
    return text, t if same else None


def _band(band: str) -> str:
    if band in ("top", "bottom"):
        return {"top": "highest", "bottom": "lowest"}[band]
    high, low = band.removesuffix(" %").split(" to ")
    return f"above {low} to {high} % of all"
