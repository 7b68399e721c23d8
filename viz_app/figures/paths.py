"""The gradient by path length of a residual stack, beside the number of paths, and the sentences about it."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from viz_app.figures.depth import changed
from viz_app.figures.race import faint
from viz_app.figures.style import Palette, apart, style
from viz_app.figures.words import share


def over_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """Return what paths of each length carry: the mean over the seeds, with the lowest and highest ``share``."""
    groups = table.groupby("length")
    found = groups[["paths", "share", "path_norm", "path_share"]].mean()
    return found.assign(low=groups["share"].min(), high=groups["share"].max()).reset_index()


def paths(table: pd.DataFrame, palette: Palette, colour: str, *, size: float = 16) -> go.Figure:
    """Draw the share of the gradient by path length as bars, beside the share of the paths, Binomial(n, 1/2).

    Parameters
    ----------
    table : DataFrame
        As :func:`over_seeds` returns it.
    colour : str
        Of the residual stack.
    """
    scale, n = size / 16, int(table["length"].max())
    fig, x = go.Figure(), table["length"]
    spread = {
        "type": "data",
        "symmetric": False,
        "array": table["high"] - table["share"],
        "arrayminus": table["share"] - table["low"],
        "color": palette.soft,
        "thickness": scale,
        "width": 0,
    }
    grey = {"color": palette.soft, "width": 1.5 * scale}
    dashed = {"color": colour, "width": 2.5 * scale, "dash": "4px,4px"}
    told = {"hovertemplate": "%{y:.2%}"}
    fig.add_bar(x=x, y=table["share"], marker_color=colour, error_y=spread, name="gradient", opacity=0.85, **told)
    fig.add_scatter(x=x, y=table["path_share"], mode="lines", line=dashed, name="one by one", **told)
    fig.add_scatter(x=x, y=table["paths"], mode="lines", line=grey, fill="tozeroy", name="paths", **told)
    fig.data[-1].fillcolor = faint(palette.soft, 0.12)
    style(fig, palette, size, 340)
    top = float(table[["high", "path_share", "paths"]].max().max())
    floor = min(0.0, 1.1 * float(table["low"].min()))
    fig.update_yaxes(range=[floor, 1.16 * top], tickformat=".0%", zeroline=True)
    fig.update_xaxes(range=[-0.7, n + 0.5], title_text=f"layers that a path runs through, of {n}", nticks=10)
    fig.update_layout(hovermode="x unified", bargap=0.25)
    soft = palette.soft
    words = {"share": ("gradient", colour), "path_share": ("path by path", colour), "paths": ("all paths", soft)}
    peaks = {column: table.loc[table[column].idxmax()] for column in words}
    pixels = fig.layout.height - fig.layout.margin.t - fig.layout.margin.b
    places = apart(
        [(peaks[column][column] - floor) / (1.16 * top - floor) for column in words], 16 * scale / pixels, 0, 1
    )
    for (column, (text, tint)), place in zip(words.items(), places, strict=True):
        fig.add_annotation(
            text=text,
            x=float(peaks[column]["length"]) + 0.8,
            y=place,
            yref="paper",
            xanchor="left",
            yanchor="bottom",
            showarrow=False,
            bgcolor=palette.paper,
            borderpad=0,
            opacity=0.92,
            font={"color": tint, "size": 13 * scale, "weight": 600},
        )
    return fig


def carried(table: pd.DataFrame, first: int, last: int) -> str:
    """Return the sentence about the lengths from ``first`` to ``last``: what of the gradient, and of all paths."""
    n = int(table["length"].max())
    inside = table.loc[table["length"].between(first, last), ["share", "paths"]].sum()
    span = f"{first} to {last}" if first < last else f"{first}"
    against = "; the others pull against it" if inside["share"] > 1.005 else ""
    return (
        f"{share(inside['share'])} of the gradient comes along paths through {span} of {n} layers, "
        f"{share(inside['paths'])} of all paths{against}"
    )


def conclusion(table: pd.DataFrame) -> str:
    """Return the sentences about what the lengths of the paths mean for the stack."""
    n = int(table["length"].max())
    mean, middle = (
        float((table["length"] * table[column]).sum() / table[column].sum()) for column in ("share", "paths")
    )
    along = float(table["path_norm"].iloc[-1] / table["path_norm"].iloc[0])
    said = (
        f"Most paths run through about {middle:.0f} layers; what arrives of the gradient has run through {mean:.1f} on "
        f"average. Along the one path through all {n} layers, the plain stack’s only one, it {changed(along)}. "
    )
    if mean < middle / 2:
        return said + f"So the residual stack of {n} layers learns as a bundle of shallow ones: short paths feed it."
    if mean < 0.9 * middle:
        return said + "So the shorter paths carry more than their number, but long ones count too."
    return said + "So here the long paths count as much as their number, or more: nothing makes this stack shallow."
