"""In which order to look at units, and how far a signal's colours reach."""

from __future__ import annotations

import numpy as np

from rnncore.analysis import MARGIN

Range = tuple[float, float] | None

SORTS = {
    "pattern": "clearest pattern",
    "variance": "variance",
    "saturation": "saturation",
    "unit": "number",
}
"""Orders of units by the word that stands in the link, with the word that stands on the page."""


def variance(values: np.ndarray) -> np.ndarray:
    """Return each unit's variance over the steps of ``values`` [time, unit]."""
    return values.var(axis=0, dtype=np.float64)


def saturation(values: np.ndarray, bounds: Range) -> np.ndarray:
    """Return the share of steps, 0..1, in which each unit of ``values`` [time, unit] is saturated at either end.

    As in :func:`rnncore.analysis.saturation`, an end is a tenth of the range: a gate (0..1) is saturated below 0.1 or
    above 0.9, a signal of range -1..1 below -0.8 or above 0.8.
    An unbounded signal x, such as the cell state, is judged by tanh x, through which it acts.
    """
    low, high = bounds or (-1.0, 1.0)
    seen = values if bounds else np.tanh(values)
    end = MARGIN * (high - low)
    return ((seen < low + end) | (seen > high - end)).mean(axis=0)


def order(scores: np.ndarray) -> np.ndarray:
    """Return the units by falling score; of equals the lower number first."""
    return np.argsort(-scores, kind="stable").astype(np.int32)


def colour_scale(values: np.ndarray, bounds: Range) -> tuple[float, float]:
    """Return the two values at which colours are full: a signal's own range where it has one.

    An unbounded signal of a layer, ``values`` [time, unit], gets one scale for the whole layer, symmetric
    about zero, so that units can be compared: nine of ten units keep within it at 99 % of the steps. (Of all
    values together the 99th percentile would not do: the few units that count run into the hundreds.)
    """
    if bounds:
        return bounds
    reach = float(np.percentile(np.percentile(np.abs(values), 99, axis=0), 90))
    return (-reach, reach) if reach > 0 else (-1.0, 1.0)
