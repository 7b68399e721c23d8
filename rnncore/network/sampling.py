"""From a model's scores to the symbol that is written: temperature, top-k, top-p, and a random number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from rnncore.errors import Error


@dataclass(frozen=True)
class Sampling:
    """How symbols are chosen; see :func:`rnncore.network.generate.stream`.

    Raises
    ------
    Error
        A parameter is out of its range.
    """

    length: int
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None

    def __post_init__(self) -> None:
        if self.length < 0:
            raise Error(f"length is a number of symbols, not {self.length}")
        if not 0 <= self.temperature < math.inf:
            raise Error(f"temperature is 0 (always the likeliest) or more, not {self.temperature}")
        if self.top_k is not None and self.top_k < 1:
            raise Error(f"top_k is at least 1, not {self.top_k}")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise Error(f"top_p is a probability above 0, at most 1, not {self.top_p}")

    def choose(
        self, scores: Float[np.ndarray, "batch vocab"], randoms: Sequence[np.random.Generator], name: str
    ) -> Int64[np.ndarray, " batch"]:
        """Return for every text the id to write, drawn as ``random.choice`` draws it, in a fraction of its time."""
        if not math.isfinite(scores.sum()):
            raise Error(f"{name} gives scores that are no longer finite: its weights are broken")
        if self.temperature == 0:
            return np.asarray(scores.argmax(1))
        if self.top_k is None and self.top_p is None:
            weights = tempered(scores, self.temperature)
        else:
            weights = np.stack([narrow(score, self.temperature, self.top_k, self.top_p) for score in scores])
        shares = weights.cumsum(1)
        drawn = np.array([[random.random()] for random in randoms])
        return np.asarray((shares <= drawn * shares[:, -1:]).sum(1))


def softmax(scores: Float[np.ndarray, "*batch vocab"]) -> Float[np.ndarray, "*batch vocab"]:
    """Return exp(score), normalised to sum 1."""
    p = np.exp(scores - scores.max(-1, keepdims=True))
    return np.asarray(p / p.sum(-1, keepdims=True))


def tempered(scores: Float[np.ndarray, "*batch vocab"], temperature: float) -> Float[np.ndarray, "*batch vocab"]:
    """Return every symbol's weight at this temperature, 1 for the likeliest; a tiny one sends all others to 0."""
    with np.errstate(over="ignore"):
        return np.asarray(np.exp((scores - scores.max(-1, keepdims=True)) / temperature))


def narrow(
    score: Float[np.ndarray, " vocab"], temperature: float, top_k: int | None, top_p: float | None
) -> Float[np.ndarray, " vocab"]:
    """Return the distribution to sample from: temperature first, then top-k, then top-p."""
    if temperature == 0:
        return np.asarray(np.arange(len(score)) == score.argmax(), np.float64)
    p = tempered(score, temperature)
    p = np.asarray(p / p.sum())
    if top_k is None and top_p is None:
        return p
    order, keep = np.argsort(-score, kind="stable"), np.zeros(len(score), dtype=bool)
    keep[order[: top_k or len(score)]] = True
    if top_p is not None:
        p = np.where(keep, p, 0) / p[keep].sum()
        before = np.cumsum(p[order]) - p[order]
        keep[order[before >= top_p]] = False
    p = np.where(keep, p, 0)
    return np.asarray(p / p.sum())
