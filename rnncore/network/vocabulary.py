"""Text to ids and back: characters, the bytes of UTF-8, or words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int64

from rnncore.errors import VocabularyError

UNKNOWN = -1
"""Id of a character the model has never seen. It is read as a zero vector and never predicted."""


@dataclass(frozen=True)
class Vocabulary:
    """The symbols a model reads and writes, in the order of their ids.

    Parameters
    ----------
    kind : {"characters", "bytes", "words"}
        What one symbol is.
    symbols : tuple of str
        One string a symbol. A byte is written as the character of the same number (Latin-1), a word with a space
        after it, so that symbols side by side are text.
    """

    kind: str
    symbols: tuple[str, ...]
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.kind not in ("characters", "bytes", "words"):
            raise VocabularyError(f"no kind of vocabulary {self.kind!r}; known: characters, bytes, words")
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

    def __len__(self) -> int:
        return len(self.symbols)

    def tokenize(self, text: str) -> tuple[str, ...]:
        """Cut ``text`` into its symbols, seen or not; for bytes, one per byte of its UTF-8."""
        if self.kind == "bytes":
            return tuple(text.encode("utf-8", "surrogatepass").decode("latin-1"))
        if self.kind == "words":
            text = text.replace("\n", " <eos> ") if "\n" in self._ids else text
            return tuple(_symbol(word) for word in text.split())
        return tuple(text)

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


def _symbol(word: str) -> str:
    return "\n" if word == "<eos>" else f"{word} "
