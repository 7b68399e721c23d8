"""The language model: embed each symbol, pass it through recurrent layers, score the next symbol."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from rnncore.cells import Cell, State, find
from rnncore.errors import Error
from rnncore.network import fused
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
    """

    cell: str = "lstm"
    layers: int = 2
    units: int = 128
    embedding: int = 64
    dropout: float = 0.0

    def __post_init__(self) -> None:
        find(self.cell)
        for field in ("layers", "units", "embedding"):
            if getattr(self, field) < 1:
                raise Error(f"{field} must be at least 1, not {getattr(self, field)}")
        if not 0 <= self.dropout < 1:
            raise Error(f"dropout is a probability below 1, not {self.dropout}")


class LanguageModel(nn.Module):
    """Embedding, a stack of cells, and a linear head that scores the next symbol.

    Attributes
    ----------
    embedding : nn.Embedding
        One vector a symbol.
    cells : nn.ModuleList of Cell
        One cell a layer, the first reads the embedding.
    head : nn.Linear
        From the last layer's h to one logit a symbol.
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
        self.head = nn.utils.skip_init(nn.Linear, config.units, len(vocabulary))  # type: ignore[no-untyped-call]

    def initialise(self, seed: int) -> LanguageModel:
        """Draw fresh weights from ``seed``, and return the model."""
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            self.embedding.weight.normal_(0, 0.5, generator=generator)
            for cell in self.layers:
                cell.initialise(generator)
            bound = (6 / (self.config.units + len(self.vocabulary))) ** 0.5
            self.head.weight.uniform_(-bound, bound, generator=generator)
            self.head.bias.zero_()
        return self

    @property
    def layers(self) -> list[Cell]:
        """The recurrent layers, the one that reads the embedding first."""
        return list(self.cells)  # type: ignore[arg-type]

    @property
    def parameter_count(self) -> int:
        """Number of all weights and biases."""
        return sum(parameter.numel() for parameter in self.parameters())

    def start(self, *batch: int) -> list[State]:
        """Return the all-zero start state of every layer."""
        return [cell.start(*batch) for cell in self.layers]

    def embed(self, ids: Int64[Tensor, "*axes"]) -> Float[Tensor, "*axes input"]:
        """Return each symbol's vector; a symbol never seen (-1) is a zero vector: no information."""
        vectors: Tensor = self.embedding(ids.clamp(min=0))
        return vectors * (ids >= 0).unsqueeze(-1).to(vectors.dtype)

    def forward(
        self,
        ids: Int64[Tensor, "time batch"],
        states: list[State] | None = None,
        dropout: torch.Generator | None = None,
    ) -> tuple[Float[Tensor, "time batch vocab"], list[State]]:
        """Return the logits of every next symbol, and the states after the last one.

        Parameters
        ----------
        ids : Tensor
            Symbols to read; time first.
        states : list of State, optional
            Where each layer starts; all zero by default.
        dropout : torch.Generator, optional
            Source of dropout's randomness; without it nothing is dropped.
        """
        states = self.start(ids.shape[1]) if states is None else states
        x, ends = self.embed(ids), []
        for cell, state in zip(self.layers, states, strict=True):
            x, end = fused.run(cell, x, state)
            ends.append(end)
            x = drop(x, self.config.dropout, dropout)
        return self.head(x), ends


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
) -> LanguageModel:
    """Return a fresh, untrained model with weights drawn from ``seed``.

    >>> model = build("gru", vocabulary=Vocabulary.characters("abc"), units=8)
    """
    config = ModelConfig(cell, layers, units, embedding, dropout)
    return LanguageModel(config, vocabulary).initialise(seed).eval()
