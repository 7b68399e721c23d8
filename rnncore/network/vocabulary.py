"""Text to ids and back: characters, the bytes of UTF-8, words, or pieces of words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import chain

import numpy as np
from jaxtyping import Int64

from rnncore.errors import VocabularyError

UNKNOWN = -1
"""Id of a character the model has never seen. It is read as a zero vector and never predicted."""

KINDS = ("characters", "bytes", "words", "subwords")

# What no subword reaches beyond: letters with the space before them, a digit, or other signs with the space before.
_WORD = re.compile(r" ?[^\W\d_]+| ?[^\s\w]+| ?[\d_]|\s")


@dataclass(frozen=True)
class Vocabulary:
    """The symbols a model reads and writes, in the order of their ids.

    Parameters
    ----------
    kind : {"characters", "bytes", "words", "subwords"}
        What one symbol is.
    symbols : tuple of str
        One string a symbol. A byte is written as the character of the same number (Latin-1), a word with a space
        after it, a subword with the space before it if it begins a word, so that symbols side by side are text.
    """

    kind: str
    symbols: tuple[str, ...]
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise VocabularyError(f"no kind of vocabulary {self.kind!r}; known: {', '.join(KINDS)}")
        if not self.symbols or not all(isinstance(symbol, str) for symbol in self.symbols):
            raise VocabularyError("a vocabulary holds strings, at least one")
        if len(set(self.symbols)) != len(self.symbols):
            raise VocabularyError("a vocabulary holds each symbol once; this one repeats some")
        object.__setattr__(self, "_ids", {symbol: i for i, symbol in enumerate(self.symbols)})

    @classmethod
    def characters(cls, text: str) -> Vocabulary:
        """Return the vocabulary of the characters in ``text``, in the order of their code points."""
        if not text:
            raise VocabularyError("a vocabulary needs at least one character; this text is empty")
        return cls("characters", tuple(sorted(set(text))))

    @classmethod
    def bytes(cls) -> Vocabulary:
        """Return the vocabulary of the 256 bytes: it can read any text, in any script."""
        return cls("bytes", tuple(map(chr, range(256))))

    @classmethod
    def words(cls, words: Iterable[str]) -> Vocabulary:
        """Return the vocabulary of these words, in this order.

        Text is cut at white space. ``<eos>``, if it is among the words, is the end of a line; ``<unk>`` is read in
        place of every word that is not.
        """
        return cls("words", tuple(_symbol(word) for word in words))

    @classmethod
    def subwords(cls, text: str, size: int) -> Vocabulary:
        """Learn at most ``size`` pieces of words: every character of ``text``, and what byte-pair encoding adds.

        Byte-pair encoding (Sennrich 2016) merges the most frequent neighbours, again and again. How they were merged
        is not kept: a word is cut into the longest pieces from its start (Uzan 2024), so that the list of symbols is
        all there is to know.

        Raises
        ------
        VocabularyError
            ``size`` leaves no room for the characters.
        """
        from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers  # which other kinds do without

        characters = cls.characters(text).symbols
        if size < len(characters):
            raise VocabularyError(
                f"{size} subwords are fewer than the {len(characters)} characters of this text; take more subwords"
            )
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_WORD.pattern), "isolated")
        trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=list(characters), show_progress=False)
        tokenizer.train_from_iterator(_portions(text), trainer)
        ids = tokenizer.get_vocab()
        return cls("subwords", tuple(sorted(ids, key=ids.__getitem__)))

    def __len__(self) -> int:
        return len(self.symbols)

    def tokenize(self, text: str) -> tuple[str, ...]:
        """Cut ``text`` into its symbols, seen or not; for bytes, one per byte of its UTF-8."""
        if self.kind == "bytes":
            return tuple(text.encode("utf-8", "surrogatepass").decode("latin-1"))
        if self.kind == "words":
            text = text.replace("\n", " <eos> ") if "\n" in self._ids else text
            return tuple(_symbol(word) for word in text.split())
        if self.kind == "subwords":
            cut = cache(self._cut)
            return tuple(chain.from_iterable(cut(word.group()) for word in _WORD.finditer(text)))
        return tuple(text)

    def _cut(self, word: str) -> tuple[str, ...]:
        """Return the longest pieces of ``word`` from its start; a character never seen is one by itself."""
        pieces, first = [], 0
        while first < len(word):
            ends = range(len(word), first + 1, -1)
            end = next((end for end in ends if word[first:end] in self._ids), first + 1)
            pieces.append(word[first:end])
            first = end
        return tuple(pieces)

    def encode(self, text: str) -> Int64[np.ndarray, " time"]:
        """Return the ids of ``text``; a character never seen gets ``UNKNOWN``, -1."""
        tokens = self.tokenize(text)
        ids = {token: self._id(token) for token in set(tokens)}
        return np.fromiter(map(ids.__getitem__, tokens), np.int64, len(tokens))

    def _id(self, token: str) -> int:
        return self._ids.get(token, self._ids.get(_symbol("<unk>"), UNKNOWN))

    def join(self, tokens: Iterable[str]) -> str:
        """Return the text that ``tokens`` make; bytes that are no UTF-8 become U+FFFD."""
        text = "".join(tokens)
        return text.encode("latin-1", "replace").decode("utf-8", "replace") if self.kind == "bytes" else text

    def decode(self, ids: Iterable[int] | Int64[np.ndarray, " time"]) -> str:
        """Return the text of ``ids``; an unknown id becomes U+FFFD, the replacement character."""
        return self.join(self.symbols[i] if i >= 0 else "\ufffd" for i in ids)

    def unknown(self, text: str) -> tuple[str, ...]:
        """Return the distinct symbols of ``text`` that the model has never seen, in order."""
        return tuple(token for token in dict.fromkeys(self.tokenize(text)) if self._id(token) == UNKNOWN)


def _portions(text: str, length: int = 1_000_000) -> Iterator[str]:
    """Yield ``text`` in portions, none of which ends within a word."""
    first = 0
    while first < len(text):
        space = text.find(" ", first + length)
        end = space if space >= 0 else len(text)
        yield text[first:end]
        first = end


def _symbol(word: str) -> str:
    return "\n" if word == "<eos>" else f"{word} "
