"""The unit taken out, live: what becomes of the loss, and of what the model writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd
import streamlit as st

import rnncore
from rnncore import analysis
from rnncore.analysis.cause import Effect, How, Removal
from viz_app import state
from viz_app.components import figure, theme
from viz_app.components.excerpts import NONE, Excerpt, Kinds, Shares, excerpts
from viz_app.components.waiting import Progress, computed
from viz_app.components.widgets import columns, how_to_read, letters, switch
from viz_app.figures import unit as drawing
from viz_app.figures.words import escaped, thousands
from viz_app.views.unit.chosen import Chosen

WAYS = {
    "no": "Leave it in",
    "mean": "Hold it at its mean",
    "zero": "Hold it at zero",
    "resample": "Shuffle its values in time",
}

SYMBOLS = 30_000
"""Symbols that are read without it: the last ones of the corpus."""

LENGTH, TEMPERATURE = 400, 0.8
"""Of what the model writes."""


@dataclass(frozen=True, eq=False)
class Removed:
    """What came of it: the effect on the loss, symbols read, and a text written with the unit and one without."""

    effect: Effect
    symbols: int
    whole: str
    without: str


def show(chosen: Chosen) -> None:
    """Show the switch and what came of it."""
    st.subheader("What the model loses without it", anchor=False)
    if state.model(chosen.model).backward_cells:
        st.markdown(
            "A model that reads both ways does not write, and its units are not taken out here; "
            "`rnncore.record` with `rnncore.Ablate` does that in Python."
        )
        return
    how = state.link("remove", "no", choices=tuple(WAYS))
    switch("The unit", "remove", WAYS, how)
    if how == "no":
        few = thousands(min(SYMBOLS, len(chosen.tokens)))
        st.markdown(
            f":gray[Take it out, and {few} characters of {escaped(chosen.where.title)} are read once more; then the "
            "model writes with it and without it, from the same random numbers.]"
        )
        return
    seed = state.link("seed", 1, low=0, high=999_999)
    try:
        removed = _removed(chosen, next(one for one in get_args(How) if one == how), seed)
    except rnncore.Error as error:
        st.info(f"It cannot be taken out here: {state.plain(str(error), 300)}. Choose a longer corpus.")
        return
    left, right = columns([2, 3])
    with left:
        _loss(chosen, removed)
    with right:
        _texts(chosen, removed, seed)


def _removed(chosen: Chosen, how: How, seed: int) -> Removed:
    def work(progress: Progress) -> Removed:
        model, place = state.model(chosen.model), (chosen.layer, chosen.unit)
        first = max(0, len(chosen.tokens) - SYMBOLS)
        removal = Removal(
            model, chosen.where.text, slice(first, None), progress=lambda done, total: progress(done, 2 * total)
        )
        label = chosen.inside if chosen.inside is not None else np.ones(len(chosen.tokens))
        rise = removal.rise([place], how)
        effect = removal.effect(rise, label.astype(np.float32))
        progress(9, 10)
        options = {"length": LENGTH, "temperature": TEMPERATURE, "seed": seed}
        whole = rnncore.generate(model, **options)
        without = rnncore.generate(model, **options, interventions=removal.interventions([place], how))
        return Removed(effect, effect.all_steps, whole, without)

    concept = chosen.concept.name if chosen.concept else None
    question = ("remove", *chosen.key, concept, how, seed)
    return computed(question, f"{chosen.model} reads without {chosen.name}", work)


def _loss(chosen: Chosen, removed: Removed) -> None:
    effect = removed.effect
    split = not np.isnan(effect.difference.value)
    if not split:  # no concept, or all that was read is on one side of it
        bars = [drawing.Bar("all characters", *(effect.inside if effect.steps else effect.outside))]
    else:
        bars = [
            drawing.Bar("inside its concept", *effect.inside),
            drawing.Bar("outside", *effect.outside),
            drawing.Bar("inside minus outside", *effect.difference),
        ]
    fig = drawing.removal(bars, theme.palette(), letters())
    fig.update_layout(title_text=drawing.loss_finding(bars))
    table = pd.DataFrame([bar[:4] for bar in bars], columns=["where", "rise", "low", "high"])
    figure.show(fig, table, "without", "without")
    where = f" Its concept is {escaped(chosen.phrase)}." if split else ""
    how_to_read(
        f"The rise of the loss over {thousands(removed.symbols)} characters once $h$ of the unit is out, with a 95 % "
        f"interval by drawing blocks of 50 steps again. An interval that holds 0 shows nothing.{where} Where the "
        "corpus is held out, the label may have been chosen on part of it; the claim above was measured on text that "
        "nothing was chosen by."
    )


def _texts(chosen: Chosen, removed: Removed, seed: int) -> None:
    tokenize = state.model(chosen.model).vocabulary.tokenize
    texts = {"with the unit": removed.whole, "without it": removed.without}
    same = drawing.same(removed.whole, removed.without)
    st.markdown(f"**{drawing.parting(same, LENGTH)}**")
    rows = []
    for name, text in texts.items():
        tokens = tokenize(text)
        start = len(tokenize(text[:same]))
        rows.append(Excerpt(tokens, _levels(chosen, text, len(tokens)), start, len(tokens), name))
    if chosen.concept is None:
        scale: Shares | Kinds = Kinds([], [])
    else:
        discrete, title = chosen.concept.kind == "discrete", chosen.concept.title
        scale = Shares("not so", title) if discrete else Shares("low", f"high: {title}")
    excerpts(rows, scale, label="What the model writes with the unit and without", key="written", breaks=True)
    st.button("Again", help="From other random numbers", on_click=lambda: state.set_link(seed=seed + 1))
    how_to_read(
        "Both texts start from nothing and draw the same random numbers; underlined is where they part. The stronger "
        "a character is marked, the more its concept holds there. One pair of texts is an illustration, no evidence."
    )


def _levels(chosen: Chosen, text: str, length: int) -> list[int]:
    """Return how much of the concept each character of a text has, in hundredths."""
    if chosen.concept is None:
        return [NONE] * length
    label = analysis.labels([chosen.concept], state.model(chosen.model).vocabulary, text)[0]
    known = ~np.isnan(label)
    top = float(np.abs(label[known]).max(initial=1e-9))
    return np.where(known, np.rint(100 * np.clip(np.where(known, label, 0) / top, 0, 1)), NONE).astype(int).tolist()
