"""What a model holds when it has read a text to its end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from rnncore.analysis.pieces import Report
from rnncore.cells import State
from rnncore.errors import Error
from rnncore.network import fused
from rnncore.network.model import LanguageModel
from rnncore.training.reviews import prepare

BATCH, WINDOW = 256, 64
"""Texts that are read side by side, and steps at a time."""


def memory(model: LanguageModel) -> str:
    """Return the signal that holds what a model has read: its cell state, or h where it has none."""
    return "c" if "c" in model.layers[0].states else "h"


def final_states(
    model: LanguageModel,
    texts: Sequence[str],
    *,
    precision: str = "float32",
    cache: Path | None = None,
    progress: Report | None = None,
) -> Float32[np.ndarray, "text column"]:
    """Return :func:`memory` of every unit after the last symbol of each text; layer by layer.

    Each text is read from the zero state, as :func:`rnncore.training.reviews.prepare` makes it. Texts of about one
    length are read side by side, and none beyond its end.

    Parameters
    ----------
    precision : {"float32", "bfloat16"}
        bfloat16 is twice as fast on processors that multiply in it, and many times slower on others.
    cache : Path, optional
        A folder for what was read. The same texts are not read again by the same weights; and a reading that was
        broken off goes on where it stopped.
    progress : callable, optional
        Called with (symbols read, symbols in all).
    """
    if precision not in ("float32", "bfloat16"):
        raise Error(f"precision is float32 or bfloat16, not {precision!r}")
    model.reads_forward_only("it has no state at a text's end")
    texts = [prepare(text) for text in texts]
    ids = [torch.from_numpy(model.vocabulary.encode(text)) for text in texts]
    lengths, shape = np.array([len(text) for text in ids]), (len(texts), len(model.layers) * model.config.units)
    states = _kept(model, texts, precision, cache, shape) if cache else np.full(shape, np.nan, np.float32)
    order, done = np.argsort(lengths, kind="stable"), 0

    def report(symbols: int) -> None:
        nonlocal done
        done += symbols
        if progress is not None:
            progress(done, int(lengths.sum()))

    for first in range(0, len(order), BATCH):
        group = order[first : first + BATCH]
        if np.isnan(states[group]).any():
            device = model.head.weight.device.type
            with torch.no_grad(), torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16"):
                states[group] = _ends(model, [ids[k] for k in group], report).float().cpu().numpy()
        else:
            report(int(lengths[group].sum()))
    return np.array(states)


def _ends(model: LanguageModel, ids: list[Tensor], report: Callable[[int], None]) -> Tensor:
    """Return the final states [text, column] of texts in the order of their length; report symbols as they are read."""
    signal, lengths = memory(model), [len(text) for text in ids]
    padded = torch.nn.utils.rnn.pad_sequence(ids).to(model.head.weight.device)
    states, ends, read = model.start(len(ids)), list[Tensor](), 0
    cells = [cell.settled() for cell in model.layers]
    for number, length in enumerate(lengths):
        for first in range(read, length, WINDOW):
            x = model.embed(padded[first : min(first + WINDOW, length), number:])
            for layer, cell in enumerate(cells):
                x, states[layer] = fused.run(cell, x, states[layer])
            report(x.shape[0] * x.shape[1])
        read = length
        ends.append(torch.cat([state[signal][0] for state in states]))
        states = [State(**{symbol: value[1:] for symbol, value in state.items()}) for state in states]
    return torch.stack(ends)


def _kept(model: LanguageModel, texts: list[str], precision: str, folder: Path, shape: tuple[int, int]) -> np.ndarray:
    """Return the file that holds what this model, just as it is, has read of these texts; nan where it has not yet."""
    key = hashlib.sha256(repr((model.config, model.vocabulary, precision)).encode())
    for tensor in model.state_dict().values():
        key.update(tensor.detach().cpu().numpy().tobytes())
    for text in texts:
        key.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
    path = folder / f"{key.hexdigest()[:24]}.npy"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            np.save(path, np.full(shape, np.nan, np.float32))
        return np.asarray(np.lib.format.open_memmap(path, "r+"))
    except OSError as error:
        raise Error(f"cannot keep what was read in {path}: {error.strerror or error}") from error
