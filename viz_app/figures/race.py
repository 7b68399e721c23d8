"""Several models that learn side by side: loss on text held out, against steps or seconds, with a band over seeds."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from viz_app.figures.style import Name, Palette, ends, number, style
from viz_app.figures.words import listed, thousands

AXES = {"step": "steps", "seconds": "seconds of training, one core each"}


def learning(
    history: pd.DataFrame,
    palette: Palette,
    colours: Mapping[str, str],
    labels: Mapping[str, str],
    *,
    by: str = "step",
    end: float | None = None,
    size: float = 16,
) -> go.Figure:
    """Draw each cell's validation loss: the mean over its seeds as a line, lowest to highest as a band.

    Parameters
    ----------
    history : DataFrame
        Columns cell, seed, step, seconds, validation (nan where there was none), in nats per symbol.
    by : {"step", "seconds"}
        What it is drawn against. Seconds are the mean over the seeds at the same step.
    end : float, optional
        Where the axis ends, by default at the last value.
    """
    scale = size / 16
    title = f"Loss on text held out, in nats per character, against {'steps' if by == 'step' else by}"
    fig = go.Figure(layout_title_text=title)
    names, drawn = [], []
    for cell, rows in checked(history).groupby("cell", sort=False):
        colour, label = colours[str(cell)], labels[str(cell)]
        line = {"color": colour, "width": 2.5 * scale}
        if (rows["seeds"] > 1).any():
            band = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
            fig.add_scatter(x=rows[by], y=rows["low"], **band)
            fig.add_scatter(x=rows[by], y=rows["high"], fill="tonexty", fillcolor=faint(colour), **band)
        fig.add_scatter(
            x=rows[by],
            y=rows["loss"],
            mode="lines+markers",
            line=line,
            marker={"size": 5 * scale},
            name=label,
            hovertemplate="%{y:.3f}",
        )
        last = rows.iloc[-1]
        names.append(Name(f"{label} {number(last['loss'])}", last["loss"], colour))
        drawn.append(rows)
    whole = pd.concat(drawn)
    low, high = float(whole["low"].min()), float(whole["high"].max())
    room = 0.06 * (high - low) + 0.01
    style(fig, palette, size, 300)
    fig.update_xaxes(range=[0, float(whole[by].max() if end is None else end)], title_text=AXES[by])
    fig.update_yaxes(range=[low - room, high + room])
    longest = max(len(name.text) for name in names)
    fig.update_layout(margin_r=(28 + 7.2 * longest) * scale, hovermode="x unified")
    return ends(fig, names, palette, size)


def checked(history: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each cell and step that was validated: seconds, mean loss, its ends, number of seeds."""
    groups = history.dropna(subset="validation").groupby(["cell", "step"], sort=False)
    rows = groups.agg(
        seconds=("seconds", "mean"),
        loss=("validation", "mean"),
        low=("validation", "min"),
        high=("validation", "max"),
        seeds=("validation", "count"),
    )
    return rows.reset_index().sort_values("step", kind="stable")


def faint(colour: str, part: float = 0.16) -> str:
    """Return a hexadecimal colour as one that lets through what is behind it."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{part})"


def ahead(results: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Return the sentence that final losses make: who is ahead, and whether by more than seeds differ.

    Parameters
    ----------
    results : DataFrame
        One row a cell: cell, step, loss, low, high, seeds.
    """
    ranked = results.sort_values("loss")
    first, *others = ranked.itertuples()
    name = labels[first.cell]
    step = f"After {thousands(results['step'].min())} steps"
    if not others:
        return f"{step} the {name} has a loss of {first.loss:.3f} nats"
    rest = listed([f"the {labels[row.cell]} {row.loss:.3f}" for row in others])
    near = [labels[row.cell] for row in others if row.low <= first.high]
    sentence = f"{step} the {name} is ahead with {first.loss:.3f} nats; {rest}"
    if first.seeds < 2:
        return f"{sentence}. One seed each: the order may be chance"
    if near:
        tie = f"{listed([f'the {one}' for one in near])} {'is' if len(near) == 1 else 'are'} within its seeds’ spread"
        return f"{sentence}; {tie}"
    return f"{sentence}; no other’s best seed reaches its worst"
