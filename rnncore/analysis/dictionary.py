"""What each unit of a model stands for, with the evidence, and how many of the units are explained at all."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32

from rnncore.analysis.cause import Effect, How, Removal
from rnncore.analysis.features import Feature, labels
from rnncore.analysis.sample import sample, untrained
from rnncore.analysis.scores import Scores, scores
from rnncore.errors import Error
from rnncore.files import write_atomically
from rnncore.network.model import LanguageModel

Stages = Callable[[str, int, int], None]
"""Called now and then with what is being done, how much of it is, and how much there is."""

AUC, R2 = 0.9, 0.6
"""What a discrete label, and a scalar one, must reach on unseen text."""

RANDOM = 20
"""Units drawn at random, whose removal shows what that of any unit does."""

UNTRAINED = 2
"""Untrained models to compare with, at least."""

UNTRAINED_UNITS = 240
"""Units that the untrained models have together, at least: one in a small model may tell a simple label by luck."""

VERDICTS = {
    "verified": f"tells its label on unseen text with an AUC of {AUC} or an R² of {R2}, at most half as far from "
    "certain as any unit of untrained models; without it the loss rises, differently inside the concept and outside, "
    "and more so than without the typical unit",
    "correlated only": "tells its label as well, but its removal does not show that the model relies on it",
    "untrained too": f"reaches an AUC of {AUC} or an R² of {R2}, but some unit of untrained models comes near it",
    "unexplained": "has something to do with its label, but stays below these figures on unseen text",
    "chance": "is no nearer to any label than shifted labels are to some unit",
}
"""What the verdicts mean."""


@dataclass(frozen=True, eq=False)
class Dictionary:
    """Every unit of a model with its best label.

    Attributes
    ----------
    model : str
    units : DataFrame
        One row a unit: layer, unit; the signal, feature, title and kind of its best label, chosen on one half of the
        text; on unseen text strength, auc (discrete), r2 (scalar, monotone), least (the least strength in any of three
        texts), rank (2 AUC - 1, or Spearman's rho) and control (the highest |rank| of any unit with shifted labels);
        untrained (the highest strength of any unit of untrained models); where its removal was tried, effect (rise
        of the loss inside minus outside, nats), low and high (95 % interval), inside and outside, and random (the
        median |effect| of random units for the same concept); verdict.
    labels : DataFrame
        One row a feature: feature, title, kind, control, untrained, verified (how many units), and the best unit on
        unseen text: layer, unit, signal, strength, verdict.
    """

    model: str
    units: pd.DataFrame = field(repr=False)
    labels: pd.DataFrame = field(repr=False)

    @property
    def shares(self) -> dict[str, float]:
        """Which share of the units has each verdict."""
        return {verdict: float((self.units["verdict"] == verdict).mean()) for verdict in VERDICTS}

    def save(self, folder: str | Path) -> None:
        """Write units.parquet, units.csv and labels.csv into ``folder``, which is made if need be.

        Raises
        ------
        Error
            The disk refuses.
        """
        folder = Path(folder)
        parquet = io.BytesIO()
        self.units.to_parquet(parquet, index=False)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(folder / "units.parquet", parquet.getvalue())
            write_atomically(folder / "units.csv", self.units.to_csv(index=False).encode())
            write_atomically(folder / "labels.csv", self.labels.to_csv(index=False).encode())
        except OSError as error:
            raise Error(f"cannot write into {folder}: {error.strerror}") from error


def dictionary(
    model: LanguageModel,
    text: str,
    features: Sequence[Feature],
    *,
    positions: int = 60_000,
    removed: int = 30_000,
    how: How = "mean",
    shifts: int = 99,
    seed: int = 0,
    progress: Stages | None = None,
) -> Dictionary:
    """Find what each unit of ``model`` stands for, and weigh the evidence.

    Parameters
    ----------
    text : str
        At least 2,400 symbols that the model was not trained on. Labels are chosen on its first half and judged on the
        second.
    positions : int
        Steps at which units are scored; see :func:`rnncore.analysis.sample`. Untrained models have a quarter
        of them, in the beginnings of all streams.
    removed : int
        Symbols of the second half that are read again without a unit, for each unit that is near a verdict.
    how : {"mean", "zero", "resample"}
        How units are taken out.
    progress : callable, optional
        Called with (what, done, in all).

    Raises
    ------
    Error
        There are no features, or the text is too short.
    """
    if not features:
        raise Error("a dictionary needs at least one feature")

    def stage(what: str) -> Callable[[int, int], None] | None:
        return partial(progress, what) if progress else None

    y = labels(features, model.vocabulary, text)
    seen = sample(model, text, positions=positions, seed=seed, progress=stage("reading"))
    found = scores(seen, features, y, shifts=shifts, seed=seed, progress=stage("scoring"))
    half = slice(seen.symbols[1], seen.symbols[1] + removed)
    del seen  # gigabytes
    bar, share = np.zeros(len(features), np.float32), min(1.0, 2 * positions / y.shape[1])
    many = max(UNTRAINED, -(-UNTRAINED_UNITS // (len(model.layers) * model.config.units)))
    for number in range(many):
        fresh = sample(
            untrained(model, seed + number),
            text,
            positions=positions // 4,
            share=share,
            seed=seed,
            progress=stage(f"reading, untrained {number + 1} of {many}"),
        )
        reached = scores(fresh, features, y, shifts=0).unseen
        bar = np.fmax(bar, np.fmax.reduce(reached, 1))
    units = best_labels(found, bar)
    removal = Removal(model, text, half, seed)
    every = list(units[["layer", "unit"]].itertuples(index=False, name=None))
    tried = units.index[units["verdict"] == "correlated only"].tolist()
    some = np.random.default_rng(seed).choice(len(units), min(RANDOM, len(units)), replace=False).tolist()
    rises = {}
    for number, row in enumerate(dict.fromkeys([*some, *tried])):
        rises[row] = removal.rise([every[row]], how)
        if progress is not None:
            progress("removing units", number + 1, len({*some, *tried}))
    names = [known.name for known in features]
    for row in tried:
        label = y[names.index(str(units.at[row, "feature"]))]
        others = [abs(removal.effect(rises[other], label, draws=1).difference.value) for other in some if other != row]
        record_effect(units, row, removal.effect(rises[row], label, seed=seed), float(np.nanmedian(others or [0.0])))
    return Dictionary(model.name, units, _by_label(found, bar, units))


def best_labels(found: Scores, untrained: Float32[np.ndarray, " feature"]) -> pd.DataFrame:
    """Return each unit's best label, its evidence so far, and the verdict before any unit was removed.

    The label is chosen by its strength on part 0: among those that are stronger there than in any unit of an untrained
    model, if there are any.
    """
    chosen = np.nan_to_num(found.strength[0])
    chosen = chosen + (chosen > untrained[:, None])
    places, rows = found.columns[["layer", "unit"]].to_numpy(int), []
    for layer, unit in np.unique(places, axis=0).tolist():
        own = np.flatnonzero((places == (layer, unit)).all(1))
        feature, signal = np.unravel_index(chosen[:, own].argmax(), (len(chosen), len(own)))
        rows.append(_evidence(found, untrained, layer, unit, int(feature), int(own[signal])))
    units = pd.DataFrame(rows)
    missing = dict.fromkeys(("effect", "low", "high", "inside", "outside", "random"), np.nan)
    units = units.assign(**missing)
    return units[[*(name for name in units if name != "verdict"), "verdict"]]


def _evidence(found: Scores, untrained: np.ndarray, layer: int, unit: int, f: int, column: int) -> dict[str, object]:
    known = found.features[f]
    strength, rank = found.strength[:, f, column], float(found.rank[1:, f, column].mean())
    mean, least = float(strength[1:].mean()), float(strength[1:].min())
    discrete = known.kind == "discrete"
    r2 = float(found.monotone[1:, f, column].mean())
    if not found.above_control[f, column]:
        verdict = "chance"
    elif least <= 0 or (mean < 2 * AUC - 1 if discrete else r2 < R2):
        verdict = "unexplained"
    else:
        halved = 1 - mean <= (1 - untrained[f]) / 2
        verdict = "correlated only" if halved else "untrained too"
    return {
        "layer": layer,
        "unit": unit,
        "signal": found.columns["signal"].iloc[column],
        "feature": known.name,
        "title": known.title,
        "kind": known.kind,
        "strength": mean,
        "auc": (rank + 1) / 2 if discrete else np.nan,
        "r2": r2,
        "least": least,
        "rank": rank,
        "control": float(found.control[f]),
        "untrained": float(untrained[f]),
        "verdict": verdict,
    }


def record_effect(units: pd.DataFrame, row: int, effect: Effect, random: float) -> None:
    """Write what the removal of a unit showed into its row, and settle the verdict."""
    values = (*effect.difference, effect.inside.value, effect.outside.value, random)
    units.loc[row, ["effect", "low", "high", "inside", "outside", "random"]] = values
    stands_out = abs(effect.difference.value) > random
    units.loc[row, "verdict"] = "verified" if effect.causal and stands_out else "correlated only"


def _by_label(found: Scores, untrained: Float[np.ndarray, " feature"], units: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for f, known in enumerate(found.features):
        own = units[units["feature"] == known.name]
        best = own.iloc[int(own["strength"].to_numpy().argmax())] if len(own) else None
        names = ("layer", "unit", "signal", "strength", "verdict")
        rows.append(
            {
                "feature": known.name,
                "title": known.title,
                "kind": known.kind,
                "control": float(found.control[f]),
                "untrained": float(untrained[f]),
                "verified": int((own["verdict"] == "verified").sum()),
                **{name: None if best is None else best[name] for name in names},
            }
        )
    return pd.DataFrame(rows)
