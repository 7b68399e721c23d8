"""What the dictionary says of one layer's units: the claim about each, and how well each tells every label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from rnncore.analysis import Dictionary
from viz_app import evidence
from viz_app.claims import DOUBTS, Claim, claim, figure
from viz_app.components.reader import packing, ranking


@dataclass(frozen=True, eq=False)
class Known:
    """What ``dictionary`` says of the units of ``layer`` (0 is the first), whose signals are ``symbols``."""

    dictionary: Dictionary
    layer: int
    symbols: tuple[str, ...]

    @cached_property
    def claims(self) -> dict[int, Claim]:
        """The claim about each unit."""
        units = self.dictionary.units
        return {int(row["unit"]): claim(row) for _, row in units[units["layer"] == self.layer].iterrows()}

    @cached_property
    def titles(self) -> dict[str, str]:
        """The labels that units can be ordered by, those that the text of the dictionary had, with their titles."""
        labels, told = self.dictionary.labels.set_index("feature")["title"], self._table["strength"].dropna(axis=1)
        return {name: str(labels[name]) for name in labels.index if name in told}

    @cached_property
    def _table(self) -> pd.DataFrame:
        """Strength and signal of each unit (rows) for each label (columns)."""
        rows = self.dictionary.evidence
        rows = rows[rows["layer"] == self.layer]
        return rows.pivot(index="unit", columns="feature", values=["strength", "signal"]).sort_index()

    def strength(self, name: str) -> np.ndarray:
        """Return how well each unit tells a label on unseen text, by its best signal; negative where it turns."""
        return self._table["strength", name].to_numpy(np.float32)

    def order(self, name: str) -> np.ndarray:
        """Return the units by falling strength."""
        return ranking.order(self.strength(name))

    def signal(self, name: str, unit: int) -> str:
        """Return the signal of a unit that tells a label best, chosen on the half of the text to choose by."""
        return str(self._table["signal", name].loc[unit])

    def opening(self) -> dict[str, Any]:
        """Return what the browser needs to order the units by any label, and the best units of the model."""
        labels = self.dictionary.labels.set_index("feature")
        kinds = {name: str(labels.at[name, "kind"]) == "discrete" for name in self.titles}
        signals = [[self.symbols.index(symbol) for symbol in self._table["signal", name]] for name in self.titles]
        strengths = np.array([self.strength(name) for name in self.titles]).reshape(len(self.titles), len(self._table))
        return {
            "labels": [
                {
                    "name": name,
                    "title": title,
                    "discrete": kinds[name],
                    "untrained": float(labels.at[name, "untrained"]),
                    "shown": round(figure(float(labels.at[name, "untrained"]), kinds[name]), 3),
                }
                for name, title in self.titles.items()
            ],
            "strength": packing.pack(np.rint(1000 * strengths).astype(np.int16)),
            "order": packing.pack(
                np.array([self.order(name) for name in self.titles], np.int16).reshape(strengths.shape)
            ),
            "signals": packing.pack(np.array(signals, np.int8).reshape(strengths.shape)),
            "doubts": {key: list(doubt) for key, doubt in DOUBTS.items()},
            "chips": [
                {"layer": int(row.layer) + 1, "unit": int(row.unit), "signal": row.signal, "sort": row.feature}
                | {"title": row.title}
                for row in evidence.verified(self.dictionary).itertuples()
            ],
        }

    def bank(self, units: Sequence[int]) -> list[dict[str, Any]]:
        """Return the claims about ``units``, in as few bytes as the page needs."""
        found = (self.claims[unit] for unit in units)
        return [
            {
                "verdict": one.verdict,
                "says": one.says,
                "signal": one.signal,
                "scale": one.scale,
                "checks": [(check.key, check.value, check.place, check.passed) for check in one.checks],
            }
            for one in found
        ]
