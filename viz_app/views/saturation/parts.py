"""What both views of Saturation draw: a panel a gate, the table of means, what the marked unit's gates do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from viz_app import controls, opening, state
from viz_app.components import figure, theme
from viz_app.components.facts import facts
from viz_app.components.widgets import letters
from viz_app.figures import saturation as drawing
from viz_app.figures.words import share, thousands

Unit = tuple[int, int]
Target = Callable[[Unit, str], dict[str, Any]]
"""From a unit and a gate to the selection by which it is opened."""


def ring(table: pd.DataFrame) -> Unit:
    """Return the marked unit: by default the one whose keeping gate is most often high."""
    gate = keeper(table)
    top = table.loc[table[table["signal"] == gate]["right"].idxmax()]
    layer = state.link("layer", int(top["layer"]) + 1, low=1, high=int(table["layer"].max()) + 1) - 1
    inside = table[(table["layer"] == layer) & (table["signal"] == gate)]
    first = int(inside.loc[inside["right"].idxmax(), "unit"])
    return layer, state.link("unit", first, low=0, high=int(table["unit"].max()))


def keeper(table: pd.DataFrame) -> str:
    """Return the gate that decides what is kept: f or z, or of a cell without them its first."""
    gates = list(table["signal"].unique())
    return next((gate for gate in ("f", "z") if gate in gates), gates[0])


def gates(table: pd.DataFrame, found: pd.DataFrame, meanings: Mapping[str, str], marked: Unit, target: Target) -> None:
    """Draw a panel a gate: a dot a unit, which a click opens on Cells."""
    symbols = list(dict.fromkeys(table["signal"]))
    places = [st.container() for _ in symbols] if state.projector() else st.columns(len(symbols), gap="medium")
    for place, gate in zip(places, symbols, strict=True):
        with place:
            _gate(table, found, gate, meanings, marked, target)


def _gate(
    table: pd.DataFrame, found: pd.DataFrame, gate: str, meanings: Mapping[str, str], marked: Unit, target: Target
) -> None:
    palette = theme.palette()
    fig = drawing.scatter(table, gate, palette, palette.signal(gate), ring=marked, size=letters())
    fig.update_layout(title_text=drawing.headline(found, gate, meanings))

    def open_unit(point: figure.Point) -> None:
        layer, unit = point["customdata"]
        opening.ask("cells", **target((int(layer), int(unit)), gate))

    figure.show(fig, table[table["signal"] == gate], f"saturation-{gate}", gate, on_click=open_unit)


def means(found: pd.DataFrame, meanings: Mapping[str, str]) -> None:
    """Draw the table of mean shares by gate and layer."""
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


def unit(table: pd.DataFrame, marked: Unit, meanings: Mapping[str, str], target: Target) -> None:
    """Tell what the marked unit's gates do, and lead to it."""
    layer, number = marked
    rows = table[(table["layer"] == layer) & (table["unit"] == number)].set_index("signal")
    st.markdown(f"**Layer {layer + 1}, unit {number}**")
    st.markdown("  \n".join(_said(rows, gate, meanings) for gate in rows.index))
    selection = target(marked, keeper(table))
    controls.door("cells", "See it along a text →", **selection)
    controls.door("unit", "All that is known of it →", **selection)


def _said(rows: pd.DataFrame, gate: str, meanings: Mapping[str, str]) -> str:
    left, right = (share(float(rows.loc[gate, end])) for end in ("left", "right"))
    return f"{drawing.named(gate, meanings)} ${gate}$: low {left}, high {right}"
