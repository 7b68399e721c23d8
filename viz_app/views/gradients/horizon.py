"""The memory horizon: how far back the gradient reaches beside how far back the context is of use."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

import rnncore
from viz_app import controls, figures, state
from viz_app.components import figure
from viz_app.components.facts import facts
from viz_app.components.waiting import Progress
from viz_app.components.widgets import columns, how_to_read, switch
from viz_app.figures import words
from viz_app.figures.horizon import (
    KINDS,
    certainty,
    excess,
    horizon_conclusion,
    kinds_conclusion,
    lags,
    longest_memory,
    numbers,
)
from viz_app.views.gradients.compared import Compared, matched

LONGEST = (50, 100, 200, 300)
SHARE, TOLERANCE = 0.01, 0.01
"""Of the gradient at lag 0 when it counts as gone, and nats of excess loss when context is of no use."""

PLACES = (120, 500, 2000)
"""At so many places of the text losses are compared; more make the number of use surer, and take longer."""

TARGETS = 4

Horizon = rnncore.gradients.Horizon


def show(compared: Compared) -> None:
    """Show the view."""
    top = st.container()
    asked = state.link("longest", 100, choices=LONGEST)
    longest = min(asked, (len(compared.whole.text) - 1) // 3)
    if longest < 1:
        st.info("A horizon needs a longer text: over three times as many characters as the longest memory looked for.")
        return
    places = state.link("places", PLACES[0], choices=PLACES)
    found = _horizons(compared, longest, places)
    table = _table(compared, found, longest)
    with top:
        st.title(words.escaped(longest_memory(table)), anchor=False)
        matched(compared)
    left, right = columns([1, 1])
    with left:
        _numbers(compared, table, places)
        _gradient(compared, found, longest)
        with st.container(horizontal=True, vertical_alignment="center", key="axes"):
            controls.choose("Up to", "longest", LONGEST, asked, lambda n: f"{n} characters", width=160)
            controls.choose("Places", "places", PLACES, places, words.thousands, width=100)
    with right:
        _behaviour(compared, found)
        _facts(table, compared.look()["colours"])


def _horizons(compared: Compared, longest: int, places: int) -> dict[str, Horizon]:
    def work(name: str, progress: Progress) -> Horizon:
        return rnncore.gradients.horizon(
            state.model(name),
            compared.whole.text,
            longest=longest,
            positions=places,
            targets=TARGETS,
            share=SHARE,
            tolerance=TOLERANCE,
            progress=progress,
        )

    return compared.each("Memory horizon", (compared.whole.text, longest, places), work)


def _table(compared: Compared, found: dict[str, Horizon], longest: int) -> pd.DataFrame:
    rows = [
        {
            "model": name,
            "label": compared.labels[name],
            "gradient": math.nan if one.gradient is None else one.gradient,
            "truncated": one.truncated,
            "swapped": one.swapped,
            "shuffled": one.shuffled,
            "longest": longest,
            "error": _error(one),
        }
        for name, one in found.items()
    ]
    return pd.DataFrame(rows)


def _error(one: Horizon) -> float:
    """Return the standard error of the excess loss at the last context that still was too short."""
    short = one.by_context.loc[one.by_context["context"] < one.truncated, "truncated_error"]
    return float(short.iloc[-1] if len(short) else one.by_context["truncated_error"].iloc[0])


def _numbers(compared: Compared, table: pd.DataFrame, places: int) -> None:
    look = compared.look()
    drawing = numbers(table, **look).update_layout(title_text="Memory horizon, in characters")
    figure.show(drawing, table, "memory-horizon", "horizon")
    how_to_read(
        f"Ring: from here back the gradient is under {SHARE:g} of its value at the target (typical of {TARGETS} "
        f"targets). Dot: what comes before this many characters can be left out, and the mean loss over {places} "
        f"places grows by less than {TOLERANCE:g} nats.",
        f"{horizon_conclusion(table)} {certainty(table, TOLERANCE)}",
    )


def _facts(table: pd.DataFrame, colours: dict[str, str]) -> None:
    head = ["", "gradient gone", *(f"context {words_}" for words_ in KINDS.values())]
    rows = [
        (
            colours[row.model],
            [
                row.label,
                f"{row.gradient:.0f}" if math.isfinite(row.gradient) else f"beyond {row.longest}",
                *(f"{getattr(row, kind)}{' or more' if getattr(row, kind) >= row.longest else ''}" for kind in KINDS),
            ],
        )
        for row in table.itertuples()
    ]
    st.html(facts(head, rows))


def _behaviour(compared: Compared, found: dict[str, Horizon]) -> None:
    kind = state.link("kind", "truncated", choices=tuple(KINDS))
    table = pd.concat(one.by_context.assign(model=name, label=compared.labels[name]) for name, one in found.items())
    drawing = excess(table, kind=kind, tolerance=TOLERANCE, **compared.look())
    drawing.update_layout(title_text="By behaviour: what a shorter context costs")
    figure.show(drawing, table, "horizon-behaviour", "behaviour")
    switch("Older context", "kind", {name: words_.capitalize() for name, words_ in KINDS.items()}, kind)
    how_to_read(
        "Mean loss with this much context, less that with all of it, in nats; band: two standard errors to each side. "
        "Where a curve meets the dotted line, older characters are of no more use.",
        kinds_conclusion(table, kind),
    )


def _gradient(compared: Compared, found: dict[str, Horizon], longest: int) -> None:
    table = pd.concat(lags(one.by_lag, name, compared.labels[name]) for name, one in found.items())
    back = min(state.link("back", 40, low=0, high=300), longest)
    drawing = figures.flow(table, cursor=back, reach=longest, low=-6, height=300, **compared.look())
    drawing.add_hline(y=SHARE, line={"color": compared.look()["palette"].soft, "width": 1, "dash": "2px,3px"})
    drawing.update_layout(title_text="By gradient: its size at each distance, top layer")
    figure.show(drawing, table, "horizon-gradient", "by-gradient")
    how_to_read(
        f"Geometric mean over {TARGETS} targets of the gradient with respect to the last layer’s full state "
        "$s$, divided by its value at the target; the dotted line is where it counts as gone. Under Flow it is one "
        "target, and one state alone.",
        figures.pace(table, longest),
    )
