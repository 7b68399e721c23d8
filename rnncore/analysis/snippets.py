"""The passages of a corpus on which each unit is highest, lowest, and in between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd
from jaxtyping import Float

from rnncore.analysis.pieces import Report, layer_number, pieces
from rnncore.errors import Error
from rnncore.network.model import LanguageModel

BANDS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"99 to 90 %": (0.9, 0.99), "60 to 40 %": (0.4, 0.6), "10 to 1 %": (0.01, 0.1)}
)
"""Between top and bottom: quantiles of the unit's value over all steps."""

SAMPLE = 20_000
"""Random steps from which quantiles are estimated and the passages between are taken."""

SAME = 12
"""Two passages that read alike for this many tokens up to the step at issue count as one."""


def snippets(
    model: LanguageModel,
    text: str,
    *,
    layer: int = -1,
    signal: str = "h",
    units: Sequence[int] | None = None,
    count: int = 5,
    before: int = 50,
    after: int = 20,
    bands: Mapping[str, tuple[float, float]] = BANDS,
    seed: int = 0,
    progress: Report | None = None,
) -> pd.DataFrame:
    """Return passages on which units of a layer are highest, lowest, and in between; the corpus is read once.

    No two passages of a unit and band overlap, or read alike up to the step at issue.

    Parameters
    ----------
    units : sequence of int, optional
        All of the layer by default.
    count : int
        Passages of each band, at most.
    before, after : int
        Tokens shown on either side of the step at issue.
    bands : mapping of str to (low, high)
        Shares of steps with a lower value, between which a band's passages lie; drawn at random from ``seed``.
    progress : callable, optional
        Called with (steps done, steps in all).

    Returns
    -------
    DataFrame
        unit; band ("top", those of ``bands``, "bottom"); rank from 0; step, and the unit's value there; first, the
        passage's first step; text.

    Raises
    ------
    Error
        There is no such layer, unit or signal, or the text is empty.

    Notes
    -----
    Memory is 16 bytes for each unit and every ``before`` + ``after`` steps of the text, and 80 kB for each unit.
    """
    layer, tokens = layer_number(model, layer), model.vocabulary.tokenize(text)
    chosen = np.arange(model.config.units) if units is None else np.array(units, int)
    strange = [unit for unit in chosen if not 0 <= unit < model.config.units]
    if strange or before < 0 or after < 0 or count < 1:
        raise Error(
            f"no unit {strange[0]}; the layer has units 0 to {model.config.units - 1}"
            if strange
            else "a passage has 0 or more tokens on either side, and a band at least 1 passage"
        )
    width, random = before + after + 1, np.random.default_rng(seed)
    steps = np.sort(random.choice(len(tokens), min(SAMPLE, len(tokens)), replace=False))
    sample = np.empty((len(steps), len(chosen)), np.float32)
    extremes: list[tuple[np.ndarray, ...]] = []
    for first, piece in pieces(model, text, [signal], progress):
        values = piece[signal, layer][:, chosen]
        here = slice(*np.searchsorted(steps, (first, first + piece.time)))
        sample[here] = values[steps[here] - first]
        extremes += [_extremes(values[at : at + width], first + at) for at in range(0, len(values), width)]
    high, highest, low, lowest = (np.stack(column) for column in zip(*extremes, strict=True))
    order = random.permutation(len(steps))
    tables = []
    for k, unit in enumerate(chosen):
        ends = (highest[:, k], high[:, k]), (lowest[:, k], low[:, k])
        shown = _passages(model, tokens, ends, (steps[order], sample[order, k]), bands, count, before, after)
        shown.insert(0, "unit", int(unit))
        tables.append(shown)
    return pd.concat(tables, ignore_index=True)


def snippets_of(
    values: Float[np.ndarray, " time"],
    model: LanguageModel,
    tokens: Sequence[str],
    *,
    count: int = 5,
    before: int = 50,
    after: int = 20,
    bands: Mapping[str, tuple[float, float]] = BANDS,
    seed: int = 0,
) -> pd.DataFrame:
    """Return :func:`snippets` of one unit whose value is known at each of the ``tokens``, but for the column unit."""
    order = np.random.default_rng(seed).permutation(len(values))
    ends = np.arange(len(values)), values
    return _passages(model, tokens, (ends, ends), (order, values[order]), bands, count, before, after)


def _passages(
    model: LanguageModel,
    tokens: Sequence[str],
    ends: tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
    between: tuple[np.ndarray, np.ndarray],
    bands: Mapping[str, tuple[float, float]],
    count: int,
    before: int,
    after: int,
) -> pd.DataFrame:
    """Return one unit's passages, from steps and values at the top, at the bottom, and at random."""
    (top, high), (bottom, low) = ends
    steps, sample = between
    ranked = {"top": (top, high, np.argsort(-high, kind="stable"))}
    for name, (least, most) in bands.items():
        first, last = np.quantile(sample, (least, most))
        ranked[name] = steps, sample, np.flatnonzero((sample >= first) & (sample <= last))
    ranked["bottom"] = bottom, low, np.argsort(low, kind="stable")
    rows = []
    for band, (step, value, ranking) in ranked.items():
        for rank, place in enumerate(_distinct(tokens, step, ranking, before + after + 1, count)):
            at = int(step[place])
            first = max(0, at - before)
            passage = model.vocabulary.join(tokens[first : at + after + 1])
            rows.append((band, rank, at, float(value[place]), first, passage))
    return pd.DataFrame(rows, columns=["band", "rank", "step", "value", "first", "text"])


def _extremes(values: np.ndarray, first: int) -> tuple[np.ndarray, ...]:
    """Return each unit's highest value and its step, and its lowest."""
    highest, lowest, unit = values.argmax(0), values.argmin(0), np.arange(values.shape[1])
    return values[highest, unit], first + highest, values[lowest, unit], first + lowest


def _distinct(tokens: Sequence[str], step: np.ndarray, ranking: np.ndarray, width: int, count: int) -> Iterator[int]:
    """Yield the first ``count`` places of the ranking whose passages neither overlap nor read alike."""
    taken, read = list[int](), set[tuple[str, ...]]()
    for place in ranking:
        at = int(step[place])
        end = tuple(tokens[max(0, at - SAME + 1) : at + 1])
        if end in read or any(abs(at - other) < width for other in taken):
            continue
        taken.append(at)
        read.add(end)
        yield int(place)
        if len(taken) == count:
            return
