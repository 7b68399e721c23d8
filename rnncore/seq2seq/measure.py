"""How good translations are, and what attention maps look like and are worth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float32
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from torch.nn.functional import cross_entropy

from rnncore.errors import Error
from rnncore.seq2seq.model import Seq2Seq
from rnncore.seq2seq.search import Hypothesis, beam
from rnncore.seq2seq.train import batch

Map = Float32[np.ndarray, "target source"]


@dataclass(frozen=True)
class Quality:
    """How close translations come to their references.

    Attributes
    ----------
    bleu, chrf : float
        Of the whole, by sacrebleu, 0 to 100, with the signatures that say how.
    exact : float
        Share that are their reference, letter for letter.
    count : int
    """

    bleu: float
    chrf: float
    exact: float
    count: int
    bleu_signature: str
    chrf_signature: str


def quality(translations: Sequence[str], references: Sequence[str], *, lowercase: bool = False) -> Quality:
    """Compare translations with one reference each.

    Raises
    ------
    Error
        There are none, or not as many of either.
    """
    if not translations or len(translations) != len(references):
        raise Error(f"{len(translations)} translations are to be compared with {len(references)} references")
    bleu, chrf = BLEU(lowercase=lowercase), CHRF(lowercase=lowercase)
    scores = [float(metric.corpus_score(translations, [references]).score) for metric in (bleu, chrf)]
    same = [ours == theirs for ours, theirs in zip(translations, references, strict=True)]
    signatures = [str(metric.get_signature()) for metric in (bleu, chrf)]
    return Quality(scores[0], scores[1], float(np.mean(same)), len(same), signatures[0], signatures[1])


def translations(
    model: Seq2Seq,
    sources: Sequence[str],
    *,
    width: int = 5,
    length_penalty: float = 1.0,
    progress: Callable[[int, int], None] | None = None,
) -> list[tuple[str, Hypothesis]]:
    """Return the best translation of each sentence that a beam finds, and how it came about."""
    found = []
    for number, source in enumerate(sources):
        best = beam(model, model.source.encode(source), width=width, length_penalty=length_penalty).best
        found.append((model.target.decode(best.ids), best))
        if progress is not None:
            progress(number + 1, len(sources))
    return found


def by_length(
    sources: Sequence[str], translated: Sequence[str], references: Sequence[str], edges: Sequence[int]
) -> pd.DataFrame:
    """Return the quality of sentences by how many words their source has (Bahdanau 2015, figure 2).

    Parameters
    ----------
    edges : sequence of int
        Where one class of lengths ends and the next begins, ascending: with (5, 10), up to 5 words, 6 to 10, more.

    Returns
    -------
    DataFrame
        One row a class that has any: first and last words, count, bleu, chrf, exact.
    """
    words = np.array([len(source.split()) for source in sources])
    rows = []
    for first, last in zip([0, *edges], [*edges, int(words.max(initial=0))], strict=True):
        own = np.flatnonzero((words > first) & (words <= last)).tolist()
        if own:
            found = quality([translated[place] for place in own], [references[place] for place in own])
            rows.append((first + 1, last, len(own), found.bleu, found.chrf, found.exact))
    return pd.DataFrame(rows, columns=["first", "last", "count", "bleu", "chrf", "exact"])


def shape(attention: Map) -> pd.DataFrame:
    """Return what each row of an attention map is like.

    entropy in nats, and as a share of the highest that so many source tokens allow; sharpness, the largest weight;
    centre, the mean source position.
    """
    entropy = -np.sum(attention * np.log(np.maximum(attention, 1e-30)), 1)
    most = np.log(max(attention.shape[1], 2))
    return pd.DataFrame(
        {
            "entropy": entropy,
            "entropy_share": entropy / most,
            "sharpness": attention.max(1),
            "centre": attention @ np.arange(attention.shape[1]),
        }
    )


def diagonality(attention: Map) -> float:
    """Return how far a map runs along the diagonal: the correlation of target steps with the centres of their rows.

    nan of a map of one row, or of one whose centres are all the same.
    """
    centre = shape(attention)["centre"].to_numpy()
    if len(centre) < 2 or np.ptp(centre) < 1e-6:
        return float("nan")
    return float(np.corrcoef(np.arange(len(centre)), centre)[0, 1])


def coverage(attention: Map) -> Float32[np.ndarray, " source"]:
    """Return how much of each source token was read in all."""
    return np.asarray(attention.sum(0))


@dataclass(frozen=True)
class Alignment:
    """How an attention map agrees with the truth.

    Attributes
    ----------
    mass : float
        Mean share of a row's weights that lies on the tokens that truly tell it.
    hits : float
        Share of rows whose largest weight does.
    chance : float
        What ``mass`` would be of weights that are all alike.
    rows : int
        Rows that have a truth.
    """

    mass: float
    hits: float
    chance: float
    rows: int


def alignment(maps: Iterable[tuple[Map, Bool[np.ndarray, "_ _"]]]) -> Alignment:
    """Score attention maps against the truth; further rows and columns of a map, such as the end's, have none.

    Raises
    ------
    Error
        A truth is larger than its map, or no row has any.
    """
    mass, hits, chance = list[float](), list[bool](), list[float]()
    for weights, truth in maps:
        if truth.shape[0] > weights.shape[0] or truth.shape[1] > weights.shape[1]:
            raise Error(f"an alignment of {truth.shape} cannot be that of an attention map of {weights.shape}")
        for t in np.flatnonzero(truth.any(1)):
            own = np.flatnonzero(truth[t])
            mass.append(float(weights[t, own].sum()))
            hits.append(int(weights[t].argmax()) in own)
            chance.append(len(own) / weights.shape[1])
    if not mass:
        raise Error("no row of these alignments has a true source; there is nothing to score")
    return Alignment(float(np.mean(mass)), float(np.mean(hits)), float(np.mean(chance)), len(mass))


@torch.no_grad()
def removal(model: Seq2Seq, source: Sequence[int] | np.ndarray, target: Sequence[int] | np.ndarray) -> Map:
    """Return by how many nats each target token becomes less likely when a source token is taken out.

    float32 [target, source]; the last source token, the sentence's end, is never taken out and is 0. Whether attention
    explains a translation is whether its rows rank the source as these do.
    """
    source, target = np.asarray(source), np.asarray(target)
    others = [np.delete(source, place) for place in range(len(source) - 1)]
    losses = []
    for variant in ([source], others):
        if not variant or not len(variant[0]):
            return np.zeros((len(target), len(source)), np.float32)
        read, written = batch([(one, target) for one in variant])
        logits, _ = model(read, written[:-1])
        loss = cross_entropy(logits.flatten(0, 1), written[1:].flatten(), reduction="none")
        losses.append(loss.view(len(target), -1).numpy())
    return np.asarray(np.pad(losses[1] - losses[0], ((0, 0), (0, 1))), np.float32)


@dataclass(frozen=True)
class Explanation:
    """Whether attention tells what matters, over many target tokens.

    Attributes
    ----------
    rank : float
        Mean Spearman correlation of a row's weights with what taking out each source token does.
    agree : float
        Share of rows whose largest weight lies on the token that matters most.
    chance : float
        What ``agree`` would be at random.
    rows : int
    """

    rank: float
    agree: float
    chance: float
    rows: int


def explanation(maps: Iterable[tuple[Map, Map]]) -> Explanation:
    """Compare attention maps with what :func:`removal` measured; the sentences' ends are left out."""
    rank, agree, chance = list[float](), list[bool](), list[float]()
    for weights, drop in maps:
        if drop.shape[1] < 3:
            continue
        for row, effect in zip(weights[:-1, :-1], drop[:-1, :-1], strict=True):
            if np.ptp(row) > 0 and np.ptp(effect) > 0:
                rank.append(float(pd.Series(row).corr(pd.Series(effect), method="spearman")))
                agree.append(int(row.argmax()) == int(effect.argmax()))
                chance.append(1 / len(row))
    if not rank:
        raise Error("none of these sentences is long enough to tell whether attention explains it")
    return Explanation(float(np.mean(rank)), float(np.mean(agree)), float(np.mean(chance)), len(rank))
