"""How well each signal of each unit tells each feature of the text: on text that it was not chosen by, against chance.

For a discrete feature the area under the ROC curve (AUC): how often a step where the feature holds has the higher
value, of two steps drawn one from either side. For a scalar feature R^2, of the best line and of the best monotone
function (isotonic regression), both fitted on one text and judged on others. For both, mutual information. One scale
for both kinds is the *strength*: |2 AUC - 1|, or the root of the monotone R^2, signed by whether it holds up.

Chance: labels shifted around the text, by 99 random distances, keep how they hang together and lose what they have to
do with the states. The control is the highest rank correlation that any signal of any unit reached in any shift.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float32
from torch import Tensor
from torch.nn.functional import embedding_bag

from rnncore.analysis.features import Feature
from rnncore.analysis.fits import Binned, fitted_line, fitted_steps, information, moments
from rnncore.analysis.ranks import Control, PartLabels, correlation, cuts, midranks
from rnncore.analysis.sample import Report, Sample
from rnncore.errors import Error

BINS = 32
"""Values of a signal that mutual information and the monotone fit tell apart, equally many steps in each."""

BLOCK = 128
"""Signals of units that are scored at once."""

FEWEST = 20
"""Steps where a feature holds, and where it does not, that each part must have; the part to choose by twice that."""


@dataclass(frozen=True, eq=False)
class Scores:
    """The scores of all signals of all units for some features.

    Attributes
    ----------
    features : tuple of Feature
    columns : DataFrame
        layer, signal, unit.
    rank : float32 [part, feature, column]
        2 AUC - 1, or Spearman's rho. Part 0 is the text to choose by; all others are unseen.
    linear, monotone : float32 [part, feature, column]
        R^2 of scalar features, of what was fitted on part 0; nan for discrete ones.
    information : float32 [feature, column]
        Mutual information in nats over the unseen texts, with the correction of Miller and Madow.
    control : float32 [feature]
        The largest |rank|, averaged over the unseen texts, of any signal of any unit for any shift of the labels.
    shifts : int
        How many; by chance alone, a feature has any signal above its control with probability 1 / (shifts + 1).
    """

    features: tuple[Feature, ...]
    columns: pd.DataFrame = field(repr=False)
    rank: Float32[np.ndarray, "part feature column"] = field(repr=False)
    linear: Float32[np.ndarray, "part feature column"] = field(repr=False)
    monotone: Float32[np.ndarray, "part feature column"] = field(repr=False)
    information: Float32[np.ndarray, "feature column"] = field(repr=False)
    control: Float32[np.ndarray, " feature"] = field(repr=False)
    shifts: int

    @cached_property
    def strength(self) -> Float32[np.ndarray, "part feature column"]:
        """The strength in each part: negative where the direction is not that of part 0."""
        discrete = np.array([known.kind == "discrete" for known in self.features])[:, None]
        rank = self.rank * np.where(self.rank[0] < 0, -1, 1)
        return np.where(discrete, rank, np.sqrt(np.maximum(self.monotone, 0))).astype(np.float32)

    @property
    def unseen(self) -> Float32[np.ndarray, "feature column"]:
        """The mean strength over the unseen texts."""
        return np.asarray(self.strength[1:].mean(0))

    @property
    def above_control(self) -> np.ndarray:
        """Where the rank correlation on unseen text is beyond the control, bool [feature, column]."""
        return np.asarray(np.abs(self.rank[1:].mean(0)) > self.control[:, None])

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row for each signal of each unit and each feature.

        layer, signal, unit, feature, kind; on unseen text auc (discrete), rho, linear and monotone (scalar),
        information, strength and the least strength in any of the three texts; chosen, the strength in the text to
        choose by; control and above_control.
        """
        discrete = np.array([known.kind == "discrete" for known in self.features])[:, None]
        rank, strength = self.rank[1:].mean(0), self.strength
        count, width = rank.shape
        columns = {name: np.tile(self.columns[name].to_numpy(), count) for name in ("layer", "signal", "unit")}
        wide = {
            "auc": np.where(discrete, (rank + 1) / 2, np.nan),
            "rho": np.where(discrete, np.nan, rank),
            "linear": self.linear[1:].mean(0),
            "monotone": self.monotone[1:].mean(0),
            "information": self.information,
            "strength": strength[1:].mean(0),
            "least": strength[1:].min(0),
            "chosen": strength[0],
            "control": np.broadcast_to(self.control[:, None], rank.shape),
            "above_control": self.above_control,
        }
        return pd.DataFrame(
            {
                **columns,
                "feature": np.repeat([known.name for known in self.features], width),
                "kind": np.repeat([known.kind for known in self.features], width),
                **{name: values.ravel() for name, values in wide.items()},
            }
        )


