"""Tasks that ask for a memory of a known length, with the loss of those who have none, by closed form."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

from rnncore.errors import Error, look_up


class Batch(NamedTuple):
    """Sequences of a task.

    ``xs`` [time, batch, input] is read; at the last ``len(targets)`` steps ``targets`` [answer, batch] is asked for: a
    number, or the number of a class.
    """

    xs: Float[Tensor, "time batch input"]
    targets: Float[Tensor, "answer batch"] | Int64[Tensor, "answer batch"]


@dataclass(frozen=True)
class Task:
    """A task of any length.

    Attributes
    ----------
    inputs, outputs : int
        Width of the input at a step; classes of the answer, or 1 for a number.
    draw : callable
        (length, batch, generator) to a :class:`Batch`.
    baseline : callable
        The mean loss of the best answer without memory, for a length.
    shortest : int
        The shortest length there is.
    """

    name: str
    title: str
    inputs: int
    outputs: int
    draw: Callable[[int, int, torch.Generator], Batch]
    baseline: Callable[[int], float]
    shortest: int

    def sample(self, length: int, batch: int, generator: torch.Generator) -> Batch:
        """Draw sequences.

        Raises
        ------
        Error
            The length is too short for the task.
        """
        if length < self.shortest:
            raise Error(f"{self.title} needs a length of at least {self.shortest}, not {length}")
        return self.draw(length, batch, generator)

    def loss(self, answers: Float[Tensor, "answer batch output"], targets: Tensor) -> Tensor:
        """Return the mean squared error of a number, or the mean cross-entropy of classes, in nats."""
        if self.outputs == 1:
            return functional.mse_loss(answers.squeeze(-1), targets)
        return functional.cross_entropy(answers.flatten(0, 1), targets.flatten())


def _adding(length: int, batch: int, generator: torch.Generator) -> Batch:
    """Numbers in 0..1, two of them marked, one in each half; their sum is asked for at the end."""
    xs = torch.zeros(length, batch, 2)
    xs[..., 0] = torch.rand(length, batch, generator=generator)
    half, column = length // 2, torch.arange(batch)
    first = torch.randint(half, (batch,), generator=generator)
    second = torch.randint(half, length, (batch,), generator=generator)
    xs[first, column, 1] = xs[second, column, 1] = 1.0
    return Batch(xs, (xs[..., 0] * xs[..., 1]).sum(0, keepdim=True))


_WORD, _LETTERS = 10, 8


def _copy(length: int, batch: int, generator: torch.Generator) -> Batch:
    """Ten letters out of eight, ``length`` blanks, the last of which asks for them, then ten steps to answer in.

    At all other steps a blank is the answer.
    """
    blank, ask = _LETTERS, _LETTERS + 1
    word = torch.randint(_LETTERS, (_WORD, batch), generator=generator)
    ids = torch.full((length + 2 * _WORD, batch), blank)
    ids[:_WORD], ids[_WORD + length - 1] = word, ask
    targets = torch.full_like(ids, blank)
    targets[-_WORD:] = word
    return Batch(functional.one_hot(ids, _LETTERS + 2).float(), targets)


def _temporal_order(length: int, batch: int, generator: torch.Generator) -> Batch:
    """Two marks, X or Y each, far apart in noise of four letters; which came in which order is asked at the end."""
    ids = torch.randint(4, (length, batch), generator=generator)
    marks, column = torch.randint(2, (2, batch), generator=generator), torch.arange(batch)
    for mark, (start, stop) in zip(marks, ((0.1, 0.2), (0.5, 0.6)), strict=True):
        place = torch.randint(round(start * length), round(stop * length), (batch,), generator=generator)
        ids[place, column] = 4 + mark
    return Batch(functional.one_hot(ids, 6).float(), (2 * marks[0] + marks[1]).unsqueeze(0))


TASKS = {
    task.name: task
    for task in (
        # Hochreiter & Schmidhuber (1997); without memory one answers 1, and errs by the variance of the sum.
        Task("adding", "Adding", 2, 1, _adding, lambda length: 1 / 6, 2),
        # Arjovsky, Shah & Bengio (2016); without memory one knows the blanks and guesses the ten letters.
        Task(
            "copy",
            "Copy memory",
            _LETTERS + 2,
            _LETTERS + 1,
            _copy,
            lambda length: _WORD * math.log(_LETTERS) / (length + 2 * _WORD),
            1,
        ),
        # Hochreiter & Schmidhuber (1997), with one mark each of X and Y: four classes.
        Task("temporal-order", "Temporal order", 6, 4, _temporal_order, lambda length: math.log(4), 10),
    )
}
"""The tasks by name."""


def find(name: str) -> Task:
    """Return the task called ``name``.

    Raises
    ------
    Error
        There is none of this name.
    """
    return look_up("task", name, TASKS)
