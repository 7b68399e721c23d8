"""Ranks of signals, and labels laid out so that matrix products with them give rank correlations and tables."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int64
from torch import Tensor

LEVELS = 8
"""Values of a scalar feature that its mutual information tells apart."""


def midranks(
    x: Float[np.ndarray, "column position"],
    order: Int64[np.ndarray, "column position"],
    counts: Bool[np.ndarray, " position"] | None = None,
) -> Float32[np.ndarray, "column position"]:
    """Return the place of each value among those that count, from -1/2 to 1/2 with mean 0; ties share their mean place.

    Parameters
    ----------
    x, order : ndarray
        Each row in ascending order, and where its values stood before. The result is in that earlier order.
    counts : bool [position], optional
        Which positions count; the others get 0. By default all.
    """
    n = x.shape[1] if counts is None else int(counts.sum())
    if counts is None:
        upto = np.broadcast_to(np.arange(1, n + 1, dtype=np.float32), x.shape)
        before = upto - 1
    else:
        weight = counts.astype(np.float32)[order]
        upto = weight.cumsum(1)
        before = upto - weight
    new = np.concatenate([np.ones((len(x), 1), bool), x[:, 1:] != x[:, :-1]], 1)
    if not new.all():
        places = np.arange(x.shape[1])
        first = np.maximum.accumulate(np.where(new, places, 0), 1)
        ends = np.concatenate([new[:, 1:], np.ones((len(x), 1), bool)], 1)
        last = np.minimum.accumulate(np.where(ends, places, x.shape[1])[:, ::-1], 1)[:, ::-1]
        before, upto = np.take_along_axis(before, first, 1), np.take_along_axis(upto, last, 1)
    sorted_places = ((before + upto) / (2 * max(n, 1)) - 0.5).astype(np.float32)
    places = np.empty_like(sorted_places)
    np.put_along_axis(places, order, sorted_places, 1)
    return places if counts is None else places * counts


class PartLabels:
    """The labels of one part of a text.

    Attributes
    ----------
    y, valid : float32 [feature, position]
        The labels, 0 where they are not defined; and 1 where they are.
    contrast : float32 [feature, position]
        What :func:`correlation` takes; nan where too few steps have either label.
    groups : list of (int64 [some features], bool [position] or None)
        Features that are defined at the same steps; None is everywhere.
    weights : float32 [position, level]
        One column for each level of each feature, 1 where the label has it; then a column y for each scalar feature.
    levels : list of slice
        Each feature's columns.
    sums : mapping of int to (slice, int)
        For each scalar feature its columns, and that of y.
    """

    def __init__(self, discrete: np.ndarray, y: np.ndarray, cuts: Sequence[np.ndarray], fewest: int) -> None:
        valid = ~np.isnan(y)
        self.y, self.valid = torch.from_numpy(np.where(valid, y, 0)), torch.from_numpy(valid.astype(np.float32))
        masks, which = np.unique(valid, axis=0, return_inverse=True)
        self.groups = [
            (np.flatnonzero(which.ravel() == number), None if mask.all() else mask) for number, mask in enumerate(masks)
        ]
        self.contrast = torch.from_numpy(contrast(discrete, y, fewest))
        columns, self.levels = list[np.ndarray](), list[slice]()
        for row, known, edges in zip(y, valid, cuts, strict=True):
            level = np.where(known, np.searchsorted(edges, row, side="right"), -1)
            self.levels.append(slice(len(columns), len(columns) + len(edges) + 1))
            columns.extend((level == number).astype(np.float32) for number in range(len(edges) + 1))
        scalar = np.flatnonzero(~discrete).tolist()
        self.sums = {row: (self.levels[row], len(columns) + number) for number, row in enumerate(scalar)}
        self.weights = torch.from_numpy(np.stack([*columns, *self.y.numpy()[scalar]], 1))


def correlation(
    contrast: Float[Tensor, "row position"], ranks: Float[Tensor, "column position"], discrete: Bool[np.ndarray, " row"]
) -> Float[Tensor, "row column"]:
    """Return 2 AUC - 1 of discrete labels with every signal, Spearman's rho of scalar ones."""
    product = contrast @ ranks.T
    norm = ranks.norm(dim=1).clamp(min=1e-30)
    return torch.where(torch.from_numpy(discrete)[:, None], product, product / norm)


