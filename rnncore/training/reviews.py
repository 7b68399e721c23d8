"""IMDB's film reviews (Maas 2011), with labels and as one text to train on; what is held out is in neither.

They are read from ``train.csv`` and ``unsup.csv`` in the corpus' folder (columns ``label``, 1 for positive, and
``text``), or from the archive as it is published. Either gives the same texts in the same order, and each text once.
"""

from __future__ import annotations

import hashlib
import html
import re
import tarfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Int64

from rnncore.training.catalogue import catalogue
from rnncore.training.corpora import find, folders

DIGEST = 5
"""Bytes of its SHA-256 by which a review is known in ``reviews.held_out``."""

OPENING, ENDING = "\n ", " "
"""What every text is read after, and what it ends with."""

_BREAK = re.compile(r"\s*(?:<br\s*/?>|\n)\s*", re.IGNORECASE)


class Reviews(NamedTuple):
    """Reviews with their labels, 1 for positive."""

    texts: tuple[str, ...]
    labels: Int64[np.ndarray, " text"]


def prepare(text: str) -> str:
    """Return a text as a model reads it, after Radford (2017): on one line, between a line break and a space.

    HTML's entities become characters, and line breaks, HTML's too, spaces.
    """
    return f"{OPENING}{' '.join(part for part in _BREAK.split(html.unescape(text).strip()) if part)}{ENDING}"


def labelled() -> Reviews:
    """Return the labelled reviews that are not held out, in an order that is random but always the same.

    Raises
    ------
    CorpusError
        The reviews are not on this machine.
    """
    return _with_labels(False)


def held_out() -> Reviews:
    """Return the labelled reviews that neither :func:`labelled` nor :func:`running_text` holds.

    They are the last 5,000 of a file in which the 25,000 had been shuffled, less those that are there twice.
    """
    return _with_labels(True)


def running_text() -> str:
    """Return all reviews that are not held out, labelled or not, each as :func:`prepare` makes it, one by one."""
    labelled, others = _read("train"), _read("unsup")
    known = {digest(text): text for text in map(prepare, [*labelled["text"], *others["text"]])}
    return "".join(known[key] for key in sorted(known.keys() - _apart()))


def digest(prepared: str) -> str:
    """Return what a prepared text is known by, in hexadecimal digits."""
    return hashlib.sha256(prepared.encode()).hexdigest()[: 2 * DIGEST]


@cache
def _apart() -> frozenset[str]:
    data = Path(__file__).with_name("reviews.held_out").read_bytes()
    return frozenset(data[first : first + DIGEST].hex() for first in range(0, len(data), DIGEST))


def _with_labels(held_out: bool) -> Reviews:
    table = _read("train")
    keys = table["text"].map(prepare).map(digest)
    chosen = table.assign(key=keys)[keys.isin(_apart()) == held_out].drop_duplicates("key").sort_values("key")
    return Reviews(tuple(chosen["text"]), chosen["label"].to_numpy(np.int64))


def _read(part: str) -> pd.DataFrame:
    """Return a column text, and of the part "train" a column label; the other part is "unsup"."""
    for folder in folders():
        if table := next((folder / "imdb").glob(f"{part}.csv*"), None):
            return pd.read_csv(table)
    return _unpack(find(catalogue["imdb"].files[0]), part)


def _unpack(archive: Path, part: str) -> pd.DataFrame:
    """Read ``aclImdb/train/{pos,neg}/*.txt``, or ``unsup``; the archive's test part is left alone."""
    kinds, rows = {"train": "neg|pos", "unsup": "unsup"}[part], []
    with tarfile.open(archive) as files:
        for member in files:
            found = re.fullmatch(rf"(?:\./)?aclImdb/train/({kinds})/[^/]*\.txt", member.name)
            content = files.extractfile(member) if found else None
            if found and content:
                rows.append((content.read().decode(), int(found[1] == "pos")))
    return pd.DataFrame(rows, columns=["text", "label"])
