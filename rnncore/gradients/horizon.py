"""How far back a model remembers: by its gradient, and by what its loss shows when the context is taken away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from rnncore.errors import RecordingError
from rnncore.gradients.flow import flow
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
        came before it left out, replaced by another passage of the text, or put in random order. The whole context
        is the longest that was tried; where that is the answer, more might help.
    by_lag : DataFrame
        lag, and gradient: the geometric mean over targets of ||dL_t/ds_(t-lag)|| relative to lag 0, over the full
        state of the last layer.
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
        At least twice ``longest`` symbols, of the kind that the model was trained on.
    longest : int
        The longest context and the largest lag to try.
    positions, targets : int
        Random places in the text at which losses are compared, and at which gradients are taken.
    share : float
        Of the gradient at lag 0, below which it counts as gone.
    tolerance : float
        Excess loss in nats per symbol below which the rest of the context counts as of no use.
    progress : callable, optional
        Called with (parts done, parts in all).

    Raises
    ------
    RecordingError
        The text is too short.
    """
    model.reads_forward_only("its context lies on both sides")
    ids = torch.from_numpy(model.vocabulary.encode(text)).to(model.head.weight.device)
    if longest < 1 or len(ids) < 2 * longest + 2:
        raise RecordingError(f"a horizon up to {longest} needs {2 * longest + 2} symbols; this text has {len(ids)}")
    random = np.random.default_rng(seed)
    contexts = _contexts(longest)
    parts, done = targets + 3 * len(contexts), 0

    def report() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, parts)

    tokens = model.vocabulary.tokenize(text)
    places = random.choice(np.flatnonzero(ids[1:].cpu().numpy() >= 0)[longest:], targets)
    decay = np.stack([_decay(model, "".join(tokens[t - longest : t + 2]), report) for t in places])
    by_lag = pd.DataFrame({"lag": np.arange(longest + 1), "gradient": np.exp(decay.mean(0))})

    seen = np.flatnonzero(ids.cpu().numpy() >= 0)
    ends = torch.from_numpy(random.choice(seen[seen > longest], positions))  # the symbols to predict
    own = ids[ends + torch.arange(-longest, 0).unsqueeze(1)]  # [time, position]
    others = ids[torch.from_numpy(random.integers(longest, len(ids), positions)) + torch.arange(-longest, 0)[:, None]]
    order = torch.from_numpy(random.permuted(np.tile(np.arange(longest)[:, None], positions), axis=0))
    whole = _losses(model, own, ids[ends])
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
            columns.setdefault(f"{kind}_error", []).append(float(excess.std() / positions**0.5))
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


def _decay(model: LanguageModel, text: str, report: Callable[[], None]) -> np.ndarray:
    """Return ln of the full state's gradient at each lag from the last target, relative to lag 0."""
    found = flow(model, text, -1, weights=False)
    logs = np.stack([total[-1] for total in found.total.values()]) * np.log(10)
    norms = np.logaddexp.reduce(2 * logs, axis=0)[:-1][::-1] / 2
    report()
    return np.asarray(norms - norms[0])


def _losses(model: LanguageModel, read: Tensor, targets: Tensor) -> Tensor:
    """Return the loss of the symbol after each column of ``read`` [time, position], read from the start state."""
    with torch.no_grad():
        logits, _ = model(read)
        return next_symbol_loss(logits[-1], targets).double()


def _within(order: Tensor, many: int) -> Tensor:
    """Return, for each column, a random order of the first ``many`` places."""
    return order[:many].argsort(0)


def _settled(within: pd.Series[bool]) -> int:
    """Return the number of the first row from which on all are within; the number of rows if the last is not."""
    outside = np.flatnonzero(~within.to_numpy())
    return int(outside[-1]) + 1 if len(outside) else 0
