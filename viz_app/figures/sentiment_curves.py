"""Accuracy against labels and against units; and what holding the unit does to what a model writes."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from viz_app.figures.race import faint
from viz_app.figures.sentiment import percent
from viz_app.figures.style import Name, Palette, ends, number, style
from viz_app.figures.words import MINUS, count, listed, share, thousands

READS = {"all units": "all units", "one unit": "one unit", "words": "words alone"}
"""Ways to tell the label, and what they are called."""

DASHES = {"all units": "solid", "one unit": "dash", "words": "dot"}


# ---- accuracy ------------------------------------------------------------------------------------------------


def by_labels(table: pd.DataFrame, palette: Palette, colour: str, size: float = 16) -> go.Figure:
    """Draw accuracy against the number of labels for each way to read a text, with the least and the most as bands.

    Parameters
    ----------
    table : DataFrame
        labels, read, accuracy, low, high.
    colour : str
        Of the model's family; words have no model and are grey.
    """
    fig, names = go.Figure(layout_title_text="Accuracy on held-out texts, by the labels learned from"), []
    for read, title in READS.items():
        rows = table[table["read"] == read].sort_values("labels")
        if not len(rows):
            continue
        own = palette.soft if read == "words" else colour
        _band(fig, rows, "labels", title, own, DASHES[read], palette, size)
        names.append(Name(title, 100 * float(rows["accuracy"].iloc[-1]), own))
    return _finish(fig, table, "labels", names, palette, size)


def by_units(table: pd.DataFrame, all_units: float, palette: Palette, colour: str, size: float = 16) -> go.Figure:
    """Draw accuracy against the number of units; ``all_units`` is the accuracy of all of them."""
    fig = go.Figure(layout_title_text="Accuracy on held-out texts, by the units that are read")
    _band(fig, table, "units", "the first few", colour, "solid", palette, size)
    fig.add_hline(y=100 * all_units, line={"color": palette.soft, "width": 1.5 * size / 16, "dash": "dot"})
    names = [
        Name("the first few", 100 * float(table["accuracy"].iloc[-1]), colour),
        Name("all units", 100 * all_units, palette.soft),
    ]
    found = pd.concat([table, pd.DataFrame({"units": table["units"], "low": all_units, "high": all_units})])
    return _finish(fig, found, "units", names, palette, size)


def _band(
    fig: go.Figure, rows: pd.DataFrame, by: str, title: str, colour: str, dash: str, palette: Palette, size: float
) -> None:
    fig.add_scatter(
        x=[*rows[by], *rows[by][::-1]],
        y=[*(100 * rows["high"]), *(100 * rows["low"][::-1])],
        mode="lines",
        line={"width": 0, "color": colour},
        fill="toself",
        fillcolor=faint(colour, 0.14),
        hoverinfo="skip",
    )
    fig.add_scatter(
        x=rows[by],
        y=100 * rows["accuracy"],
        mode="lines+markers",
        name=title,
        line={"color": colour, "width": 2.25 * size / 16, "dash": dash},
        marker={
            "size": 7 * size / 16,
            "color": colour if dash == "solid" else palette.paper,
            "line": {"color": colour, "width": 2},
        },
        customdata=100 * rows[["low", "high"]],
        hovertemplate=f"%{{x}} {by}: %{{y:.1f}} % (%{{customdata[0]:.1f}} to %{{customdata[1]:.1f}})"
        "<extra>%{fullData.name}</extra>",
    )


def _finish(
    fig: go.Figure, table: pd.DataFrame, by: str, names: list[Name], palette: Palette, size: float
) -> go.Figure:
    style(fig, palette, size, 300)
    ticks = sorted(table[by].unique())
    few = [tick for tick in ticks[:: 1 + len(ticks) // 9] if 2 * tick <= ticks[-1]] + ticks[-1:]
    span = math.log10(ticks[-1] / ticks[0]) or 1
    low, high = 100 * float(table["low"].min()), 100 * float(table["high"].max())
    fig.update_xaxes(
        type="log",
        range=[math.log10(ticks[0]) - 0.04 * span, math.log10(ticks[-1]) + 0.04 * span],
        tickvals=few,
        ticktext=[thousands(tick) for tick in few],
        tickangle=0,
        title_text=by,
    )
    fig.update_yaxes(range=[min(low, 50) - 2, max(high, 60) + 2], title_text="% right")
    fig.update_layout(margin_r=104 * size / 16, hovermode="closest")
    return ends(fig, names, palette, size)


def few_labels(table: pd.DataFrame) -> str:
    """Return how many labels suffice to come close to what all labels give, for the unit and for the words."""
    said = []
    for read, title in (("one unit", "one unit"), ("all units", "all units"), ("words", "the words alone")):
        rows = table[table["read"] == read].sort_values("labels")
        if len(rows):
            close = rows[rows["accuracy"] >= rows["accuracy"].iloc[-1] - 0.01].iloc[0]
            said.append(f"{title} with {thousands(close['labels'])} labels ({percent(close['accuracy'])})")
    return f"Within one point of what all labels give: {listed(said)}." if said else ""


def few_units(table: pd.DataFrame, all_units: float) -> str:
    """Return what the first unit has of the accuracy of all, and how many have nearly all of it."""
    one = table.iloc[0]
    close = table[table["accuracy"] >= all_units - 0.01]
    enough = (
        f"{thousands(close['units'].iloc[0])} come within one point of it."
        if len(close)
        else f"the first {thousands(table['units'].iloc[-1])} are {percent(table['accuracy'].iloc[-1])} right."
    )
    return f"All units are {percent(all_units)} right; the first one {percent(one['accuracy'])}, and {enough}"


# ---- steering ------------------------------------------------------------------------------------------------


def steering(
    table: pd.DataFrame, name: str, palette: Palette, colour: str, *, setting: float | None, size: float = 16
) -> go.Figure:
    """Draw the share of texts that a judge calls ``name``, by where units were held, with 95 % intervals.

    Parameters
    ----------
    table : DataFrame
        held ("nothing", "best units", "random units"), setting, ones, low, high, samples; of one number of units.
    colour : str
        Of the best units; random units are grey and hollow.
    setting : float or None
        Where the cursor stands.
    """
    letter, names = size / 16, []
    fig = go.Figure(layout_title_text=f"Share of the texts written that words call {name}")
    for _, free in table[table["held"] == "nothing"].iterrows():
        fig.add_hrect(y0=100 * free["low"], y1=100 * free["high"], fillcolor=faint(palette.soft, 0.14), line_width=0)
        fig.add_hline(y=100 * free["ones"], line={"color": palette.soft, "width": letter, "dash": "dot"})
        names.append(Name("nothing held", 100 * float(free["ones"]), palette.soft))
    best = "this unit" if (table["units"] <= 1).all() else "the best units"
    for held, title, own in (("random units", "random units", palette.soft), ("best units", best, colour)):
        rows = table[table["held"] == held].sort_values("setting")
        if not len(rows):
            continue
        up, down = (100 * (rows[side] - rows["ones"]).abs() for side in ("high", "low"))
        fig.add_scatter(
            x=rows["setting"],
            y=100 * rows["ones"],
            mode="lines+markers",
            name=title,
            line={"color": own, "width": 2.25 * letter},
            marker={
                "size": 8 * letter,
                "color": own if held == "best units" else palette.paper,
                "line": {"color": own, "width": 2},
            },
            error_y={"array": up, "arrayminus": down, "color": own, "thickness": 1.5 * letter, "width": 0},
            customdata=rows[["samples", "low", "high"]] * [1, 100, 100],
            hovertemplate="held at %{x:+.1f}: %{y:.0f} % of %{customdata[0]} texts (%{customdata[1]:.0f} to "
            "%{customdata[2]:.0f} %)<extra>%{fullData.name}</extra>",
        )
        names.append(Name(title, 100 * float(rows["ones"].iloc[-1]), own))
    style(fig, palette, size, 260)
    if setting is not None:
        fig.add_vline(x=setting, line={"color": palette.accent, "width": 2 * letter})
    settings = sorted(table["setting"].dropna().unique())
    room = 0.05 * (settings[-1] - settings[0] or 1)
    fig.update_xaxes(
        range=[settings[0] - room, settings[-1] + room],
        tickvals=settings,
        ticktext=[_held(value) for value in settings],
        title_text="where they are held" if best == "the best units" else "where the unit is held",
    )
    fig.update_yaxes(range=[-4, 104], tickvals=[0, 50, 100], title_text="%")
    fig.update_layout(margin_r=104 * letter, hovermode="closest")
    return ends(fig, names, palette, size)


def strength(table: pd.DataFrame, name: str, samples: int) -> str:
    """Return how far holding the best units moves what is written, beside random units.

    They are said to steer where their interval is above that of random units, and above 0.

    Parameters
    ----------
    table : DataFrame
        held, units, strength, low, high: from the first setting to the last, of one number of units.
    name : str
        What the share is a share of.
    """
    unit, other = _best_and_random(table)
    if unit is None:
        return ""
    many = int(unit["units"])
    plainly = "the unit steers" if many == 1 else f"the {count(many)} units steer"
    if unit["high"] < 0:
        shown = f"{plainly} the other way"
    elif steers(table):
        shown = plainly
    else:
        shown = "not shown to steer" if unit["low"] <= 0 else "not shown to steer more than random units"
    said = (
        f"From end to end, over {thousands(samples)} texts each, the share that is {name} "
        f"changes by {_points(unit)} points: {shown}."
    )
    if other is not None:
        said += f" {'Random units' if many == 1 else 'As many random units'}, held alike: {_points(other)} points."
    return said


def steers(table: pd.DataFrame) -> bool:
    """Tell whether the best units are shown to steer; rows as :func:`strength` takes them."""
    unit, other = _best_and_random(table)
    return unit is not None and unit["low"] > max(0, other["high"] if other is not None else 0)


def _best_and_random(table: pd.DataFrame) -> tuple[Any, Any]:
    rows = {str(row["held"]): row for _, row in table.iterrows()}
    return rows.get("best units"), rows.get("random units")


def effects(table: pd.DataFrame) -> str:
    """Return what holding the best units at either end does, against nothing held; rows as for :func:`steering`."""
    rows = table[table["held"] == "best units"].sort_values("setting")
    ends = [f"{_points(row, 'effect', 'least', 'most')} at {_held(row['setting'])}" for _, row in rows.iterrows()]
    return f"Against nothing held, in points: {ends[0]}, {ends[-1]}." if ends else ""


def _points(row: Any, value: str = "strength", least: str = "low", most: str = "high") -> str:
    gap, low, high = (number(100 * row[side], 0, signed=True) for side in (value, least, most))
    return f"{gap} ({low} to {high})"


def _held(setting: float) -> str:
    return f"{setting:+g}".replace("-", MINUS) if setting else "0"


def told(p: pd.Series, name: str) -> str:
    """Return how many of a few texts a judge calls ``name``."""
    return f"Words call {int((p > 0.5).sum())} of {len(p)} {name}; {share(float(p.mean()))} on average"
