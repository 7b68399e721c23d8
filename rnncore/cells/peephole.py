"""Long short-term memory whose gates look at the cell."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from rnncore.cells.base import Cell, Gate, State, Tap, sigmoid, tanh


class Peephole(Cell):
    """LSTM with peepholes, Gers & Schmidhuber (2000): i and f see c before the step, o sees c after it.

    Each peephole is one weight a unit, ``p_i``, ``p_f``, ``p_o`` [units]; they start at 0, as in an LSTM
    without them. This is the LSTM that Greff (2017) call vanilla.
    """

    name, title = "lstm-peephole", "Peephole LSTM"
    states: ClassVar[tuple[str, ...]] = ("h", "c")
    gates: ClassVar[tuple[Gate, ...]] = (
        Gate("i", "input gate", 0, 1),
        Gate("f", "forget gate", 0, 1),
        Gate("g", "candidate", -1, 1),
        Gate("o", "output gate", 0, 1),
    )
    rows: ClassVar[tuple[str, ...]] = ("i", "f", "g", "o")

    p_i: Tensor
    p_f: Tensor
    p_o: Tensor

    @classmethod
    def shapes(cls, inputs: int, units: int) -> dict[str, tuple[int, ...]]:
        """Return every parameter's shape; a peephole for each gate that there is."""
        peepholes = {f"p_{gate}": (units,) for gate in ("i", "f", "o") if gate in cls.rows}
        return {**super().shapes(inputs, units), **peepholes}

    def step(self, x: Any, s: State, tap: Tap) -> State:
        """Forget, write, show."""
        Wx, Uh = self.project(x, s.h)
        i = tap("i", sigmoid(Wx.i + Uh.i + self.p_i * s.c))
        f = tap("f", sigmoid(Wx.f + Uh.f + self.p_f * s.c))
        g = tap("g", tanh(Wx.g + Uh.g))
        c = tap("c", f * s.c + i * g)
        o = tap("o", sigmoid(Wx.o + Uh.o + self.p_o * c))
        h = tap("h", o * tanh(c))
        return State(h=h, c=c)
