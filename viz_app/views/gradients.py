"""Gradients, Flow: how far back each model's gradient reaches, and how training changed that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

import rnncore
from viz_app import controls, figures, state
from viz_app.components import figure, theme
from viz_app.components.passage import passage
from viz_app.figures import words

TRIO = ("shakespeare-elman", "shakespeare-gru", "shakespeare-lstm")
PASSAGE = 300
"""Characters that are read at a time: a second or two for the gradients of three models in float64."""

REACHES = (25, 50, 100, 200, 300)
LOWS = (-6, -12, -30, -100, -300)
ROW_LOW = -5


def page() -> None:
    """Show the page."""
    names: list[str] = []
    selection = controls.bar(model=False, layer=False, also=lambda selection: names.extend(_models(selection.model)))
    text = _passage(selection.text)
    target = state.link("target", len(text) - 2, low=0, high=len(text) - 2)
    recordings = _recordings(names, text, target)
    layers = min(recording.layers for recording in recordings.values())
    layer = state.link("layer", layers, low=1, high=layers) - 1
    labels = _labels(list(recordings))
    table = pd.concat(
        figures.decay(r.gradient, target, r.tokens, layer=layer, model=name, label=labels[name])
        for name, r in recordings.items()
    )
    back = min(target, state.link("back", 40, low=0, high=PASSAGE))

    st.title(words.escaped(figures.finding(table, back)), anchor=False)
    st.markdown(f":gray[{words.escaped(figures.matched(_facts(list(recordings))))}]")
    left, right = _columns([2, 1])
    with left:
        _flow(table, back, layer, layers)
    with right:
        _row(table, next(iter(recordings.values())).tokens, back, selection.text)
    _training(list(recordings), labels, layer, back)


# ---- what is compared ----------------------------------------------------------------------------------------


def _models(selected: str) -> list[str]:
    """Return the models to compare: by default the three that differ in their cell only."""
    known = state.models()
    trio = [name for name in TRIO if name in known]
    default = trio if selected in trio else [selected]
    asked = state.link("models", ",".join(default)).split(",")
    names = [name for name in asked if name in known]
    if missing := [state.plain(name) for name in asked if name not in known]:
        st.warning(f"This link asks for {', '.join(missing)}, which is not among the models here.")
    st.session_state["_compared"] = names = names or default
    st.pills(
        "Models",
        known,
        selection_mode="multi",
        key="_compared",
        label_visibility="collapsed",
        width="content",
        on_change=lambda: state.set_link(models=",".join(st.session_state["_compared"]) or None),
    )
    return names


def _passage(chosen: state.Text) -> str:
    """Return the part of the text that is read."""
    if len(chosen.text) < 2:
        st.error("A gradient needs a loss, and a loss a next character: choose a text of at least two characters.")
        st.stop()
    start = state.link("from", 0, low=0, high=max(0, len(chosen.text) - PASSAGE))
    return chosen.text[start : start + PASSAGE]


def _recordings(names: Sequence[str], text: str, target: int) -> dict[str, rnncore.Recording]:
    """Return the recording of every model that can be compared; say why another cannot."""
    found: dict[str, rnncore.Recording] = {}
    for name in names:
        try:
            recording = state.record(name, text, gradients=True, target=target)
        except rnncore.Error as error:
            st.warning(f"{state.plain(name)} is left out: {state.plain(str(error), 300)}.")
            continue
        if found and recording.tokens != next(iter(found.values())).tokens:
            st.warning(f"{state.plain(name)} is left out: it reads this text in other steps than {next(iter(found))}.")
        else:
            found[name] = recording
    if not found:
        st.info("No model is left that can show this. Choose another character, text or model.")
        st.button("Go to the last character", on_click=lambda: state.set_link(target=None, models=None))
        st.stop()
    return found


def _labels(names: Sequence[str]) -> dict[str, str]:
    """Return what each model is called: by its cell where that tells it from the others."""
    titles = {name: state.model(name).layers[0].title for name in names}
    return {name: title if list(titles.values()).count(title) == 1 else name for name, title in titles.items()}


def _facts(names: Sequence[str]) -> pd.DataFrame:
    rows = []
    for name in names:
        run = rnncore.Run(state.folder(name)).config
        config, data = run.get("config", {}), run.get("data", {})
        facts = {"parameters": state.model(name).parameter_count, "data": data.get("name")}
        facts["sha256"] = data.get("sha256")
        rows.append(facts | {key: config.get(key) for key in ("steps", "seed", "learning_rate")})
    return pd.DataFrame(rows)


def _look(table: pd.DataFrame) -> dict[str, Any]:
    """Return what all figures of the page share."""
    colours = {name: theme.palette().family(state.model(name).config.cell) for name in table["model"].unique()}
    return {"palette": theme.palette(), "colours": colours, "size": 24 if state.projector() else 16}


# ---- what is shown -------------------------------------------------------------------------------------------


def _flow(table: pd.DataFrame, back: int, layer: int, layers: int) -> None:
    target = int(table["step"].max())
    asked = state.link("reach", 100, choices=REACHES)
    reach = max(1, min(asked, target))
    low = state.link("low", -12, choices=LOWS)
    absolute = state.link("absolute", False)
    drawing = figures.flow(table, cursor=back, reach=reach, low=low, relative=not absolute, **_look(table))
    drawing.update_layout(title_text=f"Size of the total gradient, by distance from the target, layer {layer + 1}")
    figure.show(drawing, table, "gradient-flow", "flow", on_click=lambda at: state.set_link(back=int(at["x"])))
    divided = "in nats per unit of the state" if absolute else "divided by its value at the target step"
    st.markdown(
        f":small[**How to read it.** :gray[Norm of the gradient of the loss at the target with respect to the state "
        f"so many characters earlier, in float64, {divided}. A straight line is exponential decay; were nothing "
        "lost on the way, it would be level. Solid: the cell state $c$, or $h$ where there is no cell. Dashed: $h$ "
        "beside a cell, with $c$ held fixed, which alone tells a part of the story.]]"
    )
    _slider("Cursor, characters back", "back", back, reach)
    with st.container(horizontal=True, vertical_alignment="center", key="axes"):
        controls.choose("Reach", "reach", REACHES, asked, width=90)
        controls.choose("Axis down to", "low", LOWS, low, words.power, width=100)
        if layers > 1:
            controls.choose("Layer", "layer", range(1, layers + 1), layer + 1, lambda n: f"{n} of {layers}", width=110)
        st.session_state["_absolute"] = absolute
        st.toggle(
            "Absolute",
            key="_absolute",
            on_change=lambda: state.set_link(absolute=st.session_state["_absolute"]),
            help="The gradients as they are, not divided by their value at the target step.",
        )


def _row(table: pd.DataFrame, tokens: Sequence[str], back: int, whole: state.Text) -> None:
    """Show one model's curve as the colour of the text; here the target is chosen."""
    labels = table.drop_duplicates("model").set_index("model")["label"]
    name = state.link("row", labels.index[-1], choices=list(labels.index))
    rows = table[table["model"] == name]
    signal = "c" if "c" in set(rows["signal"]) else "h"
    rows = rows[rows["signal"] == signal]
    target = int(rows["step"].max())
    st.markdown("**One row, on the text**")
    st.markdown(
        f":small[:gray[What the loss after the ringed character still feels of each one before, by the "
        f"{words.escaped(labels[name])}’s ${signal}$. Click another character, or use the arrow keys. "
        "Underlined: the cursor.]]"
    )
    if len(labels) > 1:
        st.session_state["_row"] = name
        st.segmented_control(
            "Model on the text",
            list(labels.index),
            key="_row",
            format_func=lambda one: words.escaped(labels[one]),
            label_visibility="collapsed",
            on_change=lambda: state.set_link(row=st.session_state["_row"]),
        )
    sizes = np.full(len(tokens), np.nan)
    sizes[rows["step"]] = rows["relative"]
    passage(
        tokens,
        sizes,
        target=target,
        cursor=target - back,
        low=ROW_LOW,
        scale=theme.palette().gradient,
        letters=(theme.LIGHT.ink, theme.LIGHT.paper),
        key="passage",
        on_choose=lambda step: state.set_link(target=step),
    )
    _slider("Target step", "target", target, len(tokens) - 2)
    last = len(whole.text) - PASSAGE
    if last > 0:
        _slider("Passage starts at", "from", state.link("from", 0, low=0, high=last), last)
        st.markdown(f":small[:gray[{PASSAGE} of {len(whole.text):,} characters are read, from an empty memory.]]")


