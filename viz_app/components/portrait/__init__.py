"""A cell as it is declared: its diagram without numbers, and its equations. For setting cells side by side."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

from rnncore.cells import Cell
from rnncore.cells.equations import trace
from viz_app.components.diagram.anatomy import untapped
from viz_app.components.diagram.layout import NARROW, layout

_FOLDER = Path(__file__).parent
_DIAGRAM = _FOLDER.parent / "diagram"


def portrait(cell: type[Cell], key: str) -> None:
    """Draw the cell."""
    _component()(key=key, data=picture(cell), height="content")


@lru_cache(maxsize=64)
def picture(cell: type[Cell]) -> dict[str, Any]:
    """Return what the browser draws: positions, and equations sign by sign."""
    equations = trace(cell)
    drawing = layout(equations, NARROW, "")
    number = {untapped(node): n for n, node in enumerate(drawing.values())}
    names = {untapped(line.tap): line.symbol for line in equations}
    names |= {node: node.name for node in number if node.operation == "state"}
    return {
        "title": cell.title,
        "drawings": {"narrow": drawing.plain(number)},
        "names": [names.get(node, "") for node in number],
        "meanings": {gate.symbol: gate.meaning for gate in cell.gates},
        "equations": [
            {"symbol": line.symbol, "signs": [[token.kind, token.text, token.below] for token in line.tokens()]}
            for line in equations
        ],
    }


@st.cache_resource
def _component() -> st.components.v2.types.ComponentRenderer:
    scripts = (_DIAGRAM / "drawing.js", _DIAGRAM / "panels.js", _FOLDER / "portrait.js")
    sheets = (_DIAGRAM / "inside.css", _FOLDER / "portrait.css")
    js, css = ("\n".join(path.read_text("utf-8") for path in paths) for paths in (scripts, sheets))
    html = '<div class="inside portrait"><div class="picture"><div class="drawing"></div></div>'
    html += '<div class="equations"></div></div>'
    return st.components.v2.component("rnncore.portrait", html=html, css=css, js=js)
