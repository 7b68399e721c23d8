"""Loops over time that keep every signal and cost hardly more than the kernels that hide them; on the CPU, in numpy.

What a step takes from its input comes for all steps from one product. What is left is a product with h and a few
operations on arrays so small that it counts how fast an operation starts: numpy's start in a quarter of the time of
torch's. Everything is written in place, into arrays that hold all steps, and so nothing that a step computes is lost.

Tests hold each loop to its cell's equations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from rnncore.cells import Cell, Rows

Arrays = Mapping[str, np.ndarray]
Loop = Callable[[np.ndarray, Arrays], dict[str, np.ndarray]]
"""Takes W x + b [time, batch, row], which it overwrites, and the start state, each [batch, unit]; returns every signal
[time, batch, unit], in the order in which a step computes them."""


def lstm(cell: Cell) -> Loop:
    """Return the LSTM's loop.

    It runs on -z, as sigmoid(z) = 1 / (1 + exp(-z)), and on -g.
    """
    U, d = _recurrent(cell)
    U, d, units = -U, -d, cell.units

    @np.errstate(over="ignore")  # exp may reach infinity, and 1 / infinity is the gate's 0
    def run(Wx: np.ndarray, s: Arrays) -> dict[str, np.ndarray]:
        z = np.subtract(d, Wx, out=Wx)
        i, f, o = z[..., :units], z[..., units : 2 * units], z[..., 3 * units :]
        g, c, h = (np.empty(i.shape, z.dtype) for _ in range(3))
        Uh, before, memory = np.empty_like(z[0]), s["h"], s["c"]
        for z_t, i_t, f_t, o_t, zg_t, g_t, c_t, h_t in zip(
            z, i, f, o, z[..., 2 * units : 3 * units], g, c, h, strict=True
        ):
            np.matmul(before, U, out=Uh)
            np.add(z_t, Uh, out=z_t)
            np.tanh(zg_t, out=g_t)
            _sigmoid_of_minus(z_t)
            np.multiply(i_t, g_t, out=h_t)
            np.multiply(f_t, memory, out=c_t)
            np.subtract(c_t, h_t, out=c_t)
            np.tanh(c_t, out=h_t)
            np.multiply(o_t, h_t, out=h_t)
            before, memory = h_t, c_t
        return {"i": i, "f": f, "g": np.negative(g, out=g), "o": o, "c": c, "h": h}

    return run


def gru(cell: Cell) -> Loop:
    """Return the GRU's loop; like the LSTM's, it runs on minus what its sigmoids take."""
    U, d = _recurrent(cell)
    units = cell.units
    U[:, : 2 * units] *= -1
    d_n = d[2 * units :]

    @np.errstate(over="ignore")  # exp may reach infinity, and 1 / infinity is the gate's 0
    def run(Wx: np.ndarray, s: Arrays) -> dict[str, np.ndarray]:
        gates, n = -d[: 2 * units] - Wx[..., : 2 * units], Wx[..., 2 * units :].copy()
        r, z, h = gates[..., :units], gates[..., units:], np.empty_like(n)
        Uh, before = np.empty_like(Wx[0]), s["h"]
        Uh_gates, Uh_n = Uh[:, : 2 * units], Uh[:, 2 * units :]
        for gates_t, r_t, z_t, n_t, h_t in zip(gates, r, z, n, h, strict=True):
            np.matmul(before, U, out=Uh)
            np.add(gates_t, Uh_gates, out=gates_t)
            _sigmoid_of_minus(gates_t)
            np.add(Uh_n, d_n, out=Uh_n)
            np.multiply(Uh_n, r_t, out=Uh_n)
            np.add(n_t, Uh_n, out=n_t)
            np.tanh(n_t, out=n_t)
            np.subtract(before, n_t, out=h_t)  # (1 - z) * n + z * h = n + z * (h - n)
            np.multiply(h_t, z_t, out=h_t)
            np.add(h_t, n_t, out=h_t)
            before = h_t
        return {"r": r, "z": z, "n": n, "h": h}

    return run


def elman(squash: Callable[[np.ndarray], object]) -> Callable[[Cell], Loop]:
    """Return the simple recurrent network's loop, for a function that squashes in place."""

    def prepare(cell: Cell) -> Loop:
        U, d = _recurrent(cell)

        @np.errstate(over="ignore", invalid="ignore")  # without a squashing function h may leave the numbers
        def run(Wx: np.ndarray, s: Arrays) -> dict[str, np.ndarray]:
            h = np.add(Wx, d, out=Wx)
            Uh, before = np.empty_like(h[0]), s["h"]
            for h_t in h:
                np.matmul(before, U, out=Uh)
                np.add(h_t, Uh, out=h_t)
                squash(h_t)
                before = h_t
            return {"h": h}

        return run

    return prepare


def _recurrent(cell: Cell) -> tuple[np.ndarray, np.ndarray]:
    """Return U, transposed and of its own memory, and d."""
    return cell.weight_hh.detach().numpy().T.copy(), cell.bias_hh.detach().numpy()


def _sigmoid_of_minus(z: np.ndarray) -> None:
    np.exp(z, out=z)
    np.add(z, 1, out=z)
    np.reciprocal(z, out=z)


elman_tanh = elman(lambda h: np.tanh(h, out=h))
elman_relu = elman(lambda h: np.maximum(h, 0, out=h))

loops: dict[str, Callable[[Cell], Loop]] = {
    "lstm": lstm,
    "gru": gru,
    "elman": elman_tanh,
    "elman-relu": elman_relu,
    "irnn": elman_relu,
}


def own_name(cell: Cell) -> str:
    """Return the name of the cell's own class; a nameless class made from a cell has its parent's, but not its loop."""
    return str(vars(type(cell)).get("name", ""))


def loop_of(cell: Cell) -> Callable[[Rows, Mapping[str, Tensor]], dict[str, Tensor]] | None:
    """Return the loop of ``cell``, with its weights laid out for it; None where it has none or cannot run.

    It runs on the CPU, in float32 and float64, where no gradients are asked for.
    """
    prepare = loops.get(own_name(cell))
    weight = next(cell.parameters())
    if (
        prepare is None
        or torch.is_grad_enabled()
        or weight.is_cuda
        or weight.dtype not in (torch.float32, torch.float64)
    ):
        return None
    loop = prepare(cell)

    def run(Wx: Rows, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        arrays = loop(Wx.whole.numpy(), {symbol: value.numpy() for symbol, value in state.items()})
        return {symbol: torch.from_numpy(array) for symbol, array in arrays.items()}

    return run
