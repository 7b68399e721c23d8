"""What happened inside a network while it read one text: plain arrays, frozen, no torch."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from rnncore.errors import RecordingError
from rnncore.files import write_atomically

FORMAT = 2  # 2 names the layers
_WORDS = ("model", "cell", "states", "symbols", "tokens", "target", "layer_names")
_STEPS = ("ids", "loss", "rank", "top_ids", "top_probability")


@dataclass(frozen=True, eq=False)
class Recording:
    """One text through one network: every signal of every layer at every step. All arrays are read-only.

    ``rec["c"]`` is a signal [layer, time, unit]; ``rec["c", -1]`` one layer of it [time, unit]. Signals may differ
    in width: an LSTM with a projection has fewer h than c.

    What a network without a vocabulary read has no words: ``symbols`` are empty, ``tokens`` are the numbers of the
    steps, ``ids`` and ``rank`` are -1, the loss is nan, and there are no guesses.

    Attributes
    ----------
    model, cell : str
        Name of the model and of its cell.
    states : tuple of str
        Which of the signals are carried from step to step.
    symbols : tuple of str
        The vocabulary, in the order of ids.
    tokens : tuple of str
        What was read, one string a step.
    ids : int64 [time]
        Ids of the tokens; -1 where the model has never seen the character.
    loss : float32 [time]
        -log p(token t+1 | tokens up to t) in nats: nan at the last step, inf before a token never seen. From a
        model that reads both ways, -log p(token t+1 | all other tokens).
    rank : int64 [time]
        How many symbols the model thought likelier than the next token; -1 where there is none.
    top_ids, top_probability : int64, float32 [time, k]
        The k likeliest next symbols, best first.
    gradient : mapping of str to float64 [layer, time]
        For each state, the Euclidean norm of the *total* gradient of the loss with respect to the state
        at each step: everything through which it matters. Empty unless asked for. dL/dh holds c fixed.
    target : int or None
        The step whose loss was differentiated; None for the mean loss.
    layer_names : tuple of str
        What each entry of the layer axis is: "0", "1", ... unless said otherwise. A network that reads both ways
        has two entries a layer, "0 forward" and "0 backward", both in the text's own order of time: the backward
        one at step t has read the text's end down to token t.
    """

    model: str
    cell: str
    states: tuple[str, ...]
    symbols: tuple[str, ...]
    tokens: tuple[str, ...]
    values: Mapping[str, np.ndarray] = field(repr=False)
    ids: np.ndarray = field(repr=False)
    loss: np.ndarray = field(repr=False)
    rank: np.ndarray = field(repr=False)
    top_ids: np.ndarray = field(repr=False)
    top_probability: np.ndarray = field(repr=False)
    gradient: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)
    target: int | None = None
    layer_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("values", "gradient"):
            frozen = {symbol: _read_only(array) for symbol, array in getattr(self, name).items()}
            object.__setattr__(self, name, MappingProxyType(frozen))
        for name in _STEPS:
            object.__setattr__(self, name, _read_only(getattr(self, name)))
        self._check()
        object.__setattr__(self, "layer_names", self.layer_names or tuple(map(str, range(self.layers))))

    def _check(self) -> None:
        """Hold every part to its kind and shape, so that who reads a recording need not."""
        time, guesses = len(self.tokens), self.top_ids.shape[-1:]
        layers = next((array.shape[:1] for array in (*self.values.values(), *self.gradient.values())), ())
        for name in ("ids", "loss", "rank"):
            _fits(name, getattr(self, name), (time,))
        for name in ("top_ids", "top_probability"):
            _fits(name, getattr(self, name), (time, *guesses), axes=2)
        for symbol, array in self.values.items():
            _fits(symbol, array, (*layers, time, *array.shape[2:]), axes=3)
        for symbol, array in self.gradient.items():
            _fits(f"gradient of {symbol}", array, (*layers, time), axes=2)
        for name in ("ids", "top_ids"):
            if not (getattr(self, name) >= -1).all() or not (getattr(self, name) < len(self.symbols)).all():
                raise RecordingError(f"{name} reach beyond the vocabulary of {len(self.symbols)} symbols")
        words = (*self.states, *self.symbols, *self.tokens, *self.layer_names)
        if not all(isinstance(word, str) for word in words):
            raise RecordingError("states, symbols, tokens and layer names are strings; some of these are not")
        if self.layer_names and layers and len(self.layer_names) != self.layers:
            raise RecordingError(f"{len(self.layer_names)} layer names for {self.layers} layers")
        if not set(self.gradient) <= set(self.states):
            raise RecordingError(f"gradients of {', '.join(self.gradient)}; the states are {', '.join(self.states)}")
        if self.target is not None and self.target not in range(time):
            raise RecordingError(f"target is {self.target!r}, none of the steps 0 to {time - 1}")

    def __getitem__(self, key: str | tuple[str, int]) -> np.ndarray:
        symbol, layer = key if isinstance(key, tuple) else (key, slice(None))
        if symbol not in self.values:
            raise RecordingError(f"no signal {symbol!r} here; recorded: {', '.join(self.signals) or 'none'}")
        return self.values[symbol][layer]

    @property
    def signals(self) -> tuple[str, ...]:
        """Symbols of the recorded signals, in the order in which a step computes them."""
        return tuple(self.values)

    @property
    def time(self) -> int:
        """Number of steps."""
        return len(self.tokens)

    @property
    def layers(self) -> int:
        """Length of the layer axis; 0 if neither signals nor gradients are held."""
        return next((len(array) for array in (*self.values.values(), *self.gradient.values())), 0)

    @property
    def units(self) -> int:
        """Number of units of each layer, the width of its first signal; 0 if no signal is held."""
        return next((array.shape[2] for array in self.values.values()), 0)

    def save(self, path: str | Path) -> None:
        """Write the recording to one ``.npz`` file, under a temporary name first.

        Raises
        ------
        RecordingError
            The file cannot be written: a full disk, a missing folder.
        """
        path = Path(path)
        arrays: dict[str, Any] = {f"values/{symbol}": array for symbol, array in self.values.items()}
        arrays |= {f"gradient/{symbol}": array for symbol, array in self.gradient.items()}
        arrays |= {name: getattr(self, name) for name in _STEPS}
        header = {"format": FORMAT, **{word: getattr(self, word) for word in _WORDS}}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, header=np.array(json.dumps(header)), **arrays)
        try:
            write_atomically(path, buffer.getvalue())
        except OSError as error:
            raise RecordingError(f"cannot write {path}: {error.strerror}") from error

    @classmethod
    def load(cls, path: str | Path) -> Recording:
        """Read a recording.

        Raises
        ------
        RecordingError
            No such file, or it is damaged, no recording, or from a newer version.
        """
        path = Path(path)
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
                arrays: dict[str, Any] = dict(archive)
            header = json.loads(str(arrays.pop("header")))
            version = int(header.pop("format"))
        except OSError as error:
            raise RecordingError(f"no recording at {path}: {error.strerror}") from None
        except Exception as error:  # a damaged archive fails in as many ways as it has bytes
            raise RecordingError(f"{path} is damaged or no recording ({error}); record the text again") from error
        if version > FORMAT:
            raise RecordingError(f"{path} has format {version}, this rnncore reads up to {FORMAT}; update rnncore")
        for group in ("values", "gradient"):
            names = [name for name in arrays if name.startswith(f"{group}/")]
            header[group] = {name.removeprefix(f"{group}/"): arrays.pop(name) for name in names}
        try:
            for word in ("states", "symbols", "tokens"):
                header[word] = tuple(header[word])
            header["layer_names"] = tuple(header.get("layer_names", ()))  # since format 2
            return cls(**header, **arrays)
        except (TypeError, KeyError, RecordingError) as error:
            raise RecordingError(f"{path} is no whole recording ({error}); record the text again") from error


def _fits(name: str, array: np.ndarray, shape: tuple[int, ...], axes: int = 1) -> None:
    if array.dtype.kind not in "iuf" or array.shape != shape or array.ndim != axes:
        expected = ", ".join(map(str, shape))
        raise RecordingError(f"{name} has {array.dtype} {list(array.shape)}; expected numbers [{expected}]")


def _read_only(array: np.ndarray) -> np.ndarray:
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view
