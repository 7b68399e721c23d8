"""Lyapunov exponents: how fast small differences between two states grow or shrink, direction by direction."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float

from rnncore.errors import Error
from rnncore.gradients.steps import Inputs, Network, Stack

BLOCKS = 20
"""Parts that the steps are cut into to estimate the standard error."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Lyapunov exponents in nats per step, the largest first; as an array, the exponents alone.

    Attributes
    ----------
    exponents : float64 [direction]
        Mean of ln |R_ii| over the steps: above 0 a difference grows, below it shrinks, -inf is lost at once.
    standard_errors : float64 [direction]
        Of the exponents, from the means of consecutive blocks of steps; nan with fewer than two blocks.
    warmup, steps : int
        Steps that were taken before measuring, and steps that were measured.
    """

    exponents: np.ndarray
    standard_errors: np.ndarray = field(repr=False)
    warmup: int
    steps: int

    def __array__(self, dtype: type | None = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.exponents, dtype=dtype)

    def __len__(self) -> int:
        return len(self.exponents)

    def __getitem__(self, index: int | slice) -> np.ndarray | np.float64:
        return self.exponents[index]

    @property
    def dimension(self) -> float:
        """Kaplan-Yorke dimension: how many directions a cloud of states keeps; all of them if their sum is positive."""
        sums = np.cumsum(self.exponents)
        kept = int((sums >= 0).sum())
        if kept == 0 or kept == len(sums):
            return float(kept)
        return kept + float(sums[kept - 1] / abs(self.exponents[kept]))


def lyapunov(
    network: Network,
    inputs: Inputs,
    *,
    exponents: int | None = None,
    warmup: int | None = None,
    start: Float[torch.Tensor, " state"] | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Spectrum:
    """Return the Lyapunov exponents of a network that is driven by ``inputs``.

    The Jacobians J_t of the full state (all layers, h and c) push an orthonormal frame along,
    Q, R = qr(J_t Q); the exponents are the means of ln |R_ii| (Benettin 1980; Engelken 2023 for networks).

    Parameters
    ----------
    network : LanguageModel or Cell
        Computed in float64, whatever its own precision.
    inputs : str, Tensor [time] or [time, input], or int
        A text or its ids for a model, inputs, or a number of steps without input.
    exponents : int, optional
        Only so many, the largest; each costs the same. All by default.
    warmup : int, optional
        Steps taken first, so that the state and the frame settle; a tenth of all by default.
    start : Tensor [state], optional
        The full state to start from; the cells' own start by default.
    seed : int
        Of the first frame.
    progress : callable, optional
        Called with (steps done, steps in all).

    Raises
    ------
    Error
        The inputs do not fit, or there is no step left after the warm-up.
    """
    stack = Stack.of(network, inputs)
    time, count = len(stack.xs), stack.size if exponents is None else exponents
    warmup = time // 10 if warmup is None else warmup
    if not 0 <= warmup < time:
        raise Error(f"a warm-up of {warmup} steps leaves none of {time} to measure")
    if not 1 <= count <= stack.size:
        raise Error(f"exponents is 1 to {stack.size}, the size of the full state, not {count}")
    generator = torch.Generator(stack.xs.device).manual_seed(seed)
    frame = torch.randn(stack.size, count, dtype=torch.float64, device=stack.xs.device, generator=generator)
    frame = torch.linalg.qr(frame).Q
    state, logs = stack.start() if start is None else start.double(), []
    for t, x in enumerate(stack.xs):
        frame, stretched = torch.linalg.qr(stack.push(x, state, frame.T).T)
        state = stack.step(x, state)
        if t >= warmup:
            logs.append(stretched.diagonal().abs().log())
        if progress is not None:
            progress(t + 1, time)
    grown = torch.stack(logs).cpu().numpy()
    means, order = grown.mean(0), np.argsort(-grown.mean(0), kind="stable")
    return Spectrum(means[order], _standard_errors(grown)[order], warmup, len(grown))


def _standard_errors(grown: np.ndarray) -> np.ndarray:
    """Return the standard error of the mean over steps, which depend on each other, by way of block means."""
    blocks = min(BLOCKS, len(grown) // 2)
    if blocks < 2:
        return np.full(grown.shape[1], math.nan)
    with np.errstate(invalid="ignore"):  # of exponents that are -inf
        means = np.stack([part.mean(0) for part in np.array_split(grown, blocks)])
        return np.asarray(means.std(0, ddof=1) / math.sqrt(blocks))
