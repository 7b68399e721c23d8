"""How far the gradient reaches back, as a table, and the sentence that its numbers make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from viz_app.figures.words import capital, count, listed, share, thousands

TINY = float(np.finfo(np.float64).tiny)
"""Under float64's smallest normal number a value has lost digits or is zero: underflow."""

PARTS = {"c": "cell", "x": "input", "U": "recurrent weights", "W": "input weights"}
"""What a signal is called in a sentence; h speaks for its model."""

SHORT = "This text does not reach that far back"

COLUMNS = ("model", "label", "signal", "layer", "step", "character", "distance", "gradient", "relative", "underflow")


def decay(
    gradient: Mapping[str, np.ndarray],
    target: int,
    tokens: Sequence[str],
    *,
    layer: int = -1,
    model: str = "",
    label: str = "",
) -> pd.DataFrame:
    """Return one row for each state and each step from ``target`` back to the start of the text.

    Parameters
    ----------
    gradient : mapping of str to float64 [layer, time]
        Norm of the total gradient of the target step's loss with respect to each state, by its symbol.
    target : int
        The step whose loss was differentiated.
    tokens : sequence of str
        The text, one string a step.
    model, label : str
        The model's name, and what it is called in the figure.

    Returns
    -------
    DataFrame
        Columns ``COLUMNS``. ``relative`` is the gradient divided by the same state's at the target step: nan
        where that is zero. ``underflow`` marks what float64 cannot hold in full.
    """
    tables = []
    for signal, norms in gradient.items():
        norm = np.asarray(norms, np.float64)[layer, target::-1]
        at_target = norm[0] if norm[0] >= TINY else np.nan
        columns = {"model": model, "label": label, "signal": signal, "layer": layer % len(norms)}
        sizes = {"gradient": norm, "relative": norm / at_target, "underflow": norm < TINY}
        tables.append(pd.DataFrame({**columns, **steps_back(target, tokens), **sizes}))
    return pd.concat(tables, ignore_index=True)


def steps_back(target: int, tokens: Sequence[str]) -> dict[str, Any]:
    """Return the columns step, character and distance of all steps from ``target`` back to the start of the text."""
    steps = np.arange(target, -1, -1)
    return {"step": steps, "character": [tokens[step] for step in steps], "distance": target - steps}


def across(table: pd.DataFrame) -> pd.DataFrame:
    """Return the curves of several runs of one model as one: the geometric mean, and ``low`` and ``high`` around it.

    Rows of the same model, signal and distance are taken together. A step where one run underflows does so.
    """
    groups = table.groupby(["model", "signal", "distance"], sort=False)
    kept = groups.first()
    for column in ("gradient", "relative"):
        logarithms = np.log(table[column].where(table[column] > 0))
        kept[column] = np.exp(logarithms.groupby([table[key] for key in groups.keys]).mean()).reindex(kept.index)
    kept["low"], kept["high"] = groups["relative"].min(), groups["relative"].max()
    kept["underflow"] = groups["underflow"].any()
    return kept.reset_index()[[*COLUMNS, "low", "high"]]


def _at(table: pd.DataFrame, distance: int) -> pd.DataFrame:
    return table[table["distance"] == distance]


def finding(table: pd.DataFrame, distance: int) -> str:
    """Return the sentence that the numbers at ``distance`` make, one figure a model, the largest first.

    A model with a cell state speaks by it, others by their h.
    """
    rows = _at(table, distance)
    voices = [group[group["signal"] == _voice(group)].iloc[0] for _, group in rows.groupby("model", sort=False)]
    if not voices:
        return SHORT
    voices.sort(key=lambda row: -np.nan_to_num(row["relative"], nan=-1.0))
    first, *rest = voices
    stands_out = first["relative"] >= 0.01 and (not rest or first["relative"] >= 10 * rest[0]["relative"])
    carries = "still carries" if stands_out and first["relative"] < 1 else "carries"
    head = f"{capital(_back(distance))}, {subject(first)} {carries} {_amount(first)}"
    if not first["underflow"] and not np.isnan(first["relative"]):
        head += " of the gradient"
    others = ", ".join(f"{subject(row)} {_amount(row)}" for row in rest)
    return f"{head}; {others}" if others else head


