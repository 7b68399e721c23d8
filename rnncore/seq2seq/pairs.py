"""Sentences side by side: what a translator is trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rnncore.errors import CorpusError
from rnncore.seq2seq.dates import dates
from rnncore.training import corpora

Pair = tuple[str, str]

MULTI30K = ("de", "en", "fr")

HELD_OUT = 0.05
"""Of a file of the user's own, the share that validates, and the share that tests."""


@dataclass(frozen=True)
class Pairs:
    """Sentences and their translations, in three parts that share none.

    Attributes
    ----------
    name : str
        What :func:`load` knows them by.
    title : str
        As it stands in a sentence.
    train, validation, test : sequence of (source, target)
    """

    name: str
    title: str
    train: Sequence[Pair] = field(repr=False)
    validation: Sequence[Pair] = field(repr=False)
    test: Sequence[Pair] = field(repr=False)

    @property
    def sha256(self) -> str:
        """SHA-256 of all sentences in their order, 64 hexadecimal digits."""
        lines = (
            f"{source}\t{target}\n" for part in (self.train, self.validation, self.test) for source, target in part
        )
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def load(name: str | Path) -> Pairs:
    """Return sentences to train a translator on.

    Parameters
    ----------
    name : str or Path
        "dates"; "multi30k-de-en" or any two of its languages de, en and fr; or a file of one pair a line, with a tab
        between, whose last tenth is held out.

    Raises
    ------
    CorpusError
        There is nothing of that name, it is not downloaded yet, or a line is no pair.
    """
    if name == "dates":
        parts = [[(one.source, one.target) for one in part] for part in dates(seed=0)]
        return Pairs("dates", "dates in seven languages, and in ISO 8601", *parts)
    kind, *languages = str(name).split("-")
    if kind == "multi30k" and len(set(languages)) == 2 and set(languages) <= set(MULTI30K):
        read = {
            language: [_multi30k(part, language) for part in ("train", "val", "test_2016_flickr")]
            for language in languages
        }
        parts = [
            list(zip(*part, strict=True)) for part in zip(*(read[language] for language in languages), strict=True)
        ]
        return Pairs(str(name), "captions of photographs", *parts)
    path = Path(name).expanduser()
    if not path.is_file():
        raise CorpusError(f"no pairs {str(name)!r}; known: dates, multi30k-de-en (or -fr, in any order), a file's path")
    pairs = parse(corpora.read(path), path.name)
    held = max(1, round(len(pairs) * HELD_OUT))
    if len(pairs) < 20:
        raise CorpusError(f"{path.name} has {len(pairs)} pairs; a translator needs 20 at the very least")
    return Pairs(path.name, path.name, pairs[: -2 * held], pairs[-2 * held : -held], pairs[-held:])


def _multi30k(part: str, language: str) -> list[str]:
    wanted = f"multi30k/{part}.{language}"
    file = next(file for file in corpora.catalogue["multi30k"].files if file.path.startswith(wanted))
    return corpora.read(corpora.find(file)).splitlines()


def parse(text: str, name: str = "the probe") -> list[Pair]:
    """Return the pairs of a text: one a line, source and target with a tab between.

    Raises
    ------
    CorpusError
        A line is no pair.
    """
    pairs: list[Pair] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        row = line.split("\t")
        if len(row) != 2 or not all(side.strip() for side in row):
            raise CorpusError(f"line {number} of {name} is no pair; write source, one tab, target")
        pairs.append((row[0], row[1]))
    return pairs
