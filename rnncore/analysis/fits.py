"""Fits of a scalar to a signal, on one part of a text and judged on others; and mutual information. All from sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from torch import Tensor

from rnncore.analysis.ranks import PartLabels


def moments(x: Tensor, labels: PartLabels, discrete: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return n, the sums of y and y^2 [feature, 1], and of x, x^2 and x y [feature, column], of scalar features."""
    valid, y = labels.valid[~discrete], labels.y[~discrete]
    single = (valid.sum(1), y.double().sum(1), (y.double() ** 2).sum(1))
    return *(s.double().numpy()[:, None] for s in single), *(
        s.double().numpy() for s in (valid @ x.T, valid @ (x * x).T, y @ x.T)
    )


def fitted_line(parts: Sequence[tuple[np.ndarray, ...]]) -> Float[np.ndarray, "part feature column"]:
    """Return R^2 in each part of the line y = a + b x fitted on the first."""
    n, y, _, x, xx, xy = parts[0]
    n = np.maximum(n, 1)
    b = (xy - x * y / n) / np.maximum(xx - x * x / n, 1e-9)
    a = (y - b * x) / n
    found = []
    for n, y, yy, x, xx, xy in parts:
        left = yy - 2 * a * y - 2 * b * xy + n * a * a + 2 * a * b * x + b * b * xx
        found.append(1 - left / np.maximum(yy - y * y / np.maximum(n, 1), 1e-30))
    return np.stack(found)


class Binned(NamedTuple):
    """A scalar feature in the bins of a signal: how many steps, the sum of its values there; and its values."""

    steps: np.ndarray
    total: np.ndarray
    y: Tensor


def fitted_steps(parts: Sequence[Binned], rank: np.ndarray) -> Float[np.ndarray, "part column"]:
    """Return R^2 in each part of the monotone function of the signal's bins that was fitted on the first."""
    sign = np.where(rank < 0, -1.0, 1.0)[:, None]
    fit = sign * isotonic(parts[0].steps, sign * parts[0].total)
    found = []
    for part in parts:
        y = part.y.double()
        left = float((y * y).sum()) - (2 * fit * part.total - fit * fit * part.steps).sum(-1)
        n = part.steps.sum(-1)
        whole = float((y * y).sum()) - float(y.sum()) ** 2 / np.maximum(n, 1)
        found.append(1 - left / np.maximum(whole, 1e-30))
    return np.stack(found)


def isotonic(
    count: Float[np.ndarray, "*axes bin"], total: Float[np.ndarray, "*axes bin"]
) -> Float[np.ndarray, "*axes bin"]:
    """Return the non-decreasing step function nearest to the data in the mean square: its value in each bin.

        f(k) = max over i <= k of min over j >= k of (mean of bins i to j)

    Robertson, Wright & Dykstra (1988), chapter 1. Bins without data take the value that their neighbours allow.

    Parameters
    ----------
    count, total : Float[ndarray, "*axes bin"]
        How many data there are in each bin, and their sum.
    """
    bins = count.shape[-1]

    def from_to(values: np.ndarray) -> np.ndarray:
        """Return sums over bins i to j, [..., i, j]."""
        sums = np.concatenate([np.zeros_like(values[..., :1]), values.cumsum(-1)], -1)
        return np.asarray(sums[..., None, 1:] - sums[..., :-1, None])

    n, i, j = from_to(count), np.arange(bins)[:, None], np.arange(bins)
    mean = np.divide(from_to(total), n, out=np.full(n.shape, np.nan), where=(n > 0.5) & (i <= j))
    least = np.fmin.accumulate(mean[..., ::-1], -1)[..., ::-1]  # [i, k]: over j >= k
    return np.asarray(np.fmax.reduce(np.where(i <= j, least, np.nan), -2))


def information(joint: Float[np.ndarray, "column bin level"]) -> Float[np.ndarray, " column"]:
    """Return the mutual information of bins and levels in nats, less its bias by Miller (1955)."""
    n = np.maximum(joint.sum((1, 2)), 1)

    def entropy(counts: np.ndarray) -> np.ndarray:
        p = counts.reshape(len(counts), -1) / n[:, None]
        plug_in = -(p * np.log(p, out=np.zeros_like(p), where=p > 0)).sum(1)
        return np.asarray(plug_in + ((p > 0).sum(1) - 1) / (2 * n))

    return np.asarray(entropy(joint.sum(2)) + entropy(joint.sum(1)) - entropy(joint))
