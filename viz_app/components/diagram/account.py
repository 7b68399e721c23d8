"""What a step does to the state, in one line: two parts that add up; and the sentence that follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rnncore.cells import Cell
from rnncore.cells.equations import Equations
from rnncore.cells.expression import Expression
from rnncore.cells.notation import spell
from viz_app.components.diagram.anatomy import carried, untapped
from viz_app.figures.words import named


@dataclass(frozen=True)
class Account:
    """A sum of two parts, the old and the new one.

    For a state that is carried by arithmetic: what is kept of it, plus what is written. For any other: what
    the old state brings, plus what the input brings, before the outermost function.

    Attributes
    ----------
    state : str
        The state that the sum makes.
    before, old, new, total, after : Expression
        The state before the step, the two parts, their sum, the state after the step.
    sign : int
        -1 where the new part is subtracted.
    gate : Expression or None
        The signal that multiplies the state in the old part.
    """

    state: str
    carried: bool
    before: Expression
    old: Expression
    new: Expression
    total: Expression
    after: Expression
    sign: int = 1
    gate: Expression | None = None

    def words(self) -> dict[str, str]:
        """Return the title of the sum and the names of its parts."""
        if self.carried:
            new = "written" if self.sign > 0 else "taken"
            title = f"The memory, in one line: kept part {'plus' if self.sign > 0 else 'minus'} {new} part"
            return {"title": title, "old": f"kept {written(self.old)}", "new": f"{new} {written(self.new)}"}
        title = "The new state, in one line: old state plus input"
        return {"title": title, "old": "from the old state", "new": "from the input"}


def account(equations: Equations) -> Account | None:
    """Return the sum that makes the cell's main state; None if there is no sum of two parts."""
    others = [state for state in equations.state if state != "h"]
    for state in [*reversed(others), "h"]:  # a cell names its memory last
        way = carried(equations, state)
        for inner, outer in zip([None, *way], way, strict=False):
            if outer.operation in ("+", "-") and all(part.operation != "number" for part in outer.inputs):
                before = next(e for e in outer.walk() if e.operation == "state" and e.name == state)
                old, new = outer.inputs
                if untapped(old) is not (inner or before):
                    old, new = new, old
                sign = -1 if outer.operation == "-" and new is outer.inputs[1] else 1
                after = equations.state[state]
                return Account(state, True, before, old, new, outer, after, sign, _gate(old, before))
    return _squashed(equations)


def _gate(old: Expression, before: Expression) -> Expression | None:
    factors = untapped(old).inputs if untapped(old).operation == "*" else ()
    return next((f for f in factors if f.operation == "tap" and before in factors), None)


def _squashed(equations: Equations) -> Account | None:
    """Find W x + b and U h + d inside the function that makes h."""
    for state, after in equations.state.items():
        core = untapped(after)
        while len(core.inputs) == 1:
            core = core.inputs[0]
        rows = {part.operation: part for part in core.inputs}
        if core.operation == "+" and rows.keys() == {"W", "U"}:
            before = next(e for e in core.walk() if e.operation == "state")
            return Account(state, False, before, rows["U"], rows["W"], core, after)
    return None


def written(expression: Expression) -> str:
    """Return an expression in one short line, as f·c."""
    tokens = spell(expression)
    return "".join("·" if token.text == "⊙" else token.text for token in tokens)


def findings(
    cell: type[Cell], sums: Account | None, values: Mapping[Expression, np.ndarray], tokens: Sequence[str], scope: str
) -> list[str]:
    """Say for every step what it does to the state.

    Parameters
    ----------
    values : mapping of Expression to float [time]
        The numbers of what is shown, by expression without its symbol.
    scope : str
        What the numbers are, if they are not one unit's: "On average over 128 units".
    """
    meanings = {gate.symbol: gate.meaning for gate in cell.gates}
    if sums is None:
        return [f"{_at(token, scope)} the state is computed anew" for token in tokens]
    columns = [values[untapped(part)] for part in (sums.before, sums.old, sums.new, sums.after)]
    gates = values[untapped(sums.gate)] if sums.gate is not None else np.full(len(tokens), np.nan)
    meaning = meanings.get(sums.gate.name, f"gate {sums.gate.name}") if sums.gate is not None else ""
    unit = max(0.05, float(np.quantile(np.abs(columns[3]), 0.9)))
    sentences = []
    for token, gate, before, old, new, after in zip(tokens, gates, *columns, strict=True):
        new = sums.sign * new
        if sums.carried:
            what = _carried(meaning, gate, before, old, new, after, 0.1 * unit)
        else:
            what = _pulled(sums.state, old, new, after)
        sentences.append(f"{_at(token, scope)} {what}")
    return sentences


def _carried(meaning: str, gate: float, before: float, old: float, new: float, after: float, little: float) -> str:
    how = f"the {meaning} {_stands(gate)}: the memory" if meaning else "the memory"
    if abs(new) <= little:
        if abs(old - before) <= little:
            return f"{how} is kept at {signed(after)}"
        return f"{how} fades from {signed(before)} to {signed(after)}"
    if abs(old) <= 0.25 * abs(before) and abs(new) > abs(old):
        return f"{how} is overwritten with {signed(after)}"
    if np.sign(before) != np.sign(after) and abs(after) > little:
        return f"{how} turns from {signed(before)} to {signed(after)}"
    if abs(after) > abs(before) + little:
        return f"{how} grows from {signed(before)} to {signed(after)}"
    if abs(after) < abs(before) - little:
        return f"{how} shrinks from {signed(before)} to {signed(after)}"
    return f"{how} is partly replaced and stays at {signed(after)}"


def _stands(gate: float) -> str:
    if gate < 0.25:
        return f"closes to {gate:.2f}"
    return f"is open at {gate:.2f}" if gate > 0.75 else f"stands at {gate:.2f}"


def _pulled(state: str, old: float, new: float, after: float) -> str:
    if abs(new) > 2 * abs(old):
        return f"the input decides: it brings {signed(new)}, the old state {signed(old)}"
    if abs(old) > 2 * abs(new):
        return f"the old state decides: it brings {signed(old)}, the input {signed(new)}"
    if np.sign(old) == np.sign(new):
        return f"input and old state pull together: {state} goes to {signed(after)}"
    return f"input and old state pull apart: {signed(new)} against {signed(old)}"


def _at(token: str, scope: str) -> str:
    place = named(token, "the")
    return f"{scope}, at {place}" if scope else f"At {place}"


def signed(value: float) -> str:
    """Return a number with two decimals and its sign; ∞ for what has run off."""
    if abs(value) > 1e30:
        return "−∞" if value < 0 else "+∞"
    text = f"{value:+.2f}".replace("-", "−")
    return "0.00" if text[1:] == "0.00" else text
