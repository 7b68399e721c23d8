"""What each unit of a model stands for, with the evidence, and how many of the units are explained at all."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Float32

from rnncore.analysis.cause import Effect, How, Removal, Unit
from rnncore.analysis.features import Feature, labels
from rnncore.analysis.sample import sample, untrained, untrained_models
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

VERDICTS = {
    "verified": f"tells its label on unseen text with an AUC of {AUC} or an R² of {R2}, at most half as far from "
    "certain (of R², its root) as any unit of untrained models; without it the loss rises, differently inside the "
    "concept and outside, and for certain more so than without the typical unit",
    "correlated only": "tells its label as well, but its removal does not show that the model relies on it",
    "untrained too": f"reaches an AUC of {AUC} or an R² of {R2}, but some unit of untrained models comes near it",
    "unexplained": "has something to do with its label, but stays below these figures on unseen text",
    "chance": "is no nearer to any label than shifted labels are to some unit",
}
"""What the verdicts mean."""


_PARQUET, _CSV = ("evidence", "units"), ("units", "labels")


@dataclass(frozen=True, eq=False)
class Dictionary:
    """Every unit of a model with its best label.

    Attributes
    ----------
    model : str
    weights : str
        The model's :attr:`rnncore.LanguageModel.fingerprint`: of any other weights these tables say nothing.
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
    evidence : DataFrame
        One row a unit and feature: layer, unit, feature; the signal that tells it best on the half to choose by, its
        strength and rank on unseen text.
    """

    model: str
    weights: str
    units: pd.DataFrame = field(repr=False)
    labels: pd.DataFrame = field(repr=False)
    evidence: pd.DataFrame = field(repr=False)

    @property
    def shares(self) -> dict[str, float]:
        """Which share of the units has each verdict."""
        return {verdict: float((self.units["verdict"] == verdict).mean()) for verdict in VERDICTS}

    def save(self, folder: str | Path) -> None:
        """Write units and evidence as Parquet, units and labels as CSV, into ``folder``, which is made if need be.

        Raises
        ------
        Error
            The disk refuses.
        """
        folder = Path(folder)
        self.units.attrs["weights"] = self.weights  # Parquet keeps it
        files = {f"{name}.csv": getattr(self, name).to_csv(index=False).encode() for name in _CSV}
        files |= {f"{name}.parquet": _parquet(getattr(self, name)) for name in _PARQUET}  # units last: they date all
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, content in files.items():
                write_atomically(folder / name, content)
        except OSError as error:
            raise Error(f"cannot write into {folder}: {error.strerror}") from error

    @classmethod
    def load(cls, folder: str | Path, model: str) -> Dictionary:
        """Read what :meth:`save` wrote about ``model``.

        Raises
        ------
        Error
            The files are not there, or not such tables.
        """
        folder = Path(folder)
        try:
            evidence, units = (pd.read_parquet(folder / f"{name}.parquet") for name in _PARQUET)
            labels = pd.read_csv(folder / "labels.csv")
        except (OSError, ValueError) as error:
            raise Error(f"{folder} holds no dictionary; `rnncore units {model} --out {folder}` writes one") from error
        return cls(model, str(units.attrs.get("weights", "")), units, labels, evidence)


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
    only: Unit | None = None,
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
        of them.
    removed : int
        Symbols of the second half that are read again without a unit, for each unit that is near a verdict.
    how : {"mean", "zero", "resample"}
        How units are taken out.
    only : (layer, unit), optional
        Judge this unit alone. Where it was not searched for, its control is the best of its own signals.
    progress : callable, optional
        Called with (what, done, in all).

    Raises
    ------
    Error
        There are no features, there is no such unit, or the text is too short.
    """
    if not features:
        raise Error("a dictionary needs at least one feature")

    def stage(what: str) -> Callable[[int, int], None] | None:
        return partial(progress, what) if progress else None

    y = labels(features, model.vocabulary, text)
    seen = sample(model, text, positions=positions, seed=seed, progress=stage("reading"))
    seen = seen if only is None else seen.of_unit(*only)
    found = scores(seen, features, y, shifts=shifts, seed=seed, progress=stage("scoring"))
    half = slice(seen.symbols[1], seen.symbols[1] + removed)
    del seen  # gigabytes
    bar = untrained_bar(model, text, features, y, np.isfinite(found.unseen).any(1), positions, seed, stage)
    units = best_labels(found, bar)
    every = [(layer, unit) for layer in range(len(model.layers)) for unit in range(model.config.units)]
    places = list(units[["layer", "unit"]].itertuples(index=False, name=None))
    tried = units.index[units["verdict"] == "correlated only"].tolist()
    drawn = np.random.default_rng(seed).choice(len(every), min(RANDOM, len(every)), replace=False).tolist()
    some = [every[number] for number in drawn] if tried else []
    removal, rises = Removal(model, text, half, seed), dict[Unit, np.ndarray]()
    taken_out = dict.fromkeys([*some, *(places[row] for row in tried)])
    for number, place in enumerate(taken_out):
        rises[place] = removal.rise([place], how)
        if progress is not None:
            progress("removing units", number + 1, len(taken_out))
    names = [known.name for known in features]
    for row in tried:
        label, place = y[names.index(str(units.at[row, "feature"]))], places[row]
        effect = removal.effect(rises[place], label, seed=seed)
        if np.isnan(effect.difference.value):
            continue  # the label does not occur in what was read again
        rest = [rises[other] for other in some if other != place]
        others = [abs(removal.effect(rise, label, draws=1).difference.value) for rise in rest]
        record_effect(units, row, effect, float(np.nanmedian(others or [0.0])))
    return Dictionary(model.name, model.fingerprint, units, _by_label(found, bar, units), _evidence(found))


