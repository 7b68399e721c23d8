"""Where parameters start, and how many there are, written as a formula."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

RECURRENT = ("orthogonal", "identity", "uniform")
"""The starts that recurrent weights can have."""


def draw(name: str, parameter: Tensor, how: str, units: int, generator: torch.Generator) -> None:
    """Give one parameter of a cell its start, by its name: ``weight_ih``, ``weight_hh``, ``gain_``, or any other.

    Parameters
    ----------
    how : str
        One of ``RECURRENT``.
    """
    if how == "uniform" and name.startswith(("weight", "bias")):
        bound = 1 / math.sqrt(units)
        parameter.uniform_(-bound, bound, generator=generator)
    elif name == "weight_ih":
        bound = math.sqrt(6 / (parameter.shape[1] + units))
        parameter.uniform_(-bound, bound, generator=generator)
    elif name == "weight_hh":
        for block in parameter.chunk(len(parameter) // units):
            if how == "identity":
                nn.init.eye_(block)
            else:
                nn.init.orthogonal_(block, generator=generator)
    else:
        parameter.fill_(1.0 if name.startswith("gain") else 0.0)


def polynomial(x: int, h: int, rest: int, constant: int) -> str:
    """Write x H X + h H² + rest H + constant as one would by hand."""
    if x == h:
        terms = [(x, "H (X + H)"), (rest, "H"), (constant, "")]
    else:
        terms = [(x, "H X"), (h, "H²"), (rest, "H"), (constant, "")]
    return " + ".join(f"{n} {what}".strip() if n > 1 or not what else what for n, what in terms if n)
