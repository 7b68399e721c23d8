"""Clipping: the cliff that throws gradient descent off, and one training with clipping and without."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

import rnncore
from rnncore.gradients import OneUnit
from viz_app import clipped, controls, state
from viz_app.clipped import Setting
from viz_app.components import clipped_training, figure, theme
from viz_app.components.lead import lead
from viz_app.components.widgets import columns, how_to_read, letters, switch
from viz_app.figures import cliff
from viz_app.figures.window import Window
from viz_app.figures.words import escaped

VIEWS = {"cliff": "The cliff", "training": "One training twice"}
WINDOW: Window = ((4.4, 6.2), (-3.2, -2.2))
RATES = (0.1, 0.2, 0.5, 1.0, 2.0)
CLIPS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
UPDATES, POINTS = 60, 181
FREE, HELD = 4, 1
"""Places of the two paths' colours among the ten, here and in the other view."""


def page() -> None:
    """Show the page."""
    remarks = st.container()
    row = st.container(key="controls", horizontal=True, vertical_alignment="center")
    with remarks:
        view = state.link("view", "cliff", choices=VIEWS)
    with row:
        switch("View", "view", VIEWS, view)
        choose = _choose_cliff if view == "cliff" else _choose_training
        chosen = choose(remarks)
        controls.share()
    if view == "cliff":
        _cliff(*chosen)
    else:
        clipped_training.show(chosen, _colours())


def _colours() -> tuple[str, str]:
    """Return the colours of what is not clipped and of what is."""
    return theme.palette().categorical[FREE], theme.palette().categorical[HELD]


def _choose_cliff(remarks: st.delta_generator.DeltaGenerator) -> tuple[float, float, float, float]:
    """Return the start (w, b), the learning rate and the threshold that the link asks for, and draw their choice."""
    with remarks:
        start = [
            state.link(key, value, low=low, high=high)
            for key, value, (low, high) in zip(("w", "b"), (5.5, -2.6), WINDOW, strict=True)
        ]
        rate = state.link("rate", 0.5, choices=RATES)
        clip = state.link("clip", 0.1, choices=CLIPS)
    for key, value, (low, high) in zip(("w", "b"), start, WINDOW, strict=True):
        widget = f"_cliff_{key}"
        st.session_state[widget] = value
        with st.container(
            key=f"choice_{key}", horizontal=True, vertical_alignment="center", width="content", gap="small"
        ):
            st.markdown(f"Start {key}", width="content")
            st.number_input(
                f"Start {key}",
                low,
                high,
                key=widget,
                step=0.1,
                format="%.2f",
                label_visibility="collapsed",
                width=125,
                on_change=lambda key=key, widget=widget: state.set_link(**{key: round(st.session_state[widget], 4)}),
            )
    controls.choose("Learning rate", "rate", RATES, rate, "{:g}".format, width=85)
    controls.choose("Clip at", "clip", CLIPS, clip, "{:g}".format, width=85)
    return start[0], start[1], rate, clip


def _choose_training(remarks: st.delta_generator.DeltaGenerator) -> Setting:
    """Return the comparison that the link asks for, and draw the choice of one that is there."""
    known = clipped.known()
    with remarks:
        run = state.link("run", next(iter(known)), choices=known)
    if len(known) > 1:
        controls.choose("Comparison", "run", list(known), run, lambda one: _title(known[one]), width=330)
    return known[run]


def _title(setting: Setting) -> str:
    title = rnncore.cells()[setting.cell].title
    return f"{title}, rate {setting.learning_rate:g}, clipped at {setting.clip:g}"


def _cliff(w: float, b: float, rate: float, clip: float) -> None:
    """Show the loss of the one-unit network, and both paths on it."""
    net = OneUnit()
    free = net.descend(w, b, learning_rate=rate, updates=UPDATES)
    held = net.descend(w, b, learning_rate=rate, updates=UPDATES, clip=clip)
    st.title(escaped(cliff.finding(free, held, clip, WINDOW)), anchor=False)
    st.markdown(
        f":gray[A recurrent network of one unit, $x_t = w\\,\\sigma(x_{{t-1}}) + b$, is to end at 0.7 after "
        f"{net.steps} steps: its loss is $(\\sigma(x_{{{net.steps}}}) - 0.7)^2$ (Pascanu 2013). Both paths "
        f"start at the same point and descend {UPDATES} times at the same learning rate.]"
    )
    ws, bs = np.meshgrid(*(np.linspace(low, high, POINTS) for low, high in WINDOW))
    loss = net.loss(ws, bs).astype(np.float32)
    colours = _colours()
    paths = [cliff.Descent(free, "not clipped", colours[0]), cliff.Descent(held, f"clipped at {clip:g}", colours[1])]
    look = {"palette": theme.palette(), "size": letters()}
    data = pd.concat([path.rows.assign(path=path.name) for path in paths])
    left, right = columns([1, 1])
    with left:
        figure.show(cliff.surface(loss, WINDOW, paths, **look), data, "cliff", "cliff-surface")
    with right:
        figure.show(cliff.above(loss, WINDOW, paths, **look), data, "cliff-from-above", "cliff-above")
    lead("cliff-surface", "cliff-above")
    how_to_read(
        f"Each dot is an update. On the plain the gradient is small; at the wall it is a product of {net.steps} large "
        "slopes, and one step of descent goes that much further. Clipping keeps its direction and cuts its length: no "
        f"step is longer than {rate:g} × {clip:g} = {rate * clip:g}. Play moves both; drag the surface to turn it.",
        cliff.conclusion(free, held, rate, clip, WINDOW),
    )
    figure.show(cliff.norms(paths, clip, **look), data, "cliff-gradient", "cliff-norms")
    st.markdown(
        ":small[:gray[Clipping as it should be: $g \\leftarrow g\\,\\cdot\\,c/\\lVert g\\rVert$ where "
        "$\\lVert g\\rVert > c$, with $\\lVert g\\rVert = \\sqrt{\\sum g_i^2}$ over all weights together. Some lecture "
        "code forgets the root: what it clips then has the norm $c/\\lVert g\\rVert$ in place of $c$, the smaller the "
        "larger the gradient was.]]"
    )
    controls.door("clipping", "The same on a real language model →", view="training")
