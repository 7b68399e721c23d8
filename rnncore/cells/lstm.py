"""Long short-term memory."""

from __future__ import annotations

from typing import Any

from rnncore.cells.base import Cell, Gate, State, Tap, sigmoid, tanh


class LSTM(Cell):
    """Long short-term memory, Hochreiter & Schmidhuber (1997) with the forget gate of Gers (2000).

    The forget gate's bias starts at 1, after Jozefowicz (2015): a fresh memory keeps what it has.
    """

    name, title, states = "lstm", "LSTM", ("h", "c")
    gates = (
        Gate("i", "input gate", 0, 1),
        Gate("f", "forget gate", 0, 1),
        Gate("g", "candidate", -1, 1),
        Gate("o", "output gate", 0, 1),
    )
    rows = ("i", "f", "g", "o")  # torch.nn.LSTM's row order

    def step(self, x: Any, s: State, tap: Tap) -> State:
        """Forget, write, show."""
        Wx, Uh = self.project(x, s.h)
        i = tap("i", sigmoid(Wx.i + Uh.i))
        f = tap("f", sigmoid(Wx.f + Uh.f))
        g = tap("g", tanh(Wx.g + Uh.g))
        o = tap("o", sigmoid(Wx.o + Uh.o))
        c = tap("c", f * s.c + i * g)
        h = tap("h", o * tanh(c))
        return State(h=h, c=c)
