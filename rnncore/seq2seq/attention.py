"""How a decoder looks back at its source: a score for every source position, a softmax, a weighted mean.

Each class is one score, in the symbols of its paper: ``q`` is the decoder's state, ``k`` the encoder's at one position.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from rnncore.errors import Error, look_up

Memory = Float[Tensor, "source batch _"]
"""What the encoder made of every source position."""


class Attention(nn.Module):
    """A score of source positions, and what is read by it.

    Parameters
    ----------
    query, memory : int
        Widths of the decoder's state and of the encoder's.
    units : int
        Width of the layer in which additive scores compare the two.
    coverage : bool
        Whether the score also sees how much of each position was read before (Tu 2016); additive scores only.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    latex: ClassVar[str]
    before: ClassVar[bool] = False
    """Whether the decoder looks before its step, with its old state (Bahdanau), or after, with its new one (Luong)."""

    def __init__(self, query: int, memory: int, units: int, coverage: bool) -> None:
        super().__init__()
        if coverage and not isinstance(self, Additive | Concat):
            raise Error(f"coverage enters additive and concat scores; the {self.name} score has no place for it")

    def keys(self, memory: Memory) -> Tensor:
        """Return what scores need of the source, once for all steps."""
        return memory

    def score(
        self, q: Float[Tensor, "batch _"], keys: Tensor, covered: Float[Tensor, "source batch"]
    ) -> Float[Tensor, "source batch"]:
        """Return how well each source position answers ``q``."""
        raise NotImplementedError

    def weights(
        self,
        q: Float[Tensor, "batch _"],
        keys: Tensor,
        mask: Bool[Tensor, "source batch"],
        covered: Float[Tensor, "source batch"],
    ) -> Float[Tensor, "source batch"]:
        """Return the softmax of the scores over the source; padding, where ``mask`` is false, gets exactly 0."""
        return self.score(q, keys, covered).masked_fill(~mask, -torch.inf).softmax(0)


class Additive(Attention):
    """Bahdanau, Cho & Bengio (2015)."""

    name, title, before = "additive", "Additive", True
    latex = r"v^\top \tanh(W s_{t-1} + U h_j)"

    def __init__(self, query: int, memory: int, units: int, coverage: bool) -> None:
        super().__init__(query, memory, units, coverage)
        self.W = nn.Linear(query, units, bias=False)
        self.U = nn.Linear(memory, units)
        self.v = nn.Linear(units, 1, bias=False)
        self.w = nn.Linear(1, units, bias=False) if coverage else None

    def keys(self, memory: Memory) -> Tensor:
        """Return U h."""
        keys: Tensor = self.U(memory)
        return keys

    def score(self, q: Tensor, keys: Tensor, covered: Tensor) -> Tensor:
        """Return v · tanh(W q + U h), with w times what was covered inside where that is looked at."""
        z = self.W(q) + keys
        if self.w is not None:
            z = z + self.w(covered.unsqueeze(-1))
        score: Tensor = self.v(z.tanh()).squeeze(-1)
        return score


class Dot(Attention):
    """Luong, Pham & Manning (2015): no weights at all; both states have the same width."""

    name, title, latex = "dot", "Dot", r"s_t^\top h_j"

    def __init__(self, query: int, memory: int, units: int, coverage: bool) -> None:
        super().__init__(query, memory, units, coverage)
        if query != memory:
            raise Error(
                f"the dot score needs encoder and decoder of one width; here the decoder's state has {query} units and "
                f"the encoder's {memory}. Take the general score, or {memory} decoder units"
            )

    def score(self, q: Tensor, keys: Tensor, covered: Tensor) -> Tensor:
        """Return q · h."""
        return (q * keys).sum(-1)


class General(Attention):
    """Luong, Pham & Manning (2015)."""

    name, title, latex = "general", "General", r"s_t^\top W h_j"

    def __init__(self, query: int, memory: int, units: int, coverage: bool) -> None:
        super().__init__(query, memory, units, coverage)
        self.W = nn.Linear(memory, query, bias=False)

    def keys(self, memory: Memory) -> Tensor:
        """Return W h."""
        keys: Tensor = self.W(memory)
        return keys

    def score(self, q: Tensor, keys: Tensor, covered: Tensor) -> Tensor:
        """Return q · W h."""
        return (q * keys).sum(-1)


class Concat(Additive):
    """Luong, Pham & Manning (2015): the additive score, [W, U] written as one matrix, of the new state."""

    name, title, before = "concat", "Concat", False
    latex = r"v^\top \tanh(W [s_t; h_j])"


SCORES: dict[str, type[Attention]] = {kind.name: kind for kind in (Additive, Dot, General, Concat)}


def find(name: str) -> type[Attention]:
    """Return the attention called ``name``.

    Raises
    ------
    Error
        There is none; the sentence lists those that exist.
    """
    return look_up("attention", name, SCORES)
