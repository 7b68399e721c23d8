"""The language model: embed each symbol, pass it through recurrent layers, score the next symbol."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from rnncore.cells import Cell, State, find
from rnncore.errors import Error
from rnncore.network import fused, signals
from rnncore.network.intervene import Change, mirrored
from rnncore.network.vocabulary import Vocabulary


@dataclass(frozen=True)
class ModelConfig:
    """The shape of a language model.

    Parameters
    ----------
    cell : str
        Name of the recurrence, a key of :func:`rnncore.cells`.
    layers, units : int
        Number of recurrent layers, and the width of each.
    embedding : int
        Width of a symbol's vector.
    dropout : float
        Probability with which, in training, each output of a layer is dropped.
    recurrent_init, forget_bias : str, float, optional
        Where recurrent weights and the forget gate's bias start, if not where the cell would have them; see
        :meth:`rnncore.Cell.initialise`.
    chrono : float, optional
        The longest memory to start with, in steps; see there too.
    bidirectional : bool
        As many layers again read the text from its end. Each symbol is then predicted from all the others.
    tied : bool
        A symbol is scored by the vector that it is read as (Press & Wolf 2017): the head has no weights of its own.
        Where symbols are rare, what the model learns of one by having to predict it is then known when it is read.
        ``embedding`` must be as wide as ``units``.
    """

    cell: str = "lstm"
    layers: int = 2
    units: int = 128
    embedding: int = 64
    dropout: float = 0.0
    recurrent_init: str | None = None
    forget_bias: float | None = None
    bidirectional: bool = False
    chrono: float | None = None
    tied: bool = False

    def __post_init__(self) -> None:
        find(self.cell).check_start(self.recurrent_init, self.forget_bias, self.chrono)
        for field in ("layers", "units", "embedding"):
            if getattr(self, field) < 1:
                raise Error(f"{field} must be at least 1, not {getattr(self, field)}")
        if not 0 <= self.dropout < 1:
            raise Error(f"dropout is a probability below 1, not {self.dropout}")
        if self.tied and (self.embedding != self.units or self.bidirectional):
            raise Error("tied weights need an embedding as wide as the units, and a model that reads forward only")


class LanguageModel(nn.Module):
    """Embedding, a stack of cells, and a linear head that scores the next symbol.

    A bidirectional model has a second stack, which reads the same embedding from the text's end. The two meet in the
    head only (Peters 2018): a layer that saw both would know the symbol it is to predict. What scores the symbol t+1
    is h of the forward stack after t, and h of the backward stack after everything down to t+2.

    Attributes
    ----------
    embedding : nn.Embedding
        One vector a symbol.
    cells : nn.ModuleList of Cell
        One cell a layer, the first reads the embedding.
    backward_cells : nn.ModuleList of Cell
        The same from the text's end; empty unless the model is bidirectional.
    head : nn.Linear
        From the last layer's h, or both last layers' h, to one logit a symbol. Its weights are the embedding's if tied.
    name : str
        What the model is called on screen.
    """

    def __init__(self, config: ModelConfig, vocabulary: Vocabulary, name: str = "untrained") -> None:
        super().__init__()
        self.config, self.vocabulary, self.name = config, vocabulary, name
        cell = find(config.cell)
        widths = [config.embedding] + [config.units] * (config.layers - 1)
        # Weights come from initialise() or a checkpoint; torch would draw some from its global randomness.
        self.embedding = nn.utils.skip_init(nn.Embedding, len(vocabulary), config.embedding)  # type: ignore[no-untyped-call]
        self.cells = nn.ModuleList(cell(width, config.units) for width in widths)
        self.backward_cells = nn.ModuleList(cell(width, config.units) for width in widths * config.bidirectional)
        read = config.units * (1 + config.bidirectional)
        self.head = nn.utils.skip_init(nn.Linear, read, len(vocabulary))  # type: ignore[no-untyped-call]
        if config.tied:
            self.head.weight = self.embedding.weight

    def initialise(self, seed: int) -> LanguageModel:
        """Draw fresh weights from ``seed``, and return the model."""
        generator = torch.Generator().manual_seed(seed)
        options = ("recurrent_init", "forget_bias", "chrono")
        asked = {name: value for name in options if (value := getattr(self.config, name)) is not None}
        with torch.no_grad():
            self.embedding.weight.normal_(0, 0.1 if self.config.tied else 0.5, generator=generator)
            for cell in self.layers:
                cell.initialise(generator, **asked)
            if not self.config.tied:
                bound = (6 / (self.head.in_features + len(self.vocabulary))) ** 0.5
                self.head.weight.uniform_(-bound, bound, generator=generator)
            self.head.bias.zero_()
        return self

    @property
    def layers(self) -> list[Cell]:
        """The recurrent layers, the one that reads the embedding first; those that read backward after the others."""
        return [*self.cells, *self.backward_cells]

    @property
    def layer_names(self) -> tuple[str, ...]:
        """What each layer is called: "0", "1", ..., or "0 forward", "1 forward", ..., "0 backward", ..."""
        numbers = [str(layer) for layer in range(len(self.cells))]
        if not self.backward_cells:
            return tuple(numbers)
        return tuple(f"{number} {direction}" for direction in ("forward", "backward") for number in numbers)

    def reads_forward_only(self, otherwise: str) -> None:
        """Refuse a model that reads both ways where that cannot be; ``otherwise`` says what it then does not do."""
        if self.backward_cells:
            raise Error(
                f"{self.name} reads both ways and fills gaps; {otherwise}. Take a model that reads forward only"
            )

    @property
    def parameter_count(self) -> int:
        """Number of all weights and biases."""
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def fingerprint(self) -> str:
        """What tells these weights from any others: 16 hexadecimal digits of their SHA-256."""
        digest = hashlib.sha256()
        for name, weight in self.state_dict().items():
            digest.update(name.encode())
            digest.update(weight.float().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def start(self, *batch: int) -> list[State]:
        """Return the all-zero start state of every layer."""
        return [cell.start(*batch) for cell in self.layers]

    def embed(self, ids: Int64[Tensor, "*axes"]) -> Float[Tensor, "*axes input"]:
        """Return each symbol's vector; a symbol never seen (-1) is a zero vector: no information."""
        vectors: Tensor = self.embedding(ids.clamp(min=0))
        if not ids.is_cuda and bool((ids >= 0).all()):
            return vectors
        return vectors * (ids >= 0).unsqueeze(-1).to(vectors.dtype)

    def forward(
        self,
        ids: Int64[Tensor, "time batch"],
        states: list[State] | None = None,
        dropout: torch.Generator | None = None,
        changes: Sequence[Sequence[Change]] | None = None,
        first: int = 0,
    ) -> tuple[Float[Tensor, "time batch vocab"], list[State]]:
        """Return the logits of every next symbol, and the states from which the next window is read.

        Parameters
        ----------
        ids : Tensor
            Symbols to read; time first.
        states : list of State, optional
            Where each layer starts; all zero by default. Backward layers start at the end of ``ids``, and anew in
            every window: what follows it they do not know.
        dropout : torch.Generator, optional
            Source of dropout's randomness; without it nothing is dropped.
        changes : sequence of sequences of Change, optional
            What interventions change in each layer; see :mod:`rnncore.network.intervene`.
        first : int
            The step that ``ids`` begin with, by which interventions know their time.
        """
        changes = [()] * len(self.layers) if changes is None else changes
        states = self.start(ids.shape[1]) if states is None else states
        depth, x = len(self.cells), self.embed(ids)
        h, ends = self._climb(x, slice(depth), states, changes, first, dropout)
        if self.backward_cells:
            back, turned = slice(depth, None), mirrored(changes, first + len(ids))
            b, _ = self._climb(x.flip(0), back, states, turned, 0, dropout)
            h = both(h, b.flip(0), states[-1].h.expand(2, -1, -1))
            ends += states[back]
        return self.head(h), ends

    def _climb(
        self,
        x: Float[Tensor, "time batch _"],
        part: slice,
        states: Sequence[State],
        changes: Sequence[Sequence[Change]],
        first: int,
        dropout: torch.Generator | None,
    ) -> tuple[Float[Tensor, "time batch unit"], list[State]]:
        """Pass ``x`` through one stack, a part of all layers; return the last layer's h and the final states."""
        ends = []
        for cell, state, change in zip(self.layers[part], states[part], changes[part], strict=True):
            x, end = signals.run(cell, x, state, change, first) if change else fused.run(cell, x, state)
            ends.append(end)
            x = drop(x, self.config.dropout, dropout)
        return x, ends


