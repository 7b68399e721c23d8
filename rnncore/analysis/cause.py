"""What becomes of a model when units are taken out: of its losses inside a concept and outside, of what it writes.

A unit is taken out by what the others see of it, its h: held at zero, at its mean, or replaced by what it was at random
other steps ("resample"), which keeps the range of its values and loses their timing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from rnncore.analysis.sample import STEPS, WARM_UP, Report, reading, streams
from rnncore.errors import Error
from rnncore.network import fused
from rnncore.network.generate import generate_many
from rnncore.network.intervene import Ablate, Intervention, Patch, by_layer, listener
from rnncore.network.model import LanguageModel, next_symbol_loss
from rnncore.network.unroll import unroll

How = Literal["zero", "mean", "resample"]

Unit = tuple[int, int]
"""The layer and the number of a unit."""

BLOCK, FEWEST_BLOCKS = 50, 5
"""Steps in a row that the bootstrap draws together, because what happens at them hangs together; and over how many such
blocks a concept must be spread, and what is outside it, before an interval is believed."""


ROUNDING = 1e-5
"""Nats per symbol below which a rise of the loss may come from rounding."""


class Estimate(NamedTuple):
    """A figure and its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Effect:
    """How much worse a model predicts without some units: the mean rise of its loss in nats per symbol.

    Attributes
    ----------
    inside, outside, difference : Estimate
        The rise at the steps of the concept, at all other steps, and the first minus the second.
    steps, all_steps : int
        How many are inside, and how many there are.
    blocks : int
        Over how many blocks of 50 steps those inside are spread, or those outside, whichever is less.
    """

    inside: Estimate
    outside: Estimate
    difference: Estimate
    steps: int
    all_steps: int
    blocks: int

    @property
    def causal(self) -> bool:
        """Whether the model is worse off on one side of the concept, and more so than on the other, for certain.

        If it is better off inside without the unit, for certain, the unit is no help there: that is no such effect.
        Nothing is certain of a concept that is found in a few places only.
        """
        if self.blocks < FEWEST_BLOCKS:
            return False
        more_inside = min(self.difference.low, self.inside.low) > ROUNDING
        more_outside = min(-self.difference.high, self.outside.low) > ROUNDING
        return more_inside or (more_outside and self.inside.high > -ROUNDING)


class Removal:
    """A text as a model reads it undisturbed; units are then taken out, and what that changes is measured.

    Parameters
    ----------
    text : str
        At least 1,200 symbols that the model was not trained on. It is read in streams side by side, the first steps of
        each left out; see :mod:`rnncore.analysis.sample`.
    symbols : slice
        Which of the text's symbols to read; by default all.
    seed : int
        Of the steps that "resample" draws.
    progress : callable, optional
        Called with (steps read, steps in all).
    """

    def __init__(
        self,
        model: LanguageModel,
        text: str,
        symbols: slice = slice(None),
        seed: int = 0,
        progress: Report | None = None,
    ) -> None:
        self.model, self.ids, self.symbols, self.seed = model, streams(model, text, symbols), symbols, seed
        read = []
        for first, layers, logits in reading(model, self.ids):
            read.append(([signals["h"] for signals in layers], logits))
            if progress is not None:
                progress(min(first + STEPS, len(self.ids)), len(self.ids))
        self.h = [torch.cat(pieces) for pieces in zip(*(layers for layers, _ in read), strict=True)]
        self.loss = self._loss(torch.cat([logits for _, logits in read]))

    def interventions(self, units: Sequence[Unit], how: How = "mean") -> list[Intervention]:
        """Return what takes ``units`` out, also for :func:`rnncore.record` and :func:`rnncore.generate`.

        Raises
        ------
        Error
            There is no such unit, or no such way.
        """
        if how not in ("zero", "mean", "resample"):
            raise Error(f"units are taken out by zero, mean or resample, not {how!r}")
        found: list[Intervention] = []
        for layer in sorted({layer for layer, _ in units}):
            if not 0 <= layer < len(self.h):
                raise Error(f"no layer {layer}; {self.model.name} has layers 0 to {len(self.h) - 1}")
            own = [unit for of, unit in units if of == layer]
            if how == "zero":
                found.append(Ablate(layer, "h", own))
            elif how == "mean":
                mean = self.h[layer].flatten(0, 1).mean(0, keepdim=True, dtype=torch.float64)
                found.append(Ablate(layer, "h", own, mean=_Values(layer, mean.cpu().numpy())))
            else:
                h = self.h[layer].flatten(0, 1)
                order = torch.randperm(len(h), generator=torch.Generator().manual_seed(self.seed))
                found.append(Patch(layer, "h", own, _Values(layer, h[order.to(h.device)].cpu().numpy())))
        return found

    @torch.no_grad()
    def rise(self, units: Sequence[Unit], how: How = "mean") -> Float32[np.ndarray, "stream time"]:
        """Return by how many nats each symbol's loss rises without ``units``; nan where a stream begins and ends.

        Symbol t of a stream is the place where the network has read it and predicts the next, so that the labels of
        symbol t belong to it.
        """
        changes = by_layer(self.model.layers, self.interventions(units, how))
        lowest = min(layer for layer, _ in units)
        x = self.h[lowest - 1] if lowest else self.model.embed(self.ids)
        for layer in range(lowest, len(self.h)):
            cell = self.model.layers[layer]
            start = cell.start(self.ids.shape[1])
            if changes[layer]:
                x, _ = unroll(cell, x, start, listener(changes[layer], 0))
            else:
                x, _ = fused.run(cell, x, start)
        return np.asarray((self._loss(self.model.head(x)) - self.loss).float().cpu().numpy().T)

    def effect(
        self,
        rise: Float32[np.ndarray, "stream time"],
        label: Float32[np.ndarray, " symbol"],
        *,
        draws: int = 2000,
        seed: int = 0,
    ) -> Effect:
        """Compare a rise of the loss inside a concept and outside.

        Parameters
        ----------
        rise : float32 [stream, time]
            From :meth:`rise`.
        label : float32 [symbol]
            Of every symbol of the whole text, 1 inside and 0 outside; nan is neither. Of a scalar, inside is what is
            above its median.
        draws, seed : int
            Of the bootstrap over blocks of 50 steps.
        """
        values = label[self.symbols][: rise.size].reshape(rise.shape)
        if not np.isin(values[~np.isnan(values)], (0, 1)).all():
            values = np.where(np.isnan(values), np.nan, values > np.nanmedian(values))
        length = rise.shape[1] // BLOCK * BLOCK
        known = ~np.isnan(rise) & ~np.isnan(values)
        sums = []
        for side in (1, 0):
            member = known & (values == side)
            both = np.stack([np.where(member, rise, 0), member])[:, :, :length].astype(np.float64)
            sums.append(both.reshape(2, -1, BLOCK).sum(-1))
        random = np.random.default_rng(seed)
        blocks = sums[0].shape[1]
        times = random.multinomial(blocks, np.full(blocks, 1 / blocks), draws)  # how often each block is drawn
        drawn = [_mean(side @ times.T) for side in sums]
        means = [float(_mean(side.sum(1))) for side in sums]
        steps, rest = (int(side[1].sum()) for side in sums)
        return Effect(
            _estimate(means[0], drawn[0]),
            _estimate(means[1], drawn[1]),
            _estimate(means[0] - means[1], drawn[0] - drawn[1]),
            steps,
            steps + rest,
            min(int((side[1] > 0).sum()) for side in sums),
        )

    def _loss(self, logits: Tensor) -> Float[Tensor, "time stream"]:
        loss = logits.new_full(self.ids.shape, torch.nan)
        loss[:-1] = next_symbol_loss(logits[:-1], self.ids[1:])
        loss[:WARM_UP] = torch.nan
        return loss.masked_fill(loss.isinf(), torch.nan)


