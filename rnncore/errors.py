"""What can go wrong, as sentences for people: what was expected, what came, what to do."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeVar

Value = TypeVar("Value")


class Error(Exception):
    """Base of every error meant to be read by a person; ``str(error)`` is the sentence."""


class CheckpointError(Error):
    """A checkpoint is missing, damaged, from a newer version, or does not fit its own description."""


class RecordingError(Error):
    """A recording cannot be made of this text, or a recording file is damaged."""


class TrainingError(Error):
    """A training cannot start, or had to stop."""


class CorpusError(Error):
    """A corpus is unknown, not at hand, or not text."""


class VocabularyError(Error):
    """A text or a symbol that the vocabulary cannot hold."""


def look_up(what: str, name: str, table: Mapping[str, Value]) -> Value:
    """Return ``table[name]``.

    Raises
    ------
    Error
        There is no such thing; the sentence lists those that there are.
    """
    if name not in table:
        raise Error(f"no {what} {name!r}; known: {', '.join(table)}")
    return table[name]


def hint(name: str, known: Iterable[str]) -> str:
    """Return what an unknown name may have been meant for: the nearest known one, or all of them where none is near."""
    known = list(known)
    near = get_close_matches(name, known, 1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known) or 'none'}"
