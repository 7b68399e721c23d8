"""How often each gate is all but shut or all but open: a dot a unit, left against right, and the sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from viz_app.figures.style import Palette, apart, style
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
    found = _gates(found, meanings)
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


def _gates(table: pd.DataFrame, meanings: Mapping[str, str]) -> pd.DataFrame:
    """Return the rows of gates proper, without candidates, if there are any."""
    able = table[[meanings.get(signal, "").endswith("gate") for signal in table["signal"]]]
    return able if len(able) else table


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


# ---- over training -------------------------------------------------------------------------------------------


def means_by_step(table: pd.DataFrame) -> pd.DataFrame:
    """Return step, signal, layer, left and right: the mean shares over the units of each layer."""
    groups = table.groupby(["step", "signal", "layer"], sort=False)
    return groups[["left", "right"]].mean().reset_index()


def over_training(
    table: pd.DataFrame, palette: Palette, colours: Mapping[str, str], *, step: int | None = None, size: float = 16
) -> go.Figure:
    """Draw the share of steps at the upper end above, at the lower end below, a line a gate, against the training step.

    Parameters
    ----------
    table : DataFrame
        step, signal, left and right: one row a gate and step.
    colours : mapping
        Of each gate.
    step : int, optional
        Where the cursor stands.
    """
    scale = size / 16
    steps = sorted(table["step"].unique().tolist())
    fig = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.08)
    top = max(0.1, 1.08 * float(table[["left", "right"]].to_numpy().max()))
    room = 17 / (0.46 * 300)
    for row, end in ((1, "right"), (2, "left")):
        lines = {str(gate): rows.sort_values("step") for gate, rows in table.groupby("signal", sort=False)}
        for gate, rows in lines.items():
            fig.add_scatter(
                x=[steps.index(one) for one in rows["step"]],
                y=rows[end],
                customdata=rows["step"],
                mode="lines",
                line={"color": colours[gate], "width": 2.25 * scale},
                hovertemplate=f"{gate} at step %{{customdata}}: %{{y:.0%}}<extra></extra>",
                row=row,
                col=1,
            )
        places = apart([float(rows[end].iloc[-1]) / top for rows in lines.values()], room, 0, 1)
        for gate, place in zip(lines, places, strict=True):
            fig.add_annotation(
                text=f"<b>{gate}</b>",
                x=1,
                y=place,
                xref="paper",
                yref=f"y{row if row > 1 else ''} domain",
                xanchor="left",
                xshift=8 * scale,
                yanchor="middle",
                showarrow=False,
                font={"color": colours[gate], "size": 13 * scale},
            )
    style(fig, palette, size, 380)
    ticks = _some(steps)
    fig.update_xaxes(
        range=[-0.3, len(steps) - 0.7],
        tickvals=[steps.index(one) for one in ticks],
        ticktext=[thousands(one) for one in ticks],
    )
    fig.update_xaxes(showticklabels=False, ticks="", row=1, col=1)
    fig.update_xaxes(title_text="training step", row=2, col=1)
    fig.update_yaxes(range=[0, top], tickformat=".0%", nticks=4)
    fig.update_yaxes(title_text="near its high end", row=1, col=1)
    fig.update_yaxes(title_text="near its low end", row=2, col=1)
    if step in steps:
        fig.add_vline(steps.index(step), line={"color": palette.accent, "width": 2 * scale})
    return fig.update_layout(hovermode="closest", margin_r=34 * scale, margin_l=64 * scale)


def _some(steps: Sequence[int], most: int = 7) -> list[int]:
    """Return some of the steps, evenly spaced, the last among them."""
    stride = -(-len(steps) // most)
    return list(steps)[::-1][::stride][::-1]


def training_finding(means: pd.DataFrame, meanings: Mapping[str, str]) -> str:
    """Return the sentence about the gate that is most at an end when the training is over, and when it came there."""
    both = _gates(means, meanings).assign(both=lambda table: table["left"] + table["right"])
    steps = sorted(both["step"].unique())
    most = both[both["step"] == steps[-1]].sort_values("both", ascending=False, kind="stable").iloc[0]
    own = both[(both["signal"] == most["signal"]) & (both["layer"] == most["layer"])].set_index("step")["both"]
    half = next(step for step in steps if own[step] >= most["both"] / 2)
    head = (
        f"The {named(str(most['signal']), meanings)} of layer {most['layer'] + 1} ends up shut or open "
        f"{share(most['both'])} of the time"
    )
    if half == steps[0]:
        return f"{head}; it began at {share(own[steps[0]])}"
    return f"{head}; half of that was reached by step {thousands(half)} of {thousands(steps[-1])}"


def training_conclusion(means: pd.DataFrame) -> str:
    """Return how far gates were at an end before training and after, layer by layer."""
    both = means.assign(both=means["left"] + means["right"]).groupby(["layer", "step"])["both"].mean()
    said = []
    for layer in both.index.levels[0]:
        own = both[layer]
        said.append(f"layer {layer + 1} from {share(own.iloc[0])} to {share(own.iloc[-1])} of the time")
    return f"Over all its gates training brings {listed(said)} at an end."
