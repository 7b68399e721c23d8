"""Stacks of layers: the gradient by layer and the loss they come down, with the sentences that the numbers make."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from viz_app.figures.race import faint
from viz_app.figures.style import Name, Palette, decades, ends, number, style
from viz_app.figures.words import capital, listed, power, share, thousands

FLOOR = -60
"""The axis of a gradient ends at 10 to this, at the latest."""


# ---- by layer ------------------------------------------------------------------------------------------------


def curves(gradients: pd.DataFrame, of: str, relative: bool) -> pd.DataFrame:
    """Return each kind's curve over its seeds, at every update: geometric mean, lowest and highest.

    Parameters
    ----------
    gradients : DataFrame
        Columns kind, seed, update, layer, and the one that ``of`` names.
    relative : bool
        Each divided by its value at the last layer.

    Returns
    -------
    DataFrame
        kind, update, layer, back (layers from the last one), gradient, low, high; nan where a gradient is zero.
    """
    table = gradients.sort_values("layer", kind="stable")
    sizes = table[of].where(table[of] > 0)
    if relative:
        sizes = sizes / sizes.groupby([table[key] for key in ("kind", "seed", "update")], sort=False).transform("last")
    groups = np.log(sizes).groupby([table[key] for key in ("kind", "update", "layer")], sort=False)
    found = np.exp(groups.agg(["mean", "min", "max"])).set_axis(["gradient", "low", "high"], axis=1).reset_index()
    return found.assign(back=found["layer"].max() - found["layer"])


def layers(
    table: pd.DataFrame, update: int, palette: Palette, colours: Mapping[str, str], *, size: float = 16
) -> go.Figure:
    """Draw the curves at one update with their bands, and those at the start in grey; one axis for all updates."""
    scale = size / 16
    fig = go.Figure()
    logs = np.log10(table[["low", "high"]].to_numpy(float))
    low, high = max(FLOOR, math.floor(np.nanmin(logs) + 0.02)), math.ceil(np.nanmax(logs) - 0.02)
    low, high = min(low, -1), max(high, 0)
    now, then = (table[table["update"] == number] for number in (update, 0))
    if update:
        for kind, rows in then.groupby("kind", sort=False):
            line = {"color": palette.line2, "width": 2.5 * scale}
            fig.add_scatter(x=rows["back"], y=rows["gradient"], mode="lines", line=line, name=kind, hoverinfo="skip")
    for kind, rows in now.groupby("kind", sort=False):
        band = {"x": rows["back"], "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
        fig.add_scatter(y=rows["low"], **band)
        fig.add_scatter(y=rows["high"], fill="tonexty", fillcolor=faint(colours[str(kind)]), **band)
    for kind, rows in now.groupby("kind", sort=False):
        line = {"color": colours[str(kind)], "width": 2.5 * scale}
        told = "%{y:.1e}<extra>" + str(kind) + "</extra>"
        fig.add_scatter(x=rows["back"], y=rows["gradient"], mode="lines", line=line, name=kind, hovertemplate=told)
    style(fig, palette, size, 360)
    decades(fig, low, high)
    fig.update_xaxes(range=[0, int(table["back"].max())], title_text="layers back from the last", nticks=8)
    fig.update_layout(margin_r=92 * scale, hovermode="x unified")
    last = now[now["layer"] == 0].dropna()
    return ends(fig, [Name(r.kind, r.gradient, colours[r.kind]) for r in last.itertuples()], palette, size)


def finding(table: pd.DataFrame, update: int) -> str:
    """Return the sentence about what of the last layer's gradient reaches x_0; ``table`` holds relative curves."""
    rows = table[(table["update"] == update) & (table["layer"] == 0)].sort_values("gradient")
    parts, before = [], ""
    for row in rows.itertuples():
        verb, how = changed(row.gradient).split(" ", 1)
        parts.append(f"{'' if verb == before else f'{verb} '}{how} in the {row.kind}{'' if before else ' stack'}")
        before = verb
    when = f"After {thousands(update)} updates, from" if update else "From"
    return f"{when} the last of {int(table['layer'].max())} layers to the first, the gradient {listed(parts)}"


