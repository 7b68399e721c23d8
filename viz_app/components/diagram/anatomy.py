"""What an expression is made of: weights, arithmetic, the way of a state through it."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from rnncore.cells.equations import Equations
from rnncore.cells.expression import Expression

ARITHMETIC = {"+": "+", "-": "−", "*": "×", "/": "÷", "neg": "−", "maximum": "max"}
LEAVES = {"input", "state", "parameter", "number", "tap", "W", "U", "project"}


def untapped(expression: Expression) -> Expression:
    """Return what a signal is computed from, or the expression itself if it has no symbol."""
    while expression.operation == "tap":
        expression = expression.inputs[0]
    return expression


def carried(equations: Equations, state: str) -> list[Expression]:
    """Return the arithmetic between a state before and after the step, in order; [] if there is another way."""

    def search(expression: Expression) -> list[Expression] | None:
        expression = untapped(expression)
        if expression.operation == "state":
            return [] if expression.name == state else None
        if expression.operation not in ARITHMETIC:
            return None
        for part in expression.inputs:
            if (way := search(part)) is not None:
                return [*way, expression]
        return None

    return search(equations.state[state]) or []


def single_layer(equations: Equations) -> list[Expression]:
    """Return the way from h through a cell that is but a function of W x + b + U h + d; [] for all others."""
    if len(equations) != 1 or len(equations.state) != 1:
        return []
    core = untapped(equations[0].tap)
    functions = []
    while core.operation not in LEAVES | ARITHMETIC.keys() and len(core.inputs) == 1:
        functions.insert(0, core)
        core = core.inputs[0]
    rows = {part.operation: part for part in core.inputs}
    return [rows["U"], core, *functions] if core.operation == "+" and rows.keys() == {"W", "U"} else []


def terms(core: Expression) -> Iterator[Expression]:
    """Yield the summands of a sum, or the expression itself."""
    if core.operation in ("+", "-"):
        for part in core.inputs:
            yield from terms(part)
    else:
        yield core


def is_learned(term: Expression) -> bool:
    """Tell whether there are weights in a term."""
    if _is_leaf(term):
        return False
    return term.operation in ("W", "U") or _has_weights(term) or any(map(is_learned, term.inputs))


def _has_weights(term: Expression) -> bool:
    """Tell whether a function may have weights: it is the cell's own, no function of every tensor."""
    return term.operation not in LEAVES | ARITHMETIC.keys() and not hasattr(Tensor, term.operation)


def _is_leaf(term: Expression) -> bool:
    return term.operation in ("tap", "state", "input")


def absorbed(term: Expression) -> bool:
    """Tell whether a term belongs inside the box: weights, rows, and weights times a signal."""
    if term.operation in ("W", "U", "parameter", "number"):
        return True
    if _is_leaf(term):
        return False
    if term.operation in ARITHMETIC:
        weights = [part for part in term.inputs if part.operation == "parameter"]
        return all(absorbed(part) or (weights and _is_leaf(part)) for part in term.inputs)
    return all(absorbed(part) or (_is_leaf(part) and _has_weights(term)) for part in term.inputs)


def sources(term: Expression) -> Iterator[tuple[Expression, bool]]:
    """Yield what a learned term reads, and whether it reads every unit of it."""
    if term.operation in ("W", "U"):
        yield term.inputs[0].inputs[0], True
    elif _is_leaf(term):
        yield term, False
    else:
        vector = term.operation not in ARITHMETIC
        for part in term.inputs:
            yield from ((source, vector or whole) for source, whole in sources(part))
