"""Every signal of a layer at every step, with what interventions change, at close to the speed of h alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from rnncore.cells import Cell, Rows, State
from rnncore.network import fused
from rnncore.network.intervene import Change, listener
from rnncore.network.loops import loop_of, own_name
from rnncore.network.scan import scan
from rnncore.network.unroll import blocks, read, unroll

Signals = dict[str, Tensor]
"""Signals of one layer, each [time, batch, unit], in the order in which a step computes them."""


class Reader:
    """Reads with one cell, keeping everything; what depends on the weights alone is done once.

    Gates and states come from the cell's loop (see loops.py), from its kernel and one step with time as the batch, or
    else from its equations, step by step. No gradients pass.

    Parameters
    ----------
    changes : sequence of Change
        What interventions change in this layer. Before the first of them has an effect, everything is bit for bit what
        it is without them.
    """

    def __init__(self, cell: Cell, changes: Sequence[Change] = ()) -> None:
        self.cell, self.changes = cell.settled(), changes
        with torch.no_grad():
            self.loop = loop_of(cell)

    @torch.no_grad()
    def __call__(self, xs: Float[Tensor, "time batch input"] | Rows, state: State, first: int = 0) -> Signals:
        """Return every signal from ``state`` on; ``xs``, read already or not, begin with step ``first``."""
        return self.changed(xs, state, first)[1]

    def changed(self, xs: Tensor | Rows, state: State, first: int) -> tuple[int, Signals]:
        """Return the first step at which a change has an effect, or the number of steps, and every signal."""
        Wx = xs if isinstance(xs, Rows) else read(self.cell, xs)
        signals = self._untouched(xs, Wx, state)
        start = min(_first_differences(signals, self.changes, first), default=len(Wx.whole))
        if start == len(Wx.whole):
            return start, signals
        after = State(**{symbol: signals[symbol][start - 1] if start else value for symbol, value in state.items()})
        at_once = listener(self.changes, first + start)
        touched = False

        def change(time: int, symbol: str, value: Any) -> Any:
            """Until the first change go on with what was read untouched: it has been computed in another way."""
            nonlocal touched
            value = value if touched else signals[symbol][start]
            new = at_once(time, symbol, value)
            touched = touched or bool((new != value).any())
            return new

        rest = _kept(self.cell, Wx[start:], after, change)
        return start, {symbol: torch.cat([signals[symbol][:start], rest[symbol]]) for symbol in signals}

    def _untouched(self, xs: Tensor | Rows, Wx: Rows, state: State) -> Signals:
        if self.loop:
            return self.loop(Rows.cut(self.cell.rows, Wx.whole.clone()) if self.changes else Wx, state)
        twin = fused.twins.get(own_name(self.cell))
        if twin in fused.scans:
            return _scanned(twin, self.cell, Wx, state)
        if isinstance(xs, Rows) or twin is None:
            return _kept(self.cell, Wx, state, lambda time, symbol, value: value)
        hs, _ = fused.run(self.cell, xs, state)
        return replay(self.cell, Wx, state, hs)


def run(
    cell: Cell, xs: Float[Tensor, "time batch input"], state: State, changes: Sequence[Change], first: int
) -> tuple[Float[Tensor, "time batch unit"], State]:
    """Return every step's h and the final state, as :func:`fused.run`, with ``changes`` made."""
    if len(xs) == 1 or torch.is_grad_enabled():
        return unroll(cell, xs, state, listener(changes, first))
    hs, end = fused.run(cell, xs, state)
    start, signals = Reader(cell, changes).changed(xs, state, first)
    if start == len(xs):
        return hs, end
    return torch.cat([hs[:start], signals["h"][start:]]), State(**{symbol: signals[symbol][-1] for symbol in state})


def replay(cell: Cell, Wx: Rows, state: State, hs: Float[Tensor, "time batch unit"]) -> Signals:
    """Return every signal, once h is known: one step with time as its batch gives all gates.

    That step sees no old cell state; c is then a gated sum over time.
    """
    before = dict.fromkeys(cell.states, torch.zeros_like(hs))
    before["h"] = torch.cat([state.h.unsqueeze(0), hs[:-1]])
    signals: Signals = {}

    def keep(symbol: str, value: Any) -> Any:
        signals[symbol] = value.expand_as(hs)
        return value

    cell.step(Wx, State(**before), keep)
    if "c" in signals:
        signals["c"] = scan(signals["f"], signals["c"], state.c)
    return {**signals, "h": hs}


def _scanned(twin: fused.Twin, cell: Cell, Wx: Rows, state: State) -> Signals:
    """Return every signal of a cell whose steps are computed at once: at once within a block."""
    parts = []
    for block in blocks(Wx.whole):
        rows, before = Rows.cut(cell.rows, block), state
        hs, state = twin(cell, rows, before)
        parts.append(replay(cell, rows, before, hs))
    return {symbol: torch.cat([part[symbol] for part in parts])[: len(Wx.whole)] for symbol in parts[0]}


def _kept(cell: Cell, Wx: Rows, state: State, listen: Callable[[int, str, Any], Any]) -> Signals:
    kept: dict[str, list[Tensor]] = {}
    batch = Wx.whole.shape[1:-1]

    def keep(time: int, symbol: str, value: Any) -> Any:
        value = listen(time, symbol, value)
        kept.setdefault(symbol, []).append(value.expand(*batch, -1))  # a gate may be the same for the whole batch
        return value

    unroll(cell, Wx, state, keep)
    return {symbol: torch.stack(values) for symbol, values in kept.items()}


def _first_differences(signals: Signals, changes: Sequence[Change], first: int) -> list[int]:
    """Return, for every signal that changes, the first step at which it would."""
    changed = dict[str, Tensor]()
    for change in changes:
        changed[change.signal] = change(first, changed.get(change.signal, signals[change.signal]))
    differs = [(values != signals[symbol]).flatten(1).any(1) for symbol, values in changed.items()]
    return [int(steps.int().argmax()) for steps in differs if steps.any()]
