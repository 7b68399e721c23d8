"""Total gradients through time for every state at every step, without a graph of thousands of nodes.

Once W x and U h are given, a step of most cells works on each unit by itself. The derivatives of all steps are then a
few arrays [time, batch, unit], found by one backward pass with time as the batch. What is left to do in the order of
time is to carry the gradient back through them, and from U h to h.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from rnncore.cells import Cell, Rows, State
from rnncore.network.intervene import Change, listener
from rnncore.network.units import given, work_alone
from rnncore.network.unroll import unroll

SEGMENT = 2**19
"""Values of one state, over steps, batch and units, whose derivatives are held at once."""


def adjoint(
    cell: Cell,
    xs: Float[Tensor, "time batch input"],
    start: State,
    states: Mapping[str, Float[Tensor, "time batch _"]],
    direct: Float[Tensor, "time batch _"],
    changes: Sequence[Change] = (),
    *,
    inputs: bool = True,
) -> tuple[dict[str, Tensor], Float[Tensor, "time batch input"] | None]:
    """Return dL/ds of every state s at every step, in total, and dL/dx of every input, if ``inputs`` are asked for.

    A state's gradient is that of the value as it passes its tap, with what it was computed from held fixed: dL/dh
    holds c fixed.

    Parameters
    ----------
    start : State
        The state before the first step.
    states : mapping of str to Tensor [time, batch, unit]
        Every state after each step.
    direct : Tensor [time, batch, unit]
        dL/dh through the output of its own step alone.
    changes : sequence of Change
        What interventions changed, the first of the steps being step 0.
    """
    cell = cell.settled()
    if xs.is_cuda or not work_alone(type(cell)):
        return _through_a_graph(cell, xs, start, direct, changes)
    before = {symbol: torch.cat([start[symbol].unsqueeze(0), states[symbol][:-1]]) for symbol in cell.states}
    carried = {symbol: np.zeros_like(start[symbol].numpy()) for symbol in cell.states}
    totals = {symbol: direct.clone() if symbol == "h" else torch.zeros_like(direct) for symbol in cell.states}
    dx = torch.empty_like(xs) if inputs else None
    length = max(1, SEGMENT // start.h.numel())
    for first in reversed(range(0, len(xs), length)):
        part = slice(first, first + length)
        x, dL = xs[part], {symbol: value[part] for symbol, value in totals.items()}
        steps = _differentiate(cell, x, {symbol: value[part] for symbol, value in before.items()}, changes, first)
        _carry_back(cell, steps, dL, carried)
        if dx is not None:
            none = torch.zeros_like(dL["h"])
            rows = [sum((d.Wx[row] * dL[k] for k, d in steps.items() if row in d.Wx), none) for row in cell.rows]
            dWx = torch.cat(rows, -1)
            with torch.enable_grad():
                x = x.detach().requires_grad_()
                (dx[part],) = torch.autograd.grad(cell.read(x).whole, x, dWx)
    return totals, dx


class _Derivatives(NamedTuple):
    """Derivatives of one state as it passes the tap, unit by unit [time, batch, unit], where it does depend.

    With respect to the rows of what the step takes from its input and from h, to the states before the step, and to
    the states that passed the tap before it in the same step.
    """

    Wx: Mapping[str, Tensor]
    Uh: Mapping[str, Tensor]
    before: Mapping[str, Tensor]
    beside: Mapping[str, Tensor]


def _differentiate(
    cell: Cell, xs: Tensor, before: Mapping[str, Tensor], changes: Sequence[Change], first: int
) -> dict[str, _Derivatives]:
    """Return the derivatives of every state in the steps that begin with ``first``, in the order of the equations."""
    s = _leaves(before)
    Wx = _leaves(dict(zip(cell.rows, cell.read(xs).whole.chunk(len(cell.rows), -1), strict=True)))
    Uh = {row: torch.zeros_like(value) for row, value in Wx.items()}
    if "weight_hh" in cell._parameters:
        Uh = dict(zip(cell.rows, cell.recall(s["h"]).whole.chunk(len(cell.rows), -1), strict=True))
    Uh, beside, found = _leaves(Uh), dict[str, Tensor](), dict[str, _Derivatives]()

    def tap(symbol: str, value: Any) -> Any:
        for change in changes:
            value = change(first, value) if change.signal == symbol else value
        if symbol not in cell.states:
            return value
        found[symbol] = _Derivatives(*_derivatives(value, Wx, Uh, s, beside))
        beside[symbol] = value.detach().requires_grad_()
        return beside[symbol]

    with torch.enable_grad():
        state = State(**s)
        given(cell, state, Rows(Uh)).step(Rows(Wx), state, tap)
    return found


def _leaves(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().requires_grad_() for name, value in values.items()}


def _derivatives(value: Tensor, *groups: Mapping[str, Tensor]) -> list[dict[str, Tensor]]:
    """Return the derivatives with respect to each group of leaves; units work alone, so the sum's are all there are."""
    if not value.requires_grad:
        return [{} for _ in groups]
    leaves = [leaf for group in groups for leaf in group.values()]
    found = iter(torch.autograd.grad(value.sum(), leaves, retain_graph=True, allow_unused=True))
    return [{name: d for name in group if (d := next(found)) is not None} for group in groups]


