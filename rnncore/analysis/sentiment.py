"""The sentiment neuron of Radford (2017), for any two kinds of text.

A model has only learned to predict the next symbol: how well can the two be told from its states at the end of each
text, and does one unit suffice? A linear probe reads all units, a threshold reads one. Both are chosen on training and
validation texts; the held-out texts are judged once, and nothing is chosen by them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float32, Float64

from rnncore.analysis.sample import untrained
from rnncore.analysis.sentiment_curves import by_labels, by_units
from rnncore.analysis.sentiment_found import Sentiment
from rnncore.analysis.sentiment_probe import (
    Linear,
    Unit,
    accuracy,
    aucs,
    calibration,
    calibration_error,
    interval,
    linear,
    one_unit,
    sigmoid,
)
from rnncore.analysis.sentiment_states import final_states, memory
from rnncore.analysis.sentiment_texts import HELD_OUT, TRAIN, VALIDATION, Labelled
from rnncore.analysis.sentiment_words import Words
from rnncore.network.model import LanguageModel

Stages = Callable[[str, int, int], None]
"""Called now and then with what is being done, how much of it is, and how much there is."""

RIVAL_TEXTS = 8000
"""Texts that the untrained model reads, since reading takes most of the time."""

BINS = 60
"""Of the histograms."""


def sentiment(
    model: LanguageModel,
    data: Labelled,
    *,
    transfer: Sequence[Labelled] = (),
    rival_texts: int = RIVAL_TEXTS,
    draws: int = 10,
    seed: int = 0,
    precision: str = "float32",
    cache: Path | None = None,
    progress: Stages | None = None,
) -> Sentiment:
    """Find how well a model tells two kinds of text apart, with all its units and with one.

    Parameters
    ----------
    data : Labelled
        See :func:`rnncore.analysis.labelled`.
    transfer : sequence of Labelled
        Other texts with the same labels, to be told by what was learned from ``data``, and by a probe of their own.
    rival_texts : int
        How many texts an untrained model of the same shape reads; 0 leaves it out. Its probes have fewer labels then;
        ``by_labels`` says what the trained model makes of as many.
    draws : int
        Repetitions with few labels; see :func:`rnncore.analysis.sentiment_curves.by_labels`.
    precision, cache
        See :func:`rnncore.analysis.final_states`.
    progress : callable, optional
        Called with (what, how much is done, how much there is).
    """

    def read(model: LanguageModel, data: Labelled) -> Float32[np.ndarray, "text column"]:
        report = partial(progress, f"reading {data.name}") if progress else None
        return final_states(model, data.texts, precision=precision, cache=cache, progress=report)

    X, y = read(model, data), data.labels
    train, validation, held = (data.at(part) for part in (TRAIN, VALIDATION, HELD_OUT))
    chosen = _choose(X, data)
    probe, unit = chosen
    words = Words.learn(data)
    rest = X.copy()
    rest[:, unit.column] = 0
    without = linear(rest[train], y[train], rest[validation], y[validation], [probe.C])
    rows = [
        *_rows(chosen, X, data, "trained", data),
        _row("trained", "without the unit", data, data, without.scores(rest[held])),
        _by_words(words, data, data),
    ]
    for other in transfer:
        states = read(model, other)
        rows += _rows(chosen, states, other, "trained", data)
        rows += _rows(_choose(states, other), states, other, "trained", other)
        again = one_unit(*_known(states[:, [unit.column]], other))
        rows.append(
            _row("trained", "the same unit", other, other, again.scores(states[other.at(HELD_OUT)][:, [unit.column]]))
        )
        rows += [_by_words(words, other, data), _by_words(Words.learn(other), other, other)]
    if rival_texts:
        few = data.few(rival_texts, seed)
        fresh = read(untrained(model, seed), few)
        rows += _rows(_choose(fresh, few), fresh, few, "untrained", few)
    values = X[:, unit.column].astype(np.float64)
    slope, intercept = calibration(unit.scores(X[validation]), y[validation])
    probe_slope, probe_offset = calibration(probe.scores(X[validation]), y[validation])
    histogram, overlap = _histogram(values[held], y[held])
    logits = probe_slope * probe.scores(X[held]) + probe_offset
    probe_histogram, probe_overlap = _histogram(logits, y[held])
    low, middle, high = np.quantile(X[train], (0.01, 0.5, 0.99), axis=0)
    count = model.config.units
    learned = partial(progress, "fewer labels") if progress else None
    return Sentiment(
        model=model.name,
        weights=model.fingerprint,
        data=data.name,
        classes=data.classes,
        signal=memory(model),
        layer=unit.column // count,
        unit=unit.column % count,
        polarity=unit.polarity,
        threshold=unit.threshold,
        slope=slope * unit.polarity,
        offset=intercept - slope * unit.polarity * unit.threshold,
        C=probe.C,
        intercept=probe.intercept,
        probe_slope=probe_slope,
        probe_offset=probe_offset,
        probe_overlap=probe_overlap,
        probe_calibration_error=calibration_error(sigmoid(logits), y[held]),
        overlap=overlap,
        calibration_error=calibration_error(sigmoid(slope * unit.scores(X[held]) + intercept), y[held]),
        units=pd.DataFrame(
            {
                "layer": np.arange(X.shape[1]) // count,
                "unit": np.arange(X.shape[1]) % count,
                "auc": aucs(X[train], y[train]),
                "weight": probe.weights,
                "low": low,
                "middle": middle,
                "high": high,
            }
        ),
        accuracy=pd.DataFrame(rows),
        histogram=histogram,
        probe_histogram=probe_histogram,
        by_units=by_units(X[train], y[train], X[validation], y[validation], X[held], y[held], seed=seed),
        by_labels=by_labels(
            X, words.occurrences(data.texts), y, (train, validation, held), draws=draws, seed=seed, progress=learned
        ),
        words=words,
    )


def _choose(X: Float32[np.ndarray, "text column"], data: Labelled) -> tuple[Linear, Unit]:
    """Return the probe and the unit; only training and validation texts are handed on."""
    known = _known(X, data)
    return linear(*known), one_unit(*known)


def _known(X: np.ndarray, data: Labelled) -> tuple[Any, Any, Any, Any]:
    train, validation = data.at(TRAIN), data.at(VALIDATION)
    return X[train], data.labels[train], X[validation], data.labels[validation]


def _rows(
    chosen: tuple[Linear, Unit], X: np.ndarray, data: Labelled, by: str, fitted: Labelled
) -> list[dict[str, Any]]:
    probe, unit = chosen
    H = X[data.at(HELD_OUT)]
    return [
        _row(by, "all units", data, fitted, probe.scores(H)),
        _row(by, "one unit", data, fitted, unit.scores(H)),
    ]


def _by_words(words: Words, data: Labelled, fitted: Labelled) -> dict[str, Any]:
    p = words.probability([data.texts[k] for k in data.at(HELD_OUT)])
    return _row("words", "words", data, fitted, p - 0.5)


def _row(by: str, read: str, data: Labelled, fitted: Labelled, scores: np.ndarray) -> dict[str, Any]:
    labels = data.labels[data.at(HELD_OUT)]
    share = accuracy(scores, labels)
    low, high = interval(share * len(labels), len(labels))
    what = {"by": by, "read": read, "data": data.name, "fitted": fitted.name, "labels": len(fitted.at(TRAIN))}
    return {**what, "accuracy": share, "low": low, "high": high, "texts": len(labels)}


def _histogram(values: Float64[np.ndarray, " text"], labels: np.ndarray) -> tuple[pd.DataFrame, float]:
    """Return both labels' histograms, ends included in the outer bins, and the share they have in common."""
    low, high = np.quantile(values, (0.002, 0.998))
    edges = np.linspace(low, high, BINS + 1)
    inside = values.clip(edges[0], edges[-1])
    zero, one = (np.histogram(inside[labels == label], edges)[0] for label in (0, 1))
    table = pd.DataFrame({"left": edges[:-1], "right": edges[1:], "zero": zero, "one": one})
    return table, float(np.minimum(zero / zero.sum(), one / one.sum()).sum())
