"""Depth, the same disease without time: stacks of layers learn to read digits, and their gradients are watched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from rnncore.errors import Error, look_up
from rnncore.gradients.paths import path_gradients
from rnncore.gradients.stacks import ACTIVATIONS, JOINS, FeedForward, dense_shape, layer_gradients


class Digits(NamedTuple):
    """The 1,797 handwritten digits that come with scikit-learn, 8 x 8 pixels in -1..1; a fifth is held out."""

    xs: Float[Tensor, "example pixel"]
    targets: Int[Tensor, " example"]
    unseen: Float[Tensor, "unseen pixel"]
    unseen_targets: Int[Tensor, " unseen"]

    @classmethod
    def load(cls) -> Digits:
        """Return them; always the same fifth is held out."""
        from sklearn.datasets import load_digits

        pixels, targets = load_digits(return_X_y=True)
        order = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(0))
        xs, ys = torch.from_numpy(pixels)[order] / 8 - 1, torch.from_numpy(targets).long()[order]
        cut = len(xs) * 4 // 5
        return cls(xs[:cut], ys[:cut], xs[cut:], ys[cut:])


@dataclass(frozen=True)
class DepthConfig:
    """A comparison of stacks that learn the same digits from the same batches.

    Parameters
    ----------
    kinds : tuple of str
        ``"plain"``, ``"residual"``, ``"dense"``: the last is matched to the weights of the others.
    depth, width : int
        Layers, and units of each.
    activation : {"tanh", "relu", "linear"}
    gain : float
        Of the start weights, see :meth:`FeedForward.initialise`. torch.nn.Linear's own has 1/√3, Glorot's 1, He's √2.
    seeds : int
        Trainings of each kind, from seeds 0 to seeds - 1: other start weights and other batches. From one seed a plain
        and a residual stack start from the same weights.
    updates, batch : int
        Steps of Adam, and digits in each. With 0 updates the stacks are measured at their start.
    learning_rate : float
        Of Adam, for all kinds.
    every : int
        Updates between two measurements.
    """

    kinds: tuple[str, ...] = tuple(JOINS)
    depth: int = 54
    width: int = 32
    activation: str = "tanh"
    gain: float = 3**-0.5
    seeds: int = 3
    updates: int = 100
    batch: int = 64
    learning_rate: float = 1e-3
    every: int = 10

    def __post_init__(self) -> None:
        if not self.kinds:
            raise Error(f"there is nothing to compare; name at least one kind of {', '.join(JOINS)}")
        for kind in self.kinds:
            look_up("kind", kind, JOINS)
        look_up("activation", self.activation, ACTIVATIONS)
        for field, least in {"depth": 1, "width": 1, "seeds": 1, "updates": 0, "batch": 1, "every": 1}.items():
            if getattr(self, field) < least:
                raise Error(f"{field} must be at least {least}, not {getattr(self, field)}")


@dataclass(frozen=True, eq=False)
class Measurement:
    """Where a training of a stack stands.

    ``loss`` (nats) and ``accuracy`` are those on the digits held out, ``training`` the loss on the others; ``outputs``
    and ``weights`` are :func:`layer_gradients`, ``paths`` are :func:`path_gradients`, if the stack is residual; both
    on the first 64 digits held out.
    """

    kind: str
    seed: int
    parameters: int
    update: int
    training: float
    loss: float
    accuracy: float
    outputs: Float[np.ndarray, " layer"]
    weights: Float[np.ndarray, " layer"]
    paths: pd.DataFrame | None


PROBE = 64


def train_stacks(config: DepthConfig) -> Iterator[Measurement]:
    """Train every kind from every seed, yielding how it stands at its start and after every ``every`` updates."""
    digits = Digits.load()
    for seed in range(config.seeds):
        for kind in config.kinds:
            width, growth = dense_shape(config.depth, config.width) if kind == "dense" else (config.width, None)
            stack = FeedForward(kind, config.depth, width, config.activation, growth)
            yield from _training(
                config, stack.initialise(torch.Generator().manual_seed(seed), config.gain), seed, digits
            )


def _training(config: DepthConfig, stack: FeedForward, seed: int, digits: Digits) -> Iterator[Measurement]:
    optimizer = torch.optim.Adam(stack.parameters(), config.learning_rate, fused=True)
    batches = torch.Generator().manual_seed(1_000_003 + seed)
    for update in range(config.updates + 1):
        if update % config.every == 0 or update == config.updates:
            yield _measured(stack, seed, update, digits)
        if update < config.updates:
            batch = torch.randint(len(digits.xs), (config.batch,), generator=batches)
            optimizer.zero_grad()
            nn.functional.cross_entropy(stack(digits.xs[batch]), digits.targets[batch]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()


def _measured(stack: FeedForward, seed: int, update: int, digits: Digits) -> Measurement:
    with torch.no_grad():
        logits = stack(digits.unseen)
        training = float(nn.functional.cross_entropy(stack(digits.xs), digits.targets))
    loss = float(nn.functional.cross_entropy(logits, digits.unseen_targets))
    accuracy = float((logits.argmax(-1) == digits.unseen_targets).double().mean())
    probe = digits.unseen[:PROBE], digits.unseen_targets[:PROBE]
    paths = path_gradients(stack, *probe) if stack.kind == "residual" else None
    gradients = layer_gradients(stack, *probe)
    return Measurement(stack.kind, seed, stack.weights, update, training, loss, accuracy, *gradients, paths)
