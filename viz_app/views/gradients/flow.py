"""How far back a loss is felt: by the states, by the inputs, by the weights; its total and its direct part."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

import rnncore
from viz_app import controls, figures, state
from viz_app.components import figure, theme
from viz_app.components.passage import passage
from viz_app.components.waiting import Progress
from viz_app.components.widgets import columns, how_to_read, slider, switch, toggle
from viz_app.figures import words
from viz_app.figures.decay import subject
from viz_app.figures.parts import asked, concentrated, peak, through_time, whole_text
from viz_app.views.gradients.compared import PASSAGE, Compared, choose_layer, left_out, matched, nothing_left

REACHES = (25, 50, 100, 200, 300)
LOWS = (-6, -12, -30, -100, -300)
ROW_LOW = -5

OF = {"states": "States", "inputs": "Inputs", "weights": "Weights"}
LOSSES = {"target": "Loss at one step", "text": "Loss of the whole text"}
WEIGHTS = {"weight_hh": "U", "weight_ih": "W"}
"""Symbols of the recurrent weights and of those from the input."""

TITLES = {
    "states": "Size of the total gradient at the states",
    "inputs": "Connectivity: size of the logit’s gradient at what the layer reads",
    "weights": "Who asks for a change: each step’s share of dL/dW",
}


def show(compared: Compared) -> None:
    """Show the view."""
    of = state.link("of", "states", choices=tuple(OF))
    loss = state.link("loss", "target", choices=tuple(LOSSES))
    target = compared.target() if loss == "target" else compared.last
    back = compared.back(target)
    table = _table(compared, target, of, loss)

    st.title(words.escaped(_finding(compared, table, of, loss, back)), anchor=False)
    matched(compared)
    left, right = columns([2, 1])
    with left:
        _curves(compared, table, target, of, loss)
    with right:
        _row(compared, table, target, of, loss)


def _finding(compared: Compared, table: pd.DataFrame, of: str, loss: str, back: int) -> str:
    if loss == "text":
        return whole_text(_memory(table)) if of == "states" else peak(_shown(table, compared.row()))
    if of == "weights":
        return asked(table)
    return figures.finding(table, back)


# ---- the numbers ---------------------------------------------------------------------------------------------


def _table(compared: Compared, target: int, of: str, loss: str) -> pd.DataFrame:
    """Return the curves of all models.

    The total gradient of one step's loss at the states is what a recording holds, and is there at once; all else
    takes a step by step way back.
    """
    if of == "states" and loss == "target":
        return _recorded(compared, target)

    def work(name: str, progress: Progress) -> rnncore.gradients.Flow:
        at = None if loss == "text" else target
        model = state.model(name)
        what = "logit" if of == "inputs" else "loss"
        return rnncore.gradients.flow(model, compared.text, at, of=what, weights=of == "weights", progress=progress)

    key = (compared.text, loss if loss == "text" else target, of if of != "states" else "")
    flows = compared.each("The way back", key, work)
    tables = []
    for name, flow in flows.items():
        label = compared.labels[name]
        log10 = _parts(flow, of, loss)
        tables.append(figures.parts(log10, target, compared.tokens, layer=compared.layer, model=name, label=label))
    return pd.concat(tables)


def _recorded(compared: Compared, target: int) -> pd.DataFrame:
    tables = []
    for name, label in compared.labels.items():
        with left_out(name):
            r = state.record(name, compared.text, gradients=True, target=target)
            at = (target, r.tokens)
            tables.append(figures.decay(r.gradient, *at, layer=compared.layer, model=name, label=label))
    if not tables:
        nothing_left()
    return pd.concat(tables)


def _parts(flow: rnncore.gradients.Flow, of: str, loss: str) -> dict[tuple[str, str], np.ndarray]:
    """Return what is drawn of a flow; the direct part only of a whole text's loss, and of the memory alone."""
    if of == "inputs":
        return {("x", "total"): flow.inputs}
    if of == "weights":
        return {(symbol, "total"): flow.weights[name] for name, symbol in WEIGHTS.items() if name in flow.weights}
    found = {(state, "total"): total for state, total in flow.total.items()}
    memory = "c" if "c" in flow.total else next(iter(flow.total))
    return found | ({(memory, "direct"): flow.direct[memory]} if loss == "text" else {})


