"""Cells, Saturation: how often each gate of each unit is all but shut or all but open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

import rnncore
from rnncore import analysis
from viz_app import controls, corpus, opening, state
from viz_app.components import figure, theme
from viz_app.components.facts import facts
from viz_app.components.waiting import Progress, computed
from viz_app.components.widgets import how_to_read, letters
from viz_app.corpus import Corpus
from viz_app.figures import saturation as drawing
from viz_app.figures.words import escaped, share, thousands

CORPORA = ("held-out", "sample", "stdlib", "text")

Unit = tuple[int, int]


def page() -> None:
    """Show the page."""
    selection = controls.bar(
        layer=False,
        text=st.query_params.get("corpus") == "text",
        also=lambda chosen: corpus.choose(chosen.model, chosen.text, CORPORA),
    )
    name, where = selection.model, corpus.find(selection.model, selection.text, CORPORA)
    cell = rnncore.cells()[state.model(name).config.cell]
    meanings = {gate.symbol: gate.meaning for gate in cell.gates}
    title = st.empty()
    if not any(math.isfinite(gate.low) and math.isfinite(gate.high) for gate in cell.gates):
        title.title(escaped(f"{name} has no gates that could saturate"), anchor=False)
        st.markdown(f"A {cell.title} has no gate with two ends. Choose a model with gates, such as an LSTM or a GRU.")
        return
    table = _table(name, where)
    found = drawing.summary(table)
    title.title(escaped(drawing.finding(found, meanings)), anchor=False)
    read = f"{name} read {thousands(len(where.text))} characters of {where.title}."
    st.markdown(f":gray[{escaped(read)}]")
    ring = _ring(table)
    gates = list(dict.fromkeys(table["signal"]))
    places = [st.container() for _ in gates] if state.projector() else st.columns(len(gates), gap="medium")
    for place, gate in zip(places, gates, strict=True):
        with place:
            _gate(selection, where, table, found, gate, meanings, ring)
    how_to_read(
        "One dot a unit. To the right: the share of steps at which its gate is within a tenth of the lowest value it "
        "can have, “left-saturated”; upwards: of the highest, “right-saturated”. Always is nine steps in ten. On the "
        "slanted line a gate is a switch, at one end or the other; near the origin it is a tap that is never quite "
        "open or shut. A click opens the unit on a text; the ringed one is told of below.",
        drawing.conclusion(found, meanings),
    )
    left, right = st.columns([3, 2], gap="large")
    with left:
        _facts(found, meanings)
    with right:
        _unit(selection, where, table, ring, gates, meanings)


def _table(name: str, where: Corpus) -> pd.DataFrame:
    def work(progress: Progress) -> pd.DataFrame:
        return analysis.saturation(state.model(name), where.text, progress=progress)

    label = f"{name} reads {thousands(len(where.text))} characters"
    return computed(("saturation", name, state.stamp(name), where.key), label, work)


def _ring(table: pd.DataFrame) -> Unit:
    """Return the marked unit: by default the one whose keeping gate is most often high."""
    gate = _keeper(table)
    top = table.loc[table[table["signal"] == gate]["right"].idxmax()]
    layer = state.link("layer", int(top["layer"]) + 1, low=1, high=int(table["layer"].max()) + 1) - 1
    inside = table[(table["layer"] == layer) & (table["signal"] == gate)]
    first = int(inside.loc[inside["right"].idxmax(), "unit"])
    return layer, state.link("unit", first, low=0, high=int(table["unit"].max()))


def _keeper(table: pd.DataFrame) -> str:
    """Return the gate that decides what is kept: f or z, or of a cell without them its first."""
    gates = list(table["signal"].unique())
    return next((gate for gate in ("f", "z") if gate in gates), gates[0])


def _gate(
    selection: controls.Selection,
    where: Corpus,
    table: pd.DataFrame,
    found: pd.DataFrame,
    gate: str,
    meanings: dict[str, str],
    ring: Unit,
) -> None:
    palette = theme.palette()
    fig = drawing.scatter(table, gate, palette, palette.signal(gate), ring=ring, size=letters())
    fig.update_layout(title_text=drawing.headline(found, gate, meanings))

    def open_unit(point: figure.Point) -> None:
        layer, unit = point["customdata"]
        opening.ask("cells", **_target(selection, where, (int(layer), int(unit)), gate))

    figure.show(fig, table[table["signal"] == gate], f"saturation-{gate}", gate, on_click=open_unit)


def _target(selection: controls.Selection, where: Corpus, unit: Unit, gate: str) -> dict[str, Any]:
    """Return the selection by which a unit is opened; the text is the one that was read, where a link can name it."""
    text = {"text": selection.text.id} if where.kind == "text" else {"text": "sample"} if where.kind == "sample" else {}
    return {"model": selection.model, "layer": unit[0] + 1, "unit": unit[1], "signal": gate, **text}


def _facts(found: pd.DataFrame, meanings: dict[str, str]) -> None:
    palette = theme.palette()
    head = ["", "layer", "low", "high", "units always low", "units always high"]
    rows = [
        (
            palette.signal(row.signal),
            [
                f"{drawing.named(row.signal, meanings)} {row.signal}",
                str(row.layer + 1),
                share(row.left),
                share(row.right),
                thousands(row.always_left),
                thousands(row.always_right),
            ],
        )
        for row in found.itertuples()
    ]
    st.markdown("**Mean share of the steps near either end**")
    st.html(facts(head, rows))


def _unit(
    selection: controls.Selection,
    where: Corpus,
    table: pd.DataFrame,
    ring: Unit,
    gates: Sequence[str],
    meanings: dict[str, str],
) -> None:
    """Tell what the marked unit's gates do, and lead to it."""
    layer, unit = ring
    rows = table[(table["layer"] == layer) & (table["unit"] == unit)].set_index("signal")
    st.markdown(f"**Layer {layer + 1}, unit {unit}**")
    said = [
        f"{drawing.named(gate, meanings)} ${gate}$: low {share(rows.loc[gate, 'left'])}, "
        f"high {share(rows.loc[gate, 'right'])}"
        for gate in gates
    ]
    st.markdown("  \n".join(said))
    target = _target(selection, where, ring, _keeper(table))
    controls.door("cells", "See it along a text →", **target)
    controls.door("unit", "All that is known of it →", **target)
