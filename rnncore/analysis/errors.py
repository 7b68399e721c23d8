"""What a model gets wrong, and what it would take to get it right; and how well it closes what it has opened.

Karpathy, Johnson & Li (2015), "Visualizing and understanding recurrent networks", section 4.4. A character is an
error if it was given a probability below one half. A ladder of oracles then removes errors, each from what those
before it have left:

- *n-gram*: an n-gram model, n = 1 to 9, gives the character more than one half. It needed no long memory.
- *n-long memory*: the character, not the first of its word, is in a word that was read whole within the last n
  characters (100, 500, 1000, 5000). A memory of the text itself would have done.
- *rare word*: its word occurs at most 5 times in the training text. More data might have done.
- *word model*: it follows white space or a quote, so what is asked for is the next word.
- *punctuation*: it is neither a letter, a digit, an underscore nor white space.
- *rest*: by how much was lacking.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from jaxtyping import Float, Float64

from rnncore.analysis.ngrams import NGrams, ngrams
from rnncore.analysis.pieces import Report, pieces
from rnncore.errors import Error
from rnncore.network.model import LanguageModel

TYPES = ("n-gram", "n-long memory", "rare word", "word model", "punctuation", "rest")
"""The kinds of errors, from the first rung to the last."""

WINDOWS = (100, 500, 1000, 5000)
EDGES = (1, 10, 20, 50, 100, 200, 500, 1000)
_WORD = re.compile(r"\w+")
_BEFORE_A_WORD = frozenset(" \t\r\n\"'`“”‘’«»")


@dataclass(frozen=True, eq=False)
class Ladder:
    """The errors of a model on a text.

    Attributes
    ----------
    characters : DataFrame
        One row a character: position, character, probability, type (one of :data:`TYPES`; missing where it is no
        error), and detail: the smallest n of an n-gram model or window that removes it, how often its word occurs in
        training, or, of the rest, the tenth below its probability.
    shares : DataFrame
        One row for each type and detail that occurs, in the order of the ladder: type, detail, errors (how many),
        share of all errors, and nats: the part that these carry of the errors' loss, as far as it is finite.
    """

    characters: pd.DataFrame = field(repr=False)
    shares: pd.DataFrame = field(repr=False)


def log_probabilities(model: LanguageModel, text: str, progress: Report | None = None) -> Float64[np.ndarray, " time"]:
    """Return ln p(token | tokens before it) that ``model`` gives to each token; nan for the first, which nobody asks.

    ``progress`` is called with (tokens done, tokens in all).
    """
    losses = [piece.loss for _, piece in pieces(model, text, (), progress)]
    return np.concatenate([[np.nan], -np.concatenate(losses)[:-1]])


def ladder(
    text: str,
    log_probability: Float[np.ndarray, " time"],
    train: str,
    *,
    models: NGrams | None = None,
    windows: Collection[int] = WINDOWS,
    rare: int = 5,
    progress: Report | None = None,
) -> Ladder:
    """Sort the errors of a model on ``text`` by what it would take to avoid them.

    >>> errors = ladder(test, log_probabilities(model, test), train)
    >>> errors.shares.groupby("type", observed=True)["share"].sum()

    Parameters
    ----------
    text : str
        One character a token: for a model of bytes, ``"".join(model.vocabulary.tokenize(text))``.
    log_probability : float [time]
        In nats, of each character given those before it; what is nan does not count.
    train : str
        What the model was trained on.
    models : NGrams, optional
        The n-gram models of the first rung; by default those of order 1 to 9, from ``train``.
    windows : collection of int
        The lengths n of the second rung.
    rare : int
        How often a rare word may occur in ``train``.
    progress : callable, optional
        Called with (orders done, orders in all), counted twice: once trained, once asked.

    Raises
    ------
    Error
        There is not one probability for each character.
    """
    if len(text) != len(log_probability):
        raise Error(f"expected a probability for each of the {len(text)} characters, got {len(log_probability)}")
    models = models or ngrams(train, range(1, 10), symbols=train + text, progress=_half(progress, 0))
    probability = np.exp(np.asarray(log_probability, float))
    kind, detail = np.full(len(text), -1, np.int8), np.full(len(text), np.nan)
    left = probability < 0.5

    def remove(rung: str, solved: np.ndarray, details: np.ndarray | float = np.nan) -> None:
        solved = solved & left
        kind[solved], left[solved] = TYPES.index(rung), False
        detail[solved] = np.broadcast_to(details, solved.shape)[solved]

    for n, values in models.by_order(text, _half(progress, 1)).items():
        remove("n-gram", values > np.log(0.5), n)
    distance, occurrences, inside = _words(text, train, max(windows))
    for window in sorted(windows):
        remove("n-long memory", inside & (distance <= window), window)
    remove("rare word", occurrences <= rare, occurrences)
    characters = np.array(list(text), dtype="U1")
    follows = np.concatenate([[False], np.isin(characters[:-1], list(_BEFORE_A_WORD))])
    remove("word model", follows)
    remove("punctuation", np.array([re.match(r"[^\w\s]", c) is not None for c in text], bool))
    remove("rest", left.copy(), np.floor(probability * 10) / 10)
    table = pd.DataFrame(
        {
            "position": np.arange(len(text)),
            "character": list(text),
            "probability": probability,
            "type": pd.Categorical.from_codes(kind, pd.Index(TYPES), ordered=True),
            "detail": detail,
        }
    )
    return Ladder(table, _shares(table))


def _half(progress: Report | None, part: int) -> Report | None:
    return progress and (lambda done, total: progress(done + part * total, 2 * total))


def _shares(table: pd.DataFrame) -> pd.DataFrame:
    wrong = table[table["type"].notna()]
    nats = -np.log(wrong["probability"].where(wrong["probability"] > 0, 1))  # no share of infinity
    groups = wrong.assign(nats=nats).groupby(["type", "detail"], observed=True, dropna=False)
    shares = groups.agg(errors=("position", "size"), nats=("nats", "sum")).reset_index()
    shares.insert(3, "share", shares["errors"] / max(len(wrong), 1))
    return shares.assign(nats=shares["nats"] / nats.sum())


def _words(text: str, train: str, longest: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return, for each character: how far back its word last began, how often that is in ``train``, if it is not first.

    Infinity means never within ``longest``, or in no word.
    """
    distance, occurrences = np.full(len(text), np.inf), np.full(len(text), np.inf)
    inside, counts = np.zeros(len(text), bool), Counter(_WORD.findall(train))
    for word in _WORD.finditer(text):
        start, end = word.span()
        found = text.rfind(word[0], max(0, start - longest), start)
        distance[start:end] = start - found if found >= 0 else np.inf
        occurrences[start:end] = counts[word[0]]
        inside[start + 1 : end] = True
    return distance, occurrences, inside


