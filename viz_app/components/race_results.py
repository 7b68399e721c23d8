"""How a race ended: how far back each trained model's gradient reaches, and the table of final figures."""

from __future__ import annotations

import math
from typing import NamedTuple

import pandas as pd
import streamlit as st

from viz_app import figures, jobs, state
from viz_app.components import figure, theme
from viz_app.components.facts import facts
from viz_app.components.widgets import how_to_read
from viz_app.figures.words import share, thousands
from viz_app.race import Settings

BACK = 40
"""How many characters back the table says what is left of the gradient."""


class Look(NamedTuple):
    """Names, colours and size, the same in all figures."""

    labels: dict[str, str]
    colours: dict[str, str]
    size: int


def gradients(settings: Settings, runs: dict[tuple[str, int], jobs.Job], look: Look) -> pd.DataFrame | None:
    """Return how far back the gradient of each trained model reaches, over the seeds; None before any is trained."""
    tables = []
    for (cell, _), job in runs.items():
        if job.status != "finished":
            continue
        kept = state.probes(job.name)
        if not kept:
            continue
        recording = kept[-1][1]
        memory = {symbol: recording.gradient[symbol] for symbol in dict.fromkeys(("h", recording.states[-1]))}
        at = (recording.target or 0, recording.tokens)
        tables.append(figures.decay(memory, *at, model=cell, label=look.labels[cell]))
    return figures.across(pd.concat(tables)) if tables else None


def flow(curves: pd.DataFrame, look: Look) -> None:
    """Draw how far back the gradient of each trained model reaches."""
    reach = min(100, int(curves["distance"].max()))
    fig = figures.flow(curves, theme.palette(), look.colours, cursor=BACK, reach=reach, size=look.size)
    fig.update_layout(title_text=f"Gradient flow of the trained models. {figures.finding(curves, min(BACK, reach))}")
    figure.show(fig, curves, "race-gradients", "race-flow")
    how_to_read(
        "Norm of the gradient of the loss at the end of a passage with respect to the "
        "state so many characters before, divided by its value at the end; geometric mean over the seeds. Solid: the "
        "cell state, or $h$ where there is none. Dashed: $h$ beside a cell, with the cell held fixed. The passage is "
        "the beginning of the text, which all of them have learned from."
    )


def table(settings: Settings, results: pd.DataFrame, curves: pd.DataFrame | None, look: Look) -> None:
    """Draw the final figures, the lowest loss first."""
    head = ["", "units", "weights", "best loss, nats", "lowest to highest seed", "steps a second"]
    at = None if curves is None else curves[curves["distance"] == BACK].set_index(["model", "signal"])["relative"]
    head += [] if at is None else [f"gradient left {BACK} back, c", "h"]
    rows = []
    for row in results.sort_values("loss").itertuples():
        between = f"{row.low:.3f} to {row.high:.3f}" if row.seeds > 1 else "one seed"
        weights = thousands(row.weights) if math.isfinite(row.weights) else ""
        cells = [look.labels[row.cell], thousands(row.units), weights, f"{row.loss:.3f}", between, f"{row.pace:.1f}"]
        if at is not None:
            cells += [share(at[row.cell, s]) if (row.cell, s) in at.index else "–" for s in ("c", "h")]
        rows.append((look.colours[row.cell], cells))
    st.html(facts(head, rows))
