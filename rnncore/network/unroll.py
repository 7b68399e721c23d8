"""The loop over time: a cell's own step, once per time step."""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from rnncore.cells import Cell, Rows, State, silent

BLOCK = 128
"""Steps of a single sequence that are read at once."""


@runtime_checkable
class Listener(Protocol):
    """Hears every signal of a layer as it is computed, and may return another value in its place."""

    def __call__(self, time: int, symbol: str, value: Any) -> Any:
        """Return the value to go on with."""


def unroll(
    cell: Cell,
    xs: Float[Tensor, "time *batch input"] | Rows,
    state: State,
    listener: Listener | None = None,
) -> tuple[Float[Tensor, "time *batch unit"], State]:
    """Run ``cell`` over ``xs``, or over what it has read of them, step by step; return every h and the final state."""
    cell, hs = cell.settled(), []
    Wx = cell.read(xs)
    for time in range(len(Wx.whole)):
        tap = silent if listener is None else partial(listener, time)
        state = cell.step(Wx[time], state, tap)
        hs.append(state.h)
    return torch.stack(hs), state


def read(cell: Cell, xs: Float[Tensor, "time *batch input"]) -> Rows:
    """Return what every step takes from its input; of a single sequence it is read in blocks, see :func:`blocks`."""
    if xs[0].numel() > xs.shape[-1]:
        return cell.read(xs)
    return Rows.cut(cell.rows, torch.cat([cell.read(block).whole for block in blocks(xs)])[: len(xs)])


def blocks(values: Float[Tensor, "time *batch unit"]) -> tuple[Tensor, ...]:
    """Cut into blocks of one length, the last filled up with zeros.

    How a product of matrices rounds, or a sum, depends on its shape. Computed in blocks of one shape, a recording of a
    prefix is the prefix of the recording to the last bit.
    """
    whole = pad(values, (0, 0) * (values.ndim - 1) + (0, -len(values) % BLOCK))
    return tuple(torch.split(whole, BLOCK))
