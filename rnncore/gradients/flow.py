"""How a loss reaches back through time: total and direct gradients at every state, input and weight."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from rnncore.cells import Cell, State
from rnncore.gradients.steps import Stack
from rnncore.network.model import LanguageModel, next_symbol_loss
from rnncore.recording.through_time import checked_target

FLOOR = math.log10(np.finfo(np.float64).tiny)
"""log10 of the smallest normal float64, below which a plain gradient underflows."""


@dataclass(frozen=True, eq=False)
class Flow:
    """Norms of a loss' gradients at every step, as log10, so that nothing underflows. -inf: there is no path.

    Attributes
    ----------
    total : mapping of str to float64 [layer, time]
        For each state, log10 ||dL/ds_t||: everything through which s_t matters. dL/dh_t holds c_t fixed.
    direct : mapping of str to float64 [layer, time]
        The part that takes no step in time: through the outputs at t alone, by way of the layers above.
    inputs : float64 [layer, time]
        log10 ||dL/dx_t|| with respect to what each layer reads; of layer 0 the embedding's vector: connectivity.
    weights : mapping of str to float64 [layer, time]
        For each parameter of the cell, log10 of the norm of step t's share of dL/dW: who asked for what change.
    target : int or None
        The step whose loss was differentiated; None for the mean loss over the text.
    loss : float
        That loss, in nats.
    tokens : tuple of str
        What was read.
    """

    total: Mapping[str, np.ndarray] = field(repr=False)
    direct: Mapping[str, np.ndarray] = field(repr=False)
    inputs: np.ndarray = field(repr=False)
    weights: Mapping[str, np.ndarray] = field(repr=False)
    target: int | None
    loss: float
    tokens: tuple[str, ...] = field(repr=False)

    def norm(self, state: str) -> np.ndarray:
        """Return the total gradient's norms themselves, float64 [layer, time]; 0 where they are below 1e-308."""
        return np.asarray(10.0 ** self.total[state])

    def underflows(self, state: str) -> np.ndarray:
        """Tell where a gradient that is there would be 0 in plain float64, bool [layer, time]."""
        return np.asarray(np.isfinite(self.total[state]) & (self.total[state] < FLOOR))

    def table(self) -> pd.DataFrame:
        """Return a row for each layer, step and state: layer, step, token, state, log10_total, log10_direct."""
        rows = [
            {"layer": layer, "step": step, "token": token, "state": state, "log10_total": total, "log10_direct": direct}
            for state in self.total
            for layer in range(len(self.inputs))
            for step, (token, total, direct) in enumerate(
                zip(self.tokens, self.total[state][layer], self.direct[state][layer], strict=True)
            )
        ]
        return pd.DataFrame(rows)