def cuts(discrete: np.ndarray, y: Float32[np.ndarray, "feature position"]) -> list[np.ndarray]:
    """Return where the values of each feature are cut into levels: equally many in each, as far as ties allow."""
    shares = np.arange(1, LEVELS) / LEVELS
    found = []
    for row, is_discrete in zip(y, discrete, strict=True):
        values = row[~np.isnan(row)]
        many = np.unique(np.quantile(values, shares)) if len(values) else np.zeros(0)
        found.append(np.array([0.5]) if is_discrete else many[many > values.min(initial=np.inf)])
    return found


def contrast(
    discrete: np.ndarray, y: Float32[np.ndarray, "row position"], fewest: int
) -> Float32[np.ndarray, "row position"]:
    """Return :attr:`PartLabels.contrast` of labels whose scalar rows are ranks or anything else in their order."""
    valid = ~np.isnan(y)
    n = valid.sum(1, keepdims=True)
    values = np.where(valid, y, 0)
    for row in np.flatnonzero(~discrete):
        values[row, valid[row]] = rank_of(y[row, valid[row]])
    mean = values.sum(1, keepdims=True, dtype=np.float64) / np.maximum(n, 1)
    centred = np.where(valid, values - mean, 0)
    ones = np.where(discrete[:, None], values.sum(1, keepdims=True), n)
    rest = np.where(discrete[:, None], n - ones, n)
    norm = np.sqrt((centred**2).sum(1, keepdims=True))
    few = (ones < fewest) | (rest < fewest) | (norm == 0)
    scale = np.where(discrete[:, None], 2 * n / np.maximum(ones * rest, 1), 1 / np.maximum(norm, 1e-30))
    return np.where(few, np.nan, centred * scale).astype(np.float32)


def rank_of(values: Float[np.ndarray, " position"]) -> Float[np.ndarray, " position"]:
    """Return the rank of each value, those that are equal their mean rank."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((counts.cumsum() - (counts - 1) / 2)[which])


class Control:
    """The rank correlations that remain when labels are shifted around the unseen text.

    Shifted labels keep their rhythm, so that what two slow signals share by accident is counted as chance.
    """

    def __init__(
        self,
        discrete: Bool[np.ndarray, " feature"],
        labels: Float32[np.ndarray, "feature time"],
        places: Sequence[Int64[np.ndarray, " _"]],
        shifts: int,
        fewest: int,
        random: np.random.Generator,
    ) -> None:
        """Shift ``labels`` of the unseen text; ``places`` are its parts' sampled steps, counted from its beginning."""
        length = labels.shape[1]
        distances = random.integers(length // 20, length - length // 20, shifts)
        self.shifts, self.discrete = shifts, discrete.repeat(shifts)
        self.parts, self.largest, self.lock = list[Tensor](), torch.zeros(len(labels) * shifts), Lock()
        for part in places:
            shifted = labels[:, (part + distances[:, None]) % length].reshape(-1, len(part))
            self.parts.append(torch.from_numpy(contrast(self.discrete, shifted, fewest)))
        judged = torch.stack([~z.isnan().any(1) for z in self.parts])
        self.weights = (judged / judged.sum(0).clamp(min=1)).unsqueeze(-1)
        self.parts = [z.nan_to_num() for z in self.parts]

    def update(self, ranks: Sequence[Float[Tensor, "column _"]]) -> None:
        """Take note of the correlations with some signals; ``ranks`` are those of each part."""
        found = [correlation(z, u, self.discrete) for z, u in zip(self.parts, ranks, strict=True)]
        mean = sum((weight * r for weight, r in zip(self.weights, found, strict=True)), torch.zeros(1))
        with self.lock:
            self.largest = torch.maximum(self.largest, mean.abs().amax(1))

    @property
    def threshold(self) -> Float32[np.ndarray, " feature"]:
        """The largest correlation of any signal in any shift."""
        return self.largest.view(-1, self.shifts).amax(1).numpy()
