"""Long short-term memory with one gate for keeping and writing."""

from __future__ import annotations

from typing import Any

from rnncore.cells.base import Cell, Gate, State, Tap, sigmoid, tanh


class Coupled(Cell):
    """LSTM with coupled gates: what is forgotten is replaced, c = f c + (1 - f) g, and so stays in -1..1.

    The same without peepholes as Greff's (2017) CIFG, which is ``lstm-cifg``.
    """

    name, title, states = "lstm-coupled", "Coupled-gate LSTM", ("h", "c")
    gates = (
        Gate("f", "forget gate", 0, 1),
        Gate("g", "candidate", -1, 1),
        Gate("o", "output gate", 0, 1),
    )
    rows = ("f", "g", "o")
    state_ranges = {"h": (-1.0, 1.0), "c": (-1.0, 1.0)}

    def step(self, x: Any, s: State, tap: Tap) -> State:
        """Replace, show."""
        Wx, Uh = self.project(x, s.h)
        f = tap("f", sigmoid(Wx.f + Uh.f))
        g = tap("g", tanh(Wx.g + Uh.g))
        o = tap("o", sigmoid(Wx.o + Uh.o))
        c = tap("c", f * s.c + (1 - f) * g)
        h = tap("h", o * tanh(c))
        return State(h=h, c=c)
