"""Hold units while the model writes, and let a judge who does not know the model say what was written."""

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
"""Where units are held; see :func:`held_at`."""

TOGETHER = (1, 8, 64)
"""How many of the best units are held at once: one, or as many as a matter may be shared by."""


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
    units: int = 1,
    samples: int = 6,
    length: int = 300,
    prompt: str = "",
    temperature: float = 1.0,
    seed: int = 0,
    progress: Report | None = None,
) -> pd.DataFrame:
    """Let the model write with its best units held at a setting, or left alone.

    At every setting the texts are written with the same random numbers.

    Parameters
    ----------
    setting : float or None
        See :func:`held_at`; None holds nothing.
    units : int
        How many are held, the one that was found first; see :meth:`Sentiment.best`.
    prompt : str
        How every text begins, after what all texts begin with; it is read with the units held.
    progress : callable, optional
        Called with (symbols of each text written, symbols in all).

    Returns
    -------
    DataFrame
        One row a text: text, what was written after ``prompt``; by_words, P(label 1) by a judge who knows words alone.
    """
    held = [] if setting is None else _clamps(found, found.best(units), setting)
    texts = generate_many(
        model,
        [_opening(model, prompt)] * samples,
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
    units: Sequence[int] = TOGETHER,
    prompt: str = "",
    temperature: float = 1.0,
    controls: int = 4,
    seed: int = 0,
    progress: Report | None = None,
) -> pd.DataFrame:
    """Measure what holding the best units does to what the model writes.

    All texts are written with the same random numbers at every setting, and judged by ``found.words``, which knows the
    words of labelled texts and nothing of the model.

    Parameters
    ----------
    samples : int
        Texts a setting.
    length : int
        Symbols a text.
    settings : sequence of float
        Ascending, from label 0 to label 1; see :func:`held_at`.
    prompt : str
        As for :func:`steered`.
    units : sequence of int
        How many are held at once, in turn; more than half of the model's are left out.
    controls : int
        So often as many of the other units are drawn at random, and held in the same way; each draw has its share of
        the samples.
    progress : callable, optional
        Called with (texts written, texts in all).

    Returns
    -------
    DataFrame
        One row a setting: held ("nothing", "best units", "random units"); units, how many at once; setting and value,
        nan where nothing is held and for several units; samples; ones, the share that the judge
        gives label 1, with a 95 % interval, low to high; mean, P(label 1) by the judge; effect, that share less the
        one where nothing is held, with a 95 % interval, least to most.
    """
    if samples < controls or controls < 1:
        raise Error(f"expected at least one control and as many samples, not {controls} and {samples}")
    random = np.random.default_rng(seed)
    counts = [count for count in units if count == 1 or count <= len(found.units) // 2]
    shares = np.array_split(np.arange(samples), controls)
    total, done = samples * (1 + 2 * len(settings) * len(counts)), 0

    def judged(changes: Sequence[Intervention], numbers: np.ndarray) -> Float64[np.ndarray, " text"]:
        nonlocal done
        texts = generate_many(
            model,
            [_opening(model, prompt)] * len(numbers),
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
    ranked = found.best(len(found.units))
    for count in counts:
        best, others = ranked[:count], ranked[count:]
        for setting in settings:
            p = judged(_clamps(found, best, setting), np.arange(samples))
            value = held_at(found, setting) if count == 1 else float("nan")
            rows.append(_row("best units", count, setting, value, p, free))
        drawn = [others.iloc[random.permutation(len(others))[:count]] for _ in shares if len(others)]
        for setting in settings if drawn else ():
            held = [_clamps(found, some, setting) for some in drawn]
            p = np.concatenate([judged(clamps, share) for clamps, share in zip(held, shares, strict=True)])
            rows.append(_row("random units", count, setting, float("nan"), p, free))
    return pd.DataFrame(rows)


def _opening(model: LanguageModel, prompt: str) -> str:
    """Return what is read before a text is written; a subword that begins a word brings its own space."""
    whole = OPENING + prompt
    return whole.rstrip(" ") if model.vocabulary.kind == "subwords" else whole


def _clamps(found: Sentiment, units: pd.DataFrame, setting: float) -> list[Intervention]:
    return [
        Clamp(layer, found.signal, unit, held_at(found, setting, layer, unit))
        for layer, unit in units[["layer", "unit"]].to_numpy().tolist()
    ]


def strength(steering: pd.DataFrame) -> pd.DataFrame:
    """Return how far holding units moves the verdict: the share of label 1 at the last setting less the first.

    Returns
    -------
    DataFrame
        One row for the best and for random units, of each number held at once: held, units, strength, and its 95 %
        interval over texts, low to high; how much units differ is not in it.
    """
    rows = []
    for (count, held), table in steering[steering["held"] != "nothing"].groupby(["units", "held"], sort=False):
        table = table.sort_values("setting")
        ends = [(round(row["ones"] * row["samples"]), int(row["samples"])) for _, row in table.iterrows()]
        gap, low, high = difference(ends[-1], ends[0])
        rows.append({"held": held, "units": count, "strength": gap, "low": low, "high": high})
    return pd.DataFrame(rows, columns=["held", "units", "strength", "low", "high"])


def spoken(held: str, units: int) -> str:
    """Return what a row of :func:`steer` or :func:`strength` held, such as "the best 8 units"."""
    if units == 1:
        return "the best unit" if held == "best units" else "a random unit"
    return f"the best {units} units" if held == "best units" else f"{units} random units"


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
