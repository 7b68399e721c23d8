"""States that are like one, as points of a plane, each with its token."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from viz_app.figures.style import Palette, style
from viz_app.figures.words import listed, share

METHODS = {"pca": "principal components", "t-sne": "t-SNE"}


def plane(
    found: pd.DataFrame, points: np.ndarray, token: str, method: str, palette: Palette, size: float = 16
) -> go.Figure:
    """Draw neighbours as their tokens; the last point is the state that was asked for.

    Parameters
    ----------
    found : DataFrame
        Columns token, similarity, source, target, one row a neighbour.
    points : float [neighbour + 1, 2]
    """
    fig = go.Figure(layout_title_text=f"The neighbourhood, by {METHODS[method]}")
    fig.add_scatter(
        x=points[:-1, 0],
        y=points[:-1, 1],
        mode="text",
        text=[_plain(one) for one in found["token"]],
        textfont={"size": 14 * size / 16, "color": palette.soft},
        customdata=np.stack(
            [found["source"].map(_plain), found["target"].map(_plain), found["similarity"].round(3)], 1
        ),
        hovertemplate="%{customdata[0]} → %{customdata[1]}<br>cosine %{customdata[2]}<extra></extra>",
    )
    fig.add_scatter(
        x=points[-1:, 0],
        y=points[-1:, 1],
        mode="markers+text",
        text=[_plain(token)],
        textposition="top center",
        textfont={"size": 15 * size / 16, "color": palette.accent, "weight": 700},
        marker={"size": 11 * size / 16, "color": palette.accent},
        hovertemplate="this state<extra></extra>",
    )
    style(fig, palette, size, 400)
    fig.update_xaxes(showticklabels=False, ticks="", title_text="first direction" if method == "pca" else "")
    fig.update_yaxes(showticklabels=False, title_text="second direction" if method == "pca" else "")
    fig.update_layout(margin_l=36 * size / 16)
    return fig


def finding(found: pd.DataFrame, token: str, kind: str) -> str:
    """Return the sentence about how many neighbours are states of the same token."""
    same = float((found["token"] == token).mean())
    others = [f"“{other}”" for other in found.loc[found["token"] != token, "token"].value_counts().index[:3]]
    rest = f"; the others belong to {listed(others)}" if others else ""
    return f"{share(same)} of the nearest {kind} states belong to “{token}” as well{rest}"


def _plain(text: str) -> str:
    """Return text without what plotly would take for markup."""
    return text.replace("<", "‹").replace(">", "›").replace("&", "＆")
