"""How much the loss changes with every state at every step: norms of total gradients through time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from rnncore.cells import Cell
from rnncore.errors import RecordingError
from rnncore.network.adjoint import adjoint
from rnncore.network.intervene import Change, mirrored
from rnncore.network.model import LanguageModel, both, next_symbol_loss
from rnncore.network.signals import Signals


def checked_target(target: int | None, ids: Tensor) -> int | None:
    """Return the target step, counted from the start; an error tells a text or a target that has no finite loss."""
    losses = len(ids) - 1
    if losses < 1:
        raise RecordingError("gradients need a loss, and a loss needs a next character: give at least two")
    if target is None:
        if bool((ids[1:] < 0).all()):
            raise RecordingError("the model has never seen any of these characters; their loss is infinite")
        return None
    if not -losses <= target < losses:
        raise RecordingError(f"target step {target} has no loss; this text has steps 0 to {losses - 1}")
    target %= losses
    if ids[target + 1] < 0:
        raise RecordingError(f"the character after step {target} was never seen in training; its loss is infinite")
    return target


def gradient_norms(
    model: LanguageModel, ids: Tensor, changes: list[list[Change]], pieces: list[list[Signals]], target: int | None
) -> dict[str, np.ndarray]:
    """Return the norms [layer, time] of the total gradient for each state."""
    layers = [
        {symbol: torch.cat([piece[layer][symbol] for piece in pieces]) for symbol in pieces[0][layer]}
        for layer in range(len(model.layers))
    ]
    depth = len(model.cells)
    with torch.enable_grad():
        h, *b = tops = [layer["h"].detach().requires_grad_() for layer in layers[depth - 1 :: depth]]
        read = both(h, b[0], model.start(1)[-1].h.expand(2, -1, -1)) if b else h
        loss = next_symbol_loss(model.head(read[:, 0])[:-1], ids[1:])
        direct = torch.autograd.grad(loss[loss.isfinite()].mean() if target is None else loss[target], tops)
    x = model.embed(ids).unsqueeze(1)
    norms = _descend(model.layers[:depth], x, layers[:depth], direct[0], changes)
    if b:
        others = [{symbol: values.flip(0) for symbol, values in layer.items()} for layer in layers[depth:]]
        turned = mirrored(changes[depth:], len(ids))
        found = _descend(model.layers[depth:], x.flip(0), others, direct[1].flip(0), turned)
        norms += [{symbol: row.flip(0) for symbol, row in layer.items()} for layer in found]
    return {symbol: torch.stack([row[symbol] for row in norms]).cpu().numpy() for symbol in norms[0]}


def _descend(
    cells: Sequence[Cell],
    x: Tensor,
    layers: Sequence[Mapping[str, Tensor]],
    direct: Tensor,
    changes: Sequence[Sequence[Change]],
) -> list[dict[str, Tensor]]:
    """Return each layer's norms [time] for a stack that reads ``x``, from dL/dh of its last layer's own steps."""
    norms: list[dict[str, Tensor]] = []
    for layer, cell in reversed(list(enumerate(cells))):
        xs = layers[layer - 1]["h"] if layer else x
        given = cell, xs.detach(), cell.start(1), layers[layer], direct, changes[layer]
        totals, dx = adjoint(*given, inputs=layer > 0)
        norms.insert(0, {symbol: norm(total[:, 0]) for symbol, total in totals.items()})
        direct = direct if dx is None else dx
    return norms


def norm(gradient: Tensor) -> Tensor:
    """Return the norms over units; the largest is divided out, for squares underflow long before gradients do."""
    largest = gradient.abs().amax(-1, keepdim=True)
    scaled: Tensor = torch.linalg.vector_norm(gradient / largest.where(largest > 0, 1), dim=-1)
    return scaled * largest.squeeze(-1)