def _memory(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of c where there is one, of h otherwise."""
    with_c = set(table.loc[table["signal"] == "c", "model"])
    return table[(table["signal"] == "c") | ~table["model"].isin(with_c)]


# ---- the curves ----------------------------------------------------------------------------------------------


def _curves(compared: Compared, table: pd.DataFrame, target: int, of: str, loss: str) -> None:
    back = compared.back(target)
    asked_for = state.link("reach", 100, choices=REACHES)
    reach = max(1, min(asked_for, target))
    low = state.link("low", -12 if loss == "target" else -6, choices=LOWS)
    absolute = state.link("absolute", loss == "text")  # what a whole text asks for has no step to compare with
    with st.container(horizontal=True, key="of"):
        switch("Gradient at", "of", OF, of)
        switch("Loss", "loss", LOSSES, loss)
    shown = table if loss == "target" else table[table["model"] == compared.row()]
    drawing = figures.flow(shown, cursor=back, reach=reach, low=low, relative=not absolute, **compared.look())
    where = "the target" if loss == "target" else "the end"
    drawing.update_layout(title_text=f"{TITLES[of]}, by distance from {where}, layer {compared.layer + 1}")
    drawing.update_xaxes(title_text=f"characters back from {where}")
    figure.show(drawing, table, "gradient-flow", "flow", on_click=lambda at: state.set_link(back=int(at["x"])))
    how_to_read(_explained(of, loss, absolute), _concluded(compared, table, of, loss, reach))
    slider("Cursor, characters back", "back", back, reach)
    with st.container(horizontal=True, vertical_alignment="center", key="axes"):
        controls.choose("Reach", "reach", REACHES, asked_for, width=90)
        controls.choose("Axis down to", "low", LOWS, low, words.power, width=100)
        choose_layer(compared)
        toggle(
            "Absolute",
            "absolute",
            absolute,
            help="The gradients as they are, not divided by their value at the target step.",
        )


def _concluded(compared: Compared, table: pd.DataFrame, of: str, loss: str, reach: int) -> str:
    if loss == "text":
        of_one = table[table["model"] == compared.row()]
        return through_time(_memory(of_one)) if of == "states" else concentrated(_shown(table, compared.row()))
    return f"{asked(table, 0.9)}." if of == "weights" else figures.pace(table, reach)


def _explained(of: str, loss: str, absolute: bool) -> str:
    """Return how the curves are read."""
    at_zero = "at the target step" if loss == "target" else "at the last step"
    divided = "in nats per unit" if absolute else f"divided by its value {at_zero}"
    what = "the loss at the target" if loss == "target" else "the mean loss over the text"
    if of == "inputs":
        what = "the logit of the character that came" + ("" if loss == "target" else ", its mean over the text,")
        return (
            f"Norm of the gradient of {what} with respect to what the layer read so many characters earlier (of "
            f"layer 1 the character’s own vector), in float64, {divided}: connectivity, Madsen (2019). Where a curve "
            "is high, another character there would have changed that logit. The loss would not do: where the model "
            "is sure, it is flat."
        )
    if of == "weights":
        return (
            f"The gradient of {what} with respect to a matrix of weights is a sum over the steps at which the matrix "
            f"was used; this is the norm of each step’s share, {divided}. Solid: the recurrent weights $U$. Dashed: "
            "the weights $W$ from the input. A curve that falls fast learns from the last characters alone."
        )
    if loss == "text":
        return (
            "One model, chosen beside. A state is pulled at by the loss at its own step, the direct part (dotted, of "
            "$c$, or of $h$ where there is no cell), and by all later losses through time: solid and dashed lines are "
            f"the total. The gap is what comes through time. Norms of the mean loss’s gradient in float64, {divided}."
        )
    return (
        f"Norm of the gradient of the loss at the target with respect to the state so many characters earlier, in "
        f"float64, {divided}. A straight line is exponential decay; were nothing lost on the way, it would be level. "
        "Solid: the cell state $c$, or $h$ where there is no cell. Dashed: $h$ beside a cell, with $c$ held fixed, "
        "which alone tells a part of the story. The direct part is the value at 0 alone: all else came through time."
    )


# ---- one row, on the text ------------------------------------------------------------------------------------


def _row(compared: Compared, table: pd.DataFrame, target: int, of: str, loss: str) -> None:
    """Show one model's curve as the colour of the text; here the target is chosen."""
    st.markdown("**One row, on the text**")
    place = st.empty()
    rows = _shown(table, compared.choose_row())
    who = words.escaped(subject(rows.iloc[0])) if len(rows) else "nobody"
    what = "the loss after the ringed character" if loss == "target" else "the loss of the whole text"
    felt = (
        f"What each step asks of {who} for {what}" if of == "weights" else f"What {what} feels of each step, by {who}"
    )
    chosen = "Click another character to make it the target, or use the arrow keys. " if loss == "target" else ""
    place.markdown(f":small[:gray[{felt}. {chosen}Underlined: the cursor.]]")
    sizes = np.full(len(compared.tokens), np.nan)
    sizes[rows["step"]] = rows["relative"] if loss == "target" else rows["relative"] / rows["relative"].max()
    passage(
        compared.tokens,
        sizes,
        target=target,
        cursor=target - compared.back(target),
        low=ROW_LOW,
        scale=theme.palette().gradient,
        letters=(theme.LIGHT.ink, theme.LIGHT.paper),
        key="passage",
        on_choose=lambda step: state.set_link(target=step, loss=None),
    )
    if loss == "target":
        slider("Target step", "target", target, compared.last)
    last = len(compared.whole.text) - PASSAGE
    if last > 0:
        slider("Passage starts at", "from", state.link("from", 0, low=0, high=last), last)
        st.markdown(
            f":small[:gray[{PASSAGE} of {len(compared.whole.text):,} characters are read, from an empty memory.]]"
        )


def _shown(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the rows of one model that colour the text: of its memory, its input or its recurrent weights."""
    rows = table[table["model"] == name]
    signals = list(dict.fromkeys(rows["signal"]))
    signal = next((symbol for symbol in ("c", "U") if symbol in signals), signals[0] if signals else "")
    rows = rows[rows["signal"] == signal]
    return rows[rows["part"] == "total"] if "part" in rows else rows
