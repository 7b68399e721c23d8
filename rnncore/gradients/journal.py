"""A file of figures that grows: its settings in the first line, then CSV, a row for each thing that happened.

What was written stays, whenever the process ends; a last row that was cut off by that is left out.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from rnncore.errors import Error
from rnncore.files import write_atomically


def begin(
    path: Path, settings: Mapping[str, Any], columns: Sequence[str], rows: Iterable[Mapping[str, Any]] = ()
) -> None:
    """Write a file anew, with the rows there are.

    Raises
    ------
    Error
        The disk refuses.
    """
    lines = io.StringIO(f"# {json.dumps(settings)}\n", newline="")
    lines.seek(0, io.SEEK_END)
    writer = csv.DictWriter(lines, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    try:
        write_atomically(path, lines.getvalue().encode())
    except OSError as error:
        raise Error(f"cannot write {path}: {error.strerror or error}") from error


def append(path: Path, row: Mapping[str, Any]) -> None:
    """Add a row, its values in the order of the columns."""
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerow(row.values())


def read(path: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return the settings and the rows.

    Raises
    ------
    Error
        It cannot be read, or is no such file.
    """
    try:
        text = path.read_text("utf-8")
        first, rows = text[: text.rfind("\n") + 1].split("\n", 1)
        settings = json.loads(first.removeprefix("# "))
        return dict(settings), pd.read_csv(io.StringIO(rows))
    except OSError as error:
        raise Error(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, TypeError) as error:
        raise Error(f"{path} is no file of figures: its first line should hold the settings, the rest CSV") from error