def untrained_bar(
    model: LanguageModel,
    text: str,
    features: Sequence[Feature],
    y: Float32[np.ndarray, "feature time"],
    wanted: Bool[np.ndarray, " feature"],
    positions: int,
    seed: int,
    stage: Callable[[str], Callable[[int, int], None] | None],
) -> Float32[np.ndarray, " feature"]:
    """Return the highest strength of any unit of untrained models for each feature; nan for those not ``wanted``.

    They are scored at a quarter of the positions; for features that are too rare there, at all of them.
    """
    bar = np.full(len(features), np.nan, np.float32)
    many = untrained_models(model)
    for fewer in (4, 1):
        rows = np.flatnonzero(wanted & np.isnan(bar)).tolist()
        for number in range(many if rows else 0):
            fresh = sample(
                untrained(model, seed + number),
                text,
                positions=positions // fewer,
                seed=seed,
                progress=stage(f"reading, untrained {number + 1} of {many}"),
            )
            reached = scores(fresh, [features[row] for row in rows], y[rows], shifts=0).unseen
            bar[rows] = np.fmax(bar[rows], np.fmax.reduce(reached, 1))
    return bar


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
        rows.append(_verdict(found, untrained, layer, unit, int(feature), int(own[signal])))
    units = pd.DataFrame(rows)
    missing = dict.fromkeys(("effect", "low", "high", "inside", "outside", "random"), np.nan)
    units = units.assign(**missing)
    return units[[*(name for name in units if name != "verdict"), "verdict"]]


def _verdict(found: Scores, untrained: np.ndarray, layer: int, unit: int, f: int, column: int) -> dict[str, object]:
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
    stands_out = min(map(abs, effect.difference[1:])) > random  # also at the end of the interval that is nearer zero
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


def _evidence(found: Scores) -> pd.DataFrame:
    """Return the strength of every unit for every feature, by the signal that is best on the half to choose by."""
    columns, tables = found.columns, []
    for f, known in enumerate(found.features):
        own = columns.assign(
            feature=known.name,
            chosen=np.nan_to_num(found.strength[0, f]),
            strength=found.unseen[f],
            rank=found.rank[1:, f].mean(0),
        )
        tables.append(own.loc[own.groupby(["layer", "unit"])["chosen"].idxmax()])
    return pd.concat(tables, ignore_index=True)[["layer", "unit", "feature", "signal", "strength", "rank"]]


def _parquet(table: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    table.to_parquet(file, index=False, compression="zstd")
    return file.getvalue()
