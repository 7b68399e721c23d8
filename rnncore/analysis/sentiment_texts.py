"""Texts with one of two labels, cut into parts: to learn from, to choose by, and to judge by."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Int64

from rnncore.errors import CorpusError
from rnncore.training import corpora, reviews

TRAIN, VALIDATION, HELD_OUT = range(3)
"""The parts: fitted on; choosing penalties and thresholds; measured on, once."""

FEWEST = 10
"""Texts of each label that every part needs."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """Texts with their labels.

    Attributes
    ----------
    name : str
        What the texts are.
    texts : tuple of str
    labels : int64 [text]
        0 or 1.
    classes : (str, str)
        What the labels are called.
    parts : int64 [text]
        Which part each text is in.
    """

    name: str
    texts: tuple[str, ...] = field(repr=False)
    labels: Int64[np.ndarray, " text"] = field(repr=False)
    classes: tuple[str, str]
    parts: Int64[np.ndarray, " text"] = field(repr=False)

    def __post_init__(self) -> None:
        for part in (TRAIN, VALIDATION, HELD_OUT):
            counts = np.bincount(self.labels[self.parts == part], minlength=2)
            if counts.min() < FEWEST:
                raise CorpusError(
                    f"{self.name}: to learn from, to choose by and to judge by, {FEWEST} texts of each label are "
                    f"needed; one part has {counts[0]} {self.classes[0]!r} and {counts[1]} {self.classes[1]!r}. "
                    "Give more texts"
                )

    def at(self, part: int) -> Int64[np.ndarray, " text"]:
        """Return which texts are in a part."""
        return np.flatnonzero(self.parts == part)

    def few(self, count: int, seed: int = 0) -> Labelled:
        """Return about ``count`` texts drawn at random, in the same shares from each part, or all."""
        random, share = np.random.default_rng(seed), min(1.0, count / len(self.texts))
        parts = (self.at(part) for part in (TRAIN, VALIDATION, HELD_OUT))
        chosen = np.concatenate([random.permutation(part)[: round(share * len(part))] for part in parts])
        texts = tuple(self.texts[k] for k in chosen)
        return Labelled(self.name, texts, self.labels[chosen], self.classes, self.parts[chosen])


def labelled(name: str | Path, *, text: str = "", label: str = "", positive: str = "", seed: int = 0) -> Labelled:
    """Return the texts called ``imdb`` or ``sst``, or those of a CSV file.

    Of IMDB's reviews those are held out that no model here has read; of SST its development part is.

    Parameters
    ----------
    name : str or Path
        A file has a line with the columns' names, a text and a label a line. It is split at random: 60 % to learn
        from, 20 % to choose by, 20 % held out.
    text, label : str
        The columns' names. By default the label is in a column ``label``, and the text in one called ``text``,
        ``sentence`` or ``review``.
    positive : str
        The label to tell from all others; needed where there are more than two.
    seed : int
        Of the split.

    Raises
    ------
    CorpusError
        The texts are not on this machine, the file is no such table, or too few texts have a label.
    """
    random = np.random.default_rng(seed)
    if str(name) == "imdb":
        known, apart = reviews.labelled(), reviews.held_out()
        parts = np.where(np.arange(len(known.texts)) < 0.75 * len(known.texts), TRAIN, VALIDATION)
        return _joined("imdb", (known.texts, known.labels, parts), (apart.texts, apart.labels))
    if str(name) == "sst":
        train, dev = (pd.read_csv(corpora.find(file)) for file in corpora.catalogue["sst"].files)
        parts = random.permutation(np.where(np.arange(len(train)) < 0.8 * len(train), TRAIN, VALIDATION))
        return _joined("sst", (*_columns(train), parts), _columns(dev))
    table = read(Path(name), text=text, label=label)
    labels, classes = _two(table["label"], positive, Path(name).name)
    fifths = random.permutation(np.arange(len(table)) * 5 // max(1, len(table)))
    parts = np.select([fifths < 3, fifths < 4], [TRAIN, VALIDATION], HELD_OUT)
    return Labelled(Path(name).name, tuple(table["text"]), labels, classes, parts.astype(np.int64))


def read(path: Path, *, text: str = "", label: str | None = "") -> pd.DataFrame:
    """Return columns text and label of a CSV file, as strings; without a label where that is None.

    Raises
    ------
    CorpusError
        There is no such file, it is no CSV, or it has no such column, a row without a text, or too long a row.
    """
    content = corpora.read(path) if path.exists() else None
    if content is None:
        raise CorpusError(f"no file {path}; expected a CSV file with columns text and label")
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, pd.errors.ParserError) as error:
        raise CorpusError(f"{path.name} is no CSV file ({error}); the first line names the columns") from error
    if not isinstance(table.index, pd.RangeIndex):  # pandas takes what is too much for an index
        raise CorpusError(f"{path.name} has rows of more fields than columns; put texts with commas into double quotes")
    found = {"text": _column(table, text, ("text", "sentence", "review"), path)}
    if label is not None:
        found["label"] = _column(table, label, ("label",), path)
    table = pd.DataFrame({name: table[column].str.strip() for name, column in found.items()})
    for name in found:
        if (empty := (table[name] == "").to_numpy()).any():
            raise CorpusError(
                f"{path.name} has no {name} in row {int(empty.argmax()) + 1}; fill it in or delete the row"
            )
    if not len(table):
        raise CorpusError(f"{path.name} has no rows below the columns' names")
    return table


def _column(table: pd.DataFrame, asked: str, usual: tuple[str, ...], path: Path) -> str:
    columns = {str(column).strip().lower(): str(column) for column in table.columns}
    for name in (asked,) if asked else usual:
        if name.lower() in columns:
            return columns[name.lower()]
    wanted = repr(asked) if asked else " or ".join(usual)
    raise CorpusError(f"{path.name} has no column {wanted}; it has {', '.join(map(repr, table.columns))}")


def _two(labels: pd.Series, positive: str, name: str) -> tuple[Int64[np.ndarray, " text"], tuple[str, str]]:
    """Return labels as 0 and 1, and what they are called."""
    values = sorted(labels.unique())
    if positive and positive not in values:
        raise CorpusError(f"{name} has no label {positive!r}; it has {', '.join(values[:10])}")
    if not positive and len(values) != 2:
        raise CorpusError(
            f"{name} has {len(values)} different labels ({', '.join(values[:6])}{', ...' if len(values) > 6 else ''}); "
            "two are needed, or say which is to be told from the others"
        )
    positive = positive or values[1]
    other = next((value for value in values if value != positive), "") if len(values) == 2 else f"not {positive}"
    return (labels == positive).to_numpy(np.int64), (other, positive)


def _joined(
    name: str,
    known: tuple[tuple[str, ...], np.ndarray, np.ndarray],
    apart: tuple[tuple[str, ...], np.ndarray],
) -> Labelled:
    parts = np.concatenate([known[2], np.full(len(apart[0]), HELD_OUT)])
    labels = np.concatenate([known[1], apart[1]])
    return Labelled(name, known[0] + apart[0], labels, ("negative", "positive"), parts.astype(np.int64))


def _columns(table: pd.DataFrame) -> tuple[tuple[str, ...], np.ndarray]:
    return tuple(table["sentence"]), table["label"].to_numpy(np.int64)
