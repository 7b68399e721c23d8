"""A model reads a text piece by piece, forwards and perhaps backwards, and nothing that happens in a piece is lost."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from rnncore.cells import State
from rnncore.network.intervene import Change, mirrored
from rnncore.network.model import LanguageModel, both
from rnncore.network.signals import Reader, Signals


def read(
    model: LanguageModel, ids: Tensor, changes: list[list[Change]], length: int
) -> Iterator[tuple[int, list[Signals], Tensor]]:
    """Yield the first step of every piece, all signals of each layer there, and the logits [time, vocab]."""
    depth = len(model.cells)
    readers = [Reader(cell, change) for cell, change in zip(model.layers[:depth], changes[:depth], strict=True)]
    states = model.start(1)[:depth]
    backward = _read_backward(model, ids, changes, length) if model.backward_cells else None
    for first in range(0, len(ids), length):
        with torch.no_grad():
            layers = _climb(readers, model.embed(ids[first : first + length]).unsqueeze(1), states, first)
            states = [_at(signals, state, -1) for signals, state in zip(layers, states, strict=True)]
            h = layers[-1]["h"]
            if backward:
                others, after = next(backward)
                layers, h = layers + others, both(h, others[-1]["h"], after)
            logits = model.head(h[:, 0])
        yield first, layers, logits


def _read_backward(
    model: LanguageModel, ids: Tensor, changes: list[list[Change]], length: int
) -> Iterator[tuple[list[Signals], Tensor]]:
    """Yield the signals of the backward layers, piece by piece in the text's order, and the last h's two that follow.

    A piece is read from its end, which starts from all that follows. So all is read twice: first from the text's end
    for the states between the pieces, and again to keep a piece whole.
    """
    depth = len(model.cells)
    turned = mirrored(changes[depth:], len(ids))
    readers = [Reader(cell, change) for cell, change in zip(model.layers[depth:], turned, strict=True)]

    @torch.no_grad()
    def read(first: int, starts: list[State]) -> list[Signals]:
        piece = ids[first : first + length]
        x = model.embed(piece.flip(0)).unsqueeze(1)
        layers = _climb(readers, x, starts, len(ids) - first - len(piece))
        return [{symbol: values.flip(0) for symbol, values in layer.items()} for layer in layers]

    starts = model.start(1)[depth:]
    after, ends = starts[-1].h.expand(2, -1, -1), {}
    pieces = range(0, len(ids), length)
    for first in reversed(pieces):
        ends[first] = starts, after
        if first:
            layers = read(first, starts)
            starts = [_at(signals, state, 0) for signals, state in zip(layers, starts, strict=True)]
            after = torch.cat([layers[-1]["h"][:2], after])[:2]
    for first in pieces:
        starts, after = ends[first]
        yield read(first, starts), after


def _climb(readers: list[Reader], x: Tensor, states: list[State], first: int) -> list[Signals]:
    """Return all signals of each layer of a stack."""
    layers: list[Signals] = []
    for reader, state in zip(readers, states, strict=True):
        layers.append(reader(x, state, first))
        x = layers[-1]["h"]
    return layers


def _at(signals: Signals, state: State, step: int) -> State:
    return State(**{symbol: signals[symbol][step].clone() for symbol in state})  # a view would keep all steps