@st.fragment
def _training(names: Sequence[str], labels: dict[str, str], layer: int, back: int) -> None:
    """Show the curves of the probe text at one step of each training, before the final one in grey."""
    st.subheader("How training changed it", anchor=False)
    probes = {name: found for name in names if len(found := state.probes(name)) > 1}
    for name in (name for name in names if name not in probes):
        st.info(
            f"No gradients were recorded while {state.plain(name)} was trained. "
            "`rnncore train` with `--probe` and `--probe-every` records them."
        )
    if not probes:
        return
    steps = sorted({step for found in probes.values() for step, _ in found})
    step = state.link("step", steps[0], choices=steps)
    st.session_state["_step"] = step
    st.select_slider(
        f"Training step ({len(steps)} recorded)",
        steps,
        key="_step",
        format_func=words.thousands,
        on_change=lambda: state.set_link(step=st.session_state["_step"]),
    )
    pairs = [_then_and_now(name, found, step, layer, labels[name]) for name, found in probes.items()]
    reach = max(1, min(100, *(int(then["distance"].max()) for then, _ in pairs)))
    largest = max(table.loc[table["distance"] <= reach, "relative"].max() for pair in pairs for table in pair)
    for column, (then, now) in zip(_columns([1] * len(pairs)), pairs, strict=True):
        with column:
            _change(then, now, min(back, reach), reach, max(0.0, float(np.log10(largest)) + 0.1 * (largest > 1)))
    st.markdown(
        ":small[**How to read it.** :gray[Colour: the model after this many steps of training; grey: at the end. "
        "The text is a fixed one, its last character the target. Where the two lie on each other, training has "
        "nothing left to change here.]]"
    )


