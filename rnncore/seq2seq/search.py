"""How a decoder chooses what it writes: the likeliest token, a drawn one, or the best of many hypotheses (a beam)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from rnncore.cells import State
from rnncore.errors import Error
from rnncore.network.model import LanguageModel
from rnncore.seq2seq.model import Seq2Seq
from rnncore.seq2seq.tokens import BEGIN, END, PAD, SPECIAL, UNKNOWN

ALTERNATIVES = 8
"""How many next tokens are kept at each step of a hypothesis."""


@dataclass(frozen=True)
class Fusion:
    """A language model of the target that votes beside the translator: log p + weight * log p_lm (Gulcehre 2015).

    Parameters
    ----------
    model : LanguageModel
        Its vocabulary has every token of the translator's target, and the line end, which stands for a sentence's.
    weight : float
        How much its vote counts.
    """

    model: LanguageModel
    weight: float = 0.1

    def ids(self, symbols: Sequence[str]) -> Int64[Tensor, " token"]:
        """Return the language model's id of each of the translator's symbols."""
        known = {
            symbol.removesuffix(" ") or symbol: place for place, symbol in enumerate(self.model.vocabulary.symbols)
        }
        wanted = ["\n" if place in (BEGIN, END) else symbol for place, symbol in enumerate(symbols)]
        missing = [symbol for symbol in dict.fromkeys(wanted) if symbol not in known and symbol not in SPECIAL]
        if missing:
            raise Error(
                f"the language model {self.model.name} does not know {len(missing)} of the translator's tokens, such "
                f"as {missing[0]!r}; train one on the target's sentences, one a line"
            )
        return torch.tensor([known.get(symbol, 0) for symbol in wanted])


@dataclass(frozen=True)
class Node:
    """One token of a beam's tree.

    Attributes
    ----------
    parent : int
        The node before it; -1 at the root.
    token : int
        Its id.
    log_probability : float
        Of everything from the root to here, in nats; with the language model's vote, if there is one.
    kept : bool
        Whether the search went on from here; all others fell out of the beam.
    """

    parent: int
    token: int
    log_probability: float
    kept: bool


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """One translation that the search finished, or broke off at its longest.

    Attributes
    ----------
    ids : tuple of int
        Its tokens, the end of the sentence included if it was reached.
    score : float
        Its log probability divided by its length to the power of the length penalty.
    log_probability : float32 [token]
        Of each token, given those before it, in nats.
    attention : float32 [token, source]
        Where the decoder looked as it wrote each token.
    alternatives, probability : int64, float32 [token, alternative]
        The likeliest tokens at each step, and how likely they were.
    nodes : tuple of int
        The nodes of the tree along it.
    """

    ids: tuple[int, ...]
    score: float
    log_probability: Float32[np.ndarray, " token"] = field(repr=False)
    attention: Float32[np.ndarray, "token source"] = field(repr=False)
    alternatives: Int64[np.ndarray, "token alternative"] = field(repr=False)
    probability: Float32[np.ndarray, "token alternative"] = field(repr=False)
    nodes: tuple[int, ...] = field(repr=False)

    @property
    def finished(self) -> bool:
        """Whether it came to its own end."""
        return bool(self.ids) and self.ids[-1] == END


@dataclass(frozen=True, eq=False)
class Beam:
    """A search, whole: every hypothesis it looked at, as a tree, and those that it finished, the best first."""

    nodes: tuple[Node, ...] = field(repr=False)
    hypotheses: tuple[Hypothesis, ...]

    @cached_property
    def best(self) -> Hypothesis:
        """The hypothesis with the highest score."""
        return self.hypotheses[0]


@dataclass(frozen=True)
class _Live:
    """A hypothesis that is still being written: its node, and what each step left behind."""

    node: int
    log_probability: float
    steps: tuple[tuple[float, Tensor, Tensor, Tensor], ...] = ()


@torch.no_grad()
def beam(
    model: Seq2Seq,
    source: Sequence[int] | Int64[np.ndarray, " source"],
    *,
    width: int = 5,
    length_penalty: float = 1.0,
    longest: int | None = None,
    prefix: Sequence[int] = (),
    forced: Mapping[int, Sequence[float]] | None = None,
    fusion: Fusion | None = None,
) -> Beam:
    """Search for the best translation of one sentence.

    Parameters
    ----------
    source : sequence of int
        Its ids, with ``END``.
    width : int
        Hypotheses that are followed side by side; 1 is greedy.
    length_penalty : float
        A finished hypothesis is scored by its log probability divided by its length to this power; 0 favours short
        ones.
    longest : int, optional
        Tokens at most; by default twice the source's and ten.
    prefix : sequence of int
        How the translation has to begin.
    forced : mapping of int to sequence of float, optional
        Weights with which a step, from 0, has to read the source.
    fusion : Fusion, optional
        A language model that votes.

    Raises
    ------
    Error
        The width is below 1, or forced weights are not one for each source token.
    """
    longest = max(len(prefix) + 1, 2 * len(source) + 10 if longest is None else longest)
    if width < 1 or not len(source):
        raise Error("a beam follows 1 or more hypotheses, of a source that has at least one token")
    rows = _rows(forced or {}, len(source))
    read = model.encode(torch.as_tensor(np.asarray(source)).unsqueeze(1))
    at, votes = model.start(read), None if fusion is None else _Votes(fusion, model)
    nodes, live, done = [Node(-1, BEGIN, 0.0, True)], [_Live(0, 0.0)], list[tuple[float, _Live]]()
    for step in range(longest):
        many = read.chosen(torch.zeros(len(live), dtype=torch.long))
        y = torch.tensor([nodes[hypothesis.node].token for hypothesis in live])
        row = rows.get(step)
        r, weights, at = model.step(y, at, many, forced=None if row is None else row.expand(-1, len(live)))
        logits = model.head(r)
        likely = _allowed(logits).log_softmax(-1).double()
        if votes is not None:
            likely = likely + votes(y)
        top = likely.exp().topk(min(ALTERNATIVES, likely.shape[-1]))
        if step < len(prefix):
            likely = torch.full_like(likely, -torch.inf).index_copy(
                1, torch.tensor([prefix[step]]), likely[:, [prefix[step]]]
            )
        before = torch.tensor([hypothesis.log_probability for hypothesis in live], dtype=torch.float64)
        total = likely + before.unsqueeze(1)
        found = total.flatten().topk(min(2 * width, total.numel()))
        following, origins = list[_Live](), list[int]()
        for value, place in zip(found.values.tolist(), found.indices.tolist(), strict=True):
            if value == -np.inf:
                break
            origin, token = divmod(place, total.shape[1])
            kept = len(following) < width
            parent = live[origin]
            nodes.append(Node(parent.node, token, value, kept))
            if not kept:
                continue
            left = (float(likely[origin, token]), weights[:, origin], top.indices[origin], top.values[origin])
            grown = _Live(len(nodes) - 1, value, (*parent.steps, left))
            if token == END:
                done.append((value / len(grown.steps) ** length_penalty, grown))
            else:
                following.append(grown)
                origins.append(origin)
        live, at = following, at.chosen(torch.tensor(origins, dtype=torch.long))
        if votes is not None:
            votes.follow(origins)
        done = sorted(done, key=lambda pair: -pair[0])[:width]
        if not live or (len(done) == width and _hopeless(live, done[-1][0], longest, length_penalty)):
            break
    done += [(one.log_probability / len(one.steps) ** length_penalty, one) for one in live if not done]
    found_all = sorted(done, key=lambda pair: -pair[0])
    return Beam(tuple(nodes), tuple(_hypothesis(nodes, score, one) for score, one in found_all))


@torch.no_grad()
def write(
    model: Seq2Seq,
    sources: Sequence[Int64[np.ndarray, " _"]],
    *,
    temperature: float = 0.0,
    longest: int = 200,
    generator: torch.Generator | None = None,
) -> list[list[int]]:
    """Return one translation of each source, all written side by side.

    Parameters
    ----------
    temperature : float
        0 takes the likeliest token at every step; above, tokens are drawn from softmax(logits / temperature).
    """
    read = model.encode(padded(sources))
    at, y = model.start(read), torch.full((len(sources),), BEGIN)
    ended, written = torch.zeros(len(sources), dtype=torch.bool), list[Tensor]()
    for _ in range(longest):
        r, _, at = model.step(y, at, read)
        logits = _allowed(model.head(r))
        if temperature:
            y = torch.multinomial((logits / temperature).softmax(-1), 1, generator=generator)[:, 0]
        else:
            y = logits.argmax(-1)
        y = torch.where(ended, PAD, y)
        written.append(y)
        ended |= y == END
        if bool(ended.all()):
            break
    return [[token for token in line if token != PAD] for line in torch.stack(written, 1).tolist()]


def padded(sequences: Sequence[Int64[np.ndarray, " _"]]) -> Int64[Tensor, "time batch"]:
    """Return sequences side by side, the shorter ones filled up."""
    return pad_sequence([torch.from_numpy(np.asarray(ids, np.int64)) for ids in sequences], padding_value=PAD)


def _allowed(logits: Float[Tensor, "batch vocab"]) -> Float[Tensor, "batch vocab"]:
    """Rule out what is no text."""
    return logits.index_fill(-1, torch.tensor([PAD, UNKNOWN, BEGIN]), -torch.inf)


def _rows(forced: Mapping[int, Sequence[float]], source: int) -> dict[int, Float[Tensor, "source 1"]]:
    for step, row in forced.items():
        if len(row) != source:
            raise Error(f"step {step} is to read with {len(row)} weights; the source has {source} tokens")
    return {step: torch.tensor(row, dtype=torch.get_default_dtype()).unsqueeze(1) for step, row in forced.items()}


def _hopeless(live: Sequence[_Live], score: float, longest: int, penalty: float) -> bool:
    """Tell whether none of ``live`` can come to beat ``score``: its log probability only falls from here on."""
    return bool(max(one.log_probability for one in live) / longest**penalty < score)


def _hypothesis(nodes: Sequence[Node], score: float, live: _Live) -> Hypothesis:
    along = list(_upwards(nodes, live.node))[::-1]
    likely, weights, ids, probability = zip(*live.steps, strict=True)
    return Hypothesis(
        tuple(nodes[place].token for place in along),
        score,
        np.array(likely, np.float32),
        torch.stack(weights).float().numpy(),
        torch.stack(ids).numpy(),
        torch.stack(probability).float().numpy(),
        tuple(along),
    )


def _upwards(nodes: Sequence[Node], place: int) -> Iterator[int]:
    while place > 0:
        yield place
        place = nodes[place].parent


class _Votes:
    """A language model that reads along every hypothesis."""

    def __init__(self, fusion: Fusion, model: Seq2Seq) -> None:
        self.fusion, self.ids = fusion, fusion.ids(model.target.symbols)
        self.states: list[State] = fusion.model.start(1)

    def __call__(self, y: Int64[Tensor, " batch"]) -> Float[Tensor, "batch vocab"]:
        """Return the weighted log probability of every token after ``y``."""
        logits, self.states = self.fusion.model(self.ids[y].unsqueeze(0), self.states)
        votes: Tensor = self.fusion.weight * logits[0].log_softmax(-1).double()[:, self.ids]
        return votes

    def follow(self, origins: Sequence[int]) -> None:
        """Go on with these hypotheses."""
        places = torch.tensor(origins, dtype=torch.long)
        self.states = [state.map(lambda value: value[places]) for state in self.states]
