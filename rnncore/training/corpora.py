"""The texts to train on: known corpora, Python's own standard library, and any text file of the user's.

A known corpus is looked for in the folder that ``RNNCORE_DATA`` names, then among the user's downloads. Both
have one layout, ``shakespeare/input.txt``; a file may lie there compressed, as ``.xz`` or ``.gz``.
"""

from __future__ import annotations

import gzip
import hashlib
import lzma
import os
import platform
import sysconfig
import tokenize
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from platformdirs import user_cache_path

from rnncore.errors import CorpusError, hint
from rnncore.training.catalogue import Entry, File, catalogue
from rnncore.training.download import fetch

__all__ = [
    "Corpus",
    "CorpusError",
    "Downloaded",
    "Entry",
    "File",
    "at_hand",
    "catalogue",
    "download",
    "find",
    "folders",
    "load",
    "standard_library",
    "standard_library_files",
]


@dataclass(frozen=True)
class Corpus:
    """A text, and where it is from.

    ``sha256`` is that of the text in UTF-8, so it tells whether two trainings read the same text.
    """

    name: str
    text: str
    title: str = ""
    licence: str = ""
    source: str = ""

    @property
    def sha256(self) -> str:
        """SHA-256 of the text in UTF-8, 64 hexadecimal digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class Downloaded(NamedTuple):
    """How far a download is, in bytes."""

    done: int
    total: int


def load(name: str | Path) -> Corpus:
    """Return a corpus.

    Parameters
    ----------
    name : str or Path
        A name in the :data:`catalogue`, ``"stdlib"``, or a text file in UTF-8 (which may end in .xz or .gz).

    Raises
    ------
    CorpusError
        No such corpus or file, not downloaded yet, or not a text; the sentence says what to do.
    """
    if name == "stdlib":
        return standard_library()
    if isinstance(name, str) and name in catalogue:
        entry = catalogue[name]
        if name == "imdb":
            from rnncore.training import reviews  # which looks for its files here

            return Corpus(entry.name, reviews.running_text(), entry.title, entry.licence, entry.source)
        if not entry.text:
            raise CorpusError(f"{name} is {entry.title}: a set of files, not one text to train on")
        return Corpus(entry.name, read(find(entry.files[0])), entry.title, entry.licence, entry.source)
    path = Path(name).expanduser()
    if not path.exists():
        known = ["stdlib", *catalogue]
        beside = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
        near = get_close_matches(str(name), known, 1) or get_close_matches(path.name, beside, 1)
        meant = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}, or a text file's path"
        raise CorpusError(f"no corpus {str(name)!r}, and no such file; {meant}")
    return Corpus(path.name, read(path), path.name, source=str(path))


def find(file: File) -> Path:
    """Return where a file of the catalogue lies on this machine, compressed or not.

    Raises
    ------
    CorpusError
        It is not here; the sentence says how to get it.
    """
    for folder in folders():
        for suffix in ("", ".xz", ".gz"):
            path = folder / (file.path + suffix)
            if path.is_file():
                return path
    entry = next(entry for entry in catalogue.values() if file in entry.files)
    missing = f"{file.path} is not in {' or '.join(map(str, folders()))}"
    if entry.recipe:
        raise CorpusError(f"{missing}, and has no download. {_how(entry)}")
    raise CorpusError(f"{missing}; `rnncore data get {entry.name}` downloads it")


def at_hand(entry: Entry) -> bool:
    """Tell whether all files of an entry are on this machine."""
    try:
        return all(find(file) for file in entry.files)
    except CorpusError:
        return False


def folders() -> list[Path]:
    """Return the folders in which corpora are looked for, the first first; downloads go to the last."""
    named = os.environ.get("RNNCORE_DATA")
    return [*([Path(named).expanduser()] if named else []), user_cache_path("rnncore") / "data"]


def download(name: str) -> Iterator[Downloaded]:
    """Download a corpus to the user's cache folder, yielding how far it is.

    Breaking off loses nothing: the next call goes on where this one stopped. What is there already is not
    fetched again.

    Raises
    ------
    CorpusError
        An unknown name, a corpus without an address, no network, a full disk, or a file that is not the
        expected one; the sentence says what to do.
    """
    if name not in catalogue:
        raise CorpusError(f"no corpus {name!r}; {hint(name, catalogue)}")
    entry = catalogue[name]
    if entry.recipe:
        raise CorpusError(f"{name} has no download. {_how(entry)}")
    done = 0
    for file in entry.files:
        path = folders()[-1] / file.path
        if not path.exists():
            for arrived in fetch(file.address, path, file.size, file.sha256):
                yield Downloaded(done + arrived, entry.size)
        done += file.size
        yield Downloaded(done, entry.size)


def standard_library(limit: int = 2_000_000) -> Corpus:
    """Return the source of the running Python's standard library: real code, on every machine.

    Parameters
    ----------
    limit : int
        Characters after which the text is cut.
    """
    pieces: list[str] = []
    length = 0
    for _, text in standard_library_files():
        pieces.append(text)
        length += len(text) + 1
        if length > limit:
            break
    version = platform.python_version()
    return Corpus(
        "stdlib",
        "\n".join(pieces)[:limit],
        f"the standard library of Python {version}",
        "PSF-2.0",
        f"Python {version} on this machine",
    )


# Tests, tables, generated text, and what belongs to this machine rather than to Python.
_LEFT_OUT = (
    *("test", "idlelib", "lib2to3", "turtledemo", "encodings", "pydoc_data"),
    *("__pycache__", "_sysconfigdata", "config-", "dist-packages", "site-packages"),
)


def standard_library_files() -> Iterator[tuple[str, str]]:
    """Yield (path, text) of the standard library's modules, such as ``json/decoder.py``, in order of path."""
    root = Path(sysconfig.get_path("stdlib"))
    for path in sorted(_modules(root), key=Path.as_posix):
        with tokenize.open(path) as file:  # honours the file's own coding line
            text = file.read()
        if text:
            yield path.relative_to(root).as_posix(), text


def _modules(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith(_LEFT_OUT):
            continue
        if path.is_dir():
            yield from _modules(path)
        elif path.suffix == ".py":
            yield path


def _how(entry: Entry) -> str:
    """Return how to make a corpus that cannot be downloaded, with the place where it is looked for."""
    return f"{entry.recipe} Save it as {folders()[0] / entry.files[0].path}"


def read(path: Path) -> str:
    """Return the text of a file of UTF-8, character for character."""
    if path.is_dir():
        files = ", ".join(file.name for file in islice(sorted(path.glob("*.*")), 3))
        raise CorpusError(f"{path} is a folder; name one text file in it" + (f", such as {files}" if files else ""))
    unpack: Callable[[bytes], bytes] = {".xz": lzma.decompress, ".gz": gzip.decompress}.get(path.suffix, bytes)
    try:
        data = unpack(path.read_bytes())
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise CorpusError(f"{path} cannot be read ({error}); is it whole, and yours to read?") from error
    if b"\0" in data:
        raise CorpusError(f"{path} is a binary file; a corpus is text in UTF-8")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CorpusError(
            f"{path} is not text in UTF-8 (byte 0x{data[error.start]:02x} in line {line}); "
            "save it as UTF-8, with an editor or with iconv"
        ) from None
    if not text.strip():
        raise CorpusError(f"{path} is empty; a corpus needs some text")
    return text
