"""Long short-term memory with exponential gates."""

from __future__ import annotations

from typing import Any

import torch

from rnncore.cells.base import Cell, Gate, State, Tap, exp, log_sigmoid, maximum, sigmoid, tanh


class SLSTM(Cell):
    """The sLSTM of xLSTM, Beck (2024): an exponential input gate, and a normaliser that keeps h in -1..1.

    The memory is a weighted mean of candidates, c / n, in which a later one can outweigh all before it: its
    weight exp(W_i x + ...) has no upper limit. The stabiliser m, the largest logarithm of a weight so far, is taken
    out of c and n, and changes nothing of h. i and f are the stabilised gates, i' and f' in the paper: shares of
    the weight of what weighs most; the forget gate is a sigmoid before that. One head; U is a full matrix.

    A fresh state has m = -∞, no weight so far: the first candidate is taken whole, and from then on n >= 1.
    """

    name, title, states = "slstm", "sLSTM", ("h", "m", "n", "c")
    gates = (
        Gate("i", "input gate", 0, 1),
        Gate("f", "forget gate", 0, 1),
        Gate("z", "candidate", -1, 1),
        Gate("o", "output gate", 0, 1),
    )
    rows = ("i", "f", "z", "o")

    def start(self, *batch: int) -> State:
        """Return the start state, each value [*batch, units]: zero, and m = -∞."""
        state = super().start(*batch)
        return State(**{**state, "m": torch.full_like(state.m, float("-inf"))})

    def step(self, x: Any, s: State, tap: Tap) -> State:
        """Weigh, forget, write, show."""
        Wx, Uh = self.project(x, s.h)
        write = Wx.i + Uh.i
        keep = log_sigmoid(Wx.f + Uh.f) + s.m
        m = tap("m", maximum(keep, write))
        i = tap("i", exp(write - m))
        f = tap("f", exp(keep - m))
        z = tap("z", tanh(Wx.z + Uh.z))
        o = tap("o", sigmoid(Wx.o + Uh.o))
        c = tap("c", f * s.c + i * z)
        n = tap("n", f * s.n + i)
        h = tap("h", o * (c / n))
        return State(h=h, m=m, n=n, c=c)