def both(
    h: Float[Tensor, "time batch unit"], b: Float[Tensor, "time batch unit"], after: Float[Tensor, "2 batch unit"]
) -> Float[Tensor, "time batch both"]:
    """Return what scores the next symbol where two stacks read: h_t beside b_{t+2}, so that x_{t+1} is read by none.

    ``after`` are b at the two steps that follow: the backward stack's start state where nothing does.
    """
    return torch.cat([h, torch.cat([b, after])[2:]], -1)


def drop(x: Tensor, probability: float, generator: torch.Generator | None) -> Tensor:
    """Zero each value with ``probability`` and scale up the rest; unchanged without a generator."""
    if generator is None or probability == 0:
        return x
    kept = torch.empty_like(x).bernoulli_(1 - probability, generator=generator)
    return x * kept / (1 - probability)


def next_symbol_loss(logits: Float[Tensor, "*axes vocab"], targets: Int64[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    """Return -log p of each target, in nats; infinite for a symbol never seen (-1)."""
    flat = logits.flatten(0, -2)
    loss = functional.cross_entropy(flat, targets.flatten().clamp(min=0), reduction="none")
    return loss.masked_fill(targets.flatten() < 0, float("inf")).view(targets.shape)


def build(
    cell: str = "lstm",
    *,
    vocabulary: Vocabulary,
    layers: int = 2,
    units: int = 128,
    embedding: int = 64,
    dropout: float = 0.0,
    seed: int = 0,
    recurrent_init: str | None = None,
    forget_bias: float | None = None,
    bidirectional: bool = False,
    chrono: float | None = None,
    tied: bool = False,
) -> LanguageModel:
    """Return a fresh, untrained model with weights drawn from ``seed``.

    >>> model = build("gru", vocabulary=Vocabulary.characters("abc"), units=8)
    """
    shape = cell, layers, units, embedding, dropout
    config = ModelConfig(*shape, recurrent_init, forget_bias, bidirectional, chrono, tied)
    return LanguageModel(config, vocabulary).initialise(seed).eval()
