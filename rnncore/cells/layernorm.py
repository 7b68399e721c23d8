"""Cells with layer normalisation, Ba, Kiros & Hinton (2016)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import layer_norm, linear

from rnncore.cells.base import Cell, Rows, State, Tap, sigmoid, tanh
from rnncore.cells.lstm import LSTM


class LayerNormElman(Cell):
    """Tanh network whose pre-activation is normalised over the layer's units: h = tanh(LN(W x + U h)).

    LN takes away the mean over the units and divides by their standard deviation; then each unit has its
    ``gain`` and ``bias`` [units].
    """

    name, title = "elman-layernorm", "Layer-normalised RNN"
    rows = ("h",)
    notation = {"W": "W x", "U": "U h"}

    gain: Tensor
    bias: Tensor

    @classmethod
    def shapes(cls, inputs: int, units: int) -> dict[str, tuple[int, ...]]:
        """Return every parameter's shape: the projections have no biases, the norm has."""
        return {"weight_ih": (units, inputs), "weight_hh": (units, units), "gain": (units,), "bias": (units,)}

    def read(self, x: Any) -> Rows:
        """Return W x."""
        return x if isinstance(x, Rows) else Rows.cut(self.rows, linear(x, self.weight_ih))

    def recall(self, h: Any, *rows: str) -> Rows:
        """Return U h."""
        return Rows.cut(self.rows, linear(h, self.weight_hh))

    def LN(self, z: Any) -> Any:
        """Normalise over the units, then gain and bias."""
        return layer_norm(z, (self.units,), self.gain, self.bias)

    def step(self, x: Any, s: State, tap: Tap) -> State:
        """Add, normalise, squash."""
        Wx, Uh = self.project(x, s.h)
        return State(h=tap("h", tanh(self.LN(Wx.h + Uh.h))))


class LayerNormLSTM(LSTM):
    """LSTM with layer normalisation: of W x and of U h, gate by gate, and of c where it is shown.

    Every norm has a gain and a bias a unit: ``gain_ih``, ``bias_ih``, ``gain_hh``, ``bias_hh`` [4 * units] and
    ``gain_c``, ``bias_c`` [units]; the paper's further bias b would be a second ``bias_ih``. Each gate has its
    statistics over the layer's units, as in most implementations; the paper's formula takes one mean over
    the four gates together.
    """

    name, title = "lstm-layernorm", "Layer-normalised LSTM"
    notation = {"W": "LN(W x)", "U": "LN(U h)"}

    gain_ih: Tensor
    gain_hh: Tensor
    gain_c: Tensor
    bias_c: Tensor

    @classmethod
    def shapes(cls, inputs: int, units: int) -> dict[str, tuple[int, ...]]:
        """Return every parameter's shape, the norms' among them."""
        gains = {"gain_ih": (4 * units,), "gain_hh": (4 * units,), "gain_c": (units,), "bias_c": (units,)}
        return {**super().shapes(inputs, units), **gains}

    def read(self, x: Any) -> Rows:
        """Return LN(W x)."""
        if isinstance(x, Rows):
            return x
        return self._normalised(linear(x, self.weight_ih), self.gain_ih, self.bias_ih)

    def recall(self, h: Any, *rows: str) -> Rows:
        """Return LN(U h)."""
        return self._normalised(linear(h, self.weight_hh), self.gain_hh, self.bias_hh)

    def _normalised(self, z: Tensor, gain: Tensor, bias: Tensor) -> Rows:
        normal = layer_norm(z.reshape(*z.shape[:-1], 4, self.units), (self.units,)).flatten(-2)
        return Rows.cut(self.rows, torch.addcmul(bias, gain, normal))

    def LN(self, c: Any) -> Any:
        """Normalise the cell over the units, then gain and bias."""
        return layer_norm(c, (self.units,), self.gain_c, self.bias_c)

    def step(self, x: Any, s: State, tap: Tap) -> State:
        """Forget, write, show."""
        Wx, Uh = self.project(x, s.h)
        i = tap("i", sigmoid(Wx.i + Uh.i))
        f = tap("f", sigmoid(Wx.f + Uh.f))
        g = tap("g", tanh(Wx.g + Uh.g))
        o = tap("o", sigmoid(Wx.o + Uh.o))
        c = tap("c", f * s.c + i * g)
        h = tap("h", o * tanh(self.LN(c)))
        return State(h=h, c=c)
