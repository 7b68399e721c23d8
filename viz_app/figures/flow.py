"""The size of the gradient against distance back in time, several models on one logarithmic axis."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from viz_app.figures.race import faint
from viz_app.figures.style import Name, Palette, apart, decades, ends, style, symbol
from viz_app.figures.words import from_log10, scientific, share

FIRST = ("c", "U")
"""Signals whose lines are solid, with the others of their model dashed."""


class _Curve(NamedTuple):
    """One signal of one model: rows in order of distance, and the column that is drawn."""

    model: str
    label: str
    name: str
    dash: str
    values: pd.Series
    told: list[str]
    band: pd.DataFrame

    def leaves(self, low: int) -> int | None:
        """Return the distance from which on the curve stays under 10 to the ``low``; None if it comes back."""
        inside = self.values[self.values >= 10.0**low]
        first = int(inside.index.max()) + 1 if len(inside) else 0
        return first if first <= self.values.index.max() else None

    def underflows(self) -> int | None:
        """Return the distance from which on float64 holds nothing."""
        held = self.values[self.values.notna()]
        first = int(held.index.max()) + 1
        return first if first <= self.values.index.max() else None


def flow(
    table: pd.DataFrame,
    palette: Palette,
    colours: Mapping[str, str],
    *,
    cursor: int,
    reach: int,
    low: int = -12,
    high: float | None = None,
    relative: bool = True,
    ghosts: pd.DataFrame | None = None,
    size: float = 16,
    height: float = 360,
) -> go.Figure:
    """Draw every curve: colour by model, solid c (or h where there is no c), dashed h beside c, dotted the direct part.

    Parameters
    ----------
    table : DataFrame
        Rows of :func:`viz_app.figures.decay` of all models, or of several runs of each, taken together by
        :func:`viz_app.figures.across`: these have a band from the lowest to the highest run. Or rows of
        :func:`viz_app.figures.parts`, where total and direct are told apart.
    colours : mapping of str to str
        A model's colour, by its name.
    cursor : int
        The distance whose values are written into the figure.
    reach : int
        The largest distance shown.
    low : int
        The axis ends at 10 to the ``low``; a curve that stays under it is marked at the edge.
    high : float, optional
        The axis begins at 10 to the ``high``, by default at the largest value: figures that are compared share it.
    relative : bool
        Divided by the value at the target step, or as it is.
    ghosts : DataFrame, optional
        Curves to draw behind the others, in grey.
    """
    scale = size / 16
    curves = _curves(table, relative, reach)
    behind = [] if ghosts is None else _curves(ghosts, relative, reach)
    high = _top(curves + behind) if high is None else high
    low = min(low, int(np.floor(high)) - 1)
    fig = go.Figure()
    for curve in behind:
        fig.add_scatter(**_line(curve, palette.line2, size), mode="lines", hoverinfo="skip")
    for curve in curves:
        edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "x": curve.band.index}
        for column, filled in zip(
            curve.band, ({}, {"fill": "tonexty", "fillcolor": faint(colours[curve.model])}), strict=False
        ):
            fig.add_scatter(y=curve.band[column], **edge, **filled)
    for curve in curves:
        fig.add_scatter(
            **_line(curve, colours[curve.model], size),
            mode="lines+markers",  # without markers a click finds nothing
            marker={"opacity": 0, "size": 14},
            selected={"marker": {"opacity": 0}},
            unselected={"marker": {"opacity": 0}},
            customdata=curve.told,
            hovertemplate="%{customdata}",
        )
    style(fig, palette, size, height)
    decades(fig, low, high)
    fig.update_xaxes(range=[0, reach], title_text="characters back from the target", nticks=6)
    direct = any(curve.name.endswith("direct") for curve in curves)
    fig.update_layout(margin_r=(128 if direct else 92) * scale, hovermode="x unified")
    staying = [curve for curve in curves if curve.leaves(low) is None]
    ends(fig, [Name(c.name, c.values.iloc[-1], colours[c.model]) for c in staying], palette, size)
    if 0 <= cursor <= reach:
        _mark_cursor(fig, curves, palette, colours, cursor, (low, high), relative, size)
    _mark_exits(fig, curves, palette, colours, low, reach, size)
    return fig


def _curves(table: pd.DataFrame, relative: bool, reach: int) -> list[_Curve]:
    """Return the curves up to ``reach``, without those that have no number at all."""
    curves = []
    within = table[table["distance"] <= reach]
    within = within if "part" in within else within.assign(part="total")
    for (model, signal, part), rows in within.groupby(["model", "signal", "part"], sort=False):
        rows = rows.sort_values("distance").set_index("distance")
        values = rows["relative" if relative else "gradient"].mask(rows["underflow"])
        if values.isna().all():
            continue
        beside = signal not in FIRST and ((table["model"] == model) & table["signal"].isin(FIRST)).any()
        dash = "1px,4px" if part == "direct" else "4px,4px" if beside else "solid"
        label = escape(rows["label"].iloc[0])
        name = f"{label}, {symbol(str(signal))}{' direct' if part == 'direct' else ''}"
        band = rows[["low", "high"]].mask(rows["underflow"]) if relative and "low" in rows else rows[[]]
        curves.append(_Curve(str(model), label, name, dash, values, _told(rows, values, relative), band))
    return curves


def _told(rows: pd.DataFrame, values: pd.Series, relative: bool) -> list[str]:
    """Return each value as it is told under the pointer: by its logarithm, where that is known."""
    if "log10" not in rows:
        return [scientific(value) for value in values]
    return [from_log10(value) for value in rows["log10_relative" if relative else "log10"]]


def _top(curves: list[_Curve]) -> float:
    """Return the decimal logarithm at which the axis begins: 0 where nothing grows, else a little over all values."""
    largest = float(np.log10(max((curve.values.max() for curve in curves), default=1.0)))
    return float(np.ceil(largest - 1e-9)) if largest < 1e-9 else largest + 0.1


def _line(curve: _Curve, colour: str, size: float) -> dict[str, object]:
    return {
        "x": curve.values.index.to_numpy(),
        "y": curve.values.to_numpy(),
        "name": curve.name,
        "line": {"color": colour, "width": 2.5 * size / 16, "dash": curve.dash},
    }


def _mark_exits(
    fig: go.Figure,
    curves: list[_Curve],
    palette: Palette,
    colours: Mapping[str, str],
    low: int,
    reach: int,
    size: float,
) -> None:
    """Put a triangle on the axis, with words, where a curve goes under it for good."""
    scale = size / 16
    row = 0
    for curve in curves:
        leaves = curve.leaves(low)
        if leaves is None:
            continue
        underflows = curve.underflows()
        events = [] if underflows == leaves else [f"leaves the axis at {leaves}"]
        events += [] if underflows is None else [f"underflows at {underflows}"]
        name = curve.name if not _alone(curve, curves) else "" if len(curves) == 1 else curve.label
        words = f"{name} {', '.join(events)}".strip()
        late = leaves > 0.6 * reach
        fig.add_annotation(
            text=("{} ▼" if late else "▼ {}").format(words),
            x=leaves,
            y=low,
            xanchor="right" if late else "left",
            yanchor="bottom",
            xshift=(6 if late else -6) * scale,
            yshift=17 * scale * row,
            showarrow=False,
            bgcolor=palette.paper,
            borderpad=0,
            font={"color": colours[curve.model], "size": 12.5 * scale, "weight": 600},
        )
        row += 1


def _alone(curve: _Curve, curves: list[_Curve]) -> bool:
    return sum(other.model == curve.model for other in curves) == 1


def _mark_cursor(
    fig: go.Figure,
    curves: list[_Curve],
    palette: Palette,
    colours: Mapping[str, str],
    cursor: int,
    decades: tuple[int, float],
    relative: bool,
    size: float,
) -> None:
    """Draw the cursor with its distance on the axis, a dot on every curve, and the value beside it."""
    scale = size / 16
    low, high = decades
    fig.add_vline(x=cursor, line={"color": palette.accent, "width": 2 * scale}, layer="below")
    fig.add_annotation(
        text=f"<b>{cursor}</b>",
        x=cursor,
        y=0,
        yref="paper",
        yanchor="top",
        yshift=-3 * scale,
        showarrow=False,
        bgcolor=palette.accent,
        borderpad=3 * scale,
        font={"color": palette.paper, "size": 12.5 * scale},
    )
    seen = [c for c in curves if cursor in c.values.index and c.values[cursor] >= 10.0**low]
    fig.add_scatter(
        x=[cursor] * len(seen),
        y=[c.values[cursor] for c in seen],
        mode="markers",
        marker={
            "size": 10 * scale,
            "color": [colours[c.model] for c in seen],
            "line": {"color": palette.paper, "width": 2 * scale},
        },
        hoverinfo="skip",
        cliponaxis=False,
    )
    pixels = fig.layout.height - fig.layout.margin.t - fig.layout.margin.b
    places = [(np.log10(c.values[cursor]) - low) / (high - low) for c in seen]
    for curve, place in zip(seen, apart(places, 17 * scale / pixels, 0, 1 - 10 * scale / pixels), strict=True):
        fig.add_annotation(
            text=(share if relative else scientific)(curve.values[cursor]),
            x=cursor,
            y=place,
            yref="paper",
            xanchor="left",
            yanchor="middle",
            xshift=7 * scale,
            yshift=10 * scale,
            showarrow=False,
            bgcolor=palette.paper,
            borderpad=0,
            opacity=0.9,
            font={"color": colours[curve.model], "size": 12.5 * scale, "weight": 600},
        )
