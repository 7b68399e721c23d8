"""What reading a token or a word does to the state, on average over its occurrences.

The change of a unit is its value less that just before the occurrence, as in RNNVis (Ming 2017), "Understanding hidden
memories of recurrent neural networks".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32, Float64, Int64
from sklearn.cluster import SpectralCoclustering

from rnncore.analysis.pieces import Report, layer_number, pieces
from rnncore.errors import Error
from rnncore.network.model import LanguageModel

QUANTILES = (0.09, 0.25, 0.5, 0.75, 0.91)
"""The edges of the two bands, and the median."""


@dataclass(frozen=True, eq=False)
class Response:
    """What the occurrences of an n-gram do to the units of a layer.

    Attributes
    ----------
    ngram : tuple of str
        Its tokens.
    offsets : int64 [offset]
        Steps from its last token, which is 0.
    mean : float64 [offset, unit]
        The mean change since the step before its first token.
    quantiles : float64 [quantile, offset, unit]
        Of the change, over occurrences: 9, 25, 50, 75 and 91 %.
    positions : int64 [occurrence]
        The step of its last token in each occurrence that was taken.
    occurrences : int
        How many there are in the text, with room before and after.
    """

    ngram: tuple[str, ...]
    offsets: Int64[np.ndarray, " offset"] = field(repr=False)
    mean: Float64[np.ndarray, "offset unit"] = field(repr=False)
    quantiles: Float64[np.ndarray, "quantile offset unit"] = field(repr=False)
    positions: Int64[np.ndarray, " occurrence"] = field(repr=False)
    occurrences: int

    def of_unit(self, unit: int) -> pd.DataFrame:
        """Return one unit's offset, mean, and quantiles as q9, q25, q50, q75, q91."""
        bands = {f"q{round(100 * q)}": self.quantiles[k, :, unit] for k, q in enumerate(QUANTILES)}
        return pd.DataFrame({"offset": self.offsets, "mean": self.mean[:, unit], **bands})


def response(
    model: LanguageModel,
    text: str,
    ngram: str,
    *,
    layer: int = -1,
    signal: str = "h",
    before: int = 10,
    after: int = 20,
    most: int = 1000,
    seed: int = 0,
    progress: Report | None = None,
) -> Response:
    """Return how the units of a layer respond to an n-gram.

    Parameters
    ----------
    ngram : str
        One token or more, as the model's vocabulary cuts it.
    before, after : int
        Steps to show before its first token, at least 1, and after its last.
    most : int
        Of more occurrences than this a random part is taken. Memory is 4 bytes a value: 1000 occurrences of 30 steps
        and 512 units take 60 MB.
    progress : callable, optional
        Called with (steps done, steps in all).

    Raises
    ------
    Error
        The n-gram does not occur with that much before and after it, or there is no such layer or signal.
    """
    layer, symbols = layer_number(model, layer), model.vocabulary.tokenize(text)
    tokens, taken, occurrences = _occurrences(model, symbols, ngram, before, after, most, seed)
    offsets = np.arange(1 - len(tokens) - before, after + 1)
    steps = taken[:, None] + offsets
    values = np.empty((*steps.shape, model.config.units), np.float32)
    for first, piece in pieces(model, text, [signal], progress):
        here = (steps >= first) & (steps < first + piece.time)
        values[here] = piece[signal, layer][steps[here] - first]
    return _response(tokens, offsets, values, before, taken, occurrences)


def response_of(
    values: Float[np.ndarray, " time"],
    model: LanguageModel,
    tokens: Sequence[str],
    ngram: str,
    *,
    before: int = 10,
    after: int = 20,
    most: int = 1000,
    seed: int = 0,
) -> Response:
    """Return :func:`response` of one unit whose value is known at each of the ``tokens``: its only unit is 0."""
    symbols, taken, occurrences = _occurrences(model, tokens, ngram, before, after, most, seed)
    offsets = np.arange(1 - len(symbols) - before, after + 1)
    around = values[taken[:, None] + offsets].astype(np.float32)
    return _response(symbols, offsets, around[..., None], before, taken, occurrences)


def loudest(values: Float[np.ndarray, " time"], tokens: Sequence[str], fewest: int = 20) -> pd.DataFrame:
    """Return by how much reading each token changes a unit on average, the strongest first: token, mean, occurrences.

    Parameters
    ----------
    fewest : int
        Occurrences that a token must have; without any that has, those of the most frequent ones count.
    """
    table = pd.DataFrame({"token": list(tokens[1:]), "mean": np.diff(values.astype(np.float64))})
    found = table.groupby("token", sort=True)["mean"].agg(["mean", "size"]).reset_index()
    found = found[found["size"] >= min(fewest, found["size"].max())].rename(columns={"size": "occurrences"})
    ranked: pd.DataFrame = found.sort_values("mean", key=lambda mean: -mean.abs(), kind="stable")
    return ranked.reset_index(drop=True)


