"""Stacks of layers for the page Depth: a comparison's measurements, with progress, and as tables."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from rnncore import gradients
from rnncore.gradients import DepthConfig, Measurement


def measured(config: DepthConfig, progress: Callable[[int, int], None]) -> tuple[Measurement, ...]:
    """Return how the stacks stand through their training, or at its start if they are to take no updates.

    ``progress`` is called with (measurements done, measurements in all).
    """
    total = config.seeds * len(config.kinds) * (len(range(0, config.updates, config.every)) + 1)
    found = []
    for one in gradients.train_stacks(config):
        found.append(one)
        progress(len(found), total)
    return tuple(found)


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
