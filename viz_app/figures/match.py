"""A pattern of cells in words: how many cells have it, and what the passages have in common on which it returns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from viz_app.figures.words import capital, count, share, thousands

MARKED, TIMES = 0.6, 1.5
"""A property marks passages that have it at this share of their characters, so many times as often as the rest."""


def marks(labels: np.ndarray, titles: Sequence[str], ranges: Sequence[tuple[int, int]]) -> pd.DataFrame:
    """Return how often each property holds inside the ranges and elsewhere, the greatest difference first.

    Parameters
    ----------
    labels : float [property, time]
        1 where it holds, 0 where not, nan where it is not defined.
    titles : sequence of str
        One a property.
    ranges : sequence of (start, end)
        In steps.

    Returns
    -------
    DataFrame
        title, inside and elsewhere: shares of characters; a property without any on either side is left out.
    """
    within = np.zeros(labels.shape[-1], bool)
    for start, end in ranges:
        within[start:end] = True
    rows = []
    for title, values in zip(titles, labels, strict=True):
        defined = ~np.isnan(values)
        here, there = values[within & defined], values[~within & defined]
        if len(here) and len(there):
            rows.append((title, float(here.mean()), float(there.mean())))
    table = pd.DataFrame(rows, columns=["title", "inside", "elsewhere"])
    order = (table["elsewhere"] - table["inside"]).sort_values(kind="stable").index
    return table.loc[order].reset_index(drop=True)


def quoted(tokens: Sequence[str], most: int = 40) -> str:
    """Return a passage for use in a sentence: in quotes, line breaks as ↵, its middle left out where it is long."""
    text = "".join(tokens).replace("\n", "↵").replace("\t", "→")
    return f"“{text if len(text) <= most else f'{text[: most - 12]} … {text[-9:]}'}”"


def finding(cells: int, every: int, brushed: str, marked: pd.DataFrame | None = None) -> str:
    """Return the sentence about who is on over the brushed passage, and what marks the passages like it."""
    if not cells:
        return f"No cell is on throughout {brushed} and off around it"
    verb = "is" if cells == 1 else "are"
    head = f"{capital(count(cells))} of {thousands(every)} cells {verb} on throughout {brushed} and off around it"
    best = strongest(marked)
    return head if best is None else f"{head}; where they return, it is mostly {best['title']}"


def strongest(marked: pd.DataFrame | None) -> pd.Series | None:
    """Return the property that marks the passages, if one does."""
    if marked is None or marked.empty:
        return None
    able = marked[(marked["inside"] >= MARKED) & (marked["inside"] >= TIMES * marked["elsewhere"])]
    return None if able.empty else able.iloc[0]


def conclusion(matches: pd.DataFrame, cells: int, marked: pd.DataFrame) -> str:
    """Return what the passages have in common, in cells and in what the text says there."""
    whole, many = int((matches["shared"] == cells).sum()), len(matches)
    if cells == 1:
        head = f"The cell is on, and off around, in {count(many)} passages"
    elif whole:
        head = f"All {count(cells)} cells are on, and off around, in {count(whole)} of the {count(many)} best passages"
    else:
        head = f"Nowhere do all {count(cells)} cells return; the best passage has {count(int(matches['shared'].max()))}"
    if marked.empty:
        return f"{head}."
    best = marked.iloc[0]
    shares = f"{share(best['inside'])} of these passages’ characters, {share(best['elsewhere'])} of all others"
    if strongest(marked) is None:
        return f"{head}. No property we know marks them; the nearest is “{best['title']}”: {shares}."
    return f"{head}. What marks them is “{best['title']}”: {shares}."
