"""The passages of a corpus on which the same cells do the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from rnncore import analysis
from rnncore.analysis import CellIndex, Feature
from viz_app import controls, opening, state
from viz_app.components.excerpts import NONE, Excerpt, Shares, excerpts
from viz_app.components.waiting import Progress, computed
from viz_app.components.widgets import how_to_read
from viz_app.corpus import Corpus
from viz_app.figures import match as words
from viz_app.figures.words import escaped, thousands
from viz_app.views.match.query import Query
from viz_app.views.match.widgets import take_home

SEARCHED = (1, 3, 5, 10, 20, 50)
"""With how many cells to search, the clearest first."""

PASSAGES = 20

LEAD, PAGE = 1000, 2000
"""A passage is opened on Cells with so many steps before it, and so many in all."""


def passages(selection: controls.Selection, asked: Query, cells: pd.DataFrame, where: Corpus) -> pd.DataFrame:
    """Show the passages; return how often each property of the text holds on them and elsewhere."""
    st.divider()
    many = state.link("cells", 10, choices=SEARCHED)
    searched = list(cells.head(many)[["layer", "unit"]].itertuples(index=False, name=None))
    index, suiting = _index(selection.model, asked, where), analysis.suiting(where.language)
    labels = _labels(selection.model, suiting, where)
    matches = index.matches(searched, asked.brush, count=PASSAGES)
    discrete = [place for place, known in enumerate(suiting) if known.kind == "discrete"]
    ranges = list(matches[["start", "end"]].itertuples(index=False, name=None))
    marked = words.marks(labels[discrete], [suiting[place].title for place in discrete], ranges)

    st.subheader(f"The same pattern in {escaped(where.title)}", anchor=False)
    st.markdown(f":gray[{thousands(len(index.tokens))} characters were read, from an empty memory.]")
    if matches.empty:
        st.info("Not one passage has half of these cells on: search with fewer cells, or in another corpus.")
        return marked
    colour = _controls(many, suiting)
    levels, scale = _colours(index, searched, suiting, labels, colour)
    rows = [
        Excerpt(
            found.tokens,
            levels[found.first : found.first + len(found.tokens)].tolist(),
            found.start - found.first,
            found.end - found.first,
            f"{found.shared} of {len(searched)} cells",
            f"{found.extra} other{'' if found.extra == 1 else 's'}, at {thousands(found.start)}",
        )
        for found in matches.itertuples()
    ]

    def open_passage(place: int) -> None:
        _open(selection, asked, searched[0], index, int(matches["start"].iloc[place]))

    label = "Passages with the same pattern; press one to open it on Cells"
    excerpts(rows, scale, label=label, key="passages", on_choose=open_passage)
    how_to_read(
        "Best first: most of the cells on throughout the underlined run and off around it, then fewest other cells "
        "that are so too. Where the colour keeps to the underlined run, the cells mean what you brushed; were all as "
        "dark around it, they would mean something else. A click opens the passage with the clearest of the cells.",
        words.conclusion(matches, len(searched), marked),
    )
    take_home(matches.assign(tokens=matches["tokens"].map("".join)), "passages")
    return marked


def _index(model: str, asked: Query, where: Corpus) -> CellIndex:
    def work(progress: Progress) -> CellIndex:
        return analysis.index(state.model(model), where.text, asked.on, signal=asked.signal, progress=progress)

    label = f"{model} reads {thousands(len(where.text))} characters"
    return computed(("match", model, state.stamp(model), where.key, *asked.key), label, work)


def _labels(model: str, suiting: Sequence[Feature], where: Corpus) -> np.ndarray:
    """Return the label of each feature at each step of the corpus."""
    vocabulary = state.model(model).vocabulary

    def work(progress: Progress) -> np.ndarray:
        rows = []
        for done, known in enumerate(suiting, 1):
            rows.append(analysis.labels([known], vocabulary, where.text)[0])
            progress(done, len(suiting))
        return np.stack(rows)

    question = ("labels", vocabulary.kind, where.key, where.language)
    return computed(question, "What the text says at each character", work)


def _controls(many: int, suiting: Sequence[Feature]) -> str:
    """Draw with how many cells to search and what the colours tell; return the latter."""
    titles = {"cells": "how many of the cells are on"} | {known.name: known.title for known in suiting}
    colour = state.link("colour", "cells", choices=tuple(titles))
    with st.container(horizontal=True, vertical_alignment="center", key="axes-found"):
        controls.choose("Cells searched with", "cells", SEARCHED, many, width=80)
        controls.choose("Colour", "colour", list(titles), colour, titles.__getitem__, width=260)
    return colour


def _colours(
    index: CellIndex, searched: Sequence[tuple[int, int]], suiting: Sequence[Feature], labels: np.ndarray, colour: str
) -> tuple[np.ndarray, Shares]:
    """Return each step's level and what the ends of the scale mean."""
    if colour == "cells":
        on = np.mean([index.of(layer, unit) for layer, unit in searched], axis=0)
        return np.rint(100 * on).astype(int), Shares("no cell on", f"all {len(searched)}")
    place = [known.name for known in suiting].index(colour)
    known, values = suiting[place], labels[place]
    defined = ~np.isnan(values)
    low, high = (0.0, 1.0) if known.kind == "discrete" else np.quantile(values[defined], (0.02, 0.98))
    shares = np.clip((np.where(defined, values, low) - low) / max(high - low, 1e-9), 0, 1)
    scale = Shares("not so", known.title) if known.kind == "discrete" else Shares(f"{low:.3g}", f"{high:.3g}")
    return np.where(defined, np.rint(100 * shares), NONE).astype(int), scale


def _open(selection: controls.Selection, asked: Query, cell: tuple[int, int], index: CellIndex, start: int) -> None:
    """Keep the passage and what leads to it as a text, and ask for it on Cells."""
    first = max(0, start - LEAD)
    tokens = index.tokens[first : first + PAGE]
    text, _ = state.keep(state.model(selection.model).vocabulary.join(tokens))
    layer, unit = cell
    which = {"layer": layer + 1, "unit": unit, "signal": asked.signal}
    opening.ask("cells", model=selection.model, text=text, t=start - first, **which)
