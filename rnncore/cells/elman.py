"""The plain recurrent network."""

from __future__ import annotations

from typing import Any

from rnncore.cells.base import Cell, State, Tap, relu, tanh


class Elman(Cell):
    """Simple recurrent network, Elman (1990): the state is a squashed sum of input and old state."""

    name, title = "elman", "tanh RNN"
    rows = ("h",)
    steepest = 1.0

    def step(self, x: Any, s: State, tap: Tap) -> State:
        """Add and squash."""
        Wx, Uh = self.project(x, s.h)
        return State(h=tap("h", tanh(Wx.h + Uh.h)))


class ElmanReLU(Cell):
    """Simple recurrent network with a rectifier: no saturation, and no bound either."""

    name, title = "elman-relu", "ReLU RNN"
    rows = ("h",)
    state_ranges = {"h": None}
    steepest = 1.0

    def step(self, x: Any, s: State, tap: Tap) -> State:
        """Add and rectify."""
        Wx, Uh = self.project(x, s.h)
        return State(h=tap("h", relu(Wx.h + Uh.h)))
