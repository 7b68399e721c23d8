"""Fast twins: kernels of torch and loops of our own, run on the very parameters of our equations.

Tests hold each twin to its equations, values and every gradient, from random weights and states.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from rnncore.cells import Cell, State
from rnncore.network import scan
from rnncore.network.loops import loop_of, own_name
from rnncore.network.multiplicative import mlstm
from rnncore.network.unroll import unroll

Twin = Callable[[Cell, Any, State], tuple[Tensor, State]]


def _weights(cell: Cell) -> list[Tensor]:
    return [cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh]


# The kernels' closing arguments: biases, layers, dropout, train, bidirectional, batch first.
# `train` lets cuDNN keep what the backward pass needs.
def _options(train: bool) -> tuple[bool, int, float, bool, bool, bool]:
    return (True, 1, 0.0, train, False, False)


def _lstm(cell: Cell, xs: Tensor, s: State) -> tuple[Tensor, State]:
    if torch.is_autocast_enabled("cpu") and not (xs.is_cuda or torch.ops.mkldnn._is_mkldnn_bf16_supported()):
        with torch.autocast("cpu", enabled=False):  # torch's LSTM fails in bfloat16 on such a processor
            return _lstm(cell, xs.float(), s.map(Tensor.float))
    start = (s.h.unsqueeze(0), s.c.unsqueeze(0))
    hs, h, c = torch._VF.lstm(xs, start, _weights(cell), *_options(cell.training))
    return hs, State(h=h[0], c=c[0])


def _single(kernel: str) -> Twin:
    def run(cell: Cell, xs: Tensor, s: State) -> tuple[Tensor, State]:
        hs, h = getattr(torch._VF, kernel)(xs, s.h.unsqueeze(0), _weights(cell), *_options(cell.training))
        return hs, State(h=h[0])

    return run


twins: dict[str, Twin] = {
    "lstm": _lstm,
    "gru": _single("gru"),
    "elman": _single("rnn_tanh"),
    "elman-relu": _single("rnn_relu"),
    "irnn": _single("rnn_relu"),
    "min-gru": scan.min_gru,
    "min-lstm": scan.min_lstm,
}

unrolled: dict[str, Twin] = {"mlstm": mlstm}
"""Twins that go step by step as the equations do; recordings, which keep every signal, go by the equations."""

scans: tuple[Twin, ...] = (scan.min_gru, scan.min_lstm)
"""Twins that compute all steps at once."""


def run(
    cell: Cell, xs: Float[Tensor, "time batch input"], state: State
) -> tuple[Float[Tensor, "time batch unit"], State]:
    """Run ``cell`` over ``xs`` as fast as we can: its fused twin where it has one, else its equations.

    A single step goes by the equations: the kernels repack the weights at every call, which costs ten steps. Where no
    gradients are asked for, our own loops are faster than torch's on the CPU for all but the LSTM.
    """
    twin = twins.get(own_name(cell)) or unrolled.get(own_name(cell))
    if twin is None or len(xs) == 1:
        return unroll(cell, xs, state)
    if twin not in (_lstm, *scans) and (loop := loop_of(cell)):
        hs = loop(cell.read(xs), state)["h"]
        return hs, State(h=hs[-1])
    return twin(cell, xs, state)
