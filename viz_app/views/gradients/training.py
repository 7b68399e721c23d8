"""How training changed the gradient's way back: a slider over the recordings that were kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

import rnncore
from viz_app import figures, state
from viz_app.components import figure
from viz_app.components.widgets import columns, how_to_read, slider, stops
from viz_app.figures import words
from viz_app.views.gradients.compared import Compared, choose_layer, matched

Pair = tuple[pd.DataFrame, pd.DataFrame]


def show(compared: Compared) -> None:
    """Show the curves of the probe text at one step of each training, before the final one in grey."""
    top = st.container()
    probes = {name: found for name in compared.names if len(found := state.probes(name)) > 1}
    for name in (name for name in compared.names if name not in probes):
        st.info(
            f"No gradients were recorded while {state.plain(name)} was trained. "
            "`rnncore train` with `--probe` and `--probe-every` records them."
        )
    if not probes:
        return
    steps = sorted({step for found in probes.values() for step, _ in found})
    step = state.link("step", steps[0], choices=steps)
    stops(f"Training step ({len(steps)} recorded)", "step", steps, step)
    pairs = [_then_and_now(name, found, step, compared) for name, found in probes.items()]
    longest = min(100, *(int(then["distance"].max()) for then, _ in pairs))
    back, reach = compared.back(longest), max(1, longest)
    with top:
        st.title(words.escaped(figures.changes(pairs, back)), anchor=False)
        matched(compared)
    largest = max(table.loc[table["distance"] <= reach, "relative"].max() for pair in pairs for table in pair)
    high = max(0.0, float(np.log10(largest)) + 0.1 * (largest > 1))
    for column, pair in zip(columns([1] * len(pairs)), pairs, strict=True):
        with column:
            _change(pair, back, reach, high, compared)
    how_to_read(
        "Colour: the model after this many steps of training; grey: at the end. The text is a fixed one, its last "
        "character the target, and so the numbers are not those of Flow. Where the two lie on each other, training has "
        "nothing left to change here.",
        figures.paces(pairs, reach),
    )
    slider("Cursor, characters back", "back", back, longest)
    with st.container(horizontal=True, key="axes"):
        choose_layer(compared)


def _then_and_now(name: str, found: Sequence[tuple[int, rnncore.Recording]], step: int, compared: Compared) -> Pair:
    """Return the curves of a model's probe at the last recording up to ``step``, and at the end."""
    tables = []
    so_far = [pair for pair in found if pair[0] <= step] or found[:1]
    for number, r in (so_far[-1], found[-1]):
        layer = min(compared.layer, r.layers - 1)
        label = compared.labels[name]
        table = figures.decay(r.gradient, r.target, r.tokens, layer=layer, model=name, label=label)
        tables.append(table.assign(training_step=number))
    return tables[0], tables[1]


def _change(pair: Pair, back: int, reach: int, high: float, compared: Compared) -> None:
    """Draw one model's curves at a step of its training, with those at its end in grey."""
    then, now = pair
    drawing = figures.flow(then, cursor=back, reach=reach, high=high, ghosts=now, height=300, **compared.look())
    step, last = (int(table["training_step"].iloc[0]) for table in pair)
    drawing.update_layout(title_text=figures.change(then, now, step, last, back))
    name = then["model"].iloc[0]
    data = pd.concat(pair).drop_duplicates()
    figure.show(drawing, data, f"gradient-flow-training-{name}", f"training-{name}")
