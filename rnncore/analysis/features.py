"""What a text says at each character, computed from the text alone: the labels that units are compared with.

A label tells what is so once the character has been read, since that is what a state at that step can know: an opening
quote is inside its quotation, the closing one is outside. One more feature is a function and a line above it:

    @feature("digit", "a digit", "discrete")
    def digit(text: str) -> np.ndarray:
        return inside(text, "[0-9]")
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float32, Int64, Shaped

from rnncore.errors import Error, hint
from rnncore.network.vocabulary import Vocabulary

Kind = Literal["discrete", "scalar"]

LANGUAGES = ("prose", "play", "c", "python", "latex")
"""The kinds of text that features are made for."""


@dataclass(frozen=True)
class Feature:
    """One property of every character of a text.

    Parameters
    ----------
    name, title : str
        What people type, and what they read.
    kind : {"discrete", "scalar"}
        Discrete is 1 where it holds and 0 where it does not; scalar is any number.
    label : callable
        Takes a text and returns one number a character, nan where the property is not defined.
    languages : tuple of str
        The kinds of text that it makes sense for, out of :data:`LANGUAGES`.
    """

    name: str
    title: str
    kind: Kind
    label: Callable[[str], Shaped[np.ndarray, " character"]] = field(repr=False)
    languages: tuple[str, ...] = LANGUAGES

    def __call__(self, text: str) -> Float32[np.ndarray, " character"]:
        """Return the label of each character.

        Raises
        ------
        Error
            The function did not return one number a character, or a discrete feature is not 0, 1 or nan.
        """
        values = np.asarray(self.label(text))
        if values.shape != (len(text),) or values.dtype.kind not in "biuf":
            raise Error(
                f"feature {self.name!r} gave {values.dtype} {list(values.shape)}; "
                f"expected one number for each of the text's {len(text)} characters"
            )
        values = values.astype(np.float32)
        if self.kind == "discrete" and not (np.isnan(values) | (values == 0) | (values == 1)).all():
            raise Error(f"feature {self.name!r} is discrete: 1 where it holds, 0 or nan elsewhere; it gave others")
        return values


features: dict[str, Feature] = {}
"""Every feature by name."""


def feature(
    name: str, title: str, kind: Kind, *languages: str
) -> Callable[[Callable[[str], np.ndarray]], Callable[[str], np.ndarray]]:
    """Enter a function from a text to its labels as a feature, by default for every kind of text."""

    def enter(label: Callable[[str], np.ndarray]) -> Callable[[str], np.ndarray]:
        features[name] = Feature(name, title, kind, label, languages or LANGUAGES)
        return label

    return enter


def find(name: str) -> Feature:
    """Return a feature by its name.

    Raises
    ------
    Error
        There is none of that name.
    """
    if name not in features:
        raise Error(f"no feature {name!r}; {hint(name, features)}")
    return features[name]


def suiting(language: str) -> list[Feature]:
    """Return the features that make sense for a kind of text, out of :data:`LANGUAGES`."""
    if language not in LANGUAGES:
        raise Error(f"no kind of text {language!r}; known: {', '.join(LANGUAGES)}")
    return [known for known in features.values() if language in known.languages]


def matching(pattern: str, name: str | None = None) -> Feature:
    """Return the discrete feature "inside a match of this regular expression"; ^ and $ match at every line.

    Raises
    ------
    Error
        It is no regular expression.
    """
    try:
        compiled = re.compile(pattern, re.MULTILINE)
    except re.error as error:
        raise Error(f"{pattern!r} is no regular expression: {error}") from None
    return Feature(name or pattern, f"matches {pattern}", "discrete", lambda text: inside(text, compiled))


def predictability(log_probabilities: Callable[[str], np.ndarray], name: str = "predictability") -> Feature:
    """Return the scalar feature "ln of the probability of the next character", by any model of characters.

    Parameters
    ----------
    log_probabilities : callable
        From a text to ln p(character | characters before it), one a character; ``NGrams.log_probabilities`` is one.
    """

    def label(text: str) -> np.ndarray:
        following = np.append(np.asarray(log_probabilities(text), np.float64)[1:], np.nan)
        return np.where(np.isfinite(following), following, np.nan)

    return Feature(name, "ln p of the next character, by n-grams", "scalar", label)


def column(path: str | Path, name: str) -> Feature:
    """Return a column of a CSV file with a header and one row a character as a feature; empty cells are nan.

    A column of nothing but 0 and 1, or of true and false, is discrete.

    Raises
    ------
    Error
        No such file or column, or it holds something else than numbers. When the feature is asked for the labels of a
        text of another length, too.
    """
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise Error(f"{path} cannot be read as CSV: {error}") from None
    if name not in table:
        raise Error(f"{path} has no column {name!r}; there are {', '.join(map(str, table.columns))}")
    try:
        values = table[name].to_numpy(np.float32, na_value=np.nan)
    except (ValueError, TypeError):
        raise Error(f"column {name!r} of {path} holds something else than numbers") from None
    discrete = bool((np.isnan(values) | (values == 0) | (values == 1)).all())
    return Feature(name, f"{name}, from {Path(path).name}", "discrete" if discrete else "scalar", lambda text: values)


def labels(chosen: Sequence[Feature], vocabulary: Vocabulary, text: str) -> Float32[np.ndarray, "feature time"]:
    """Return each feature's label at each symbol of ``text``: that of the symbol's last character.

    All bytes of a character have its label.
    """
    last = _last_characters(vocabulary, text)
    return np.stack([known(text)[last] for known in chosen]) if chosen else np.empty((0, len(last)), np.float32)


def _last_characters(vocabulary: Vocabulary, text: str) -> Int64[np.ndarray, " time"]:
    if vocabulary.kind == "bytes":
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        lengths = 1 + (codes >= 0x80) + (codes >= 0x800) + (codes >= 0x10000)  # of UTF-8
        return np.repeat(np.arange(len(text)), lengths)
    if vocabulary.kind == "words":
        word = r"[^\S\n]*\n|\S+" if "\n" in vocabulary.symbols else r"\S+"
        return np.array([match.end() - 1 for match in re.finditer(word, text)], np.int64)
    return np.cumsum([len(symbol) for symbol in vocabulary.tokenize(text)], dtype=np.int64) - 1


def inside(text: str, pattern: str | re.Pattern[str], group: int | str = 0) -> Bool[np.ndarray, " character"]:
    """Return where ``text`` is inside a match of ``pattern``, or of one of its groups."""
    return within(len(text), (match.span(group) for match in re.finditer(pattern, text) if match.start(group) >= 0))


def within(length: int, spans: Iterable[tuple[int, int]]) -> Bool[np.ndarray, " character"]:
    """Return which of ``length`` characters are inside one of the spans (start, end)."""
    change = np.zeros(length + 1, np.int64)
    bounds = np.array(list(spans), np.int64).reshape(-1, 2)
    np.add.at(change, bounds[:, 0], 1)
    np.add.at(change, bounds[:, 1], -1)
    return change[:-1].cumsum() > 0


def since(starts: Bool[np.ndarray, " character"]) -> Int64[np.ndarray, " character"]:
    """Return how many characters ago the last start was, 0 at a start; there is one before the text's beginning."""
    places = np.arange(len(starts))
    return np.asarray(places - np.maximum.accumulate(np.where(starts, places, -1)))
