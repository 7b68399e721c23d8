"""Norms of products of Jacobians by distance, along each path, beside the bound; and what they say."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from viz_app.figures.style import Name, Palette, decades, ends, style, symbol
from viz_app.figures.words import capital, count, from_log10, listed, scientific, share, thousands

FULL, BOUND = "full state", "bound"


def ways(maps: Mapping[str, np.ndarray], bound: float | None = None) -> pd.DataFrame:
    """Return the geometric mean over the text of ||ds_t/ds_k|| at each lag t - k, for each way from k to t.

    Parameters
    ----------
    maps : mapping of str to float64 [time, time]
        Norms, by the state through which a difference passes: "" for the full state, or its symbol.
    bound : float, optional
        The factor by which the norm grows at most a step.

    Returns
    -------
    DataFrame
        way, lag, log10 (-inf where a norm is no plain number any more, or there is no path).
    """
    tables = []
    for path, norms in maps.items():
        with np.errstate(divide="ignore"):
            logs = np.log10(norms)
        means = [float(np.diagonal(logs, -lag).mean()) for lag in range(len(norms))]
        tables.append(pd.DataFrame({"way": path or FULL, "lag": range(len(norms)), "log10": means}))
    if bound is not None:
        lags = np.arange(len(next(iter(maps.values()))))
        tables.append(pd.DataFrame({"way": BOUND, "lag": lags, "log10": lags * np.log10(bound)}))
    return pd.concat(tables, ignore_index=True)


def by_lag(
    table: pd.DataFrame,
    palette: Palette,
    colours: Mapping[str, str],
    *,
    lag: int,
    low: int,
    high: int,
    size: float = 16,
) -> go.Figure:
    """Draw each way's norm by lag on a log axis; the bound is dotted grey, and may leave the axis at the top."""
    scale = size / 16
    fig = go.Figure()
    names, exits = [], []
    for way, rows in table.groupby("way", sort=False):
        inside = rows["log10"].between(low, high)
        seen = rows[inside]
        colour = colours.get(str(way), palette.soft)
        fig.add_scatter(
            x=seen["lag"],
            y=10.0 ** seen["log10"],
            mode="lines+markers",
            marker={"opacity": 0, "size": 12},
            line={"color": colour, "width": 2.5 * scale, "dash": "2px,4px" if way == BOUND else "solid"},
            customdata=[from_log10(value) for value in seen["log10"]],
            name=_named(str(way)),
            hovertemplate="%{customdata}",
        )
        if inside.iloc[-1]:
            names.append(Name(_named(str(way)), float(10.0 ** seen["log10"].iloc[-1]), colour))
        else:
            exits.append((_named(str(way)), int(seen["lag"].max()) + 1, bool(rows["log10"].iloc[-1] > high), colour))
    style(fig, palette, size, 330)
    decades(fig, low, high)
    last = int(table["lag"].max())
    fig.update_xaxes(range=[0, last], title_text="steps from k to t", nticks=6)
    fig.update_layout(margin_r=112 * scale, hovermode="x unified")
    fig.add_hline(y=1, line={"color": palette.line2, "width": 1}, layer="below")
    fig.add_vline(x=lag, line={"color": palette.accent, "width": 2 * scale}, layer="below")
    for row, (name, at, above, colour) in enumerate(exits):
        late = at > 0.6 * last
        words = f"{name} leaves the axis at {at}"
        arrow = "▲" if above else "▼"
        fig.add_annotation(
            text=f"{words} {arrow}" if late else f"{arrow} {words}",
            x=at,
            y=high if above else low,
            xanchor="right" if late else "left",
            yanchor="top" if above else "bottom",
            yshift=0 if above else 17 * scale * row,
            showarrow=False,
            bgcolor=palette.paper,
            borderpad=0,
            font={"color": colour, "size": 12.5 * scale, "weight": 600},
        )
    return ends(fig, names, palette, size)


def _named(way: str) -> str:
    return way if way in (FULL, BOUND) else f"{symbol(way)} alone"


# ---- what the numbers say --------------------------------------------------------------------------------------


def highway(table: pd.DataFrame, label: str, lag: int) -> str:
    """Return the sentence about what is left of a difference after ``lag`` steps, by each way."""
    at = table[table["lag"] == lag].set_index("way")["log10"]
    head = (
        f"{capital(count(lag))} step{'s' if lag != 1 else ''} on, a difference in the {label}’s state {_left(at[FULL])}"
    )
    alone = [f"through {way} alone {amount(at[way])}" for way in at.index if way not in (FULL, BOUND)]
    return f"{head}; {listed(alone)}" if alone else head


def path_conclusion(table: pd.DataFrame, lag: int) -> str:
    """Return what follows from the paths at ``lag``, or from the bound where there is one."""
    at = table[table["lag"] == lag].set_index("way")["log10"]
    if BOUND in at.index:
        head = f"At {lag} steps the bound allows {from_log10(at[BOUND])}"
        times = "" if at[FULL] == -np.inf else f"{from_log10(at[BOUND] - at[FULL])} times the "
        verdict = (
            "The bound is above 1, so it cannot say whether gradients vanish; the measurement can"
            if at[BOUND] > 0
            else "The bound is below 1: whatever is read, the gradient vanishes"
        )
        return f"{head}, {times or 'beside '}{amount(at[FULL])} measured. {verdict}."
    if "c" in at.index and "h" in at.index:
        if at["c"] - at["h"] > 1 and at[FULL] - at["h"] > 1:
            return (
                f"At {lag} steps the way through h alone holds {amount(at['h'])}, that through the cell alone "
                f"{amount(at['c'])}: a picture of h alone misses the way that the cell was built for."
            )
        return f"At {lag} steps neither way alone stands out: cell {amount(at['c'])}, h {amount(at['h'])}."
    return f"At {lag} steps {amount(at[FULL])} is left; there is one way only, through h."


def spread(norms: np.ndarray, lag: int) -> str:
    """Return how far apart the pairs of steps at one distance are: whether it matters what is read in between."""
    values = np.diagonal(norms, -lag)
    values = values[values > 0]
    if not len(values):
        return f"No pair of steps {lag} apart has a norm above 10⁻³⁰⁸."
    low, middle, high = np.quantile(values, (0.0, 0.5, 1.0))
    head = (
        f"Of the {thousands(len(values))} pairs {lag} steps apart the norm goes from {scientific(low)} to "
        f"{scientific(high)}, half above {scientific(middle)}"
    )
    read = "what is read in between matters, not the distance alone"
    return f"{head}: {read if high > 10 * low else 'much the same, whatever is read in between'}."


def estimated(error: np.ndarray, norm: str) -> str:
    """Return how exact the norms are."""
    if not error.any():
        return "Exact: the products themselves, in float64."
    typical = share(float(np.median(error[np.tril_indices(len(error), -1)])))
    if norm == "frobenius":
        return f"From four random directions; typical standard error {typical}."
    estimate = f"From four random directions: an estimate, typical standard error {typical}"
    return f"{estimate}. Where many directions are alike, it may read up to twice too large."


def amount(log10: float) -> str:
    """Return a factor: a share below 1, and how many times above."""
    if log10 == -np.inf:
        return "less than 10⁻³⁰⁸"
    if log10 >= 0:
        return f"{from_log10(log10)} times"
    return share(10.0**log10) if log10 > -300 else from_log10(log10)


def _left(log10: float) -> str:
    if log10 == -np.inf:
        return "is too small for a plain number"
    return f"has grown {amount(log10)}" if log10 >= 0 else f"keeps {amount(log10)} of its size"
