"""Minimal gated networks, Feng (2024): gates that see the input only, so that all steps can be computed at once."""

from __future__ import annotations

import math
from typing import Any

from rnncore.cells.base import Cell, Gate, State, Tap, log_sigmoid, sigmoid


class MinGRU(Cell):
    """Minimal GRU of Feng (2024): update gate and candidate do not see the state.

    Here z near 1 takes the new value, as the paper has it; in ``gru`` it keeps the old one.
    """

    name, title = "min-gru", "minGRU"
    gates = (
        Gate("z", "update gate", 0, 1),
        Gate("n", "candidate", -math.inf, math.inf),
    )
    rows = ("z", "n")
    state_ranges = {"h": None}

    @classmethod
    def shapes(cls, inputs: int, units: int) -> dict[str, tuple[int, ...]]:
        """Return every parameter's shape: none reads the state."""
        return _without_recurrence(super().shapes(inputs, units))

    def step(self, x: Any, s: State, tap: Tap) -> State:
        """Propose and mix."""
        Wx = self.read(x)
        z = tap("z", sigmoid(Wx.z))
        n = tap("n", Wx.n)
        h = tap("h", (1 - z) * s.h + z * n)
        return State(h=h)


class MinLSTM(Cell):
    """Minimal LSTM of Feng (2024): gates see the input only and share out 1 between old and new.

    f and i are the paper's f / (f + i) and i / (f + i) of two sigmoids. The first is the sigmoid of the
    difference of their logarithms, which is defined where both are 0.
    """

    name, title = "min-lstm", "minLSTM"
    gates = (
        Gate("f", "forget gate", 0, 1),
        Gate("i", "input gate", 0, 1),
        Gate("g", "candidate", -math.inf, math.inf),
    )
    rows = ("f", "i", "g")
    state_ranges = {"h": None}

    @classmethod
    def shapes(cls, inputs: int, units: int) -> dict[str, tuple[int, ...]]:
        """Return every parameter's shape: none reads the state."""
        return _without_recurrence(super().shapes(inputs, units))

    def step(self, x: Any, s: State, tap: Tap) -> State:
        """Share out and mix."""
        Wx = self.read(x)
        f = tap("f", sigmoid(log_sigmoid(Wx.f) - log_sigmoid(Wx.i)))
        i = tap("i", 1 - f)
        g = tap("g", Wx.g)
        h = tap("h", f * s.h + i * g)
        return State(h=h)


def _without_recurrence(shapes: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    return {name: shape for name, shape in shapes.items() if name.endswith("_ih")}
