"""The vocabulary of somebody else's model: a list of symbols, or the text from which it was made."""

from __future__ import annotations

import json
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rnncore.errors import VocabularyError
from rnncore.network.adoption.assemble import vocabulary_of
from rnncore.network.vocabulary import Vocabulary

Source = Vocabulary | Sequence[str] | str | Path | Sequence[Path]


def read_vocabulary(source: Source, size: int, words: bool = False, order: str | None = None) -> Vocabulary:
    """Return the vocabulary of a model of ``size`` symbols.

    Parameters
    ----------
    source : Vocabulary, sequence of str, str, Path, or sequence of Path
        - the symbols themselves, in the order of their ids;
        - "bytes", the 256 bytes;
        - "printable", Python's ``string.printable``, as in spro/char-rnn.pytorch;
        - a JSON file: a list of symbols, or an object that gives each symbol its id or each id its symbol;
        - a text file with exactly ``size`` different lines: one symbol a line;
        - any other text files: the training text, from which the vocabulary is derived by the next two.
    words : bool
        Cut the text into words at white space, with ``<eos>`` at the end of each line, as PyTorch's
        word_language_model does; else into characters.
    order : {"sorted", "appearance"}, optional
        In which order the text's symbols got their ids: by code point (the default for characters), or as they
        first appear (the default for words; give train.txt, valid.txt, test.txt in this order).

    Raises
    ------
    VocabularyError
        A file is missing, no text or no list of symbols.
    """
    if isinstance(source, Vocabulary):
        return source
    if isinstance(source, str) and source in ("bytes", "printable"):
        return Vocabulary.bytes() if source == "bytes" else Vocabulary("characters", tuple(string.printable))
    if isinstance(source, (str, Path)):
        source = [Path(source)]
    if not all(isinstance(part, Path) for part in source):
        return vocabulary_of([str(symbol) for symbol in source])
    paths = [Path(part) for part in source]
    if len(paths) == 1 and paths[0].suffix == ".json":
        return _from_json(paths[0], size)
    text = "".join(_read(path) for path in paths)
    lines = text.split("\n")[: -1 if text.endswith("\n") else None]
    if len(lines) == size == len(set(lines)):
        return vocabulary_of(lines)
    found = [word for line in text.splitlines() for word in [*line.split(), "<eos>"]] if words else list(text)
    if (order or ("appearance" if words else "sorted")) == "sorted":
        found.sort()
    distinct = list(dict.fromkeys(found))
    return Vocabulary.words(distinct) if words else Vocabulary("characters", tuple(distinct))


def symbols_in(content: Any, size: int) -> list[str] | None:
    """Return the symbols that a checkpoint keeps beside its weights: a list, or a mapping to or from ids; or None."""
    if isinstance(content, (list, tuple)) and len(content) == size and all(isinstance(s, str) for s in content):
        return list(content)
    if not isinstance(content, dict):
        return None
    return ordered(content, size) or next((s for s in (symbols_in(v, size) for v in content.values()) if s), None)


def ordered(mapping: dict[Any, Any], size: int) -> list[str] | None:
    """Return the symbols of {symbol: id} or {id: symbol} in the order of ids; None if it is neither."""
    for ids, symbols in ((mapping.values(), mapping.keys()), (mapping.keys(), mapping.values())):
        numbers = [int(i) if isinstance(i, int) or (isinstance(i, str) and i.isdecimal()) else -1 for i in ids]
        if sorted(numbers) == list(range(size)) and all(isinstance(symbol, str) for symbol in symbols):
            return [symbol for _, symbol in sorted(zip(numbers, symbols, strict=True))]
    return None


def _from_json(path: Path, size: int) -> Vocabulary:
    try:
        content = json.loads(_read(path))
    except ValueError as error:
        raise VocabularyError(f"{path} is no JSON ({error})") from None
    if isinstance(content, list) and all(isinstance(symbol, str) for symbol in content):
        return vocabulary_of(content)
    symbols = ordered(content, len(content)) if isinstance(content, dict) else None
    if symbols is None:
        raise VocabularyError(f"{path} is neither a list of symbols nor an object from symbols to ids 0 to {size - 1}")
    return vocabulary_of(symbols)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()  # as it is: a line break may be two characters
    except OSError as error:
        raise VocabularyError(f"no vocabulary at {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise VocabularyError(f"{path} is not text in UTF-8 (byte {error.start})") from None
