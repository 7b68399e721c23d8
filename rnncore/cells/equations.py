r"""A cell's equations, read off its own step.

:func:`trace` runs a step once, on symbols instead of tensors. What comes out is each tapped signal with
the expression behind it: enough to typeset the cell, to draw it and to set a unit's numbers into it,
without a word of description beside the code.

>>> for equation in trace(find("gru")):
...     print(equation.latex())
r_t = \sigma(W_r x_t + b_r + U_r h_{t-1} + d_r)
z_t = \sigma(W_z x_t + b_z + U_z h_{t-1} + d_z)
n_t = \tanh(W_n x_t + b_n + r_t \odot (U_n h_{t-1} + d_n))
h_t = (1 - z_t) \odot n_t + z_t \odot h_{t-1}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from rnncore.cells.base import Cell, Rows, State
from rnncore.cells.expression import Expression, call, symbol
from rnncore.cells.notation import Token, latex, spell


class _Stand:
    """Stands in for ``self`` while a step is traced: hands out symbols for parameters and projections."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell

    def read(self, x: Any) -> Rows:
        """Return every row of W x + b as a symbol."""
        return self._rows("W", symbol(x), self._cell.rows, lambda cell, x: cell.read(x))

    def recall(self, h: Any, *rows: str) -> Rows:
        """Return rows of U h + d as symbols."""
        return self._rows("U", symbol(h), rows or self._cell.rows, lambda cell, h: cell.recall(h, *rows))

    def project(self, x: Any, h: Any) -> tuple[Rows, Rows]:
        """Return every row of W x + b and of U h + d as a symbol."""
        return self.read(x), self.recall(h)

    def _rows(self, letter: str, source: Expression, rows: tuple[str, ...], compute: Callable[..., Any]) -> Rows:
        def row(name: str) -> Expression:
            written = self._cell.notation.get(f"{letter}_{name}", self._cell.notation[letter])
            whole = wholes.setdefault(written, Expression("project", (source,), written, compute))
            below = name if len(self._cell.rows) > 1 else ""
            return Expression(letter, (whole,), below, lambda _, rows: getattr(rows, name))

        wholes: dict[str, Expression] = {}
        return Rows({name: row(name) for name in rows})

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._cell, name)
        if isinstance(value, Tensor):
            return Expression("parameter", name=name, compute=lambda cell: getattr(cell, name).detach())
        if callable(value) or isinstance(value, nn.Module):
            return lambda *args, **more: call(name, _own(name), args, more)
        return value


def _own(name: str) -> Callable[..., Any]:
    return lambda cell, *args, **more: getattr(cell, name)(*args, **more)


@dataclass(frozen=True)
class Equation:
    """One line of the textbook: a signal's symbol, and the expression it is computed from."""

    symbol: str
    tap: Expression = field(repr=False)

    @property
    def expression(self) -> Expression:
        """The right-hand side."""
        return self.tap.inputs[0]

    def tokens(self) -> list[Token]:
        """Return the equation in symbols, one token a sign."""
        return [*spell(self.tap), Token("operator", "="), *spell(self.expression)]

    def latex(self) -> str:
        r"""Return the equation as LaTeX, ``c_t = f_t \odot c_{t-1} + i_t \odot g_t``."""
        return latex(self.tokens())


@dataclass(frozen=True)
class Equations(Sequence[Equation]):
    """Every equation of a cell, in the order in which a step computes them.

    Attributes
    ----------
    state : mapping of str to Expression
        What the step returns, by symbol of the state.
    """

    lines: tuple[Equation, ...]
    state: Mapping[str, Expression]

    def __getitem__(self, index: Any) -> Any:
        return self.lines[index]

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def signals(self) -> tuple[str, ...]:
        """Symbols in order of computation."""
        return tuple(line.symbol for line in self.lines)

    def nodes(self) -> list[Expression]:
        """Return every expression of every equation once, in an order in which they can be computed."""
        everything = (node for root in self._roots() for node in root.walk())
        return list(dict.fromkeys(everything))

    def evaluate(self, cell: Cell, x: Tensor, state: Mapping[str, Tensor]) -> dict[Expression, Any]:
        """Return the value of every expression, for a cell of the traced kind.

        Parameters
        ----------
        x : Tensor [*batch, inputs]
            What the cell reads. A whole text's steps may stand in the batch.
        state : mapping of str to Tensor [*batch, units]
            The state before the step.
        """
        values: dict[Expression, Any] = {}
        with torch.no_grad():
            for node in self.nodes():
                if node.operation == "input":
                    values[node] = x
                elif node.operation == "state":
                    values[node] = state[node.name]
                elif node.compute is not None:
                    values[node] = node.compute(cell, *(values[part] for part in node.inputs))
        return values

    def _roots(self) -> list[Expression]:
        return [*(line.tap for line in self.lines), *self.state.values()]


def trace(cell: Cell | type[Cell]) -> Equations:
    """Run the cell's step on symbols, and return its equations.

    Functions of torch, methods and modules of the cell that take and return one vector are kept as
    functions with their name. Where a step does what symbols cannot follow, such as cutting a vector in
    parts, every signal is a function ``step`` of the input and the states.
    """
    cell = cell(1, 1) if isinstance(cell, type) else cell
    x = Expression("input", name="x")
    before = State(**{name: Expression("state", name=name) for name in cell.states})
    taps: dict[str, Expression] = {}

    def tap(name: str, value: Any) -> Expression:
        taps[name] = Expression("tap", (symbol(value),), name, _same)
        return taps[name]

    try:
        after: Mapping[str, Any] = type(cell).step(_Stand(cell), x, before, tap)  # type: ignore[arg-type]
        states = {name: symbol(value) for name, value in after.items()}
    except (AttributeError, TypeError, ValueError):
        taps = {name: _whole(name, x, before) for name in cell.signals()}
        states = {name: taps[name] for name in cell.states}
    return Equations(tuple(Equation(name, tapped) for name, tapped in taps.items()), states)


def _whole(name: str, x: Expression, before: State) -> Expression:
    """Return a signal as a function of everything that a step is given."""

    def compute(cell: Cell, x: Any, *values: Any) -> Any:
        signals: dict[str, Any] = {}
        state = State(**dict(zip(before, values, strict=True)))
        cell.step(x, state, lambda symbol, value: signals.setdefault(symbol, value))
        return signals[name]

    return Expression("tap", (Expression("step", (x, *before.values()), compute=compute),), name, _same)


def _same(_: Any, value: Any) -> Any:
    return value
