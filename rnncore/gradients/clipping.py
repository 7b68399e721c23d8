"""Exploding gradients and what clipping does about them: one training twice, and the cliff of Pascanu (2013)."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from rnncore.errors import Error
from rnncore.gradients import journal
from rnncore.network.model import LanguageModel
from rnncore.training.config import TrainConfig
from rnncore.training.corpora import Corpus
from rnncore.training.trainer import Split, Trainer


@dataclass(frozen=True)
class Update:
    """One update of one training.

    Attributes
    ----------
    clip : float
        Its threshold; 0 never clips.
    loss : float
        In nats, before the update.
    gradient_norm, update_norm : float
        Norms of the gradient before clipping, and of the change of all weights.
    seconds : float
        Since the trainings began.
    """

    clip: float
    step: int
    loss: float
    gradient_norm: float
    update_norm: float
    seconds: float = field(compare=False)


@dataclass(frozen=True, eq=False)
class Comparison:
    """The same training at several clipping thresholds: same seed, same weights, same batches in the same order.

    Attributes
    ----------
    history : DataFrame
        A row for each threshold and step, with the columns of :class:`Update`.
    exploded : mapping of float to int or None
        For each threshold the first step at which the loss or the gradient had left the finite numbers, or the loss
        was worse by more than 1 nat than both a blind guess and the best before it; None if there was none.
    symbols : int
        Size of the vocabulary: a blind guess has a loss of its logarithm.
    """

    history: pd.DataFrame = field(repr=False)
    exploded: dict[float, int | None]
    symbols: int

    @classmethod
    def of(cls, history: pd.DataFrame, symbols: int) -> Comparison:
        """Return what a history comes to."""
        clips = [float(clip) for clip in history["clip"].unique()]
        found = {clip: _exploded(history[history["clip"] == clip], symbols) for clip in clips}
        return cls(history, found, symbols)


def clipping(
    config: TrainConfig,
    corpus: Corpus,
    clips: Sequence[float] = (1.0, 0.0),
    *,
    optimizer: str = "adamw",
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Train once for each clipping threshold, everything else equal; nothing is written to disk.

    Parameters
    ----------
    config : TrainConfig
        The training; its ``clip`` and ``folder`` are not used.
    clips : sequence of float
        Thresholds of the gradient's norm; 0 never clips.
    optimizer : {"adamw", "sgd"}
        Plain gradient descent feels the length of a gradient; AdamW divides by it, so that there a gradient that
        explodes does most of its harm to the updates after it.
    progress : callable, optional
        Called with (steps done, steps in all).
    """
    rows = []
    for update in updates(config, corpus, clips, optimizer):
        rows.append(vars(update))
        if progress is not None:
            progress(len(rows), len(clips) * config.steps)
    return Comparison.of(pd.DataFrame(rows), len(config.symbols(corpus.text)))


def updates(
    config: TrainConfig,
    corpus: Corpus,
    clips: Sequence[float] = (1.0, 0.0),
    optimizer: str = "adamw",
    keep: Path | None = None,
) -> Iterator[Update]:
    """Yield the updates of :func:`clipping` one by one, a step of each training in turn.

    A training ends where its loss or its gradient is no longer finite: a step along it would leave no weight a number,
    and skipping the step would be a kind of clipping. ``keep`` names a CSV file that they are kept in.
    """
    if optimizer not in ("adamw", "sgd"):
        raise Error(f"optimizer is adamw or sgd, not {optimizer!r}")
    vocabulary = config.symbols(corpus.text)
    if keep is not None:
        about = {"corpus": corpus.name, "optimizer": optimizer, "symbols": len(vocabulary), "clips": list(clips)}
        used = {name: value for name, value in asdict(config).items() if name not in ("folder", "clip")}
        journal.begin(keep, about | used, [one.name for one in fields(Update)])
    split = Split.of(torch.from_numpy(vocabulary.encode(corpus.text)), config)
    start = LanguageModel(config.model, vocabulary).initialise(config.seed)
    trainers = {
        clip: Trainer(replace(config, clip=clip), copy.deepcopy(start).to(config.device), split) for clip in clips
    }
    if optimizer == "sgd":
        for trainer in trainers.values():
            trainer.optimizer = torch.optim.SGD(trainer.model.parameters(), config.learning_rate)
    started = time.perf_counter()
    for step in range(1, config.steps + 1):
        for clip, trainer in [*trainers.items()]:
            before = [parameter.detach().clone() for parameter in trainer.model.parameters()]
            loss, norm, _ = trainer.update()
            change = [now.detach() - then for now, then in zip(trainer.model.parameters(), before, strict=True)]
            moved = float(torch.nn.utils.get_total_norm(change))
            update = Update(clip, step, loss, norm, moved, round(time.perf_counter() - started, 3))
            if keep is not None:
                journal.append(keep, vars(update))
            yield update
            if not (math.isfinite(loss) and math.isfinite(norm)):
                del trainers[clip]


def read(path: Path) -> tuple[dict[str, Any], Comparison]:
    """Return the settings and the updates that :func:`updates` has kept.

    Raises
    ------
    Error
        It cannot be read, or is no such file.
    """
    settings, history = journal.read(path)
    if not {one.name for one in fields(Update)} <= set(history) or "symbols" not in settings:
        raise Error(f"{path} holds no training with and without clipping")
    return settings, Comparison.of(history, int(settings["symbols"]))


def _exploded(history: pd.DataFrame, symbols: int) -> int | None:
    worst = np.maximum(history["loss"].cummin(), math.log(symbols)) + 1
    lost = ~np.isfinite(history[["loss", "gradient_norm"]].to_numpy()).all(axis=1)
    gone = (history["loss"] > worst) | lost
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
