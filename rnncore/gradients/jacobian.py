"""How a difference in the full state at one step shows at every later one: norms of products of Jacobians."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import jacrev

from rnncore.errors import Error
from rnncore.gradients.steps import Inputs, Network, Stack

EXACT = 128
"""Values in the full state up to which the products themselves are formed, unless a number of probes is given."""

PROBES = 4
"""Random directions in place of all of them, in a larger network."""


@dataclass(frozen=True, eq=False)
class JacobianNorms:
    """||ds_t/ds_k|| for all pairs of steps; as an array, ``norms``.

    Attributes
    ----------
    norms : float64 [time, time]
        At [t, k] how much a difference after step k has grown or shrunk after step t; 1 at k = t (for the
        spectral norm), 0 for k > t.
    error : float64 [time, time]
        Relative standard error where random directions stand for all; 0 where the products were formed.
    """

    norms: np.ndarray
    error: np.ndarray = field(repr=False)

    def __array__(self, dtype: type | None = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.norms, dtype=dtype)

    def __getitem__(self, index: Any) -> Any:
        return self.norms[index]

    @property
    def shape(self) -> tuple[int, ...]:
        """[time, time]."""
        return self.norms.shape


def jacobian_norms(
    network: Network,
    inputs: Inputs,
    *,
    norm: str = "spectral",
    path: str | None = None,
    layer: int | None = None,
    probes: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> JacobianNorms:
    """Return the norm of ds_t/ds_k, the product of the Jacobians of steps k+1 to t, for all pairs of steps.

    Parameters
    ----------
    network : LanguageModel or Cell
        Its full state is that of all layers, h and c.
    inputs : str, Tensor [time] or [time, input], or int
        A text or its ids for a model, inputs, or a number of steps without input.
    norm : {"spectral", "frobenius"}
        The largest singular value, or the root of the sum of all squared ones.
    path : str, optional
        Let the difference pass through this state alone, from step to step: "c" of an LSTM gives the cell's
        path, the products of f_t; "h" that through h alone. By default through the full state.
    layer : int, optional
        This layer alone, as it reads what those below it give. By default the whole stack.
    probes : int, optional
        Follow so many random directions in place of all, fresh ones from every step: the norms are then estimates,
        the square of the Frobenius norm without bias, and ``error`` says how good. By default all directions up to
        128 values in the full state, and 4 random ones, in float32, in larger networks; along a path on which each
        value follows from its own predecessor alone, as the cell's, one direction is exact for any size.
    seed : int
        Of the random directions.
    progress : callable, optional
        Called with (steps done, steps in all).

    Raises
    ------
    Error
        The inputs do not fit, or there is no such norm, path or layer.

    Notes
    -----
    With A = P'P of a product P and random directions z, E z'Az = ||P||_F^2 and E (z_i'Az_j)^2 = ||A||_F^2. With
    r = ||A||_F^2 / ||P||_F^4, 1 for a product of rank 1, the largest singular value is from r^(1/2) ||P||_F to
    r^(1/4) ||P||_F; the estimate is the middle, r^(3/8) ||P||_F. Its standard error is made of the half width of that
    range and the sampling error at rank 1, the largest: sqrt(2 / probes) / 2, with 4 directions 35 %. Where many
    directions are alike, the estimate may be twice too large.
    """
    if norm not in ("spectral", "frobenius"):
        raise Error(f"norm is spectral or frobenius, not {norm!r}")
    stack = Stack.of(network, inputs, layer)
    through = _through(stack, path)
    exact = probes is None and int(through.sum()) <= EXACT
    generator = torch.Generator(through.device).manual_seed(seed)
    if exact:
        fresh = torch.eye(stack.size, dtype=torch.float64, device=through.device)[through]
    elif probes is None and _elementwise(stack, through, seed):
        fresh = through.double()[None]
    else:
        if (probes := PROBES if probes is None else probes) < 2:
            raise Error(f"probes is at least 2, not {probes}")
        stack, fresh = stack.single(), torch.empty(probes, stack.size, device=through.device)
    measure = _exact if exact else _diagonal if len(fresh) == 1 else _estimate
    time, everything = len(stack.xs), bool(through.all())
    norms, error = np.zeros((time, time)), np.zeros((time, time))
    pushed, logs = fresh[None, :0], np.zeros(0)  # pushed [k, direction, state] times e^logs [k]
    state = stack.start()
    for t, x in enumerate(stack.xs):
        pushed = stack.push(x, state, pushed.flatten(0, 1)).view(-1, *fresh.shape)
        pushed = pushed if everything else pushed * through
        state = stack.step(x, state)
        sizes = pushed.abs().amax((1, 2))
        pushed = pushed / sizes.where(sizes > 0, torch.ones_like(sizes))[:, None, None]
        with np.errstate(divide="ignore"):
            logs = logs + np.log(sizes.double().cpu().numpy())
        if measure is _estimate:
            fresh = fresh.normal_(generator=generator) * through
        pushed, logs = torch.cat([pushed, fresh[None]]), np.append(logs, 0.0)
        values, errors = measure(pushed if everything else pushed[..., through], norm)
        norms[t, : t + 1], error[t, : t + 1] = values * np.exp(logs), errors
        if progress is not None:
            progress(t + 1, time)
    np.fill_diagonal(norms, 1.0 if norm == "spectral" else math.sqrt(int(through.sum())))  # of the identity: known
    np.fill_diagonal(error, 0.0)
    return JacobianNorms(norms, error)


def singular_values(
    network: Network,
    inputs: Inputs,
    *,
    layer: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Float[np.ndarray, "time value"]:
    """Return the singular values of every single step's Jacobian ds_t/ds_(t-1), the largest first.

    ``progress`` is called with (steps done, steps in all).
    """
    stack = Stack.of(network, inputs, layer)
    state, found = stack.start(), []
    for t, x in enumerate(stack.xs):
        found.append(torch.linalg.svdvals(jacrev(lambda s, x=x: stack.step(x, s))(state)))
        state = stack.step(x, state)
        if progress is not None:
            progress(t + 1, len(stack.xs))
    return torch.stack(found).cpu().numpy()


def bound(network: Network, layer: int = 0) -> float:
    """Return the factor (||W|| max|g'|) by which a plain network's Jacobian grows at most a step, Pascanu (2013).

    ||dh_t/dh_k|| is at most its (t - k)-th power; ||W|| is the largest singular value of the recurrent weights.

    Raises
    ------
    Error
        The cell is not of the form h = g(W x + U h): there is no such bound. Or there is no such layer.
    """
    (cell,) = Stack.of(network, 1, layer).layers
    if cell.steepest is None:
        raise Error(f"{cell.name} is not of the form h = g(W x + U h); compare with its single steps' singular values")
    return float(torch.linalg.matrix_norm(cell.weight_hh, 2)) * cell.steepest


def _through(stack: Stack, path: str | None) -> Tensor:
    """Return which values of the full state a difference may pass through, bool [state]."""
    through = torch.zeros(stack.size, dtype=torch.bool, device=stack.xs.device)
    known = {symbol for _, symbol, _ in stack.slices}
    if path is not None and path not in known:
        raise Error(f"no state {path!r} to pass through; this network has {', '.join(sorted(known))}")
    for _, symbol, part in stack.slices:
        through[part] = path is None or symbol == path
    return through


def _elementwise(stack: Stack, through: Tensor, seed: int) -> bool:
    """Tell whether each value on the path follows from its own predecessor alone: a sign turned turns that alone."""
    generator = torch.Generator(through.device).manual_seed(seed)
    signs = torch.randn(stack.size, dtype=torch.float64, device=through.device, generator=generator).sign() * through
    ones, turned = stack.push(stack.xs[0], stack.start(), torch.stack([through.double(), signs])) * through
    return torch.allclose(turned, signs * ones)


def _exact(products: Float[Tensor, "start direction state"], norm: str) -> tuple[np.ndarray, float]:
    return torch.linalg.matrix_norm(products, 2 if norm == "spectral" else "fro").cpu().numpy(), 0.0


def _diagonal(pushed: Float[Tensor, "start one state"], norm: str) -> tuple[np.ndarray, float]:
    """Return the norms of diagonal matrices, which a vector of ones has turned into their diagonals."""
    return torch.linalg.vector_norm(pushed[:, 0], math.inf if norm == "spectral" else 2, dim=-1).cpu().numpy(), 0.0


def _estimate(pushed: Float[Tensor, "start direction state"], norm: str) -> tuple[np.ndarray, np.ndarray]:
    gram = (pushed @ pushed.mT).double().cpu().numpy()
    many = gram.shape[-1]
    own = np.diagonal(gram, axis1=1, axis2=2)
    second = own.mean(-1)  # ||P||_F^2; its variance is 2 ||A||_F^2 / many
    fourth = ((gram**2).sum((1, 2)) - (own**2).sum(-1)) / (many * (many - 1))  # ||A||_F^2
    some = second > 0
    r = fourth / np.where(some, np.maximum(second**2 - 2 * fourth / many, fourth), 1.0)
    r = np.maximum(r, 1 / pushed.shape[-1])
    if norm == "frobenius":  # a root has half the relative error
        return np.sqrt(second), np.where(some, np.sqrt(2 * r / many) / 2, 0.0)
    half = (1 - r**0.25) / (1 + r**0.25)
    return np.sqrt(second) * r**0.375, np.where(some, np.hypot(half, math.sqrt(2 / many) / 2), 0.0)
