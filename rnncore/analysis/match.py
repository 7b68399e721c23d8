"""Which cells are on over a passage and off around it, and where else in a corpus the same cells do the same.

A query in the manner of LSTMVis (Strobelt 2018): brush a range of steps, take the cells whose pattern over it is
0^before 1^length 0^after, and look for that pattern of those cells in a corpus. Beyond it: all layers at once,
thresholds of either sign or relative to each cell, and corpora of millions of steps (see cell_index.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float

from rnncore.analysis.pieces import Report, pieces
from rnncore.errors import Error
from rnncore.network.model import LanguageModel
from rnncore.recording import Recording


@dataclass(frozen=True)
class Brush:
    """A range of steps, and how many on either side the cells must be off.

    ``start`` up to but not including ``end``; ``before`` and ``after`` are 0 where nothing is asked.
    """

    start: int
    end: int
    before: int = 0
    after: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end or self.before < 0 or self.after < 0:
            raise Error(f"a brush goes from a step to a later one, with 0 or more off around it, not {self}")


@dataclass(frozen=True, eq=False)
class On:
    """When a cell counts as on.

    Parameters
    ----------
    threshold : float or float [layer, unit]
        The value from which on; one for all cells or one for each.
    below : bool
        On where the value is at or below the threshold, not at or above it.
    """

    threshold: float | Float[np.ndarray, "layer unit"]
    below: bool = False

    @classmethod
    def relative(cls, values: Float[np.ndarray, "layer time unit"], share: float, *, below: bool = False) -> On:
        """Return thresholds that each cell reaches at ``share`` of the steps of ``values``, say 0.1."""
        if not 0 < share < 1:
            raise Error(f"the share of steps at which a cell is on lies between 0 and 1, not at {share}")
        return cls(np.quantile(values, share if below else 1 - share, axis=1), below)

    def excess(self, values: Float[np.ndarray, "layer time unit"]) -> Float[np.ndarray, "layer time unit"]:
        """Return by how much each cell is on, negative where it is off."""
        threshold = np.asarray(self.threshold, values.dtype)
        difference = values - (threshold[:, None] if threshold.ndim else threshold)
        return np.asarray(-difference if self.below else difference)


def fitting(values: Float[np.ndarray, "layer time unit"], brush: Brush, on: On) -> pd.DataFrame:
    """Return the cells that are on throughout the brushed range and off around it.

    Parameters
    ----------
    values : float [layer, time, unit]
        One signal of a recording.

    Returns
    -------
    DataFrame
        layer, unit, and margin: by how much the cell keeps clear of its threshold at its weakest step, on or off,
        largest first.

    Raises
    ------
    Error
        The range is not within the recording, or there is no room before or after it.
    """
    steps = values.shape[1]
    if brush.end > steps or brush.before > brush.start or brush.end + brush.after > steps:
        raise Error(f"the range {brush.start} to {brush.end} with its sides is not within the {steps} steps")
    excess = on.excess(values[:, brush.start - brush.before : brush.end + brush.after])
    inside = slice(brush.before, excess.shape[1] - brush.after)
    outside = np.delete(excess, inside, axis=1)
    fits = (excess[:, inside] >= 0).all(1) & (outside < 0).all(1)
    margin = np.minimum(excess[:, inside].min(1), (-outside).min(1, initial=np.inf))
    layer, unit = np.nonzero(fits)
    table = pd.DataFrame({"layer": layer, "unit": unit, "margin": margin[fits]})
    return table.sort_values("margin", ascending=False, kind="stable", ignore_index=True)


def nearest(
    model: LanguageModel,
    text: str,
    query: Recording,
    brush: Brush,
    *,
    signal: str = "h",
    cells: Sequence[tuple[int, int]] | None = None,
    count: int = 50,
    context: int = 30,
    feature: np.ndarray | None = None,
    progress: Report | None = None,
) -> pd.DataFrame:
    """Return the passages, as long as the brushed one, whose states point the same way; the corpus is read once.

    Parameters
    ----------
    query : Recording
        The recording that was brushed.
    cells : sequence of (layer, unit), optional
        The cells to compare; all by default.
    count, context, feature, progress
        As for :meth:`CellIndex.matches` and :func:`index`.

    Returns
    -------
    DataFrame
        start and end; cosine of the two passages' mean states, each less the mean over the query's whole recording,
        largest first, none overlapping; first, tokens and feature as for :meth:`CellIndex.matches`.

    Raises
    ------
    Error
        The brush is not within the recording, the recording is not of this model, or there is no such signal.
    """
    tokens, n = model.vocabulary.tokenize(text), brush.end - brush.start
    layers, units = len(model.layers), model.config.units
    if (query.layers, query.units) != (layers, units) or brush.end > query.time:
        raise Error(f"the range {brush.start} to {brush.end} is not one of a recording of {model.name}")
    if feature is not None and len(feature) != len(tokens):
        raise Error(f"a feature has one value for each of the {len(tokens)} steps, not {len(feature)}")
    layer, unit = checked_cells(cells, layers, units) if cells else np.divmod(np.arange(layers * units), units)
    seen = query[signal][layer, :, unit]
    usual = seen.mean(1)
    q = (seen[:, brush.start : brush.end] - usual[:, None]).sum(1, dtype=float)
    cosine, kept = list[np.ndarray](), np.empty((0, len(layer)), np.float32)
    for _, piece in pieces(model, text, [signal], progress):
        kept = np.concatenate([kept, piece[signal][layer, :, unit].T - usual])
        until = np.concatenate([np.zeros((1, len(layer))), np.cumsum(kept, axis=0, dtype=float)])
        s = until[n:] - until[:-n]  # one row for each passage that ends in this piece
        norms = np.linalg.norm(s, axis=1) * np.linalg.norm(q)
        cosine.append(np.divide(s @ q, norms, out=np.zeros(len(s)), where=norms > 0))
        kept = kept[max(0, len(kept) - n + 1) :]
    values, found = np.concatenate(cosine), list[int]()
    for start in np.argsort(-values, kind="stable"):
        if all(abs(int(start) - other) >= n for other in found):
            found.append(int(start))
        if len(found) == count:
            break
    table = pd.DataFrame({"start": found, "end": [start + n for start in found], "cosine": values[found]})
    return table.join(passages(tokens, table, context, feature))


def passages(
    tokens: tuple[str, ...], matches: pd.DataFrame, context: int, feature: np.ndarray | None = None
) -> pd.DataFrame:
    """Return first (a step), tokens and, if given, feature of the surroundings of each match."""
    ranges = [(max(0, a - context), b + context) for a, b in zip(matches["start"], matches["end"], strict=True)]
    columns: dict[str, list[object]] = {"first": [a for a, _ in ranges], "tokens": [tokens[a:b] for a, b in ranges]}
    if feature is not None:
        columns["feature"] = [feature[a:b] for a, b in ranges]
    return pd.DataFrame(columns)


def checked_cells(cells: Sequence[tuple[int, int]], layers: int, units: int) -> np.ndarray:
    """Return layers and units [2, cell], once all of them exist.

    Raises
    ------
    Error
        There are none, or one does not exist.
    """
    rows = np.array(cells, int).reshape(-1, 2)
    if not len(rows) or (rows < 0).any() or (rows >= (layers, units)).any():
        raise Error(f"cells are one or more pairs of a layer below {layers} and a unit below {units}, not {cells}")
    return rows.T
