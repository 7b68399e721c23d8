"""A training as it went: the loss it came down, and the gradient's norm with the steps that were clipped."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from viz_app.figures.style import Name, Palette, ends, number, style

MOST = 500
"""Points of a line; more steps than this are drawn in groups."""


def grouped(history: pd.DataFrame, most: int = MOST) -> pd.DataFrame:
    """Return at most ``most`` rows: of each group of neighbouring steps the last step, the mean loss, the
    largest gradient norm, whether any was clipped; validation as it stands at the group's end.
    """
    size = math.ceil(len(history) / most)
    if size <= 1:
        return history
    groups = history.groupby(np.arange(len(history)) // size)
    return groups.agg({"step": "last", "loss": "mean", "validation": "last", "gradient_norm": "max", "clipped": "max"})


def loss(
    history: pd.DataFrame, palette: Palette, colour: str, *, steps: int, step: int | None = None, size: float = 16
) -> go.Figure:
    """Draw training and validation loss, in nats per symbol, against the step.

    Parameters
    ----------
    history : DataFrame
        Columns step, loss, validation (nan where there was none); at least one row.
    colour : str
        Of the model's family, for the validation.
    steps : int
        Where the axis ends.
    step : int, optional
        Where the cursor stands; what came later is left out.
    """
    seen = history if step is None else history[history["step"] <= step]
    rows, checked = grouped(seen), seen.dropna(subset="validation")
    fig = go.Figure(layout_title_text="Loss, in nats per symbol")
    quiet = {"color": palette.soft, "width": 1.25 * size / 16}
    fig.add_scatter(x=rows["step"], y=rows["loss"], mode="lines", line=quiet, name="training")
    many = len(checked) > 40
    fig.add_scatter(
        x=checked["step"],
        y=checked["validation"],
        mode="lines" if many else "lines+markers",
        line={"color": colour, "width": 2.5 * size / 16},
        marker={"size": 6 * size / 16},
        name="validation",
    )
    fig.update_traces(hovertemplate="step %{x}: %{y:.3f}<extra>%{fullData.name}</extra>")
    drawn = pd.concat([history["loss"], history["validation"].dropna()])
    low, high = float(drawn.min()), float(drawn.max())
    room = 0.06 * (high - low) + 0.01
    names = [Name(f"training {number(_recent(seen['loss']))}", _recent(seen["loss"]), palette.soft)]
    if len(checked):
        last = float(checked["validation"].iloc[-1])
        names.append(Name(f"validation {number(last)}", last, colour))
    return _finish(fig, (low - room, high + room), names, palette, steps=steps, step=step, size=size)


def gradient_norm(
    history: pd.DataFrame,
    palette: Palette,
    colour: str,
    *,
    clip: float,
    steps: int,
    step: int | None = None,
    size: float = 16,
) -> go.Figure:
    """Draw the gradient's norm before clipping on a log axis, the threshold, and the steps that were clipped.

    Parameters
    ----------
    history : DataFrame
        Columns step, gradient_norm, clipped; at least one row.
    clip : float
        The threshold; 0 where nothing is clipped.
    """
    seen = history if step is None else history[history["step"] <= step]
    rows = grouped(seen)
    cut = rows[rows["clipped"].astype(bool)]
    fig = go.Figure(layout_title_text="Norm of the gradient, before clipping")
    line = {"color": palette.soft, "width": 1.25 * size / 16}
    fig.add_scatter(x=rows["step"], y=rows["gradient_norm"], mode="lines", line=line, name="norm")
    marker = {"color": colour, "size": 5 * size / 16}
    fig.add_scatter(x=cut["step"], y=cut["gradient_norm"], mode="markers", marker=marker, name="clipped")
    fig.update_traces(hovertemplate="step %{x}: %{y:.3g}<extra>%{fullData.name}</extra>")
    norms = history["gradient_norm"]
    values = [*norms[norms > 0], *([clip] if clip else [])] or [1.0]
    low, high = math.log10(min(values)) - 0.08, math.log10(max(values)) + 0.08
    names = []
    if clip:
        fig.add_hline(y=clip, line={"color": palette.ink, "width": size / 16, "dash": "dot"})
        names.append(Name(f"clip at {clip:g}", clip, palette.ink))
    fig.update_yaxes(type="log", **_ticks(low, high))
    return _finish(fig, (low, high), names, palette, steps=steps, step=step, size=size, height=190)


def _ticks(low: float, high: float) -> dict[str, list[float] | list[str]]:
    """Return 1, 2, 5 of every decade that the axis shows, or the decades alone where there are many."""
    digits = (1, 2, 5) if high - low < 2 else (1,)
    places = [digit * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1) for digit in digits]
    kept = [place for place in places if low <= math.log10(place) <= high]
    return {"tickvals": kept, "ticktext": [f"{place:g}" for place in kept]}


def _recent(values: pd.Series, over: int = 20) -> float:
    """Return the mean of the last ``over`` values: one batch's loss says little."""
    return float(values.tail(over).mean())


def _finish(
    fig: go.Figure,
    span: tuple[float, float],
    names: list[Name],
    palette: Palette,
    *,
    steps: int,
    step: int | None,
    size: float,
    height: float = 250,
) -> go.Figure:
    style(fig, palette, size, height)
    fig.update_xaxes(range=[0, steps], title_text="step")
    fig.update_yaxes(range=list(span))
    fig.update_layout(margin_r=128 * size / 16)
    if step is not None:
        fig.add_vline(x=step, line={"color": palette.accent, "width": 2 * size / 16})
    return ends(fig, names, palette, size)
