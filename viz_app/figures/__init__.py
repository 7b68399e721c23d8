"""Figures: arrays and tables in, plotly figures out. Pure functions, usable from a notebook."""

from viz_app.figures.decay import across, change, changes, decay, finding, pace, paces
from viz_app.figures.flow import flow
from viz_app.figures.matched import matched
from viz_app.figures.parts import parts
from viz_app.figures.style import Name, Palette, apart, decades, ends, number, style, symbol

__all__ = [
    "Name",
    "Palette",
    "across",
    "apart",
    "change",
    "changes",
    "decades",
    "decay",
    "ends",
    "finding",
    "flow",
    "matched",
    "number",
    "pace",
    "paces",
    "parts",
    "style",
    "symbol",
]
