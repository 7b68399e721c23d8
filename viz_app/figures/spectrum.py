"""Lyapunov exponents and singular values of single steps, as tables, figures and sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from viz_app.figures.race import faint
from viz_app.figures.style import Name, Palette, decades, ends, number, style
from viz_app.figures.words import listed, scientific, share, thousands

STILL = 1e-4
"""An exponent of fewer nats per step counts as 0: it would double or halve a difference in 7,000 steps."""


def exponents(values: np.ndarray, errors: np.ndarray, model: str, label: str) -> pd.DataFrame:
    """Return a row for each exponent: model, label, direction (from 1), exponent and error in nats per step."""
    directions = np.arange(1, len(values) + 1)
    columns = {"model": model, "label": label, "direction": directions, "exponent": values, "error": errors}
    return pd.DataFrame(columns)


def lyapunov(table: pd.DataFrame, palette: Palette, colours: Mapping[str, str], *, size: float = 16) -> go.Figure:
    """Draw every model's exponents, the largest first, with a bar of one standard error to each side."""
    scale = size / 16
    fig, names = go.Figure(), []
    finite = table[np.isfinite(table["exponent"])]
    for model, rows in finite.groupby("model", sort=False):
        colour = colours[str(model)]
        label = escape(str(rows["label"].iloc[0]))
        fig.add_scatter(
            x=rows["direction"],
            y=rows["exponent"],
            error_y={"array": rows["error"].fillna(0), "color": colour, "thickness": 1.2 * scale, "width": 2 * scale},
            mode="lines+markers",
            marker={"size": 5 * scale, "color": colour},
            line={"color": colour, "width": 1.5 * scale},
            customdata=[number(value, 3, signed=True) for value in rows["exponent"]],
            name=label,
            hovertemplate="%{customdata}",
        )
        names.append(Name(label, float(rows["exponent"].iloc[-1]), colour))
    style(fig, palette, size, 360)
    reach = [*(finite["exponent"] - finite["error"].fillna(0)), *(finite["exponent"] + finite["error"].fillna(0)), 0.0]
    room = 0.05 * (max(reach) - min(reach)) or 0.1
    fig.update_xaxes(range=[0.5, table["direction"].max() + 0.5], title_text="direction, the slowest to fade first")
    fig.update_yaxes(range=[min(reach) - room, max(reach) + room], title_text="nats per step", zeroline=True)
    fig.add_hline(y=0, line={"color": palette.soft, "width": 1.5 * scale}, layer="below")
    fig.update_layout(margin_r=92 * scale, margin_l=72 * scale, hovermode="x unified")
    return ends(fig, names, palette, size)


def slowest(table: pd.DataFrame) -> str:
    """Return the finding: in which model a small difference lives longest, and whether it grows in any."""
    first = table.sort_values("exponent", ascending=False).groupby("model", sort=False).first()
    said: list[str] = []
    verb = ""
    for row in first.itertuples():
        becomes, every = _life(float(row.exponent))
        said.append(" ".join(filter(None, ("" if becomes == verb else becomes, every, f"in the {row.label}"))))
        verb = becomes
    return f"A small difference {listed(said)}"


def spectrum_conclusion(table: pd.DataFrame) -> str:
    """Return what follows: chaos, fading memory, or that the text is too short to tell."""
    first = table.sort_values("exponent", ascending=False).groupby("model", sort=False).first()
    error = first["error"].fillna(math.inf).where(np.isfinite(first["exponent"]), 0)
    growing = list(first.loc[first["exponent"] > 2 * error, "label"])
    unclear = list(first.loc[first["exponent"].abs() <= 2 * error, "label"])
    if growing:
        return (
            f"In the {listed(growing)} the largest exponent is above 0 by more than two standard errors: on this text "
            "nearby states move apart, and gradients through many steps explode."
        )
    if unclear:
        return f"In the {listed(unclear)} the largest exponent is within two standard errors of 0: read a longer text."
    return (
        "All exponents are below 0 by more than two standard errors: on this text every difference between two states "
        "dies out, so gradients vanish rather than explode, only at different speeds."
    )


