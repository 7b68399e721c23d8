"""What the unit stands for, beside all that would refute it; and how strongly it tells every other feature."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

import rnncore
from rnncore import analysis
from rnncore.analysis import Dictionary
from rnncore.analysis.dictionary import AUC, R2, VERDICTS
from viz_app import claims, state
from viz_app.components import figure, theme
from viz_app.components.waiting import Progress, computed
from viz_app.components.widgets import columns, how_to_read, letters
from viz_app.figures import unit as drawing
from viz_app.figures.words import capital, escaped, thousands
from viz_app.views.unit.chosen import Chosen

POSITIONS, REMOVED = 12_000, 12_000
"""Steps at which a single unit is scored, and symbols that are read without it."""


def show(chosen: Chosen) -> None:
    """Show the verdict, the checks, and what the unit's removal did."""
    row, palette = chosen.row or {}, theme.palette()
    said = claims.claim(row)
    meaning = f"**{capital(said.verdict)}**: it {VERDICTS[said.verdict]}."
    st.markdown(
        f"{meaning} The label “{escaped(str(row['title']))}” and the signal ${said.signal}$ were chosen on one half of "
        "a text, all that follows was measured on the other."
    )
    marks = [
        drawing.Mark(claims.DOUBTS[check.key].name, check.value, check.place, check.key in ("unseen", "least"))
        for check in said.checks
        if check.place is not None
    ]
    needed = 2 * AUC - 1 if row["kind"] == "discrete" else R2
    left, right = columns([1, 1])
    with left:
        fig = drawing.against(marks, needed, said.scale, palette, letters())
        fig.update_layout(title_text=drawing.tally([check.passed for check in said.checks]))
        figure.show(fig, _table(said), "claim", "claim")
    with right:
        _removal(row)
    for place, check in zip(columns([1] * len(said.checks)), said.checks, strict=True):
        with place:
            doubt, sign = claims.DOUBTS[check.key], {True: "✓ ", False: "Not shown: ", None: "Not made: "}[check.passed]
            st.markdown(
                f"**{sign}{escaped(doubt.name)}**  \n{escaped(check.value)}  \n:small[:gray[{escaped(doubt.says)}]]"
            )
    how_to_read(
        "Filled: this unit. Hollow: what it must beat, the best unit of untrained models and of labels that were "
        "shifted along the text. Dotted: the score that is needed. Were the claim false, the filled marks would lie "
        "left of the dotted line, or among the hollow ones; and the rise of the loss would be the same inside its "
        "concept and outside."
    )


def _table(said: claims.Claim) -> pd.DataFrame:
    rows = [(claims.DOUBTS[check.key].name, check.value, check.passed) for check in said.checks]
    return pd.DataFrame(rows, columns=["check", "found", "passed"])


def _removal(row: Mapping[str, Any]) -> None:
    """Draw how much more the loss rises inside the concept than outside once the unit is held at its mean."""
    if math.isnan(row["effect"]):
        st.markdown("**Its removal was not tried**")
        st.markdown(
            "Only units that pass every check before it were taken out for the dictionary, where their label occurs in "
            "what was read again. Below you can take it out yourself."
        )
        return
    bars = [
        drawing.Bar("inside its concept", row["inside"]),
        drawing.Bar("outside", row["outside"]),
        drawing.Bar("inside minus outside", row["effect"], row["low"], row["high"]),
        drawing.Bar("a typical unit’s, inside minus outside", row["random"], own=False),
    ]
    fig = drawing.removal(bars, theme.palette(), letters())
    fig.update_layout(title_text=drawing.loss_finding(bars[:3]))
    table = pd.DataFrame([bar[:4] for bar in bars], columns=["where", "rise", "low", "high"])
    figure.show(fig, table, "removal", "removal")


def features(chosen: Chosen) -> None:
    """Show the unit's strength for every feature that its text has."""
    if chosen.known is None or chosen.row is None:
        return
    table = chosen.known.evidence
    own = table[(table["layer"] == chosen.layer) & (table["unit"] == chosen.unit)].dropna(subset="strength")
    own = own.merge(chosen.known.labels[["feature", "title", "untrained"]], on="feature")
    own = own.sort_values("strength", ascending=False, kind="stable").reset_index(drop=True)
    best = str(chosen.row["feature"])
    if own.empty:
        return
    fig = drawing.features(own, theme.palette(), best=best, size=letters())
    fig.update_layout(title_text="How strongly it tells each feature, on unseen text")
    figure.show(fig, own, "features", "features")
    missing = len(chosen.known.labels) - len(own)
    absent = f" {missing} more features hardly occur in this text." if missing else ""
    how_to_read(
        "A bar is this unit’s strength, by the signal that tells the feature best; the hollow mark is the best of all "
        "units of untrained models. Where the mark lies beyond the bar, the feature needs no learning: the characters "
        f"alone give it away.{absent}",
        drawing.features_conclusion(own, best),
    )


# ---- a unit that no dictionary knows -------------------------------------------------------------------------


def weighed(chosen: Chosen) -> Dictionary | None:
    """Offer to judge this unit now; return what came of it, if that was asked for."""
    model = state.model(chosen.model)
    if model.backward_cells:
        st.info(
            f"{state.plain(chosen.model)} reads both ways: at each character its units know what follows too, and so "
            "they are not scored. What can be shown of this one is below."
        )
        return None
    if state.link("judge", False):
        try:
            found = _weigh(chosen)
        except rnncore.Error as error:
            st.info(f"It cannot be judged here: {state.plain(str(error), 300)}. Choose a longer corpus.")
            return None
        st.markdown(
            f":small[:gray[Judged just now on {thousands(len(chosen.where.text))} characters of "
            f"{escaped(chosen.where.title)}, alone: since no unit was searched for, the control is the best of its own "
            "signals with shifted labels.]]"
        )
        return found
    st.markdown("What this unit stands for is not known: beside this model lies no dictionary. For all of its units:")
    folder = state.folder(chosen.model)
    st.code(shlex.join(["rnncore", "units", str(folder), "--out", str(folder / "units")]), language="sh")
    st.button("Judge this unit now", type="primary", on_click=lambda: state.set_link(judge=True))
    return None


def _weigh(chosen: Chosen) -> Dictionary:
    model = state.model(chosen.model)
    many = analysis.untrained_models(model)

    def work(progress: Progress) -> Dictionary:
        stages: list[str] = []

        def report(what: str, done: int, total: int) -> None:
            if what not in stages:
                stages.append(what)
            progress(round(1000 * (len(stages) - 1 + done / total)), 1000 * (3 + many))

        return analysis.dictionary(
            model,
            chosen.where.text,
            analysis.suiting(chosen.where.language),
            positions=POSITIONS,
            removed=REMOVED,
            only=(chosen.layer, chosen.unit),
            progress=report,
        )

    return computed(("judge", *chosen.key), f"{chosen.name} is judged", work)
