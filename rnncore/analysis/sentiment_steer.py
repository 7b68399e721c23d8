"""Hold a unit while the model writes, and let a judge who does not know the model say what was written."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float64

from rnncore.analysis.pieces import Report
from rnncore.analysis.sentiment_found import Sentiment
from rnncore.analysis.sentiment_probe import difference, interval
from rnncore.errors import Error
from rnncore.network.generate import generate_many
from rnncore.network.intervene import Clamp, Intervention
from rnncore.network.model import LanguageModel
from rnncore.training.reviews import OPENING

SETTINGS = (-2.0, -1.0, 0.0, 1.0, 2.0)
"""Where the unit is held; see :func:`held_at`."""


def held_at(found: Sentiment, setting: float, layer: int | None = None, unit: int | None = None) -> float:
    """Return the value at which a unit is held.

    -1 and 1 are the values below which 1 % of the training texts end, and above which 1 % do; 0 is the median. Between
    them and beyond it is a line. 1 is on the side of label 1, as training texts have it: units whose low values say
    label 1 are turned around.
    """
    row = found.row(layer, unit)
    sign = 1 if row["auc"] >= 0.5 else -1
    end = float(row["high"] if setting * sign > 0 else row["low"])
    return float(row["middle"]) + abs(setting) * (end - float(row["middle"]))


def steered(
    model: LanguageModel,
    found: Sentiment,
    setting: float | None,
    *,
    samples: int = 6,
    length: int = 300,
    prompt: str = "",
    temperature: float = 1.0,
    seed: int = 0,
    progress: Report | None = None,
) -> pd.DataFrame:
    """Let the model write with the unit held at a setting, or left alone.

    At every setting the texts are written with the same random numbers.

    Parameters
    ----------
    setting : float or None
        See :func:`held_at`; None holds nothing.
    prompt : str
        How every text begins, after what all texts begin with; it is read with the unit held.
    progress : callable, optional
        Called with (symbols of each text written, symbols in all).

    Returns
    -------
    DataFrame
        One row a text: text, what was written after ``prompt``; by_words, P(label 1) by a judge who knows words alone.
    """
    held = [] if setting is None else _clamp(found, found.layer, found.unit, setting)
    texts = generate_many(
        model,
        [OPENING + prompt] * samples,
        length=length,
        temperature=temperature,
        seed=seed,
        interventions=held,
        progress=progress,
    )
    return pd.DataFrame({"text": texts, "by_words": found.words.probability(texts)})


def steer(
    model: LanguageModel,
    found: Sentiment,
    *,
    samples: int = 200,
    length: int = 300,
    settings: Sequence[float] = SETTINGS,
    prompt: str = OPENING,
    temperature: float = 1.0,
    controls: int = 4,
    seed: int = 0,
    progress: Report | None = None,
) -> pd.DataFrame:
    """Measure what holding the unit does to what the model writes.

    All texts are written with the same random numbers at every setting, and judged by ``found.words``, which knows the
    words of labelled texts and nothing of the model.

    Parameters
    ----------
    samples : int
        Texts a setting.
    length : int
        Symbols a text, after ``prompt``.
    settings : sequence of float
        Ascending, from label 0 to label 1; see :func:`held_at`.
    controls : int
        As many units drawn at random are held in the same way; each has its share of the samples.
    progress : callable, optional
        Called with (texts written, texts in all).

    Returns
    -------
    DataFrame
        One row a setting: held ("nothing", "the unit", "random units"); units, how many, of which a text has one;
        setting and value, nan where nothing is held and for several units; samples; ones, the share that the judge
        gives label 1, with a 95 % interval, low to high; mean, P(label 1) by the judge; effect, that share less the
        one where nothing is held, with a 95 % interval, least to most.
    """
    if samples < controls or controls < 1:
        raise Error(f"expected at least one control and as many samples, not {controls} and {samples}")
    random = np.random.default_rng(seed)
    others = found.units[(found.units["layer"] != found.layer) | (found.units["unit"] != found.unit)]
    drawn = others.iloc[random.permutation(len(others))[:controls]]
    shares = np.array_split(np.arange(samples), len(drawn)) if len(drawn) else []
    total, done = samples * (1 + len(settings) * (2 if len(drawn) else 1)), 0

    def judged(changes: Sequence[Intervention], numbers: np.ndarray) -> Float64[np.ndarray, " text"]:
        nonlocal done
        texts = generate_many(
            model,
            [prompt] * len(numbers),
            length=length,
            temperature=temperature,
            seed=seed + int(numbers[0]),
            interventions=changes,
        )
        done += len(texts)
        if progress is not None:
            progress(done, total)
        return found.words.probability(texts)

    free = judged([], np.arange(samples))
    rows = [_row("nothing", 0, float("nan"), float("nan"), free, free)]
    for setting in settings:
        p = judged(_clamp(found, found.layer, found.unit, setting), np.arange(samples))
        rows.append(_row("the unit", 1, setting, held_at(found, setting), p, free))
    for setting in settings if len(drawn) else ():
        held = [_clamp(found, layer, unit, setting) for layer, unit in drawn[["layer", "unit"]].to_numpy().tolist()]
        p = np.concatenate([judged(clamp, share) for clamp, share in zip(held, shares, strict=True)])
        rows.append(_row("random units", len(drawn), setting, float("nan"), p, free))
    return pd.DataFrame(rows)


def _clamp(found: Sentiment, layer: int, unit: int, setting: float) -> list[Intervention]:
    return [Clamp(layer, found.signal, unit, held_at(found, setting, layer, unit))]


def strength(steering: pd.DataFrame) -> pd.DataFrame:
    """Return how far holding a unit moves the verdict: the share of label 1 at the last setting less the first.

    Returns
    -------
    DataFrame
        One row for "the unit" and for "random units": held, units (how many), strength, and its 95 % interval over
        texts, low to high; how much units differ is not in it.
    """
    rows = []
    for held, table in steering[steering["held"] != "nothing"].groupby("held", sort=False):
        table = table.sort_values("setting")
        ends = [(round(row["ones"] * row["samples"]), int(row["samples"])) for _, row in table.iterrows()]
        gap, low, high = difference(ends[-1], ends[0])
        rows.append({"held": held, "units": int(table["units"].iloc[0]), "strength": gap, "low": low, "high": high})
    return pd.DataFrame(rows, columns=["held", "units", "strength", "low", "high"])


def _row(held: str, units: int, setting: float, value: float, p: np.ndarray, free: np.ndarray) -> dict[str, object]:
    ones, before = int((p > 0.5).sum()), int((free > 0.5).sum())
    low, high = interval(ones, len(p))
    effect, least, most = difference((ones, len(p)), (before, len(free)))
    return {
        "held": held,
        "units": units,
        "setting": setting,
        "value": value,
        "samples": len(p),
        "ones": ones / len(p),
        "low": low,
        "high": high,
        "mean": float(p.mean()),
        "effect": effect,
        "least": least,
        "most": most,
    }
