"""A model that reads symbol after symbol, in one text or in several side by side: what writing needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from rnncore.cells import Cell, Rows, State
from rnncore.network.intervene import Change
from rnncore.network.loops import loop_of, loops
from rnncore.network.model import LanguageModel
from rnncore.network.signals import Reader


class Stepper:
    """A model and where it is in its texts.

    Where its cells have loops of ours (see loops.py), a step is nothing but some operations in numpy on weights that
    are laid out once; a kernel lays them out anew at every step.

    Parameters
    ----------
    changes : sequence of sequences of Change
        What interventions change in each layer.
    """

    def __init__(self, model: LanguageModel, changes: Sequence[Sequence[Change]]) -> None:
        self.model, self.changes, self.steps = model, changes, 0
        self.states: list[State] = []
        with torch.no_grad():
            self.fast = all(loop_of(cell) for cell in model.layers)
            if not self.fast:
                return
            self.layers = [_Layer(cell, change) for cell, change in zip(model.layers, changes, strict=True)]
            unseen = model.embedding.weight.new_zeros(1, model.config.embedding)  # comes last: its id is -1
            self.embedding = torch.cat([model.embedding.weight, unseen]).numpy()
            self.head = _product(model.head.weight, model.head.bias)

    def read(self, ids: Int64[Tensor, " time"]) -> Float[np.ndarray, " vocab"]:
        """Read the beginning of a text from the zero state; return the scores of what may come next."""
        with torch.no_grad():
            logits, self.states = self.model(ids.unsqueeze(1), changes=self.changes)
        if self.fast:
            self.states = [state.map(Tensor.numpy) for state in self.states]
        self.steps = len(ids)
        return np.asarray(_scores(logits)[0])

    def beside(self, texts: Sequence[Sequence[State]]) -> None:
        """Go on with several texts side by side, from the states that each was left in."""
        join = np.concatenate if self.fast else torch.cat
        self.states = [
            State(**{symbol: join([state[symbol] for state in layer]) for symbol in layer[0]})
            for layer in zip(*texts, strict=True)
        ]

    def step(self, ids: Int64[np.ndarray, " batch"]) -> Float[np.ndarray, "batch vocab"]:
        """Read one more symbol of every text; return the scores of what may come next."""
        if self.fast:
            x = self.embedding[ids]
            for number, layer in enumerate(self.layers):
                self.states[number] = layer(x, self.states[number], self.steps)
                x = self.states[number].h
            scores = self.head(x).astype(np.float64)
        else:
            given = torch.from_numpy(ids).unsqueeze(0).to(self.model.head.weight.device)
            with torch.no_grad():
                logits, self.states = self.model(given, self.states, changes=self.changes, first=self.steps)
            scores = _scores(logits)
        self.steps += 1
        return scores


class _Layer:
    """One step of one layer."""

    def __init__(self, cell: Cell, changes: Sequence[Change]) -> None:
        self.rows, self.states, self.read = cell.rows, cell.states, _product(cell.weight_ih, cell.bias_ih)
        self.loop, self.reader = loops[cell.name](cell), Reader(cell, changes) if changes else None

    def __call__(self, x: np.ndarray, state: State, first: int) -> State:
        Wx = self.read(x)[None]
        if self.reader:
            signals = self.reader(Rows.cut(self.rows, torch.from_numpy(Wx)), state.map(torch.from_numpy), first)
            return State(**{symbol: signals[symbol][0].numpy() for symbol in self.states})
        arrays = self.loop(Wx, state)
        return State(**{symbol: arrays[symbol][0] for symbol in self.states})


def _product(weight: Tensor, bias: Tensor) -> Callable[[np.ndarray], np.ndarray]:
    W, b = np.ascontiguousarray(weight.detach().numpy().T), bias.detach().numpy()
    return lambda x: x @ W + b


def _scores(logits: Tensor) -> np.ndarray:
    scores: np.ndarray = logits[-1].double().cpu().numpy()
    return scores
