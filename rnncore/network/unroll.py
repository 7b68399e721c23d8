"""The only loop over time: a cell's own step, once per time step."""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from rnncore.cells import Cell, State, silent


@runtime_checkable
class Listener(Protocol):
    """Hears every signal of a layer as it is computed, and may return another value in its place."""

    def __call__(self, time: int, symbol: str, value: Any) -> Any:
        """Return the value to go on with."""


def unroll(
    cell: Cell,
    xs: Float[Tensor, "time *batch input"],
    state: State,
    listener: Listener | None = None,
) -> tuple[Float[Tensor, "time *batch unit"], State]:
    """Run ``cell`` over ``xs`` step by step; return every step's h, and the final state."""
    hs = []
    for time, x in enumerate(xs):
        tap = silent if listener is None else partial(listener, time)
        state = cell.step(x, state, tap)
        hs.append(state.h)
    return torch.stack(hs), state
