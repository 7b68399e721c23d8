"""Run a model over a text and keep what happened: signals, losses, guesses, gradients through time."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnncore.errors import RecordingError
from rnncore.network.intervene import Change, Intervention, by_layer
from rnncore.network.model import LanguageModel, next_symbol_loss
from rnncore.network.signals import Signals
from rnncore.recording.reading import read
from rnncore.recording.recording import Recording
from rnncore.recording.through_time import checked_target, gradient_norms

Report = Callable[[int, int], None]
"""Called now and then with the number of steps done and of all steps."""

WINDOW = 10_000
"""Steps that :func:`score` reads at once, however long the text."""

PIECE = 1024
"""Steps of which everything is held at once, however little of it is kept."""


def record(
    model: LanguageModel,
    text: str,
    *,
    gradients: bool = False,
    target: int | None = None,
    top: int = 5,
    signals: Sequence[str] | None = None,
    interventions: Sequence[Intervention] = (),
    progress: Report | None = None,
) -> Recording:
    """Record ``model`` reading ``text`` from the zero state.

    Parameters
    ----------
    text : str
        At least one symbol. Characters that the model has never seen are read as zero vectors.
    gradients : bool
        Also record the norms of the total gradient with respect to every state. Everything is then computed in
        float64.
    target : int, optional
        The step t whose loss, -log p(token t+1 | tokens up to t), is differentiated; negative counts from
        the last step that has a loss. By default the mean loss over the text. A model that reads both ways is given
        all other tokens as well.
    top : int
        How many of the likeliest next symbols to keep at each step.
    signals : sequence of str, optional
        The gates and states to keep; all by default. The others take no memory.
    interventions : sequence of Clamp, Ablate or Patch
        What is changed on the way. The changed values are those that are recorded, carried and differentiated.
    progress : callable, optional
        Called with (steps done, steps in all), over all layers.

    Raises
    ------
    RecordingError
        The text is empty, the target is not one of its steps or its loss is infinite, or a signal is unknown.
    Error
        An intervention does not fit the model.

    See Also
    --------
    record_pieces : for texts of any length, in the memory of a piece.

    Notes
    -----
    A recording of a prefix is the prefix of the recording (but for the last loss and the gradients), unless the
    model reads both ways. Its backward layers are in the text's order of time: step t is what they know after
    reading the text's end down to token t, and so the loss of step t follows from their step t+2.
    """
    ids = _ids(model, text)
    if gradients:
        target = checked_target(target, ids.cpu())
        model = copy.deepcopy(model).double()
    changes, symbols = by_layer(model.layers, interventions), _checked_signals(model, signals)
    shape = (len(model.layers), len(ids), model.config.units)
    values = {symbol: np.empty(shape, np.float32) for symbol in symbols}
    predictions, states = [], []
    for first, layers, logits in read(model, ids, changes, PIECE):
        done = first + len(logits)
        for symbol, array in values.items():
            _copy(layers, symbol, array[:, first:done])
        predictions.append(_predictions(logits, ids[first + 1 : done + 1], top))
        if gradients:
            states.append([{symbol: layer[symbol] for symbol in model.layers[0].states} for layer in layers])
        if progress is not None:
            progress(done * len(layers), len(ids) * len(layers))
    predicted: dict[str, Any] = {
        name: np.concatenate([piece[name] for piece in predictions]) for name in predictions[0]
    }
    return Recording(
        **_about(model),
        tokens=model.vocabulary.tokenize(text),
        ids=ids.cpu().numpy(),
        values=values,
        gradient=gradient_norms(model, ids, changes, states, target) if gradients else {},
        target=target if gradients else None,
        **predicted,
    )


def record_pieces(
    model: LanguageModel,
    text: str,
    *,
    length: int = 10 * PIECE,
    top: int = 5,
    signals: Sequence[str] | None = None,
    interventions: Sequence[Intervention] = (),
) -> Iterator[Recording]:
    """Record ``model`` reading ``text``, piece after piece: one pass, of which only the piece at hand takes memory.

    >>> unit = [piece["c", -1][:, 7].copy() for piece in record_pieces(model, text, signals=["c"])]

    A copy, since a view would keep the whole piece.

    Parameters
    ----------
    length : int
        Steps of a piece; the last may have fewer. The state is carried over.
    top, signals, interventions
        As for :func:`record`. The steps of interventions are counted from the start of the text.

    Yields
    ------
    Recording
        The next piece, equal to that part of the whole recording. Its last step has a loss, too, unless the text ends.

    Raises
    ------
    RecordingError
        As for :func:`record`, at once; or the length is not positive.
    """
    if length < 1:
        raise RecordingError(f"a piece has at least one step, not {length}")
    ids, symbols = _ids(model, text), _checked_signals(model, signals)
    return _pieces(model, text, ids, length, top, symbols, by_layer(model.layers, interventions))


def _pieces(
    model: LanguageModel,
    text: str,
    ids: Tensor,
    length: int,
    top: int,
    symbols: Sequence[str],
    changes: list[list[Change]],
) -> Iterator[Recording]:
    tokens = model.vocabulary.tokenize(text)
    for first, layers, logits in read(model, ids, changes, length):
        done = first + len(logits)
        shape = (len(layers), len(logits), model.config.units)
        values = {symbol: _copy(layers, symbol, np.empty(shape, np.float32)) for symbol in symbols}
        yield Recording(
            **_about(model),
            tokens=tokens[first:done],
            ids=ids[first:done].cpu().numpy(),
            values=values,
            **_predictions(logits, ids[first + 1 : done + 1], top),
        )


def _about(model: LanguageModel) -> dict[str, Any]:
    cell = model.layers[0]
    return {
        "model": model.name,
        "cell": cell.name,
        "states": cell.states,
        "symbols": model.vocabulary.symbols,
        "layer_names": model.layer_names,
    }


def _copy(layers: list[Signals], symbol: str, out: np.ndarray) -> np.ndarray:
    for layer, signals in enumerate(layers):
        out[layer] = signals[symbol][:, 0].cpu().numpy()
    return out


def _ids(model: LanguageModel, text: str) -> Tensor:
    ids = torch.from_numpy(model.vocabulary.encode(text))
    if len(ids) == 0:
        raise RecordingError("the text is empty; give at least one character")
    return ids.to(model.head.weight.device)


def _checked_signals(model: LanguageModel, signals: Sequence[str] | None) -> tuple[str, ...]:
    known = model.layers[0].signals()
    for symbol in signals or ():
        if symbol not in known:
            raise RecordingError(f"no signal {symbol!r} to keep; the {model.config.cell} has {', '.join(known)}")
    return known if signals is None else tuple(symbol for symbol in known if symbol in signals)


def _predictions(logits: Tensor, following: Tensor, top: int) -> dict[str, Any]:
    """Return loss, rank and guesses of each step; ``following`` are the next ids, of the last step perhaps none."""
    probabilities = logits.softmax(-1)
    best = probabilities.topk(min(top, probabilities.shape[-1]))
    loss, rank = logits.new_full(logits.shape[:1], float("nan")), following.new_full(logits.shape[:1], -1)
    if len(following):
        loss[: len(following)] = next_symbol_loss(logits[: len(following)], following)
    seen = (following >= 0).nonzero().squeeze(1)
    chosen = logits[seen].gather(1, following[seen].unsqueeze(1))
    rank[seen] = (logits[seen] > chosen).sum(1)
    return {
        "loss": loss.float().cpu().numpy(),
        "rank": rank.cpu().numpy(),
        "top_ids": best.indices.cpu().numpy(),
        "top_probability": best.values.float().cpu().numpy(),
    }


def score(
    model: LanguageModel,
    text: str,
    *,
    interventions: Sequence[Intervention] = (),
    progress: Report | None = None,
) -> float:
    """Return log p(text after its first symbol | first symbol), in nats; -inf with a character never seen.

    A model that reads both ways gives no probability of a text, but of each symbol given all the others. The sum of
    their logarithms, from the second symbol on, is the text's pseudo-log-likelihood (Besag 1975; Salazar 2020): no
    figure to compare with a log-likelihood.

    Parameters
    ----------
    interventions : sequence of Clamp, Ablate or Patch
        What is changed while the model reads.
    progress : callable, optional
        Called with (steps done, steps in all).

    Raises
    ------
    RecordingError
        The text has fewer than two symbols.
    Error
        An intervention does not fit the model.
    """
    ids = torch.from_numpy(model.vocabulary.encode(text)).to(model.head.weight.device)
    if len(ids) < 2:
        raise RecordingError("scoring needs at least two characters: each is predicted from those before it")
    nats, states, steps, changes = 0.0, None, len(ids) - 1, by_layer(model.layers, interventions)
    if model.backward_cells:
        for first, _, logits in read(model, ids, changes, PIECE):
            following = ids[first + 1 : first + PIECE + 1]
            nats -= float(next_symbol_loss(logits[: len(following)], following).double().sum())
            if progress is not None:
                progress(min(first + PIECE, steps), steps)
        return nats
    with torch.no_grad():
        for first in range(0, steps, WINDOW):
            part = ids[first : first + WINDOW + 1]
            logits, states = model(part[:-1].unsqueeze(1), states, changes=changes, first=first)
            nats -= float(next_symbol_loss(logits[:, 0], part[1:]).double().sum())
            if progress is not None:
                progress(min(first + WINDOW, steps), steps)
    return nats
