"""The LSTM variants of "LSTM: A Search Space Odyssey", Greff (2017).

Each changes one thing in the LSTM with peepholes: a gate is left out, a squashing function is, two gates are
coupled, or the gates see each other. Of the paper's eight, NP (no peepholes) is not here: it is ``lstm``.
"""

from __future__ import annotations

from typing import Any, ClassVar

from torch.nn.functional import linear

from rnncore.cells.base import State, Tap, sigmoid, tanh
from rnncore.cells.peephole import Peephole


class Variant(Peephole):
    """An LSTM with peepholes, but for what a subclass declares.

    Attributes
    ----------
    without : str
        What is left out: the gate i, f or o, which is then 1 throughout; g, the squashing of the candidate;
        or h, the squashing of the cell where it is shown.
    coupled : bool
        Whether the input gate is 1 - f.
    seen : str
        Gates of the step before that every gate sees; they are states then.
    """

    without: ClassVar[str] = ""
    coupled: ClassVar[bool] = False
    seen: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        absent = "i" if cls.coupled else cls.without if cls.without in "ifo" else ""
        cls.rows = tuple(row for row in Peephole.rows if row != absent)
        cls.gates = tuple(
            gate._replace(low=float("-inf"), high=float("inf")) if gate.symbol == cls.without else gate
            for gate in Peephole.gates
            if gate.symbol in cls.rows
        )
        super().__init_subclass__(**kwargs)

    @classmethod
    def shapes(cls, inputs: int, units: int) -> dict[str, tuple[int, ...]]:
        """Return every parameter's shape, the matrices from gate to gate among them."""
        return {**super().shapes(inputs, units), **{f"R_{p}{q}": (units, units) for p in cls.seen for q in cls.seen}}

    def step(self, x: Any, s: State, tap: Tap) -> State:
        """Forget, write, show: each as far as there is a gate for it."""
        Wx, Uh = self.project(x, s.h)

        def gate(q: str, c: Any) -> Any:
            if q not in self.rows:
                return None
            z = getattr(Wx, q) + getattr(Uh, q) + getattr(self, f"p_{q}") * c
            for p in self.seen:
                z = z + linear(s[p], getattr(self, f"R_{p}{q}"))
            return tap(q, sigmoid(z))

        i, f = gate("i", s.c), gate("f", s.c)
        z = Wx.g + Uh.g
        g = tap("g", z if self.without == "g" else tanh(z))
        c = tap("c", gated(f, s.c) + gated(1 - f if self.coupled else i, g))
        o = gate("o", c)
        h = tap("h", gated(o, c if self.without == "h" else tanh(c)))
        values = {"h": h, "i": i, "f": f, "o": o, "c": c}
        return State(**{state: values[state] for state in self.states})


def gated(gate: Any, value: Any) -> Any:
    """Return the gated value, or the value itself where there is no gate."""
    return value if gate is None else gate * value


class NoInputGate(Variant):
    """NIG: all that is proposed is written."""

    name, title, without = "lstm-nig", "LSTM without input gate (NIG)", "i"


class NoForgetGate(Variant):
    """NFG: nothing is forgotten, as in the first LSTM of Hochreiter & Schmidhuber (1997)."""

    name, title, without = "lstm-nfg", "LSTM without forget gate (NFG)", "f"


class NoOutputGate(Variant):
    """NOG: all of the cell is shown."""

    name, title, without = "lstm-nog", "LSTM without output gate (NOG)", "o"


class NoInputActivation(Variant):
    """NIAF: the candidate is not squashed."""

    name, title, without = "lstm-niaf", "LSTM without input activation (NIAF)", "g"
    state_ranges = {"h": (-1.0, 1.0), "c": None}


class NoOutputActivation(Variant):
    """NOAF: the cell is shown without being squashed."""

    name, title, without = "lstm-noaf", "LSTM without output activation (NOAF)", "h"
    state_ranges = {"h": None, "c": None}


class CoupledGates(Variant):
    """CIFG: coupled input and forget gate, c = f c + (1 - f) g; ``lstm-coupled`` is the same without peepholes."""

    name, title, coupled = "lstm-cifg", "Coupled-gate LSTM with peepholes (CIFG)", True
    state_ranges = {"h": (-1.0, 1.0), "c": (-1.0, 1.0)}


class FullGateRecurrence(Variant):
    """FGR: every gate also sees all gates of the step before, which thereby become states.

    ``R_fi`` [units, units] leads from gate f to gate i. All nine start at 0, as if they were not there.
    """

    name, title, seen = "lstm-fgr", "LSTM with full gate recurrence (FGR)", "ifo"
    states = ("h", "i", "f", "o", "c")
    state_ranges = {"h": (-1.0, 1.0), "i": (0.0, 1.0), "f": (0.0, 1.0), "o": (0.0, 1.0), "c": None}
