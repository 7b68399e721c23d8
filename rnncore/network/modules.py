"""torch's recurrent modules as cells of ours: the same weights, every equation in sight."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from rnncore.cells import Cell, State, Tap, find
from rnncore.cells.base import sigmoid, tanh
from rnncore.cells.lstm import LSTM

NAMES = {"LSTM": "lstm", "GRU": "gru", "RNN_TANH": "elman", "RNN_RELU": "elman-relu"}
"""The cell of each of torch's modes (``nn.RNNBase.mode``)."""


class ProjectedLSTM(LSTM):
    """LSTM whose h is a linear projection R of what the cell shows, narrower than c; Sak (2014).

    torch.nn.LSTM with ``proj_size``. It is built from such a module only, so it has no name to be called by.
    """

    weight_hr: Tensor

    def step(self, x: Any, s: State, tap: Tap) -> State:
        """Forget, write, show, project."""
        Wx, Uh = self.project(x, s.h)
        i = tap("i", sigmoid(Wx.i + Uh.i))
        f = tap("f", sigmoid(Wx.f + Uh.f))
        g = tap("g", tanh(Wx.g + Uh.g))
        o = tap("o", sigmoid(Wx.o + Uh.o))
        c = tap("c", f * s.c + i * g)
        h = tap("h", nn.functional.linear(o * tanh(c), self.weight_hr))
        return State(h=h, c=c)

    def start(self, *batch: int) -> State:
        """Return the all-zero start state, h [*batch, projection] and c [*batch, units]."""
        projection, units = self.weight_hr.shape
        return State(h=self.weight_hr.new_zeros(*batch, projection), c=self.weight_hr.new_zeros(*batch, units))


def cells_of(module: nn.RNNBase) -> list[Cell]:
    """Return one cell for each layer and direction of ``module``, in the order of its h_n.

    That is layer 0 forward, layer 0 backward if there is one, layer 1 forward and so on. The cells use the module's
    own weights, not a copy; where it has no biases, theirs are zero. They ask for no gradients.
    """
    directions = ("", "_reverse") if module.bidirectional else ("",)
    return [_cell(module, f"_l{layer}{turn}") for layer in range(module.num_layers) for turn in directions]


def _cell(module: nn.RNNBase, suffix: str) -> Cell:
    kind = ProjectedLSTM if module.proj_size else find(NAMES[module.mode])
    weight_ih: Tensor = getattr(module, f"weight_ih{suffix}")
    with torch.device("meta"):  # parameters without memory: the module's own take their places
        cell = kind(weight_ih.shape[1], module.hidden_size)
    names = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"] + ["weight_hr"] * bool(module.proj_size)
    for name in names:
        given = getattr(module, name + suffix, None)
        weight = weight_ih.new_zeros(len(weight_ih)) if given is None else given.detach()
        setattr(cell, name, nn.Parameter(weight, requires_grad=False))
    return cell.eval()
