"""How a loss or a logit reaches back through time: total and direct gradients at every state, input and weight."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from rnncore.cells import Cell, State
from rnncore.errors import Error
from rnncore.gradients.steps import Stack, ids_of
from rnncore.network.model import LanguageModel, next_symbol_loss
from rnncore.recording.through_time import checked_target


@dataclass(frozen=True, eq=False)
class Flow:
    """Norms of the gradients of L, a loss or a logit, at every step, as log10, so that nothing underflows.

    -inf: there is no path, or on each path a unit is so far saturated that its slope is rounded to 0.

    Attributes
    ----------
    total : mapping of str to float64 [layer, time]
        For each state, log10 ||dL/ds_t||: everything through which s_t matters. dL/dh_t holds c_t fixed, but dL/dc_t
        holds what c_t does through h_t.
    full : float64 [layer, time]
        log10 of the norm with respect to the layer's full state after step t, as the next step and the layer above
        read it: h and c as independent values, so that nothing counts twice.
    direct : mapping of str to float64 [layer, time]
        The part that takes no step in time: through the outputs at t alone, by way of the layers above.
    inputs : float64 [layer, time]
        log10 ||dL/dx_t|| with respect to what each layer reads, layer 0 the embedding's vector. Where L is the logit
        of the desired token this is connectivity, Madsen (2019).
    weights : mapping of str to float64 [layer, time]
        For each parameter of the cell, log10 of the norm of step t's share of dL/dW: who asked for what change.
    of : {"loss", "logit"}
        What L is.
    target : int or None
        The step to which it belongs; None for the mean over the text.
    loss : float
        The loss there, in nats.
    tokens : tuple of str
        What was read.
    """

    total: Mapping[str, np.ndarray] = field(repr=False)
    direct: Mapping[str, np.ndarray] = field(repr=False)
    full: np.ndarray = field(repr=False)
    inputs: np.ndarray = field(repr=False)
    weights: Mapping[str, np.ndarray] = field(repr=False)
    of: str
    target: int | None
    loss: float
    tokens: tuple[str, ...] = field(repr=False)

    def norm(self, state: str) -> np.ndarray:
        """Return the total gradient's norms themselves, float64 [layer, time]; 0 where they are below 1e-308."""
        return np.asarray(10.0 ** self.total[state])

    def underflows(self, state: str) -> np.ndarray:
        """Tell where a gradient that is there would be 0 in plain float64, bool [layer, time]."""
        return np.asarray(np.isfinite(self.total[state]) & (self.norm(state) < np.finfo(np.float64).tiny))


def flow(
    model: LanguageModel,
    text: str | Int64[Tensor, " time"],
    target: int | None = -1,
    *,
    of: str = "loss",
    weights: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Flow:
    """Return how the gradient of L flows back through ``text``, step by step from the last to the first.

    Each step is differentiated by itself, in float64. What is carried from step to step is kept at unit size, and
    its true size as a logarithm beside it: a gradient of 1e-1000 has its true value here.

    Parameters
    ----------
    text : str or int64 Tensor [time]
        A text, or its ids.
    target : int or None
        The step t that is to score token t+1; negative counts from the last step that has such a token. None for the
        mean over the text.
    of : {"loss", "logit"}
        What L is: the loss -log p(token t+1 | tokens up to t), or the logit of token t+1. Of a model that is sure the
        loss is flat: its gradient is near 0 however much the model owes to what it read, but that of the logit is not.
    weights : bool
        Also tell every step's share of the weights' gradients; the slowest part for a large model.
    progress : callable, optional
        Called with (steps done, steps in all).

    Raises
    ------
    RecordingError
        The text has no such loss, or it is infinite since the next character was never seen in training.
    Error
        ``of`` is neither, or there are no such ids.
    """
    if of not in ("loss", "logit"):
        raise Error(f"of is loss or logit, not {of!r}")
    model.reads_forward_only("record(gradients=True) gives its total gradients")
    ids = ids_of(model, text)
    target = checked_target(target, ids)
    model = copy.deepcopy(model).double()
    until = len(ids) - 1 if target is None else target + 1
    stack = Stack.of(model, ids)
    states = [stack.unpack(state) for state in (stack.start(), *islice(stack.walk(), until))]
    loss, pull = _pull(model, torch.stack([after[-1].h for after in states[1:]]), ids[1 : until + 1], target, of)
    backward = _Backward(model.layers, len(ids), weights)
    for t in reversed(range(until)):
        backward.step(t, stack.xs[t], states[t], pull[t])
        if progress is not None:
            progress(until - t, until)
    return Flow(
        total=backward.total,
        direct=backward.direct,
        full=backward.full,
        inputs=backward.inputs,
        weights=backward.weights,
        of=of,
        target=target,
        loss=loss,
        tokens=model.vocabulary.tokenize(text) if isinstance(text, str) else _tokens(model, ids),
    )


def _tokens(model: LanguageModel, ids: Tensor) -> tuple[str, ...]:
    return tuple(model.vocabulary.symbols[i] if i >= 0 else "\ufffd" for i in ids.tolist())


def _pull(model: LanguageModel, hs: Tensor, targets: Tensor, target: int | None, of: str) -> tuple[float, Tensor]:
    """Return the loss, and the gradient of L with respect to each step's output [time, unit]."""
    logits = model.head(hs.requires_grad_())
    losses = next_symbol_loss(logits, targets)
    at = losses.isfinite() if target is None else target
    desired = logits.gather(-1, targets.clamp(min=0)[:, None])[:, 0]
    L = losses if of == "loss" else desired
    return float(losses[at].mean().detach()), torch.autograd.grad(L[at].mean(), hs)[0]


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

    def log10_norm(self, *names: str) -> float:
        norm = math.hypot(*(float(self.values[name].norm()) for name in names))
        return (math.log(norm) + self.log) / math.log(10) if norm > 0 else -math.inf


class _Backward:
    """The way back through the layers, one step at a time; fills the arrays of a :class:`Flow`."""

    def __init__(self, layers: list[Cell], time: int, weights: bool) -> None:
        self.layers = layers
        self.parameters = [dict(cell.named_parameters()) if weights else {} for cell in layers]
        blank = np.full((len(layers), time), -math.inf)
        self.total = {state: blank.copy() for state in layers[0].states}
        self.direct = {state: blank.copy() for state in layers[0].states}
        self.full, self.inputs = blank.copy(), blank.copy()
        self.weights = {name: blank.copy() for name in self.parameters[0]}
        zeros = [cell.weight_ih.new_zeros(cell.units) for cell in layers]
        self.carried = [_Scaled(dict.fromkeys(layers[0].states, zero), -math.inf) for zero in zeros]

    def step(self, t: int, x: Tensor, states: list[State], pull: Tensor) -> None:
        """Go back over step ``t``, where L pulls at the last layer's output with ``pull`` [unit]."""
        steps = []
        for cell, before, parameters in zip(self.layers, states, self.parameters, strict=True):
            steps.append(_Step(cell, x, before, parameters))
            x = steps[-1].h
        here = above = _Scaled.of({"h": pull})
        for layer in reversed(range(len(steps))):
            after = self.carried[layer].plus(above)
            self.full[layer, t] = after.log10_norm(*after.values)
            found = steps[layer].back(after)
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
