"""Every pair of steps: how a difference in the state after step k shows after step t, by each way between them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st
import torch

import rnncore
from viz_app import controls, state
from viz_app.components import figure, theme
from viz_app.components.pairs import pairs
from viz_app.components.waiting import Progress
from viz_app.components.widgets import columns, how_to_read, slider, switch, toggle
from viz_app.figures import words
from viz_app.figures.jacobian import BOUND, FULL, by_lag, estimated, highway, path_conclusion, spread, ways
from viz_app.views.gradients.compared import Compared, choose_layer

SPANS = (50, 100, 150, 200)
NORMS = {"frobenius": "Typical direction", "spectral": "Worst direction"}
SAID = {
    "frobenius": "root mean square over all directions, the Frobenius norm by the root of their number",
    "spectral": "the largest over all directions, the spectral norm",
}
LOW, HIGH = -6, 1
"""The colours' decades."""

REACH_LOW, REACH_HIGH = -12, 3
"""The decades of the curves by distance."""


class Map(NamedTuple):
    """Norms [time, time] of the products, and their relative error."""

    norms: np.ndarray
    error: np.ndarray


def show(compared: Compared) -> None:
    """Show the view."""
    top = st.container()
    with st.container(horizontal=True, key="of"):
        name = compared.choose_row()
        norm = state.link("norm", "frobenius", choices=tuple(NORMS))
        switch("Norm", "norm", NORMS, norm)
    paths = _paths(name)
    path = state.link("path", "", choices=tuple(paths))
    asked = state.link("span", 100, choices=SPANS)
    span = min(asked, len(compared.tokens))
    layer = None if state.link("stack", False) else compared.layer
    maps = {path: _norms(name, compared, span, norm, path, layer) for path in paths}

    target = min(compared.target(), span - 1)
    back = compared.back(target)
    lag = max(1, back)
    table = ways({path: found.norms for path, found in maps.items()}, _bound(name, layer))
    with top:
        st.title(words.escaped(highway(table, compared.labels[name], lag)), anchor=False)
        st.markdown(f":gray[{words.escaped(_told(compared, span, layer, maps[path], norm))}]")
    left, right = columns([1, 1])
    with left:
        _map(compared, maps[path], norm, paths, path, target, back)
        _settings(compared, asked)
    with right:
        _by_lag(compared, table, name, lag)


def _paths(name: str) -> dict[str, str]:
    """Return the ways that a difference may take in this model's cell, and what they are called."""
    states = state.model(name).layers[0].states
    alone = {symbol: f"{symbol} alone" for symbol in reversed(states)} if len(states) > 1 else {}
    return {"": "Full state"} | alone


def _norms(name: str, compared: Compared, span: int, norm: str, path: str, layer: int | None) -> Map:
    """Return one way's map; that of a typical direction is the Frobenius norm by the root of their number."""

    def work(name: str, progress: Progress) -> Map:
        model = state.model(name)
        at = {"norm": norm, "path": path or None, "layer": layer}
        ids = torch.from_numpy(model.vocabulary.encode(compared.text)[:span])
        found = rnncore.gradients.jacobian_norms(model, ids, **at, progress=progress)
        cells = model.layers if layer is None else [model.layers[layer]]
        directions = sum(cell.units * (1 if path else len(cell.states)) for cell in cells)
        return Map(found.norms / math.sqrt(directions) if norm == "frobenius" else found.norms, found.error)

    what = "Products of Jacobians" + (f" through {path} alone" if path else "")
    return compared.each(what, (compared.text, span, norm, layer), work, names=[name], growth=2)[name]


def _bound(name: str, layer: int | None) -> float | None:
    """Return the factor a step that no direction can exceed, of a layer of the plain form h = g(W x + U h)."""
    if layer is None or state.model(name).layers[layer].steepest is None:
        return None
    return rnncore.gradients.bound(state.model(name), layer)


def _told(compared: Compared, span: int, layer: int | None, found: Map, norm: str) -> str:
    where = "all layers together" if layer is None else f"layer {layer + 1}"
    return f"{where.capitalize()}, the first {span} characters of the passage. {estimated(found.error, norm)}"


# ---- the map ---------------------------------------------------------------------------------------------------


def _map(compared: Compared, found: Map, norm: str, paths: dict[str, str], path: str, target: int, back: int) -> None:
    st.markdown("**Every pair of steps: ‖∂*s*ₜ / ∂*s*ₖ‖**" + (f", through *{path}* alone" if path else ""))
    if len(paths) > 1:
        switch("Way", "path", paths, path)
    pairs(
        found.norms,
        compared.tokens[: len(found.norms)],
        target=target,
        source=target - back,
        low=LOW,
        high=HIGH,
        scale=theme.palette().gradient,
        key="pairs",
        label="Norms of the Jacobians between all pairs of steps",
        on_choose=lambda t, k: state.set_link(target=t, back=t - k, loss=None),
    )
    how_to_read(
        "Row $t$, column $k$: how many times larger or smaller a small difference in the state after step $k$ is after "
        f"step $t$: {SAID[norm]}. Were nothing lost, the triangle would have one colour. Not what one loss feels, "
        "as under Flow, but what is left of any difference, of use or not. Click a pair, or use the arrow keys; the "
        "framed row is the target.",
        spread(found.norms, max(1, back)),
    )


def _settings(compared: Compared, asked: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="axes"):
        controls.choose("Characters", "span", SPANS, asked, width=95)
        stacked = state.link("stack", False)
        if not stacked:
            choose_layer(compared)
        if compared.layers > 1:
            toggle("All layers together", "stack", stacked)


# ---- by distance -----------------------------------------------------------------------------------------------


def _by_lag(compared: Compared, table: pd.DataFrame, name: str, lag: int) -> None:
    look = compared.look()
    palette = look["palette"]
    alone = {symbol: palette.signal(symbol) for symbol in ("c", "h")}
    drawing = by_lag(
        table,
        palette,
        {FULL: look["colours"][name], BOUND: palette.soft} | alone,
        lag=lag,
        low=REACH_LOW,
        high=REACH_HIGH,
        size=look["size"],
    )
    drawing.update_layout(title_text="The same by distance: each way between two steps")
    numbers = table.assign(norm=10.0 ** np.minimum(table["log10"], 300))
    figure.show(drawing, numbers, "jacobians", "ways", on_click=lambda at: state.set_link(back=int(at["x"])))
    bound = (
        " Dotted: the bound $(‖U‖ \\max|g'|)^{t-k}$, Pascanu (2013), which no product can exceed."
        if BOUND in set(table["way"])
        else ""
    )
    how_to_read(
        "Geometric mean of the map along each diagonal, for the full state and for a difference that may pass from "
        f"step to step through one state alone: of an LSTM’s $c$ that is the product of its forget gates.{bound} "
        "Level is a memory that keeps; the horizontal line is 1.",
        path_conclusion(table, lag),
    )
    slider("Cursor, steps from k to t", "back", lag, int(table["lag"].max()))
