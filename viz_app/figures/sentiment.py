"""What a unit says of a text, in words; and where that lies among the texts of either class."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from viz_app.figures import edited
from viz_app.figures.edited import Block
from viz_app.figures.race import faint
from viz_app.figures.style import Palette, number, style
from viz_app.figures.words import THIN, listed, thousands

Two = tuple[str, str]

_WORD = re.compile(r"([^\W_]+(?:['’-][^\W_]+)*)")
"""A word, as :meth:`rnncore.analysis.Along.words` has it."""


def percent(value: float) -> str:
    """Return a part of the whole with one decimal: ``88.4 %``."""
    return f"{number(100 * value, 1)}{THIN}%"


def sure(p: float) -> str:
    """Return a probability as a judge would say it: ``87 %``, and never quite certain."""
    return f"over 99{THIN}%" if p > 0.995 else f"under 1{THIN}%" if p < 0.005 else f"{100 * p:.0f}{THIN}%"


def verdict(p: float, classes: Two) -> str:
    """Return which of two classes is the likelier one, and how likely."""
    return f"{classes[p > 0.5]}, {sure(max(p, 1 - p))}"


# ---- along a text --------------------------------------------------------------------------------------------


def finding(words: pd.DataFrame, threshold: float, polarity: int, classes: Two, alone: bool = True) -> str:
    """Return where a unit, or all together if it is not ``alone``, come to the last word on a text, and what that is.

    Parameters
    ----------
    words : DataFrame
        One row a word: word, after.
    threshold, polarity
        Beyond the threshold, above it where ``polarity`` is 1 and below it where it is -1, is the second class.
    """
    if not len(words):
        return "There is no word here to judge"
    second = (polarity * (words["after"] - threshold) > 0).to_numpy()
    said, end = classes[int(second[-1])], number(float(words["after"].iloc[-1]), signed=True)
    who, s = ("The unit", "s") if alone else ("All units together", "")
    others = np.flatnonzero(second != second[-1])
    if not len(others):
        return f"{who} say{s} {said} from the first word to the last, and end{s} at {end}"
    return f"{who} turn{s} to {said} at “{words['word'].iloc[int(others[-1]) + 1]}”, and end{s} at {end}"


def greatest(words: pd.DataFrame, most: int = 4) -> pd.DataFrame:
    """Return the words that changed the unit most, the greatest change first; none a tenth as great as that."""
    sizes = words["change"].abs().sort_values(ascending=False, kind="stable")
    return words.loc[sizes[sizes > 0.1 * sizes.max()].index[:most]]


def following(words: pd.DataFrame, polarity: int, classes: Two) -> str:
    """Return which words took the unit farthest to either side."""
    said = []
    for name, toward in ((classes[1], polarity * words["change"]), (classes[0], -polarity * words["change"])):
        most = toward[toward > 0].nlargest(2).index
        if len(most):
            told = [f"“{row.word}” ({number(row.change, signed=True)})" for row in words.loc[most].itertuples()]
            said.append(f"toward {name} by {listed(told)}")
    return f"It is moved most {', '.join(said)}." if said else ""


def changed(before: pd.Series, now: pd.Series, classes: Two, alone: bool = True) -> str:
    """Return what an edited text does to the verdict of a unit, or of all; rows of value, verdict and p."""
    was, ends = (number(float(row["value"]), signed=True) for row in (before, now))
    who, it, s = ("the unit", "it", "s") if alone else ("all units", "they", "")
    if was == ends:
        left = f"{who} where {it} {'was' if alone else 'were'}"
        return f"The change leaves {left}: {it} end{s} at {ends}, and say{s} {now['verdict']}"
    moved = f"With the change {who} end{s} at {ends}, not {was}"
    if before["verdict"] != now["verdict"]:
        return f"{moved}, and say{s} {now['verdict']}, not {before['verdict']}"
    points = 100 * float(now["p"] - before["p"])
    surely = f"{number(abs(points), 0)} points more {classes[points > 0]}" if abs(points) >= 0.5 else "as surely"
    return f"{moved}: still {now['verdict']}, {surely}"


def aligned(before: Sequence[str], now: Sequence[str]) -> list[Block]:
    """Return which steps of two texts belong together; what differs are whole words."""
    whole, ends = zip(*(_whole_words(text) for text in (before, now)), strict=True)
    return [
        Block(same, ends[0][a], ends[0][b], ends[1][c], ends[1][d])
        for same, a, b, c, d in edited.aligned(*map(tuple, whole))
    ]


def _whole_words(characters: Sequence[str]) -> tuple[list[str], list[int]]:
    """Return the words of a text and what stands between them, and the steps at which they begin; its end is last."""
    if any(len(one) > 1 for one in characters):  # they are words already
        return list(characters), list(range(len(characters) + 1))
    groups = [group for group in _WORD.split("".join(characters)) if group]
    return groups, [*accumulate(map(len, groups), initial=0)]


def course(
    table: pd.DataFrame,
    title: str,
    label: str,
    palette: Palette,
    *,
    threshold: float,
    polarity: int,
    marks: Sequence[tuple[str, int]],
) -> go.Figure:
    """Draw the unit along a text, to take home; the second class is up, and a pinned text dashed.

    Parameters
    ----------
    table : DataFrame
        One row a step: text ("pinned" or another name, which comes last), step, place, character, value.
    label : str
        What is drawn, such as "cell state of unit 88".
    marks : sequence of (word, step)
        Words to be written at the curve of the last text.
    """
    fig = go.Figure(layout_title_text=title)
    fig.add_hline(y=threshold, line={"color": palette.line2, "width": 1})
    for name, rows in table.groupby("text", sort=False):
        fig.add_scatter(
            x=rows["place"],
            y=rows["value"],
            mode="lines",
            line={"color": palette.soft, "dash": "dash"} if name == "pinned" else {"color": palette.ink},
            customdata=rows["character"],
            hovertemplate="“%{customdata}”: %{y:+.2f}<extra></extra>",
        )
    last = table[table["text"] == table["text"].iloc[-1]].set_index("step")
    for word, step in marks:
        fig.add_annotation(x=last["place"][step], y=last["value"][step], text=word, arrowcolor=palette.line2)
    style(fig, palette)
    fig.update_xaxes(title_text="step")
    return fig.update_yaxes(autorange="reversed" if polarity < 0 else True, title_text=label)


# ---- among all texts -----------------------------------------------------------------------------------------


def histogram(
    table: pd.DataFrame,
    classes: Two,
    palette: Palette,
    colours: Two,
    *,
    threshold: float,
    polarity: int,
    marks: list[tuple[str, float, str]],
    title: str,
    size: float = 16,
) -> go.Figure:
    """Draw how often each value is that of a text of either class, the second to the right.

    Parameters
    ----------
    table : DataFrame
        One row a bin: left, right, zero, one.
    colours : two str
        Of the classes, as #RRGGBB.
    marks : list of (name, value, colour)
        Texts to be shown in it; what lies beyond the bins stands at their edge.
    """
    letter, fig = size / 16, go.Figure(layout_title_text=title)
    edges = [*table["left"], table["right"].iloc[-1]]
    shares = {name: table[name] / max(1, table[name].sum()) for name in ("zero", "one")}
    top = max(float(share.max()) for share in shares.values())
    for name, kind, colour in zip(shares, classes, colours, strict=True):
        fig.add_scatter(
            x=edges,
            y=[*shares[name], 0],
            mode="lines",
            line={"shape": "hv", "width": 1.75 * letter, "color": colour},
            fill="tozeroy",
            fillcolor=faint(colour, 0.5),
            customdata=[*table[name], 0],
            hovertemplate=f"%{{x:.2f}}: %{{customdata}} {kind}<extra></extra>",
        )
    style(fig, palette, size, 270)
    low, high = edges[0], edges[-1]
    _name_hills(fig, table, shares, classes, colours, top, letter)
    fig.add_shape(
        type="line", x0=threshold, x1=threshold, y0=0, y1=0.1 * top, line={"color": palette.ink, "width": 2 * letter}
    )
    for place, (name, value, colour) in enumerate(marks):
        x = min(high, max(low, value))
        beyond = polarity * (value - x)
        text = f"{name} ›" if beyond > 0 else f"‹ {name}" if beyond < 0 else name
        left = (x - low) / (high - low) * polarity > (0.7 if polarity > 0 else -0.3)
        fig.add_shape(
            type="line", x0=x, x1=x, y0=0, y1=(1.45 - 0.14 * place) * top, line={"color": colour, "width": 2.5 * letter}
        )
        fig.add_annotation(
            x=x,
            y=(1.45 - 0.14 * place) * top,
            text=text,
            xanchor="right" if left else "left",
            xshift=(-5 if left else 5) * letter,
            yanchor="middle",
            showarrow=False,
            bgcolor=palette.paper,
            font={"color": colour, "size": 13 * letter, "weight": 600},
        )
    fig.update_yaxes(visible=False, range=[0, 1.55 * top])
    margin = 0.02 * (high - low)
    fig.update_xaxes(range=[low - margin, high + margin][::polarity], nticks=8)
    return fig.update_layout(hovermode="closest", margin_l=8 * letter, margin_r=8 * letter, margin_b=34 * letter)


def _name_hills(
    fig: go.Figure, table: pd.DataFrame, shares: dict[str, Any], classes: Two, colours: Two, top: float, letter: float
) -> None:
    """Write each class above the middle of its texts."""
    middles = (table["left"] + table["right"]) / 2
    for side, (name, title, colour) in enumerate(zip(shares, classes, colours, strict=True)):
        fig.add_annotation(
            x=float((middles * shares[name]).sum()),
            y=1.08 * top,
            text=title,
            xanchor=("right", "left")[side],
            showarrow=False,
            font={"color": colour, "size": 13 * letter, "weight": 600},
        )


def place(table: pd.DataFrame, value: float, polarity: int, classes: Two) -> str:
    """Return which part of either class lies farther toward the second class than a value."""
    middles = (table["left"] + table["right"]) / 2
    beyond = polarity * (middles - value) > 0
    parts = [float(table.loc[beyond, name].sum() / max(1, table[name].sum())) for name in ("zero", "one")]
    return (
        f"Farther toward {classes[1]} than this text lie {sure(parts[1])} of the {classes[1]} ones and "
        f"{sure(parts[0])} of the {classes[0]} ones, of {thousands(table[['zero', 'one']].to_numpy().sum())} in all."
    )