@dataclass(frozen=True)
class Written:
    """What share of something the texts of a model have, ``whole`` and ``without`` some units.

    ``difference`` is without minus whole; intervals are over texts. ``counted`` is out of how many the two shares are.
    """

    whole: Estimate
    without: Estimate
    difference: Estimate
    counted: tuple[int, int]


def writing(
    removal: Removal,
    units: Sequence[Unit],
    measure: Callable[[str], tuple[int, int]],
    *,
    prompt: str = "",
    texts: int = 100,
    length: int = 300,
    how: How = "mean",
    seed: int = 0,
) -> Written:
    """Let a model write with and without ``units``, from the same random numbers, and compare what comes of it.

    Parameters
    ----------
    measure : callable
        From a text to (how often something happened, how often it might have); :func:`closed` makes one.
    texts, length : int
        How many to write, and symbols of each.
    """
    write = partial(generate_many, removal.model, [prompt] * texts, length=length, seed=seed)
    whole, without = write(), write(interventions=removal.interventions(units, how))
    counts = np.array([[measure(text) for text in group] for group in (whole, without)], np.float64)
    times = np.random.default_rng(seed).multinomial(texts, np.full(texts, 1 / texts), 2000)
    drawn = [_mean(group.T @ times.T) for group in counts]
    means = [float(_mean(group.sum(0))) for group in counts]
    counted = (int(counts[0, :, 1].sum()), int(counts[1, :, 1].sum()))
    return Written(
        _estimate(means[0], drawn[0]),
        _estimate(means[1], drawn[1]),
        _estimate(means[1] - means[0], drawn[1] - drawn[0]),
        counted,
    )


def closed(opening: str, closing: str, within: int = 100) -> Callable[[str], tuple[int, int]]:
    """Return a measure of a text: how many marks that open are closed within so many characters, and how many opened.

    >>> closed("(", ")", within=4)("f(x) and (y + z)")
    (1, 2)

    Marks too near the end of the text do not count. Where both are the same, as quotation marks, they take turns.
    """
    marks = re.compile(f"{re.escape(opening)}|{re.escape(closing)}")

    def measure(text: str) -> tuple[int, int]:
        waiting, pairs = list[int](), dict[int, int]()
        for mark in marks.finditer(text):
            if mark.group() == opening and not (opening == closing and waiting):
                waiting.append(mark.start())
                pairs[mark.start()] = len(text)
            elif waiting:
                opened = waiting.pop()
                pairs[opened] = mark.start()
        judged = {opened: end for opened, end in pairs.items() if opened + within < len(text)}
        return sum(end - opened <= within for opened, end in judged.items()), len(judged)

    return measure


def _estimate(value: float, drawn: np.ndarray) -> Estimate:
    known = drawn[~np.isnan(drawn)]
    low, high = np.percentile(known, (2.5, 97.5)) if len(known) else (np.nan, np.nan)
    return Estimate(value, float(low), float(high))


def _mean(sums: np.ndarray) -> np.ndarray:
    """Divide the first row, sums, by the second, counts."""
    missing = np.full(np.shape(sums[0]), np.nan)
    return np.asarray(np.divide(sums[0], sums[1], out=missing, where=sums[1] > 0))


@dataclass(frozen=True, eq=False)
class _Values:
    """Values of h [time, unit] of one layer, for interventions to take from."""

    layer: int
    h: Float[np.ndarray, "time unit"]

    @property
    def time(self) -> int:
        return len(self.h)

    @property
    def layers(self) -> int:
        return self.layer + 1

    @property
    def units(self) -> int:
        return int(self.h.shape[1])

    def __getitem__(self, key: tuple[str, int]) -> np.ndarray:
        return self.h
