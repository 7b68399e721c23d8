"""One layer's reading of one text, prepared for the browser: orders, colours, headlines, banks of values."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

import rnncore
from rnncore import Recording, analysis
from rnncore.analysis import Dictionary
from viz_app.components.reader import packing, patterns, ranking
from viz_app.components.reader.known import Known

BANK_BYTES = 2**19
"""How much one bank of units may weigh before base64; a few dozen units of a page of text."""
STATES = {"h": "hidden state", "c": "cell state", "n": "normaliser", "m": "stabiliser"}


@dataclass(frozen=True)
class Signal:
    """A recorded signal and how it is drawn.

    Attributes
    ----------
    low, high : float
        Values at which colours are full.
    signed : bool
        Whether zero is the middle of the colours and values carry their sign.
    robust : bool
        Whether the signal has no bounds: its colours end at percentiles and grow with the logarithm.
    """

    symbol: str
    meaning: str
    low: float
    high: float
    signed: bool
    robust: bool


@dataclass(frozen=True, eq=False)
class Reading:
    """What the reader shows of ``layer`` (0 is the first) of ``recording``, and what a dictionary knows of it."""

    recording: Recording
    layer: int
    dictionary: Dictionary | None = None

    def __post_init__(self) -> None:
        if not self.recording.time:
            raise rnncore.RecordingError("the text is empty; give at least one character")

    @property
    def units(self) -> int:
        """Number of units of the layer."""
        return self.recording.units

    @cached_property
    def fingerprint(self) -> str:
        """Name of exactly these numbers and what is known of them, under which the browser keeps them."""
        digest = hashlib.blake2b(digest_size=12)
        digest.update(f"{self.recording.model} {self.layer} {self.recording.signals}".encode())
        digest.update("".join(self.recording.tokens).encode("utf-8", "surrogatepass"))
        digest.update(np.ascontiguousarray(self.recording.loss).tobytes())
        if self.dictionary is not None:
            digest.update(pd.util.hash_pandas_object(self.dictionary.units).to_numpy().tobytes())
        return digest.hexdigest()

    @cached_property
    def signals(self) -> dict[str, Signal]:
        """The cell's signals by symbol, in the order of its equations."""
        cell = rnncore.cells()[self.recording.cell]
        meanings = STATES | {gate.symbol: gate.meaning for gate in cell.gates}
        bounds = cell.ranges()
        found = {}
        for symbol in self.recording.signals:
            low, high = ranking.colour_scale(self.values(symbol), bounds.get(symbol))
            robust = bounds.get(symbol) is None
            found[symbol] = Signal(symbol, meanings.get(symbol, f"state {symbol}"), low, high, low < 0, robust)
        return found

    @cached_property
    def memory(self) -> str:
        """The signal to open on: the state that carries the memory, c where there is one."""
        return self.recording.states[-1]

    @cached_property
    def _values(self) -> dict[str, np.ndarray]:
        return {symbol: packing.tame(self.recording[symbol, self.layer]) for symbol in self.recording.signals}

    @cached_property
    def _patterns(self) -> dict[str, np.ndarray]:
        return patterns.patterns(self.recording.tokens)

    @cached_property
    def scores(self) -> dict[str, np.ndarray]:
        """For each sort, every unit's score, float64 [signal, unit]; larger comes first."""
        ranges = rnncore.cells()[self.recording.cell].ranges()
        symbols, values = list(self.signals), self.values
        pattern = [
            np.abs(patterns.correlations(values(symbol), self._patterns)).max(axis=0, initial=0.0) for symbol in symbols
        ]
        return {
            "pattern": np.stack(pattern),
            "variance": np.stack([ranking.variance(values(symbol)) for symbol in symbols]),
            "saturation": np.stack([ranking.saturation(values(s), ranges.get(s)) for s in symbols]),
        }

    @cached_property
    def known(self) -> Known | None:
        """What is known of the units from elsewhere; None without a dictionary."""
        return Known(self.dictionary, self.layer, tuple(self.signals)) if self.dictionary is not None else None

    @cached_property
    def sorts(self) -> dict[str, str]:
        """The orders of units: by what they do on this text, and by how well they tell a label on unseen text."""
        return ranking.SORTS | self.labels

    @cached_property
    def labels(self) -> dict[str, str]:
        """The labels that units are known to tell, well or badly, with their titles."""
        titles = self.known.titles if self.known else {}
        return {name: title for name, title in titles.items() if name not in ranking.SORTS}

    def values(self, symbol: str) -> np.ndarray:
        """Return one signal of the layer, float32 [time, unit], finite."""
        return self._values[symbol]

    def order(self, symbol: str, sort: str) -> np.ndarray:
        """Return the units in the order in which the page flips through them."""
        if sort == "unit":
            return np.arange(self.units, dtype=np.int32)
        if self.known and sort in self.labels:
            return self.known.order(sort)
        return ranking.order(self.scores[sort][list(self.signals).index(symbol)])

    def start(self, symbol: str, sort: str) -> tuple[int, int]:
        """Return the unit and the step to open at: the first unit of an order, where it is strongest."""
        unit = int(self.order(symbol, sort)[0])
        return unit, self.strongest(symbol, unit)

    def strongest(self, symbol: str, unit: int) -> int:
        """Return the step at which a signal of a unit is farthest from zero."""
        return int(np.abs(self.values(symbol)[:, unit]).argmax())

    def signal(self, sort: str) -> str:
        """Return the signal to open an order on: the memory, or the one by which the first unit tells the label."""
        if self.known and sort in self.labels:
            return self.known.signal(sort, int(self.known.order(sort)[0]))
        return self.memory

    @cached_property
    def bank_size(self) -> int:
        """How many units fit into one bank."""
        step = sum(packing.hundredths_size(self.values(symbol)) for symbol in self.signals)
        return int(np.clip(BANK_BYTES // (step * self.recording.time), 4, self.units))

    def first_bank(self, unit: int, symbol: str, sort: str) -> list[int]:
        """Return the units to send first: the chosen one and those before and after it."""
        order = self.order(symbol, sort)
        place = int(np.flatnonzero(order == unit)[0])
        start = int(np.clip(place - self.bank_size // 4, 0, self.units - self.bank_size))
        return order[start : start + self.bank_size].tolist()

    def finding(self, unit: int, symbol: str) -> patterns.Finding:
        """Return the sentence over one unit of one signal: what is verified of it, or else what it does here."""
        signal = self.signals[symbol]
        values = self.values(symbol)[:, unit]
        claim = self.known.claims[unit] if self.known else None
        if claim and claim.head and claim.signal == symbol:
            label = self._label(claim.feature)
            return patterns.verified(unit, values, signal.meaning, claim.head, label, signal.signed)
        return patterns.finding(unit, values, signal.meaning, self._patterns, signal.signed)

    def _label(self, name: str) -> np.ndarray | None:
        """Return a label of the registry at each step, float32 [time]; None where it cannot be told."""
        tokens = self.recording.tokens
        if name not in analysis.features or any(len(token) != 1 for token in tokens):
            return None
        return analysis.find_feature(name)("".join(tokens))

    def bank(self, units: Sequence[int]) -> dict[str, Any]:
        """Return every signal of ``units``, in hundredths, and their sentences."""
        columns = list(units)
        return {
            "units": columns,
            "values": {
                symbol: packing.pack(packing.hundredths(self.values(symbol)[:, columns].T)) for symbol in self.signals
            },
            "findings": {symbol: [self.finding(unit, symbol) for unit in columns] for symbol in self.signals},
            "claims": self.known.bank(columns) if self.known else None,
        }

    def opening(self) -> dict[str, Any]:
        """Return all that does not depend on the unit: the text, losses, guesses, orders, colours."""
        rec = self.recording
        sorts = [sort for sort in ranking.SORTS if sort != "unit"]
        return {
            "model": rec.model,
            "layer": self.layer + 1,
            "layers": rec.layers,
            "units": self.units,
            "tokens": list(rec.tokens),
            "unseen": np.flatnonzero(rec.ids < 0).tolist(),
            "symbols": list(rec.symbols),
            "loss": packing.pack(rec.loss.astype(np.float32)),
            "rank": packing.pack(rec.rank.astype(np.int32)),
            "guesses": packing.pack(rec.top_ids.astype(np.int32)),
            "probability": packing.pack(rec.top_probability.astype(np.float32)),
            "signals": [vars(signal) for signal in self.signals.values()],
            "bank_size": self.bank_size,
            "sorts": ranking.SORTS,
            "known": self.known.opening() if self.known else None,
            "scores": {sort: packing.pack(self.scores[sort].astype(np.float32)) for sort in sorts},
            "order": {
                sort: packing.pack(np.stack([self.order(symbol, sort) for symbol in self.signals])) for sort in sorts
            },
        }


def clearest(recording: Recording) -> Reading:
    """Return the reading of the layer whose memory has the unit that follows one of the patterns most closely."""
    readings = [Reading(recording, layer) for layer in range(recording.layers)]
    return max(readings, key=lambda r: r.scores["pattern"][list(r.signals).index(r.memory)].max())
