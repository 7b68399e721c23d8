"""Which unit the page is about, what is known of it, and every one of its values over the corpus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

import rnncore
from rnncore import analysis
from rnncore.analysis import Dictionary, Feature
from viz_app import controls, state
from viz_app.components.reader.packing import tame
from viz_app.components.reader.reading import STATES
from viz_app.components.waiting import Progress, computed
from viz_app.corpus import Corpus
from viz_app.figures.words import thousands

PIECE = 2000
"""Steps between two reports of progress."""


@dataclass(frozen=True, eq=False)
class Chosen:
    """A unit, the corpus it is looked at on, and the dictionary that knows it, if there is one.

    ``layer`` counts from 0. ``signal`` is the one that snippets and response are about.
    """

    selection: controls.Selection
    layer: int
    unit: int
    signal: str
    where: Corpus
    known: Dictionary | None = None

    @property
    def model(self) -> str:
        """The model's name."""
        return self.selection.model

    @property
    def name(self) -> str:
        """The unit, as it stands in a sentence."""
        model = state.model(self.model)
        depth = len(model.cells)
        way = f" {'backward' if self.layer >= depth else 'forward'}" if model.backward_cells else ""
        return f"unit {self.unit} of layer {self.layer % depth + 1}{way}"

    @property
    def key(self) -> tuple[Any, ...]:
        """What the unit's values depend on."""
        return self.model, state.stamp(self.model), self.where.key, self.layer, self.unit

    @cached_property
    def row(self) -> Mapping[str, Any] | None:
        """The dictionary's row of the unit."""
        if self.known is None:
            return None
        units = self.known.units
        found = units[(units["layer"] == self.layer) & (units["unit"] == self.unit)]
        return None if found.empty else {str(name): value for name, value in found.iloc[0].items()}

    @cached_property
    def concept(self) -> Feature | None:
        """The unit's best label, if a text alone gives it and the unit is nearer to it than chance."""
        if self.row is None or self.row["verdict"] == "chance" or self.row["feature"] not in analysis.features:
            return None
        return analysis.find_feature(self.row["feature"])

    @property
    def phrase(self) -> str:
        """Where the concept holds, as it stands in a sentence."""
        known = self.concept
        if known is None:
            return ""
        return f"“{known.title}”" if known.kind == "discrete" else f"the higher half of “{known.title}”"

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """The corpus as the model reads it."""
        return tuple(state.model(self.model).vocabulary.tokenize(self.where.text))

    @cached_property
    def label(self) -> np.ndarray | None:
        """The concept's label at each step of the corpus; None where it has none."""
        if self.concept is None:
            return None
        return analysis.labels([self.concept], state.model(self.model).vocabulary, self.where.text)[0]

    @cached_property
    def inside(self) -> np.ndarray | None:
        """1 where the concept holds, for a scalar above its median; 0 where not; nan where it is not defined."""
        if self.label is None or self.concept is None or np.isnan(self.label).all():
            return None
        if self.concept.kind == "discrete":
            return self.label
        return np.where(np.isnan(self.label), np.nan, self.label > np.nanmedian(self.label))

    @cached_property
    def values(self) -> Mapping[str, np.ndarray]:
        """Every signal of the unit, float32 [time]: the corpus is read, with a bar, unless it has been."""
        model = state.model(self.model)
        symbols = model.layers[0].signals()

        def work(progress: Progress) -> dict[str, np.ndarray]:
            found: dict[str, list[np.ndarray]] = {symbol: [] for symbol in symbols}
            done = 0
            for piece in rnncore.record_pieces(model, self.where.text, length=PIECE, signals=symbols):
                for symbol in symbols:
                    found[symbol].append(tame(piece[symbol, self.layer][:, self.unit]).copy())
                done += piece.time
                progress(done, len(self.tokens))
            return {symbol: np.concatenate(parts) for symbol, parts in found.items()}

        label = f"{self.model} reads {thousands(len(self.where.text))} characters"
        return computed(("unit", *self.key), label, work)

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """From where to where each signal is drawn: its own range, or what it keeps within at 99 % of the steps."""
        bounds = self.cell.ranges()
        found = {}
        for symbol, values in self.values.items():
            low, high = bounds.get(symbol) or map(float, np.quantile(values, (0.005, 0.995)))
            found[symbol] = (low, high) if high > low else (low - 0.5, low + 0.5)
        return found

    @property
    def cell(self) -> type[rnncore.Cell]:
        """The cell's class."""
        return rnncore.cells()[state.model(self.model).config.cell]

    @property
    def meanings(self) -> dict[str, str]:
        """What each signal is called."""
        return STATES | {gate.symbol: gate.meaning for gate in self.cell.gates}

    @property
    def saturated(self) -> pd.DataFrame:
        """The share of steps at either end of each gate that has two: signal, left, right."""
        rows = []
        for symbol, _, low, high in self.cell.gates:
            if np.isfinite(low) and np.isfinite(high):
                values, end = self.values[symbol], analysis.MARGIN * (high - low)
                rows.append((symbol, float((values < low + end).mean()), float((values > high - end).mean())))
        return pd.DataFrame(rows, columns=["signal", "left", "right"])