def _then_and_now(
    name: str, found: Sequence[tuple[int, rnncore.Recording]], step: int, layer: int, label: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the curves of a model's probe at the last recording up to ``step``, and at the end."""
    tables = []
    so_far = [pair for pair in found if pair[0] <= step] or found[:1]
    for number, r in (so_far[-1], found[-1]):
        layer = min(layer, r.layers - 1)
        table = figures.decay(r.gradient, r.target, r.tokens, layer=layer, model=name, label=label)
        tables.append(table.assign(training_step=number))
    return tables[0], tables[1]


def _change(then: pd.DataFrame, now: pd.DataFrame, back: int, reach: int, high: float) -> None:
    """Draw one model's curves at a step of its training, with those at its end in grey."""
    drawing = figures.flow(then, cursor=back, reach=reach, high=high, ghosts=now, height=300, **_look(then))
    step, last = (int(table["training_step"].iloc[0]) for table in (then, now))
    drawing.update_layout(title_text=figures.change(then, now, step, last, back))
    name = then["model"].iloc[0]
    data = pd.concat([then, now]).drop_duplicates()
    figure.show(drawing, data, f"gradient-flow-training-{name}", f"training-{name}")


def _columns(widths: list[int]) -> Sequence[Any]:
    """Return columns, or on a projector as many containers below each other."""
    return [st.container() for _ in widths] if state.projector() else st.columns(widths, gap="large")


def _slider(label: str, key: str, value: int, high: int) -> None:
    """Draw a slider that is held in the link under ``key``."""
    if high < 1:
        return
    widget = f"_slide_{key}"
    st.session_state[widget] = min(value, high)
    st.slider(label, 0, high, key=widget, on_change=lambda: state.set_link(**{key: st.session_state[widget]}))
