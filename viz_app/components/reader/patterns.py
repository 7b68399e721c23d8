"""What a unit follows on one text, in words: which simple pattern its values correlate with most.

A pattern is a number per character: is it a line end, is it inside brackets, how far along its line does it
stand. The strongest of them makes a headline. It describes the text at hand and is no evidence about
others: the unit and the pattern were both picked on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

FEWEST = 5
"""A pattern needs this many characters on either side to be looked at."""
CLEAR, FAINT = 0.6, 0.3
"""Correlations from which a pattern is stated plainly, and below which none is stated."""
ALONG = "position in the line"
LINE_START = 10

_OPENING, _CLOSING = "([{", ")]}"


class Finding(NamedTuple):
    """One unit's headline, the numbers it rests on, and how the page would look if it were false."""

    headline: str
    numbers: str
    otherwise: str


def patterns(tokens: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the patterns of a text, each float64 [time], by the name that a sentence can use."""
    kinds = {
        "line ends": [token == "\n" for token in tokens],
        "spaces": [token == " " for token in tokens],
        "capital letters": [token.isupper() for token in tokens],
        "small letters": [token.islower() for token in tokens],
        "digits": [token.isdigit() for token in tokens],
        "punctuation marks": [_is_mark(token) for token in tokens],
        "first letters of words": _first_letters(tokens),
        "characters inside brackets": _inside_brackets(tokens),
        "characters inside double quotes": _inside_quotes(tokens),
        "spaces that indent a line": _indentation(tokens),
    }
    masks = {name: np.array(mask, dtype=np.float64) for name, mask in kinds.items()}
    kept = {n: m for n, m in masks.items() if FEWEST <= m.sum() <= len(tokens) - FEWEST}
    columns = _columns(tokens)
    return kept | ({ALONG: columns} if len(columns) and columns.max() >= FEWEST else {})


def correlations(values: np.ndarray, patterns: dict[str, np.ndarray]) -> np.ndarray:
    """Return Pearson's correlation of each pattern with each unit of ``values`` [time, unit].

    Float64 [pattern, unit]; 0 where a unit does not move.
    """
    if not patterns:
        return np.zeros((0, values.shape[1]))
    marks = np.stack(list(patterns.values()))
    marks = marks - marks.mean(axis=1, keepdims=True)
    marks /= np.linalg.norm(marks, axis=1, keepdims=True)
    moves = np.asarray(values, dtype=np.float64)
    moves = moves - moves.mean(axis=0)
    size = np.linalg.norm(moves, axis=0)
    return np.divide(marks @ moves, size, out=np.zeros((len(marks), len(size))), where=size > 1e-9)


def finding(unit: int, values: np.ndarray, what: str, patterns: dict[str, np.ndarray], signed: bool) -> Finding:
    """Return what ``values`` [time] of one unit follow.

    Parameters
    ----------
    what : str
        The signal in words, such as "cell state".
    signed : bool
        Whether values carry their sign when written.
    """
    whose = f"Unit {unit}’s {what}"

    def write(value: float) -> str:
        return number(value, signed)

    values = np.asarray(values, dtype=np.float64)
    if values.std() < 0.005:
        return Finding(
            f"{whose} hardly moves",
            f"On this text it stays between {write(values.min())} and {write(values.max())}.",
            "If the headline were false, the text would change colour somewhere",
        )
    found = correlations(values[:, None], patterns)[:, 0]
    if not len(found):
        return Finding(
            f"{whose} averages {write(values.mean())}",
            f"It runs from {write(values.min())} to {write(values.max())}; this text is too short for more.",
            "If the headline were false, the colours would average to another one",
        )
    best = int(np.abs(found).argmax())
    name, mark, r = list(patterns)[best], list(patterns.values())[best], float(found[best])
    inside = mark < LINE_START if name == ALONG else mark > 0
    there, elsewhere = write(values[inside].mean()), write(values[~inside].mean() if (~inside).any() else 0.0)
    strength = f"correlation {number(r, True)}"
    if name == ALONG:
        numbers = f"it averages {there} on the first {LINE_START} characters of a line"
        numbers += f" and {elsewhere} after them" if (~inside).any() else ""
    else:
        numbers = f"it averages {there} on the {thousands(int(inside.sum()))} {name} and {elsewhere} elsewhere"
    if abs(r) < FAINT:
        return Finding(
            f"{whose} follows no simple pattern here",
            f"The nearest of {len(patterns)} is {name}: {numbers}, {strength}.",
            "If the headline were false, colours would keep to one kind of character",
        )
    some = "" if abs(r) >= CLEAR else "somewhat "
    if name == ALONG:
        headline = f"{whose} {some}{'rises' if r > 0 else 'falls'} along the line"
        otherwise = "If the headline were false, a line would end in the colour it began with"
    else:
        headline = f"{whose} is {some}{'higher' if r > 0 else 'lower'} on {name}"
        otherwise = f"If the headline were false, {name} would look like the rest"
    return Finding(headline, f"On this text {numbers}; {strength}.", otherwise)


def verified(unit: int, values: np.ndarray, what: str, does: str, label: np.ndarray | None, signed: bool) -> Finding:
    """Return the headline of a unit whose meaning is verified elsewhere, with what it does on this text.

    Parameters
    ----------
    does : str
        What the signal does, such as "is high on “white space”".
    label : float [time], optional
        What it is verified to tell, at each step; nan where that is not defined. Of a scalar, inside is what is above
        its median.
    """
    headline = f"Unit {unit}’s {what} {does}"
    otherwise = "If the headline were false, one of the checks beside the text would have failed"
    if label is None:
        return Finding(headline, "What it tells is not marked on this text.", otherwise)
    known = ~np.isnan(label)
    scalar = not np.isin(label[known], (0, 1)).all()
    holds = known & (label > np.median(label[known]) if scalar else label == 1)
    if not holds.any() or not (known & ~holds).any():
        return Finding(headline, "This text is all of one kind in that, so that it cannot be seen here.", otherwise)
    there, elsewhere = number(values[holds].mean(), signed), number(values[known & ~holds].mean(), signed)
    where = "in its upper half" if scalar else f"on the {thousands(int(holds.sum()))} characters where it holds"
    numbers = f"On this text it averages {there} {where} and {elsewhere} {'in the lower' if scalar else 'elsewhere'}."
    return Finding(headline, numbers, otherwise)


def number(value: float, signed: bool) -> str:
    """Return ``value`` with two decimals and a true minus, and with a plus where it is signed."""
    digits = f"{abs(value):.2f}"
    if float(digits) == 0:
        return digits
    return ("−" if value < 0 else "+" if signed else "") + digits


def thousands(count: int) -> str:
    """Return ``count`` with thin spaces between thousands."""
    return f"{count:,}".replace(",", "\u202f")


def _is_mark(token: str) -> bool:
    return not token.isalnum() and not token.isspace() and token.isprintable()


def _first_letters(tokens: Sequence[str]) -> list[bool]:
    return [
        token.isalpha() and not (before.isalnum() or before in "'’_")
        for before, token in zip((" ", *tokens), tokens, strict=False)
    ]


def _inside_brackets(tokens: Sequence[str]) -> list[bool]:
    """Opening brackets count as inside, closing ones as outside; a stray closing one changes nothing."""
    depth, inside = 0, []
    for token in tokens:
        depth = depth + 1 if token in _OPENING else max(0, depth - 1) if token in _CLOSING else depth
        inside.append(depth > 0)
    return inside


def _inside_quotes(tokens: Sequence[str]) -> list[bool]:
    """The opening mark counts as inside, the closing one as outside; an empty line closes all."""
    quoted, inside, before = False, [], ""
    for token in tokens:
        quoted = not quoted if token == '"' else quoted and not (token == before == "\n")
        inside.append(quoted)
        before = token
    return inside


def _indentation(tokens: Sequence[str]) -> list[bool]:
    leading, marks = True, []
    for token in tokens:
        marks.append(leading and token in " \t")
        leading = token == "\n" or marks[-1]
    return marks


def _columns(tokens: Sequence[str]) -> np.ndarray:
    """Return how many characters stand before each in its line."""
    column, columns = 0, []
    for token in tokens:
        columns.append(column)
        column = 0 if token == "\n" else column + 1
    return np.array(columns, dtype=np.float64)
