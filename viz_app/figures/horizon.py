"""The memory horizon: by gradient beside that by behaviour, one number each and the curves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape

import pandas as pd
import plotly.graph_objects as go

from viz_app.figures.decay import COLUMNS
from viz_app.figures.race import faint
from viz_app.figures.style import Name, Palette, ends, style
from viz_app.figures.words import capital, listed, scientific, thousands

KINDS = {"truncated": "left out", "swapped": "replaced by another passage", "shuffled": "put in random order"}
"""What is done to the context beyond a length, in words."""


def numbers(table: pd.DataFrame, palette: Palette, colours: Mapping[str, str], *, size: float = 16) -> go.Figure:
    """Draw each model's two numbers on one axis: a ring where the gradient is gone, a dot where context is of no use.

    Parameters
    ----------
    table : DataFrame
        A row a model: model, label, gradient (nan: never gone), truncated, swapped, shuffled, longest, and error,
        the standard error in nats of the excess loss just before the context ``truncated``.
    """
    scale = size / 16
    fig = go.Figure()
    longest = int(table["longest"].max())
    for place, row in enumerate(table.itertuples()):
        colour = colours[str(row.model)]
        gradient = row.gradient if math.isfinite(row.gradient) else longest
        ends_ = [gradient, row.truncated]
        fig.add_scatter(x=[0, longest], y=[place] * 2, mode="lines", line={"color": palette.line}, hoverinfo="skip")
        line = {"color": colour, "width": 2.5 * scale}
        fig.add_scatter(x=ends_, y=[place] * 2, mode="lines", line=line, hoverinfo="skip")
        fig.add_scatter(
            x=ends_,
            y=[place] * 2,
            mode="markers",
            marker={
                "size": 13 * scale,
                "color": [palette.paper, colour],
                "line": {"color": colour, "width": 2.5 * scale},
            },
            customdata=["gradient under a hundredth", "context of no more use"],
            hovertemplate="%{customdata}: %{x}<extra></extra>",
            cliponaxis=False,
        )
        for text, x, anchor in (
            (f"<b>{escape(str(row.label))}</b>", 0, "left"),
            (f"{_lag(row.gradient, longest)} by gradient, {_context(row.truncated, longest)} by use", 1, "right"),
        ):
            fig.add_annotation(
                text=text, x=x, xref="paper", xanchor=anchor, y=place, yanchor="bottom", yshift=9 * scale
            ).update_annotations(showarrow=False)
    style(fig, palette, size, 90 + 62 * len(table))
    fig.update_xaxes(range=[0, longest], title_text="characters back", nticks=6)
    fig.update_yaxes(range=[len(table) - 0.5, -0.9], visible=False)
    return fig.update_layout(margin_l=14 * scale, hovermode="closest")


def lags(by_lag: pd.DataFrame, model: str, label: str) -> pd.DataFrame:
    """Return a horizon's gradient by lag with the columns of :func:`viz_app.figures.decay`: s is the full state."""
    columns = {
        "model": model,
        "label": label,
        "signal": "s",
        "layer": -1,
        "step": -by_lag["lag"],
        "character": "",
        "distance": by_lag["lag"],
        "gradient": by_lag["gradient"],
        "relative": by_lag["gradient"],
        "underflow": False,
    }
    return pd.DataFrame(columns)[list(COLUMNS)]