def _carry_back(
    cell: Cell, steps: dict[str, _Derivatives], totals: Mapping[str, Tensor], carried: Mapping[str, np.ndarray]
) -> None:
    """Add to each state's ``totals`` what comes from later; ``carried`` is that of the states before the first step.

    In numpy and in place, since for small layers it counts how fast an operation starts.
    """
    dL = {symbol: total.numpy() for symbol, total in totals.items()}

    def ways(into: str, name: str) -> list[tuple[np.ndarray, np.ndarray]]:
        found = ((getattr(steps[k], into), dL[k]) for k in steps)
        return [(derivatives[name].numpy(), value) for derivatives, value in found if name in derivatives]

    here = [(dL[symbol], carried[symbol], ways("beside", symbol)) for symbol in reversed(steps)]
    back = [(carried[symbol], ways("before", symbol)) for symbol in cell.states]
    term, dh = np.empty_like(carried["h"]), np.empty_like(carried["h"])
    rows: list[tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]] = []
    if "weight_hh" in cell._parameters:
        U = cell.weight_hh.detach().numpy()
        dUh = np.empty((len(dh), len(U)), U.dtype)
        rows = [(part, ways("Uh", row)) for row, part in zip(cell.rows, np.split(dUh, len(cell.rows), -1), strict=True)]
    for t in reversed(range(len(dL["h"]))):
        for total, later, terms in here:
            np.add(total[t], later, out=total[t])
            for derivative, value in terms:
                np.multiply(derivative[t], value[t], out=term)
                np.add(total[t], term, out=total[t])
        for out, terms in (*back, *rows):
            if not terms:
                out.fill(0)
            for number, (derivative, value) in enumerate(terms):
                np.multiply(derivative[t], value[t], out=term if number else out)
                if number:
                    np.add(out, term, out=out)
        if rows:
            np.matmul(dUh, U, out=dh)
            np.add(carried["h"], dh, out=carried["h"])


def _through_a_graph(
    cell: Cell, xs: Tensor, start: State, direct: Tensor, changes: Sequence[Change]
) -> tuple[dict[str, Tensor], Tensor]:
    """Return the same by autograd, over the steps written out one after the other."""
    change = listener(changes, 0)
    kept: dict[str, list[Tensor]] = {symbol: [] for symbol in cell.states}

    def keep(time: int, symbol: str, value: Any) -> Any:
        value = change(time, symbol, value)
        if symbol in kept:
            kept[symbol].append(value)
        return value

    with torch.enable_grad():
        xs = xs.detach().requires_grad_()
        hs, _ = unroll(cell, xs, start, keep)
        wanted = [xs, *(value for values in kept.values() for value in values)]
        dx, *found = torch.autograd.grad(hs, wanted, direct, materialize_grads=True)
    time = len(xs)
    return {k: torch.stack(found[n * time : (n + 1) * time]) for n, k in enumerate(kept)}, dx
