"""A map while it is learned: how sharp it is, and how much of it lies where it should."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from viz_app.figures.style import Name, Palette, ends, style
from viz_app.figures.words import share, thousands

Map = np.ndarray
LABELS = {"sharpness": "largest weight", "mass": "on the truth", "chance": "chance"}


def learned(maps: Sequence[tuple[int, Sequence[Map]]], truths: Sequence[np.ndarray | None]) -> pd.DataFrame:
    """Return one row for each recorded step: the mean largest weight of a row, and the mean weight on the truth.

    ``mass`` is nan where no truth is known; ``chance`` is what it would be of weights all alike.
    """
    rows = []
    for step, found in maps:
        mass, chance = list[float](), list[float]()
        for weights, truth in zip(found, truths, strict=True):
            told = [] if truth is None else np.flatnonzero(truth.any(1)).tolist()
            for t in told:
                mass.append(float(weights[t, : truth.shape[1]][truth[t]].sum()))
                chance.append(truth[t].sum() / weights.shape[1])
        sharpness = float(np.mean([row.max() for weights in found for row in weights]))
        known = (float(np.mean(mass)), float(np.mean(chance))) if mass else (np.nan, np.nan)
        rows.append((step, sharpness, *known))
    return pd.DataFrame(rows, columns=["step", "sharpness", "mass", "chance"])


def over_training(table: pd.DataFrame, step: int, palette: Palette, colour: str, size: float = 16) -> go.Figure:
    """Draw both against the step, on a log axis."""
    fig = go.Figure(layout_title_text="The probe’s maps over training")
    names = []
    for column, own, dash in (
        ("sharpness", palette.soft, "solid"),
        ("mass", colour, "solid"),
        ("chance", palette.soft, "dot"),
    ):
        if table[column].isna().all():
            continue
        fig.add_scatter(
            x=table["step"],
            y=table[column],
            mode="lines" if column == "chance" else "lines+markers",
            name=LABELS[column],
            line={"color": own, "width": 2.5 * size / 16, "dash": dash},
            marker={"size": 7 * size / 16},
            hovertemplate="step %{x}: %{y:.2f}<extra>%{fullData.name}</extra>",
        )
        names.append(Name(LABELS[column], float(table[column].iloc[-1]), own))
    style(fig, palette, size, 300)
    ticks = [10**power for power in range(7) if 10**power <= 1.05 * table["step"].max()]
    fig.update_xaxes(
        type="log", title_text="training step", tickvals=ticks, ticktext=[thousands(tick) for tick in ticks]
    )
    fig.update_yaxes(range=[0, 1.03])
    fig.update_layout(margin_r=116 * size / 16)
    fig.add_vline(x=step, line={"color": palette.accent, "width": 2 * size / 16})
    return ends(fig, names, palette, size)


def finding(table: pd.DataFrame, step: int) -> str:
    """Return the sentence about the step that is looked at."""
    now, last = table[table["step"] == step].iloc[0], table.iloc[-1]
    if np.isnan(now["mass"]):
        sharpness = share(now["sharpness"])
        return f"After {_steps(step)} the largest weight of a row is {sharpness}; at the end {share(last['sharpness'])}"
    return (
        f"After {_steps(step)} {share(now['mass'])} of the attention lies where it truly should; at the end "
        f"{share(last['mass'])}"
    )


def following(table: pd.DataFrame) -> str:
    """Return when the map was learned: the first recorded step by which half of the way was gone."""
    column = "sharpness" if table["mass"].isna().all() else "mass"
    values = table[column].to_numpy()
    if values[-1] - values[0] < 0.1:
        return "Over this training the maps have hardly changed."
    half = (values[0] + values[-1]) / 2
    step = int(table["step"].iloc[int(np.argmax(values >= half))])
    what = "the truth" if column == "mass" else "single tokens"
    return f"Half of the way to {what} was gone by step {thousands(step)} of {thousands(int(table['step'].iloc[-1]))}."


def _steps(step: int) -> str:
    return f"{thousands(step)} step{'s' if step != 1 else ''} of training"
