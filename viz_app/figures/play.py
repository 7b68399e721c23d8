"""Frames that a browser plays: a button and a slider that lead paths from their start to their end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import plotly.graph_objects as go

from viz_app.figures.style import Palette

Path = TypeVar("Path")


def frames(
    fig: go.Figure,
    paths: Sequence[Path],
    looks: Callable[[Path], list[Any]],
    drawn: Callable[[Path, int], list[dict[str, Any]]],
    last: int,
) -> None:
    """Add the paths whole, and a frame for each update up to ``last``.

    ``looks`` returns the traces of a path without their coordinates, ``drawn`` these coordinates up to an update.
    Frames hold nothing else: plotly takes seconds to check what a hundred of them look like.
    """
    first = len(fig.data)
    for path in paths:
        fig.add_traces([look.update(place) for look, place in zip(looks(path), drawn(path, last), strict=True)])
    places = list(range(first, len(fig.data)))
    kind = fig.data[first].type
    fig.frames = [
        {
            "name": str(update),
            "data": [{"type": kind, **place} for path in paths for place in drawn(path, update)],
            "traces": places,
        }
        for update in range(last + 1)
    ]


def controls(fig: go.Figure, last: int, palette: Palette, size: float) -> None:
    """Add the button and the slider that play the frames in the browser."""
    scale = size / 16
    at_once = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}
    slow = {**at_once, "frame": {"duration": 120, "redraw": True}, "fromcurrent": False}
    font = {"color": palette.soft, "size": 12.5 * scale}
    fig.update_layout(
        updatemenus=[
            {
                "type": "buttons",
                "direction": "left",
                "showactive": False,
                "x": 0,
                "xanchor": "left",
                "y": 0,
                "yanchor": "top",
                "pad": {"t": 56 * scale, "l": 4 * scale},
                "bgcolor": palette.paper,
                "bordercolor": palette.line2,
                "font": {"color": palette.ink, "size": 13 * scale},
                "buttons": [{"label": "▶ Play", "method": "animate", "args": [None, slow]}],
            }
        ],
        sliders=[
            {
                "active": last,
                "x": 0,
                "xanchor": "left",
                "len": 1,
                "y": 0,
                "yanchor": "top",
                "pad": {"t": 46 * scale, "l": 96 * scale, "r": 8 * scale, "b": 0},
                "currentvalue": {"prefix": "after update ", "font": font, "xanchor": "left"},
                "bgcolor": palette.line,
                "activebgcolor": palette.accent,
                "bordercolor": palette.line2,
                "tickcolor": palette.paper,
                "ticklen": 0,
                "minorticklen": 0,
                "font": {"color": palette.paper, "size": 1},
                "steps": [
                    {"label": str(update), "method": "animate", "args": [[str(update)], at_once]}
                    for update in range(last + 1)
                ],
            }
        ],
    )
