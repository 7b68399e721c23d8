"""A small table of figures: one row a model, its colour before its name, numbers that line up."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def facts(head: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    """Return a table as HTML; each row is the colour of its first cell, and its cells."""
    top = "".join(f"<th>{escape(title)}</th>" for title in head)
    body = "".join(f"<tr>{_row(colour, cells)}</tr>" for colour, cells in rows)
    return f'<div class="facts"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _row(colour: str, cells: Sequence[str]) -> str:
    first, *others = cells
    name = f'<td><i style="background:{colour}"></i>{escape(first)}</td>'
    return name + "".join(f"<td>{escape(cell)}</td>" for cell in others)
