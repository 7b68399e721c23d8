"""What translators make of sentences, changed or as they are: each question is answered once.

This and :mod:`viz_app.translators` hold the caches of the page Attention.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import streamlit as st
import torch

from rnncore import seq2seq
from rnncore.seq2seq.tokens import END, SPECIAL, UNKNOWN, normal
from viz_app.translators import load, stamp

MOST = 80
"""Tokens of a source, at most: more of a map than a screen can show."""

SIGNS = {END: "end", UNKNOWN: "?"}
"""How what is no text is written."""


@dataclass(frozen=True)
class Change:
    """What is forced on a translator.

    Attributes
    ----------
    forced : tuple of (step, source token)
        Steps that read one source token alone.
    prefix : tuple of int
        Ids with which the translation has to begin.
    without : tuple of int
        Source tokens that are left out.
    """

    forced: tuple[tuple[int, int], ...] = ()
    prefix: tuple[int, ...] = ()
    without: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Translation:
    """A sentence, and what a translator found for it.

    Attributes
    ----------
    ids : tuple of int
        The sentence's tokens, its end among them; those that were left out, too.
    source, target : tuple of str
        Tokens as they are shown.
    text : str
        The best translation.
    attention : float32 [target, source]
        Where the decoder looked as it wrote the best; nan at what was left out.
    """

    ids: tuple[int, ...]
    source: tuple[str, ...]
    target: tuple[str, ...]
    text: str
    attention: np.ndarray = field(repr=False)
    beam: seq2seq.Beam = field(repr=False)

    @property
    def best(self) -> seq2seq.Hypothesis:
        """The translation that the beam found best."""
        return self.beam.best

    @property
    def log_probability(self) -> float:
        """Of the whole best translation, in nats."""
        return float(self.best.log_probability.sum())


# ---- sentences -----------------------------------------------------------------------------------------------


def cut(tokens: seq2seq.Tokens, sentence: str, most: int = MOST) -> str:
    """Return as much of a sentence as has at most ``most`` tokens: whole words, or of characters exactly as many."""
    sentence = normal(sentence)
    words = sentence.split(" ") if tokens.kind == "subwords" else list(sentence)
    gap = " " if tokens.kind == "subwords" else ""
    count = bisect_right(range(1, len(words) + 1), most, key=lambda n: len(tokens.encode(gap.join(words[:n]))) - 1)
    return gap.join(words[:count]).strip() or sentence[: most // 2]


def unseen(tokens: seq2seq.Tokens, sentence: str) -> list[str]:
    """Return the characters of a sentence that a translator has never seen."""
    known = set("".join(tokens.symbols[len(SPECIAL) :])) | {" "}
    return [character for character in dict.fromkeys(normal(sentence)) if character not in known]


def shown(tokens: seq2seq.Tokens, ids: Sequence[int]) -> tuple[str, ...]:
    """Return tokens as they are shown: a space as a sign, a subword that goes on a word with a dot before it."""
    return tuple(_shown(tokens, number) for number in ids)


def _shown(tokens: seq2seq.Tokens, number: int) -> str:
    symbol = SIGNS.get(number, tokens.symbols[number])
    if number < len(SPECIAL) or tokens.kind == "characters":
        return {" ": "␣"}.get(symbol, symbol)
    if symbol == "▁":
        return "␣"
    return symbol[1:] if symbol.startswith("▁") else f"·{symbol}" if symbol[0].isalnum() else symbol


# ---- what is made of them ------------------------------------------------------------------------------------


def translate(
    name: str, sentence: str, width: int = 5, penalty: float = 1.0, change: Change | None = None
) -> Translation:
    """Return the translation of a sentence, under a change or as it is; the same question is answered once.

    Raises
    ------
    rnncore.Error
        The translator is damaged, or the change does not fit.
    """
    return _translate(name, stamp(name), sentence, width, penalty, change or Change())


def samples(name: str, sentence: str, temperature: float, seed: int, count: int) -> list[str]:
    """Return ``count`` translations that are drawn token by token from softmax(logits / temperature)."""
    return _samples(name, stamp(name), sentence, temperature, seed, count)


def recorded(
    name: str, ids: tuple[int, ...], target: tuple[int, ...], of: int | None = None
) -> seq2seq.TranslationRecording:
    """Return what happens as a translator reads ``ids`` and is told to write ``target``; gradients if ``of`` is one."""
    return _recorded(name, stamp(name), ids, target, of)


def removed(name: str, ids: tuple[int, ...], target: tuple[int, ...]) -> np.ndarray:
    """Return by how many nats each target token becomes less likely without each source token."""
    return _removed(name, stamp(name), ids, target)


def truth(sentence: str) -> seq2seq.Dated | None:
    """Return the date that a sentence is, and which characters tell it."""
    return _truth(sentence)


@st.cache_resource(max_entries=64, show_spinner=False)
def _translate(name: str, stamp: str, sentence: str, width: int, penalty: float, change: Change) -> Translation:
    model = load(name)
    ids = model.source.encode(sentence)
    left = [place for place in range(len(ids)) if place not in change.without]
    looked = {step: left.index(place) for step, place in change.forced if place in left}
    found = seq2seq.beam(
        model,
        ids[left],
        width=width,
        length_penalty=penalty,
        prefix=change.prefix,
        forced={step: np.eye(len(left))[place].tolist() for step, place in looked.items()},
    )
    best = found.best
    attention = np.full((len(best.ids), len(ids)), np.nan, np.float32)
    attention[:, left] = best.attention
    source = (int(number) for number in ids)
    return Translation(
        tuple(map(int, ids)),
        shown(model.source, tuple(source)),
        shown(model.target, best.ids),
        model.target.decode(best.ids),
        attention,
        found,
    )


@st.cache_resource(max_entries=32, show_spinner=False)
def _samples(name: str, stamp: str, sentence: str, temperature: float, seed: int, count: int) -> list[str]:
    model = load(name)
    ids = model.source.encode(sentence)
    written = seq2seq.write(
        model,
        [ids] * count,
        temperature=temperature,
        longest=2 * len(ids) + 10,
        generator=torch.Generator().manual_seed(seed),
    )
    return [model.target.decode(line) for line in written]


@st.cache_resource(max_entries=64, show_spinner=False)
def _recorded(
    name: str, stamp: str, ids: tuple[int, ...], target: tuple[int, ...], of: int | None
) -> seq2seq.TranslationRecording:
    return seq2seq.record(load(name), ids, target, gradients=of is not None, of=of)


@st.cache_resource(max_entries=32, show_spinner=False)
def _removed(name: str, stamp: str, ids: tuple[int, ...], target: tuple[int, ...]) -> np.ndarray:
    return seq2seq.removal(load(name), ids, target)


@st.cache_resource(max_entries=256, show_spinner=False)
def _truth(sentence: str) -> seq2seq.Dated | None:
    return seq2seq.reading(sentence)