def _life(exponent: float) -> tuple[str, str]:
    """Return what becomes of a difference, and how often."""
    if exponent == -math.inf:
        return "is lost at once", ""
    if abs(exponent) < STILL:
        return "neither grows nor fades", ""
    verb, steps = ("doubles", math.log(2) / exponent) if exponent > 0 else ("halves", -math.log(2) / exponent)
    every = f"{steps:.1f}" if steps < 9.95 else thousands(steps)
    return verb, f"every {every} steps"


# ---- single steps --------------------------------------------------------------------------------------------


def steps(values: np.ndarray, model: str, label: str) -> pd.DataFrame:
    """Return the singular values of single steps [time, value] by rank: their median and 10th and 90th percentile.

    ``share`` is the rank's place between the strongest direction (0) and the weakest (1).
    """
    low, middle, high = np.quantile(values, (0.1, 0.5, 0.9), axis=0)
    ranks = np.arange(1, values.shape[1] + 1)
    columns = {"model": model, "label": label, "rank": ranks, "share": (ranks - 0.5) / len(ranks)}
    return pd.DataFrame({**columns, "low": low, "median": middle, "high": high})


def single_steps(
    table: pd.DataFrame, palette: Palette, colours: Mapping[str, str], *, low: int = -6, size: float = 16
) -> go.Figure:
    """Draw the median singular value by rank on a log axis, with a band from the 10th to the 90th percentile."""
    scale = size / 16
    fig, names = go.Figure(), []
    floor = 10.0**low
    for model, rows in table.groupby("model", sort=False):
        colour, label = colours[str(model)], escape(str(rows["label"].iloc[0]))
        edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "x": rows["share"]}
        fig.add_scatter(y=rows["low"].clip(lower=floor), **edge)
        fig.add_scatter(y=rows["high"].clip(lower=floor), fill="tonexty", fillcolor=faint(colour), **edge)
        seen = rows[rows["median"] >= floor]
        fig.add_scatter(
            x=seen["share"],
            y=seen["median"],
            mode="lines",
            line={"color": colour, "width": 2.5 * scale},
            customdata=[scientific(value) for value in seen["median"]],
            name=label,
            hovertemplate="%{customdata}",
        )
        names.append(Name(label, float(seen["median"].iloc[-1]) if len(seen) else floor, colour))
    style(fig, palette, size, 360)
    decades(fig, low, math.ceil(math.log10(max(table["high"].max(), 1.0)) * 2) / 2 + 0.1)
    fig.update_xaxes(range=[0, 1], tickformat=".0%", title_text="directions of the state, the most stretched first")
    fig.add_hline(y=1, line={"color": palette.soft, "width": 1.5 * scale}, layer="below")
    fig.update_layout(margin_r=92 * scale, hovermode="x unified")
    return ends(fig, names, palette, size)


def stretched(table: pd.DataFrame) -> str:
    """Return how far single steps stretch, and in how many directions: the median step of each model."""
    parts = []
    for _, rows in table.groupby("model", sort=False):
        strongest, grown = float(rows["median"].iloc[0]), float((rows["median"] > 1).mean())
        some = share(grown) if grown else "none"
        label = rows["label"].iloc[0]
        parts.append(f"the {label} stretches {some} of all directions, the strongest {scientific(strongest)} times")
    return f"In a typical single step {'; '.join(parts)}"


def stretch_conclusion(table: pd.DataFrame) -> str:
    """Return what the single steps that were measured say about products of many, and what they do not."""
    strongest = table.groupby("model", sort=False)[["label", "median", "high"]].first()
    stretching = strongest[strongest["median"] > 1]
    said = []
    if len(stretching):
        models = listed([f"the {label}" for label in stretching["label"]])
        said.append(
            f"The typical step stretches some direction in {models}, "
            "and yet a product of many may fade: the next step turns what was stretched into directions that it "
            "shrinks. Only the products tell."
        )
    for row in strongest[strongest["median"] <= 1].itertuples():
        tenth = "" if row.high <= 1 else f", though in one of ten up to {scientific(row.high)} times"
        said.append(
            f"In the {row.label} the typical of these steps stretches no direction{tenth}: a product of steps that "
            "stretch none fades. Other characters may hold steps that do."
        )
    return " ".join(said)