def excess(
    table: pd.DataFrame,
    palette: Palette,
    colours: Mapping[str, str],
    *,
    kind: str,
    tolerance: float,
    size: float = 16,
) -> go.Figure:
    """Draw the excess loss by length of context, with a band of two standard errors to each side.

    Parameters
    ----------
    table : DataFrame
        model, label, context, and for each kind its mean excess loss in nats and ``kind_error``.
    tolerance : float
        Where the rest of the context counts as of no use: a line.
    """
    scale = size / 16
    fig, names = go.Figure(), []
    for model, rows in table.groupby("model", sort=False):
        colour, label = colours[str(model)], escape(str(rows["label"].iloc[0]))
        edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "x": rows["context"]}
        fig.add_scatter(y=rows[kind] - 2 * rows[f"{kind}_error"], **edge)
        fig.add_scatter(y=rows[kind] + 2 * rows[f"{kind}_error"], fill="tonexty", fillcolor=faint(colour), **edge)
        fig.add_scatter(
            x=rows["context"],
            y=rows[kind],
            mode="lines+markers",
            marker={"size": 5 * scale, "color": colour},
            line={"color": colour, "width": 2.5 * scale},
            customdata=[f"{value:+.3f}".replace("-", "−") for value in rows[kind]],
            name=label,
            hovertemplate="%{customdata} nats",
        )
        names.append(Name(label, float(rows[kind].iloc[-1]), colour))
    style(fig, palette, size, 330)
    high = float(table[kind].max())
    ticks = [tick for tick in (1, 3, 10, 30, 100, 300, 1000) if tick <= table["context"].max()]
    fig.update_xaxes(type="log", tickvals=ticks, ticktext=[str(tick) for tick in ticks])
    fig.update_xaxes(title_text=f"characters of context kept; what came before is {KINDS[kind]}")
    fig.update_yaxes(range=[min(-0.05 * high, -tolerance), 1.08 * high], title_text="excess loss, nats")
    fig.add_hline(y=tolerance, line={"color": palette.soft, "width": 1 * scale, "dash": "2px,3px"}, layer="below")
    fig.update_layout(margin_r=92 * scale, margin_l=72 * scale, hovermode="x unified")
    return ends(fig, names, palette, size)


def longest_memory(table: pd.DataFrame) -> str:
    """Return the finding: both horizons of each model, the longest use first."""
    rows = list(table.sort_values("truncated", ascending=False, kind="stable").itertuples())
    used = [f"{_context(row.truncated, row.longest)} in the {row.label}" for row in rows]
    used[0] = used[0].replace(" in ", " characters in ", 1)
    reached = [_lag(row.gradient, row.longest) for row in rows]
    return f"Context is of use for {listed(used)}; the gradient reaches {listed(reached)}"


def horizon_conclusion(table: pd.DataFrame) -> str:
    """Return whether the two horizons agree; one that lies beyond the longest looked at is only known to be larger."""
    reach = table["gradient"].fillna(table["longest"])
    far, short = table["truncated"] > 1.5 * reach, reach > 1.5 * table["truncated"]
    far, short = far & table["gradient"].notna(), short & (table["truncated"] < table["longest"])
    unknown = (table["gradient"].isna() | (table["truncated"] >= table["longest"])) & ~far & ~short
    farther, shorter, open_ = (list(table.loc[which, "label"]) for which in (far, short, unknown))
    alike = list(table.loc[~far & ~short & ~unknown, "label"])
    said = []
    if farther:
        said.append(
            f"{_all(farther)} still use{'' if len(farther) > 1 else 's'} characters whose gradient is all but gone: "
            "small gradients, summed over many characters, are not nothing"
        )
    if shorter:
        said.append(
            f"{_all(shorter)} would feel a change farther back than reading so far helps: sensitivity is not use"
        )
    if alike:
        said.append(f"in {_all(alike)} the two horizons agree within a factor of one and a half")
    if open_:
        longest = thousands(int(table["longest"].max()))
        said.append(f"whether they agree in {_all(open_)} is unknown: one or both lie beyond the {longest} looked at")
    return f"{capital('; '.join(said))}."


def certainty(table: pd.DataFrame, tolerance: float) -> str:
    """Return how sure the dots are: the largest standard error of the excess loss just before one of them."""
    error = float(table["error"].max())
    sure = "finer than" if error < tolerance / 2 else "no finer than"
    head = f"Just before the dots a standard error is up to {scientific(error)} nats"
    return f"{head}, {sure} the {tolerance:g} that is asked for."


def _all(labels: list[str]) -> str:
    return listed([f"the {label}" for label in labels])


def kinds_conclusion(table: pd.DataFrame, kind: str) -> str:
    """Return what taking all but one character of context away costs each model."""
    first = table.sort_values("context").groupby("model", sort=False).first()
    costs = [f"the {row['label']} {scientific(row[kind])}" for _, row in first.iterrows()]
    least = int(table["context"].min())
    return f"With {thousands(least)} character{'s' if least != 1 else ''} kept it costs {listed(costs)} nats."


def _lag(lag: float, longest: int) -> str:
    return thousands(lag) if math.isfinite(lag) else f"beyond {thousands(longest)}"


def _context(context: float, longest: int) -> str:
    return f"{thousands(context)} or more" if context >= longest else thousands(context)
