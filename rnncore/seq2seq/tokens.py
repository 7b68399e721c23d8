"""Text to the tokens of a translator and back: characters, or subwords by byte-pair encoding (Sennrich 2016).

Both are tokenizers of the library of that name, so that what cuts the text is one file of JSON, and lies in the
checkpoint as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Int64
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from rnncore.errors import VocabularyError

PAD, UNKNOWN, BEGIN, END = range(4)
"""Ids of what is no text: what fills up a batch, what was never seen, where a sentence begins, and ends."""

SPECIAL = ("<pad>", "<unk>", "<s>", "</s>")


class Tokens:
    """The tokens that one side of a translator reads or writes.

    Attributes
    ----------
    kind : {"characters", "subwords"}
    symbols : tuple of str
        Every token by its id. In subwords, "▁" is the space before a word.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.kind = "subwords" if isinstance(tokenizer.model, models.BPE) else "characters"
        self.symbols: tuple[str, ...] = tuple(
            str(tokenizer.id_to_token(number)) for number in range(tokenizer.get_vocab_size())
        )
        if self.symbols[:4] != SPECIAL:
            raise VocabularyError(f"the first tokens of a translator are {', '.join(SPECIAL)}; these are others")

    @classmethod
    def characters(cls, sentences: Iterable[str]) -> Tokens:
        """Return the characters of ``sentences``, in the order of their code points."""
        known = sorted(set().union(*map(set, map(normal, sentences))))
        if not known:
            raise VocabularyError("tokens need at least one character; these sentences are empty")
        vocabulary = {symbol: number for number, symbol in enumerate((*SPECIAL, *known))}
        tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=SPECIAL[UNKNOWN]))
        tokenizer.normalizer = normalizers.NFC()
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
        tokenizer.decoder = decoders.Fuse()
        return cls(tokenizer)

    @classmethod
    def subwords(cls, sentences: Iterable[str], size: int) -> Tokens:
        """Learn at most ``size`` subwords from ``sentences``, merging the most frequent neighbours."""
        tokenizer = Tokenizer(models.BPE(unk_token=SPECIAL[UNKNOWN]))
        tokenizer.normalizer = normalizers.NFC()
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation("isolated")]
        )
        tokenizer.decoder = decoders.Metaspace()
        trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=list(SPECIAL), show_progress=False)
        tokenizer.train_from_iterator(sentences, trainer)
        return cls(tokenizer)

    @classmethod
    def from_json(cls, text: str) -> Tokens:
        """Return the tokens that :attr:`json` described.

        Raises
        ------
        VocabularyError
            The text is no such description.
        """
        try:
            return cls(Tokenizer.from_str(text))
        except VocabularyError:
            raise
        except Exception as error:  # the library raises nothing narrower
            raise VocabularyError(f"this describes no tokens: {error}") from None

    @property
    def json(self) -> str:
        """Everything about these tokens, as one text."""
        return str(self._tokenizer.to_str())

    def __len__(self) -> int:
        return len(self.symbols)

    def encode(self, sentence: str) -> Int64[np.ndarray, " token"]:
        """Return the ids of a sentence and of its end; what was never seen is ``UNKNOWN``."""
        return np.array([*self._tokenizer.encode(normal(sentence), add_special_tokens=False).ids, END], np.int64)

    def decode(self, ids: Sequence[int] | Int64[np.ndarray, " token"]) -> str:
        """Return the sentence of ``ids``, up to its end; what is no text is left out."""
        kept: list[int] = []
        for number in ids:
            if number == END:
                break
            if number >= len(SPECIAL):
                kept.append(int(number))
        return str(self._tokenizer.decode(kept)).strip()


def normal(sentence: str) -> str:
    """Return a sentence as all are read: white space is a single space, and none stands at either end."""
    return " ".join(sentence.split())
