"""How far back a model remembers: by its gradient, and by what its loss shows when the context is taken away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch
from jaxtyping import Int64
from torch import Tensor

from rnncore.errors import RecordingError
from rnncore.gradients.flow import flow
from rnncore.network import fused
from rnncore.network.model import LanguageModel, next_symbol_loss

KINDS = ("truncated", "swapped", "shuffled")
"""What is done to the context beyond a certain length."""


@dataclass(frozen=True, eq=False)
class Horizon:
    """The memory horizon of a model on a text: distances in symbols, up to the longest that was tried.

    Attributes
    ----------
    gradient : int or None
        The first lag at which the gradient has fallen below a share of its value at lag 0, and stays there; None if
        it never does.
    truncated, swapped, shuffled : int
        The first length of context from which on the loss is within a tolerance of that with the whole context: what
        came before it left out, replaced by another passage of the text, which shares no place with the whole context,
        or put in random order. The whole context is the longest that was tried; where that is the answer, more might
        help.
    by_lag : DataFrame
        lag, and gradient: the geometric mean over targets of ||dL_t/ds_(t-lag)|| relative to lag 0, s the full state
        of the last layer, :attr:`Flow.full`.
    by_context : DataFrame
        context (its length), and for truncated, swapped and shuffled the mean excess loss in nats over the whole
        context, with the standard error over positions as ``truncated_error`` and so on.
    """

    gradient: int | None
    truncated: int
    swapped: int
    shuffled: int
    by_lag: pd.DataFrame = field(repr=False)
    by_context: pd.DataFrame = field(repr=False)


def horizon(
    model: LanguageModel,
    text: str,
    *,
    longest: int = 300,
    positions: int = 200,
    targets: int = 8,
    share: float = 0.01,
    tolerance: float = 0.01,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Horizon:
    """Return how far back ``model`` remembers as it reads ``text``.

    Parameters
    ----------
    text : str
        More than three times ``longest`` symbols, of the kind that the model was trained on.
    longest : int
        The longest context and the largest lag to try.
    positions, targets : int
        Random places in the text at which losses are compared, and at which gradients are taken, each place once; of
        a short text all places that have a context of ``longest``.
    share : float
        Of the gradient at lag 0, below which it counts as gone.
    tolerance : float
        Excess loss in nats per symbol below which the rest of the context counts as of no use.
    progress : callable, optional
        Called with (parts done, parts in all).

    Raises
    ------
    RecordingError
        The text is too short, or of symbols that the model has never seen.
    """
    model.reads_forward_only("its context lies on both sides")
    ids = torch.from_numpy(model.vocabulary.encode(text))
    if longest < 1 or len(ids) <= 3 * longest:
        raise RecordingError(f"a horizon up to {longest} needs {3 * longest + 1} symbols; this text has {len(ids)}")
    seen = np.flatnonzero(ids[longest + 1 :].numpy() >= 0) + longest + 1
    if len(seen) < 2:
        raise RecordingError(
            f"of the symbols after the first {longest + 1} the model has seen {len(seen)} before; a horizon needs two, "
            "for the loss of others is infinite"
        )
    random = np.random.default_rng(seed)
    at = random.choice(seen, min(targets, len(seen)), replace=False)  # the symbols to predict
    ends = random.choice(seen, min(positions, len(seen)), replace=False)
    contexts = _contexts(longest)
    parts, done = len(at) + len(KINDS) * len(contexts), 0

    def report() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, parts)

    decay = np.stack([_decay(model, ids[end - longest - 1 : end + 1], report) for end in at])
    by_lag = pd.DataFrame({"lag": np.arange(longest + 1), "gradient": np.exp(decay.mean(0))})

    window = np.arange(longest)[:, None]
    own, others = ids[ends - longest + window], ids[_elsewhere(ends, longest, len(ids), random) + window]
    order = torch.from_numpy(random.permuted(np.tile(window, len(ends)), axis=0))
    whole = _losses(model, own, ids[ends])  # own, others, order: [time, position]
    columns: dict[str, list[float]] = {"context": list(map(float, contexts))}
    for kind in KINDS:
        for context in contexts:
            older = longest - context
            read = own[older:]
            if kind == "swapped":
                read = torch.cat([others[context:], read])
            elif kind == "shuffled":
                read = torch.cat([own.gather(0, _within(order, older)), read])
            excess = _losses(model, read, ids[ends]) - whole
            columns.setdefault(kind, []).append(float(excess.mean()))
            columns.setdefault(f"{kind}_error", []).append(float(excess.std() / len(ends) ** 0.5))
            report()
    by_context = pd.DataFrame(columns).astype({"context": int})
    return Horizon(
        gradient=lag if (lag := _settled(by_lag["gradient"] < share)) <= longest else None,
        **{kind: contexts[_settled(by_context[kind] < tolerance)] for kind in KINDS},
        by_lag=by_lag,
        by_context=by_context,
    )


def _contexts(longest: int) -> list[int]:
    """Return lengths from 1 to ``longest``, each about a quarter more than the one before."""
    return sorted({*np.geomspace(1, longest, max(2, round(10 * np.log10(longest)) + 1)).round().astype(int).tolist()})


def _elsewhere(ends: np.ndarray, longest: int, length: int, random: np.random.Generator) -> np.ndarray:
    """Draw for each end the start of a passage as long, before its own passage or after the symbol at its end."""
    before, after = np.maximum(ends - 2 * longest + 1, 0), np.maximum(length - longest - ends, 0)  # starts there are
    drawn = random.integers(before + after)
    return np.asarray(np.where(drawn < before, drawn, ends + 1 + drawn - before))


def _decay(model: LanguageModel, ids: Int64[Tensor, " time"], report: Callable[[], None]) -> np.ndarray:
    """Return ln of the full state's gradient at each lag from the last target, relative to lag 0."""
    norms = flow(model, ids, -1, weights=False).full[-1, -2::-1] * np.log(10)
    report()
    return np.asarray(norms - norms[0])


def _losses(model: LanguageModel, read: Tensor, targets: Tensor) -> Tensor:
    """Return the loss of the symbol after each column of ``read`` [time, position], read from the start state."""
    device = model.head.weight.device
    with torch.no_grad():
        x = model.embed(read.to(device))
        for cell in model.layers:
            x, _ = fused.run(cell, x, cell.start(read.shape[1]))
        return next_symbol_loss(model.head(x[-1]), targets.to(device)).double()


def _within(order: Tensor, many: int) -> Tensor:
    """Return, for each column, a random order of the first ``many`` places."""
    return order[:many].argsort(0)


def _settled(within: pd.Series[bool]) -> int:
    """Return the number of the first row from which on all are within; the number of rows if the last is not."""
    outside = np.flatnonzero(~within.to_numpy())
    return int(outside[-1]) + 1 if len(outside) else 0