def changed(ratio: float) -> str:
    """Return what becomes of a gradient: it shrinks, stays or grows."""
    if math.isnan(ratio):
        return "dies out"
    if ratio < 0.5:
        return f"shrinks to {share(ratio)}"
    return f"stays at {ratio:.1f} times its size" if ratio < 2 else f"grows to {_times(ratio)} times"


def _times(ratio: float) -> str:
    if ratio < 9.95:
        return f"{ratio:.1f}"
    return f"{ratio:.0f}" if ratio < 1000 else power(round(math.log10(ratio)))


# ---- the loss ------------------------------------------------------------------------------------------------


def learning(
    history: pd.DataFrame,
    update: int,
    palette: Palette,
    colours: Mapping[str, str],
    *,
    guess: float,
    size: float = 16,
) -> go.Figure:
    """Draw the loss on examples held out against the update, mean and band over the seeds, on a log axis.

    Parameters
    ----------
    history : DataFrame
        Columns kind, seed, update, loss (nats).
    update : int
        Where the cursor stands.
    guess : float
        The loss of a guess.
    """
    scale = size / 16
    fig, names = go.Figure(), []
    table = losses(history)
    for kind, rows in table.groupby("kind", sort=False):
        colour = colours[str(kind)]
        band = {"x": rows["update"], "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
        fig.add_scatter(y=rows["low"], **band)
        fig.add_scatter(y=rows["high"], fill="tonexty", fillcolor=faint(colour), **band)
        line = {"color": colour, "width": 2.5 * scale}
        told = "%{y:.3f}<extra>" + str(kind) + "</extra>"
        fig.add_scatter(x=rows["update"], y=rows["loss"], mode="lines", line=line, name=kind, hovertemplate=told)
        names.append(Name(f"{kind} {number(rows['loss'].iloc[-1])}", rows["loss"].iloc[-1], colour))
    style(fig, palette, size, 360)
    ends_at = [math.log10(value) for value in (min(table["low"].min(), guess / 3), max(table["high"].max(), guess))]
    low, high = ends_at[0] - 0.06, ends_at[1] + 0.06
    ticks = [digit * 10.0**power for power in range(-4, 9) for digit in ((1, 2, 5) if high - low < 3 else (1,))]
    ticks = [tick for tick in ticks if low <= math.log10(tick) <= high]
    fig.update_yaxes(type="log", range=[low, high], tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks])
    fig.update_xaxes(range=[0, int(table["update"].max())], title_text="updates", nticks=6)
    fig.add_hline(y=guess, line={"color": palette.soft, "width": scale, "dash": "dot"})
    fig.add_vline(x=update, line={"color": palette.accent, "width": 2 * scale}, layer="below")
    fig.add_annotation(
        text="guessing",
        x=0.02,
        xref="paper",
        y=math.log10(guess),
        xanchor="left",
        yanchor="bottom",
        showarrow=False,
        font={"color": palette.soft, "size": 12.5 * scale},
    )
    fig.update_layout(margin_r=(28 + 7.2 * max(len(name.text) for name in names)) * scale, hovermode="x unified")
    return ends(fig, names, palette, size)


def losses(history: pd.DataFrame) -> pd.DataFrame:
    """Return kind, update, and the loss over the seeds: mean, lowest, highest."""
    groups = history.groupby(["kind", "update"], sort=False)["loss"].agg(["mean", "min", "max"])
    return groups.set_axis(["loss", "low", "high"], axis=1).reset_index()


def learned(history: pd.DataFrame, guess: float) -> str:
    """Return the sentence about who has learned by the last update: whose worst seed is under half of ``guess``."""
    table = losses(history)
    last = table[table["update"] == table["update"].max()].sort_values("loss")
    able = [f"the {row.kind} ({number(row.loss)})" for row in last.itertuples() if row.high < guess / 2]
    other = [f"the {row.kind} ({number(row.loss)})" for row in last.itertuples() if row.high >= guess / 2]
    after = f"after {thousands(table['update'].max())} updates"
    if not able:
        return f"None has learned the digits {after}: {listed(other)}"
    rest = f", not {listed(other, 'nor')}" if other else ""
    return f"{capital(listed(able))} {'has' if len(able) == 1 else 'have'} learned the digits {after}{rest}"
