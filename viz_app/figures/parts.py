"""Total and direct gradients, inputs and weights: a flow's logarithms as a table, and the sentences they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from viz_app.figures.decay import steps_back, subject
from viz_app.figures.words import capital, count, listed, named, scientific, share, thousands

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
    tables = []
    for (signal, part), values in log10.items():
        logs = np.asarray(values, np.float64)[layer, target::-1]
        first = float(np.asarray(log10[signal, "total"], np.float64)[layer, target])
        reached = np.isfinite(logs)
        columns = {
            "model": model,
            "label": label,
            "signal": signal,
            "part": part,
            "layer": layer % len(values),
            **steps_back(target, tokens),
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
    named = [f"{_part(ratio)} as large at {name}" for ratio, name in ratios]
    against = "; where it is larger, what comes through time pulls the other way" if ratios[-1][0] > 1.005 else ""
    return f"Beside the whole gradient, what the same step asks is {listed(named)}{against}"


def _part(ratio: float) -> str:
    return share(ratio) if ratio < 1.005 else f"{scientific(ratio)} times"


def through_time(table: pd.DataFrame) -> str:
    """Return at how many steps of a whole text's loss most of a memory's gradient comes through time."""
    logs = table.pivot(index="step", columns="part", values="log10").dropna()
    if not len(logs) or "direct" not in logs:
        return ""
    apart = logs["total"] - logs["direct"]
    most, less = share(float((apart > 1).mean())), share(float((apart < 0).mean()))
    return (
        f"{capital(subject(table.iloc[0]))}: at {most} of the steps the total is over ten times the direct part, "
        f"nearly all of it through time; at {less} it is the smaller of the two: later losses pull against the step’s."
    )


def peak(table: pd.DataFrame) -> str:
    """Return the sentence about the step at which one signal of one model is pulled at hardest."""
    if table.empty:
        return "Nothing that was read is felt by a loss"
    row = table.loc[table["log10"].idxmax()]
    times = 10 ** (row["log10"] - table["log10"].median())
    where = f"step {row['step']}, {named(row['character'], 'a')}"
    hardest = f"The loss of the text pulls hardest at {subject(row)} at {where}"
    return f"{hardest}: {scientific(times)} times the typical pull"


def asked(table: pd.DataFrame, part: float = 0.5) -> str:
    """Return the sentence about who asked for a change of the weights: the steps that hold ``part`` of it, about.

    Norms of each step's share of dL/dU are added up, from the target back; of dL/dW in a model where U has none. The
    norm of their sum is smaller, since shares cancel.
    """
    within: dict[str, list[tuple[int, str]]] = {"U": [], "W": []}
    for _, rows in table.groupby("model", sort=False):
        signal = "U" if "U" in set(rows["signal"]) else "W"
        rows = rows[rows["signal"] == signal].sort_values("distance")
        summed = (10 ** (rows["log10"] - rows["log10"].max())).cumsum()
        reached = int(rows["distance"].to_numpy()[np.searchsorted(summed, part * summed.iloc[-1])]) + 1
        within[signal].append((reached, str(rows["label"].iloc[0])))
    some, said = "half" if part == 0.5 else share(part), []
    for signal, found in within.items():
        if found:
            last = [f"the last {count(n)} step{'s' if n != 1 else ''} in the {label}" for n, label in sorted(found)]
            alone = ", where U has no share" if signal == "W" else ""
            said.append(f"of the summed norms of dL/d{signal}{alone}, {some} comes from {listed(last)}")
    return capital("; ".join(said)) or "The loss asks for no change of these weights"


def concentrated(table: pd.DataFrame) -> str:
    """Return how few steps hold half of the summed norms of one signal of one model."""
    if table.empty:
        return ""
    sizes = np.sort(10 ** (table["log10"] - table["log10"].max()).to_numpy())[::-1]
    few = int(np.searchsorted(sizes.cumsum(), sizes.sum() / 2)) + 1
    steps = f"{count(few)} of {thousands(len(sizes))} steps hold" if few > 1 else f"one of {len(sizes)} steps holds"
    return f"{capital(steps)} half of the summed norms, at {subject(table.iloc[0])}."
