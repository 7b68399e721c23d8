"""Which sentences of a corpus bring a translator into a state like this one, and how those states lie together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float32, Float64, Int64
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from rnncore.errors import Error
from rnncore.seq2seq.model import Seq2Seq
from rnncore.seq2seq.pairs import Pair
from rnncore.seq2seq.tokens import PAD
from rnncore.seq2seq.train import batch

Side = Literal["encoder", "decoder"]

SPAN = 6
"""Tokens shown on either side of the one that a state belongs to."""


@dataclass(frozen=True, eq=False)
class States:
    """A translator's states over the sentences of a corpus.

    Attributes
    ----------
    side : {"encoder", "decoder"}
        What the encoder made of each source token, both directions side by side; or the decoder's last h as it wrote
        each target token.
    pairs : sequence of (source, target)
    pair, step : int64 [state]
        Which pair a state belongs to, and which of its tokens.
    values : float32 [state, unit]
    """

    side: Side
    pairs: Sequence[Pair] = field(repr=False)
    pair: Int64[np.ndarray, " state"] = field(repr=False)
    step: Int64[np.ndarray, " state"] = field(repr=False)
    values: Float32[np.ndarray, "state unit"] = field(repr=False)


@torch.no_grad()
def states(
    model: Seq2Seq,
    pairs: Sequence[Pair],
    side: Side,
    *,
    many: int = 128,
    progress: Callable[[int, int], None] | None = None,
) -> States:
    """Return the states of ``model`` over ``pairs``, each told its target.

    Raises
    ------
    Error
        There are no pairs.
    """
    if not pairs:
        raise Error("states are those of at least one pair of sentences")
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for first in range(0, len(pairs), many):
        part = [
            (model.source.encode(source), model.target.encode(target)) for source, target in pairs[first : first + many]
        ]
        source, target = batch(part)
        read = model.encode(source)
        if side == "encoder":
            values, there = read.memory, read.mask
        else:
            at, hs = model.start(read), []
            for y in target[:-1]:
                _, _, at = model.step(y, at, read)
                hs.append(at.states[-1].h)
            values, there = torch.stack(hs), target[1:] != PAD
        step, pair = np.nonzero(there.numpy())
        found.append((first + pair, step, values.float().numpy()[step, pair]))
        if progress is not None:
            progress(min(first + many, len(pairs)), len(pairs))
    pair, step, rows = (np.concatenate(column) for column in zip(*found, strict=True))
    return States(side, pairs, pair, step, rows)


def nearest(
    model: Seq2Seq, kept: States, state: Float32[np.ndarray, " unit"], count: int = 30
) -> tuple[pd.DataFrame, Float32[np.ndarray, "neighbour unit"]]:
    """Return the states that are most like ``state``, at most one of each pair.

    Returns
    -------
    DataFrame
        similarity (cosine), pair, step, token, before and after it, source, target; the most similar first.
    float32 [neighbour, unit]
        The states themselves.
    """
    sizes = np.linalg.norm(kept.values, axis=1) * max(float(np.linalg.norm(state)), 1e-12)
    similarity = kept.values @ state / np.maximum(sizes, 1e-12)
    order = np.argsort(-similarity, kind="stable")
    order = order[np.sort(np.unique(kept.pair[order], return_index=True)[1])][:count]
    tokens = model.source if kept.side == "encoder" else model.target
    rows = []
    for place in order.tolist():
        pair, step = kept.pairs[kept.pair[place]], int(kept.step[place])
        ids = tokens.encode(pair[0 if kept.side == "encoder" else 1])
        words = [tokens.symbols[token] for token in ids]
        around = "".join(words[max(0, step - SPAN) : step]), "".join(words[step + 1 : step + 1 + SPAN])
        rows.append((float(similarity[place]), int(kept.pair[place]), step, words[step], *around, *pair))
    names = ["similarity", "pair", "step", "token", "before", "after", "source", "target"]
    return pd.DataFrame(rows, columns=names), kept.values[order]


def project(
    values: Float32[np.ndarray, "state unit"], method: Literal["pca", "t-sne"] = "pca", seed: int = 0
) -> Float64[np.ndarray, "state 2"]:
    """Return states as points of a plane.

    Principal components keep distances as far as two directions can; t-SNE (van der Maaten 2008) keeps who is near
    whom, and nothing else: its axes, and distances between groups, mean nothing.

    Raises
    ------
    Error
        There are fewer than 3 states.
    """
    if len(values) < 3:
        raise Error(f"{len(values)} states make no picture; take at least 3")
    if method == "pca":
        return np.asarray(PCA(2, random_state=seed).fit_transform(values), np.float64)
    perplexity = min(30.0, (len(values) - 1) / 3)
    fit = TSNE(2, perplexity=perplexity, init="pca", random_state=seed)
    return np.asarray(fit.fit_transform(values), np.float64)
