"""Multiplicative long short-term memory."""

from __future__ import annotations

import copy
import math
from typing import Any

from torch import Tensor
from torch.nn.functional import linear, normalize, pad

from rnncore.cells.base import Cell, Gate, Rows, State, Tap, sigmoid, tanh


class MultiplicativeLSTM(Cell):
    """Multiplicative LSTM of Krause (2016), as OpenAI ran it for the sentiment neuron, Radford (2017).

    In place of h the gates see m, the product of what input and state say: each input has transitions of its
    own. (The mLSTM of xLSTM, 2024, with a matrix for memory, is another cell.)

    All weights have weight norm (Salimans 2016): W and U in the equations are ``weight_ih`` and ``weight_hh``
    with every unit's weights scaled to length 1, and then by its ``gain_ih`` and ``gain_hh`` [5 * units].
    OpenAI's arrays fit as ``weight_ih = concatenate([wx, wmx], 1).T``, ``weight_hh = concatenate([wh, wmh], 1).T``,
    ``gain_ih = concatenate([gx, gmx])``, ``gain_hh = concatenate([gh, gmh])`` and ``bias_ih = b`` [4 * units].
    """

    name, title, states = "mlstm", "Multiplicative LSTM", ("h", "c")
    gates = (
        Gate("m", "product of input and state", -math.inf, math.inf),
        Gate("i", "input gate", 0, 1),
        Gate("f", "forget gate", 0, 1),
        Gate("o", "output gate", 0, 1),
        Gate("u", "candidate", -1, 1),
    )
    rows = ("i", "f", "o", "u", "m")  # OpenAI's order, and m after them
    notation = {"W": "W x + b", "W_m": "W x", "U": "U h"}

    gain_ih: Tensor
    gain_hh: Tensor

    @classmethod
    def shapes(cls, inputs: int, units: int) -> dict[str, tuple[int, ...]]:
        """Return every parameter's shape."""
        weights = {"weight_ih": (5 * units, inputs), "weight_hh": (5 * units, units)}
        return {**weights, "gain_ih": (5 * units,), "gain_hh": (5 * units,), "bias_ih": (4 * units,)}

    def settled(self) -> Cell:
        """Return this cell with its weights normalised once, instead of at every step."""
        if "_weights" in self.__dict__:
            return self
        settled = copy.copy(self)
        settled.__dict__["_weights"] = self.weights()
        return settled

    def weights(self) -> tuple[Tensor, Tensor]:
        """Return W [5 * units, inputs] and U [5 * units, units], normalised."""
        W = normalize(self.weight_ih, dim=1) * self.gain_ih.unsqueeze(1)
        U = normalize(self.weight_hh, dim=1) * self.gain_hh.unsqueeze(1)
        return W, U

    def read(self, x: Any) -> Rows:
        """Return W x + b, without b for m."""
        if isinstance(x, Rows):
            return x
        W, _ = self.__dict__.get("_weights") or self.weights()
        return Rows.cut(self.rows, linear(x, W, pad(self.bias_ih, (0, self.units))))

    def recall(self, h: Any, *rows: str) -> Rows:
        """Return U h for the rows named."""
        _, U = self.__dict__.get("_weights") or self.weights()
        return Rows.cut(rows, linear(h, U[self._slice(rows)]))

    def step(self, x: Any, s: State, tap: Tap) -> State:
        """Multiply; then forget, write, show."""
        Wx, Uh = self.read(x), self.recall(s.h, "m")
        m = tap("m", Wx.m * Uh.m)
        Um = self.recall(m, "i", "f", "o", "u")
        i = tap("i", sigmoid(Wx.i + Um.i))
        f = tap("f", sigmoid(Wx.f + Um.f))
        o = tap("o", sigmoid(Wx.o + Um.o))
        u = tap("u", tanh(Wx.u + Um.u))
        c = tap("c", f * s.c + i * u)
        h = tap("h", o * tanh(c))
        return State(h=h, c=c)
