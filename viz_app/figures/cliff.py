"""The cliff of Pascanu (2013): the loss of a one-unit network over its two weights, and descent on it, played."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from viz_app.figures.style import SERIF, Name, Palette, decades, ends, number, style
from viz_app.figures.words import scientific, thousands

FLIGHT = 0.12
"""How high above the surface a path leaves the picture."""

Window = tuple[tuple[float, float], tuple[float, float]]
"""The range of w, and that of b."""


class Path(NamedTuple):
    """One descent: its rows as :meth:`rnncore.gradients.OneUnit.descend` returns them, its name, its colour."""

    rows: pd.DataFrame
    name: str
    colour: str


def surface(
    loss: np.ndarray, window: Window, paths: list[Path], palette: Palette, *, size: float = 16, height: float = 430
) -> go.Figure:
    """Draw the loss [b, w] over ``window`` as a surface, the paths on it, and what plays them."""
    ws, bs = _axes(loss, window)
    fig = go.Figure(layout_title_text="The loss over the two weights")
    fig.add_surface(
        x=ws,
        y=bs,
        z=loss,
        colorscale=_scale(palette),
        showscale=False,
        hovertemplate="w %{x:.2f}, b %{y:.2f}: loss %{z:.3f}<extra></extra>",
        lighting={"ambient": 0.75, "diffuse": 0.5, "specular": 0.05, "roughness": 0.9},
        contours={"z": {"show": True, "start": 0, "end": 0.5, "size": 0.05, "color": palette.line2, "width": 1}},
    )
    lift = 0.012 * float(loss.max())

    def drawn(path: Path, last: int) -> list[go.Scatter3d]:
        line, head = _cut(path.rows, window, last)
        colour = {"color": path.colour}
        dots = {"size": 2.5 * size / 16, **colour}
        return [
            go.Scatter3d(
                x=line["w"],
                y=line["b"],
                z=line["loss"] + lift,
                mode="lines+markers",
                line={"width": 5 * size / 16, **colour},
                marker=dots,
                hoverinfo="skip",
            ),
            go.Scatter3d(
                x=[head["w"]],
                y=[head["b"]],
                z=[head["loss"] + lift],
                mode="markers",
                marker={"size": 6.5 * size / 16, **colour},
                hoverinfo="skip",
            ),
        ]

    _play(fig, paths, drawn, palette, size)
    style(fig, palette, size, height)
    scale = size / 16
    axis = {
        "gridcolor": palette.line,
        "backgroundcolor": palette.paper,
        "linecolor": palette.line2,
        "zerolinecolor": palette.line,
        "tickfont": {"color": palette.soft, "size": 11 * scale},
        "title_font": {"color": palette.soft, "size": 13 * scale, "family": SERIF},
        "nticks": 5,
        "showspikes": False,
    }
    fig.update_layout(
        margin={"l": 0, "r": 0, "b": 92 * scale},
        scene={
            "xaxis": {**axis, "title_text": "w", "range": list(window[0])},
            "yaxis": {**axis, "title_text": "b", "range": list(window[1])},
            "zaxis": {**axis, "title_text": "loss", "range": [0, 1.1 * float(loss.max())]},
            "camera": {"eye": {"x": 0.5, "y": 1.55, "z": 0.76}, "center": {"x": 0, "y": 0, "z": -0.22}},
            "aspectratio": {"x": 1.5, "y": 1.2, "z": 0.7},
            "dragmode": "turntable",
        },
    )
    return fig


def above(
    loss: np.ndarray, window: Window, paths: list[Path], palette: Palette, *, size: float = 16, height: float = 430
) -> go.Figure:
    """Draw the same from above, with words where a path leaves the picture."""
    ws, bs = _axes(loss, window)
    fig = go.Figure(layout_title_text="The same from above")
    fig.add_heatmap(
        x=ws,
        y=bs,
        z=loss,
        colorscale=_scale(palette),
        showscale=False,
        zsmooth="best",
        hovertemplate="w %{x:.2f}, b %{y:.2f}: loss %{z:.3f}<extra></extra>",
    )

    def drawn(path: Path, last: int) -> list[go.Scatter]:
        line, head = _cut(path.rows, window, last)
        colour = {"color": path.colour}
        return [
            go.Scatter(
                x=line["w"],
                y=line["b"],
                mode="lines+markers",
                line={"width": 2.5 * size / 16, **colour},
                marker={"size": 4 * size / 16, **colour},
                hoverinfo="skip",
            ),
            go.Scatter(
                x=[head["w"]],
                y=[head["b"]],
                mode="markers",
                marker={"size": 11 * size / 16, "line": {"color": palette.paper, "width": 2 * size / 16}, **colour},
                hoverinfo="skip",
            ),
        ]

    _play(fig, paths, drawn, palette, size)
    style(fig, palette, size, height)
    scale = size / 16
    start = paths[0].rows.iloc[0]
    fig.add_annotation(
        text="start",
        x=start["w"],
        y=start["b"],
        showarrow=False,
        xanchor="left",
        yanchor="bottom",
        xshift=8 * scale,
        font={"color": palette.ink, "size": 12.5 * scale, "weight": 600},
    )
    for path in paths:
        _mark_exit(fig, path, window, palette, scale)
    fig.update_xaxes(range=list(window[0]), title_text="w")
    fig.update_yaxes(range=list(window[1]), title_text="b", showgrid=False)
    fig.update_layout(margin={"l": 52 * scale, "r": 12 * scale, "b": 128 * scale})
    return fig


def norms(paths: list[Path], clip: float, palette: Palette, *, size: float = 16) -> go.Figure:
    """Draw the norm of each path's gradient by update, before clipping, and the threshold."""
    scale = size / 16
    fig = go.Figure(layout_title_text="Norm of the gradient at each update, before clipping")
    names = [Name(f"clip at {clip:g}", clip, palette.ink)]
    for path in paths:
        rows = path.rows[path.rows["gradient_norm"] > 0]
        fig.add_scatter(
            x=rows["update"],
            y=rows["gradient_norm"],
            mode="lines+markers",
            line={"color": path.colour, "width": 2 * scale},
            marker={"size": 4.5 * scale},
            hovertemplate=f"{path.name}, update %{{x}}: %{{y:.2g}}<extra></extra>",
        )
        names.append(Name(path.name, float(rows["gradient_norm"].iloc[-1]), path.colour))
    fig.add_hline(y=clip, line={"color": palette.ink, "width": scale, "dash": "dot"})
    style(fig, palette, size, 250)
    every = pd.concat([path.rows["gradient_norm"] for path in paths])
    low = max(-12.0, math.log10(max(every[every > 0].min(), 1e-12)))
    decades(fig, math.floor(min(low, math.log10(clip))), math.log10(max(every.max(), clip)) + 0.2)
    fig.update_xaxes(title_text="update", range=[0, int(paths[0].rows["update"].max())])
    fig.update_layout(margin_r=130 * scale)
    return ends(fig, names, palette, size)


