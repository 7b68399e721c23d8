"""What every recurrence shares: gates that carry their meaning, states, parameters, the registry.

A cell is one file with one class: its equations, written in :meth:`Cell.step` with the field's own
symbols. Everything else (training, recording, gradients, LaTeX, the dashboard) follows from that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from rnncore.cells import initial
from rnncore.errors import Error, look_up

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


def exp(z: Any) -> Any:
    """Exponential function, range above 0."""
    return z.exp()


def log_sigmoid(z: Any) -> Any:
    """Logarithm of the logistic function, exact where that is all but 0."""
    return nn.functional.logsigmoid(z)


def maximum(a: Any, b: Any) -> Any:
    """Return the larger of two values, unit by unit."""
    return torch.maximum(a, b)


class Gate(NamedTuple):
    """One gate or candidate of a cell: its symbol in the equations, its meaning, its range (±inf if unbounded)."""

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
    """A projection cut into its named rows: ``Wx.i`` is what gate i receives from the input.

    ``whole`` holds them side by side, [..., rows * units]; ``Wx[t]`` are the rows of one time step.
    """

    __slots__ = ("_rows", "whole")

    def __init__(self, rows: Mapping[str, Any], whole: Any = None) -> None:
        self._rows, self.whole = rows, whole

    @classmethod
    def cut(cls, names: Sequence[str], whole: Tensor) -> Rows:
        """Cut ``whole`` [..., rows * units] into as many rows as there are names."""
        return cls(dict(zip(names, whole.chunk(len(names), dim=-1), strict=True)), whole)

    def __getattr__(self, symbol: str) -> Any:
        try:
            return self._rows[symbol]
        except KeyError:
            raise AttributeError(f"no row {symbol!r}; this projection has {', '.join(self._rows)}") from None

    def __getitem__(self, index: Any) -> Rows:
        return Rows.cut(tuple(self._rows), self.whole[index])


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
    recurrent_init: ClassVar[str] = "orthogonal"
    steepest: ClassVar[float | None] = None  # largest slope of g, where h = g(W x + U h) is all there is
    notation: ClassVar[Mapping[str, str]] = {"W": "W x + b", "U": "U h + d"}

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
        for name, shape in self.shapes(inputs, units).items():
            setattr(self, name, nn.Parameter(torch.empty(shape)))

    @classmethod
    def shapes(cls, inputs: int, units: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of every parameter by name; a cell that has others says so here."""
        height = len(cls.rows) * units
        return {"weight_ih": (height, inputs), "weight_hh": (height, units), "bias_ih": (height,), "bias_hh": (height,)}

    def initialise(
        self,
        generator: torch.Generator,
        recurrent_init: str | None = None,
        forget_bias: float | None = None,
        chrono: float | None = None,
    ) -> None:
        """Draw fresh weights: Glorot-uniform from the input, orthogonal from h, gains 1, all else 0.

        Parameters
        ----------
        recurrent_init : {"orthogonal", "identity", "uniform"}, optional
            Each row's start in ``weight_hh``: an orthogonal matrix (Saxe 2014), the identity (Le 2015); or
            torch's own start, every weight and bias uniform in ±1/sqrt(units). The cell's choice by default.
        forget_bias : float, optional
            Where the bias of the forget gate f starts. By default 1, after Jozefowicz (2015): a fresh memory
            keeps what it has; with "uniform" it is drawn like the others.
        chrono : float, optional
            Each unit's memory starts with a length of its own, from 2 to so many steps: chrono initialisation (Tallec
            & Ollivier 2018). Here each order of magnitude gets its share, b_f = U(0, log(chrono - 1)), where theirs
            gives most to the longest, b_f = log U(1, chrono - 1). Where there is an input gate, b_i = -b_f.

        Raises
        ------
        Error
            The cell has no such start, or no forget gate.
        """
        self.check_start(recurrent_init, forget_bias, chrono)
        how = recurrent_init or self.recurrent_init
        with torch.no_grad():
            for name in self.shapes(self.inputs, self.units):
                initial.draw(name, getattr(self, name), how, self.units, generator)
            if "f" in self.rows and (how != "uniform" or forget_bias is not None):
                for name, bias in (("bias_ih", 1.0 if forget_bias is None else forget_bias), ("bias_hh", 0.0)):
                    if hasattr(self, name):
                        getattr(self, name)[self._slice(("f",))] = bias
            if chrono is not None:
                drawn = torch.rand(self.units, generator=generator) * math.log(chrono - 1)
                for gate, start in (("f", drawn), ("i", -drawn)):
                    if gate in self.rows:
                        self.bias_ih[self._slice((gate,))] = start

    @classmethod
    def check_start(cls, recurrent_init: str | None, forget_bias: float | None, chrono: float | None = None) -> None:
        """Raise an :class:`rnncore.Error` if :meth:`initialise` cannot start so."""
        if recurrent_init is not None and recurrent_init not in initial.RECURRENT:
            raise Error(f"recurrent_init is {', '.join(initial.RECURRENT)}, not {recurrent_init!r}")
        if recurrent_init in ("orthogonal", "identity") and "weight_hh" not in cls.shapes(1, 1):
            raise Error(f"{cls.name} has no recurrent weights to start {recurrent_init}; leave recurrent_init out")
        if forget_bias is not None and "f" not in cls.rows:
            raise Error(f"{cls.name} has no forget gate f to give a bias to; leave forget_bias out")
        if chrono is not None and ("f" not in cls.rows or forget_bias is not None or chrono < 2):
            raise Error("chrono, at least 2 steps, starts the biases of a forget gate f; it takes forget_bias's place")

    def read(self, x: Any) -> Rows:
        """Return W x + b, cut into this cell's rows: all that a step takes from its input.

        A text's steps may be read at once, ``Wx = cell.read(xs)``, and each step be given its ``Wx[t]`` for x:
        rows that were read already are returned as they are.
        """
        if isinstance(x, Rows):
            return x
        return Rows.cut(self.rows, nn.functional.linear(x, self.weight_ih, self.bias_ih))

    def recall(self, h: Any, *rows: str) -> Rows:
        """Return U h + d, cut into rows: all of this cell's, or the neighbouring ones that are named."""
        if not rows:
            return Rows.cut(self.rows, nn.functional.linear(h, self.weight_hh, self.bias_hh))
        part = self._slice(rows)
        return Rows.cut(rows, nn.functional.linear(h, self.weight_hh[part], self.bias_hh[part]))

    def project(self, x: Any, h: Any) -> tuple[Rows, Rows]:
        """Return W x + b and U h + d, each cut into this cell's named rows."""
        return self.read(x), self.recall(h)

    def settled(self) -> Cell:
        """Return the cell with everything worked out that no step changes; for most cells, the cell itself.

        A loop over time takes it once, before its first step.
        """
        return self

    def _slice(self, rows: tuple[str, ...]) -> slice:
        first = self.rows.index(rows[0])
        return slice(first * self.units, (first + len(rows)) * self.units)

    def step(self, x: Any, s: State, tap: Tap) -> State:
        """Return the state after reading ``x`` in state ``s``.

        Parameters
        ----------
        x : Tensor [..., inputs], or Rows
            The input, or what :meth:`read` made of it.
        s : State
            The state before, each value [..., units].
        tap : callable
            Is given every gate and state, once; the step goes on with what comes back.
        """
        raise NotImplementedError

    def start(self, *batch: int) -> State:
        """Return the all-zero start state, each value [*batch, units]."""
        zero = self.weight_ih.new_zeros(*batch, self.units)
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
        ends = {gate.symbol: (float(gate.low), float(gate.high)) for gate in cls.gates}
        gates = {symbol: None if math.inf in (-low, high) else (low, high) for symbol, (low, high) in ends.items()}
        return {**gates, **{symbol: cls.state_ranges.get(symbol) for symbol in cls.states}}

    @property
    def parameter_count(self) -> int:
        """Number of weights and biases of this layer."""
        return sum(parameter.numel() for parameter in self.parameters())

    @classmethod
    def count(cls, inputs: int, units: int) -> int:
        """Return the number of weights and biases of such a layer, without making one."""
        with torch.device("meta"):
            return cls(inputs, units).parameter_count

    @classmethod
    def formula(cls) -> str:
        """Return the number of parameters in closed form, for X inputs and H units: ``4 H (X + H) + 8 H``."""
        one, wide, two, three = cls.count(1, 1), cls.count(2, 1), cls.count(1, 2), cls.count(1, 3)
        x, h = wide - one, (three - 2 * two + one) // 2
        rest = two - one - x - 3 * h
        return initial.polynomial(x, h, rest, one - x - h - rest)


def equal_units(count: Callable[[int], int], target: int) -> int:
    """Return the number of units for which ``count``, which grows with it, comes closest to ``target``."""
    low, high = 1, 2
    while count(high) < target:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) < target else (low, middle)
    return min(low, high, key=lambda units: abs(count(units) - target))


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
    return look_up("cell", name, cells())
