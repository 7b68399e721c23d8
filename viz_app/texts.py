"""The texts to look at: cleaned, kept on disk under their hash, cut into windows that are shown whole."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

WINDOW = 2_000
"""How many characters of a text are recorded and shown at a time."""

LIMIT = 20_000
"""How many characters of a visitor's own text are kept."""

SAMPLE = 1_500
"""How many characters a model writes to be looked at."""


class TextError(Exception):
    """A text will not do; ``str(error)`` is the sentence."""


@dataclass(frozen=True)
class Text:
    """The text to look at.

    ``text`` are the characters that are recorded: all of a short text, a window of a long one, which starts
    at ``start`` out of ``total`` and is the ``part``-th of ``parts``. ``id`` stands in the link.
    """

    id: str
    title: str
    text: str
    start: int = 0
    total: int = 0
    part: int = 1
    parts: int = 1

    @property
    def window(self) -> str:
        """Which part of a longer text this is; empty if it is the whole."""
        if self.parts == 1:
            return ""
        return f"characters {self.start + 1:,} to {self.start + len(self.text):,} of {self.total:,}"


def parts(whole: str) -> int:
    """Return how many windows a text has. The last one is never a single character: it would have no loss."""
    return max(1, math.ceil((len(whole) - 1) / WINDOW))


def window(id: str, title: str, whole: str, part: int) -> Text:  # noqa: A002
    """Return one part of a text; parts count from 1."""
    start = (part - 1) * WINDOW
    end = len(whole) if part == parts(whole) else start + WINDOW
    return Text(id, title, whole[start:end], start, len(whole), part, parts(whole))


def cleaned(content: str | bytes) -> tuple[str, str]:
    """Return as much of a visitor's text as is kept, with plain line ends, and a sentence if that is not all.

    Raises
    ------
    TextError
        It is empty, one character long, binary, or not UTF-8.
    """
    whole = decoded(content) if isinstance(content, bytes) else content
    whole = whole.replace("\r\n", "\n").replace("\r", "\n")
    if not whole.strip():
        raise TextError("There is no text yet: type or paste at least two characters.")
    if len(whole) == 1:
        raise TextError("One character has no next one to predict: give at least two.")
    cut = f"The text has {len(whole):,} characters; the first {LIMIT:,} are kept." if len(whole) > LIMIT else ""
    return whole[:LIMIT], cut


def decoded(content: bytes) -> str:
    if b"\0" in content:
        raise TextError("This is a binary file: choose a file of plain text.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TextError(
            f"This file is not text in UTF-8 (see line {line:,}): save it as UTF-8, then try again."
        ) from None


def title(kept: str) -> str:
    """Return the first words of a text, in quotes."""
    words = " ".join(kept[:200].split())
    return f"“{words[:24].rstrip()}…”" if len(words) > 24 else f"“{words}”"


def digest(text: str) -> str:
    """Return 16 hexadecimal digits that tell a text from any other."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


# ---- on disk -------------------------------------------------------------------------------------------------


def store(kept: str) -> str:
    """Keep a visitor's text in the user's cache folder; return the key under which it is found again."""
    key = digest(kept)
    _write(_own(key), kept.encode("utf-8", "surrogatepass"))
    return key


def stored(key: str) -> str:
    """Return a text that was kept.

    Raises
    ------
    TextError
        It is not on this machine.
    """
    try:
        if re.fullmatch("[0-9a-f]{16}", key):
            return _own(key).read_bytes().decode("utf-8", "surrogatepass")
    except (OSError, ValueError):
        pass
    raise TextError("This link asks for somebody's own text, which is not on this machine.")


def sample(name: str, stamp: str, write: Callable[[int], str]) -> str:
    """Return what a model wrote of itself, from disk if it did so before; ``write`` takes the length."""
    path = user_cache_path("rnncore") / "samples" / f"{name}-{stamp}-{SAMPLE}.txt"
    with suppress(OSError, ValueError):
        return path.read_bytes().decode()
    written = write(SAMPLE)
    _write(path, written.encode())
    return written


def _own(key: str) -> Path:
    return user_cache_path("rnncore") / "texts" / f"{key}.txt"


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; on a full disk only the cache is lost."""
    from rnncore.network import checkpoint

    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        checkpoint.write_atomically(path, content)
