"""What a comparison compares, in a sentence: weights, data, seeds; matched or not."""

from __future__ import annotations

import math

import pandas as pd

from viz_app.figures.words import THIN, listed, thousands

ALIKE = 0.03
"""Models whose numbers of weights differ by no more than this share count as matched."""


def matched(facts: pd.DataFrame) -> str:
    """Return what is the same about the models and what is not.

    Parameters
    ----------
    facts : DataFrame
        One row a model: ``parameters``, and as far as its run tells (None otherwise) ``data`` (name),
        ``sha256`` of the data, ``steps``, ``seed`` and ``learning_rate``.
    """
    if len(facts) == 1:
        return f"One model of {_size(facts['parameters'].iloc[0])} weights, one seed."
    same, different = [], []
    alike, said = weights(facts["parameters"])
    (same if alike else different).append(said)
    if facts["sha256"].isna().any():
        different.append("training data not known for all")
    elif facts["sha256"].nunique() == 1:
        same.append(f"training data ({facts['data'].iloc[0]})")
    else:
        different.append("different training data")
    if facts["steps"].isna().any() or facts["steps"].nunique() > 1:
        different.append("different lengths of training")
    else:
        same.append(f"number of steps ({thousands(facts['steps'].iloc[0])})")
    if facts["seed"].isna().any():
        different.append("seeds not known for all")
    elif facts["seed"].nunique() == 1:
        same.append("seed")
    else:
        different.append("different seeds")
    rates = facts["learning_rate"].dropna()
    own = f", learning rates {rates.min():g} to {rates.max():g}" if rates.nunique() > 1 else ""
    sentence = f"Same {listed(['text', *same])}{own}; one run each, so no band."
    return f"Not matched: {listed(different)}. {sentence}" if different else sentence


def weights(counts: pd.Series) -> tuple[bool, str]:
    """Return whether numbers of weights are alike, and the words for it; see :data:`ALIKE`."""
    least, most = counts.min(), counts.max()
    apart = most / least - 1
    if apart > ALIKE:
        return False, f"{_size(least)} to {_size(most)} weights"
    within = f"within {math.ceil(1000 * apart - 1e-9) / 10:.1f}{THIN}%" if apart else "exactly"
    return True, f"number of weights ({_size(counts.mean())}, {within})"


def _size(weights: float) -> str:
    if weights >= 999_500:
        return f"{weights / 1e6:.2f} million"
    return f"{weights / 1e3:.0f} thousand" if weights >= 9_950 else thousands(weights)
