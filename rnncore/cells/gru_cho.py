"""Gated recurrent unit as in its first paper."""

from __future__ import annotations

from typing import Any

from rnncore.cells.base import Cell, Gate, State, Tap, sigmoid, tanh


class GRUCho(Cell):
    """Gated recurrent unit as Cho (2014) wrote it: the reset gate acts on h *before* the product, U (r h).

    It is not the function of ``gru``, where r gates U h + d. In both, as in the paper, z near 1 keeps the old
    state; Chung (2014) and many lectures let z choose the new one.
    """

    name, title = "gru-cho", "GRU, reset before (Cho)"
    gates = (
        Gate("r", "reset gate", 0, 1),
        Gate("z", "update gate", 0, 1),
        Gate("n", "candidate", -1, 1),
    )
    rows = ("r", "z", "n")

    def step(self, x: Any, s: State, tap: Tap) -> State:
        """Reset, propose, mix."""
        Wx, Uh = self.read(x), self.recall(s.h, "r", "z")
        r = tap("r", sigmoid(Wx.r + Uh.r))
        z = tap("z", sigmoid(Wx.z + Uh.z))
        Ur = self.recall(r * s.h, "n")
        n = tap("n", tanh(Wx.n + Ur.n))
        h = tap("h", (1 - z) * n + z * s.h)
        return State(h=h)
