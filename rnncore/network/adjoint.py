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
) -> tuple[dict[str, Tensor], Float[Tensor, "time batch input"]]:
    """Return dL/ds of every state s at every step, in total, and dL/dx of every input.

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
    totals, dx = {symbol: torch.empty_like(before[symbol]) for symbol in cell.states}, torch.empty_like(xs)
    length = max(1, SEGMENT // start.h.numel())
    for first in reversed(range(0, len(xs), length)):
        part = slice(first, first + length)
        steps = _differentiate(
            cell, xs[part], {symbol: value[part] for symbol, value in before.items()}, changes, first
        )
        after = _carry_back(cell, steps, direct[part], carried)
        for symbol in cell.states:
            totals[symbol][part] = _chain(after, {k: steps[k].tapped[symbol] for k in after})
        with torch.enable_grad():
            x = xs[part].detach().requires_grad_()
            dWx = _chain(after, {k: steps[k].Wx for k in after}).flatten(-2)
            (dx[part],) = torch.autograd.grad(cell.read(x).whole, x, dWx)
    return totals, dx


class _Derivatives(NamedTuple):
    """Derivatives of one state after a step, unit by unit; None where it does not depend.

    With respect to what the step takes from its input and from h [time, batch, row, unit], to the states before the
    step, and to the states as they pass the tap [time, batch, unit].
    """

    Wx: Tensor | None
    Uh: Tensor | None
    before: Mapping[str, Tensor | None]
    tapped: Mapping[str, Tensor | None]


def _differentiate(
    cell: Cell, xs: Tensor, before: Mapping[str, Tensor], changes: Sequence[Change], first: int
) -> dict[str, _Derivatives]:
    """Return the derivatives of every state after the steps that begin with ``first``."""
    tapped: dict[str, Tensor] = {}

    def tap(symbol: str, value: Any) -> Any:
        for change in changes:
            value = change(first, value) if change.signal == symbol else value
        if symbol in cell.states:
            tapped[symbol] = value
        return value

    s = State(**{symbol: value.detach().requires_grad_() for symbol, value in before.items()})
    Wx = cell.read(xs).whole.detach().unflatten(-1, (len(cell.rows), -1)).requires_grad_()
    Uh = cell.recall(s.h).whole.detach().view_as(Wx) if "weight_hh" in cell._parameters else torch.zeros_like(Wx)
    Uh.requires_grad_()
    with torch.enable_grad():
        after = given(cell, s, Uh.flatten(-2)).step(Rows.cut(cell.rows, Wx.flatten(-2)), s, tap)
        wanted, found = [Wx, Uh, *s.values(), *tapped.values()], {}
        for symbol, value in after.items():  # each unit depends on itself alone: their sum has all derivatives
            dWx, dUh, *rest = torch.autograd.grad(value.sum(), wanted, retain_graph=True, allow_unused=True)
            before_and_tapped = dict(zip(s, rest, strict=False)), dict(zip(tapped, rest[len(s) :], strict=True))
            found[symbol] = _Derivatives(dWx, dUh, *before_and_tapped)
    return found


def _carry_back(
    cell: Cell, steps: Mapping[str, _Derivatives], direct: Tensor, carried: Mapping[str, np.ndarray]
) -> dict[str, Tensor]:
    """Return dL/ds after each step, s as the step returns it; ``carried`` comes back from what follows the steps.

    In numpy and in place, since for small layers it counts how fast an operation starts.
    """
    after = {symbol: direct.clone() if symbol == "h" else torch.zeros_like(direct) for symbol in cell.states}
    dL = {symbol: value.numpy() for symbol, value in after.items()}
    ways = {m: [(d.numpy(), dL[k]) for k in steps if (d := steps[k].before[m]) is not None] for m in cell.states}
    rows = [(d.numpy(), dL[k][..., None, :]) for k in steps if (d := steps[k].Uh) is not None]
    term, dh = np.empty_like(carried["h"]), np.empty_like(carried["h"])
    if rows:
        U, dUh = cell.weight_hh.detach().numpy(), np.empty_like(rows[0][0][0])
        row_term, flat = np.empty_like(dUh), dUh.reshape(len(dUh), -1)
    for t in reversed(range(len(direct))):
        for symbol, value in carried.items():
            np.add(dL[symbol][t], value, out=dL[symbol][t])
        for symbol, value in carried.items():
            _sum(ways[symbol], t, value, term)
        if rows:
            _sum(rows, t, dUh, row_term)
            np.matmul(flat, U, out=dh)
            np.add(carried["h"], dh, out=carried["h"])
    return after


def _sum(terms: Sequence[tuple[np.ndarray, np.ndarray]], t: int, out: np.ndarray, scratch: np.ndarray) -> None:
    """Write the sum of the terms' products at step t to ``out``."""
    if not terms:
        out.fill(0)
    for number, (a, b) in enumerate(terms):
        np.multiply(a[t], b[t], out=scratch if number else out)
        if number:
            np.add(out, scratch, out=out)


def _chain(after: Mapping[str, Tensor], derivatives: Mapping[str, Tensor | None]) -> Tensor:
    """Return the sum over states of dL/ds times the derivative of s."""
    terms = [
        derivative * (after[k] if derivative.ndim == after[k].ndim else after[k].unsqueeze(-2))
        for k, derivative in derivatives.items()
        if derivative is not None
    ]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


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
