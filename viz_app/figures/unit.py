"""What is claimed of a unit beside what would refute it, its strength for every feature, its removal; and the words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
import plotly.graph_objects as go

from viz_app.figures.style import Palette, number, style
from viz_app.figures.words import capital, count, thousands


class Mark(NamedTuple):
    """A figure on the scale of a claim: name, how it is written, place from 0 to 1, whether it is the unit's."""

    name: str
    value: str
    place: float
    own: bool


class Bar(NamedTuple):
    """A change of the loss in nats, with its interval where there is one; a bar that is not ``own`` is a comparison."""

    name: str
    value: float
    low: float = math.nan
    high: float = math.nan
    own: bool = True


# ---- the claim -----------------------------------------------------------------------------------------------


def against(
    marks: Sequence[Mark], needed: float, scale: tuple[str, str, str], palette: Palette, size: float = 16
) -> go.Figure:
    """Draw the unit's figures, filled, and those that it must beat, hollow, all on one axis; dotted, what is needed."""
    letter = size / 16
    fig = go.Figure()
    for mark in marks:
        colour = palette.accent if mark.own else palette.soft
        fig.add_scatter(
            x=[mark.place],
            y=[mark.name],
            mode="markers",
            marker={
                "size": 13 * letter,
                "color": colour if mark.own else palette.paper,
                "line": {"color": colour, "width": 2.25 * letter},
            },
            cliponaxis=False,
            hovertemplate=f"{mark.name}: {mark.value}<extra></extra>",
        )
        _line(fig, mark.name, mark.name, mark.value, palette, letter, bold=mark.own)
    style(fig, palette, size, 64 + 54 * len(marks))
    name, low, high = scale
    middle = (float(low) + float(high)) / 2
    fig.update_xaxes(range=[0, 1], tickvals=[0, 0.5, 1], ticktext=[low, f"{middle:g}", high], title_text=name)
    fig.update_yaxes(visible=False, autorange="reversed")
    fig.add_vline(needed, line={"color": palette.line2, "width": 2 * letter, "dash": "dot"}, layer="below")
    return fig.update_layout(hovermode="closest", margin_l=14 * letter, margin_r=14 * letter)


def _line(fig: go.Figure, row: str, name: str, value: str, palette: Palette, letter: float, bold: bool) -> None:
    """Write a row's name above it at the left, and its figure at the right."""
    same = {"y": row, "xref": "paper", "yshift": 19 * letter, "showarrow": False}
    weight = {"weight": 600 if bold else 400, "size": 13 * letter, "color": palette.ink}
    fig.add_annotation(text=name, x=0, xanchor="left", font=weight, **same)
    fig.add_annotation(text=value, x=1, xanchor="right", font=weight, **same)


def removal(bars: Sequence[Bar], palette: Palette, size: float = 16) -> go.Figure:
    """Draw changes of the loss as bars with their 95 % intervals; comparisons in grey."""
    letter = size / 16
    fig = go.Figure()
    for bar in bars:
        known = not math.isnan(bar.low)
        fig.add_bar(
            x=[bar.value],
            y=[bar.name],
            orientation="h",
            marker={"color": palette.accent if bar.own else palette.line2},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [bar.high - bar.value],
                "arrayminus": [bar.value - bar.low],
                "color": palette.ink,
                "thickness": 1.75 * letter,
                "width": 4 * letter,
                "visible": known,
            },
            hovertemplate=f"{bar.name}: {nats(bar)}<extra></extra>",
        )
        _line(fig, bar.name, bar.name, nats(bar), palette, letter, bold=bar.own)
    style(fig, palette, size, 64 + 54 * len(bars))
    ends = [0.0, *(end for bar in bars for end in (bar.value, bar.low, bar.high) if not math.isnan(end))]
    room = 0.04 * max(max(ends) - min(ends), 1e-6)
    fig.update_xaxes(range=[min(ends) - room, max(ends) + room], nticks=5, zeroline=True)
    fig.update_xaxes(title_text="rise of the loss, nats per symbol")
    fig.update_yaxes(visible=False, autorange="reversed")
    return fig.update_layout(bargap=0.7, hovermode="closest", margin_l=14 * letter, margin_r=14 * letter)


def nats(bar: Bar) -> str:
    """Return a bar's figure in words, with its interval where there is one."""
    value = number(bar.value, 4, signed=True)
    if math.isnan(bar.low):
        return value
    return f"{value} ({number(bar.low, 4, signed=True)} to {number(bar.high, 4, signed=True)})"


