"""Exploding gradients and what clipping does about them: one training twice, and the cliff of Pascanu (2013)."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import torch

from rnncore.errors import Error
from rnncore.network.model import LanguageModel
from rnncore.network.vocabulary import Vocabulary
from rnncore.training.config import TrainConfig
from rnncore.training.corpora import Corpus
from rnncore.training.trainer import Split, Trainer


@dataclass(frozen=True, eq=False)
class Comparison:
    """The same training at several clipping thresholds: same seed, same weights, same batches in the same order.

    Attributes
    ----------
    history : DataFrame
        A row for each threshold and step: clip (0: never), step, loss in nats, gradient_norm before clipping,
        update, the norm of the change of all weights.
    exploded : mapping of float to int or None
        For each threshold the first step at which the loss had left the finite numbers or was worse than a blind
        guess by more than 1 nat after it had been better; None if there was none.
    """

    history: pd.DataFrame = field(repr=False)
    exploded: dict[float, int | None]


def clipping(
    config: TrainConfig,
    corpus: Corpus,
    clips: Sequence[float] = (1.0, 0.0),
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Train once for each clipping threshold, everything else equal; nothing is written to disk.

    Parameters
    ----------
    config : TrainConfig
        The training; its ``clip`` and ``folder`` are not used.
    clips : sequence of float
        Thresholds of the gradient's norm; 0 never clips.
    progress : callable, optional
        Called with (steps done, steps in all).
    """
    vocabulary = Vocabulary.bytes() if config.vocabulary == "bytes" else Vocabulary.characters(corpus.text)
    split = Split.of(torch.from_numpy(vocabulary.encode(corpus.text)), config)
    start = LanguageModel(config.model, vocabulary).initialise(config.seed)
    rows: list[dict[str, float]] = []
    for number, clip in enumerate(clips):
        trainer = Trainer(replace(config, clip=clip), copy.deepcopy(start).to(config.device), split)
        for step in range(1, config.steps + 1):
            before = [parameter.detach().clone() for parameter in trainer.model.parameters()]
            loss, norm, _ = trainer.update()
            change = [now.detach() - then for now, then in zip(trainer.model.parameters(), before, strict=True)]
            update = float(torch.nn.utils.get_total_norm(change))
            rows.append({"clip": clip, "step": step, "loss": loss, "gradient_norm": norm, "update": update})
            if progress is not None:
                progress(number * config.steps + step, len(clips) * config.steps)
            if not math.isfinite(loss):
                break
    history = pd.DataFrame(rows)
    return Comparison(history, {clip: _exploded(history[history["clip"] == clip], len(vocabulary)) for clip in clips})


def _exploded(history: pd.DataFrame, symbols: int) -> int | None:
    guess = math.log(symbols)
    learned = history["loss"].cummin() < guess
    gone = ~np.isfinite(history["loss"]) | (learned & (history["loss"] > guess + 1))
    return int(history["step"][gone].iloc[0]) if gone.any() else None


# ---- the cliff -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OneUnit:
    """A recurrent network of one unit, x_t = w sigmoid(x_(t-1)) + b, that is to end at ``goal``, Pascanu (2013).

    Its loss is (sigmoid(x_T) - goal)², after T steps from ``start``.
    """

    steps: int = 50
    start: float = 0.5
    goal: float = 0.7

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise Error(f"steps is at least 1, not {self.steps}")

    def loss(self, w: np.ndarray | float, b: np.ndarray | float) -> np.ndarray:
        """Return the loss at every (w, b)."""
        x = np.full(np.broadcast_shapes(np.shape(w), np.shape(b)), self.start)
        for _ in range(self.steps):
            x = w * _sigmoid(x) + b
        return np.asarray((_sigmoid(x) - self.goal) ** 2)

    def gradient(self, w: float, b: float) -> tuple[float, float]:
        """Return dL/dw and dL/db."""
        x, dw, db = self.start, 0.0, 0.0
        for _ in range(self.steps):
            s = float(_sigmoid(x))
            slope = w * s * (1 - s)
            x, dw, db = w * s + b, slope * dw + s, slope * db + 1
        s = float(_sigmoid(x))
        pull = 2 * (s - self.goal) * s * (1 - s)
        return pull * dw, pull * db

    def descend(self, w: float, b: float, *, learning_rate: float, updates: int, clip: float = 0.0) -> pd.DataFrame:
        """Return the path of gradient descent: update, w, b, loss, gradient_norm (before clipping), clipped."""
        rows = []
        for update in range(updates + 1):
            dw, db = self.gradient(w, b)
            norm = math.hypot(dw, db)
            clipped = 0 < clip < norm
            rows.append((update, w, b, float(self.loss(w, b)), norm, clipped))
            scale = learning_rate * (clip / norm if clipped else 1)
            w, b = w - scale * dw, b - scale * db
        return pd.DataFrame(rows, columns=["update", "w", "b", "loss", "gradient_norm", "clipped"])


def _sigmoid(x: np.ndarray | float) -> np.ndarray:
    return np.asarray(0.5 * (1 + np.tanh(np.asarray(x) / 2)))
