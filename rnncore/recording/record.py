"""Run a model over a text and keep everything: signals, losses, guesses, gradients through time."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnncore.errors import RecordingError
from rnncore.network.model import LanguageModel, next_symbol_loss
from rnncore.network.unroll import unroll
from rnncore.recording.recording import Recording

Report = Callable[[int, int], None]
"""Called now and then with the number of steps done and of all steps."""

WINDOW = 10_000
"""Steps that :func:`score` reads at once, however long the text."""


class _Keeper:
    """Listener that keeps every signal of one layer, and with ``gradients`` each state's own gradient."""

    def __init__(self, states: tuple[str, ...], gradients: bool, report: Callable[[], None]) -> None:
        self.kept: dict[str, list[Tensor]] = {}
        self.states, self.gradients, self.report = states, gradients, report

    def __call__(self, time: int, symbol: str, value: Any) -> Any:
        if self.gradients and symbol in self.states:
            value.retain_grad()
        self.kept.setdefault(symbol, []).append(value)
        if symbol == self.states[0] and time % 100 == 0:
            self.report()
        return value


def record(
    model: LanguageModel,
    text: str,
    *,
    gradients: bool = False,
    target: int | None = None,
    top: int = 5,
    progress: Report | None = None,
) -> Recording:
    """Record ``model`` reading ``text`` from the zero state.

    Parameters
    ----------
    text : str
        At least one symbol. Characters that the model has never seen are read as zero vectors.
    gradients : bool
        Also record the norms of the total gradient with respect to every state, computed in float64.
    target : int, optional
        The step t whose loss, -log p(token t+1 | tokens up to t), is differentiated; negative counts from
        the last step that has a loss. By default the mean loss over the text.
    top : int
        How many of the likeliest next symbols to keep at each step.
    progress : callable, optional
        Called with (steps done, steps in all), over all layers.

    Raises
    ------
    RecordingError
        The text is empty, the target is not one of its steps or its loss is infinite.

    Notes
    -----
    A recording of a prefix is the prefix of the recording (but for the last loss and the gradients).
    """
    ids = torch.from_numpy(model.vocabulary.encode(text))
    if len(ids) == 0:
        raise RecordingError("the text is empty; give at least one character")
    if gradients:
        target = _checked_target(target, ids)
        model = copy.deepcopy(model).double().requires_grad_(False)  # only states, not weights
    device = model.head.weight.device
    ids = ids.to(device)
    time, layers = len(ids), model.layers
    keepers: list[_Keeper] = []

    def report() -> None:
        if progress is not None:
            done = sum(len(keeper.kept[keeper.states[0]]) for keeper in keepers if keeper.kept)
            progress(done, time * len(layers))

    with torch.set_grad_enabled(gradients):
        x = model.embed(ids).requires_grad_(gradients)
        for cell in layers:
            keepers.append(_Keeper(cell.states, gradients, report))
            x, _ = unroll(cell, x, cell.start(), keepers[-1])
        logits = model.head(x)
        loss = next_symbol_loss(logits[:-1], ids[1:]) if time > 1 else logits.new_empty(0)
        report()
        if gradients:
            (loss[loss.isfinite()].mean() if target is None else loss[target]).backward()

    cell = layers[0]
    gradient = {state: _stack(keepers, state, _gradient_norm, np.float64) for state in cell.states if gradients}
    values = {symbol: _stack(keepers, symbol, _plain, np.float32) for symbol in keepers[0].kept}
    return Recording(
        model=model.name,
        cell=cell.name,
        states=cell.states,
        symbols=model.vocabulary.symbols,
        tokens=model.vocabulary.tokenize(text),
        ids=ids.cpu().numpy(),
        values=values,
        gradient=gradient,
        target=target if gradients else None,
        **_predictions(logits.detach(), ids, loss.detach(), top),
    )


def _checked_target(target: int | None, ids: Tensor) -> int | None:
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


def _predictions(logits: Tensor, ids: Tensor, loss: Tensor, top: int) -> dict[str, np.ndarray]:
    probabilities = logits.softmax(-1)
    best = probabilities.topk(min(top, probabilities.shape[-1]))
    missing = logits.new_full((1,), float("nan"))
    rank = ids.new_full(ids.shape, -1)
    seen = (ids[1:] >= 0).nonzero().squeeze(1)
    chosen = logits[seen].gather(1, ids[seen + 1].unsqueeze(1))
    rank[seen] = (logits[seen] > chosen).sum(1)
    return {
        "loss": torch.cat([loss, missing]).float().cpu().numpy(),
        "rank": rank.cpu().numpy(),
        "top_ids": best.indices.cpu().numpy(),
        "top_probability": best.values.float().cpu().numpy(),
    }


def _plain(value: Tensor) -> Tensor:
    return value.detach()


def _gradient_norm(value: Tensor) -> Tensor:
    grad = value.grad
    if grad is None:
        return value.new_zeros(())
    largest = grad.abs().max()  # divided out: squares would underflow long before the gradient does
    return largest * (grad / largest).norm() if largest > 0 else largest


def _stack(
    keepers: list[_Keeper], symbol: str, read: Callable[[Tensor], Tensor], dtype: type[np.floating[Any]]
) -> np.ndarray:
    rows = [torch.stack([read(value) for value in keeper.kept[symbol]]).cpu().numpy() for keeper in keepers]
    return np.stack(rows).astype(dtype)


def score(model: LanguageModel, text: str, *, progress: Report | None = None) -> float:
    """Return log p(text after its first symbol | first symbol), in nats; -inf with a character never seen.

    Parameters
    ----------
    progress : callable, optional
        Called with (steps done, steps in all).

    Raises
    ------
    RecordingError
        The text has fewer than two symbols.
    """
    ids = torch.from_numpy(model.vocabulary.encode(text)).to(model.head.weight.device)
    if len(ids) < 2:
        raise RecordingError("scoring needs at least two characters: each is predicted from those before it")
    nats, states, steps = 0.0, None, len(ids) - 1
    with torch.no_grad():
        for first in range(0, steps, WINDOW):
            part = ids[first : first + WINDOW + 1]
            logits, states = model(part[:-1].unsqueeze(1), states)
            nats -= float(next_symbol_loss(logits[:, 0], part[1:]).double().sum())
            if progress is not None:
                progress(min(first + WINDOW, steps), steps)
    return nats
