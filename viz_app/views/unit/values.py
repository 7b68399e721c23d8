"""How often each value of each signal occurs, inside the unit's concept and outside."""

from __future__ import annotations

import pandas as pd

from viz_app.components import figure, theme
from viz_app.components.widgets import how_to_read, letters
from viz_app.figures import unit_values as drawing
from viz_app.figures.words import escaped, thousands
from viz_app.views.unit.chosen import Chosen


def show(chosen: Chosen) -> None:
    """Show a histogram of each signal over the corpus."""
    palette, ranges = theme.palette(), chosen.ranges
    tables = {
        symbol: drawing.histogram(values, chosen.inside, ranges[symbol]) for symbol, values in chosen.values.items()
    }
    colours = {symbol: palette.signal(symbol) for symbol in tables}
    fig = drawing.histograms(tables, chosen.meanings, palette, colours, size=letters())
    fig.update_layout(title_text=f"Its values over {thousands(len(chosen.tokens))} characters of {chosen.where.title}")
    data = pd.concat([table.assign(signal=symbol) for symbol, table in tables.items()], ignore_index=True)
    figure.show(fig, data, "values", "values")
    split = (
        f"Filled: at steps on {escaped(chosen.phrase)}; the grey line: elsewhere, each as a share of its own steps. "
        "Were the unit blind to its concept, both would have one shape."
        if chosen.inside is not None
        else "The height is the share of steps at which the signal has that value. Two hills are a switch, one hill is "
        "a dial."
    )
    values = chosen.values[chosen.signal]
    how_to_read(split, drawing.split_sentence(chosen.signal, values, chosen.inside, chosen.phrase))
