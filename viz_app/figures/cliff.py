"""The cliff of Pascanu (2013): the loss of a one-unit network over its two weights, and descent on it, played."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from viz_app.figures.play import controls, frames
from viz_app.figures.style import SERIF, Name, Palette, decades, ends, number, style
from viz_app.figures.window import Window, between, cut, inside, leaves
from viz_app.figures.words import scientific, thousands

JUMP = 0.25
"""An update that goes farther than this part of the window is a throw, not a drift."""


class Descent(NamedTuple):
    """A path down the loss: rows as :meth:`rnncore.gradients.OneUnit.descend` returns them, its name, its colour."""

    rows: pd.DataFrame
    name: str
    colour: str


def surface(
    loss: np.ndarray, window: Window, paths: list[Descent], palette: Palette, *, size: float = 16, height: float = 430
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

    def looks(path: Descent) -> list[go.Scatter3d]:
        colour = {"color": path.colour}
        return [
            go.Scatter3d(
                mode="lines+markers",
                line={"width": 5 * size / 16, **colour},
                marker={"size": 2.5 * size / 16, **colour},
                hoverinfo="skip",
            ),
            go.Scatter3d(mode="markers", marker={"size": 6.5 * size / 16, **colour}, hoverinfo="skip"),
        ]

    def drawn(path: Descent, last: int) -> list[dict[str, Any]]:
        line, head = cut(path.rows, window, last)
        return [
            {"x": line["w"], "y": line["b"], "z": line["loss"] + lift},
            {"x": [head["w"]], "y": [head["b"]], "z": [head["loss"] + lift]},
        ]

    last = int(paths[0].rows["update"].max())
    frames(fig, paths, looks, drawn, last)
    controls(fig, last, palette, size)
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
    loss: np.ndarray, window: Window, paths: list[Descent], palette: Palette, *, size: float = 16, height: float = 430
) -> go.Figure:
    """Draw the same from above, with words where a path leaves the picture; it has frames, and another plays them."""
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

    def looks(path: Descent) -> list[go.Scatter]:
        colour = {"color": path.colour}
        return [
            go.Scatter(
                mode="lines+markers",
                line={"width": 2.5 * size / 16, **colour},
                marker={"size": 4 * size / 16, **colour},
                hoverinfo="skip",
            ),
            go.Scatter(
                mode="markers",
                marker={"size": 11 * size / 16, "line": {"color": palette.paper, "width": 2 * size / 16}, **colour},
                hoverinfo="skip",
            ),
        ]

    def drawn(path: Descent, last: int) -> list[dict[str, Any]]:
        line, head = cut(path.rows, window, last)
        return [{"x": line["w"], "y": line["b"]}, {"x": [head["w"]], "y": [head["b"]]}]

    frames(fig, paths, looks, drawn, int(paths[0].rows["update"].max()))
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
        _name_end(fig, path, window, palette, scale)
    fig.update_xaxes(range=list(window[0]), title_text="w")
    fig.update_yaxes(range=list(window[1]), title_text="b", showgrid=False)
    fig.update_layout(margin={"l": 52 * scale, "r": 12 * scale, "b": 56 * scale})
    return fig


def norms(paths: list[Descent], clip: float, palette: Palette, *, size: float = 16) -> go.Figure:
    """Draw the norm of each path's gradient by update, before clipping, and the threshold."""
    scale = size / 16
    fig = go.Figure(layout_title_text="Norm of the gradient behind each update, before clipping")
    names = [Name(f"clip at {clip:g}", clip, palette.ink)]
    for path in paths:
        made = path.rows.iloc[:-1]  # from the last gradient no update is made
        rows = made[made["gradient_norm"] > 0]
        fig.add_scatter(
            x=rows["update"] + 1,
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
    thrown, out = throw(free, window), leaves(free, window)
    if thrown is not None:
        before, after = free.iloc[thrown - 1], free.iloc[thrown]
        return (
            f"At update {thrown} a gradient of norm {_size(before['gradient_norm'])} throws w from "
            f"{number(before['w'])} to {_size(after['w'])}; {came}"
        )
    last = f"the loss ends at {scientific(float(free['loss'].iloc[-1]))}"
    if out is not None:
        return f"No update jumps: without clipping descent drifts out of the picture at update {out} and {last}; {came}"
    return f"From this start nothing explodes: without clipping {last}; {came}"


def throw(rows: pd.DataFrame, window: Window) -> int | None:
    """Return the first update that goes farther than :data:`JUMP` of the window; None if there is none."""
    far = [rows[key].diff().abs() / (high - low) for key, (low, high) in zip("wb", window, strict=True)]
    thrown = (far[0] > JUMP) | (far[1] > JUMP)
    return int(rows["update"][thrown].iloc[0]) if thrown.any() else None


def conclusion(free: pd.DataFrame, held: pd.DataFrame, rate: float, clip: float, window: Window) -> str:
    """Return what follows from the gradients that both paths met."""
    free, taken = free.iloc[:-1], held.iloc[:-1]  # from the last gradient no update is made
    first, most = free["gradient_norm"].iloc[0], free["gradient_norm"].max()
    met = f"Not clipped, the path starts at a gradient of norm {_size(first)} and meets one of up to {_size(most)}"
    wall = ": it is nowhere thrown" if throw(free, window) is None else f", which throws it {_size(rate * most)} far"
    cut_ = int(taken["clipped"].sum())
    longest = rate * float(taken["gradient_norm"].clip(upper=clip).max())
    if not cut_:
        return f"{met}{wall}. The other path meets none above {clip:g}: clipping changes nothing here."
    out = leaves(held, window)
    stays = "stays in the picture" if out is None else f"leaves the picture at update {out}"
    return (
        f"{met}{wall}. Clipping cuts {cut_} of {len(taken)} updates, none is longer than {scientific(longest)}, "
        f"and the path {stays}."
    )


def _size(value: float) -> str:
    return thousands(value) if 10 <= abs(value) < 1e6 else scientific(value)


def _axes(loss: np.ndarray, window: Window) -> tuple[np.ndarray, np.ndarray]:
    return np.linspace(*window[0], loss.shape[1]), np.linspace(*window[1], loss.shape[0])


def _scale(palette: Palette) -> list[list[Any]]:
    return [[0, palette.paper], [1, palette.line2]]


def _name_end(fig: go.Figure, path: Descent, window: Window, palette: Palette, scale: float) -> None:
    out = leaves(path.rows, window)
    if out is None:
        last = path.rows.iloc[-1]
        words = {"text": path.name, "x": last["w"], "y": last["b"], "xanchor": "left", "yanchor": "bottom"}
        fig.add_annotation(
            **words, showarrow=False, yshift=8 * scale, font={"color": path.colour, "size": 12.5 * scale, "weight": 600}
        )
    if not out:
        return
    before, after = path.rows.iloc[out - 1].to_dict(), path.rows.iloc[out].to_dict()
    part = inside(before, after, window)
    if part is None:
        return
    edge = between(before, after, part[1])
    right = edge["w"] > sum(window[0]) / 2
    fig.add_annotation(
        text=f"{path.name} leaves at update {out}:<br>w {_size(after['w'])}, b {_size(after['b'])}",
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
