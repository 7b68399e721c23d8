"""Total and direct gradients, inputs and weights: a flow's logarithms as a table, and the sentences they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from viz_app.figures.decay import subject
from viz_app.figures.words import capital, count, listed, scientific, share

Part = tuple[str, str]
"""A signal's symbol, and "total" or "direct"."""


def parts(
    log10: Mapping[Part, np.ndarray],
    target: int,
    tokens: Sequence[str],
    *,
    layer: int = -1,
    model: str = "",
    label: str = "",
) -> pd.DataFrame:
    """Return one row for each part of each signal and each step from ``target`` back to the start of the text.

    Parameters
    ----------
    log10 : mapping of (str, str) to float64 [layer, time]
        log10 of a gradient's norms, by the signal's symbol and "total" or "direct"; -inf where there is no path.
    target : int
        The last step that is looked at.
    tokens : sequence of str
        The text, one string a step.
    model, label : str
        The model's name, and what it is called in the figure.

    Returns
    -------
    DataFrame
        The columns of :func:`viz_app.figures.decay`, and ``part``; ``log10`` and ``log10_relative`` hold what is too
        small for a plain number. Relative is to the same signal's total at the target. Steps without a path have no
        row.
    """
    steps = np.arange(target, -1, -1)
    tables = []
    for (signal, part), values in log10.items():
        logs = np.asarray(values, np.float64)[layer, steps]
        first = float(np.asarray(log10[signal, "total"], np.float64)[layer, target])
        reached = np.isfinite(logs)
        columns = {
            "model": model,
            "label": label,
            "signal": signal,
            "part": part,
            "layer": layer % len(values),
            "step": steps,
            "character": [tokens[step] for step in steps],
            "distance": target - steps,
            "gradient": 10.0**logs,
            "relative": 10.0 ** (logs - first) if np.isfinite(first) else np.nan,
            "log10": logs,
            "log10_relative": logs - first if np.isfinite(first) else np.nan,
            "underflow": False,
        }
        tables.append(pd.DataFrame(columns)[reached])
    return pd.concat(tables, ignore_index=True)


def whole_text(table: pd.DataFrame) -> str:
    """Return the sentence about a whole text's loss: how large the direct gradient is beside the total one.

    The typical ratio of the two norms (geometric mean over the steps) of each model's memory, the smallest first.
    """
    ratios = []
    for _, rows in table.groupby("model", sort=False):
        logs = rows.pivot(index="step", columns="part", values="log10").dropna()
        if len(logs) and "direct" in logs:
            ratios.append((float(10 ** (logs["direct"] - logs["total"]).mean()), subject(rows.iloc[0])))
    if not ratios:
        return "No state of this layer is felt by a loss"
    ratios.sort()
    named = [f"at {name} {share(ratio)}" for ratio, name in ratios]
    return f"What the same step asks is but a part of the gradient: {listed(named)} of its size"


def peak(table: pd.DataFrame) -> str:
    """Return the sentence about the step at which one signal of one model is pulled at hardest."""
    if table.empty:
        return "Nothing that was read is felt by a loss"
    row = table.loc[table["log10"].idxmax()]
    times = 10 ** (row["log10"] - table["log10"].median())
    where = f"step {row['step']}, {_shown(row['character'])}"
    hardest = f"The loss of the text pulls hardest at {subject(row)} at {where}"
    return f"{hardest}: {scientific(times)} times the typical pull"


def _shown(character: str) -> str:
    return {"\n": "a line break", "\t": "a tab", " ": "a space"}.get(character, f"“{character}”")


def asked(table: pd.DataFrame, signal: str) -> str:
    """Return the sentence about who asked for a change of the weights: the distance that holds half of it.

    Norms of each step's share of dL/dW are added up, from the target back.
    """
    halves = []
    for _, rows in table[table["signal"] == signal].groupby("model", sort=False):
        rows = rows.sort_values("distance")
        summed = (10 ** (rows["log10"] - rows["log10"].max())).cumsum()
        half = int(rows["distance"].to_numpy()[np.searchsorted(summed, summed.iloc[-1] / 2)]) + 1
        halves.append((half, str(rows["label"].iloc[0])))
    if not halves:
        return "The loss asks for no change of the recurrent weights"
    halves.sort()
    named = [f"the last {count(half)} step{'s' if half != 1 else ''} in the {label}" for half, label in halves]
    return f"{capital('half')} of what the loss asks of the recurrent weights comes from {listed(named)}"
