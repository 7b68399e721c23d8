"""The multiplicative LSTM over all steps, with its gradients written out.

Autograd would keep some thirty nodes a step and add up the gradient of U step by step. Here the backward pass keeps
the gradients of what the gates see, and that of U is one product over all steps at once.

Under autocast the products of matrices, and what the backward pass keeps of the gates, have its type. The states, their
gradients and all that a gate computes have the type of the weights, and so has weight norm, which comes before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from rnncore.cells import Cell, State

_through_sigmoid, _through_tanh = torch.ops.aten.sigmoid_backward, torch.ops.aten.tanh_backward


def mlstm(
    cell: Cell, xs: Float[Tensor, "time batch input"], s: State
) -> tuple[Float[Tensor, "time batch unit"], State]:
    """Run a multiplicative LSTM over all steps."""
    settled = cell.settled()
    U, device = settled.__dict__["_weights"][1], cell.weight_hh.device.type
    product = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else U.dtype
    Wx = settled.read(xs).whole.to(product)
    hs, c = _Recurrence.apply(Wx, U.to(product), s.h.to(U.dtype), s.c.to(U.dtype))  # type: ignore[no-untyped-call]
    return hs, State(h=hs[-1], c=c)


def _product(U: Tensor, batch: int) -> Callable[[Tensor], Tensor]:
    """Return x -> x U' for x [batch, column], with U [row, column] laid out once for all steps.

    Laid out anew at each step, as by ``torch.mm``, a product of bfloat16 on a processor takes up to twice the time.
    """
    onednn = U.device.type == "cpu" and U.dtype == torch.bfloat16 and torch._C._has_mkldnn
    if not onednn or not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return U.t().__rmatmul__
    laid_out = torch.ops.mkldnn._reorder_linear_weight(U.contiguous(), batch)
    return lambda x: torch.ops.mkldnn._linear_pointwise(x, laid_out, None, "none", [], "")


class _Recurrence(torch.autograd.Function):
    """Takes W x + b [time, batch, row], U [row, unit], h and c [batch, unit]; returns every h, and the last c."""

    @staticmethod
    def forward(ctx: Any, Wx: Tensor, U: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        units, keep = h.shape[-1], any(ctx.needs_input_grad)
        of_gates, of_m = _product(U[: 4 * units], len(h)), _product(U[4 * units :], len(h))
        steps = len(Wx) if keep else 1  # what only the backward pass needs
        gates, Uh, m = (Wx.new_empty(steps, len(h), rows * units) for rows in (4, 1, 1))
        hs, cs = (start.new_empty(len(Wx) + 1, *start.shape) for start in (h, c))
        hs[0], cs[0] = h, c
        for t, Wx_t in enumerate(Wx):
            at = t if keep else 0
            Uh[at] = of_m(hs[t].to(U.dtype))
            torch.mul(Wx_t[:, 4 * units :], Uh[at], out=m[at])
            z = of_gates(m[at]).to(c.dtype).add_(Wx_t[:, : 4 * units])
            z[:, : 3 * units].sigmoid_()
            z[:, 3 * units :].tanh_()
            i, f, o, u = z.chunk(4, -1)
            torch.mul(f, cs[t], out=cs[t + 1]).addcmul_(i, u)
            torch.tanh(cs[t + 1], out=hs[t + 1]).mul_(o)
            if keep:
                gates[t] = z
        ctx.save_for_backward(Wx, U, gates, Uh, m, hs, cs)
        return hs[1:], cs[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dhs: Tensor, dc: Tensor) -> tuple[Tensor, ...]:
        Wx, U, gates, Uh, m, hs, cs = ctx.saved_tensors
        units = hs.shape[-1]
        to_m, to_h = (_product(rows.t(), len(Wx[0])) for rows in (U[: 4 * units], U[4 * units :]))
        dWx, dUh, dh = torch.empty_like(Wx), torch.empty_like(Uh), torch.zeros_like(hs[0])
        dz = dh.new_empty(len(dh), 4 * units)
        di, df, do, du = dz.chunk(4, -1)
        for t in reversed(range(len(Wx))):
            z = gates[t].to(dz.dtype)
            i, f, o, u = z.chunk(4, -1)
            dh, shown = dh + dhs[t], cs[t + 1].tanh()
            dc = dc + _through_tanh(dh * o, shown)
            torch.mul(dc, u, out=di)
            torch.mul(dc, cs[t], out=df)
            torch.mul(dh, shown, out=do)
            torch.mul(dc, i, out=du)
            dc = dc * f
            dWx[t, :, : 3 * units] = _through_sigmoid(dz[:, : 3 * units], z[:, : 3 * units])
            dWx[t, :, 3 * units : 4 * units] = _through_tanh(du, u)
            dm = to_m(dWx[t, :, : 4 * units])
            torch.mul(dm, Uh[t], out=dWx[t, :, 4 * units :])
            torch.mul(dm, Wx[t, :, 4 * units :], out=dUh[t])
            dh = to_h(dUh[t]).to(dh.dtype)
        dz_all, m_all, dUh_all, before = (
            values.flatten(0, 1) for values in (dWx[..., : 4 * units], m, dUh, hs[:-1].to(U.dtype))
        )
        # The narrower factor is transposed in memory first: the product takes less than half the time.
        dU = [(given.t().contiguous() @ seen).t() for seen, given in ((dz_all, m_all), (dUh_all, before))]
        return dWx, torch.cat(dU), dh, dc
