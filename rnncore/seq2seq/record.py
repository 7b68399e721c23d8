"""What happens inside a translator as it reads one sentence and writes another.

Gradients are taken in float64. That of the loss reaches the source on two ways, which are told apart exactly: through
what the attention read, and through the states that the decoder started from. Without attention only the second is
there, and it is as long as both sentences together.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Float64
from torch import Tensor
from torch.nn.functional import cross_entropy

from rnncore.cells import Cell, State
from rnncore.errors import RecordingError
from rnncore.network.unroll import unroll
from rnncore.seq2seq.model import Seq2Seq
from rnncore.seq2seq.search import padded
from rnncore.seq2seq.tokens import BEGIN

Kept = list[dict[str, list[Tensor]]]
"""Of each layer each signal's values, one a step."""


@dataclass(frozen=True, eq=False)
class Gradients:
    """Norms of the gradient of one loss, in nats.

    Attributes
    ----------
    target : int or None
        The target token whose loss it is; None is all of them together.
    encoder : mapping of str to float64 [layer, source]
        Total gradient at each state of the encoder.
    decoder : mapping of str to float64 [layer, target]
        The same of the decoder.
    attention : float64 [source]
        At each source token's vector, by way of what the attention read.
    recurrent : float64 [source]
        At each source token's vector, by way of the states that the decoder started from.
    """

    target: int | None
    encoder: Mapping[str, Float64[np.ndarray, "layer source"]] = field(repr=False)
    decoder: Mapping[str, Float64[np.ndarray, "decoder_layer target"]] = field(repr=False)
    attention: Float64[np.ndarray, " source"] = field(repr=False)
    recurrent: Float64[np.ndarray, " source"] = field(repr=False)


@dataclass(frozen=True, eq=False)
class TranslationRecording:
    """One sentence through a translator, told what to write.

    Attributes
    ----------
    model : str
    source, target : tuple of str
        Tokens, each with the sentence's end.
    encoder : mapping of str to float32 [layer, source, unit]
        Every gate and state. Layers that read from the end follow those that read from the beginning; all are in the
        order of the sentence.
    decoder : mapping of str to float32 [layer, target, unit]
        Step t wrote target token t.
    attention : float32 [target, source]
        Where the decoder looked; all 0 without attention.
    loss : float32 [target]
        -log p of each target token, in nats.
    gradient : Gradients or None
    """

    model: str
    source: tuple[str, ...]
    target: tuple[str, ...]
    encoder: Mapping[str, Float32[np.ndarray, "layer source unit"]] = field(repr=False)
    decoder: Mapping[str, Float32[np.ndarray, "decoder_layer target unit"]] = field(repr=False)
    attention: Float32[np.ndarray, "target source"] = field(repr=False)
    loss: Float32[np.ndarray, " target"] = field(repr=False)
    gradient: Gradients | None = field(repr=False)


def record(
    model: Seq2Seq,
    source: Sequence[int] | np.ndarray,
    target: Sequence[int] | np.ndarray,
    *,
    gradients: bool = False,
    of: int | None = None,
) -> TranslationRecording:
    """Return what happens as ``model`` reads ``source`` and is told to write ``target``.

    Parameters
    ----------
    source, target : sequence of int
        Ids, each with ``END``; see :meth:`rnncore.seq2seq.Tokens.encode`.
    gradients : bool
        Whether to follow the loss back.
    of : int, optional
        The target token whose loss is followed; negative counts from the end. By default the sum of all.

    Raises
    ------
    RecordingError
        A sentence is empty, or there is no such target token.
    """
    if not len(source) or not len(target):
        raise RecordingError("a translator is recorded on a source and a target of at least one token each")
    if of is not None and not -len(target) <= of < len(target):
        raise RecordingError(f"no target token {of}; the target has {len(target)}")
    network = copy.deepcopy(model).double() if gradients else model
    with torch.set_grad_enabled(gradients):
        x = network.source_embedding(padded([np.asarray(source)]))
        memory, end, encoder = _encode(network, x)
        ends = (memory, end) if not gradients else tuple(part.detach().requires_grad_() for part in (memory, end))
        read = network.remember(ends[0], torch.ones(len(source), 1, dtype=torch.bool), ends[1])
        decoder: Kept = [{} for _ in network.decoder]
        at, rs, looks = network.start(read), list[Tensor](), list[Tensor]()
        for y in (BEGIN, *map(int, target[:-1])):
            r, weights, at = network.step(torch.tensor([y]), at, read, taps=[partial(_keep, kept) for kept in decoder])
            rs.append(r[0])
            looks.append(weights[:, 0])
        wanted = torch.as_tensor(np.asarray(target, np.int64))
        loss = cross_entropy(network.head(torch.stack(rs)), wanted, reduction="none")
        place = None if of is None else of % len(target)
        found = _gradients(network, loss, place, x, (memory, end), ends, encoder, decoder) if gradients else None
    return TranslationRecording(
        model.name,
        tuple(model.source.symbols[int(token)] for token in source),
        tuple(model.target.symbols[int(token)] for token in target),
        _arrays(encoder),
        _arrays(decoder),
        torch.stack(looks).detach().float().numpy(),
        loss.detach().float().numpy(),
        found,
    )


