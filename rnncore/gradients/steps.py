"""A network's recurrent layers as one map, from the state before a step to the state after it."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.func import jvp, vmap

from rnncore.cells import Cell, State, silent
from rnncore.errors import Error
from rnncore.network.model import LanguageModel

with warnings.catch_warnings():  # torch's first derivative in forward mode loads what torch itself calls deprecated
    warnings.simplefilter("ignore", DeprecationWarning)
    jvp(torch.sin, (torch.zeros(()),), (torch.ones(()),))

Network = LanguageModel | Cell
Inputs = str | Tensor | int
"""A text or its ids [time], for a model; or inputs [time, input]; or a number of steps without any input."""


@dataclass(frozen=True)
class Stack:
    """Recurrent layers on top of each other, in float64, and what the first of them reads.

    The full state is one vector [state]: layer after layer, in each layer the states in the order of
    ``cell.states``, in each of these the units.

    Attributes
    ----------
    layers : tuple of Cell
        The layers, the one that reads the inputs first.
    xs : Tensor [time, input]
        What it reads.
    """

    layers: tuple[Cell, ...]
    xs: Float[Tensor, "time input"]

    @classmethod
    def of(cls, network: Network, inputs: Inputs, layer: int | None = None) -> Stack:
        """Return a model's layers, or a single cell, with what they read.

        Parameters
        ----------
        layer : int, optional
            Take this layer alone, and for its inputs what the layers below it give.

        Raises
        ------
        Error
            There is no step, a text is given to a cell, the inputs have the wrong width, or there is no such layer.
        """
        if isinstance(network, LanguageModel):
            network.reads_forward_only("its states follow no single order of time")
        network = copy.deepcopy(network).double().requires_grad_(False)
        layers = network.layers if isinstance(network, LanguageModel) else [network]
        stack = cls(tuple(cell.settled() for cell in layers), _read(network, layers[0], inputs))
        if layer is None:
            return stack
        if not -len(layers) <= layer < len(layers):
            raise Error(f"no layer {layer}; this network has {len(layers)}")
        below, own = cls(stack.layers[:layer], stack.xs), stack.layers[layer]
        if not below.layers:
            return cls((own,), stack.xs)
        return cls((own,), torch.stack([below.unpack(state)[-1].h for state in below.walk()]))

    def single(self) -> Stack:
        """Return the same in float32."""
        return Stack(tuple(copy.deepcopy(cell).float() for cell in self.layers), self.xs.float())

    @property
    def slices(self) -> list[tuple[int, str, slice]]:
        """Where each state of each layer lies in the full state: (layer, symbol, part)."""
        found, first = [], 0
        for layer, cell in enumerate(self.layers):
            for symbol in cell.states:
                found.append((layer, symbol, slice(first, first + cell.units)))
                first += cell.units
        return found

    @property
    def size(self) -> int:
        """Number of values in the full state."""
        return sum(len(cell.states) * cell.units for cell in self.layers)

    def start(self) -> Float[Tensor, " state"]:
        """Return the start state of the cells."""
        return _pack([cell.start() for cell in self.layers])

    def unpack(self, state: Float[Tensor, "*batch state"]) -> list[State]:
        """Return each layer's part of the full state."""
        values: list[dict[str, Tensor]] = [{} for _ in self.layers]
        for layer, symbol, part in self.slices:
            values[layer][symbol] = state[..., part]
        return [State(**value) for value in values]

    def step(
        self, x: Float[Tensor, "*batch input"], state: Float[Tensor, "*batch state"]
    ) -> Float[Tensor, "*batch state"]:
        """Return the full state after reading ``x``."""
        after = []
        for cell, before in zip(self.layers, self.unpack(state), strict=True):
            after.append(cell.step(x, before, silent))
            x = after[-1].h
        return _pack(after)

    def walk(self, start: Float[Tensor, " state"] | None = None) -> Iterator[Float[Tensor, " state"]]:
        """Yield the full state after each step."""
        state = self.start() if start is None else start
        for x in self.xs:
            state = self.step(x, state)
            yield state

    def push(
        self, x: Float[Tensor, " input"], state: Float[Tensor, " state"], directions: Float[Tensor, "many state"]
    ) -> Float[Tensor, "many state"]:
        """Return J v for each of many directions v, where J = d(state after ``x``) / d(``state``)."""

        def along(direction: Tensor) -> Tensor:
            """Take the step in a batch of one: vmap multiplies a lone vector with the weights one by one."""
            return jvp(lambda s: self.step(x[None], s[None])[0], (state,), (direction,))[1]  # type: ignore[no-any-return]

        return vmap(along)(directions)


def ids_of(model: LanguageModel, text: str | Int64[Tensor, " time"]) -> Int64[Tensor, " time"]:
    """Return the ids of a text, or those given, where the model is."""
    ids = torch.from_numpy(model.vocabulary.encode(text)) if isinstance(text, str) else text
    if len(ids) and not -1 <= int(ids.min()) <= int(ids.max()) < len(model.vocabulary):
        raise Error(f"ids are -1 to {len(model.vocabulary) - 1}, not {int(ids.min())} to {int(ids.max())}")
    return ids.to(model.head.weight.device)


def _read(network: Network, first: Cell, inputs: Inputs) -> Tensor:
    if isinstance(inputs, str) or (isinstance(inputs, Tensor) and inputs.dtype == torch.int64 and inputs.ndim == 1):
        if not isinstance(network, LanguageModel):
            raise Error("a text is read by a language model; give a cell its inputs as a tensor [time, input]")
        xs = network.embed(ids_of(network, inputs))
    elif isinstance(inputs, int):
        xs = first.weight_ih.new_zeros(max(0, inputs), first.inputs)
    else:
        xs = inputs.detach().to(first.weight_ih)
    if xs.ndim != 2 or xs.shape[1] != first.inputs:
        raise Error(f"inputs are {list(xs.shape)}; expected [time, {first.inputs}]")
    if len(xs) == 0:
        raise Error("there is no step to take; give at least one")
    return xs


def _pack(states: list[State]) -> Tensor:
    return torch.cat([value for state in states for value in state.values()], -1)
