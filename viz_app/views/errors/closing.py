"""How much likelier the network finds a closing bracket than n-grams do, the farther back it was opened."""

from __future__ import annotations

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rnncore import analysis
from rnncore.analysis import Closing
from viz_app import state
from viz_app.components import figure, theme
from viz_app.components.waiting import Progress, computed
from viz_app.components.widgets import how_to_read, letters, switch
from viz_app.figures import errors as drawing
from viz_app.figures.words import escaped, listed, thousands
from viz_app.views.errors.read import Read

BRACKETS = ("{}", "()", "[]")

ORDER = 20
"""Of the n-gram model, as in Karpathy, Johnson & Li (2015)."""


def show(name: str, read: Read, title: DeltaGenerator) -> None:
    """Show the view."""
    brackets = state.link("brackets", "{}", choices=BRACKETS)
    there = [pair for pair in BRACKETS if pair[0] in read.text and pair[1] in read.text]
    switch("Brackets", "brackets", {pair: f"{pair[0]} {pair[1]}" for pair in BRACKETS}, brackets)
    if brackets not in there:
        title.title(escaped(f"No {brackets[0]} is closed in this text"), anchor=False)
        others = f"Choose {listed([escaped(pair) for pair in there], 'or')}." if there else "Choose another text."
        st.info(f"There is nothing to compare. {others}")
        return
    order = min(ORDER, len(read.training))

    def work(progress: Progress) -> np.ndarray:
        symbols = read.training + read.text
        return analysis.ngrams(read.training, order, symbols=symbols, progress=progress).log_probabilities(read.text)

    rival = computed((f"{order}-gram", *read.key), f"Counting n-grams of up to {order} characters", work)
    found = _closed(read, rival, brackets)
    title.title(escaped(drawing.closing_finding(found.by_distance, name, brackets, order)), anchor=False)
    cell = state.model(name).config.cell
    look = {"name": name, "rival": f"{order}-gram", "size": letters()}
    fig = drawing.advantage(found.by_distance, theme.palette(), theme.palette().family(cell), **look)
    fig.update_layout(
        title_text=f"Probability of “{brackets[1]}” where it stands, by distance from its “{brackets[0]}”"
    )
    figure.show(fig, found.by_distance, f"closing-{name}", "closing")
    seen = f"it from {thousands(read.trained)} characters" if read.trained else "it from another text"
    how_to_read(
        "Above: the mean probability that each model gives to the closing bracket just before it stands there. Below: "
        "their mean difference, with a 95 % bootstrap interval over pairs. An n-gram knows only its last characters. "
        f"If the network did too, it could still be better for having learned from more, {seen}, the n-gram from "
        f"{thousands(len(read.training))}; but that would help as much just after a bracket as far from it.",
        drawing.closing_conclusion(found.by_distance, order),
    )


def _closed(read: Read, rival: np.ndarray, brackets: str) -> Closing:
    question = ("closing", *read.key, brackets)
    return computed(
        question,
        "Comparing brackets",
        lambda progress: analysis.closing(read.text, read.log_probability, rival, brackets=brackets),
    )