def _encode(network: Seq2Seq, x: Tensor) -> tuple[Tensor, Tensor, Kept]:
    """Read the source vectors [source, 1, input]; return the memory, its end, and every signal, in source order."""
    forward: Kept = []
    backward: Kept = []
    ends: list[Tensor] = []
    for layer, cell in enumerate(network.forward_cells):
        h, kept = _listened(cell, x)
        forward.append(kept)
        ends = [h[-1]]
        if network.config.bidirectional:
            b, kept = _listened(network.backward_cells[layer], x.flip(0))
            backward.append({symbol: values[::-1] for symbol, values in kept.items()})
            ends.append(b[-1])
            h = torch.cat([h, b.flip(0)], -1)
        x = h
    return x, torch.cat(ends, -1), forward + backward


def _listened(cell: Cell, x: Tensor) -> tuple[Tensor, dict[str, list[Tensor]]]:
    kept: dict[str, list[Tensor]] = {}
    start: State = cell.start(x.shape[1])
    h, _ = unroll(cell, x, start, lambda _, symbol, value: _keep(kept, symbol, value))
    return h, kept


def _keep(kept: dict[str, list[Tensor]], symbol: str, value: Any) -> Any:
    if value.requires_grad:
        value.retain_grad()
    kept.setdefault(symbol, []).append(value)
    return value


def _gradients(
    network: Seq2Seq,
    loss: Tensor,
    place: int | None,
    x: Tensor,
    parts: tuple[Tensor, Tensor],
    cut: tuple[Tensor, ...],
    encoder: Kept,
    decoder: Kept,
) -> Gradients:
    """Follow the loss back: to where the decoder meets the encoder, then on by either way."""
    (loss.sum() if place is None else loss[place]).backward()  # type: ignore[no-untyped-call]
    at = [torch.zeros_like(part) if part.grad is None else part.grad for part in cut]
    ways = [
        torch.autograd.grad(part, x, gradient, retain_graph=True, allow_unused=True)[0]
        for part, gradient in zip(parts, at, strict=True)
    ]
    torch.autograd.backward(parts, at)
    attention, recurrent = (np.zeros(len(x)) if way is None else way.norm(dim=-1)[:, 0].numpy() for way in ways)
    states = network.decoder_cells[0].states
    return Gradients(place, _norms(encoder, states), _norms(decoder, states), attention, recurrent)


def _norms(layers: Kept, states: Sequence[str]) -> dict[str, np.ndarray]:
    def norm(value: Tensor) -> float:
        return 0.0 if value.grad is None else float(value.grad.norm())

    return {symbol: np.array([[norm(value) for value in layer[symbol]] for layer in layers]) for symbol in states}


def _arrays(layers: Kept) -> dict[str, np.ndarray]:
    return {
        symbol: np.stack([torch.cat(layer[symbol]).detach().float().numpy() for layer in layers])
        for symbol in layers[0]
    }