def finding(free: pd.DataFrame, held: pd.DataFrame, clip: float, window: Window) -> str:
    """Return the sentence that the two paths make."""
    came = f"clipped at {clip:g}, descent ends at a loss of {scientific(float(held['loss'].iloc[-1]))}"
    out = leaves(free, window)
    if out is None:
        last = scientific(float(free["loss"].iloc[-1]))
        return f"From this start nothing explodes: without clipping the loss ends at {last}; {came}"
    before, after = free.iloc[out - 1], free.iloc[out]
    return (
        f"At update {out} a gradient of norm {_size(before['gradient_norm'])} throws w from {number(before['w'])} to "
        f"{_size(after['w'])}; {came}"
    )


def leaves(rows: pd.DataFrame, window: Window) -> int | None:
    """Return the first update after which a path is outside the window."""
    out = ~(rows["w"].between(*window[0]) & rows["b"].between(*window[1]))
    return int(rows["update"][out].iloc[0]) if out.any() else None


def _size(value: float) -> str:
    return thousands(value) if 10 <= abs(value) < 1e6 else scientific(value)


def _axes(loss: np.ndarray, window: Window) -> tuple[np.ndarray, np.ndarray]:
    return np.linspace(*window[0], loss.shape[1]), np.linspace(*window[1], loss.shape[0])


def _scale(palette: Palette) -> list[list[Any]]:
    return [[0, palette.paper], [1, palette.line2]]


def _cut(rows: pd.DataFrame, window: Window, last: int) -> tuple[pd.DataFrame, Mapping[str, float]]:
    """Return a path up to an update, with what is outside the window cut off at its edge; and where it stands.

    The part of a step that leaves is drawn as a flight, over what lies below it.
    """
    kept: list[dict[str, float]] = []
    before: dict[str, float] | None = None
    gone = {"w": math.nan, "b": math.nan, "loss": math.nan}
    for row in rows.iloc[: last + 1][["w", "b", "loss"]].to_dict("records"):
        if before is not None:
            part = _inside(before, row, window)
            if part is not None:
                kept += [_between(before, row, share) for share in part if share not in (0, 1)]
        inside = all(low <= row[key] <= high for key, (low, high) in zip("wb", window, strict=True))
        kept.append(row if inside else gone)
        before = row
    line = pd.DataFrame(kept)
    head = line.dropna().iloc[-1] if line["w"].notna().any() else line.iloc[-1]
    return line, head.to_dict()


