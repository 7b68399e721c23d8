"""Who remembers how long: the share of trainings that solved each length, and how their losses came down."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from viz_app.figures.style import Name, Palette, decades, ends, style
from viz_app.figures.words import capital, count, listed, thousands

ROW, TILE, GAP = 62, 0.6, 0.04
"""Height of a cell's row in pixels; of it, the part that its tiles take; the space between tiles."""


def tiles(
    table: pd.DataFrame,
    palette: Palette,
    colours: Mapping[str, str],
    labels: Mapping[str, str],
    lengths: Sequence[int],
    seeds: int,
    *,
    chosen: int | None = None,
    size: float = 16,
) -> go.Figure:
    """Draw a tile for each cell and length, filled as far as its trainings solved it.

    Parameters
    ----------
    table : DataFrame
        One row for each cell and length that was tried: cell, length, runs, solved, median_updates.
    lengths : sequence of int
        Of the race, in order; each cell has a place for every one.
    seeds : int
        Trainings of each cell and length, if all are sent there.
    chosen : int, optional
        The length that is looked at.
    """
    scale = size / 16
    fig = go.Figure(layout_title_text="Trainings that solved each length")
    found = table.set_index(["cell", "length"]).to_dict("index")
    points = []
    for row, cell in enumerate(labels):
        base = len(labels) - 1 - row
        fig.add_annotation(
            text=labels[cell],
            x=GAP / 2,
            y=base + TILE + 0.04,
            xanchor="left",
            yanchor="bottom",
            xshift=-2,
            showarrow=False,
            borderpad=0,
            font={"size": 13 * scale, "weight": 600, "color": colours[cell]},
        )
        for place, length in enumerate(lengths):
            run = found.get((cell, length))
            left, right = place + GAP / 2, place + 1 - GAP / 2
            box = {"y0": base, "y1": base + TILE, "layer": "below"}
            line = {"color": palette.line2 if run else palette.line, "width": scale}
            if run and run["solved"]:
                filled = left + (right - left) * run["solved"] / seeds
                fig.add_shape(
                    type="rect", x0=left, x1=filled, fillcolor=colours[cell], opacity=0.3, line_width=0, **box
                )
            fig.add_shape(type="rect", x0=left, x1=right, line=line, **box)
            fig.add_annotation(
                text=_said(run, seeds),
                x=place + 0.5,
                y=base + TILE / 2,
                showarrow=False,
                font={"size": 12.5 * scale, "color": palette.ink if run else palette.soft},
            )
            points.append((place + 0.5, base + TILE / 2, length, _hover(labels[cell], length, run, seeds)))
    x, y, place, text = zip(*points, strict=True)
    fig.add_scatter(
        x=x,
        y=y,
        customdata=place,
        text=text,
        mode="markers",
        marker={"size": 30 * scale, "opacity": 0},
        hovertemplate="%{text}<extra></extra>",
    )
    style(fig, palette, size, 70 + ROW * len(labels))
    ticks = {
        "tickvals": [place + 0.5 for place in range(len(lengths))],
        "ticktext": [thousands(one) for one in lengths],
    }
    fig.update_xaxes(range=[0, len(lengths)], title_text="steps to remember over", ticks="", showline=False, **ticks)
    fig.update_yaxes(range=[-0.06, len(labels)], visible=False)
    fig.update_layout(margin={"l": 4 * scale, "r": 4 * scale, "b": 50 * scale})
    if chosen in lengths:
        place = [*lengths].index(chosen)
        fig.add_shape(
            type="line",
            x0=place + GAP / 2,
            x1=place + 1 - GAP / 2,
            y0=-0.05,
            y1=-0.05,
            line={"color": palette.accent, "width": 3 * scale},
        )
    return fig


def _said(run: dict[str, float] | None, seeds: int) -> str:
    return f"{run['solved']:.0f} of {max(seeds, int(run['runs']))}" if run else "–"


def _hover(label: str, length: int, run: dict[str, float] | None, seeds: int) -> str:
    at = f"{label}, {thousands(length)} steps"
    if run is None:
        return f"{at}: not sent here"
    median = "" if math.isnan(run["median_updates"]) else f", median {thousands(run['median_updates'])} updates"
    return f"{at}: {run['solved']:.0f} of {run['runs']:.0f} ended trainings solved it{median}"


