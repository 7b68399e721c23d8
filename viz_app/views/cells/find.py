"""A cell for what the visitor asks: a label of the dictionary, or a regular expression; and what becomes without it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

import rnncore
from rnncore import analysis
from rnncore.analysis import Dictionary, Feature, HeldOut, language_of
from rnncore.network.generate import generate_many
from viz_app import controls, corpus, evidence, patterns, search, state
from viz_app.claims import figure
from viz_app.components.found import Found, found
from viz_app.components.waiting import Progress, computed
from viz_app.components.widgets import how_to_read
from viz_app.figures.style import number
from viz_app.figures.words import capital, count, escaped, thousands

PASSAGES, LENGTH = 24, 1000
"""How many passages of how many symbols a model writes, where no text that it has not read is at hand."""

SAID = {
    "verified": "verified",
    "correlated only": "tells it; not shown that the model relies on it",
    "untrained too": "a unit of untrained models comes near",
    "unexplained": "too weak to be called so",
    "chance": "no better than shifted labels",
}
"""The verdicts in a row of results."""


def ask(selection: controls.Selection) -> None:
    """Draw the field in which a cell is asked for."""
    if st.session_state.pop("_found", False):
        st.session_state["_find"] = False
    with st.popover("Find a cell for …", key="_find", on_change="rerun") as popover:
        if popover.open:
            titles = _titles(selection.model)
            st.selectbox(
                "Something that is known of texts",
                list(titles),
                index=None,
                format_func=titles.__getitem__,
                placeholder=next(iter(titles.values()), ""),
                key="_find_label",
                on_change=lambda: _ask(st.session_state["_find_label"]),
            )
            st.text_input("Or a regular expression", placeholder=r"\b[A-Z]\w+", key="_find_pattern")
            st.button("Find", type="primary", width="stretch", on_click=_ask_pattern)


def _ask_pattern() -> None:
    pattern = st.session_state["_find_pattern"]
    _ask(f"/{pattern}/" if pattern else None)


def _ask(wanted: str | None) -> None:
    if wanted:
        state.set_link(find=wanted, without=None)
        st.session_state["_found"] = True


def go(layer: int, unit: int, signal: str, sort: str | None = None) -> None:
    """Open a unit on the same text. ``layer`` counts from 1. For callbacks."""
    state.memory("defaults").clear()  # of the layer at hand: in another one they are others
    state.set_link(layer=layer, unit=unit, signal=signal, sort=sort, t=None)
    st.session_state["_visit"] = st.session_state.get("_visit", 0) + 1


def answer(selection: controls.Selection) -> None:
    """Show the best cells for what the link asks for, if it does."""
    wanted = state.link("find", "")
    if not wanted:
        return
    known = evidence.of(selection.model)
    told = known if known is not None and wanted in _told(known) else None
    place = st.empty()
    try:
        with place.container(key="found"):
            _answer(selection.model, told, wanted)
    except rnncore.Error as error:
        place.error(f"{state.plain(capital(str(error)), 400)}.")
    st.button("Close", key="_find_close", on_click=lambda: state.set_link(find=None, without=None))
    st.divider()


def _answer(name: str, known: Dictionary | None, wanted: str) -> None:
    pattern = len(wanted) > 2 and wanted[0] == wanted[-1] == "/"
    if known is not None:
        table, text, feature = search.known(known, wanted), None, analysis.features.get(wanted)
        source = "Scored once by `rnncore units`, on text that the model was not trained on."
    else:
        feature = analysis.find_feature(wanted) if not pattern else None
        if pattern:
            patterns.compiled(wanted[1:-1])  # before the model writes a text for it
        title, text = _text(name)
        feature = feature or _matching(wanted[1:-1], text)
        table = _search(name, text, feature, wanted)
        source = (
            f"Chosen on the first half of {thousands(len(text))} characters of {escaped(title)}, scored on the second. "
            f"{search.terms(state.model(name))}"
        )
    title = str(table["title"].iloc[0])
    out, failed = _out(table), dict[int, str]()
    if out is not None and feature is not None and math.isnan(table.at[out, "effect"]):
        try:
            removed = _remove(name, text or _text(name)[1], feature, wanted, table.iloc[out])
        except rnncore.Error as error:
            failed[out] = f"it cannot be taken out: {error}"
        else:
            table = table.astype({"verdict": object})
            for column in ("effect", "low", "high", "random", "verdict"):
                table.at[out, column] = removed[column]
    st.subheader(escaped(_finding(table, title)), anchor=False)
    st.markdown(f":small[:gray[{source}{f' {search.TAKEN_OUT}' if feature is not None else ''}]]")
    _list(table, failed, removable=feature is not None, sort=wanted if known is not None else None)
    how_to_read(
        "The most convincing first; a click opens one below. Untrained: the best unit of the same network with "
        "random weights. Shifted: the best of all units once the labels are moved along the text. Without it: how much "
        "more the loss rises where the label holds than elsewhere, with a 95 % interval. Were there no such cell, the "
        "first figure would be no better than the two after it, and the loss would not care."
    )


def _out(table: pd.DataFrame) -> int | None:
    """Return the place of the cell that the link takes out; a link that takes out another one is refused."""
    places = {f"{row['layer'] + 1}.{row['unit']}": place for place, row in enumerate(table.iloc)}
    wanted = state.link("without", "")
    if wanted and wanted not in places:
        state.refuse("without", f"This link takes out the cell {state.plain(wanted)}, which is none of those found.")
        state.link("without", "")  # says it
    return places.get(wanted)


def _finding(table: pd.DataFrame, title: str) -> str:
    """Return how many of the cells pass, and which is the best of them."""
    for verdict, says in (
        ("verified", "{} for “{}”, verified: {}"),
        ("correlated only", "{} may tell “{}”, but it is not shown that the model relies on it: {}"),
    ):
        able = table[table["verdict"] == verdict]
        if len(able):
            least = "at least " if len(able) == search.BEST else ""  # no more are listed
            cells = "One cell" if len(able) == 1 else f"{capital(least + count(len(able)))} cells"
            best = ("" if len(able) == 1 else "best ") + _place(able.iloc[0])
            return says.format(cells, title, best)
    return f"No cell passes the evidence for “{title}”; the nearest is {_place(table.iloc[0])}"


def _place(row: pd.Series) -> str:
    return f"layer {row['layer'] + 1}, unit {row['unit']}"


def _list(table: pd.DataFrame, failed: Mapping[int, str], removable: bool, sort: str | None) -> None:
    """Draw the cells with their figures; a click opens one, or takes it out. ``failed`` says where that failed, why."""
    discrete = table["kind"].iloc[0] == "discrete"

    def open_cell(place: int) -> None:
        row = table.iloc[place]
        go(int(row["layer"]) + 1, int(row["unit"]), str(row["signal"]), sort)

    def take_out(place: int) -> None:
        row = table.iloc[place]
        state.set_link(without=f"{row['layer'] + 1}.{row['unit']}")

    def shown(strength: float, r2: float = math.nan) -> str:
        return number(figure(strength, discrete, r2), 3)

    rows = [
        Found(
            f"Layer {row['layer'] + 1}, unit {row['unit']}, {row['signal']}",
            (
                shown(row["strength"], row["r2"]),
                shown(row["untrained"]),
                shown(row["control"]),
                failed.get(place) or _effect(row),
            ),
            f"tells “{row['own']}” better" if row["verdict"] == "another label" else SAID[row["verdict"]],
            row["verdict"] == "verified",
            removable and math.isnan(row["effect"]) and place not in failed,
        )
        for place, row in enumerate(table.iloc)
    ]
    headings = ("AUC" if discrete else "R²", "untrained", "shifted", "without it, nats")
    found(rows, headings, key="cells-found", on_open=open_cell, on_remove=take_out)


def _effect(row: pd.Series) -> str:
    if math.isnan(row["effect"]):
        return "not tried"
    effect, low, high = (number(row[name], 4, signed=True) for name in ("effect", "low", "high"))
    return f"{effect} ({low} to {high}); typical unit {number(row['random'], 4)}"


# ---- what is computed ----------------------------------------------------------------------------------------


def _search(name: str, text: str, feature: Feature, wanted: str) -> pd.DataFrame:
    model, read = state.model(name), ("heard", name, state.stamp(name), hash(text))
    search.judge(model, text, feature)

    def work(progress: Progress) -> pd.DataFrame:
        last = _last()  # of all visitors, since it takes 200 MB
        heard = last.get(read) or search.read(model, text, lambda done, whole: progress(done, 2 * whole))
        last.clear()
        last[read] = heard
        return search.search(model, heard, feature, lambda done, whole: progress(whole + done, 2 * whole))

    return computed(_question("find", name, text, wanted), f"{name} reads {thousands(len(text))} characters", work)


@st.cache_resource
def _last() -> dict[tuple[Any, ...], search.Heard]:
    """Return the place where the reading that was asked for last is kept: the next question is often about it."""
    return {}


def _remove(name: str, text: str, feature: Feature, wanted: str, row: pd.Series) -> pd.Series:
    def work(progress: Progress) -> pd.Series:
        return search.remove(state.model(name), text, feature, row, progress)

    unit = (int(row["layer"]), int(row["unit"]))
    return computed((*_question("remove", name, text, wanted), unit), f"{name} reads again without the unit", work)


@st.cache_resource(max_entries=8, show_spinner="Looking for the expression…")
def _matching(pattern: str, text: str) -> Feature:
    return patterns.matching(pattern, text)


def _question(what: str, name: str, text: str, wanted: str) -> tuple[Any, ...]:
    return what, name, state.stamp(name), evidence.stamp(name), hash(text), wanted


def _text(name: str) -> tuple[str, str]:
    """Return a text that the model has not read, with its title: held out of its corpus, or else its own writing."""
    kept = corpus.held_out(name)
    if isinstance(kept, HeldOut):
        return f"the held-out part of {kept.corpus}", kept.text[: search.READ]

    def work(progress: Progress) -> str:
        return "".join(generate_many(state.model(name), [""] * PASSAGES, length=LENGTH, temperature=0.8, seed=1))

    written = computed(
        ("written", name, state.stamp(name)), f"{name} writes {thousands(PASSAGES * LENGTH)} symbols", work
    )
    return f"what {name} writes by itself, as no text that it has not read is at hand", written


def _told(known: Dictionary) -> list[str]:
    told = known.evidence.dropna(subset=["strength"])["feature"].unique()
    return [name for name in known.labels["feature"] if name in set(told)]


def _titles(name: str) -> dict[str, str]:
    """Return what may be asked for by name: the labels of the dictionary, or what suits the model's kind of text."""
    known = evidence.of(name)
    if known is not None:
        titles = known.labels.set_index("feature")["title"]
        return {feature: str(titles[feature]) for feature in _told(known)}
    return {feature.name: feature.title for feature in analysis.suiting(language_of(state.card(name).data))}