def pace(table: pd.DataFrame, reach: int) -> str:
    """Return the sentence about how fast each model's gradient falls from the target to ``reach``, the slowest first.

    A model with a cell state speaks by it, others by their h.
    """
    paces = sorted((fall, name) for name, fall in _falls(table, reach).items())
    if not paces:
        return "Nothing can be said about its fall."
    named = [f"{name} {_tenfold(fall)}" for fall, name in paces]
    return f"From 0 to {reach} characters back, {listed(named)}."


def paces(pairs: Sequence[tuple[pd.DataFrame, pd.DataFrame]], reach: int) -> str:
    """Return how fast each model's gradient falls from the target to ``reach``, at a step of its training and at last.

    Parameters
    ----------
    pairs : sequence of (DataFrame, DataFrame)
        A model's tables at the step and at the end.
    """
    said = []
    for then, now in pairs:
        before, after = _falls(then, reach), _falls(now, reach)
        said += [
            f"{name} {_tenfold(before[name])} at this step and {_tenfold(after[name])} at the end"
            for name in before.keys() & after.keys()
        ]
    if not said:
        return "Nothing can be said about its fall."
    return f"From 0 to {reach} characters back, {listed(said)}."


def _falls(table: pd.DataFrame, reach: int) -> dict[str, float]:
    """Return by how many decades a character each model's gradient falls."""
    falls = {}
    for _, group in table[table["distance"] <= reach].groupby("model", sort=False):
        rows = group[(group["signal"] == _voice(group)) & ~group["underflow"] & (group["relative"] > 0)]
        rows = rows.sort_values("distance")
        if len(rows) > 1:
            falls[subject(rows.iloc[0])] = -float(np.log10(rows["relative"].iloc[-1])) / int(rows["distance"].iloc[-1])
    return falls


def _tenfold(fall: float) -> str:
    """Return words for a fall in decades per character."""
    if abs(fall) < 1e-3:
        return "stays as it is"
    every = f"{1 / abs(fall):.1f}" if abs(fall) > 1 / 9.95 else thousands(1 / abs(fall))
    return f"{'loses' if fall > 0 else 'gains'} a factor of ten every {every}"


def change(then: pd.DataFrame, now: pd.DataFrame, step: int, last: int, distance: int) -> str:
    """Return the sentence about one model's gradient at ``distance``, at a step of its training and at its last."""
    rows = _both(then, now, distance)
    if rows is None:
        return SHORT
    first, final = map(_amount, rows)
    name = capital(subject(rows[0]))
    if step == last:
        return f"{name}: {final} {_back(distance)} {_after(last)}"
    return f"{name}: {first} {_back(distance)} {_after(step)}, {final} {_after(last)}"


def changes(pairs: Sequence[tuple[pd.DataFrame, pd.DataFrame]], distance: int) -> str:
    """Return the sentence about several models' gradients at ``distance``, at a step of the training and at its end."""
    said = []
    for then, now in pairs:
        rows = _both(then, now, distance)
        if rows is not None:
            first, final = map(_amount, rows)
            name = subject(rows[0])
            said.append(f"leaves {name} at {final}" if first == final else f"takes {name} from {first} to {final}")
    return f"{capital(_back(distance))}, training {listed(said)} of the gradient" if said else SHORT


def _both(then: pd.DataFrame, now: pd.DataFrame, distance: int) -> tuple[pd.Series, pd.Series] | None:
    """Return the rows of one signal at ``distance``; None where the text does not reach that far back."""
    at = [_at(table[table["signal"] == _voice(now)], distance) for table in (then, now)]
    return None if any(rows.empty for rows in at) else (at[0].iloc[0], at[1].iloc[0])


def _after(step: int) -> str:
    return f"after {thousands(step)} step{'s' if step != 1 else ''}" if step else "before training"


def _back(distance: int) -> str:
    return f"{count(distance)} character{'s' if distance != 1 else ''} back" if distance else "at the target itself"


def _voice(group: pd.DataFrame) -> str:
    return "c" if "c" in set(group["signal"]) else str(group["signal"].iloc[0])


def subject(row: pd.Series) -> str:
    """Return who a row of the table is about: a model, or its cell, input or recurrent weights."""
    name = row["label"] if row["label"] == row["model"] else f"the {row['label']}"
    part = PARTS.get(row["signal"])
    return f"{name}’s {part}" if part else name


def _amount(row: pd.Series) -> str:
    if np.isnan(row["relative"]):
        return "nothing even at the target step"
    return "nothing that float64 can hold" if row["underflow"] else share(row["relative"])
