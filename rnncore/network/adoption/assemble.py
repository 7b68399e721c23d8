"""Embedding, recurrent stack and head, each as somebody else made it, put together as a LanguageModel."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rnncore.cells import find
from rnncore.errors import Error
from rnncore.network.model import LanguageModel, ModelConfig
from rnncore.network.modules import NAMES
from rnncore.network.vocabulary import Vocabulary

HEADING = "these modules make no language model"
PARAMETERS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


@dataclass(frozen=True, eq=False)
class Parts:
    """The tensors of a language model, in torch's layout.

    Attributes
    ----------
    cell : str
        Name of the recurrence.
    recurrent : mapping of str to Tensor
        By torch's names: ``weight_ih_l0``, ``weight_hh_l0``, ``bias_ih_l0`` and so on; biases may be missing.
    embedding : Tensor [vocab, embedding] or None
        None where symbols are read as one-hot vectors.
    head : Tensor [vocab, unit]
    bias : Tensor [vocab] or None
    dropout : float
    """

    cell: str
    recurrent: Mapping[str, Tensor]
    embedding: Tensor | None
    head: Tensor
    bias: Tensor | None
    dropout: float = 0.0

    @property
    def layers(self) -> int:
        """Number of recurrent layers."""
        return len({match[1] for name in self.recurrent if (match := re.search(r"_l(\d+)$", name))})

    @property
    def units(self) -> int:
        """Width of h."""
        return self.recurrent["weight_hh_l0"].shape[1]

    @property
    def inputs(self) -> int:
        """Width of what the first layer reads."""
        return self.recurrent["weight_ih_l0"].shape[1]


def adopt(
    embedding: nn.Module | None,
    recurrent: nn.Module,
    head: nn.Module,
    vocabulary: Vocabulary | Sequence[str],
    name: str = "adopted",
) -> LanguageModel:
    """Return a LanguageModel with the weights of your own modules: ``head(recurrent(embedding(ids)))``.

    It computes what they compute in evaluation mode, can be recorded, trained, saved and opened by every page. The
    weights are copied.

    Parameters
    ----------
    embedding : nn.Embedding or None
        None where symbols are read as one-hot vectors.
    recurrent : nn.LSTM, nn.GRU or nn.RNN
        One direction, without projection; any number of layers, with or without biases, ``batch_first`` or not.
    head : nn.Linear
        From the last layer's h to one score a symbol.
    vocabulary : Vocabulary or sequence of str
        The symbols in the order of their ids. A list is taken for characters if most of its symbols are one
        character long, else for words.
    name : str
        What the model is called on screen.

    Raises
    ------
    Error
        Something does not fit; the sentences list all of it.

    >>> lstm, head = nn.LSTM(16, 32), nn.Linear(32, 3)
    >>> model = adopt(nn.Embedding(3, 16), lstm, head, ["a", "b", "c"])
    """
    if not (
        isinstance(embedding, (nn.Embedding, type(None)))
        and isinstance(recurrent, nn.RNNBase)
        and isinstance(head, nn.Linear)
    ):
        came = ", ".join(type(part).__name__ for part in (embedding, recurrent, head))
        raise Error(f"expected an nn.Embedding or None, an nn.LSTM, nn.GRU or nn.RNN, and an nn.Linear; came {came}")
    problems = []
    if embedding is not None and embedding.max_norm is not None:
        problems.append("the embedding has max_norm, which changes it as it is read; clip its rows, then set None")
    tensors = {name: getattr(recurrent, name) for name in recurrent._flat_weights_names}
    vectors = None if embedding is None else embedding.weight
    parts = Parts(NAMES[recurrent.mode], tensors, vectors, head.weight, head.bias, recurrent.dropout)
    problems += misfits(parts)
    vocabulary = vocabulary if isinstance(vocabulary, Vocabulary) else vocabulary_of(vocabulary)
    problems += wrong_size(parts, vocabulary)
    if problems:
        raise Error(listed(HEADING, problems))
    return assemble(parts, vocabulary, name)


def listed(heading: str, problems: Sequence[str]) -> str:
    """Return one sentence, or a heading with one line for each problem."""
    if len(problems) == 1:
        return f"{heading}: {problems[0]}"
    return "\n".join([f"{heading}:", *(f"- {problem}" for problem in problems)])


def vocabulary_of(symbols: Sequence[str]) -> Vocabulary:
    """Return the vocabulary of a list: characters if most are one character long, else words."""
    short = sum(len(symbol) == 1 for symbol in symbols)
    return Vocabulary("characters", tuple(symbols)) if 2 * short > len(symbols) else Vocabulary.words(symbols)


def misfits(parts: Parts) -> list[str]:
    """Return what keeps these tensors from being a language model, whatever its vocabulary."""
    problems, (vocab, units) = [], parts.head.shape
    backward = any(name.endswith("_reverse") for name in parts.recurrent)
    projected = any(name.startswith("weight_hr") for name in parts.recurrent)
    if backward:
        problems.append("the recurrent layers read in both directions; to predict the next symbol is to read forwards")
    if projected:
        problems.append("the LSTM has a projection (proj_size), which no cell has here; record_module can record it")
    if not backward and not projected:
        problems += _shapes(parts)
    if not backward and units != parts.units:
        problems.append(f"the head reads {units} values, the last recurrent layer gives {parts.units}")
    if parts.embedding is not None:
        symbols, width = parts.embedding.shape
        if width != parts.inputs:
            problems.append(f"the embedding gives {width} values, the first recurrent layer reads {parts.inputs}")
        if symbols != vocab:
            problems.append(f"the embedding has {symbols} symbols, the head {vocab}")
    elif parts.inputs != vocab:
        problems.append(
            f"without an embedding the first recurrent layer reads one-hot vectors of {parts.inputs}, "
            f"but the head scores {vocab} symbols"
        )
    return problems


def wrong_size(parts: Parts, vocabulary: Vocabulary) -> list[str]:
    """Return the sentence for a vocabulary with more or fewer symbols than the head scores."""
    if len(vocabulary) == len(parts.head):
        return []
    return [f"the vocabulary has {len(vocabulary)} symbols, the head scores {len(parts.head)}"]


def _shapes(parts: Parts) -> list[str]:
    height = len(find(parts.cell).rows) * parts.units
    expected: dict[str, tuple[int, ...]] = {}
    for layer in range(parts.layers):
        width = parts.units if layer else parts.inputs
        shapes = ((height, width), (height, parts.units), (height,), (height,))
        expected |= {f"{name}_l{layer}": shape for name, shape in zip(PARAMETERS, shapes, strict=True)}
    found = {name: tuple(tensor.shape) for name, tensor in parts.recurrent.items()}
    biased = any(name.startswith("bias") for name in found)
    return [
        f"{name} is {list(found.get(name, ())) or 'missing'}, expected {list(expected.get(name, ())) or 'none'}"
        for name in sorted(expected.keys() | found.keys())
        if found.get(name) != expected.get(name) and (name in found or biased or name.startswith("weight"))
    ]


def assemble(parts: Parts, vocabulary: Vocabulary, name: str) -> LanguageModel:
    """Return the model of parts that fit: its weights are copies, in float64 where theirs are, else in float32."""
    precision = torch.float64 if parts.head.dtype == torch.float64 else torch.float32
    embedding = torch.eye(parts.inputs) if parts.embedding is None else parts.embedding
    config = ModelConfig(parts.cell, parts.layers, parts.units, embedding.shape[1], parts.dropout)
    model = LanguageModel(config, vocabulary, name).to(precision)
    zeros = torch.zeros(len(parts.recurrent["weight_hh_l0"]))
    tensors = {
        f"cells.{layer}.{name}": parts.recurrent.get(f"{name}_l{layer}", zeros)
        for layer in range(parts.layers)
        for name in PARAMETERS
    }
    bias = torch.zeros(len(parts.head)) if parts.bias is None else parts.bias
    model.load_state_dict({**tensors, "embedding.weight": embedding, "head.weight": parts.head, "head.bias": bias})
    return model.to(parts.head.device).eval()
