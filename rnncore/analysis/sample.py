"""Every signal of every unit at random places of a text, however long: what all scores of units are computed from.

The text is cut into streams that are read side by side, which a processor does many times faster than one long text.
Each stream starts without memory, and its first steps are left out. The first half of the streams is the text by which
labels are chosen; the rest makes three texts that nothing is chosen by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from rnncore.cells import State
from rnncore.errors import Error, RecordingError
from rnncore.network.intervene import Change, Intervention, by_layer
from rnncore.network.model import LanguageModel
from rnncore.network.signals import Reader, Signals

Report = Callable[[int, int], None]
"""Called now and then with how much is done, and how much there is."""

WARM_UP = 100
"""Steps at the beginning of a stream that are not looked at."""

STEPS = 64
"""Steps of which all streams' signals are held at once."""


UNTRAINED = 2
"""Untrained models to compare with, at least."""

UNTRAINED_UNITS = 240
"""Units that the untrained models have together, at least: one in a small model may tell a simple label by luck."""


@dataclass(frozen=True, eq=False)
class Sample:
    """All signals of a model at some steps of a text, in four parts.

    Attributes
    ----------
    model : str
        The model's name.
    columns : DataFrame
        layer, signal, unit: what each row of ``values`` is.
    values : float32 [column, position]
    positions : int64 [position]
        Which symbol of the text has just been read, ascending.
    bounds : tuple of int
        Positions ``bounds[k]`` to ``bounds[k + 1]`` are part k: 0 to choose by, 1 to 3 unseen.
    symbols : tuple of int
        The same bounds as places in the text.
    """

    model: str
    columns: pd.DataFrame = field(repr=False)
    values: Float32[np.ndarray, "column position"] = field(repr=False)
    positions: Int64[np.ndarray, " position"] = field(repr=False)
    bounds: tuple[int, int, int, int, int]
    symbols: tuple[int, int, int, int, int]

    @property
    def parts(self) -> tuple[slice, slice, slice, slice]:
        """The positions of each part."""
        a, b, c, d, e = self.bounds
        return slice(a, b), slice(b, c), slice(c, d), slice(d, e)

    def of_unit(self, layer: int, unit: int) -> Sample:
        """Return the sample of one unit's signals.

        Raises
        ------
        Error
            There is no such unit.
        """
        own = np.flatnonzero((self.columns["layer"] == layer) & (self.columns["unit"] == unit))
        if not len(own):
            raise Error(f"{self.model} has no unit {unit} in layer {layer}")
        return replace(self, columns=self.columns.iloc[own].reset_index(drop=True), values=self.values[own])


def sample(
    model: LanguageModel,
    text: str,
    *,
    positions: int = 60_000,
    signals: Sequence[str] | None = None,
    seed: int = 0,
    progress: Report | None = None,
) -> Sample:
    """Let ``model`` read ``text`` and keep its signals at random places, spread evenly over it.

    Parameters
    ----------
    text : str
        At least 1,200 symbols that the model was not trained on.
    positions : int
        How many places. Neighbouring steps tell nearly the same, so that many places far apart are worth more than as
        many in a row. Each takes 4 bytes for every signal of every unit.
    signals : sequence of str, optional
        By default all gates and states.
    progress : callable, optional
        Called with (symbols read, symbols in all).

    Raises
    ------
    RecordingError
        The text is too short, or a signal is unknown.
    Error
        The model reads both ways.
    """
    known = model.layers[0].signals()
    chosen = known if signals is None else tuple(symbol for symbol in known if symbol in signals)
    if signals is not None and len(chosen) != len(set(signals)):
        raise RecordingError(f"no such signals {', '.join(signals)}; the {model.config.cell} has {', '.join(known)}")
    ids = streams(model, text)
    length, count = ids.shape
    times = np.sort(np.random.default_rng(seed).permutation(np.arange(WARM_UP, length))[: max(1, positions // count)])
    layers, units = len(model.cells), model.config.units
    values = np.empty((layers, len(chosen), units, count, len(times)), np.float32)
    for first, read, _ in reading(model, ids):
        here = slice(*np.searchsorted(times, (first, first + STEPS)))
        picked = torch.from_numpy(times[here] - first)
        for layer, found in enumerate(read):
            for number, symbol in enumerate(chosen):
                values[layer, number, :, :, here] = found[symbol].cpu()[picked].permute(2, 1, 0).numpy()
        if progress is not None:
            progress(min(first + STEPS, len(ids)) * count, ids.numel())
    columns = pd.MultiIndex.from_product(
        [range(layers), chosen, range(units)], names=["layer", "signal", "unit"]
    ).to_frame(index=False)
    ends = [0, *(count * sixths // 6 for sixths in (3, 4, 5, 6))]
    return Sample(
        model.name,
        columns,
        values.reshape(len(columns), count * len(times)),
        (np.arange(count)[:, None] * length + times).ravel(),
        tuple(end * len(times) for end in ends),  # type: ignore[arg-type]
        tuple(end * length for end in ends),  # type: ignore[arg-type]
    )


def streams(model: LanguageModel, text: str, symbols: slice = slice(None)) -> Int64[Tensor, "time stream"]:
    """Return the ids of ``text`` cut into up to 60 streams, always a multiple of 6; what is left over is dropped."""
    model.reads_forward_only("its units are not scored")
    ids = torch.from_numpy(model.vocabulary.encode(text)[symbols])
    count = 6 * max(1, min(10, len(ids) // 6000))
    if len(ids) < 12 * WARM_UP:
        raise RecordingError(f"units are judged on at least {12 * WARM_UP:,} symbols; this text has {len(ids):,}")
    return ids[: len(ids) // count * count].view(count, -1).T.to(model.head.weight.device)


def reading(
    model: LanguageModel, ids: Int64[Tensor, "time stream"], interventions: Sequence[Intervention] = ()
) -> Iterator[tuple[int, list[Signals], Tensor]]:
    """Yield the first of every few steps, all signals of each layer in them, and the logits [time, stream, vocab]."""
    changes: list[list[Change]] = by_layer(model.layers, interventions)
    readers = [Reader(cell, change) for cell, change in zip(model.layers, changes, strict=True)]
    states = model.start(ids.shape[1])
    for first in range(0, len(ids), STEPS):
        with torch.no_grad():
            x, layers = model.embed(ids[first : first + STEPS]), list[Signals]()
            for number, (reader, state) in enumerate(zip(readers, states, strict=True)):
                layers.append(reader(x, state, first))
                states[number] = State(**{symbol: layers[-1][symbol][-1].clone() for symbol in state})
                x = layers[-1]["h"]
            logits = model.head(x)
        yield first, layers, logits


def untrained(model: LanguageModel, seed: int = 0) -> LanguageModel:
    """Return a model of the same shape and vocabulary with fresh weights."""
    return LanguageModel(model.config, model.vocabulary, f"untrained {model.name}").initialise(seed).eval()


def untrained_models(model: LanguageModel, least: int = UNTRAINED) -> int:
    """Return how many untrained models to compare with: of small ones, one has few units that may be lucky."""
    return max(least, -(-UNTRAINED_UNITS // (len(model.layers) * model.config.units)))


def column_of(sample: Sample, layer: int, signal: str, unit: int) -> int:
    """Return which row of ``sample.values`` is a signal of a unit.

    Raises
    ------
    Error
        The sample does not have it.
    """
    found = np.flatnonzero((sample.columns == [layer, signal, unit]).all(axis=1))
    if not len(found):
        raise Error(f"the sample of {sample.model} has no signal {signal!r} of layer {layer}, unit {unit}")
    return int(found[0])