def _inside(a: Mapping[str, float], b: Mapping[str, float], window: Window) -> tuple[float, float] | None:
    """Return which part, from 0 to 1, of the straight step from a to b is inside (Liang & Barsky 1984)."""
    first, final = 0.0, 1.0
    for key, (low, high) in zip("wb", window, strict=True):
        step = b[key] - a[key]
        for change, room in ((-step, a[key] - low), (step, high - a[key])):
            if change == 0:
                if room < 0:
                    return None
            elif change < 0:
                first = max(first, room / change)
            else:
                final = min(final, room / change)
    return (first, final) if first <= final else None


def _between(a: Mapping[str, float], b: Mapping[str, float], share: float) -> dict[str, float]:
    return {
        "w": a["w"] + share * (b["w"] - a["w"]),
        "b": a["b"] + share * (b["b"] - a["b"]),
        "loss": max(a["loss"], b["loss"]) + FLIGHT,
    }


def _mark_exit(fig: go.Figure, path: Path, window: Window, palette: Palette, scale: float) -> None:
    out = leaves(path.rows, window)
    if out is None or not out:
        return
    before, after = path.rows.iloc[out - 1].to_dict(), path.rows.iloc[out].to_dict()
    part = _inside(before, after, window)
    if part is None:
        return
    edge = _between(before, after, part[1])
    right = edge["w"] > sum(window[0]) / 2
    fig.add_annotation(
        text=f"leaves at update {out}:<br>w {_size(after['w'])}, b {_size(after['b'])}",
        x=edge["w"],
        y=edge["b"],
        showarrow=False,
        align="right" if right else "left",
        xanchor="right" if right else "left",
        yanchor="top",
        xshift=(-6 if right else 6) * scale,
        yshift=-4 * scale,
        bgcolor=palette.paper,
        opacity=0.9,
        font={"color": path.colour, "size": 12.5 * scale, "weight": 600},
    )


def _play(fig: go.Figure, paths: list[Path], drawn: Any, palette: Palette, size: float) -> None:
    """Add the paths whole, a frame for each update, and the button and slider that play them in the browser."""
    scale = size / 16
    last = int(paths[0].rows["update"].max())
    first = len(fig.data)
    for path in paths:
        fig.add_traces(drawn(path, last))
    places = list(range(first, len(fig.data)))
    fig.frames = [
        go.Frame(name=str(update), data=[trace for path in paths for trace in drawn(path, update)], traces=places)
        for update in range(last + 1)
    ]
    at_once = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}
    slow = {**at_once, "frame": {"duration": 120, "redraw": True}, "fromcurrent": False}
    font = {"color": palette.soft, "size": 12.5 * scale}
    fig.update_layout(
        updatemenus=[
            {
                "type": "buttons",
                "direction": "left",
                "showactive": False,
                "x": 0,
                "xanchor": "left",
                "y": 0,
                "yanchor": "top",
                "pad": {"t": 56 * scale, "l": 4 * scale},
                "bgcolor": palette.paper,
                "bordercolor": palette.line2,
                "font": {"color": palette.ink, "size": 13 * scale},
                "buttons": [{"label": "▶ Play", "method": "animate", "args": [None, slow]}],
            }
        ],
        sliders=[
            {
                "active": last,
                "x": 0,
                "xanchor": "left",
                "len": 1,
                "y": 0,
                "yanchor": "top",
                "pad": {"t": 46 * scale, "l": 96 * scale, "r": 8 * scale, "b": 0},
                "currentvalue": {"prefix": "after update ", "font": font, "xanchor": "left"},
                "bgcolor": palette.line,
                "activebgcolor": palette.accent,
                "bordercolor": palette.line2,
                "tickcolor": palette.paper,
                "ticklen": 0,
                "minorticklen": 0,
                "font": {"color": palette.paper, "size": 1},
                "steps": [
                    {"label": str(update), "method": "animate", "args": [[str(update)], at_once]}
                    for update in range(last + 1)
                ],
            }
        ],
    )
