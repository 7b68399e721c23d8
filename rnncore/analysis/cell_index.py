"""Which cells are on at which steps of a corpus, one bit each, and the passages with a given pattern."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from jaxtyping import Bool, UInt8

from rnncore.analysis.match import Brush, On, checked_cells, passages
from rnncore.analysis.pieces import Report, pieces
from rnncore.errors import Error
from rnncore.network.model import LanguageModel

SHORTLIST = 2000
"""So many matches at most are looked at in all cells."""


@dataclass(frozen=True, eq=False)
class CellIndex:
    """Which cells are on at which steps of a corpus; made by :func:`index`.

    Attributes
    ----------
    bits : uint8 [layer, unit, byte]
        Eight steps a byte, the first in the highest bit: 128 MB for a million steps and 1024 cells.
    tokens : tuple of str
        The corpus.
    signal : str
        What was looked at.
    on : On
        When a cell counted as on.
    """

    bits: UInt8[np.ndarray, "layer unit byte"] = field(repr=False)
    tokens: tuple[str, ...] = field(repr=False)
    signal: str
    on: On = field(repr=False)

    def of(self, layer: int, unit: int) -> Bool[np.ndarray, " time"]:
        """Return at which steps one cell is on."""
        return np.unpackbits(self.bits[layer, unit], count=len(self.tokens)).astype(bool)

    def matches(
        self,
        cells: Sequence[tuple[int, int]],
        brush: Brush,
        *,
        count: int = 50,
        least: int | None = None,
        shortest: int = 2,
        context: int = 30,
        feature: np.ndarray | None = None,
    ) -> pd.DataFrame:
        """Return the passages on which most of these cells, and fewest others, are on as over the brush.

        Candidates are the longest runs of steps at which at least k of the cells are on, for each k from all of them
        down. Best first: most of the cells on throughout and off around, as far as the brush asks for it; then
        fewest other cells that are so; then the length nearest to the brush's. Of overlapping ones the best is kept.

        Parameters
        ----------
        cells : sequence of (layer, unit)
            Such as those of :func:`rnncore.analysis.fitting`.
        brush : Brush
            What is looked for; only its length and its sides count.
        count : int
            How many passages.
        least : int, optional
            The smallest k; half of the cells by default.
        shortest : int
            The shortest run, in steps.
        context : int
            Tokens shown on either side.
        feature : array [time], optional
            Something known of each step of the corpus, by which to colour.

        Returns
        -------
        DataFrame
            start and end of the run; shared: how many of the cells fit; extra: how many others do; first: the
            passage's first step; tokens and feature over the passage. Other cells are counted in the first 2000
            candidates by the other criteria, and later ones are left out.

        Raises
        ------
        Error
            No cells, one that does not exist, or a feature that does not fit the corpus.
        """
        layers, units, _ = self.bits.shape
        rows = checked_cells(cells, layers, units).T.tolist()
        if feature is not None and len(feature) != len(self.tokens):
            raise Error(f"a feature has one value for each of the {len(self.tokens)} steps, not {len(feature)}")
        start, end = self._runs(rows, (len(rows) + 1) // 2 if least is None else least, shortest)
        shared = np.zeros(len(start), int)
        for layer, unit in rows:
            shared += _fits(self.of(layer, unit), start, end, brush)
        found = pd.DataFrame({"start": start, "end": end, "shared": shared})[shared > 0]
        found["apart"] = (found["end"] - found["start"] - (brush.end - brush.start)).abs()
        found = found.sort_values(["shared", "apart", "start"], ascending=[False, True, True])[:SHORTLIST]
        fitting = [self._fitting(a, b, brush) for a, b in found[["start", "end"]].itertuples(index=False)]
        found["extra"] = np.array(fitting, int) - found["shared"]
        found = found.sort_values(["shared", "extra", "apart", "start"], ascending=[False, True, True, True])
        best = _apart(found["start"].to_numpy(), found["end"].to_numpy(), count)
        table = found.iloc[best].reset_index(drop=True)[["start", "end", "shared", "extra"]]
        return table.join(passages(self.tokens, table, context, feature))

    def _runs(self, rows: list[list[int]], least: int, shortest: int) -> tuple[np.ndarray, np.ndarray]:
        """Return where the longest runs start and end on which at least k cells are on, for each k from ``least``."""
        active = np.zeros(len(self.tokens) + 2, np.int32)  # off before and after
        for layer, unit in rows:
            active[1:-1] += self.of(layer, unit)
        runs = [np.empty((0, 2), int)]
        for k in range(max(least, 1), len(rows) + 1):
            runs.append(np.flatnonzero(np.diff(active >= k)).reshape(-1, 2))
        start, end = np.unique(np.concatenate(runs), axis=0).T
        long = end - start >= shortest
        return start[long], end[long]

    def _fitting(self, start: int, end: int, brush: Brush) -> int:
        """Return how many of all cells are on from ``start`` to ``end`` and off around."""
        first, last = max(0, start - brush.before), min(len(self.tokens), end + brush.after)
        byte = first // 8
        on = np.unpackbits(self.bits[..., byte : (last + 7) // 8], axis=-1)[..., first - 8 * byte : last - 8 * byte]
        inside = slice(start - first, end - first)
        return int((on[..., inside].all(-1) & ~np.delete(on, inside, axis=-1).any(-1)).sum())


def index(model: LanguageModel, text: str, on: On, *, signal: str = "h", progress: Report | None = None) -> CellIndex:
    """Read a corpus once and keep which cells are on when.

    >>> reference = record(model, text[:20_000], signals=["c"])["c"]
    >>> found = index(model, text, On.relative(reference, 0.1), signal="c")

    Parameters
    ----------
    progress : callable, optional
        Called with (steps done, steps in all).

    Raises
    ------
    Error
        The text is empty, there is no such signal, or the thresholds do not fit the model.
    """
    layers, units = len(model.layers), model.config.units
    if np.shape(on.threshold) not in ((), (layers, units)):
        raise Error(f"thresholds are [{layers}, {units}] for {model.name}, not {list(np.shape(on.threshold))}")
    tokens = model.vocabulary.tokenize(text)
    bits = np.empty((layers, units, (len(tokens) + 7) // 8), np.uint8)
    for first, piece in pieces(model, text, [signal], progress):
        packed = np.packbits(on.excess(piece[signal]) >= 0, axis=1)  # all pieces but the last have whole bytes
        bits[..., first // 8 : first // 8 + packed.shape[1]] = packed.swapaxes(1, 2)
    return CellIndex(bits, tokens, signal, on)


def _fits(on: np.ndarray, start: np.ndarray, end: np.ndarray, brush: Brush) -> np.ndarray:
    """Return whether a cell is on throughout each run and off around."""
    until = np.concatenate([[0], np.cumsum(on)])
    inside = until[end] - until[start]
    first, last = np.maximum(start - brush.before, 0), np.minimum(end + brush.after, len(on))
    return np.asarray((inside == end - start) & (until[last] - until[first] == inside))


def _apart(start: np.ndarray, end: np.ndarray, count: int) -> list[int]:
    """Return the first ``count`` places of those that overlap none before them."""
    best = list[int]()
    for place in range(len(start)):
        if len(best) < count and all(end[place] <= start[k] or end[k] <= start[place] for k in best):
            best.append(place)
    return best
