"""The one look of every figure: quiet grid, no box, names at the ends of lines, readable numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import plotly.graph_objects as go

from viz_app.figures.words import MINUS, THIN, power

SANS = "Inter, Helvetica Neue, Arial, sans-serif"
SERIF = "Source Serif, Georgia, serif"
LOGARITHM_OF_TINY = -307.65
"""log₁₀ of float64's smallest normal number: under it digits are lost, then everything."""


class Palette(Protocol):
    """The colours that a figure needs, by role."""

    @property
    def paper(self) -> str: ...
    @property
    def line(self) -> str: ...
    @property
    def line2(self) -> str: ...
    @property
    def ink(self) -> str: ...
    @property
    def soft(self) -> str: ...
    @property
    def accent(self) -> str: ...


class Name(NamedTuple):
    """A line's name, written at its end."""

    text: str
    y: float
    colour: str


def style(fig: go.Figure, palette: Palette, size: float = 16, height: float = 340) -> go.Figure:
    """Give ``fig`` the common look, and return it.

    Parameters
    ----------
    size : float
        Pixels of the page's root font: 16 on a laptop, 24 on a projector. Letters and lines grow with it.
    height : float
        In pixels at size 16.
    """
    scale = size / 16
    axis = {
        "gridcolor": palette.line,
        "gridwidth": 1,
        "linecolor": palette.line2,
        "zerolinecolor": palette.line2,
        "zerolinewidth": 1,
        "tickcolor": palette.line2,
        "tickfont": {"color": palette.soft, "size": 12.5 * scale},
        "title_font": {"color": palette.soft, "size": 12.5 * scale},
        "title_standoff": 10 * scale,
        "separatethousands": True,
        "fixedrange": True,
    }
    fig.update_layout(
        template="none",
        height=height * scale,
        font={"family": SANS, "size": 13 * scale, "color": palette.ink},
        title={"font": {"size": 15 * scale, "weight": 600}, "x": 0, "xanchor": "left", "xref": "container"},
        paper_bgcolor=palette.paper,
        plot_bgcolor=palette.paper,
        showlegend=False,
        margin={"l": 56 * scale, "r": 20 * scale, "t": (44 if fig.layout.title.text else 14) * scale, "b": 54 * scale},
        hoverlabel={
            "bgcolor": palette.paper,
            "bordercolor": palette.line2,
            "font": {"family": SANS, "size": 13 * scale, "color": palette.ink},
        },
        separators=f".{THIN}",
        dragmode=False,
    )
    fig.update_xaxes(showgrid=False, showline=True, ticks="outside", ticklen=5 * scale, zeroline=False, **axis)
    fig.update_yaxes(showgrid=True, showline=False, ticks="", ticklabelstandoff=int(6 * scale), **axis)
    return fig


def decades(fig: go.Figure, low: int, high: float = 0, most: int = 7) -> go.Figure:
    """Make the y axis logarithmic from 10 to the ``low`` to 10 to the ``high``, with ticks such as 10⁻⁸."""
    top = math.floor(high)
    step = next(step for step in (1, 2, 3, 5, 10, 20, 50, 100) if (high - low) / step < most)
    ticks = list(range(top - top % step, low - 1, -step))
    fig.update_yaxes(
        type="log",
        range=[low, high],
        tickvals=[10.0**tick if tick > -308 else 1e-308 for tick in ticks],
        ticktext=[power(tick) for tick in ticks],
    )
    return fig


def ends(fig: go.Figure, names: Sequence[Name], palette: Palette, size: float = 16) -> go.Figure:
    """Write each line's name right of the axis at its end's height, moved apart where they would touch."""
    scale = size / 16
    margin = fig.layout.margin
    pixels = fig.layout.height - margin.t - margin.b
    low, high = fig.layout.yaxis.range
    logarithmic = fig.layout.yaxis.type == "log"
    places = []
    for name in names:
        y = math.log10(max(name.y, 1e-308)) if logarithmic else name.y
        places.append(min(1.0, max(0.0, (y - low) / (high - low))))
    for name, place in zip(names, apart(places, 17 * scale / pixels, 0, 1), strict=True):
        fig.add_annotation(
            text=name.text,
            x=1,
            xref="paper",
            xanchor="left",
            xshift=8 * scale,
            y=place,
            yref="paper",
            yanchor="middle",
            showarrow=False,
            align="left",
            font={"color": name.colour, "size": 13 * scale, "weight": 600},
        )
    return fig


def apart(places: Sequence[float], gap: float, low: float = -math.inf, high: float = math.inf) -> list[float]:
    """Return ``places`` moved as little as needed, so that any two are at least ``gap`` apart, within bounds.

    Neighbours that touch are laid out as one block around their mean (pool adjacent violators). Where the bounds
    leave too little room, ``high`` gives way.
    """
    order = sorted(range(len(places)), key=lambda index: places[index])
    blocks: list[tuple[float, int]] = []  # mean of (place - rank * gap), number of names
    for rank, index in enumerate(order):
        blocks.append((places[index] - rank * gap, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (one, many), (other, more) = blocks.pop(-2), blocks.pop()
            blocks.append(((one * many + other * more) / (many + more), many + more))
    highest = high - (len(places) - 1) * gap
    ranked = [max(low, min(highest, mean)) for mean, number in blocks for _ in range(number)]
    moved = list(places)
    for rank, index in enumerate(order):
        moved[index] = ranked[rank] + rank * gap
    return moved


def symbol(letter: str) -> str:
    """Return a symbol of the equations as figures write it: italic, in the serif."""
    return f'<span style="font-family:{SERIF}"><i>{letter}</i></span>'


def number(value: float, digits: int = 2, signed: bool = False) -> str:
    """Return a number with a fixed count of decimals and a true minus sign."""
    return f"{value:{'+' if signed else ''}.{digits}f}".replace("-", MINUS)