def scores(
    sample: Sample,
    features: Sequence[Feature],
    labels: Float32[np.ndarray, "feature time"],
    *,
    shifts: int = 99,
    seed: int = 0,
    progress: Report | None = None,
) -> Scores:
    """Score every signal of every unit in ``sample`` for every feature.

    The figures are exact for the sampled steps. For the text as a whole they have a sampling error: that of an AUC is
    about 0.3 / sqrt(n) where n steps have the rarer label, 0.006 for 2,500.

    Parameters
    ----------
    labels : float32 [feature, time]
        Of the whole text that was sampled, from :func:`rnncore.analysis.labels`.
    shifts : int
        How often the labels are shifted for the control.
    progress : callable, optional
        Called with (blocks of signals done, in all).

    Raises
    ------
    Error
        The labels do not fit the features or the text.

    Notes
    -----
    A feature that holds, or does not hold, at hardly any sampled step of one part has nan scores.
    """
    if len(labels) != len(features) or labels.shape[1] < sample.symbols[-1]:
        raise Error(
            f"labels are {list(labels.shape)}; expected {len(features)} features at "
            f"{sample.symbols[-1]} symbols or more"
        )
    discrete = np.array([known.kind == "discrete" for known in features], bool)
    y = labels[:, sample.positions]
    edges = cuts(discrete, y[:, sample.parts[0]])
    parts = [
        PartLabels(discrete, y[:, part], edges, FEWEST * (1 + (number == 0)))
        for number, part in enumerate(sample.parts)
    ]
    unseen = slice(sample.symbols[1], sample.symbols[-1])
    places = [sample.positions[part] - unseen.start for part in sample.parts[1:]]
    random = np.random.default_rng(seed)
    control = Control(discrete, labels[:, unseen], places, shifts, FEWEST, random) if shifts else None
    blocks = [slice(start, start + BLOCK) for start in range(0, len(sample.values), BLOCK)]
    found: list[tuple[np.ndarray, ...]] = []
    with ThreadPoolExecutor(torch.get_num_threads()) as workers:
        for block in workers.map(lambda columns: _block(sample, columns, discrete, parts, control), blocks):
            found.append(block)
            if progress is not None:
                progress(len(found), len(blocks))
    rank, linear, monotone, shared = (np.concatenate(rows, -1) for rows in zip(*found, strict=True))
    missing = np.isnan(rank).any(0)
    fitted = ~discrete[:, None] & ~missing
    nan = np.float32(np.nan)
    return Scores(
        tuple(features),
        sample.columns,
        np.where(missing, nan, rank),
        np.where(fitted, linear, nan),
        np.where(fitted, monotone, nan),
        np.where(missing, nan, shared),
        control.threshold if control else np.full(len(features), np.nan, np.float32),
        shifts,
    )


def _block(
    sample: Sample, columns: slice, discrete: np.ndarray, parts: list[PartLabels], control: Control | None
) -> tuple[np.ndarray, ...]:
    """Return rank, linear, monotone [part, feature, column] and information [feature, column] of some columns."""
    rank, sums, tables, everywhere = [], [], list[np.ndarray](), list[Tensor]()
    first = sample.values[columns, sample.parts[0]]
    centre, scale = first.mean(1, keepdims=True), np.maximum(first.std(1, keepdims=True), np.float32(1e-30))
    for part, labels in zip(sample.parts, parts, strict=True):
        x = sample.values[columns, part]
        order = x.argsort(1)
        ordered = np.take_along_axis(x, order, 1)
        if not tables:
            edges = ordered[:, np.arange(1, BINS) * x.shape[1] // BINS]
        all_ranks = torch.from_numpy(midranks(ordered, order))
        r = torch.empty(len(discrete), len(x))
        for rows, mask in labels.groups:
            ranks = all_ranks if mask is None else torch.from_numpy(midranks(ordered, order, mask))
            r[rows] = correlation(labels.contrast[rows], ranks, discrete[rows])
        rank.append(r.numpy())
        everywhere.append(all_ranks)
        tables.append(_table(ordered, order, edges, labels))
        sums.append(moments(torch.from_numpy((x - centre) / scale), labels, discrete))
    if control:
        control.update(everywhere[1:])
    unseen = sum(tables[1:], np.zeros(1))
    shared = [information(unseen[..., levels]) for levels in parts[0].levels]
    lines = np.full((len(parts), *rank[0].shape), np.nan, np.float32)
    lines[:, ~discrete] = fitted_line(sums)
    steps = np.full_like(lines, np.nan)
    for row, (levels, total) in parts[0].sums.items():
        y = [
            Binned(table[..., levels].sum(-1), table[..., total], labels.y[row])
            for table, labels in zip(tables, parts, strict=True)
        ]
        steps[:, row] = fitted_steps(y, rank[0][row])
    return np.stack(rank), lines, steps, np.stack(shared).astype(np.float32)


def _table(ordered: np.ndarray, order: np.ndarray, edges: np.ndarray, labels: PartLabels) -> np.ndarray:
    """Return the sums of the labels' levels over the steps of each bin, [column, bin, level]."""
    begins = [np.searchsorted(row, cuts) for row, cuts in zip(ordered, edges, strict=True)]
    offsets = np.concatenate([np.zeros((len(order), 1), np.int64), np.stack(begins)], 1)
    offsets += np.arange(len(order))[:, None] * order.shape[1]
    sums = embedding_bag(
        torch.from_numpy(order).flatten(), labels.weights, torch.from_numpy(offsets).flatten(), mode="sum"
    )
    return sums.view(*offsets.shape, -1).double().numpy()
