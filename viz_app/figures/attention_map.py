"""An attention map to take home: a figure that needs no page around it, and its numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from viz_app.figures.style import Palette, style


def table(weights: np.ndarray, source: Sequence[str], target: Sequence[str]) -> pd.DataFrame:
    """Return one row a pair of tokens: step and target, position and source, both from 1, and the weight."""
    steps, places = np.indices(weights.shape)
    return pd.DataFrame(
        {
            "step": steps.ravel() + 1,
            "target": np.repeat(np.asarray(target, object), len(source)),
            "position": places.ravel() + 1,
            "source": np.tile(np.asarray(source, object), len(target)),
            "weight": weights.ravel(),
        }
    )


def heatmap(
    weights: np.ndarray, source: Sequence[str], target: Sequence[str], title: str, palette: Palette, colour: str
) -> go.Figure:
    """Draw the weights, one row per target token, the first at the top; the scale ends at 1."""
    fig = go.Figure(layout_title_text=title)
    fig.add_heatmap(
        z=weights,
        zmin=0,
        zmax=1,
        colorscale=[(0, palette.paper), (1, colour)],
        xgap=1,
        ygap=1,
        customdata=np.array([[(word, read) for read in source] for word in target], object),
        hovertemplate="“%{customdata[0]}” reads “%{customdata[1]}” with %{z:.3f}<extra></extra>",
        colorbar={"title": {"text": "weight"}, "thickness": 12},
    )
    style(fig, palette, height=140 + 28 * len(target))
    fig.update_xaxes(tickvals=list(range(len(source))), ticktext=list(source), side="top", showgrid=False)
    fig.update_yaxes(tickvals=list(range(len(target))), ticktext=list(target), autorange="reversed", showgrid=False)
    return fig.update_layout(margin={"t": 120, "l": 120})
