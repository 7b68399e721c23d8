"""Stacks of layers for the page Depth: measured or trained once for all visitors, and their results as tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd
import streamlit as st

from rnncore import gradients
from rnncore.gradients import DepthConfig, Measurement

MOST = 16
"""Trained comparisons that are kept."""


@st.cache_resource(max_entries=64, show_spinner="Measuring the gradients at the start…")
def at_start(config: DepthConfig) -> tuple[Measurement, ...]:
    """Return how the stacks stand before any training."""
    return tuple(gradients.train_stacks(replace(config, updates=0)))


def trained(config: DepthConfig) -> tuple[Measurement, ...] | None:
    """Return how the stacks stood through their training; None if that has not been run."""
    return _kept().get(config)


def train(config: DepthConfig) -> Iterator[Measurement]:
    """Train the stacks, yielding how each stands; when all are done, :func:`trained` knows it."""
    found = []
    for one in gradients.train_stacks(config):
        found.append(one)
        yield one
    kept = _kept()
    kept[config] = tuple(found)
    for oldest in list(kept)[:-MOST]:
        kept.pop(oldest, None)


@st.cache_resource
def _kept() -> dict[DepthConfig, tuple[Measurement, ...]]:
    return {}


def tables(found: tuple[Measurement, ...]) -> dict[str, pd.DataFrame]:
    """Return measurements as tables, each with kind, seed and update.

    ``history``: parameters, training, loss, accuracy. ``gradients``: layer, outputs, weights. ``paths``: the columns
    of :func:`rnncore.gradients.path_gradients`; empty where no stack is residual.
    """
    history, by_layer, paths = [], [], []
    for one in found:
        key = {"kind": one.kind, "seed": one.seed, "update": one.update}
        history.append(key | {name: getattr(one, name) for name in ("parameters", "training", "loss", "accuracy")})
        layers = {"layer": range(len(one.outputs)), "outputs": one.outputs, "weights": one.weights}
        by_layer.append(pd.DataFrame(key | layers))
        if one.paths is not None:
            paths.append(one.paths.assign(**key))
    return {
        "history": pd.DataFrame(history),
        "gradients": pd.concat(by_layer, ignore_index=True),
        "paths": pd.concat(paths, ignore_index=True) if paths else pd.DataFrame(),
    }
