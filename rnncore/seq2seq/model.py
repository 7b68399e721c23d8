"""A translator: an encoder reads the source, a decoder writes the target, and looks back at the source as it writes.

Axes are time first, as everywhere: source and target are [time, batch], filled up with ``PAD``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from rnncore.cells import Cell, State, find, silent
from rnncore.cells.base import Tap
from rnncore.errors import Error
from rnncore.network import fused
from rnncore.network.model import drop
from rnncore.seq2seq import attention
from rnncore.seq2seq.tokens import PAD, Tokens


@dataclass(frozen=True)
class Seq2SeqConfig:
    """The shape of a translator.

    Parameters
    ----------
    cell : str
        Name of the recurrence, of encoder and decoder alike; a key of :func:`rnncore.cells`.
    attention : {"none", "additive", "dot", "general", "concat"}
        How the decoder looks back. With none, all it knows of the source is the state it starts from.
    encoder_layers, decoder_layers, units : int
        Layers, and the width of each, in each direction.
    bidirectional : bool
        Whether the encoder also reads from the source's end; each layer then sees both directions of the one below.
    embedding : int
        Width of a token's vector.
    input_feeding : bool
        Whether what was read at a step is part of the next step's input (Luong 2015). The additive attention reads
        before its step and always feeds it.
    coverage : bool
        Whether scores see how much of each source position was read before (Tu 2016).
    dropout : float
        Probability with which, in training, each output of a layer is dropped.
    """

    cell: str = "gru"
    attention: str = "additive"
    encoder_layers: int = 1
    decoder_layers: int = 1
    units: int = 256
    bidirectional: bool = True
    embedding: int = 128
    input_feeding: bool = False
    coverage: bool = False
    dropout: float = 0.0

    def __post_init__(self) -> None:
        find(self.cell)
        for field in ("encoder_layers", "decoder_layers", "units", "embedding"):
            if getattr(self, field) < 1:
                raise Error(f"{field} must be at least 1, not {getattr(self, field)}")
        if not 0 <= self.dropout < 1:
            raise Error(f"dropout is a probability below 1, not {self.dropout}")
        if self.attention != "none":
            attention.find(self.attention)
        elif self.coverage or self.input_feeding:
            raise Error("without attention there is nothing to feed or to cover; leave both out")

    @property
    def memory(self) -> int:
        """Width of what the encoder makes of a source position."""
        return self.units * (1 + self.bidirectional)


@dataclass(frozen=True)
class Source:
    """A batch of sources, read.

    Attributes
    ----------
    memory : Tensor [source, batch, memory]
        The encoder's last layer at every position.
    keys : Tensor
        What scores need of it.
    mask : Tensor [source, batch]
        Where there is a token; false is padding.
    start : list of State
        Where the decoder's layers start.
    """

    memory: Float[Tensor, "source batch memory"]
    keys: Tensor
    mask: Bool[Tensor, "source batch"]
    start: list[State]

    def chosen(self, batch: Int64[Tensor, " _"]) -> Source:
        """Return these members of the batch, in this order, some perhaps more than once."""
        start = [state.map(lambda value: value[batch]) for state in self.start]
        return Source(self.memory[:, batch], self.keys[:, batch], self.mask[:, batch], start)


@dataclass(frozen=True)
class Decoding:
    """Where a decoder stands between two steps: its layers' states, what it read last, what it has read so far."""

    states: list[State]
    fed: Float[Tensor, "batch _"]
    covered: Float[Tensor, "source batch"]

    def chosen(self, batch: Int64[Tensor, " _"]) -> Decoding:
        """Return these members of the batch, in this order, some perhaps more than once."""
        states = [state.map(lambda value: value[batch]) for state in self.states]
        return Decoding(states, self.fed[batch], self.covered[:, batch])


