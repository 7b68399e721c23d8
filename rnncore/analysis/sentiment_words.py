"""A judge that reads no model: logistic regression on which words occur."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float64
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from rnncore.analysis.sentiment_texts import TRAIN, VALIDATION, Labelled

PENALTIES = tuple(2.0**k for k in range(-8, 1))
"""C, of which the best on validation is taken."""


@dataclass(frozen=True, eq=False)
class Words:
    """What each word says about a text's label: P(label 1) = sigmoid(intercept + sum of the weights of its words).

    ``weights`` is a table of word and weight. A word counts once, however often it occurs.
    """

    weights: pd.DataFrame = field(repr=False)
    intercept: float

    @classmethod
    def learn(cls, data: Labelled) -> Words:
        """Learn from a labelled training part; the penalty is chosen on validation."""
        texts, occurrences = data.texts, CountVectorizer(binary=True)
        train, validation = data.at(TRAIN), data.at(VALIDATION)
        occurrences.set_params(min_df=2 if len(train) < 5000 else 5)
        X = occurrences.fit_transform([texts[k] for k in train])
        V = occurrences.transform([texts[k] for k in validation])
        fits = [LogisticRegression(C=C, max_iter=1000).fit(X, data.labels[train]) for C in PENALTIES]
        best = max(fits, key=lambda fit: float(fit.score(V, data.labels[validation])))
        table = pd.DataFrame({"word": occurrences.get_feature_names_out(), "weight": best.coef_[0].astype(np.float32)})
        return cls(table, float(best.intercept_[0]))

    def occurrences(self, texts: Sequence[str]) -> Any:
        """Return 1 where a word is in a text, a sparse matrix [text, word]."""
        return CountVectorizer(binary=True, vocabulary=list(self.weights["word"])).transform(texts)

    def probability(self, texts: Sequence[str]) -> Float64[np.ndarray, " text"]:
        """Return P(label 1) of each text."""
        scores = self.occurrences(texts) @ self.weights["weight"].to_numpy(float) + self.intercept
        return np.asarray(1 / (1 + np.exp(-scores)), np.float64)
