"""Cells whose units have to do with each other through U h alone: each unit's step can then be taken by itself."""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import linear

from rnncore.cells import Cell, Rows, State


class Mixes(Exception):
    """A step does not work on each unit by itself."""


def given(cell: Cell, s: State, Uh: Rows) -> Cell:
    """Return the cell with U h + d given as ``Uh``, for a step from the state ``s``.

    Raises
    ------
    Mixes
        When the step asks for a product with anything but h.
    """

    def recall(h: Any, *rows: str) -> Rows:
        if h is not s.h or rows not in ((), cell.rows):
            raise Mixes
        return Uh

    known = copy.copy(cell)
    known.recall = recall  # type: ignore[method-assign]
    return known


def work_alone(kind: type[Cell]) -> bool:
    """Tell whether, with W x and U h given, a step of this cell works on each unit by itself."""
    return _tried(kind)  # type: ignore[arg-type]  # modules hash by identity


@functools.cache
def _tried(kind: type[Cell]) -> bool:
    """Let a random cell of three units take a step: nothing of its first unit may depend on anything of the others."""
    if kind.recall is not Cell.recall or "name" not in vars(kind):
        return False
    generator = torch.Generator().manual_seed(0)
    with torch.enable_grad():
        cell = kind(1, 3).double().requires_grad_(False)
        for parameter in cell.parameters():
            parameter.normal_(generator=generator)
        height = len(cell.rows) * 3
        s = State(**{symbol: torch.rand(3, generator=generator).double().requires_grad_() for symbol in cell.states})
        Wx, Uh = (torch.randn(height, generator=generator).double().requires_grad_() for _ in range(2))
        first, tapped = list[Tensor](), dict[str, Tensor]()

        def tap(symbol: str, value: Any) -> Any:
            first.append(value[0])
            tapped[symbol] = value
            return value

        try:
            after = given(cell, s, Rows.cut(cell.rows, Uh)).step(Rows.cut(cell.rows, Wx), s, tap)
        except Mixes:
            return False
        if any(value is not tapped[symbol] for symbol, value in after.items()):
            return False
        found = torch.autograd.grad(torch.stack(first).sum(), [Wx, Uh, *s.values()], allow_unused=True)
    return not any(bool(d.view(-1, 3)[:, 1:].any()) for d in found if d is not None)


def signals_of_unit(
    cell: Cell,
    unit: int,
    xs: Float[Tensor, "time batch input"],
    start: State,
    states: Mapping[str, Float[Tensor, "time batch _"]],
) -> dict[str, Float[Tensor, "time batch"]]:
    """Return every signal of one unit, once the layer's states are known: a few rows of the weights do.

    Raises
    ------
    Mixes
        The cell is not one of those that work alone.
    """
    if not work_alone(type(cell)) or type(cell).read is not Cell.read:
        raise Mixes
    one, kept = slice(unit, unit + 1), dict[str, Tensor]()
    rows = torch.arange(len(cell.rows)) * cell.units + unit
    Wx = linear(xs, cell.weight_ih[rows], cell.bias_ih[rows])
    s = State(**{k: torch.cat([start[k][None, :, one], value[:-1, :, one]]) for k, value in states.items()})
    if "weight_hh" in cell._parameters:
        U, d = cell.weight_hh[rows], cell.bias_hh[rows]
        Uh = torch.cat([linear(start.h, U, d).unsqueeze(0), linear(states["h"][:-1], U, d)])
    else:
        Uh = torch.empty(len(cell.rows))
    narrow = given(cell, s, Rows.cut(cell.rows, Uh))
    for name, parameter in cell.named_parameters():
        if parameter.shape == (cell.units,):  # one weight a unit
            narrow.__dict__[name] = parameter[one]

    def keep(symbol: str, value: Any) -> Any:
        kept[symbol] = value.expand_as(s.h)[..., 0]
        return value

    narrow.step(Rows.cut(cell.rows, Wx), s, keep)
    return kept