def _occurrences(
    model: LanguageModel, text: Sequence[str], ngram: str, before: int, after: int, most: int, seed: int
) -> tuple[tuple[str, ...], np.ndarray, int]:
    """Return the n-gram's tokens, the last step of each occurrence that is taken, and how many there are."""
    tokens = model.vocabulary.tokenize(ngram)
    if before < 1 or after < 0 or most < 1:
        raise Error("a response needs at least 1 step before, 0 after, and 1 occurrence")
    ends = _ends(text, tokens, before, after)
    if not len(ends):
        raise Error(f"{ngram!r} does not occur in this text with {before} steps before it and {after} after it")
    return tokens, np.sort(np.random.default_rng(seed).choice(ends, min(most, len(ends)), replace=False)), len(ends)


def _response(
    tokens: tuple[str, ...],
    offsets: np.ndarray,
    values: Float32[np.ndarray, "occurrence offset unit"],
    before: int,
    taken: np.ndarray,
    occurrences: int,
) -> Response:
    change = values - values[:, before - 1 : before]
    quantiles = np.quantile(change, QUANTILES, axis=0)
    return Response(tokens, offsets, change.mean(0, dtype=float), quantiles.astype(float), taken, occurrences)


def _ends(tokens: Sequence[str], ngram: tuple[str, ...], before: int, after: int) -> np.ndarray:
    """Return where the n-gram ends, if there is room around it."""
    if not ngram:
        raise Error("an n-gram has at least one token; this one is empty")
    text, places = np.array(tokens), np.arange(before, len(tokens) - len(ngram) - after + 1)
    for k, token in enumerate(ngram):
        places = places[text[places + k] == token]
    return places + len(ngram) - 1


@dataclass(frozen=True, eq=False)
class CoClusters:
    """Frequent words and the units that respond to them, sorted into clusters together.

    Attributes
    ----------
    words : tuple of str
        The most frequent first.
    counts : int64 [word]
        Occurrences.
    response : float32 [word, unit]
        Mean change of each unit from the step before the word to its last token.
    word_cluster, unit_cluster : int64 [word], int64 [unit]
        Spectral co-clustering (Dhillon 2001) of its size; -1 for a unit that never changes.
    """

    words: tuple[str, ...]
    counts: Int64[np.ndarray, " word"] = field(repr=False)
    response: Float32[np.ndarray, "word unit"] = field(repr=False)
    word_cluster: Int64[np.ndarray, " word"] = field(repr=False)
    unit_cluster: Int64[np.ndarray, " unit"] = field(repr=False)


def co_clusters(
    model: LanguageModel,
    text: str,
    *,
    layer: int = -1,
    signal: str = "h",
    words: int = 100,
    clusters: int = 6,
    seed: int = 0,
    progress: Report | None = None,
) -> CoClusters:
    """Return which units respond to which of the text's most frequent words.

    Parameters
    ----------
    words : int
        How many. A word is a run of letters, digits and underscores, or a token of a model of words.
    clusters : int
        How many.
    progress : callable, optional
        Called with (steps done, steps in all).

    Raises
    ------
    Error
        The text has fewer different words than clusters, or there is no such layer or signal.
    """
    layer, spans = layer_number(model, layer), _words(model, text)
    names, counts = zip(*Counter(word for word, _, _ in spans).most_common(words), strict=True) if spans else ((), ())
    if not 2 <= clusters <= min(len(names), model.config.units):
        raise Error(
            f"{clusters} clusters of {len(names)} words and {model.config.units} units; take 2 or more, and not more "
            "than there are of either"
        )
    number = {word: k for k, word in enumerate(names)}
    which, start, end = np.array([(number[word], a, b) for word, a, b in spans if word in number]).T
    total = np.zeros((len(names), model.config.units))
    for first, piece in pieces(model, text, [signal], progress):
        values = piece[signal, layer]
        for step, sign in ((end - 1, 1), (start - 1, -1)):
            here = (step >= first) & (step < first + piece.time)
            np.add.at(total, which[here], sign * values[step[here] - first].astype(float))
    mean = total / np.array(counts)[:, None]
    strength = np.abs(mean)
    moved = strength.max(0) > 0
    groups = SpectralCoclustering(clusters, random_state=seed).fit(strength[:, moved] + 1e-12)  # no row of zeros
    units = np.full(len(moved), -1)
    units[moved] = groups.column_labels_
    return CoClusters(names, np.array(counts), mean.astype(np.float32), groups.row_labels_.astype(np.int64), units)


def _words(model: LanguageModel, text: str) -> list[tuple[str, int, int]]:
    """Return every word with its first step and the one after its last. The text's first step starts from nothing."""
    tokens = model.vocabulary.tokenize(text)
    if model.vocabulary.kind == "words":
        return [(token, k, k + 1) for k, token in enumerate(tokens) if k]
    ends = np.cumsum([len(token) for token in tokens], dtype=np.int64)  # of each step, in characters
    words = [word for word in re.finditer(r"\w+", "".join(tokens)) if word.start()]
    first = np.searchsorted(ends, [word.start() for word in words], "right").tolist()
    last = np.searchsorted(ends, [word.end() for word in words], "left").tolist()
    return [(word[0], a, b + 1) for word, a, b in zip(words, first, last, strict=True) if a]
