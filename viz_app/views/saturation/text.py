"""Saturation over a text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from rnncore import analysis
from viz_app import controls, corpus, state
from viz_app.components.waiting import Progress, computed
from viz_app.components.widgets import how_to_read
from viz_app.corpus import Corpus
from viz_app.figures import saturation as drawing
from viz_app.figures.words import escaped, thousands
from viz_app.views.saturation import parts

CORPORA = ("held-out", "sample", "stdlib", "text")


def show(selection: controls.Selection, meanings: Mapping[str, str]) -> None:
    """Show how often each gate is at an end while the model reads a corpus."""
    name, where = selection.model, corpus.find(selection.model, selection.text, CORPORA)
    table = _table(name, where)
    found = drawing.summary(table)
    st.title(escaped(drawing.finding(found, meanings)), anchor=False)
    read = f"{name} read {thousands(len(where.text))} characters of {where.title}."
    st.markdown(f":gray[{escaped(read)}]")
    marked = parts.ring(table)

    def target(unit: parts.Unit, gate: str) -> dict[str, Any]:
        """Return what opens a unit; the text is the one that was read, where a link can name it."""
        text = {"text": {"text": selection.text.id, "sample": "sample"}.get(where.kind)}
        return {"model": name, "layer": unit[0] + 1, "unit": unit[1], "signal": gate, **text}

    parts.gates(table, found, meanings, marked, target)
    how_to_read(
        "One dot a unit. To the right: the share of steps at which its gate is within a tenth of the lowest value it "
        "can have, “left-saturated”; upwards: of the highest, “right-saturated”. Always is nine steps in ten. On the "
        "slanted line a gate is a switch, at one end or the other; near the origin it is a tap that is never quite "
        "open or shut. A click opens the unit on a text; the ringed one is told of below.",
        drawing.conclusion(found, meanings),
    )
    left, right = st.columns([3, 2], gap="large")
    with left:
        parts.means(found, meanings)
    with right:
        parts.unit(table, marked, meanings, target)


def _table(name: str, where: Corpus) -> pd.DataFrame:
    def work(progress: Progress) -> pd.DataFrame:
        return analysis.saturation(state.model(name), where.text, progress=progress)

    label = f"{name} reads {thousands(len(where.text))} characters"
    return computed(("saturation", name, state.stamp(name), where.key), label, work)
