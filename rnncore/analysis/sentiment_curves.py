"""How accuracy grows with the number of units that are read, and with the number of labels that are learned from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Int64
from sklearn.linear_model import LogisticRegression

from rnncore.analysis.sentiment_probe import PENALTIES, Labels, States, accuracy, linear, one_unit
from rnncore.analysis.sparse import entering

UNITS = tuple(2**k for k in range(9))
LABELS = (11, 33, 100, 330, 1000, 3300, 10_000)
RANKED = 4000
"""Texts by which units are put in order."""


def by_units(
    X: States, y: Labels, V: States, v: Labels, H: States, h: Labels, *, draws: int = 5, seed: int = 0
) -> pd.DataFrame:
    """Return accuracy against the number of units.

    Each draw takes half of the training texts. Units are taken in the order in which the L1 penalty lets them in, and
    refitted with the penalty on squares that tells validation best.

    Returns
    -------
    DataFrame
        One row a number: units; accuracy on held-out texts, mean over draws, low and high, the least and the most.
    """
    random, found = np.random.default_rng(seed), []
    sizes = [size for size in UNITS if size < X.shape[1]]
    for _ in range(draws):
        half = _draw(y, len(y) // 2, random)
        mean, deviation = X[half].mean(0), X[half].std(0)
        scale = np.where(deviation > 0, deviation, 1)
        Z, W, G = ((values - mean) / scale for values in (X[half], V, H))
        few = half[:RANKED]
        entered = entering((X[few] - mean) / scale, y[few], np.arange(X.shape[1]), tolerance=0.01)
        order = list(islice(entered, max(sizes)))
        for size in (size for size in sizes if size <= len(order)):
            kept = order[:size]
            best = _ridge(Z[:, kept], y[half], W[:, kept], v)
            found.append((size, accuracy(best.decision_function(G[:, kept]), h)))
    return _bands(found, ["units"])


def by_labels(
    X: States,
    words: Any,
    labels: Labels,
    parts: tuple[Int64[np.ndarray, " _"], Int64[np.ndarray, " _"], Int64[np.ndarray, " _"]],
    *,
    draws: int = 10,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Return accuracy against the number of labelled training texts, for the states and for the words of the texts.

    Each draw takes so many training texts at random. What is chosen is chosen on at most 1,000 validation texts, whose
    labels come on top; but of one unit the threshold is chosen on the labels drawn, so that nothing does.

    Parameters
    ----------
    X, words, labels : array [text, column], sparse [text, word], int64 [text]
        All texts.
    parts : three int64 arrays
        Which texts are for training, validation, and held out.
    draws : int
        Up to 330 labels; above that, fewer.

    Returns
    -------
    DataFrame
        One row a number and kind: labels; read ("all units", "one unit" or "words"); accuracy on held-out texts, mean
        over draws, low and high, the least and the most.
    """
    train, validation, held = parts
    random, few, found = np.random.default_rng(seed), validation[:1000], list[tuple[Any, ...]]()
    V, v, H, h = X[few], labels[few], X[held], labels[held]
    sizes = [*(size for size in LABELS if size < len(train)), len(train)]
    tries = [size for size in sizes for _ in range(_draws(size, draws, len(train)))]
    for done, size in enumerate(tries):
        chosen = train[_draw(labels[train], size, random)]
        y, states = labels[chosen], X[chosen]
        unit = one_unit(states, y, states, y)
        found.append((size, "one unit", accuracy(unit.scores(H), h)))
        probe = linear(states, y, V, v, PENALTIES[::2])
        found.append((size, "all units", accuracy(probe.scores(H), h)))
        rival = _ridge(words[chosen], y, words[few], v)
        found.append((size, "words", accuracy(rival.decision_function(words[held]), h)))
        if progress is not None:
            progress(done + 1, len(tries))
    return _bands(found, ["labels", "read"])


def _draws(size: int, draws: int, most: int) -> int:
    """Return how often to draw: all there are once, and many labels, which differ less and take longer, less often."""
    return 1 if size == most else draws if size <= 330 else max(2, draws // 2) if size <= 3300 else 2


def _draw(y: Labels, count: int, random: np.random.Generator) -> Int64[np.ndarray, " _"]:
    """Return places drawn at random, at least one of each label among them."""
    order = random.permutation(len(y))
    first = [int(np.flatnonzero(y[order] == label)[0]) for label in (0, 1)]
    order = np.concatenate([order[first], np.delete(order, first)])
    return random.permutation(order[:count])


def _ridge(X: Any, y: Labels, V: Any, v: Labels) -> Any:
    """Return scikit-learn's logistic regression with the penalty on squares that tells ``V`` best."""
    fits = [LogisticRegression(C=C, max_iter=2000).fit(X, y) for C in PENALTIES[::2]]
    return max(fits, key=lambda fit: float(fit.score(V, v)))


def _bands(rows: Iterable[tuple[Any, ...]], by: list[str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=[*by, "accuracy"]).groupby(by)["accuracy"]
    return table.agg(accuracy="mean", low="min", high="max").reset_index()
