"""Attention in words and links: where a step looks, which links hold most of it, what differs between translations."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

import numpy as np

from viz_app.figures.words import share

PART = 0.75
"""Of each row's weight, what its links hold."""

Pieces = list[tuple[str, bool]]
"""A text in pieces, and whether each is marked."""


def links(attention: np.ndarray, part: float = PART) -> list[tuple[int, int, float]]:
    """Return the fewest (target, source, weight) of each row of a map that hold ``part`` of its weight."""
    found = []
    for t, row in enumerate(np.nan_to_num(attention)):
        order = np.argsort(-row, kind="stable")
        held = np.cumsum(row[order])
        if held[-1] > 0:
            needed = int(np.searchsorted(held, part * held[-1] - 1e-9)) + 1
            found += [(t, int(j), float(row[j])) for j in order[:needed]]
    return found


def strayed(attention: np.ndarray) -> int:
    """Return the row that is surest and farthest from the diagonal: where order differs, attention shows most.

    The sentence's end, the last row, does not count where there are others.
    """
    rows, columns = attention.shape
    weights = np.nan_to_num(attention[: max(1, rows - 1)])
    centre = weights @ np.arange(columns) / max(1, columns - 1)
    along = np.arange(len(weights)) / max(1, rows - 1)
    return int(np.argmax(np.abs(centre - along) * weights.max(1)))


def looking(token: str, source: Sequence[str], row: np.ndarray) -> str:
    """Return the sentence about where a step looks."""
    weights = np.nan_to_num(row)
    best, *others = np.argsort(-weights, kind="stable").tolist()
    looked = f"To write “{token}”, the decoder looks at “{source[best]}”"
    if weights[best] >= 0.5 or not others:
        return f"{looked} with {share(float(weights[best]))} of its attention"
    second = others[0]
    return (
        f"{looked} and “{source[second]}”, with {share(float(weights[best]))} and "
        f"{share(float(weights[second]))} of its attention"
    )


def scored(attention: np.ndarray, truth: np.ndarray) -> str:
    """Return how much of a map lies on what truly tells each token; further rows and columns have no truth."""
    told = np.flatnonzero(truth.any(1))
    if not len(told):
        return ""
    part = attention[: truth.shape[0], : truth.shape[1]]
    mass = float(np.mean([part[t, truth[t]].sum() for t in told]))
    hits = sum(int(attention[t].argmax()) in np.flatnonzero(truth[t]) for t in told)
    chance = float(np.mean([truth[t].sum() / attention.shape[1] for t in told]))
    return (
        f"{share(mass)} of the weights of these {len(told)} rows lie on the characters that truly tell them (weights "
        f"all alike: {share(chance)}); the largest weight does in {hits} of {len(told)}."
    )


def different(before: str, after: str, letters: bool) -> tuple[Pieces, Pieces]:
    """Return two texts in pieces, marked where they differ: letter by letter, or word by word."""
    old, new = ([*text] if letters else _words(text) for text in (before, after))
    sides: tuple[Pieces, Pieces] = ([], [])
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        for side, part in zip(sides, (old[a:b], new[c:d]), strict=True):
            if part:
                side.append(("".join(part), kind != "equal"))
    return sides


def _words(text: str) -> list[str]:
    """Return a text's words, each with the space before it."""
    return [word if place == 0 else f" {word}" for place, word in enumerate(text.split(" "))] if text else []


def short(text: str, most: int = 60) -> str:
    """Return a translation as a title has room for it."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def ranks(values: np.ndarray) -> np.ndarray:
    """Return the rank of each value; those that are equal share their mean rank."""
    _, place, many = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(many) - (many - 1) / 2)[place])


def agreement(attention: np.ndarray, removal: np.ndarray) -> tuple[int, int, float]:
    """Return in how many rows the most read token matters most, of how many, and their mean rank correlation.

    The sentences' ends, last row and last column, do not count, nor do rows in which all values are alike.
    """
    agree, found = 0, list[float]()
    for row, effect in zip(attention[:-1, :-1], removal[:-1, :-1], strict=True):
        if len(row) > 1 and np.ptp(row) > 0 and np.ptp(effect) > 0:
            agree += int(row.argmax() == effect.argmax())
            found.append(float(np.corrcoef(ranks(row), ranks(effect))[0, 1]))
    return agree, len(found), float(np.mean(found)) if found else float("nan")