@dataclass(frozen=True, eq=False)
class Closing:
    """How much likelier a network finds the closing bracket than an n-gram model does.

    Attributes
    ----------
    pairs : DataFrame
        One row a pair: opening and closing (positions), distance, and the probabilities that ``network`` and
        ``ngram`` gave to the closing one.
    by_distance : DataFrame
        One row for each range of distances, first to last, that has pairs: pairs (how many), the means of network
        and ngram, and advantage: the mean difference, with low and high, a 95 % bootstrap interval over pairs.
    """

    pairs: pd.DataFrame = field(repr=False)
    by_distance: pd.DataFrame = field(repr=False)


def closing(
    text: str,
    network: Float[np.ndarray, " time"],
    ngram: Float[np.ndarray, " time"],
    *,
    brackets: str = "{}",
    edges: Sequence[int] = EDGES,
    resamples: int = 2000,
    seed: int = 0,
) -> Closing:
    """Compare two models at every closing bracket, by the distance to the one that it closes.

    Parameters
    ----------
    text : str
        One character a token.
    network, ngram : float [time]
        ln p of each character, from :func:`log_probabilities` and :meth:`NGrams.log_probabilities`.
    brackets : str
        The opening and the closing one. They are matched by counting, whatever they stand in.
    edges : sequence of int
        The distances at which ranges begin, ascending; the last range has no end.
    resamples, seed : int
        Of the bootstrap.

    Raises
    ------
    Error
        There is not one probability for each character, no pair in the text, or the brackets are not two.
    """
    if len(brackets) != 2 or brackets[0] == brackets[1]:
        raise Error(f"brackets are two different characters, such as '{{}}', not {brackets!r}")
    if not len(text) == len(network) == len(ngram):
        raise Error(f"expected {len(text)} probabilities of each model, got {len(network)} and {len(ngram)}")
    found = [(a, b) for a, b in _matched(text, brackets) if np.isfinite(network[b])]
    if not found:
        raise Error(f"no {brackets[0]} is closed by {brackets[1]} in this text; take another, or other brackets")
    a, b = np.array(found).T
    pairs = pd.DataFrame({"opening": a, "closing": b, "distance": b - a})
    pairs = pairs.assign(network=np.exp(network[b].astype(float)), ngram=np.exp(ngram[b].astype(float)))
    random, rows = np.random.default_rng(seed), []
    for first, end in zip(edges, [*edges[1:], np.inf], strict=True):
        part = pairs[(pairs["distance"] >= first) & (pairs["distance"] < end)]
        if len(part):
            difference = (part["network"] - part["ngram"]).to_numpy()
            means = [random.choice(difference, len(difference)).mean() for _ in range(resamples)]
            low, high = np.percentile(means, (2.5, 97.5))
            mean, last = part[["network", "ngram"]].mean(), int(part["distance"].max() if end == np.inf else end - 1)
            rows.append((first, last, len(part), mean["network"], mean["ngram"], difference.mean(), low, high))
    columns = ["first", "last", "pairs", "network", "ngram", "advantage", "low", "high"]
    return Closing(pairs, pd.DataFrame(rows, columns=columns))


def _matched(text: str, brackets: str) -> list[tuple[int, int]]:
    """Return where each pair opens and closes, in the order of closing; what has no partner is left out."""
    opened, pairs = [], []
    for bracket in re.finditer(f"[{re.escape(brackets)}]", text):
        if bracket[0] == brackets[0]:
            opened.append(bracket.start())
        elif opened:
            pairs.append((opened.pop(), bracket.start()))
    return pairs
