"""The ladder of error types as bars, closing brackets against distance, and what they say in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from viz_app.figures.style import Palette, number, style
from viz_app.figures.words import count, listed, share, thousands

PHRASES = {
    "n-gram": "would have been spared by n-grams",
    "n-long memory": "are in words read shortly before",
    "rare word": "are in words that training hardly had",
    "word model": "ask which word comes next",
    "punctuation": "ask for a punctuation mark",
    "rest": "are of none of these kinds",
}
"""What the errors of each type are, as what follows a share of them."""

ENOUGH = 20
"""So many pairs make a range of distances worth a sentence."""


# ---- the ladder ----------------------------------------------------------------------------------------------


def by_type(shares: pd.DataFrame) -> pd.DataFrame:
    """Return type, errors, share and nats of each type, in the order of the ladder."""
    groups = shares.groupby("type", observed=False, sort=True)
    return groups[["errors", "share", "nats"]].sum().reset_index().astype({"type": str})


def bars(shares: pd.DataFrame, palette: Palette, colours: Mapping[str, str], *, size: float = 16) -> go.Figure:
    """Draw the share of errors of each type, cut by detail; a tick is the type's share of their loss.

    Parameters
    ----------
    shares : DataFrame
        type, detail, errors, share and nats, such as :class:`rnncore.analysis.Ladder` has.
    """
    scale = size / 16
    fig, totals = go.Figure(), by_type(shares)
    for row in shares.itertuples():
        kind = str(row.type)
        fig.add_bar(
            y=[kind],
            x=[row.share],
            orientation="h",
            marker={"color": colours[kind], "line": {"color": palette.paper, "width": scale}},
            hovertemplate=f"{detail(kind, row.detail)}: {thousands(row.errors)} errors, %{{x:.1%}}<extra></extra>",
        )
    fig.add_scatter(
        y=totals["type"],
        x=totals["nats"],
        mode="markers",
        marker={"symbol": "line-ns", "size": 20 * scale, "line": {"width": 2.5 * scale, "color": palette.ink}},
        hovertemplate="%{x:.1%} of the errors’ loss<extra></extra>",
    )
    for row in totals.itertuples():
        fig.add_annotation(
            text=f"<b>{row.type}</b>  {share(row.share)}",
            x=0,
            xanchor="left",
            xshift=-4 * scale,
            y=row.type,
            yshift=21 * scale,
            showarrow=False,
        )
    style(fig, palette, size, 70 + 58 * len(totals))
    reach = float(totals[["share", "nats"]].to_numpy().max())
    fig.update_yaxes(visible=False, autorange="reversed")
    fig.update_xaxes(range=[0, 1.05 * max(reach, 0.01)], tickformat=".0%", nticks=5, title_text="share of all errors")
    return fig.update_layout(barmode="stack", bargap=0.62, margin_l=14 * scale, hovermode="closest")


def detail(kind: str, value: float) -> str:
    """Return what is known of an error beside its type."""
    if math.isnan(value):
        return kind
    whole = thousands(value)
    return {
        "n-gram": f"a {whole}-gram gives it more than half",
        "n-long memory": f"its word was read within the last {whole} characters",
        "rare word": f"its word is {'once' if value == 1 else f'{whole} times' if value else 'never'} in training",
        "rest": f"given {whole if value >= 1 else f'{100 * value:.0f} to {100 * value + 10:.0f} %'}",
    }.get(kind, kind)


def finding(shares: pd.DataFrame, name: str) -> str:
    """Return the sentence about the two largest types."""
    if shares.empty:
        return f"{name} gives every character of this text more than one half"
    largest = by_type(shares).sort_values("share", ascending=False, kind="stable").head(2)
    said = [f"{share(row.share)} {PHRASES[row.type]}" for row in largest.itertuples() if row.share > 0]
    return f"Of {name}’s errors {listed(said)}"


def conclusion(shares: pd.DataFrame, asked: int) -> str:
    """Return how often the model errs and what would take most of the errors, and of their loss, away."""
    totals = by_type(shares)
    wrong = int(totals["errors"].sum())
    head = f"It gives {share(wrong / max(asked, 1))} of the {thousands(asked)} characters less than one half."
    if not wrong:
        return head
    known = totals.set_index("type")
    memory = float(known["share"].get("n-gram", 0) + known["share"].get("n-long memory", 0))
    dearest = totals.loc[totals["nats"].idxmax()]
    return (
        f"{head} An n-gram model, or a memory of the words just read, would have spared it {share(memory)} of these "
        f"errors. Those that {PHRASES[dearest['type']]} cost most: {share(dearest['nats'])} of the errors’ loss."
    )


# ---- closing brackets ----------------------------------------------------------------------------------------


def advantage(
    table: pd.DataFrame, palette: Palette, colour: str, *, name: str, rival: str, size: float = 16
) -> go.Figure:
    """Draw both models' mean probability of the closing bracket by distance, and below their difference.

    Parameters
    ----------
    table : DataFrame
        first, last, pairs, network, ngram, advantage, low and high, such as :class:`rnncore.analysis.Closing` has.
    """
    scale = size / 16
    fig = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.1, row_heights=[0.5, 0.5])
    x = [math.sqrt(first * last) for first, last in zip(table["first"], table["last"], strict=True)]
    told = [f"{_range(row)} characters, {thousands(row.pairs)} pairs" for row in table.itertuples()]
    for column, tint, who in (("network", colour, name), ("ngram", palette.soft, rival)):
        fig.add_scatter(
            x=x,
            y=table[column],
            mode="lines+markers",
            line={"color": tint, "width": 2.5 * scale, "dash": "solid" if column == "network" else "4px,4px"},
            marker={"size": 7 * scale, "color": tint},
            customdata=told,
            hovertemplate=f"{who}: %{{y:.2f}}<br>%{{customdata}}<extra></extra>",
            row=1,
            col=1,
        )
    fig.add_scatter(
        x=x,
        y=table["advantage"],
        mode="markers",
        marker={"size": 10 * scale, "color": colour},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": table["high"] - table["advantage"],
            "arrayminus": table["advantage"] - table["low"],
            "color": colour,
            "thickness": 2 * scale,
            "width": 5 * scale,
        },
        customdata=told,
        hovertemplate="%{y:+.2f}<br>%{customdata}<extra></extra>",
        row=2,
        col=1,
    )
    style(fig, palette, size, 480)
    ticks = [tick for tick in (1, 3, 10, 30, 100, 300, 1000, 3000, 10000) if tick <= 1.3 * max(x)]
    fig.update_xaxes(type="log", tickvals=ticks, ticktext=[thousands(tick) for tick in ticks])
    fig.update_xaxes(title_text="characters since the bracket was opened", row=2, col=1)
    fig.update_yaxes(range=[0, 1], title_text="mean probability", row=1, col=1)
    fig.update_yaxes(title_text="difference", zeroline=True, row=2, col=1)
    fig.update_layout(
        hovermode="closest", margin_l=66 * scale, margin_r=(30 + 7.5 * max(len(name), len(rival))) * scale
    )
    for who, column, tint in ((name, "network", colour), (rival, "ngram", palette.soft)):
        fig.add_annotation(
            text=f"<b>{who}</b>",
            x=1,
            xref="paper",
            xanchor="left",
            xshift=8 * scale,
            y=float(table[column].iloc[-1]),
            yref="y",
            showarrow=False,
            font={"color": tint, "size": 13 * scale},
        )
    return fig


def telling(table: pd.DataFrame) -> Any:
    """Return the row of the farthest range of distances with enough pairs, or where none has, of that with most."""
    enough = table[table["pairs"] >= ENOUGH]
    rows = enough if len(enough) else table[table["pairs"] == table["pairs"].max()]
    return list(rows.itertuples())[-1]


def _range(row: Any) -> str:
    """Return from which to which distance a row of the table goes."""
    return f"{thousands(row.first)} to {thousands(row.last)}"


def closing_finding(table: pd.DataFrame, name: str, brackets: str, order: int) -> str:
    """Return the sentence about the farthest brackets of which there are enough."""
    row = telling(table)
    where = f"{_range(row)} characters after its “{brackets[0]}”"
    end = brackets[1]
    if row.low > 0:
        gives = f"{name} still gives “{end}” {number(row.advantage)} more probability than a {order}-gram"
    elif row.high < 0:
        gives = f"{name} gives “{end}” {number(-row.advantage)} less probability than a {order}-gram"
    else:
        gives = f"no advantage of {name} over a {order}-gram is shown for “{end}”"
    return f"{where[:1].upper() + where[1:]}, {gives}"


def closing_conclusion(table: pd.DataFrame, order: int) -> str:
    """Return the interval of the range that the title speaks of, and at which distances it excludes zero."""
    row, sure = telling(table), table[table["low"] > 0]
    head = (
        f"At {_range(row)} characters the 95 % interval of the difference is {number(row.low, signed=True)} to "
        f"{number(row.high, signed=True)}, over {thousands(row.pairs)} pairs"
    )
    if sure.empty:
        return f"{head}; at no distance does it exclude zero: a memory of open brackets is not shown."
    said = [_range(one) for one in sure.itertuples()]
    return (
        f"{head}. It lies above zero in {count(len(sure))} of {count(len(table))} ranges: {listed(said)} characters. "
        f"From {order} characters on the opened bracket is out of the n-gram’s sight."
    )
