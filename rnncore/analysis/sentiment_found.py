"""What was found about how a model tells two kinds of text apart; on disk, and applied to new texts."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32, Float64

from rnncore.analysis.sentiment_probe import sigmoid
from rnncore.analysis.sentiment_words import Words
from rnncore.errors import Error
from rnncore.files import write_atomically, write_json
from rnncore.network.model import LanguageModel

ONE, ALL = "one unit", "all units"
"""What a text can be read off."""


@dataclass(frozen=True, eq=False)
class Reading:
    """One number that is read off a model's states, and what it says of a text.

    Attributes
    ----------
    weights : float64 [layer, unit]
    intercept : float
        The number is their sum with the states. Of one unit it is the unit's value; of all units together it is their
        probe's log-odds of label 1, in nats, calibrated on validation.
    threshold, polarity
        Label 1 is above the threshold where ``polarity`` is 1, and below it where that is -1.
    slope, offset : float
        P(label 1) = sigmoid(slope * value + offset).
    histogram, overlap, calibration_error
        Of held-out texts; see :class:`Sentiment`.
    """

    weights: Float64[np.ndarray, "layer unit"] = field(repr=False)
    intercept: float
    threshold: float
    polarity: int
    slope: float
    offset: float
    histogram: pd.DataFrame = field(repr=False)
    overlap: float
    calibration_error: float

    def values(self, states: Float[np.ndarray, "layer time unit"]) -> Float64[np.ndarray, " time"]:
        """Return the number at each step."""
        return np.asarray(np.einsum("ltu,lu->t", states.astype(np.float64), self.weights) + self.intercept)

    def probability(self, values: Float[np.ndarray, "*axes"]) -> Float64[np.ndarray, "*axes"]:
        """Return P(label 1)."""
        return sigmoid(np.asarray(self.slope * values + self.offset, np.float64))


@dataclass(frozen=True, eq=False)
class Sentiment:
    """How well a model tells two kinds of text apart, and the unit that does it best.

    Attributes
    ----------
    model, data : str
        Which model, on which texts.
    weights : str
        The model's :attr:`rnncore.LanguageModel.fingerprint`: of any other weights this says nothing.
    classes : (str, str)
        What the labels 0 and 1 are called.
    signal : str
        What was read at each text's end.
    layer, unit : int
        The unit that ranks the training texts best.
    polarity : int
        1 where high values say label 1, -1 where low ones do.
    threshold : float
        Beyond it, on the side of ``polarity``, the verdict is label 1; chosen on validation.
    slope, offset : float
        P(label 1) = sigmoid(slope * value + offset) for this unit; fitted to validation.
    C, intercept : float
        Of the probe of all units, whose weights are in ``units``; its logit times ``probe_slope``, plus
        ``probe_offset``, is calibrated as well.
    probe_overlap, probe_calibration_error, probe_histogram
        As ``overlap``, ``calibration_error`` and ``histogram``, of that logit.
    overlap : float
        Share that the two histograms have in common: 1 if they are the same, 0 if they are apart.
    calibration_error : float
        Mean distance between P(label 1) by this unit and how often it is so, on held-out texts.
    units : DataFrame
        One row a unit: layer, unit; auc, on training texts; weight in the probe; low, middle and high: 1, 50 and 99 %
        of the training texts lie below.
    accuracy : DataFrame
        One row a way to tell the label: by ("trained", "untrained", "words"), read ("all units", "one unit", "without
        the unit", "words"), data, fitted (the data it was fitted to), labels (how many), accuracy on held-out texts
        with a 95 % interval, low to high, and texts (how many).
    histogram : DataFrame
        One row a bin of the unit's values: left, right, and the number of held-out texts of either label, zero and one.
    by_units, by_labels : DataFrame
        See :mod:`rnncore.analysis.sentiment_curves`.
    words : Words
        A judge of texts that has no part in the model.
    steering : DataFrame
        See :func:`rnncore.analysis.steer`; no rows until it was measured.
    """

    model: str
    weights: str
    data: str
    classes: tuple[str, str]
    signal: str
    layer: int
    unit: int
    polarity: int
    threshold: float
    slope: float
    offset: float
    C: float
    intercept: float
    probe_slope: float
    probe_offset: float
    probe_overlap: float
    probe_calibration_error: float
    overlap: float
    calibration_error: float
    units: pd.DataFrame = field(repr=False)
    accuracy: pd.DataFrame = field(repr=False)
    histogram: pd.DataFrame = field(repr=False)
    probe_histogram: pd.DataFrame = field(repr=False)
    by_units: pd.DataFrame = field(repr=False)
    by_labels: pd.DataFrame = field(repr=False)
    words: Words = field(repr=False)
    steering: pd.DataFrame = field(repr=False, default_factory=pd.DataFrame)

    def about(self, model: LanguageModel) -> Sentiment:
        """Return these findings if they are about ``model``, just as it is.

        Raises
        ------
        Error
            They are about other weights.
        """
        if self.weights != model.fingerprint:
            raise Error(f"these findings are about other weights than {model.name}'s; run `rnncore sentiment` again")
        return self

    def row(self, layer: int | None = None, unit: int | None = None) -> pd.Series:
        """Return what ``units`` says of a unit, by default of the one that was found."""
        place = (self.layer, self.unit) if layer is None or unit is None else (layer, unit)
        return self.units[(self.units["layer"] == place[0]) & (self.units["unit"] == place[1])].iloc[0]

    def best(self, count: int) -> pd.DataFrame:
        """Return the rows of the ``count`` units that rank the training texts best, the one that was found first."""
        order = np.argsort(-(self.units["auc"] - 0.5).abs().to_numpy(), kind="stable")
        return self.units.iloc[order[:count]]

    def reading(self, read: str = ONE) -> Reading:
        """Return how a text is read off "one unit", or "all units" together.

        Raises
        ------
        Error
            It is neither.
        """
        weights = np.zeros((1 + int(self.units["layer"].max()), 1 + int(self.units["unit"].max())))
        if read == ONE:
            weights[self.layer, self.unit] = 1
            told = self.threshold, self.polarity, self.slope, self.offset
            return Reading(weights, 0.0, *told, self.histogram, self.overlap, self.calibration_error)
        if read != ALL:
            raise Error(f"a text is read off {ONE!r} or {ALL!r}, not {read!r}")
        weights[self.units["layer"], self.units["unit"]] = self.probe_slope * self.units["weight"]
        intercept = self.probe_slope * self.intercept + self.probe_offset
        found = self.probe_histogram, self.probe_overlap, self.probe_calibration_error
        return Reading(weights, intercept, 0.0, 1, 1.0, 0.0, *found)

    def judged(self, states: Float32[np.ndarray, "text column"], texts: Sequence[str]) -> pd.DataFrame:
        """Return one row a text: its value of the unit, and P(label 1) by this unit, by all units, and by its words.

        ``states`` are those of :func:`rnncore.analysis.final_states`; ``verdict`` is the class that the unit says.
        """
        column = self.layer * (len(self.units) // (1 + int(self.units["layer"].max()))) + self.unit
        values = states[:, column].astype(np.float64)
        logits = states @ self.units["weight"].to_numpy(float) + self.intercept
        says = (self.polarity * (values - self.threshold) > 0).astype(int)
        return pd.DataFrame(
            {
                "value": values,
                "verdict": [self.classes[label] for label in says],
                "by_unit": self.reading().probability(values),
                "by_all_units": sigmoid(np.asarray(self.probe_slope * logits + self.probe_offset, np.float64)),
                "by_words": self.words.probability(texts),
            }
        )

    def save(self, folder: str | Path) -> None:
        """Write the numbers as JSON and the tables as Parquet into ``folder``, which is made if need be.

        Raises
        ------
        Error
            The disk refuses.
        """
        folder = Path(folder)
        numbers = {name: value for name, value in vars(self).items() if isinstance(value, str | int | float | tuple)}
        tables = {name: value for name, value in vars(self).items() if isinstance(value, pd.DataFrame)}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, table in {**tables, "words": self.words.weights}.items():
                write_atomically(folder / f"{name}.parquet", _parquet(table))
            numbers["words_intercept"] = self.words.intercept
            write_json(folder / "sentiment.json", numbers)  # last: it dates all
        except OSError as error:
            raise Error(f"cannot write into {folder}: {error.strerror}") from error

    @classmethod
    def load(cls, folder: str | Path) -> Sentiment:
        """Read what :meth:`save` wrote.

        Raises
        ------
        Error
            It is not there, or not whole.
        """
        folder = Path(folder)
        try:
            numbers = json.loads((folder / "sentiment.json").read_text("utf-8"))
            tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in _TABLES}
            words = Words(tables.pop("words"), numbers.pop("words_intercept"))
            found: dict[str, Any] = {**numbers, "classes": tuple(numbers["classes"]), **tables, "words": words}
            return cls(**found)
        except (OSError, ValueError, KeyError, TypeError) as error:
            how = f"run `rnncore sentiment MODEL --out {folder}` again"
            raise Error(f"{folder} holds no findings, or damaged or outdated ones; {how}") from error


_TABLES = tuple(one.name for one in fields(Sentiment) if one.type in ("pd.DataFrame", "Words"))


def _parquet(table: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    table.to_parquet(file, index=False)
    return file.getvalue()