def title(name: str, row: Mapping[str, Any], does: str, score: str) -> str:
    """Return the page's sentence about a unit, true to its verdict.

    Parameters
    ----------
    row : mapping
        A row of a dictionary's units: verdict and title.
    does : str
        What a verified unit does, such as "rises with “position in the line”".
    score : str
        Its figure on unseen text, such as "R² 0.808".
    """
    label = f"“{row['title']}”"
    return {
        "verified": f"{name} {does}: {score} on unseen text, and the model relies on it",
        "correlated only": f"{name} tells {label}, {score} on unseen text, but the model is not shown to rely on it",
        "untrained too": f"{name} tells {label}, {score} on unseen text, but so do units of untrained models",
        "unexplained": f"No feature explains {name}; the nearest is {label}, {score} on unseen text",
        "chance": f"{name} is no nearer to any feature than chance brings some unit",
    }[str(row["verdict"])]


def tally(passed: Sequence[bool | None]) -> str:
    """Return how many of all checks hold; one that was not made (None) does not, and is told apart."""
    held, missing = sum(bool(one) for one in passed), sum(one is None for one in passed)
    more = f"; {count(missing)} not made" if missing else ""
    return f"{capital(count(held)) if held else 'None'} of {count(len(passed))} checks hold{more}"


# ---- every feature -------------------------------------------------------------------------------------------


def features(table: pd.DataFrame, palette: Palette, *, best: str, size: float = 16) -> go.Figure:
    """Draw the unit's strength for each feature as a bar, and the best of untrained models as a hollow mark.

    Parameters
    ----------
    table : DataFrame
        feature, title, signal, strength and untrained, the strongest first.
    best : str
        The feature that is the unit's label, in the accent.
    """
    letter = size / 16
    fig = go.Figure()
    fig.add_bar(
        x=table["strength"].clip(lower=0),
        y=table["feature"],
        orientation="h",
        marker={"color": [palette.accent if name == best else palette.line2 for name in table["feature"]]},
        customdata=table[["title", "signal"]],
        hovertemplate="%{customdata[0]}, by %{customdata[1]}: %{x:.3f}<extra></extra>",
    )
    fig.add_scatter(
        x=table["untrained"],
        y=table["feature"],
        mode="markers",
        marker={
            "size": 9 * letter,
            "color": palette.paper,
            "line": {"color": palette.soft, "width": 2 * letter},
        },
        hovertemplate="best unit of untrained models: %{x:.3f}<extra></extra>",
    )
    for row in table.itertuples():
        strength = number(max(row.strength, 0), 3)
        _line(fig, row.feature, row.title, strength, palette, letter, bold=row.feature == best)
    fig.update_annotations(yshift=16 * letter)
    style(fig, palette, size, 64 + 42 * len(table))
    fig.update_xaxes(range=[0, 1.02], tickvals=[0, 0.5, 1], ticktext=["0", "½", "1"])
    fig.update_xaxes(title_text="strength: |2 AUC − 1|, or the root of R²")
    fig.update_yaxes(visible=False, autorange="reversed")
    return fig.update_layout(bargap=0.74, hovermode="closest", margin_l=14 * letter, margin_r=14 * letter)


def features_conclusion(table: pd.DataFrame, best: str) -> str:
    """Return whether the unit stands for one feature or for several, and where untrained units do as well."""
    beyond = table[table["strength"] > table["untrained"]]
    if beyond.empty:
        return "For no feature is this unit stronger than some unit of untrained models."
    others = beyond[beyond["feature"] != best]
    said = f"For {count(len(beyond))} of {count(len(table))} features it is stronger than any unit of untrained models"
    if others.empty:
        return f"{said}: its label alone." if best in set(beyond["feature"]) else f"{said}."
    second = others.iloc[0]
    return f"{said}; beside its label the strongest is “{second['title']}”, {number(second['strength'], 3)}."


# ---- the unit taken out --------------------------------------------------------------------------------------


def loss_finding(bars: Sequence[Bar]) -> str:
    """Return what the removal did to the loss; of several bars the last is inside minus outside."""
    last, alone = bars[-1], len(bars) == 1
    if last.low <= 0 <= last.high:
        return f"Taking the unit out is not shown to {'cost anything' if alone else 'tell its concept from the rest'}"
    cost, more = f"{number(abs(last.value), 4)} nats", last.value > 0
    if alone:
        return f"Taking the unit out {'costs' if more else 'spares'} {cost} a symbol"
    return f"Taking the unit out costs {cost} {'more' if more else 'less'} inside its concept than outside"


def same(one: str, other: str) -> int:
    """Return how many characters two texts begin with in common."""
    apart = (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(apart, min(len(one), len(other)))


def parting(same: int, length: int) -> str:
    """Return where two texts of a length part."""
    if same >= length:
        return f"Without the unit the model writes the very same {thousands(length)} characters"
    return f"Without the unit the model writes something else from character {thousands(same + 1)} on"