class Seq2Seq(nn.Module):
    """Encoder, attention, decoder.

    Each decoder step t, in the order of Bahdanau (2015) where the attention looks before the step ("additive")::

        a_t = softmax_j score(s_{t-1}, h_j);  c_t = sum_j a_tj h_j;  s_t = cell([y_{t-1}; c_t], s_{t-1})

    and in that of Luong (2015) where it looks after it ("dot", "general", "concat"), [; r_{t-1}] with input feeding::

        s_t = cell([y_{t-1}; r_{t-1}], s_{t-1});  a_t = softmax_j score(s_t, h_j);  c_t = sum_j a_tj h_j

    Then r_t = tanh(R [s_t; c_t]) and p(y_t) = softmax(head r_t).

    The decoder's layers start from tanh of a linear map of the last h of the encoder's last layer, of each direction.
    """

    def __init__(self, config: Seq2SeqConfig, source: Tokens, target: Tokens, name: str = "untrained") -> None:
        super().__init__()
        self.config, self.source, self.target, self.name = config, source, target, name
        cell, units, memory, embedding = find(config.cell), config.units, config.memory, config.embedding
        widths = [embedding] + [memory] * (config.encoder_layers - 1)
        self.source_embedding = nn.Embedding(len(source), embedding)
        self.target_embedding = nn.Embedding(len(target), embedding)
        self.encoder = nn.ModuleList(cell(width, units) for width in widths)
        self.backward_encoder = nn.ModuleList(cell(width, units) for width in widths * config.bidirectional)
        self.attention = (
            None
            if config.attention == "none"
            else attention.find(config.attention)(units, memory, units, config.coverage)
        )
        self.fed = 0
        if self.attention is not None and self.attention.before:
            self.fed = memory
        elif config.input_feeding:
            self.fed = units
        widths = [embedding + self.fed] + [units] * (config.decoder_layers - 1)
        self.decoder = nn.ModuleList(cell(width, units) for width in widths)
        states = len(cell.states)
        self.bridge = nn.Linear(memory, config.decoder_layers * states * units)
        self.read = nn.Linear(units + (memory if self.attention is not None else 0), units)
        self.head = nn.Linear(units, len(target))

    def initialise(self, seed: int) -> Seq2Seq:
        """Draw fresh weights from ``seed``, and return the model."""
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for module in self.modules():
                if isinstance(module, nn.Linear):
                    bound = (6 / (module.in_features + module.out_features)) ** 0.5
                    module.weight.uniform_(-bound, bound, generator=generator)
                    if module.bias is not None:
                        module.bias.zero_()
                elif isinstance(module, nn.Embedding):
                    module.weight.normal_(0, 0.1, generator=generator)
            for cell in (*self.encoder, *self.backward_encoder, *self.decoder):
                cell.initialise(generator)
        return self

    @property
    def forward_cells(self) -> list[Cell]:
        """The encoder's layers that read from the beginning."""
        return [*self.encoder]

    @property
    def backward_cells(self) -> list[Cell]:
        """The encoder's layers that read from the end, if there are any."""
        return [*self.backward_encoder]

    @property
    def decoder_cells(self) -> list[Cell]:
        """The decoder's layers."""
        return [*self.decoder]

    @property
    def parameter_count(self) -> int:
        """Number of all weights and biases."""
        return sum(parameter.numel() for parameter in self.parameters())

    def encode(self, source: Int64[Tensor, "source batch"], dropout: torch.Generator | None = None) -> Source:
        """Read a batch of sources, each ended by ``END`` and filled up with ``PAD``."""
        mask = source != PAD
        lengths = mask.sum(0)
        x = drop(self.source_embedding(source), self.config.dropout, dropout)
        turn = _turned(lengths, len(source))
        last = (lengths - 1, torch.arange(source.shape[1], device=source.device))
        ends: list[Tensor] = []
        for layer, cell in enumerate(self.forward_cells):
            h, _ = fused.run(cell, x, cell.start(source.shape[1]))
            ends = [h[last]]
            if self.config.bidirectional:
                cell = self.backward_cells[layer]
                b, _ = fused.run(cell, _by(x, turn), cell.start(source.shape[1]))
                ends.append(b[last])
                h = torch.cat([h, _by(b, turn)], -1)
            x = drop(h, self.config.dropout, dropout)
        return self.remember(x, mask, torch.cat(ends, -1))

    def remember(
        self, memory: Float[Tensor, "source batch memory"], mask: Tensor, end: Float[Tensor, "batch memory"]
    ) -> Source:
        """Return what the decoder needs of the encoder's states and of their last."""
        keys = memory if self.attention is None else self.attention.keys(memory)
        symbols = find(self.config.cell).states
        starts = self.bridge(end).tanh().chunk(self.config.decoder_layers, -1)
        start = [State(**dict(zip(symbols, part.chunk(len(symbols), -1), strict=True))) for part in starts]
        return Source(memory, keys, mask, start)

    def start(self, source: Source) -> Decoding:
        """Return where the decoder stands before its first step."""
        _, batch, _ = source.memory.shape
        zeros = source.memory.new_zeros
        return Decoding(source.start, zeros(batch, self.fed), zeros(source.mask.shape))

    def step(
        self,
        y: Int64[Tensor, " batch"],
        at: Decoding,
        source: Source,
        *,
        forced: Float[Tensor, "source batch"] | None = None,
        taps: Sequence[Tap] | None = None,
        dropout: torch.Generator | None = None,
    ) -> tuple[Float[Tensor, "batch unit"], Float[Tensor, "source batch"], Decoding]:
        """Return r after reading ``y``, from which :attr:`head` tells the next token; the weights; the new standing.

        Parameters
        ----------
        forced : Tensor, optional
            Weights to read the source with, in place of the attention's own; nan keeps the attention's.
        taps : sequence of Tap, optional
            What hears, and may change, the signals of each decoder layer.
        """
        weights, before = at.covered, self.attention is not None and self.attention.before
        x = drop(self.target_embedding(y), self.config.dropout, dropout)
        if before:
            weights, context = self.look(at.states[-1].h, at, source, forced)
            x = torch.cat([x, context], -1)
        elif self.fed:
            x = torch.cat([x, at.fed], -1)
        states = []
        for layer, (cell, state) in enumerate(zip(self.decoder_cells, at.states, strict=True)):
            states.append(cell.step(x, state, silent if taps is None else taps[layer]))
            x = drop(states[-1].h, self.config.dropout, dropout)
        if self.attention is not None:
            if not before:
                weights, context = self.look(x, at, source, forced)
            x = torch.cat([x, context], -1)
        r = self.read(x).tanh()
        fed = r if self.config.input_feeding and not before else at.fed
        covered = at.covered if self.attention is None else at.covered + weights
        return drop(r, self.config.dropout, dropout), weights, Decoding(states, fed, covered)

    def look(
        self, q: Tensor, at: Decoding, source: Source, forced: Tensor | None
    ) -> tuple[Float[Tensor, "source batch"], Float[Tensor, "batch memory"]]:
        """Return the attention's weights, or those it is forced to, and the weighted mean of the memory."""
        assert self.attention is not None
        weights = self.attention.weights(q, source.keys, source.mask, at.covered)
        if forced is not None:
            weights = torch.where(forced.isnan(), weights, forced)
        return weights, torch.einsum("sb,sbm->bm", weights, source.memory)

    def forward(
        self,
        source: Int64[Tensor, "source batch"],
        target: Int64[Tensor, "target batch"],
        dropout: torch.Generator | None = None,
    ) -> tuple[Float[Tensor, "target batch vocab"], Float[Tensor, "target source batch"]]:
        """Return the logits of each next token, told all that come before it, and where the decoder looked.

        ``target`` begins with ``BEGIN``; logits t are those of the token that follows target t.
        """
        read = self.encode(source, dropout)
        at, rs, looks = self.start(read), [], []
        for y in target:
            r, weights, at = self.step(y, at, read, dropout=dropout)
            rs.append(r)
            looks.append(weights)
        return self.head(torch.stack(rs)), torch.stack(looks)


def _turned(lengths: Int64[Tensor, " batch"], time: int) -> Int64[Tensor, "time batch"]:
    """Return for each step of each sequence the one it takes when its tokens, but not its padding, are reversed."""
    steps = torch.arange(time, device=lengths.device).unsqueeze(1)
    return torch.where(steps < lengths, lengths - 1 - steps, steps)


def _by(x: Float[Tensor, "time batch unit"], order: Int64[Tensor, "time batch"]) -> Float[Tensor, "time batch unit"]:
    """Return ``x`` with each sequence's steps in ``order``."""
    return x.gather(0, order.unsqueeze(-1).expand(-1, -1, x.shape[-1]))
