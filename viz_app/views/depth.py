"""Gradients, Depth: layers in place of time. The plain stack loses its gradient; a way past the layers keeps it."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from rnncore import gradients
from rnncore.gradients import DepthConfig, Measurement
from rnncore.gradients.stacks import CLASSES, JOINS, dense_shape
from viz_app import controls, stacks, state
from viz_app.components import figure, theme
from viz_app.components.waiting import computed, known
from viz_app.components.widgets import columns, how_to_read, letters, stops, toggle
from viz_app.figures import depth as drawing
from viz_app.figures import paths as lengths
from viz_app.figures.words import capital, count, escaped, listed, thousands

DEPTHS = (5, 10, 20, 30, 54, 100)
STARTS = {"torch": 3**-0.5, "glorot": 1.0, "he": 2**0.5}
SAID = {"torch": "torch’s, 0.58", "glorot": "Glorot’s, 1", "he": "He’s, 1.41"}
OF = {"outputs": "layer outputs", "weights": "weights"}
KIN = {"plain": "elman", "residual": "lstm", "dense": "gru"}
"""Whose colour a kind has: a plain stack is to depth what the tanh RNN is to time, a residual one what the LSTM is."""

GUESS = math.log(CLASSES)


def page() -> None:
    """Show the page: at once what one seed says, then what all do, then what was asked for."""
    asked = _asked()
    trained = state.link("trained", False)
    start = replace(asked, updates=0)
    wanted = asked if trained else start
    config = next((one for one in (wanted, start) if known(_question(one))), replace(start, seeds=1))
    tables = stacks.tables(_measured(config))
    updates = [int(one) for one in sorted(tables["history"]["update"].unique())]
    update = state.link("update", updates[-1], choices=updates) if config.updates else 0
    of, absolute = state.link("of", "outputs", choices=OF), state.link("absolute", False)

    relative = drawing.curves(tables["gradients"], "outputs", True)
    st.title(escaped(drawing.finding(relative, update)), anchor=False)
    st.markdown(f":gray[{escaped(_matched(config, tables['history']))}]")
    slot = st.container()
    left, right = columns([3, 2])
    with left:
        _layers(drawing.curves(tables["gradients"], of, not absolute), update, of, absolute)
        if len(updates) > 1:
            stops(f"Update ({len(updates)} measured)", "update", updates, update)
    with right:
        _loss(tables["history"], asked, trained, update)
    _paths(tables["paths"], config, update)
    if config != wanted:
        with slot:
            _measured(wanted)
        st.rerun()


def _question(config: DepthConfig) -> tuple[str, DepthConfig]:
    return "stacks", config


def _measured(config: DepthConfig) -> tuple[Measurement, ...]:
    """Return the measurements of a comparison; with a bar and a way to stop while they are made."""
    many = f"{count(config.seeds)} seed{'s' if config.seeds > 1 else ''}"
    what = f"{capital(count(config.seeds * len(config.kinds)))} small trainings" if config.updates else f"Start, {many}"
    return computed(_question(config), what, partial(stacks.measured, config))


# ---- what is compared ----------------------------------------------------------------------------------------


def _asked() -> DepthConfig:
    """Return what the link asks for, and draw the row of controls."""
    remarks = st.container()
    with st.container(key="controls", horizontal=True, vertical_alignment="center"):
        with remarks:
            depth = state.link("depth", 54, choices=DEPTHS)
            activation = state.link("activation", "tanh", choices=("tanh", "relu"))
            start = state.link("start", "torch", choices=STARTS)
            seeds = state.link("seeds", 3, low=1, high=5)
        kinds = _kinds(remarks)
        controls.choose("Layers", "depth", DEPTHS, depth, width=85)
        controls.choose("Activation", "activation", ("tanh", "relu"), activation, width=95)
        controls.choose("Start", "start", list(STARTS), start, SAID.__getitem__, width=140)
        controls.choose("Seeds", "seeds", range(1, 6), seeds, width=75)
        controls.share()
    return DepthConfig(kinds, depth, activation=activation, gain=STARTS[start], seeds=seeds)


def _kinds(remarks: Any) -> tuple[str, ...]:
    asked = [name for name in state.link("kinds", ",".join(JOINS)).split(",") if name]
    if wrong := [state.plain(name) for name in asked if name not in JOINS]:
        remarks.warning(f"This link asks for {listed(wrong)}; there are {listed(list(JOINS))} stacks.")
    kinds = [name for name in JOINS if name in asked] or list(JOINS)
    st.session_state["_kinds"] = kinds
    st.pills(
        "Stacks",
        list(JOINS),
        selection_mode="multi",
        key="_kinds",
        label_visibility="collapsed",
        width="content",
        on_change=lambda: state.set_link(
            kinds=",".join(name for name in JOINS if name in st.session_state["_kinds"]) or None
        ),
    )
    return tuple(kinds)


def _matched(config: DepthConfig, history: pd.DataFrame) -> str:
    """Say what is the same for all and what is not."""
    least, most = history["parameters"].min(), history["parameters"].max()
    weights = thousands(least) if least == most else f"{thousands(least)} to {thousands(most)}"
    seeds = f"{count(config.seeds)} seeds each" if config.seeds > 1 else "one seed each, so no band"
    same = f"number of weights ({weights}), digits, batches and learning rate, which was tuned for none; {seeds}"
    if {"plain", "residual"} <= set(config.kinds):
        same += "; plain and residual start from the very same numbers"
    if "dense" not in config.kinds:
        return f"Same {same}. All layers have {config.width} units."
    width, growth = dense_shape(config.depth, config.width)
    return (
        f"Same {same}. Not the units: {config.width} a layer, in the dense stack {width} and {growth} more with each."
    )


def _colours() -> dict[str, str]:
    return {kind: theme.palette().family(cell) for kind, cell in KIN.items()}


# ---- what is shown -------------------------------------------------------------------------------------------


def _layers(curves: pd.DataFrame, update: int, of: str, absolute: bool) -> None:
    fig = drawing.layers(curves, update, theme.palette(), _colours(), size=letters())
    when = f"after {thousands(update)} updates" if update else "before training"
    fig.update_layout(title_text=f"Size of the gradient by layer, {when}")
    figure.show(fig, curves, "gradient-by-layer", "layers")
    what = {
        "outputs": "Norm of the gradient of the loss with respect to what a layer wrote, over 64 digits held out",
        "weights": "Norm of the gradient of the loss with respect to a layer’s weights, over 64 digits held out",
    }[of]
    divided = "in nats per unit" if absolute else "divided by its value at the last layer"
    grey = " Grey: at the start." if update else ""
    how_to_read(
        f"{what}, {divided}; geometric mean over the seeds, band from the lowest to the highest. A straight line down "
        f"is exponential decay, the same disease as in time; were nothing lost on the way, it would be level.{grey}"
    )
    with st.container(horizontal=True, vertical_alignment="center", key="axes"):
        controls.choose("Gradient of", "of", list(OF), of, OF.__getitem__, width=150)
        help_ = "The gradients as they are, not divided by their value at the last layer."
        toggle("Absolute", "absolute", absolute, help=help_)


def _loss(history: pd.DataFrame, config: DepthConfig, trained: bool, update: int) -> None:
    """Draw the loss, or what leads to it."""
    if history["update"].max() > 0:
        fig = drawing.learning(history, update, theme.palette(), _colours(), guess=GUESS, size=letters())
        fig.update_layout(title_text=drawing.learned(history, GUESS))
        figure.show(fig, history, "loss-by-depth", "loss")
        how_to_read(
            "Loss on 360 digits held out, in nats, on a log axis; mean over the seeds and their range. A stack that "
            f"stays at ln 10, {GUESS:.2f}, has learned nothing: see beside what of the gradient reaches its first "
            "layers."
        )
        return
    st.markdown("**What does it do to learning?**")
    st.markdown(
        f"{capital(count(len(config.kinds) * config.seeds))} small trainings of {config.updates} updates each, on the "
        "1,797 handwritten digits that come with scikit-learn. You see who learns, and the gradient through training."
    )
    if not trained:
        st.button(
            "Train them", type="primary", key="_train", on_click=lambda: state.set_link(trained=True, update=None)
        )


def _paths(table: pd.DataFrame, config: DepthConfig, update: int) -> None:
    """Show what paths of each length carry of the residual stack's gradient."""
    st.divider()
    st.subheader("A residual stack is many paths", anchor=False)
    if table.empty:
        st.info("Paths are those of a residual stack, and none is chosen.")
        st.button(
            "Add the residual stack", on_click=lambda: state.set_link(kinds=",".join((*config.kinds, "residual")))
        )
        return
    rows = lengths.over_seeds(table[table["update"] == update])
    first, last = gradients.effective_lengths(rows["share"].to_numpy())
    left, right = columns([3, 2])
    with left:
        fig = lengths.paths(rows, theme.palette(), _colours()["residual"], size=letters())
        fig.update_layout(title_text=lengths.carried(rows, first, last))
        figure.show(fig, rows, "gradient-by-path-length", "paths")
        against = " Below zero: paths that pull against the rest." if rows["share"].min() < -0.005 else ""
        how_to_read(
            "Bars: share of the gradient at $x_0$ that comes along all paths of a length, exact; mean over the seeds, "
            "with their range. Grey: share of the paths, Binomial$(n, 1/2)$. Dashed: number of paths times the mean "
            "norm along one, sampled, as Veit, Wilber and Belongie (2016) measured it. Did every layer pass its "
            f"gradient on whole, bars and grey would lie on each other.{against}"
        )
    with right:
        _conclusion(rows)


def _conclusion(rows: pd.DataFrame) -> None:
    st.markdown("**What to conclude**")
    st.markdown(escaped(lengths.conclusion(rows)))
    first, last = gradients.effective_lengths(rows["path_share"].to_numpy())
    st.markdown(
        f"Path by path, the middle nine tenths are {first} to {last} layers long. That counts paths as if all pulled "
        "the same way; they do not."
    )
    st.markdown(
        "The LSTM’s $c_t = f_t\\, c_{t-1} + i_t\\, g_t$ is this way past, through time: with an open forget gate the "
        "gradient of $c$ passes a step as it passes a block here. The plain stack is the tanh RNN."
    )
    controls.door("gradients", "The same through time →")
    controls.door("clipping", "When it explodes instead →")
