"""What every recurrence shares: gates that carry their meaning, states, parameters, the registry.

A cell is one file with one class: its equations, written in :meth:`Cell.step` with the field's own
symbols. Everything else (training, recording, gradients, LaTeX, the dashboard) follows from that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from rnncore.errors import Error

Tap = Callable[[str, Any], Any]
"""Called by a step with each signal's symbol and value; what it returns is used from there on."""


def silent(symbol: str, value: Any) -> Any:
    """Tap that does nothing: the value passes unchanged."""
    return value


# The functions of the equations. They call the method of the same name, so that a step runs on
# tensors and, unchanged, on symbols (see equations.py).


def sigmoid(z: Any) -> Any:
    """Logistic function, 1 / (1 + exp(-z)), range 0..1."""
    return z.sigmoid()


def tanh(z: Any) -> Any:
    """Hyperbolic tangent, range -1..1."""
    return z.tanh()


def relu(z: Any) -> Any:
    """Rectifier, max(0, z)."""
    return z.relu()


class Gate(NamedTuple):
    """One gate or candidate of a cell: its symbol in the equations, its meaning, its range."""

    symbol: str
    meaning: str
    low: float
    high: float


class State(Mapping[str, Any]):
    """The state a cell carries from step to step, by symbol: ``s.h``, ``s.c``; a read-only mapping."""

    __slots__ = ("_values",)

    def __init__(self, **values: Any) -> None:
        self._values = values

    def __getattr__(self, symbol: str) -> Any:
        try:
            return self._values[symbol]
        except KeyError:
            raise AttributeError(f"no state {symbol!r}; this cell has {', '.join(self._values)}") from None

    def __getitem__(self, symbol: str) -> Any:
        return self._values[symbol]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def map(self, function: Callable[[Any], Any]) -> State:
        """Return the state with ``function`` applied to every value."""
        return State(**{symbol: function(value) for symbol, value in self.items()})


class Rows:
    """A projection cut into its named rows: ``Wx.i`` is what gate i receives from the input."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Mapping[str, Any]) -> None:
        self._rows = rows

    def __getattr__(self, symbol: str) -> Any:
        return self._rows[symbol]


_registry: dict[str, type[Cell]] = {}


class Cell(nn.Module):
    """One layer of a recurrence: parameters, and the equations of a single time step.

    Subclasses give ``name``, ``title``, ``states``, ``gates``, ``rows`` and ``step``; defining one
    registers it. The parameters follow torch's layout and names: ``weight_ih`` [rows * units, inputs],
    ``weight_hh`` [rows * units, units], ``bias_ih`` and ``bias_hh`` [rows * units].

    Parameters
    ----------
    inputs : int
        Width of the input at each step.
    units : int
        Width of every state.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    states: ClassVar[tuple[str, ...]] = ("h",)
    gates: ClassVar[tuple[Gate, ...]] = ()
    rows: ClassVar[tuple[str, ...]]
    state_ranges: ClassVar[Mapping[str, tuple[float, float] | None]] = {"h": (-1.0, 1.0)}

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor
    bias_hh: Tensor

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" in cls.__dict__:
            _registry[cls.name] = cls

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        self.inputs, self.units = inputs, units
        height = len(self.rows) * units
        self.weight_ih = nn.Parameter(torch.empty(height, inputs))
        self.weight_hh = nn.Parameter(torch.empty(height, units))
        self.bias_ih = nn.Parameter(torch.empty(height))
        self.bias_hh = nn.Parameter(torch.empty(height))

    def initialise(self, generator: torch.Generator) -> None:
        """Draw fresh weights: Glorot-uniform from the input, orthogonal from h, biases zero."""
        bound = math.sqrt(6 / (self.inputs + self.units))
        with torch.no_grad():
            self.weight_ih.uniform_(-bound, bound, generator=generator)
            for block in self.weight_hh.chunk(len(self.rows)):
                nn.init.orthogonal_(block, generator=generator)
            self.bias_ih.zero_()
            self.bias_hh.zero_()

    def project(self, x: Any, h: Any) -> tuple[Rows, Rows]:
        """Return W x + b and U h + d, each cut into this cell's named rows."""
        Wx = nn.functional.linear(x, self.weight_ih, self.bias_ih)
        Uh = nn.functional.linear(h, self.weight_hh, self.bias_hh)
        return self._cut(Wx), self._cut(Uh)

    def _cut(self, projection: Tensor) -> Rows:
        return Rows(dict(zip(self.rows, projection.chunk(len(self.rows), dim=-1), strict=True)))

    def step(self, x: Any, s: State, tap: Tap) -> State:
        """Return the state after reading ``x`` [..., inputs] in state ``s`` [..., units] each."""
        raise NotImplementedError

    def start(self, *batch: int) -> State:
        """Return the all-zero start state, each value [*batch, units]."""
        zero = self.weight_hh.new_zeros(*batch, self.units)
        return State(**dict.fromkeys(self.states, zero))

    @classmethod
    def signals(cls) -> tuple[str, ...]:
        """Return the symbols of gates and states in the order in which a step computes them."""
        symbols: list[str] = []

        def note(symbol: str, value: Any) -> Any:
            symbols.append(symbol)
            return value

        cell = cls(1, 1)
        cell.step(torch.zeros(1), cell.start(), note)
        return tuple(symbols)

    @classmethod
    def ranges(cls) -> dict[str, tuple[float, float] | None]:
        """Return each signal's range, None where it is unbounded."""
        gates = {gate.symbol: (float(gate.low), float(gate.high)) for gate in cls.gates}
        return {**gates, **{symbol: cls.state_ranges.get(symbol) for symbol in cls.states}}

    @property
    def parameter_count(self) -> int:
        """Number of weights and biases of this layer."""
        return sum(parameter.numel() for parameter in self.parameters())


def cells() -> dict[str, type[Cell]]:
    """Return every known cell by name, in alphabetical order."""
    return dict(sorted(_registry.items()))


def find(name: str) -> type[Cell]:
    """Return the cell called ``name``.

    Raises
    ------
    Error
        No cell has this name; the sentence lists those that exist.
    """
    try:
        return _registry[name]
    except KeyError:
        raise Error(f"no cell {name!r}; known: {', '.join(cells())}") from None
