"""Fetch one file from its public address: in pieces, resumable, checked, and whole or not at all."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator
from pathlib import Path

import requests
from filelock import FileLock, Timeout

from rnncore.errors import CorpusError

PIECE = 1 << 16  # bytes between two reports
PATIENCE = 30.0  # seconds without a byte
AGAIN = "the same command again goes on from there"


def fetch(address: str, path: Path, size: int, sha256: str) -> Iterator[int]:
    """Download ``address`` to ``path``, yielding the number of bytes at hand after every piece.

    What has arrived is kept beside the target with ``.part`` added to its name; a download that broke off
    goes on from there. The finished file takes its name only once its SHA-256 is right.

    Parameters
    ----------
    address : str
        Where the file lies.
    path : Path
        Where it goes; the folder is made.
    size : int
        Its length in bytes.
    sha256 : str
        Its SHA-256, 64 hexadecimal digits.

    Raises
    ------
    CorpusError
        No network, a server's refusal, a full disk, a second download of the same file, or a file that is
        not the expected one; the sentence says what to do.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(path.name + ".lock"), timeout=0):
            if _length(part) < size:
                yield from _receive(address, part)
            if _length(part) < size:
                raise CorpusError(f"{address} broke off after {_length(part)} of {size} bytes; {AGAIN}")
            found = _sha256(part)
            if found != sha256:
                part.unlink()
                raise CorpusError(
                    f"{address} sent another file than expected (SHA-256 {found[:12]}…, not {sha256[:12]}…); "
                    "it was thrown away. Try again; if it stays so, the file has changed at its source"
                )
            part.replace(path)
    except Timeout:
        raise CorpusError(f"another process is downloading {path}; wait until it is done") from None
    except requests.HTTPError as error:
        status = f"{error.response.status_code} {error.response.reason}"
        raise CorpusError(f"{address} answered {status}; try again later, or save the file as {path}") from None
    except requests.RequestException as error:
        arrived = _length(part)
        if arrived or isinstance(error, requests.exceptions.ChunkedEncodingError):
            raise CorpusError(f"{address} broke off after {arrived} of {size} bytes; {AGAIN}") from None
        raise CorpusError(f"no connection to {address}; check the network, or save the file as {path}") from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise CorpusError(f"{path} cannot be written: {error.strerror or error}") from error
        missing = (size - _length(part)) / 1e6
        raise CorpusError(f"the disk is full: free {missing:.1f} MB for {path}, then {AGAIN}") from None


def _receive(address: str, part: Path) -> Iterator[int]:
    """Append what is missing to ``part``."""
    start = _length(part)
    # Without "identity" a server may compress, and the range would count compressed bytes.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with requests.get(address, headers=headers, stream=True, timeout=PATIENCE) as response:
        response.raise_for_status()
        resumed = response.status_code == requests.codes.partial_content
        with part.open("ab" if resumed else "wb") as file:
            yield file.tell()
            for piece in response.iter_content(PIECE):
                file.write(piece)
                yield file.tell()


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
