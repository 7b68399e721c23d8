"""Change what passes through a network as it passes: clamp, ablate or patch any unit of any signal at any step.

What is computed after the change, and what is carried on, follows from the changed value. Everything else stays as
it is, bit for bit.
"""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from operator import index
from typing import Any, Protocol, SupportsIndex, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from rnncore.cells import Cell
from rnncore.errors import Error
from rnncore.network.unroll import Listener

Units = SupportsIndex | slice | Sequence[int] | None
"""One unit, several, or all of them (None)."""


@runtime_checkable
class Source(Protocol):
    """What values are taken from; a :class:`rnncore.Recording` is one."""

    @property
    def time(self) -> int: ...  # noqa: D102
    @property
    def layers(self) -> int: ...  # noqa: D102
    @property
    def units(self) -> int: ...  # noqa: D102
    def __getitem__(self, key: tuple[str, int]) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class Intervention:
    """A place in a network where something else is put in: the layer, the signal, its units, the steps.

    Parameters
    ----------
    layer : int
        The recurrent layer; negative counts from the top.
    signal : str
        A gate or a state of the cell, by its symbol.
    unit : int, slice, sequence of int, or None
        The units that change; None is all of them.
    time : int or slice, by name only
        The steps at which it acts, counted from the first symbol read; by default all. A model that writes reads its
        prompt first, and then what it has written.
    """

    layer: int
    signal: str
    unit: Units
    _: KW_ONLY
    time: SupportsIndex | slice | None = None

    def steps(self) -> range:
        """Return the steps at which it acts."""
        time = slice(None) if self.time is None else self.time
        if not isinstance(time, slice):
            time = slice(index(time), index(time) + 1)
        start, stop = time.start or 0, sys.maxsize if time.stop is None else time.stop
        if time.step not in (None, 1) or start < 0 or stop < 0:
            raise Error(f"time is a step from 0 on or a slice of such steps without gaps, not {self.time}")
        return range(start, stop)

    def values(self, layer: int, units: np.ndarray) -> Any:
        """Return what is put in: one number, one for each unit, or [time, unit] from the first of the steps on."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Clamp(Intervention):
    """Hold units of a signal at a value.

    >>> import rnncore
    >>> hold = rnncore.Clamp(-1, "c", 7, 2.5)
    >>> hold_for_a_while = rnncore.Clamp(-1, "f", [3, 4], 0, time=slice(10, 20))

    Parameters
    ----------
    value : float
        What the units are; 0 is a value like any other.
    """

    value: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise Error(f"a unit is held at a finite value, not at {self.value}")

    def values(self, layer: int, units: np.ndarray) -> float:
        """Return the value."""
        return self.value


@dataclass(frozen=True, eq=False)
class Ablate(Intervention):
    """Take out what units of a signal say: they are 0, or what they are on average, at every step.

    >>> import rnncore
    >>> silence = rnncore.Ablate(0, "h", slice(0, 8))

    Parameters
    ----------
    mean : Recording, optional
        Each unit is its mean over this recording instead of 0.
    """

    mean: Source | None = None

    def values(self, layer: int, units: np.ndarray) -> Any:
        """Return 0, or each unit's mean."""
        return 0.0 if self.mean is None else _of(self.mean, self.signal, layer, units).mean(0, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Patch(Intervention):
    """Put in what units of a signal were in another recording, step for step.

    Parameters
    ----------
    recording : Recording
        Where the values come from: the same layer, signal and units.
    offset : int
        Step t gets what was recorded at step t + offset. Steps that the recording does not have stay as they are.
    """

    recording: Source
    offset: int = 0

    def steps(self) -> range:
        """Return the steps at which it acts: those that the recording has."""
        steps = super().steps()
        return range(max(steps.start, -self.offset), min(steps.stop, self.recording.time - self.offset))

    def values(self, layer: int, units: np.ndarray) -> np.ndarray:
        """Return what was recorded."""
        steps = self.steps()
        return _of(self.recording, self.signal, layer, units)[steps.start + self.offset : steps.stop + self.offset]


def _of(source: Source, signal: str, layer: int, units: np.ndarray) -> np.ndarray:
    if layer >= source.layers or units.max(initial=0) >= source.units:
        raise Error(
            f"the recording to take {signal!r} from has {source.layers} layers of {source.units} units, which do not "
            f"hold layer {layer}, unit {units.max(initial=0)}; take one of a model of the same shape"
        )
    return source[signal, layer][:, units]


class Change:
    """An intervention that fits a certain stack of cells, ready to be made.

    Raises
    ------
    Error
        The stack has no such layer, signal or unit, or the recording that values come from has none.
    """

    def __init__(self, intervention: Intervention, layers: Sequence[Cell]) -> None:
        if not -len(layers) <= intervention.layer < len(layers):
            raise Error(f"no layer {intervention.layer} to change; there are layers 0 to {len(layers) - 1}")
        self.layer, self.signal, self.steps = (
            intervention.layer % len(layers),
            intervention.signal,
            intervention.steps(),
        )
        self.timed = intervention.time is not None or isinstance(intervention, Patch)
        cell = layers[self.layer]
        if self.signal not in cell.signals():
            raise Error(f"no signal {self.signal!r} to change; the {cell.name} has {', '.join(cell.signals())}")
        unit = slice(None) if intervention.unit is None else intervention.unit
        try:
            units = np.atleast_1d(np.arange(cell.units)[unit if isinstance(unit, slice) else np.asarray(unit)])
        except IndexError:
            raise Error(f"no unit {unit} to change; layer {self.layer} has units 0 to {cell.units - 1}") from None
        self.units = torch.from_numpy(units)
        self.values = torch.as_tensor(intervention.values(self.layer, units))

    def mirrored(self, length: int) -> Change:
        """Return the same change in a layer that reads ``length`` steps from the last to the first."""
        mirrored = copy.copy(self)
        mirrored.steps = range(length - self.steps.stop, length - self.steps.start)
        mirrored.values = self.values.flip(0) if self.values.ndim == 2 else self.values
        return mirrored

    def __call__(self, first: int, signal: Float[Tensor, "time *batch unit"]) -> Float[Tensor, "time *batch unit"]:
        """Return the signal's values, of which the earliest belong to step ``first``, with the change made."""
        steps = range(max(first, self.steps.start), min(first + len(signal), self.steps.stop))
        if not steps:
            return signal
        new = self.values.to(signal)
        if new.ndim == 2:  # [time, unit]: each step's own, the same for the whole batch
            new = new[steps.start - self.steps.start :][: len(steps)]
            new = new.view(len(steps), *[1] * (signal.ndim - 2), len(self.units))
        changed = signal.clone()
        changed[steps.start - first : steps.stop - first, ..., self.units] = new
        return changed


def by_layer(layers: Sequence[Cell], interventions: Sequence[Intervention]) -> list[list[Change]]:
    """Return what changes in each layer, in the order given; where two meet, the later one holds."""
    changes = [Change(intervention, layers) for intervention in interventions]
    return [[change for change in changes if change.layer == layer] for layer in range(len(layers))]


def mirrored(changes: Sequence[Sequence[Change]], length: int) -> list[list[Change]]:
    """Return the changes of layers that read ``length`` steps from the last to the first."""
    return [[change.mirrored(length) for change in layer] for layer in changes]


def listener(changes: Sequence[Change], first: int) -> Listener:
    """Return what makes ``changes`` in a layer that reads from step ``first`` on."""

    def change_it(time: int, symbol: str, value: Any) -> Any:
        for change in changes:
            if change.signal == symbol:
                value = change(first + time, value.unsqueeze(0))[0]
        return value

    return change_it
