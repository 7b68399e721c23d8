"""A residual stack as many paths: what those of each length carry of the gradient, Veit, Wilber & Belongie (2016).

x_(l+1) = x_l + F_l(x_l) offers the gradient two ways back at every block, the skip and the layer: 2ⁿ paths in all. How
many layers a path runs through is its length; over all paths it is distributed as Binomial(n, 1/2).
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from rnncore.errors import Error
from rnncore.gradients.stacks import FeedForward


def path_vectors(
    stack: FeedForward, xs: Float[Tensor, "example pixel"], targets: Int[Tensor, " example"]
) -> Float[Tensor, "length example unit"]:
    """Return dL/dx_0 of a residual stack, split by how many layers a path runs through; exact.

    Each of the 2ⁿ paths back takes, at every block, the skip or the block's layer. The sum over all paths of length k
    follows from g_l[k] = g_(l+1)[k] + J_lᵀ g_(l+1)[k-1], J_l = dF_l/dx_l. Summed over k it is the gradient.
    """
    end, blocks = _backwards(stack, xs, targets)
    g: Tensor = end.new_zeros(len(blocks) + 1, *end.shape)
    g[0] = end
    for longest, (W, slope) in enumerate(blocks, 1):
        g[1 : longest + 1] += (g[:longest] @ W) * slope
    return g


def sample_paths(
    stack: FeedForward,
    xs: Float[Tensor, "example pixel"],
    targets: Int[Tensor, " example"],
    samples: int,
    generator: torch.Generator,
) -> Float[Tensor, "length sample"]:
    """Return the norm of the gradient that comes along single paths of a residual stack, Veit (2016), section 4.2.

    Sampled: for every length, ``samples`` paths through that many layers, all equally likely, each of an example
    drawn from ``xs``.
    """
    end, blocks = _backwards(stack, xs, targets)
    n = len(blocks)
    example = torch.randint(len(xs), (n + 1, samples), generator=generator)
    taken = torch.rand(n + 1, samples, n, generator=generator).argsort(-1) < torch.arange(n + 1)[:, None, None]
    g = end[example]
    for block, (W, slope) in enumerate(blocks):
        g = torch.where(taken[..., block, None], (g @ W) * slope[example], g)
    norms: Tensor = g.norm(dim=-1)
    return norms


def path_gradients(
    stack: FeedForward,
    xs: Float[Tensor, "example pixel"],
    targets: Int[Tensor, " example"],
    samples: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Return what paths of each length carry of a residual stack's gradient, Veit, Wilber & Belongie (2016).

    Returns
    -------
    DataFrame
        A row for each length 0 ... n:

        paths : share of the 2ⁿ paths, Binomial(n, 1/2).
        share : share of the gradient, exact: the inner product of :func:`path_vectors` with their sum, over the
            squared norm of the sum. Adds up to 1; negative where these paths pull against the rest.
        path_norm : mean norm of the gradient along a single path, in nats per unit; sampled.
        path_share : ``paths`` times ``path_norm``, as a share: Veit's measure. It counts paths as if all pulled the
            same way.
    """
    g = path_vectors(stack, xs, targets)
    whole = g.sum(0)
    single = sample_paths(stack, xs, targets, samples, torch.Generator().manual_seed(seed)).mean(1)
    n = len(g) - 1
    paths = np.array([math.comb(n, k) / 2**n for k in range(n + 1)])
    carried = paths * single.numpy()
    return pd.DataFrame(
        {
            "length": range(n + 1),
            "paths": paths,
            "share": ((g * whole).sum((1, 2)) / (whole * whole).sum()).numpy(),
            "path_norm": single.numpy(),
            "path_share": carried / carried.sum(),
        }
    )


def effective_lengths(share: Float[np.ndarray, " length"], part: float = 0.9) -> tuple[int, int]:
    """Return the first and last length of the paths that carry the middle ``part`` of a gradient."""
    before = np.cumsum(share) / np.sum(share)
    outside = (1 - part) / 2
    short_of = np.flatnonzero(before < 1 - outside)
    return int(np.argmax(before >= outside)), int(short_of[-1]) + 1 if len(short_of) else 0


def _backwards(stack: FeedForward, xs: Tensor, targets: Tensor) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """Return dL/dx_L of every example, and from the last block to the first W and f'(x): Jᵀg = f'(x) * (Wᵀg)."""
    if stack.kind != "residual":
        raise Error(
            f"paths are those of a residual stack, and this one is {stack.kind}; build FeedForward('residual', ...)"
        )
    with torch.no_grad():
        states = stack.trace(xs)[0]
    slope = torch.func.grad(lambda x: stack.f(x).sum())
    blocks = [(layer.weight.detach(), slope(x)) for layer, x in zip(stack.maps[1:], states[:-1], strict=True)]

    def loss(x: Tensor) -> Tensor:
        return nn.functional.cross_entropy(stack.head(stack.f(x)), targets, reduction="sum")

    return torch.func.grad(loss)(states[-1]).detach(), blocks[::-1]
