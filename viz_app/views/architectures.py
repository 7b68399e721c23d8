"""Architectures: cells side by side, what they cost, how they differ from the LSTM; and a race between them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

import rnncore
from rnncore.cells import Cell, equal_units
from viz_app import controls, costs, differences, state
from viz_app.components import racing, theme
from viz_app.components.facts import facts
from viz_app.components.portrait import portrait
from viz_app.components.widgets import how_to_read
from viz_app.figures.words import escaped, listed, share, thousands

DEFAULT = "elman,gru,lstm"
UNITS = (16, 32, 64, 128, 256, 512)
MOST = 8
"""Cells side by side at most."""


def page() -> None:
    """Show the page."""
    remarks = st.container()
    with st.container(key="controls", horizontal=True, vertical_alignment="center"):
        chosen = _cells(remarks)
        with remarks:
            units = state.link("units", 64, choices=UNITS)
        controls.choose("Units", "units", UNITS, units, width=95)
        controls.share()
    cells = {name: rnncore.cells()[name] for name in chosen}
    colours = theme.palette().apart(chosen)
    table = _table(cells, units)
    st.title(escaped(finding(table, units)), anchor=False)
    _costs(table, units, colours)
    _portraits(cells)
    _race(tuple(chosen), units)


def _cells(remarks: st.delta_generator.DeltaGenerator) -> list[str]:
    """Return the cells that the link asks for, and draw their choice."""
    known = {name: cell.title for name, cell in rnncore.cells().items()}
    asked = [name for name in state.link("cells", DEFAULT).split(",") if name]
    names = list(dict.fromkeys(name for name in asked if name in known))[:MOST]
    if wrong := [state.plain(name) for name in asked if name not in known]:
        remarks.warning(f"This link asks for {listed(wrong)}; known are {', '.join(known)}.")
    st.session_state["_cells"] = names = names or DEFAULT.split(",")
    st.markdown("Cells", width="content")
    st.multiselect(
        "Cells",
        known,
        key="_cells",
        format_func=lambda name: known[name],
        label_visibility="collapsed",
        width=520,
        max_selections=MOST,
        on_change=lambda: state.set_link(cells=",".join(st.session_state["_cells"]) or None),
    )
    return names


# ---- what they cost ------------------------------------------------------------------------------------------


def _table(cells: dict[str, type[Cell]], units: int) -> pd.DataFrame:
    """Return what each layer costs, reading as many inputs as it has units."""
    lstm = rnncore.cells()["lstm"].count(units, units)
    rows = [
        {
            "cell": name,
            "title": cell.title,
            "formula": cell.formula(),
            "weights": cell.count(units, units),
            "lstm": lstm,
            "equal": equal_units(partial(cell.count, units), lstm),
            "products": costs.multiply_adds(cell, units, units),
        }
        for name, cell in cells.items()
    ]
    return pd.DataFrame(rows)


def finding(table: pd.DataFrame, units: int) -> str:
    """Return the sentence that the numbers of weights make, the LSTM's as the measure."""
    lstm = int(table["lstm"].iloc[0])
    head = f"With {units} units the LSTM has {thousands(lstm)} weights a layer"
    others = table[table["cell"] != "lstm"].sort_values("weights", ascending=False)
    parts = [f"the {row.title} {share(row.weights / lstm)}" for row in others.itertuples()][:4]
    return f"{head}; {listed(parts)} of that" if parts else head


def _costs(table: pd.DataFrame, units: int, colours: dict[str, str]) -> None:
    measured = state.link("measured", False)
    head = [
        "",
        "weights, X inputs and H units",
        f"at X = H = {units}",
        "units for as many weights as the LSTM",
        "multiply-adds a step",
    ]
    head += [f"steps a second, reading {costs.STREAMS} texts at once", "and learning from them"] * measured
    rows = []
    for row in table.itertuples():
        cells = [row.title, row.formula, thousands(row.weights), thousands(row.equal), thousands(row.products)]
        if measured:
            with st.spinner(f"Timing the {row.title}…"):
                speed = _speed(row.cell, units)
            cells += [thousands(speed.reading), thousands(speed.learning)]
        rows.append((colours[row.cell], cells))
    st.html(facts(head, rows))
    with st.container(horizontal=True, vertical_alignment="center"):
        how_to_read(
            "Counted on the code that runs: weights and biases of one layer; "
            "multiply-adds of its matrix products at one step, for one text. Elementwise work comes on top, as H and "
            "not as H²."
        )
        if not measured:
            st.button("Measure the speed on this machine", on_click=lambda: state.set_link(measured=True))


@st.cache_resource(max_entries=128, show_spinner=False)
def _speed(cell: str, units: int) -> costs.Speed:
    return costs.measure(rnncore.cells()[cell], units, units)


# ---- what they are -------------------------------------------------------------------------------------------


def _portraits(cells: dict[str, type[Cell]]) -> None:
    st.subheader("Side by side", anchor=False)
    wide = 2 if state.projector() or len(cells) in (1, 2, 4) else 3
    names = list(cells)
    for first in range(0, len(names), wide):
        for column, name in zip(st.columns(wide, gap="large"), names[first : first + wide], strict=False):
            with column:
                _portrait(cells[name])


def _portrait(cell: type[Cell]) -> None:
    st.markdown(f"**{escaped(cell.title)}** :small[:gray[{escaped(cell.name)}]]")
    portrait(cell, key=f"portrait-{cell.name}")
    st.markdown(_compared(differences.differences(cell)))


def _compared(sentences: Sequence[str]) -> str:
    if not sentences:
        return ":small[**The LSTM**, :gray[with which the others are compared.]]"
    items = "\n".join(f"- :small[{escaped(sentence)}]" for sentence in sentences)
    return f":small[**Against the LSTM**]\n{items}"


# ---- the race ------------------------------------------------------------------------------------------------


def _race(cells: tuple[str, ...], units: int) -> None:
    """Show a race, the ways into its models, and the form for another."""
    st.divider()
    shown = racing.asked(cells, units)
    racing.results(shown)
    models = {cell: shown.name(cell, 0) for cell in shown.cells} if shown else {}
    models = {cell: name for cell, name in models.items() if state.has(name)}
    if models:
        with st.container(horizontal=True):
            controls.door("gradients", "Compare their gradients on any text →", models=",".join(models.values()))
            for cell, name in models.items():
                controls.door("inside", f"Inside the {escaped(rnncore.cells()[cell].title)} →", model=name)
    racing.form(cells, units, again=shown is not None)
