"""How often the unit's gates are shut or open: on the corpus, and as it was trained."""

from __future__ import annotations

import streamlit as st

from viz_app import controls
from viz_app.components import theme
from viz_app.components.facts import facts
from viz_app.components.widgets import columns, how_to_read
from viz_app.figures.saturation import named
from viz_app.figures.words import escaped, share
from viz_app.views.saturation.training import curves, over_training
from viz_app.views.unit.chosen import Chosen


def show(chosen: Chosen) -> None:
    """Show the shares of steps at either end of each gate, beside the same over the training."""
    table = chosen.saturated
    st.subheader("How often its gates are all but shut, or all but open", anchor=False)
    if table.empty:
        st.markdown(f"A {chosen.cell.title} has no gate with two ends: there is nothing that could saturate.")
        return
    rows = [
        (
            theme.palette().signal(row.signal),
            [f"{named(row.signal, chosen.meanings)} {row.signal}", share(row.left), share(row.right)],
        )
        for row in table.itertuples()
    ]
    left, right = columns([2, 3])
    with left:
        st.html(facts(["", "low", "high"], rows))
        how_to_read(
            f"The share of characters of {escaped(chosen.where.title)} at which a gate is within a tenth of its lowest "
            "value, and of its highest. A unit whose forget or update gate is nearly always at the end that keeps can "
            "hold something for long; one whose gates are never at an end mixes old and new at every character."
        )
        selection = {"model": chosen.model, "layer": chosen.layer + 1, "unit": chosen.unit}
        controls.door("saturation", "All units’ gates →", **selection)
    with right:
        trained = over_training(chosen.model)
        if isinstance(trained, str):
            st.markdown(trained)
        else:
            own = trained[(trained["layer"] == chosen.layer) & (trained["unit"] == chosen.unit)]
            curves(own, "The same over its training, on the probe text", "unit")
