"""Checkpoints that other programs wrote: find the embedding, the recurrent stack and the head among their tensors.

One rule serves all layouts, such as PyTorch's word_language_model, char-rnn.pytorch or the CharRNN of many courses:
the names that end in ``weight_ih_l0`` and the like are the recurrent stack; what is left is a matrix [vocab, units],
the head, with or without its bias, and, unless symbols are read as one-hot vectors, a matrix [vocab, inputs], the
embedding. Anything else has no place, and is said.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as from_bytes
from torch import Tensor

from rnncore.errors import CheckpointError, Error, VocabularyError
from rnncore.network.adoption import openai
from rnncore.network.adoption.assemble import Parts, assemble, listed, misfits, vocabulary_of, wrong_size
from rnncore.network.adoption.symbols import Source, read_vocabulary, symbols_in
from rnncore.network.model import LanguageModel

Tensors = Mapping[str, Tensor]
_RECURRENT = re.compile(r"(?:(?P<owner>.*)\.)?(?P<name>(?:weight|bias)_(?:ih|hh|hr)_l\d+(?:_reverse)?)")
_CELLS = {1: "elman", 3: "gru", 4: "lstm"}


def import_checkpoint(
    path: str | Path,
    vocabulary: Source | None = None,
    *,
    words: bool = False,
    order: str | None = None,
    relu: bool = False,
    name: str | None = None,
) -> LanguageModel:
    """Return a model that another program trained and saved.

    Parameters
    ----------
    path : str or Path
        A .safetensors file, a .pt or .pth file of tensors (``torch.save(model.state_dict(), ...)``, also inside a
        dictionary with other things), or OpenAI's folder of arrays 0.npy to 14.npy (the sentiment neuron).
    vocabulary : optional
        The symbols, or where they come from; see :func:`rnncore.network.adoption.symbols.read_vocabulary`. Without
        it, the list of symbols that the checkpoint itself keeps beside its weights, if it does.
    words, order : optional
        How a training text was cut and numbered; see there.
    relu : bool
        The network is an ``nn.RNN`` with a rectifier: its tensors do not say so, and tanh is taken otherwise.
    name : str, optional
        What the model is called on screen; by default the file's name.

    Raises
    ------
    CheckpointError
        The file is missing, damaged, or holds more than tensors.
    Error
        It is no such model, or the vocabulary does not fit; the sentences list all that is missing.
    """
    path = Path(path)
    if path.is_dir():
        return openai.load(path, name or path.resolve().name)
    content = _read(path)
    tensors = _tensors(content)
    problems: list[str] = []
    parts = _find(tensors, relu, problems)
    symbols = None
    if parts is not None:
        problems += misfits(parts)
        size = len(parts.head)
        kept = symbols_in(content, size) if vocabulary is None else None
        try:
            if kept is not None:
                symbols = vocabulary_of(kept)
            elif vocabulary is None:
                problems.append(f"its {size} symbols are not known; give a vocabulary: a list, or the training text")
            else:
                symbols = read_vocabulary(vocabulary, size, words, order)
                problems += wrong_size(parts, symbols)
        except VocabularyError as error:
            problems.append(str(error))
    if problems or parts is None or symbols is None:
        raise Error(listed(f"{path} does not fit", problems))
    return assemble(parts, symbols, name or path.stem)


def _read(path: Path) -> Any:
    """Return what a file holds, tensors and plain values; nothing in it is run."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"no checkpoint at {path}: {error.strerror}") from None
    try:
        if path.suffix == ".safetensors":
            return from_bytes(content)
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise CheckpointError(
            f"{path} is damaged, or holds more than tensors, perhaps a whole model, and opening that could run any "
            "program in it; where it was made, save only the tensors: torch.save(model.state_dict(), 'weights.pt')"
        ) from None
    except Exception as error:  # a damaged file fails in as many ways as it has bytes
        raise CheckpointError(
            f"{path} is no checkpoint, or a damaged one ({error}); give a file that torch.save or safetensors wrote, "
            "or copy it again"
        ) from error