def flow(
    model: LanguageModel,
    text: str,
    target: int | None = -1,
    *,
    weights: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Flow:
    """Return how the gradient of a loss flows back through ``text``, step by step from the last to the first.

    Each step is differentiated by itself, in float64. What is carried from step to step is kept at unit size, and
    its true size as a logarithm beside it: a gradient of 1e-1000 has its true value here.

    Parameters
    ----------
    target : int or None
        The step t whose loss, -log p(token t+1 | tokens up to t), is differentiated; negative counts from the
        last step that has a loss. None for the mean loss over the text.
    weights : bool
        Also tell every step's share of the weights' gradients; the slowest part for a large model.
    progress : callable, optional
        Called with (steps done, steps in all).

    Raises
    ------
    RecordingError
        The text has no such loss, or it is infinite since the next character was never seen in training.
    """
    model.reads_forward_only("record(gradients=True) gives its total gradients")
    ids = torch.from_numpy(model.vocabulary.encode(text)).to(model.head.weight.device)
    target = checked_target(target, ids)
    model = copy.deepcopy(model).double()
    until = len(ids) - 1 if target is None else target + 1
    stack = Stack.of(model, text)
    states = [stack.unpack(state) for state in (stack.start(), *islice(stack.walk(), until))]
    loss, pull = _loss(model, torch.stack([after[-1].h for after in states[1:]]), ids[1 : until + 1], target)
    backward = _Backward(model.layers, len(ids), weights)
    for t in reversed(range(until)):
        backward.step(t, stack.xs[t], states[t], pull[t])
        if progress is not None:
            progress(until - t, until)
    return Flow(
        total=backward.total,
        direct=backward.direct,
        inputs=backward.inputs,
        weights=backward.weights,
        target=target,
        loss=loss,
        tokens=model.vocabulary.tokenize(text),
    )


def _loss(model: LanguageModel, hs: Tensor, targets: Tensor, target: int | None) -> tuple[float, Tensor]:
    """Return the loss, and its gradient with respect to each step's output [time, unit]."""
    hs = hs.requires_grad_()
    losses = next_symbol_loss(model.head(hs), targets)
    loss = losses[losses.isfinite()].mean() if target is None else losses[target]
    return float(loss.detach()), torch.autograd.grad(loss, hs)[0]


class _Scaled(NamedTuple):
    """Tensors, the largest value in which is about 1, times e to the power of ``log``."""

    values: dict[str, Tensor]
    log: float

    @classmethod
    def of(cls, values: Mapping[str, Tensor], log: float = 0.0) -> _Scaled:
        largest = max(float(value.abs().max()) for value in values.values())
        if largest == 0:
            return cls(dict(values), -math.inf)
        return cls({name: value / largest for name, value in values.items()}, log + math.log(largest))

    def plus(self, other: _Scaled) -> _Scaled:
        log = max(self.log, other.log)
        if log == -math.inf:
            return self
        sums: dict[str, Tensor] = {}
        for part in (self, other):
            for name, value in part.values.items():
                share = value * math.exp(part.log - log)
                sums[name] = sums[name] + share if name in sums else share
        return _Scaled(sums, log)

    def log10_norm(self, name: str) -> float:
        norm = float(self.values[name].norm()) if name in self.values else 0.0
        return (math.log(norm) + self.log) / math.log(10) if norm > 0 else -math.inf


class _Backward:
    """The way back through the layers, one step at a time; fills the arrays of a :class:`Flow`."""

    def __init__(self, layers: list[Cell], time: int, weights: bool) -> None:
        self.layers = layers
        self.parameters = [dict(cell.named_parameters()) if weights else {} for cell in layers]
        blank = np.full((len(layers), time), -math.inf)
        self.total = {state: blank.copy() for state in layers[0].states}
        self.direct = {state: blank.copy() for state in layers[0].states}
        self.inputs = blank.copy()
        self.weights = {name: blank.copy() for name in self.parameters[0]}
        zeros = [cell.weight_ih.new_zeros(cell.units) for cell in layers]
        self.carried = [_Scaled(dict.fromkeys(layers[0].states, zero), -math.inf) for zero in zeros]

    def step(self, t: int, x: Tensor, states: list[State], pull: Tensor) -> None:
        """Go back over step ``t``, where the loss pulls at the last layer's output with ``pull`` [unit]."""
        steps = []
        for cell, before, parameters in zip(self.layers, states, self.parameters, strict=True):
            steps.append(_Step(cell, x, before, parameters))
            x = steps[-1].h
        here = above = _Scaled.of({"h": pull})
        for layer in reversed(range(len(steps))):
            found = steps[layer].back(self.carried[layer].plus(above))
            for state in self.total:
                self.total[state][layer, t] = found.log10_norm(f"tapped {state}")
            for name in self.weights:
                self.weights[name][layer, t] = found.log10_norm(f"weight {name}")
            self.inputs[layer, t] = found.log10_norm("x")
            earlier = {state: found.values[f"before {state}"] for state in self.total}
            self.carried[layer], above = _Scaled.of(earlier, found.log), _Scaled.of({"h": found.values["x"]}, found.log)
            if here.log > -math.inf:
                direct = steps[layer].back(here)
                for state in self.direct:
                    self.direct[state][layer, t] = direct.log10_norm(f"tapped {state}")
                here = _Scaled.of({"h": direct.values["x"]}, direct.log)


class _Step:
    """One step of one layer, by itself, ready to be differentiated."""

    def __init__(self, cell: Cell, x: Tensor, before: State, parameters: Mapping[str, Tensor]) -> None:
        x, before = x.detach().requires_grad_(), before.map(lambda value: value.detach().requires_grad_())
        tapped: dict[str, Tensor] = {}
        with torch.enable_grad():
            self.after = cell.step(x, before, lambda symbol, value: tapped.setdefault(symbol, value))
        self.sources = {"x": x}
        self.sources |= {f"before {state}": value for state, value in before.items()}
        self.sources |= {f"tapped {state}": tapped[state] for state in cell.states}
        self.sources |= {f"weight {name}": value for name, value in parameters.items()}

    @property
    def h(self) -> Tensor:
        """What the layer gives to the one above."""
        h: Tensor = self.after.h.detach()
        return h

    def back(self, seed: _Scaled) -> _Scaled:
        """Return the gradient at every source, given that at the states after the step."""
        if seed.log == -math.inf:
            return _Scaled({name: torch.zeros_like(source) for name, source in self.sources.items()}, -math.inf)
        states = list(seed.values)
        found = torch.autograd.grad(
            [self.after[state] for state in states],
            list(self.sources.values()),
            [seed.values[state] for state in states],
            retain_graph=True,
            materialize_grads=True,
        )
        return _Scaled(dict(zip(self.sources, found, strict=True)), seed.log)