def curves(
    laps: pd.DataFrame,
    palette: Palette,
    colours: Mapping[str, str],
    labels: Mapping[str, str],
    *,
    updates: int,
    size: float = 16,
) -> go.Figure:
    """Draw the loss of every training at one length against its updates, beside the loss without memory.

    Parameters
    ----------
    laps : DataFrame
        Columns cell, seed, length (one), update, loss, baseline, solved, finished; at least one row.
    updates : int
        Where the axis ends.
    """
    scale = size / 16
    first = laps["learning_rate"].iloc[0]
    length, baseline = laps["length"].iloc[0], float(laps["baseline"].iloc[0])
    fig = go.Figure(layout_title_text=f"Loss on sequences not seen before, {thousands(length)} steps")
    names = [Name("without memory", baseline, palette.soft), Name("solved", baseline / 10, palette.soft)]
    for level in (baseline, baseline / 10):
        fig.add_hline(y=level, line={"color": palette.soft, "width": scale, "dash": "dot"})
    for cell, rows in laps.groupby("cell", sort=False):
        colour = colours[str(cell)]
        for (seed, rate), run in rows.groupby(["seed", "learning_rate"], sort=False):
            last = run["update"].eq(run["update"].max()) & run["finished"]
            fig.add_scatter(
                x=run["update"],
                y=run["loss"],
                mode="lines+markers",
                cliponaxis=False,
                line={"color": colour, "width": 1.75 * scale, "dash": "solid" if rate == first else "4px,3px"},
                marker={
                    "color": colour,
                    "size": [8 * scale if end else 0 for end in last],
                    "symbol": ["circle" if won else "x" for won in run["solved"]],
                },
                hovertemplate=f"{labels[str(cell)]}, seed {seed}, rate {rate:g}, update %{{x}}: %{{y:.3g}}"
                "<extra></extra>",
            )
        ends_at = rows.groupby("seed")["loss"].last()
        names.append(Name(labels[str(cell)], float(ends_at.median()), colour))
    style(fig, palette, size, 340)
    losses = [*laps["loss"][np.isfinite(laps["loss"]) & (laps["loss"] > 0)], baseline, baseline / 10]
    decades(fig, math.floor(math.log10(min(losses))), math.log10(max(losses)) + 0.1)
    fig.update_xaxes(range=[0, updates], title_text="updates")
    longest = max(len(name.text) for name in names)
    fig.update_layout(margin_r=(20 + 7 * longest) * scale)
    return ends(fig, names, palette, size)


def finding(reach: Mapping[str, int], labels: Mapping[str, str], lengths: Sequence[int], seeds: int) -> str:
    """Return the sentence that the longest lengths make which each cell solved from every seed.

    Parameters
    ----------
    reach : mapping of str to int
        By cell; 0 where it failed at the first length, and no entry where that is not yet known.
    """
    groups: dict[int, list[str]] = {}
    for cell, far in sorted(reach.items(), key=lambda item: item[1]):
        groups.setdefault(far, []).append(f"the {labels[cell]}")
    parts = []
    for far, names in groups.items():
        verb = ("solves" if len(names) == 1 else "solve") if not parts else ""
        what = f"not even {thousands(lengths[0])} steps" if not far else f"up to {thousands(far)} steps"
        parts.append(" ".join(filter(None, (listed(names), verb, what))))
    every = "from one seed" if seeds == 1 else f"from each of {count(seeds)} seeds"
    said = [f"{capital('; '.join(parts))}, {every}"] if parts else []
    if waiting := [f"the {label}" for cell, label in labels.items() if cell not in reach]:
        said.append(f"{listed(waiting)} {'has' if len(waiting) == 1 else 'have'} not run yet")
    return capital("; ".join(said))


def conclusion(table: pd.DataFrame, labels: Mapping[str, str], seeds: int) -> str:
    """Return who was faster where all came through, and where chance had a part.

    Parameters
    ----------
    table : DataFrame
        As for :func:`tiles`.
    """
    whole = table[table["solved"] == seeds]
    shared = [length for length, rows in whole.groupby("length") if set(rows["cell"]) == set(labels)]
    if shared and len(labels) > 1:
        rows = whole[whole["length"] == max(shared)].sort_values("median_updates")
        medians = [f"the {labels[row.cell]} {thousands(row.median_updates)}" for row in rows.itertuples()]
        said = [
            f"Over {thousands(max(shared))} steps, which all of them solve from every seed, "
            f"it takes {listed(medians)} updates at the median."
        ]
    else:
        said = ["No length is solved by all of them from every seed."] if len(labels) > 1 else []
    if seeds > 1:
        some = table[(table["solved"] > 0) & (table["solved"] < table["runs"])]
        luck = [
            f"the {labels[r.cell]} over {thousands(r.length)} steps {r.solved:.0f} of {r.runs:.0f}"
            for r in some.itertuples()
        ]
        said += [f"From some seeds only: {listed(luck)}; there chance decides."] if luck else []
    return " ".join(said)
