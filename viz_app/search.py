"""A cell for something: the units of a model that tell a label best, on text at hand, with controls and causes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

import rnncore
from rnncore import LanguageModel, analysis
from rnncore.analysis import Dictionary, Feature, Sample
from rnncore.analysis.dictionary import best_labels, record_effect
from rnncore.analysis.scores import FEWEST
from rnncore.errors import Error
from viz_app.components.waiting import Progress
from viz_app.figures.words import count, thousands

READ = 40_000
"""Characters that are read to find a unit."""

VALUES = 48_000_000
"""Signals of units at steps that are held at once: 192 MB."""

SHIFTS = 39
"""Times that the labels are shifted."""

FRESH = 8
"""Untrained models to compare with, at most."""

REMOVED, RANDOM = 10_000, 6
"""Symbols that are read again without a unit; units drawn at random, for what the removal of a typical one does."""

TAKEN_OUT = (
    f"A cell that is taken out here is compared with {count(RANDOM)} others, drawn at random, on {thousands(REMOVED)} "
    "symbols that are read again."
)

BEST = 5
"""Units that are shown."""


@dataclass(frozen=True, eq=False)
class Heard:
    """What a model does as it reads ``text``, and what models of the same shape with random weights do."""

    text: str
    seen: Sample
    untrained: tuple[Sample, ...]


def read(model: LanguageModel, text: str, progress: Progress) -> Heard:
    """Let a model read a text, and untrained ones, heard at a quarter of the steps.

    Raises
    ------
    Error
        The text is too short, or the model reads both ways.
    """
    fresh = _fresh(model)

    def part(number: int) -> Progress:
        return lambda done, total: progress(number * total + done, (1 + fresh) * total)

    positions = _positions(model)
    seen = analysis.sample(model, text, positions=positions, progress=part(0))
    others = [
        analysis.sample(analysis.untrained(model, number), text, positions=positions // 4, progress=part(1 + number))
        for number in range(fresh)
    ]
    return Heard(text, seen, tuple(others))


def search(model: LanguageModel, heard: Heard, feature: Feature, progress: Progress) -> pd.DataFrame:
    """Return the units that tell ``feature`` best: rows as in :attr:`rnncore.analysis.Dictionary.units`.

    They are chosen on one half of the text; the best on the other come first.

    Raises
    ------
    Error
        The feature is too unevenly spread over the text.
    """
    y = analysis.labels([feature], model.vocabulary, heard.text)
    found = analysis.scores(heard.seen, [feature], y, shifts=SHIFTS, progress=progress)
    reached = [analysis.scores(other, [feature], y, shifts=0).unseen for other in heard.untrained]
    bar = np.fmax.reduce([np.fmax.reduce(strength, 1) for strength in reached])
    if np.isnan(found.rank).any() or np.isnan(bar).any():
        raise Error(
            f"{feature.title} hardly holds, or hardly fails, in one part of the text, so that no unit is judged"
        )
    table = best_labels(found, bar)
    strongest = found.columns.assign(strength=found.strength[0, 0]).groupby(["layer", "unit"])["strength"].max()
    best = strongest.reset_index(drop=True).nlargest(BEST).index  # a row of the table each, in the same order
    return table.loc[best].sort_values("strength", ascending=False, kind="stable").reset_index(drop=True)


def terms(model: LanguageModel) -> str:
    """Return in a sentence what a search rests on: less than a dictionary."""
    fresh = _fresh(model)
    others = f"{count(fresh)} untrained model{'s' if fresh > 1 else ''}"
    return (
        f"A quick look, at {thousands(_positions(model))} steps at most, beside {others} and {SHIFTS} shifts of the "
        "labels: `rnncore units` takes more of each, and its verdicts weigh more."
    )


def judge(model: LanguageModel, text: str, feature: Feature) -> None:
    """Raise an error that says so where a feature is too rare in a text, or too common, to judge units by.

    Raises
    ------
    Error
        It is.
    """
    label = analysis.labels([feature], model.vocabulary, text)[0]
    label = label[~np.isnan(label)]
    if feature.kind == "discrete":
        rarer = min(int((label == 1).sum()), int((label == 0).sum()))
        if rarer * _positions(model) < 6 * 2 * FEWEST * len(label):
            raise Error(
                f"{feature.title} holds at {int((label == 1).sum()):,} of {len(label):,} characters, which is too "
                f"{'few' if rarer == (label == 1).sum() else 'many'} to judge units by"
            )
    elif not len(label) or label.min() == label.max():
        raise Error(f"{feature.title} is the same everywhere in these {len(label):,} characters")


def _fresh(model: LanguageModel) -> int:
    """Return how many untrained models there are to compare with."""
    return min(FRESH, analysis.untrained_models(model, least=1))


def _positions(model: LanguageModel) -> int:
    """Return at how many steps a model's signals are held."""
    columns = len(model.cells) * model.config.units * len(model.layers[0].signals())
    return min(12_000, VALUES // columns)


def known(dictionary: Dictionary, name: str) -> pd.DataFrame:
    """Return the units that tell a label best, as a dictionary holds them: rows as :func:`search` returns.

    Units whose own best label it is come with all their evidence; those that tell another one better have the verdict
    "another label", with the title of that in ``own``.
    """
    label = dictionary.labels.set_index("feature").loc[name]
    scores = dictionary.evidence[dictionary.evidence["feature"] == name].dropna(subset=["strength"])
    rows = scores.merge(dictionary.units, on=["layer", "unit"], suffixes=("", "_own"))
    own = rows["feature_own"] == name
    told = pd.DataFrame(
        {
            **{column: rows[column] for column in ("layer", "unit", "signal", "feature", "strength", "rank")},
            "title": label["title"],
            "kind": label["kind"],
            "control": label["control"],
            "untrained": label["untrained"],
            **{column: rows[column].where(own) for column in ("r2", "least", "effect", "low", "high", "random")},
            "verdict": rows["verdict"].where(own, "another label"),
            "own": rows["title"].where(~own, ""),
        }
    )
    first = (told["verdict"] == "verified").astype(float)
    order = (told["strength"] + first).sort_values(ascending=False, kind="stable").index
    return told.loc[order].head(BEST).reset_index(drop=True)


def remove(model: LanguageModel, text: str, feature: Feature, row: pd.Series, progress: Progress) -> pd.Series:
    """Return a unit's row with what its removal does, and its verdict settled by that where it passed all else.

    Raises
    ------
    rnncore.Error
        The text is too short.
    """
    half = len(text) // 2
    y = analysis.labels([feature], model.vocabulary, text)[0]
    removal = analysis.Removal(model, text, slice(half, half + REMOVED))
    own = (int(row["layer"]), int(row["unit"]))
    every = [(layer, unit) for layer in range(len(model.cells)) for unit in range(model.config.units)]
    every.remove(own)
    chosen = np.random.default_rng(0).choice(len(every), min(RANDOM, len(every)), replace=False)
    effects = []
    for done, unit in enumerate([own, *(every[place] for place in chosen)], 1):
        effects.append(removal.effect(removal.rise([unit]), y, draws=2000 if unit == own else 1))
        progress(done, 1 + len(chosen))
    if not effects[0].steps or np.isnan(effects[0].difference.value):
        raise rnncore.Error(f"{feature.title} does not occur in the text that is read again without the unit")
    typical = float(np.nanmedian([abs(effect.difference.value) for effect in effects[1:]] or [0.0]))
    table = pd.DataFrame([row.to_dict() | {"inside": np.nan, "outside": np.nan}])
    record_effect(table, 0, effects[0], typical)
    if row["verdict"] != "correlated only":
        table["verdict"] = row["verdict"]
    return table.iloc[0]
