"""One value inside a step, written down instead of computed: arithmetic and functions leave a trail."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

Range = tuple[float, float] | None


@dataclass(frozen=True, eq=False, repr=False)
class Expression:
    """One value inside a step: a leaf, or an operation on other expressions.

    Attributes
    ----------
    operation : str
        Leaves: ``input``, ``state``, ``parameter``, ``number``. ``project`` is W x + b or U h + d with all its
        rows, named as one is written; ``W`` and ``U`` are one row of it. ``tap`` is a value that has a symbol.
        Arithmetic: ``+ - * / neg``. Anything else is a function's name.
    inputs : tuple of Expression
        What the operation is applied to.
    name : str
        Symbol of a leaf, a tap or a row.
    compute : callable
        From the cell and the inputs' values to this value.
    """

    operation: str
    inputs: tuple[Expression, ...] = ()
    name: str = ""
    compute: Callable[..., Any] | None = None

    # Arithmetic writes itself down.
    def __add__(self, other: Any) -> Expression:
        return _arithmetic("+", operator.add, self, other)

    def __radd__(self, other: Any) -> Expression:
        return _arithmetic("+", operator.add, other, self)

    def __sub__(self, other: Any) -> Expression:
        return _arithmetic("-", operator.sub, self, other)

    def __rsub__(self, other: Any) -> Expression:
        return _arithmetic("-", operator.sub, other, self)

    def __mul__(self, other: Any) -> Expression:
        return _arithmetic("*", operator.mul, self, other)

    def __rmul__(self, other: Any) -> Expression:
        return _arithmetic("*", operator.mul, other, self)

    def __truediv__(self, other: Any) -> Expression:
        return _arithmetic("/", operator.truediv, self, other)

    def __rtruediv__(self, other: Any) -> Expression:
        return _arithmetic("/", operator.truediv, other, self)

    def __neg__(self) -> Expression:
        return _arithmetic("neg", operator.neg, self)

    # So does every function: ``z.exp()``, ``torch.exp(z)`` and ``functional.linear(x, self.weight)``.
    def __getattr__(self, name: str) -> Callable[..., Expression]:
        if name.startswith("_") or not callable(getattr(Tensor, name, None)):
            raise AttributeError(f"a symbol has no {name!r}: a step's equations act on whole vectors")
        return lambda *args, **kwargs: call(name, _method(name), (self, *args), kwargs)

    @classmethod
    def __torch_function__(
        cls, function: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Expression:
        name = function.__name__.strip("_")
        return call(name, lambda _, *values, **more: function(*values, **more), args, kwargs or {})

    def walk(self) -> Iterator[Expression]:
        """Yield every expression this one is made of, inputs first, each once, itself last."""
        seen: set[Expression] = set()

        def visit(expression: Expression) -> Iterator[Expression]:
            if expression not in seen:
                seen.add(expression)
                for part in expression.inputs:
                    yield from visit(part)
                yield expression

        return visit(self)

    def range(self, known: Mapping[str, Range]) -> Range:
        """Return the least and greatest value possible, None if unbounded.

        Parameters
        ----------
        known : mapping of str to (low, high) or None
            Ranges of the signals and states, as :meth:`Cell.ranges` gives them. A signal that is not in
            it is judged by its own expression.
        """
        if self.operation in ("tap", "state") and self.name in known:
            return known[self.name]
        if self.operation == "number":
            return float(self.name), float(self.name)
        if self.operation in _FUNCTION_RANGES:
            return _FUNCTION_RANGES[self.operation]
        parts = [part.range(known) for part in self.inputs]
        if self.operation not in ("tap", "+", "-", "*", "neg") or None in parts:
            return None
        ends = [end for end in parts if end is not None]
        if self.operation == "tap":
            return ends[0]
        apply = getattr(operator, {"+": "add", "-": "sub", "*": "mul", "neg": "neg"}[self.operation])
        corners = [apply(*corner) for corner in _corners(ends)]
        return min(corners), max(corners)


_FUNCTION_RANGES: dict[str, Range] = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "softmax": (0.0, 1.0)}


def _corners(ends: Sequence[tuple[float, float]]) -> list[tuple[float, ...]]:
    if not ends:
        return [()]
    return [(end, *rest) for end in ends[0] for rest in _corners(ends[1:])]


def symbol(value: Any) -> Expression:
    """Return ``value`` itself if it is an expression, else the leaf that stands for a number or tensor."""
    if isinstance(value, Expression):
        return value
    if isinstance(value, int | float):
        return Expression("number", name=f"{value:g}", compute=lambda _: value)
    return Expression("parameter", name="constant", compute=lambda _: value)


def _arithmetic(sign: str, function: Callable[..., Any], *operands: Any) -> Expression:
    inputs = tuple(symbol(operand) for operand in operands)
    return Expression(sign, inputs, compute=lambda _, *values: function(*values))


def _method(name: str) -> Callable[..., Any]:
    return lambda _, first, *rest, **more: getattr(first, name)(*rest, **more)


def call(name: str, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Expression:
    """Note a function's call: its symbols become inputs, all other arguments stay as they are."""
    places = [place for place, arg in enumerate(args) if isinstance(arg, Expression)]

    def compute(cell: Any, *values: Any) -> Any:
        filled = list(args)
        for place, value in zip(places, values, strict=True):
            filled[place] = value
        return function(cell, *filled, **kwargs)

    return Expression(name, tuple(args[place] for place in places), compute=compute)
