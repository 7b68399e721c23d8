"""How often each gate is all but shut or all but open: a dot a unit, left against right, and the sentences."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from viz_app.figures.style import Palette, style
from viz_app.figures.words import capital, count, listed, share, thousands

ALWAYS = 0.9
"""A unit's gate is nearly always at an end if it is there at this share of the steps."""


def scatter(
    table: pd.DataFrame, gate: str, palette: Palette, colour: str, *, ring: tuple[int, int] | None, size: float = 16
) -> go.Figure:
    """Draw one gate, a panel a layer: each unit's share of steps at the lower end against that at the upper end.

    Parameters
    ----------
    table : DataFrame
        signal, layer, unit, left and right, such as :func:`rnncore.analysis.saturation` returns.
    ring : (layer, unit) or None
        The unit that is marked.
    """
    scale = size / 16
    rows = table[table["signal"] == gate]
    layers = sorted(rows["layer"].unique())
    fig = make_subplots(len(layers), 1, shared_xaxes=True, vertical_spacing=0.09 / max(1, len(layers) - 1))
    quiet = {"mode": "lines", "hoverinfo": "skip", "line": {"color": palette.line2, "width": scale}}
    for place, layer in enumerate(layers, 1):
        units = rows[rows["layer"] == layer]
        fig.add_scatter(x=[0, 1], y=[1, 0], row=place, col=1, **quiet)
        marked = [ring == (layer, unit) for unit in units["unit"]]
        fig.add_scatter(
            x=units["left"],
            y=units["right"],
            mode="markers",
            marker={
                "size": [(13 if one else 6) * scale for one in marked],
                "color": colour,
                "opacity": 0.55,
                "line": {"width": [2.5 * scale if one else 0 for one in marked], "color": palette.ink},
            },
            customdata=np.column_stack([units["layer"], units["unit"]]).tolist(),
            hovertemplate="unit %{customdata[1]}: low at %{x:.0%}, high at %{y:.0%} of the steps<extra></extra>",
            row=place,
            col=1,
        )
        fig.add_annotation(
            text=f"layer {layer + 1}", x=1, y=1, xanchor="right", yanchor="top", showarrow=False, row=place, col=1
        )
    fig.update_annotations(font={"color": palette.soft, "size": 12.5 * scale})
    style(fig, palette, size, 60 + 250 * len(layers))
    ticks = [0, 0.5, 1]
    fig.update_xaxes(range=[-0.04, 1.04], tickvals=ticks, ticktext=["0", "½", "1"])
    fig.update_yaxes(range=[-0.04, 1.04], tickvals=ticks, ticktext=["0", "½", "1"])
    fig.update_xaxes(title_text="share of steps near its low end", row=len(layers), col=1)
    fig.update_yaxes(title_text="near its high end")
    return fig.update_layout(hovermode="closest", margin_r=10 * scale)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return for each gate and layer the mean shares, and how many units are nearly always at either end.

    Columns signal, layer, units, left, right, always_left, always_right.
    """
    groups = table.assign(always_left=table["left"] >= ALWAYS, always_right=table["right"] >= ALWAYS).groupby(
        ["signal", "layer"], sort=False
    )
    means = groups[["left", "right"]].mean()
    counts = groups[["always_left", "always_right"]].sum()
    return pd.concat([groups.size().rename("units"), means, counts], axis=1).reset_index()


def named(gate: str, meanings: Mapping[str, str]) -> str:
    """Return a gate in words, such as "forget gate"."""
    return meanings.get(gate, f"gate {gate}")


def headline(found: pd.DataFrame, gate: str, meanings: Mapping[str, str]) -> str:
    """Return how many units of all layers have one gate nearly always at an end."""
    rows = found[found["signal"] == gate]
    high, low = int(rows["always_right"].sum()), int(rows["always_left"].sum())
    stuck = [f"high {thousands(high)}"] * bool(high) + [f"low {thousands(low)}"] * bool(low)
    told = f"always {', '.join(stuck)}" if stuck else "none stays at an end"
    return f"{capital(named(gate, meanings))} {gate}: {told}"


def finding(found: pd.DataFrame, meanings: Mapping[str, str]) -> str:
    """Return the sentence about the gate with most units nearly always at an end; candidates do not count as gates."""
    able = found[[meanings.get(signal, "").endswith("gate") for signal in found["signal"]]]
    found = able if len(able) else found
    totals = found.groupby("signal", sort=False)[["always_left", "always_right"]].sum()
    stuck = totals.sum(axis=1)
    if not stuck.any():
        ends = found.assign(both=found["left"] + found["right"]).sort_values("both", ascending=False).iloc[0]
        where = f"the {named(str(ends['signal']), meanings)} of layer {ends['layer'] + 1}"
        return f"No gate stays at an end; {where} comes nearest, at one {share(ends['both'])} of the time"
    gate = str(stuck.idxmax())
    high = totals.loc[gate, "always_right"] >= totals.loc[gate, "always_left"]
    rows = found[found["signal"] == gate]
    units = rows["always_right" if high else "always_left"]
    many = [
        f"{count(unit) if unit else 'none'} of the {thousands(of)} units of layer {layer + 1}"
        for unit, of, layer in zip(units, rows["units"], rows["layer"], strict=True)
    ]
    return f"The {named(gate, meanings)} is nearly always {'high' if high else 'low'} in {listed(many)}"


def conclusion(found: pd.DataFrame, meanings: Mapping[str, str]) -> str:
    """Return which layer decides more sharply, and what a gate at an end means for the memory."""
    both = found.assign(both=found["left"] + found["right"])
    layers = both.groupby("layer")["both"].mean().sort_values(ascending=False)
    said = []
    if len(layers) > 1:
        most, least = layers.index[0], layers.index[-1]
        said.append(
            f"Layer {most + 1} decides most sharply: there gates are at an end {share(layers.iloc[0])} of the time, "
            f"against {share(layers.iloc[-1])} in layer {least + 1}."
        )
    if "forget gate" in meanings.values():
        gate = next(symbol for symbol, meaning in meanings.items() if meaning == "forget gate")
        rows = found[found["signal"] == gate]
        keep, drop = int(rows["always_right"].sum()), int(rows["always_left"].sum())
        who = f"{capital(count(keep))} unit{'s keep' if keep != 1 else ' keeps'}"
        others = f"{count(drop)} forget{'s' if drop == 1 else ''}" if drop else "none forgets"
        said.append(
            f"{who} what they hold at nearly every character, which makes a long memory possible; {others} it at "
            "nearly every one, as a feed-forward layer does."
        )
    return " ".join(said)
