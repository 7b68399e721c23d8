"""How attention shortens the gradient's way: at each source token, by what was read, and by the states alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from viz_app.figures.style import Name, Palette, decades, ends, style
from viz_app.figures.words import scientific, share

WAYS = {"attention": "attention", "recurrent": "states", "twin": "no attention"}


def ways(source: Sequence[str], norms: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return one row for each way and source token: place, token, way, norm in nats per unit."""
    tables = [
        pd.DataFrame({"place": range(len(source)), "token": list(source), "way": way, "norm": values})
        for way, values in norms.items()
    ]
    return pd.concat(tables, ignore_index=True)


def by_source(table: pd.DataFrame, palette: Palette, colour: str, size: float = 16) -> go.Figure:
    """Draw the norms along the source, on a log axis; a way that is closed has no line."""
    fig = go.Figure(layout_title_text="Size of the loss’s gradient at each source token")
    looks = {
        "attention": (colour, "solid"),
        "recurrent": (palette.ink, "solid"),
        "twin": (palette.soft, "dot"),
    }
    names = []
    for way, rows in table[table["norm"] > 0].groupby("way", sort=False):
        own, dash = looks[str(way)]
        fig.add_scatter(
            x=rows["place"],
            y=rows["norm"],
            mode="lines+markers",
            name=WAYS[str(way)],
            line={"color": own, "width": 2.25 * size / 16, "dash": dash},
            marker={
                "size": 7 * size / 16,
                "color": own if way != "twin" else palette.paper,
                "line": {"color": own, "width": 1.5},
            },
            customdata=rows["token"],
            hovertemplate="“%{customdata}”: %{y:.2g}<extra>%{fullData.name}</extra>",
        )
        names.append(Name(WAYS[str(way)], float(rows["norm"].iloc[-1]), own))
    style(fig, palette, size, 340)
    logs = np.log10(table.loc[table["norm"] > 0, "norm"])
    low, high = int(np.floor(logs.min() - 0.1)), float(logs.max() + 0.3)
    decades(fig, low, high)
    tokens = table.drop_duplicates("place")
    long = tokens["token"].str.len().max() > 3
    fig.update_xaxes(
        tickvals=tokens["place"],
        ticktext=[str(token).replace("<", "‹") for token in tokens["token"]],
        tickangle=-45 if long else 0,
        range=[-0.5, len(tokens) - 0.5],
        title_text="source token",
    )
    fig.update_yaxes(title_text="nats per unit")
    fig.update_layout(margin_r=104 * size / 16, margin_l=72 * size / 16, margin_b=(84 if long else 54) * size / 16)
    return ends(fig, names, palette, size)


def finding(table: pd.DataFrame, token: str) -> str:
    """Return the sentence about the source token at which the loss pulls hardest."""
    sums = table.pivot(index="place", columns="way", values="norm").fillna(0)
    if "attention" not in sums or not sums["attention"].any():
        place = sums["recurrent"].idxmax()
        return f"Without attention the loss of “{token}” reaches “{_token(table, place)}” through the states alone"
    place = sums["attention"].idxmax()
    ratio = sums.loc[place, "attention"] / max(sums.loc[place, "recurrent"], 1e-300)
    if ratio < 1:
        stronger, weaker = "the states", "attention"
    else:
        stronger, weaker = "attention", "the states"
    at = f"At “{_token(table, place)}” the loss of “{token}” pulls {scientific(max(ratio, 1 / ratio))} times harder"
    return f"{at} through {stronger} than through {weaker}"


def following(table: pd.DataFrame) -> str:
    """Return two sentences: where each way leads, and what the model without attention has."""
    said = []
    norms = {way: rows.set_index("place")["norm"] for way, rows in table.groupby("way")}
    if "attention" in norms and norms["attention"].any():
        one, total = norms["attention"], norms["attention"] + norms["recurrent"]
        said.append(
            f"Summed over the source, {share(float(one.sum() / total.sum()))} of the two norms comes by way of what "
            "attention read."
        )
    for way in ("recurrent", "twin"):
        if way in norms and norms[way].any() and len(norms[way]) > 2:
            inner = norms[way].iloc[:-1]
            whose = "without attention" if way == "twin" else "here"
            times = scientific(float(inner.max() / max(inner.min(), 1e-300)))
            most, least = (_token(table, int(place)) for place in (inner.idxmax(), inner.idxmin()))
            said.append(
                f"Through the states {whose} the largest norm, at “{most}”, is {times} times the smallest, at "
                f"“{least}”."
            )
    return " ".join(said[:2])


def _token(table: pd.DataFrame, place: int) -> str:
    return str(table.loc[table["place"] == place, "token"].iloc[0])