def _tensors(content: Any) -> Tensors:
    """Return the tensors by name: the first mapping inside that has recurrent ones, else all there are on top."""
    if not isinstance(content, Mapping):
        return {}
    here = {name: value for name, value in content.items() if isinstance(value, Tensor) and isinstance(name, str)}
    if any(map(_RECURRENT.fullmatch, here)):
        return here
    inside = (_tensors(value) for value in content.values())
    return next((found for found in inside if any(map(_RECURRENT.fullmatch, found))), here)


def _find(tensors: Tensors, relu: bool, problems: list[str]) -> Parts | None:
    """Return the parts among ``tensors``; None, and what is wrong in ``problems``, if some are missing."""
    stacks: dict[str, dict[str, Tensor]] = {}
    rest = dict(tensors)
    for full in tensors:
        if match := _RECURRENT.fullmatch(full):
            stacks.setdefault(match["owner"] or "", {})[match["name"]] = rest.pop(full)
    complete = {o: s for o, s in stacks.items() if {"weight_ih_l0", "weight_hh_l0"} <= s.keys()}
    if len(complete) != 1 or len(stacks) != 1:
        found = ", ".join(map(repr, stacks)) or f"none among {', '.join(list(tensors)[:8]) or 'its contents'}"
        problems.append(f"expected one nn.LSTM, nn.GRU or nn.RNN, with names such as rnn.weight_ih_l0; found {found}")
        return None
    (recurrent,) = complete.values()
    weights = recurrent["weight_hh_l0"]
    units = recurrent["weight_hr_l0" if "weight_hr_l0" in recurrent else "weight_hh_l0"].shape[1]
    kind = _CELLS.get(weights.shape[0] // units)
    if kind is None or (relu and kind != "elman"):
        blocks = f"{weights.shape[0]} rows for {units} units"
        problems.append(f"weight_hh_l0 has {blocks}; an nn.LSTM has 4 rows a unit, an nn.GRU 3, an nn.RNN 1")
        return None
    width = recurrent["weight_ih_l0"].shape[1]
    head, embedding = _matrices(rest, width, weights.shape[1], problems)
    if head is None:
        return None
    bias = rest.pop(head.removesuffix("weight") + "bias", None)
    vectors = None if embedding is None else rest.pop(embedding)
    scores = rest.pop(head)
    if rest:
        problems.append(f"these tensors have no place in embedding, recurrent stack and head: {', '.join(rest)}")
    return Parts("elman-relu" if relu else kind, recurrent, vectors, scores, bias)


def _matrices(rest: Tensors, width: int, units: int, problems: list[str]) -> tuple[str | None, str | None]:
    """Return the names of the head's and of the embedding's weights; the embedding may be missing."""
    matrices = {name: tensor for name, tensor in rest.items() if tensor.ndim == 2}
    biased = [name for name in matrices if name.removesuffix("weight") + "bias" in rest]
    apart = [name for name, tensor in matrices.items() if tensor.shape[1] != width]
    heads = biased or apart or list(matrices)
    if len(matrices) == 2 and len(heads) == 2 and width == units:
        one, two = matrices.values()
        heads = heads[: 1 if torch.equal(one, two) else 2]
    if len(heads) == 1 and len(matrices) <= 2:
        return heads[0], next((name for name in matrices if name != heads[0]), None)
    found = ", ".join(f"{name} {list(tensor.shape)}" for name, tensor in matrices.items()) or "none"
    problems.append(
        f"expected a head [symbols, {units}] with its bias and, unless symbols are one-hot, an embedding "
        f"[symbols, {width}] without; found {found}. From Python, rnncore.adopt(embedding, recurrent, head, "
        "vocabulary) lets you say which is which"
    )
    return None, None
