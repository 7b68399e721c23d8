"""Saturation over training: how the gates learned to be shut or open, on the probe text of the training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

import rnncore
from rnncore import analysis
from rnncore.analysis.saturation import TABLE
from viz_app import controls, state
from viz_app.components import figure, theme
from viz_app.components.waiting import computed
from viz_app.components.widgets import how_to_read, letters, stops
from viz_app.figures import saturation as drawing
from viz_app.figures.words import escaped, thousands
from viz_app.views.saturation import parts


def show(selection: controls.Selection, meanings: Mapping[str, str]) -> None:
    """Show how often each gate was at an end, step by step of the training."""
    name = selection.model
    table = over_training(name)
    if isinstance(table, str):
        missing = "was not recorded" if table == MISSING else "cannot be shown"
        st.title(escaped(f"How the gates of {name} came to saturate {missing}"), anchor=False)
        st.info(table)
        others = (other for other in state.models() if other != name and (state.folder(other) / TABLE).exists())
        if known := next(others, None):
            other = {"model": known, "layer": None, "unit": None}
            st.button(f"Show {known}", type="primary", on_click=lambda: state.set_link(**other))
        return
    means = drawing.means_by_step(table)
    st.title(escaped(drawing.training_finding(means, meanings)), anchor=False)
    steps = sorted(table["step"].unique().tolist())
    said = f"{name} read the probe text of its training at {len(steps)} of its first {thousands(steps[-1])} steps."
    st.markdown(f":gray[{escaped(said)}]")
    step = state.link("step", steps[-1], choices=steps)
    layers = sorted(means["layer"].unique())
    for column, layer in zip(_columns(len(layers)), layers, strict=True):
        with column:
            curves(means[means["layer"] == layer], f"Layer {layer + 1}: mean over its units", f"layer-{layer}", step)
    how_to_read(
        "Each line is one gate: above, the mean share of characters at which it is within a tenth of its highest "
        "value, below, of its lowest. Recorded steps are set apart evenly, however many lie between. A gate that "
        "never learned to open or shut for good would stay at the bottom of both.",
        drawing.training_conclusion(means),
    )
    st.divider()
    stops(f"Training step ({len(steps)} recorded)", "step", steps, step)
    now = table[table["step"] == step]
    found, marked = drawing.summary(now), parts.ring(now)

    def target(unit: parts.Unit, gate: str) -> dict[str, Any]:
        return {"model": name, "layer": unit[0] + 1, "unit": unit[1], "signal": gate}

    parts.gates(now, found, meanings, marked, target)
    how_to_read(
        f"One dot a unit, as it was after {thousands(step)} steps of training: to the right how often its gate is near "
        "its lowest value, upwards its highest. Untrained, all dots lie at the origin; move the slider and they spread."
    )
    parts.unit(now, marked, meanings, target)


MISSING = (
    "No gates were kept from this training: for a pretrained model they were not published. `rnncore train` with "
    "`--probe` and `--probe-every` records them while a model is trained, and a training’s own folder shows them here."
)


def over_training(name: str) -> pd.DataFrame | str:
    """Return a model's saturation over its training; or the sentence that says why there is none."""
    run = rnncore.Run(state.folder(name))
    last = run.probes[-1][0] if run.probes else None
    question = ("saturation over training", name, state.stamp(name), last, _changed(run.folder / TABLE))
    label = f"Reading the recordings of {name}’s training"
    try:
        return computed(question, label, lambda progress: analysis.saturation_over_training(run, progress=progress))
    except rnncore.RecordingError as error:
        return f"What was recorded of this training cannot be read: {state.plain(str(error), 300)}."
    except rnncore.Error:
        return MISSING


def _changed(path: Path) -> int:
    """Return when a file was last written, in nanoseconds; 0 if there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def curves(table: pd.DataFrame, title: str, key: str, step: int | None = None) -> None:
    """Draw the shares of one layer's gates, or of one unit's, against the training step."""
    palette = theme.palette()
    colours = {gate: palette.signal(gate) for gate in table["signal"].unique()}
    fig = drawing.over_training(table, palette, colours, step=step, size=letters())
    fig.update_layout(title_text=title)
    figure.show(fig, table, f"saturation-over-training-{key}", f"training-{key}")


def _columns(count: int) -> Any:
    return [st.container() for _ in range(count)] if state.projector() else st.columns(count, gap="large")
