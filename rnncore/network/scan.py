"""All steps of a gated sum at once: h_t = a_t * h_{t-1} + b_t, for gates that do not depend on h."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from rnncore.cells import Cell, Rows, State

WIDE = 4096
"""From so many values a step on, a CPU is busy with one step at a time; what the scan does beside it only costs."""


def scan(
    a: Float[Tensor, "time *batch unit"], b: Float[Tensor, "time *batch unit"], h: Float[Tensor, "*batch unit"]
) -> Float[Tensor, "time *batch unit"]:
    """Return h_1, ..., h_T of h_t = a_t * h_{t-1} + b_t, from h_0 = ``h``.

    Two steps make one of the same form, h_t = (a_t a_{t-1}) h_{t-2} + (a_t b_{t-1} + b_t): half as many steps
    give every second h, and one more product each the others (Blelloch 1990). That is 2 log2(T) operations one
    after the other on some 3 T values. Nothing is divided and no logarithm taken, so that gates of exactly 0 and
    products that underflow are as right as in the loop over time. Steps of ``WIDE`` or more values are that loop
    on a CPU.
    """
    if len(a) == 1:
        return torch.addcmul(b, a, h)
    if h.numel() >= WIDE and not h.is_cuda:
        return _loop(a, b, h)
    even = len(a) - len(a) % 2
    a0, a1, b0, b1 = a[0:even:2], a[1:even:2], b[0:even:2], b[1:even:2]
    second = scan(a1 * a0, torch.addcmul(b1, a1, b0), h)
    before = torch.cat([h.unsqueeze(0), second[:-1]])
    hs = torch.stack([torch.addcmul(b0, a0, before), second], 1).flatten(0, 1)
    return hs if even == len(a) else torch.cat([hs, torch.addcmul(b[even:], a[even:], hs[-1:])])


def _loop(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    hs = []
    for a_t, b_t in zip(a, b, strict=True):
        h = torch.addcmul(b_t, a_t, h)
        hs.append(h)
    return torch.stack(hs)


def min_gru(cell: Cell, xs: Tensor | Rows, s: State) -> tuple[Tensor, State]:
    """Run a minGRU over all steps at once."""
    Wx = cell.read(xs)
    z = Wx.z.sigmoid()
    hs = scan(1 - z, z * Wx.n, s.h)
    return hs, State(h=hs[-1])


def min_lstm(cell: Cell, xs: Tensor | Rows, s: State) -> tuple[Tensor, State]:
    """Run a minLSTM over all steps at once."""
    Wx = cell.read(xs)
    log_sigmoid = torch.nn.functional.logsigmoid
    f = (log_sigmoid(Wx.f) - log_sigmoid(Wx.i)).sigmoid()
    hs = scan(f, (1 - f) * Wx.g, s.h)
    return hs, State(h=hs[-1])
