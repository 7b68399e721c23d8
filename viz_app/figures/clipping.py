"""One training with clipping and without: loss, norm of the gradient, length of the update, against the step."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from viz_app.figures.style import Name, Palette, decades, ends, number, style
from viz_app.figures.words import scientific, thousands

TITLES = {
    "loss": "Loss of each step, in nats per character",
    "gradient_norm": "Norm of the gradient, before clipping",
    "update_norm": "Norm of the update: how far all weights moved",
}


def label(clip: float) -> str:
    """Return what a training is called by its threshold."""
    return f"clipped at {clip:g}" if clip else "not clipped"


def curve(
    history: pd.DataFrame,
    column: str,
    palette: Palette,
    colours: Mapping[float, str],
    *,
    steps: int,
    exploded: Mapping[float, int | None],
    guess: float | None = None,
    size: float = 16,
    height: float = 300,
) -> go.Figure:
    """Draw one column of every training against the step, on a logarithmic axis.

    Parameters
    ----------
    history : DataFrame
        Columns clip, step, loss, gradient_norm, update_norm; where a value is not finite the line ends with a cross.
    colours, exploded : mapping
        By threshold: the colour, and the step at which it exploded.
    guess : float, optional
        The loss of a blind guess, drawn as a dotted line.
    """
    scale = size / 16
    fig = go.Figure(layout_title_text=TITLES[column])
    top = _top(history, column, guess)
    names = []
    for clip, rows in history.groupby("clip", sort=False):
        values = rows[column].where(np.isfinite(rows[column]))
        shown = values.clip(upper=top)
        fig.add_scatter(
            x=rows["step"],
            y=shown.where(shown > 0),
            customdata=rows[column],
            mode="lines",
            line={"color": colours[float(clip)], "width": 2 * scale},
            hovertemplate=f"{label(float(clip))}, step %{{x}}: %{{customdata:.3g}}<extra></extra>",
        )
        kept = shown.dropna()
        if len(kept):
            names.append(Name(label(float(clip)), float(kept.tail(20).median()), colours[float(clip)]))
        if exploded.get(float(clip)) and column == "loss":
            _mark(fig, rows, float(clip), exploded[float(clip)] or 0, top, colours[float(clip)], palette, scale)
    style(fig, palette, size, height)
    drawn = history[column][np.isfinite(history[column]) & (history[column] > 0)].clip(upper=top)
    low, high = math.log10(drawn.min()), math.log10(drawn.max())
    if high - low < 2.5:
        fig.update_yaxes(type="log", range=[low - 0.05, high + 0.05], **_ticks(low, high))
    else:
        decades(fig, math.floor(low), high + 0.2)
    if guess is not None:
        fig.add_hline(y=guess, line={"color": palette.soft, "width": scale, "dash": "dot"})
        names.append(Name("blind guess", guess, palette.soft))
    fig.update_xaxes(range=[0, steps], title_text="step")
    fig.update_layout(margin_r=112 * scale)
    return ends(fig, names, palette, size)


def finding(history: pd.DataFrame, exploded: Mapping[float, int | None], clip: float) -> str:
    """Return the sentence that both trainings make; ``clip`` is the threshold of the one that is clipped."""
    free, held = (history[history["clip"] == value] for value in (0.0, clip))
    end = f"{number(float(held['loss'].tail(20).mean()))} nats"
    steps = thousands(history["step"].max())
    at, other = exploded.get(0.0), exploded.get(clip)
    if at is None and other is None:
        mean = number(float(free["loss"].tail(20).mean()))
        return f"Neither explodes in {steps} steps: {mean} nats without clipping, {end} with it"
    if at is None or other is not None:
        which = "Even clipped it explodes" if at is not None else "Here the clipped training is the one that explodes"
        return f"{which}, at step {thousands(other or 0)}"
    worst = float(free["loss"].max())
    far = f"to {scientific(worst)} nats" if np.isfinite(free["loss"]).all() else "beyond all numbers"
    return (
        f"Without clipping the training explodes at step {thousands(at)}; its gradients come to a norm of "
        f"{_largest(free)} and its loss {far}. Clipped at {clip:g}, it ends at {end}"
    )


def conclusion(history: pd.DataFrame, clip: float) -> str:
    """Return what the threshold did to the training that is clipped at ``clip``, and where the two part."""
    free, held = (history[history["clip"] == value].set_index("step") for value in (0.0, clip))
    above = held["gradient_norm"] > clip
    if not above.any():
        return f"No gradient of the clipped training was above {clip:g}: clipping changed nothing here."
    moved = [float(rows["update_norm"].replace([np.inf], np.nan).max()) for rows in (free, held)]
    return (
        f"The first gradient above {clip:g} comes at step {thousands(above.idxmax())}; from then on the two differ. "
        f"Clipping cuts {thousands(above.sum())} of {thousands(len(held))} gradients, the largest of norm "
        f"{_largest(held)}. The longest update without it moves all weights together by {scientific(moved[0])}, with "
        f"it by {scientific(moved[1])}."
    )


def _largest(rows: pd.DataFrame) -> str:
    value = float(rows["gradient_norm"].replace([np.inf], np.nan).max())
    return thousands(value) if 10 <= value < 1e6 else scientific(value)


def _ticks(low: float, high: float) -> dict[str, list[float] | list[str]]:
    """Return 1, 2, 5 of every decade between two powers of ten."""
    places = [digit * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1) for digit in (1, 2, 5)]
    kept = [place for place in places if low - 0.05 <= math.log10(place) <= high + 0.05]
    return {"tickvals": kept, "ticktext": [f"{place:g}" for place in kept]}


def _top(history: pd.DataFrame, column: str, guess: float | None) -> float:
    """Return where the axis ends: the loss may go up by many powers of ten, which would flatten all the rest."""
    finite = history[column][np.isfinite(history[column])]
    highest = float(finite.max()) if len(finite) else 1.0
    return min(highest, 20 * guess) if guess is not None else highest


def _mark(
    fig: go.Figure,
    rows: pd.DataFrame,
    clip: float,
    step: int,
    top: float,
    colour: str,
    palette: Palette,
    scale: float,
) -> None:
    """Say at the top of the axis where a training exploded, and how far."""
    loss = rows["loss"].replace([np.inf, -np.inf], np.nan).max()
    far = f", up to {scientific(float(loss))} nats" if loss > top else ""
    fig.add_annotation(
        text=f"explodes at step {thousands(step)}{far}",
        x=step,
        y=1,
        yref="paper",
        xanchor="left",
        yanchor="top",
        xshift=6 * scale,
        showarrow=False,
        bgcolor=palette.paper,
        opacity=0.9,
        font={"color": colour, "size": 12.5 * scale, "weight": 600},
    )
    fig.add_vline(x=step, line={"color": colour, "width": scale, "dash": "dot"})
