"""A text before and after a change: which characters belong together, and what a unit does from the change on."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from viz_app.figures.style import number
from viz_app.figures.words import capital, thousands

APART = 0.05
"""Two values are apart when they differ by this part of the signal's scale."""


class Block(NamedTuple):
    """Steps ``a`` to ``b`` of the text before, ``c`` to ``d`` of the text after; ``same`` if they say the same."""

    same: bool
    a: int
    b: int
    c: int
    d: int


@lru_cache(maxsize=32)  # two texts that differ in all take seconds, and each unit asks again
def aligned(before: Sequence[str], after: Sequence[str]) -> tuple[Block, ...]:
    """Return the blocks of two texts, in order."""
    head = next(
        (k for k, (x, y) in enumerate(zip(before, after, strict=False)) if x != y), min(len(before), len(after))
    )
    rest = min(len(before), len(after)) - head
    tail = next((k for k in range(rest) if before[-1 - k] != after[-1 - k]), rest)
    middle = SequenceMatcher(None, before[head : len(before) - tail], after[head : len(after) - tail], autojunk=False)
    blocks = [Block(True, 0, head, 0, head)] if head else []
    for tag, a, b, c, d in middle.get_opcodes():
        blocks.append(Block(tag == "equal", head + a, head + b, head + c, head + d))
    if tail:
        blocks.append(Block(True, len(before) - tail, len(before), len(after) - tail, len(after)))
    return tuple(blocks)


def finding(
    before: np.ndarray, after: np.ndarray, blocks: Sequence[Block], what: str, low: float, high: float, signed: bool
) -> str:
    """Return what the change does to a unit, as a sentence: where the two are farthest apart, and for how long there.

    Parameters
    ----------
    before, after : float [time]
        The unit's values along either text.
    what : str
        Such as "unit 3’s cell state".
    low, high : float
        Ends of the signal's scale.
    signed : bool
        Whether values carry their sign when written.
    """
    changed = [k for k, block in enumerate(blocks) if not block.same]
    if not changed:
        return "The two texts are the same"
    pairs = [
        (block.a + k, block.c + k) for block in blocks[changed[0] + 1 :] if block.same for k in range(block.b - block.a)
    ]
    if not pairs:
        return "After the change no character is the same in both texts"
    first, second = (
        np.asarray(values, np.float64)[list(steps)]
        for values, steps in zip((before, after), zip(*pairs, strict=True), strict=True)
    )
    apart = np.abs(second - first)
    if not (apart > APART * (high - low)).any():
        return f"After the change {what} does as before: it keeps within {number(float(apart.max()))} of what it was"
    most = int(apart.argmax())
    verb = "falls" if second[most] < first[most] else "rises"
    together = np.flatnonzero(apart <= APART * (high - low))  # the stretch around the peak lies between two of these
    start = int(together[together < most].max(initial=-1)) + 1
    end = int(together[together > most].min(initial=len(apart)))
    long = end - start if end < len(apart) else 0
    stays = (
        f"stays apart for {thousands(long)} character{'s' if long > 1 else ''}" if long else "stays apart to the end"
    )
    where = "" if most == 0 else f" {thousands(most)} characters later," if most > 1 else " one character later,"
    later = "" if start == 0 else f", from {thousands(start)} characters after it on"
    values = f"from {number(float(first[most]), signed=signed)} to {number(float(second[most]), signed=signed)}"
    return capital(f"after the change,{where} {what} {verb} {values}, and {stays}{later}")
