"""A unit's values: how often each occurs, inside a concept and outside, and how they answer an n-gram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from viz_app.figures.style import Palette, number, style
from viz_app.figures.words import named, share, thousands

BINS = 40

Range = tuple[float, float]


def histogram(values: np.ndarray, inside: np.ndarray | None, reach: Range) -> pd.DataFrame:
    """Return low, high, and the share of steps in each of equal bins: inside and outside, or all.

    Parameters
    ----------
    values : float [time]
    inside : float [time] or None
        1 inside the concept, 0 outside, nan neither.
    reach : (low, high)
        What lies beyond counts to the first or last bin.
    """
    edges = np.linspace(*reach, BINS + 1)
    groups = {"all": values} if inside is None else {"inside": values[inside == 1], "outside": values[inside == 0]}
    shares = {
        name: np.histogram(np.clip(group, *reach), edges)[0] / max(1, len(group)) for name, group in groups.items()
    }
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], **shares})


def histograms(
    tables: Mapping[str, pd.DataFrame],
    meanings: Mapping[str, str],
    palette: Palette,
    colours: Mapping[str, str],
    *,
    size: float = 16,
) -> go.Figure:
    """Draw the histogram of each signal below the other: inside the concept filled, outside as a line."""
    letter = size / 16
    fig = make_subplots(len(tables), 1, vertical_spacing=0.44 / max(1, len(tables)))
    for place, (symbol, table) in enumerate(tables.items(), 1):
        middles = (table["low"] + table["high"]) / 2
        for name in ("outside", "inside", "all"):
            if name not in table:
                continue
            filled = name != "outside"
            fig.add_scatter(
                x=middles,
                y=table[name],
                mode="lines",
                line={"shape": "hvh", "width": 1.75 * letter, "color": colours[symbol] if filled else palette.soft},
                fill="tozeroy" if filled else None,
                opacity=0.9,
                hovertemplate=f"{symbol} near %{{x:.2f}}: %{{y:.1%}} of the steps {_where(name)}<extra></extra>",
                row=place,
                col=1,
            )
        fig.add_annotation(
            text=f"<b>{symbol}</b>  {meanings.get(symbol, '')}",
            x=0,
            y=1,
            xref=f"x{place if place > 1 else ''} domain",
            yref=f"y{place if place > 1 else ''} domain",
            xanchor="left",
            yanchor="bottom",
            showarrow=False,
            font={"color": colours[symbol], "size": 13 * letter},
        )
    style(fig, palette, size, 40 + 112 * len(tables))
    fig.update_yaxes(visible=False, rangemode="tozero")
    fig.for_each_yaxis(lambda axis: axis.update(domain=[0.96 * end for end in axis.domain]))  # room for the first name
    fig.update_xaxes(nticks=5)
    return fig.update_layout(hovermode="closest", margin_l=14 * letter, margin_r=14 * letter, margin_t=30 * letter)


def _where(name: str) -> str:
    return "" if name == "all" else f"{name} its concept"


def split_sentence(symbol: str, values: np.ndarray, inside: np.ndarray | None, concept: str) -> str:
    """Return where a signal lies inside a concept and outside, or over all steps."""
    low, high = (number(float(q), signed=bool(values.min() < 0)) for q in np.quantile(values, (0.05, 0.95)))
    if inside is None or not ((inside == 1).any() and (inside == 0).any()):
        return f"{symbol} lies between {low} and {high} at nine steps of ten."
    means = [number(float(values[inside == side].mean()), signed=bool(values.min() < 0)) for side in (1, 0)]
    many = share(float((inside == 1).mean()))
    return f"{symbol} averages {means[0]} on {concept}, {many} of the steps, and {means[1]} elsewhere."


def response(table: pd.DataFrame, palette: Palette, colour: str, *, length: int = 1, size: float = 16) -> go.Figure:
    """Draw the mean change around an n-gram, with the bands of half and of 82 % of its occurrences.

    Parameters
    ----------
    table : DataFrame
        offset, mean, q9, q25, q75 and q91.
    length : int
        Of the n-gram; its last token is at offset 0.
    """
    letter = size / 16
    fig = go.Figure()
    for low, high, opacity in (("q9", "q91", 0.16), ("q25", "q75", 0.3)):
        fig.add_scatter(
            x=[*table["offset"], *table["offset"][::-1]],
            y=[*table[high], *table[low][::-1]],
            mode="lines",
            line={"width": 0, "color": colour},
            fill="toself",
            fillcolor=_faint(colour, opacity),
            hoverinfo="skip",
        )
    fig.add_scatter(
        x=table["offset"],
        y=table["mean"],
        mode="lines",
        line={"color": colour, "width": 2.5 * letter},
        customdata=table[["q25", "q75"]],
        hovertemplate="%{x:+d} steps: %{y:+.2f}, half between %{customdata[0]:+.2f} and %{customdata[1]:+.2f}"
        "<extra></extra>",
    )
    style(fig, palette, size, 300)
    fig.add_vrect(0.5 - length, 0.5, fillcolor=palette.accent, opacity=0.12, line_width=0, layer="below")
    fig.update_xaxes(title_text="steps from its last character", nticks=8)
    fig.update_yaxes(title_text="change", zeroline=True, nticks=6)
    return fig.update_layout(hovermode="closest")


def _faint(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def response_finding(table: pd.DataFrame, symbol: str, ngram: str, occurrences: int) -> str:
    """Return what reading the n-gram does on average, and how much of it is left when the curve ends."""
    at, end = (table[table["offset"] == offset].iloc[0] for offset in (0, table["offset"].max()))
    way = "up" if at["q9"] > 0 else "down" if at["q91"] < 0 else ""
    often = f", in nine of ten cases {way}" if way and occurrences >= 10 else ""
    return (
        f"Reading {named(ngram)} changes {symbol} by {number(at['mean'], signed=True)} on average over "
        f"{thousands(occurrences)} occurrence{'s' if occurrences > 1 else ''}{often}; {int(end['offset'])} steps on "
        f"{number(end['mean'], signed=True)} is left"
    )


def strongest(table: pd.DataFrame, most: int = 5) -> str:
    """Return the tokens that change a unit most, in words."""
    rows: Sequence[tuple[str, float]] = list(table[["token", "mean"]].head(most).itertuples(index=False, name=None))
    return ", ".join(f"{named(token)} {number(mean, signed=True)}" for token, mean in rows)
