"""A path through a window of a plane: where it leaves, and what of it is seen."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

FLIGHT = 0.12
"""How high above the surface a path leaves the picture."""

Window = tuple[tuple[float, float], tuple[float, float]]
"""The range of w, and that of b."""


def leaves(rows: pd.DataFrame, window: Window) -> int | None:
    """Return the first update after which a path is outside the window."""
    out = ~(rows["w"].between(*window[0]) & rows["b"].between(*window[1]))
    return int(rows["update"][out].iloc[0]) if out.any() else None


def cut(rows: pd.DataFrame, window: Window, last: int) -> tuple[pd.DataFrame, Mapping[str, float]]:
    """Return a path up to an update, with what is outside the window cut off at its edge; and where it stands.

    The part of a step that leaves is drawn as a flight, over what lies below it.
    """
    kept: list[dict[str, float]] = []
    before: dict[str, float] | None = None
    gone = {"w": math.nan, "b": math.nan, "loss": math.nan}
    for row in rows.iloc[: last + 1][["w", "b", "loss"]].to_dict("records"):
        if before is not None:
            part = inside(before, row, window)
            if part is not None:
                kept += [between(before, row, share) for share in part if share not in (0, 1)]
        seen = all(low <= row[key] <= high for key, (low, high) in zip("wb", window, strict=True))
        kept.append(row if seen else gone)
        before = row
    line = pd.DataFrame(kept)
    head = line.dropna().iloc[-1] if line["w"].notna().any() else line.iloc[-1]
    return line, head.to_dict()


def inside(a: Mapping[str, float], b: Mapping[str, float], window: Window) -> tuple[float, float] | None:
    """Return which part, from 0 to 1, of the straight step from a to b is inside (Liang & Barsky 1984)."""
    first, final = 0.0, 1.0
    for key, (low, high) in zip("wb", window, strict=True):
        step = b[key] - a[key]
        for change, room in ((-step, a[key] - low), (step, high - a[key])):
            if change == 0:
                if room < 0:
                    return None
            elif change < 0:
                first = max(first, room / change)
            else:
                final = min(final, room / change)
    return (first, final) if first <= final else None


def between(a: Mapping[str, float], b: Mapping[str, float], share: float) -> dict[str, float]:
    return {
        "w": a["w"] + share * (b["w"] - a["w"]),
        "b": a["b"] + share * (b["b"] - a["b"]),
        "loss": max(a["loss"], b["loss"]) + FLIGHT,
    }
