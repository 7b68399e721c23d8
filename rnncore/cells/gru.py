"""Gated recurrent unit."""

from __future__ import annotations

from typing import Any

from rnncore.cells.base import Cell, Gate, State, Tap, sigmoid, tanh


class GRU(Cell):
    """Gated recurrent unit of Cho (2014), in the form with the reset gate *after* the product.

    This is torch's and cuDNN's form: r gates U h + d, not h. Here z near 1 keeps the old state, as in
    torch; Cho's paper writes it so too, while others let z choose the new one.
    """

    name, title = "gru", "GRU"
    gates = (
        Gate("r", "reset gate", 0, 1),
        Gate("z", "update gate", 0, 1),
        Gate("n", "candidate", -1, 1),
    )
    rows = ("r", "z", "n")  # torch.nn.GRU's row order

    def step(self, x: Any, s: State, tap: Tap) -> State:
        """Reset, propose, mix."""
        Wx, Uh = self.project(x, s.h)
        r = tap("r", sigmoid(Wx.r + Uh.r))
        z = tap("z", sigmoid(Wx.z + Uh.z))
        n = tap("n", tanh(Wx.n + r * Uh.n))
        h = tap("h", (1 - z) * n + z * s.h)
        return State(h=h)
