"""Quality against length (Bahdanau 2015, figure 2): what attention gives as sentences grow longer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from viz_app.figures.style import Name, Palette, ends, number, style
from viz_app.figures.words import listed, share, thousands

MEASURES = {"exact": "Share that is right, letter for letter", "bleu": "BLEU"}


def table(measured: Mapping[str, Sequence[Mapping[str, Any]]], attends: Mapping[str, bool]) -> pd.DataFrame:
    """Return one row a model and class of lengths: first, last, words, count, exact with its interval, bleu."""
    rows = []
    for model, classes in measured.items():
        for one in classes:
            low, high = wilson(float(one["exact"]), int(one["count"]))
            first, last = int(one["first"]), int(one["last"])
            words = str(first) if first == last else f"{first}–{last}"
            known = {"count": int(one["count"]), "exact": float(one["exact"]), "bleu": float(one["bleu"])}
            rows.append(
                {"model": model, "attends": attends[model], "first": first, "last": last, "words": words}
                | known
                | {"exact_low": low, "exact_high": high}
            )
    return pd.DataFrame(rows)


def wilson(rate: float, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share that was counted (Wilson 1927)."""
    z2 = 1.96**2
    middle = (rate + z2 / (2 * count)) / (1 + z2 / count)
    reach = 1.96 * math.sqrt(rate * (1 - rate) / count + z2 / (4 * count**2)) / (1 + z2 / count)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def by_length(found: pd.DataFrame, measure: str, palette: Palette, colour: str, size: float = 16) -> go.Figure:
    """Draw one line a model: with attention in ``colour``, without it grey and hollow."""
    fig = go.Figure(layout_title_text=f"{MEASURES[measure]}, by the words of the sentence")
    classes = found.drop_duplicates("first").sort_values("first")
    places = {first: place for place, first in enumerate(classes["first"])}
    names, dashes = [], iter(("solid", "dash", "dot", "dashdot") * 8)
    scale = 100 if measure == "exact" else 1
    for model, rows in found.groupby("model", sort=False):
        with_it = bool(rows["attends"].iloc[0])
        own, y = colour if with_it else palette.soft, scale * rows[measure]
        error = None
        if measure == "exact":
            up, down = (scale * (rows[f"exact_{side}"] - rows["exact"]).abs() for side in ("high", "low"))
            error = {"array": up, "arrayminus": down, "color": own, "thickness": 1.5 * size / 16, "width": 0}
        fig.add_scatter(
            x=[places[first] for first in rows["first"]],
            y=y,
            mode="lines+markers",
            name=str(model),
            line={"color": own, "width": 2.5 * size / 16, "dash": next(dashes) if with_it else "solid"},
            marker={
                "size": 9 * size / 16,
                "color": own if with_it else palette.paper,
                "line": {"color": own, "width": 2},
            },
            error_y=error,
            customdata=rows[["words", "count"]],
            hovertemplate="%{customdata[0]} words: %{y:.1f}, %{customdata[1]} sentences<extra>%{fullData.name}</extra>",
        )
        alone = found.loc[found["attends"] == with_it, "model"].nunique() == 1  # and a short name tells it
        label = ("with attention" if with_it else "without") if alone else str(model)
        names.append(Name(label, float(y.iloc[-1]), own))
    style(fig, palette, size, 340)
    most = float((scale * found[measure]).max())
    top = 102.0 if measure == "exact" else 1.08 * max(most, 1)
    fig.update_yaxes(range=[-2 if measure == "exact" else 0, top], title_text="%" if measure == "exact" else "BLEU")
    labels = [
        f"{row.words}<br>{thousands(row.count_)}" for row in classes.rename(columns={"count": "count_"}).itertuples()
    ]
    fig.update_xaxes(
        range=[-0.3, len(labels) - 0.7],
        tickvals=list(range(len(labels))),
        ticktext=labels,
        title_text="words of the sentence; below, test sentences",
    )
    fig.update_layout(margin_r=130 * size / 16, margin_b=72 * size / 16)
    return ends(fig, names, palette, size)


def finding(found: pd.DataFrame, measure: str) -> str:
    """Return the sentence about the longest sentences, with and without attention."""
    longest = found[found["first"] == found["first"].max()]
    said = []
    for with_it, words in ((True, "with attention"), (False, "without it")):
        values = longest.loc[longest["attends"] == with_it, measure]
        if len(values):
            said.append(f"{_told(float(values.max()), measure)} {words}")
    if len(set(told := [one.split(" with")[0] for one in said])) < len(said):
        said = [f"{told[0]} both with attention and without it"]
    if measure == "exact":
        return f"Of the longest sentences, {listed(said)} are right"
    return f"On the longest sentences BLEU is {listed(said)}"


def _told(value: float, measure: str) -> str:
    return share(value) if measure == "exact" else number(value, 1)


def following(found: pd.DataFrame, measure: str) -> str:
    """Return where the gap between the two kinds is widest."""
    means = found.pivot_table(index="first", columns="attends", values=measure, aggfunc="max")
    if set(means.columns) != {True, False}:
        return "Only one kind of translator was measured here: train the other on the same pairs to compare."
    gap = (means[True] - means[False]).dropna()
    if gap.abs().max() < (0.0005 if measure == "exact" else 0.05):
        return "No class of lengths tells the two apart: sentences this short pass through one state whole."
    widest = gap.abs().idxmax()
    row = found[found["first"] == widest].iloc[0]
    points = 100 * gap[widest] if measure == "exact" else gap[widest]
    unit = "percentage points" if measure == "exact" else "BLEU"
    way = "ahead" if points >= 0 else "behind"
    plural = "word" if row["words"] == "1" else "words"
    said = f"Attention is farthest {way} at {row['words']} {plural}: by {number(abs(points), 1)} {unit}."
    bars = " Bars are 95 % intervals of the count; they know nothing of other seeds." if measure == "exact" else ""
    return f"{said} One training of each.{bars}"
