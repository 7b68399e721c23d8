"""Reading a label off the states at a text's end, with all units and with one.

Whatever is fitted is fitted on train, whatever is chosen is chosen on validation; what is held out is never handed to
a function that chooses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Float64, Int64
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

PENALTIES = tuple(2.0**k for k in range(-8, 1))
"""C of Radford (2017), of which the best on validation is taken."""

States = Float[np.ndarray, "_ column"]
Labels = Int64[np.ndarray, " _"]


@dataclass(frozen=True, eq=False)
class Linear:
    """Logistic regression with an L1 penalty: P(label 1) = sigmoid(states @ weights + intercept)."""

    C: float
    weights: Float64[np.ndarray, " column"] = field(repr=False)
    intercept: float

    def scores(self, states: States) -> Float64[np.ndarray, " text"]:
        """Return the logit of each text; above 0 is label 1."""
        return np.asarray(states @ self.weights + self.intercept, np.float64)


@dataclass(frozen=True, eq=False)
class Unit:
    """One unit and a threshold: label 1 is above it where ``polarity`` is 1, and below it where that is -1."""

    column: int
    polarity: int
    threshold: float

    def scores(self, states: States) -> Float64[np.ndarray, " text"]:
        """Return how far each text is on label 1's side of the threshold."""
        return self.polarity * (states[:, self.column].astype(np.float64) - self.threshold)


def linear(X: States, y: Labels, V: States, v: Labels, penalties: Sequence[float] = PENALTIES) -> Linear:
    """Fit scikit-learn's L1 logistic regression to ``X`` and ``y``, with the C that tells ``V`` best.

    Each column is brought to mean 0 and deviation 1 first, where Radford (2017) took it as it is: else the penalty
    falls on the units with small values, and a fit to those with great ones takes many times as long.

    Of several such C it is the smallest, which uses the fewest units. They are tried from the smallest on, and none
    beyond four times the best so far: a fit takes three times as long as one with half its C.
    """
    best, most = _fitted(X, y, min(penalties)), -1.0
    for C in sorted(penalties):
        if C > 4 * best.C and best.weights.any():
            break
        fit = _fitted(X, y, C)
        share = accuracy(fit.scores(V), v)
        if share > most:
            best, most = fit, share
    return best


def _fitted(X: States, y: Labels, C: float) -> Linear:
    scaler = StandardScaler()
    Z = scaler.fit_transform(X.astype(np.float64))
    fit: Any = LogisticRegression(l1_ratio=1, solver="liblinear", C=C, random_state=0).fit(Z, y)
    weights = fit.coef_[0] / scaler.scale_
    return Linear(C, weights, float(fit.intercept_[0] - weights @ scaler.mean_))


def aucs(X: States, y: Labels) -> Float64[np.ndarray, " column"]:
    """Return how often a text of label 1 has a higher value than one of label 0, for each column; ties count half."""
    ones = int(y.sum())
    if not 0 < ones < len(y):
        return np.full(X.shape[1], 0.5)
    blocks = np.array_split(np.arange(X.shape[1]), max(1, X.shape[1] // 64))
    ranks = np.concatenate(
        [pd.DataFrame(X[:, block]).rank().to_numpy()[y == 1].sum(0) for block in blocks if len(block)]
    )
    return np.asarray((ranks - ones * (ones + 1) / 2) / (ones * (len(y) - ones)), np.float64)


def one_unit(X: States, y: Labels, V: States, v: Labels) -> Unit:
    """Return the unit that ranks ``X`` best by ``y``, with the threshold that tells ``V`` best."""
    auc = aucs(X, y)
    column = int(np.abs(auc - 0.5).argmax())
    polarity = 1 if auc[column] >= 0.5 else -1
    return Unit(column, polarity, _threshold(V[:, column].astype(np.float64), v, polarity))


def _threshold(values: Float64[np.ndarray, " text"], labels: Labels, polarity: int) -> float:
    """Return the cut between two values that tells most labels; of several the one in the middle."""
    order = np.argsort(values, kind="stable")
    values, ones = values[order], (labels[order] == 1) == (polarity == 1)
    right = np.concatenate([[0], np.cumsum(~ones)]) + np.concatenate([np.cumsum(ones[::-1])[::-1], [0]])
    cuts = np.concatenate([[values[0] - 1], (values[1:] + values[:-1]) / 2, [values[-1] + 1]])
    possible = np.concatenate([[True], values[1:] > values[:-1], [True]])
    best = np.flatnonzero(possible & (right == right[possible].max()))
    return float(cuts[best[len(best) // 2]])


def accuracy(scores: Float[np.ndarray, " text"], labels: Labels) -> float:
    """Return the share of texts on the right side of 0."""
    return float(np.mean((scores > 0) == (labels == 1)))


def calibration(scores: Float64[np.ndarray, " text"], labels: Labels) -> tuple[float, float]:
    """Return slope and intercept of P(label 1) = sigmoid(slope * score + intercept) on validation (Platt 1999)."""
    scale = float(scores.std()) or 1.0
    fit: Any = LogisticRegression(C=1e4).fit(scores[:, None] / scale, labels)
    return float(fit.coef_[0, 0]) / scale, float(fit.intercept_[0])


def sigmoid(z: Float64[np.ndarray, "*axes"]) -> Float64[np.ndarray, "*axes"]:
    """Return 1 / (1 + exp(-z))."""
    return np.asarray(np.exp(-np.logaddexp(0, -z)), np.float64)


def calibration_error(p: Float64[np.ndarray, " text"], labels: Labels, bins: int = 10) -> float:
    """Return the mean distance between what is said, P(label 1), and how often it is so, over bins of P (Guo 2017)."""
    which = np.minimum((p * bins).astype(int), bins - 1)
    gaps = np.abs(np.bincount(which, p - (labels == 1), bins))
    return float(gaps.sum() / len(p))


def interval(right: float, count: int, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval for a share of ``right`` out of ``count``."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    p, scale = right / count, 1 + z * z / count
    middle, half = p + z * z / (2 * count), z * np.sqrt(p * (1 - p) / count + z * z / (4 * count * count))
    return min(p, float((middle - half) / scale)), max(p, float((middle + half) / scale))  # whatever rounding does


def difference(one: tuple[int, int], other: tuple[int, int]) -> tuple[float, float, float]:
    """Return the difference of two shares (of a count, each) with its 95 % interval (Newcombe 1998, method 10)."""
    (a, n), (b, m) = one, other
    (low_a, high_a), (low_b, high_b), gap = interval(a, n), interval(b, m), a / n - b / m
    low = gap - np.hypot(a / n - low_a, high_b - b / m)
    return gap, float(low), float(gap + np.hypot(high_a - a / n, b / m - low_b))
