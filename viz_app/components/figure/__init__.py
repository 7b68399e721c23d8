"""A plotly figure on the page, and a row that takes it home as PNG, SVG, HTML or CSV.

Pictures are made in the visitor's browser from the very SVG on screen, HTML and CSV in Python when asked
for: nothing has to be installed and no outside host is asked.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from viz_app.figures.words import escaped

Point = dict[str, Any]
_FOLDER = Path(__file__).parent


def show(
    fig: go.Figure, data: pd.DataFrame, name: str, key: str, *, on_click: Callable[[Point], None] | None = None
) -> None:
    """Draw ``fig`` with its title above it and the download row below.

    The figure's own title is written as text, so that it wraps on a phone; downloads carry it.

    Parameters
    ----------
    fig : go.Figure
        Styled already, see :func:`viz_app.figures.style`.
    data : DataFrame
        The numbers that are drawn, as the CSV holds them.
    name : str
        Name of the downloaded files, without an ending.
    key : str
        Unique on the page.
    on_click : callable, optional
        Called before the page runs again with the point that was clicked, as plotly describes it: ``x``, ``y``,
        ``customdata``, ``curve_number``. Only traces with markers, be they invisible, can be clicked.
    """
    title = fig.layout.title.text or ""
    drawn = go.Figure(fig).update_layout(title_text="", margin_t=12)

    def clicked() -> None:
        points = st.session_state[f"chart-{key}"]["selection"]["points"]
        if points and on_click:
            on_click(points[0])

    with st.container(key=f"figure-{key}", gap="small"):
        if title:
            st.markdown(f"**{escaped(title)}**")
        st.plotly_chart(
            drawn,
            key=f"chart-{key}",
            theme=None,
            config={"displayModeBar": False, "scrollZoom": False, "doubleClick": False},
            on_select=clicked if on_click else "ignore",
            selection_mode="points",
        )
        with st.container(horizontal=True, gap="small", vertical_alignment="center", key=f"downloads-{key}"):
            _pictures()(
                key=f"pictures-{key}",
                data={"figure": f"st-key-figure-{key}", "name": name, "title": title},
                width="content",
                height="content",
            )
            _files(lambda: fig, lambda: data, name, key)


def downloads(fig: Callable[[], go.Figure], data: Callable[[], pd.DataFrame], name: str, key: str) -> None:
    """Offer a drawing that is no plotly figure: as HTML, a figure that shows the same, and its numbers as CSV.

    Both are made when asked for, in a thread that knows no page: they may not ask the session anything.
    """
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key=f"downloads-{key}"):
        st.markdown(":small[:gray[Download]]", width="content")
        _files(fig, data, name, key)


def _files(fig: Callable[[], go.Figure], data: Callable[[], pd.DataFrame], name: str, key: str) -> None:
    _button("HTML", lambda: page(fig(), name), name, "text/html", key)
    _button("CSV", lambda: data().to_csv(index=False).encode(), name, "text/csv", key)


def page(fig: go.Figure, name: str) -> bytes:
    """Return ``fig`` as one HTML file that needs no network: plotly's own code (4.7 MB) is inside."""
    paper = fig.layout.paper_bgcolor or "white"
    body = fig.to_html(full_html=False, include_plotlyjs=True, config={"displaylogo": False})
    head = f'<meta charset="utf-8"><title>{html.escape(name)}</title>'
    return f'<!doctype html><html><head>{head}</head><body style="background:{paper}">{body}</body></html>'.encode()


@st.cache_resource
def _pictures() -> st.components.v2.types.ComponentRenderer:
    """Register the two picture buttons once."""
    css, js = ((_FOLDER / file).read_text("utf-8") for file in ("pictures.css", "pictures.js"))
    return st.components.v2.component("rnncore.pictures", css=css, js=js)


def _button(kind: str, make: Callable[[], bytes], name: str, mime: str, key: str) -> None:
    ending = kind.lower()
    st.download_button(
        kind,
        make,  # called when pressed, not before
        file_name=f"{name}.{ending}",
        mime=mime,
        key=f"{ending}-{key}",
        type="tertiary",
        on_click="ignore",
    )
