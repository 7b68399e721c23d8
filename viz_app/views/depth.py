"""Gradients, Depth: layers in place of time. The plain stack loses its gradient; a way past the layers keeps it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from rnncore import gradients
from rnncore.gradients import DepthConfig
from rnncore.gradients.stacks import CLASSES, JOINS, dense_shape
from viz_app import controls, stacks, state
from viz_app.components import figure, theme
from viz_app.figures import depth as drawing
from viz_app.figures import paths as lengths
from viz_app.figures.words import capital, count, duration, escaped, listed, thousands

DEPTHS = (5, 10, 20, 30, 54, 100)
STARTS = {"torch": 3**-0.5, "glorot": 1.0, "he": 2**0.5}
SAID = {"torch": "torch’s, 0.58", "glorot": "Glorot’s, 1", "he": "He’s, 1.41"}
OF = {"outputs": "layer outputs", "weights": "weights"}
KIN = {"plain": "elman", "residual": "lstm", "dense": "gru"}
"""Whose colour a kind has: a plain stack is to depth what the tanh RNN is to time, a residual one what the LSTM is."""

GUESS = math.log(CLASSES)


def page() -> None:
    """Show the page."""
    config = _asked()
    trained = state.link("trained", False)
    kept = stacks.trained(config) if trained else None
    tables = stacks.tables(kept or stacks.at_start(config))
    updates = sorted(tables["history"]["update"].unique())
    update = int(state.link("update", int(updates[-1]), choices=[int(one) for one in updates])) if kept else 0
    of, absolute = state.link("of", "outputs", choices=OF), state.link("absolute", False)

    relative = drawing.curves(tables["gradients"], "outputs", True)
    st.title(escaped(drawing.finding(relative, update)), anchor=False)
    st.markdown(f":gray[{escaped(_matched(config, tables['history']))}]")
    left, right = _columns()
    with left:
        _layers(drawing.curves(tables["gradients"], of, not absolute), update, of, absolute)
        if len(updates) > 1:
            _slider(updates, update)
    with right:
        slot = _loss(tables["history"], config, trained, update)
    _paths(tables["paths"], config, update)
    if trained and kept is None:
        _train(config, slot)


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


def _size() -> int:
    return 24 if state.projector() else 16


# ---- training ------------------------------------------------------------------------------------------------


def _train(config: DepthConfig, slot: Any) -> None:
    """Train in ``slot`` with a bar and a way to stop; then show what came of it."""
    total = config.seeds * len(config.kinds) * (len(range(0, config.updates, config.every)) + 1)
    with slot:
        bar = st.progress(0.0, text="Starting…")
        st.button("Stop", on_click=lambda: state.set_link(trained=None), key="_stop")
    began = time.monotonic()
    for done, one in enumerate(stacks.train(config), 1):
        left = (time.monotonic() - began) * (total - done) / done
        where = f"{one.kind}, seed {one.seed + 1} of {config.seeds}, update {one.update}: loss {one.loss:.2f} nats"
        bar.progress(done / total, text=f"{where}. About {duration(left)} left")
    st.rerun()


# ---- what is shown -------------------------------------------------------------------------------------------


def _layers(curves: pd.DataFrame, update: int, of: str, absolute: bool) -> None:
    fig = drawing.layers(curves, update, theme.palette(), _colours(), size=_size())
    when = f"after {thousands(update)} updates" if update else "before training"
    fig.update_layout(title_text=f"Size of the gradient by layer, {when}")
    figure.show(fig, curves, "gradient-by-layer", "layers")
    what = {
        "outputs": "Norm of the gradient of the loss with respect to what a layer wrote, over 64 digits held out",
        "weights": "Norm of the gradient of the loss with respect to a layer’s weights, over 64 digits held out",
    }[of]
    divided = "in nats per unit" if absolute else "divided by its value at the last layer"
    grey = " Grey: at the start." if update else ""
    st.markdown(
        f":small[**How to read it.** :gray[{what}, {divided}; geometric mean over the seeds, band from the lowest to "
        f"the highest. A straight line down is exponential decay, the same disease as in time; were nothing lost on "
        f"the way, it would be level.{grey}]]"
    )
    with st.container(horizontal=True, vertical_alignment="center", key="axes"):
        controls.choose("Gradient of", "of", list(OF), of, OF.__getitem__, width=150)
        st.session_state["_absolute"] = absolute
        st.toggle(
            "Absolute",
            key="_absolute",
            on_change=lambda: state.set_link(absolute=st.session_state["_absolute"]),
            help="The gradients as they are, not divided by their value at the last layer.",
        )


def _slider(updates: list[int], update: int) -> None:
    st.session_state["_update"] = update
    st.select_slider(
        f"Update ({len(updates)} measured)",
        [int(one) for one in updates],
        key="_update",
        format_func=thousands,
        on_change=lambda: state.set_link(update=st.session_state["_update"]),
    )


def _loss(history: pd.DataFrame, config: DepthConfig, trained: bool, update: int) -> Any:
    """Draw the loss, or what leads to it; return the place for the progress of a training."""
    if history["update"].max() > 0:
        fig = drawing.learning(history, update, theme.palette(), _colours(), guess=GUESS, size=_size())
        fig.update_layout(title_text=drawing.learned(history, GUESS))
        figure.show(fig, history, "loss-by-depth", "loss")
        st.markdown(
            ":small[**How to read it.** :gray[Loss on 360 digits held out, in nats, on a log axis; mean over the seeds "
            f"and their range. A stack that stays at ln 10, {GUESS:.2f}, has learned nothing: "
            "see beside what of the gradient reaches its first layers.]]"
        )
        return st.container()
    st.markdown("**What does it do to learning?**")
    st.markdown(
        f"{capital(count(len(config.kinds) * config.seeds))} small trainings of {config.updates} updates each, on the "
        "1,797 handwritten digits that come with scikit-learn. You see who learns, and the gradient through training."
    )
    if not trained:
        st.button(
            "Train them", type="primary", key="_train", on_click=lambda: state.set_link(trained=True, update=None)
        )
    return st.container()


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
    left, right = _columns()
    with left:
        fig = lengths.paths(rows, theme.palette(), _colours()["residual"], size=_size())
        fig.update_layout(title_text=lengths.carried(rows, first, last))
        figure.show(fig, rows, "gradient-by-path-length", "paths")
        against = " Below zero: paths that pull against the rest." if rows["share"].min() < -0.005 else ""
        st.markdown(
            ":small[**How to read it.** :gray[Bars: share of the gradient at $x_0$ that comes along all paths of a "
            "length, exact; mean over the seeds, with their range. Grey: share of the paths, Binomial$(n, 1/2)$. "
            "Dashed: number of paths times the mean norm along one, sampled, as Veit, Wilber and Belongie (2016) "
            "measured it. Did every layer pass its gradient on whole, bars and grey would lie on each other."
            f"{against}]]"
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


def _columns() -> Sequence[Any]:
    """Return two columns, or on a projector as many containers below each other."""
    return [st.container(), st.container()] if state.projector() else st.columns([3, 2], gap="large")
