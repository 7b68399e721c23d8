"""The same language model trained with clipping and without, live or kept."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st

import rnncore
from rnncore.gradients import Comparison
from viz_app import clipped, jobs, state
from viz_app.clipped import Setting
from viz_app.components import figure, theme
from viz_app.components.widgets import begin, columns, how_to_read, letters
from viz_app.figures import clipping as drawing
from viz_app.figures.words import duration, escaped, thousands

POLL = 1.0
"""Seconds between two looks at trainings that run."""


OPTIMIZERS = {"sgd": "gradient descent", "adamw": "AdamW"}
WHY = {
    "sgd": "In gradient descent an update is as long as the gradient times the learning rate, which rises at first and "
    "then falls to a hundredth: one huge gradient throws all weights far off.",
    "adamw": "AdamW divides by the gradients’ recent size: a huge gradient makes no huge update, but the updates after "
    "it small, and the training may stall.",
}


def show(setting: Setting, colours: tuple[str, str]) -> None:
    """Show a comparison, live while it runs, and the form for another."""
    own = clipped.job(setting)
    active = own is not None and own.active
    st.fragment(_comparison, run_every=POLL if active else None)(setting, colours, active)
    _form(setting)


def _comparison(setting: Setting, colours: tuple[str, str], was_active: bool) -> None:
    own = clipped.job(setting)
    active = own is not None and own.active
    if was_active and not active:
        st.rerun()
    found = clipped.comparison(setting)
    title = rnncore.cells()[setting.cell].title
    if found is None or found.history["step"].max() < 2:
        st.title(escaped(f"The {title} is about to learn, twice"), anchor=False)
    else:
        finding = drawing.finding(found.history, found.exploded, setting.clip)
        st.title(escaped(f"So far: {finding}" if active else finding), anchor=False)
    st.markdown(
        f":gray[A {escaped(title)} of {setting.units} units learns Python’s standard library, twice: the same first "
        f"weights, the same batches of {clipped.BATCH} × {setting.length} characters in the same order, "
        f"{OPTIMIZERS[setting.optimizer]} at {setting.learning_rate:g} with the same decay; only one of the two "
        "clips.]"
    )
    if own is not None:
        _progress(own, setting, found)
    if found is None:
        return
    look: dict[str, Any] = {
        "palette": theme.palette(),
        "colours": {0.0: colours[0], setting.clip: colours[1]},
        "steps": setting.steps,
        "exploded": found.exploded,
        "size": letters(),
    }
    guess = math.log(found.symbols)
    drawn = drawing.curve(found.history, "loss", guess=guess, height=330, **look)
    figure.show(drawn, found.history, "clipping-loss", "clip-loss")
    for column, what in zip(columns([1, 1]), ("gradient_norm", "update_norm"), strict=True):
        with column:
            drawn = drawing.curve(found.history, what, height=260, **look)
            figure.show(drawn, found.history, f"clipping-{what}", f"clip-{what}")
    how_to_read(
        f"The dotted line is a blind guess among {found.symbols} characters, ln {found.symbols} = {guess:.2f} nats: a "
        "training explodes where its loss is worse by more than 1 nat than both that and the best before, or where "
        "loss or gradient is no finite number. Until the first gradient above the threshold both lines lie on each "
        f"other. {WHY[setting.optimizer]}",
        drawing.conclusion(found.history, setting.clip),
    )


def _progress(own: jobs.Job, setting: Setting, found: Comparison | None) -> None:
    if own.status == "failed":
        st.warning(f"It had to stop: {state.plain(own.error or 'no reason was given', 300)}.")
    if own.active:
        steps = int(found.history["step"].max()) if found else 0
        seconds = float(found.history["seconds"].max()) if found else 0.0
        left = f"about {duration(seconds / steps * (setting.steps - steps))} left" if steps > 3 else "reading the text"
        text = f"Step {thousands(steps)} of {thousands(setting.steps)} of both; {left}"
        if own.status == "waiting" and own.ahead:
            text = "Another training comes before it; this one starts by itself"
        st.progress(min(1.0, steps / setting.steps), text=text)
        st.button("Stop", key="_clip_stop", on_click=jobs.stop, args=(own,))
    elif own.status != "finished":
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("It was stopped before its end.", width="content")
            if st.button("Start it again", key="_clip_again"):
                _start(setting)


def _start(setting: Setting) -> None:
    begin(lambda: clipped.start(setting), run=setting.id)


@st.fragment
def _form(shown: Setting) -> None:
    """Draw what can be chosen, and the button."""
    with st.container(key="clip_form", border=True):
        st.markdown("**Try another**")
        cells = {name: cell.title for name, cell in rnncore.cells().items()}
        with st.container(horizontal=True, vertical_alignment="bottom"):
            place = [*cells].index(shown.cell)
            cell = st.selectbox("Cell", cells, place, format_func=cells.get, key="_clip_cell", width=230)
            rate = st.number_input(
                "Learning rate", 1e-5, 50.0, shown.learning_rate, step=0.001, format="%g", key="_clip_rate", width=140
            )
            clip = st.number_input(
                "Clip at", 0.01, 100.0, shown.clip, step=0.1, format="%g", key="_clip_clip", width=120
            )
            steps = st.number_input("Steps", 20, 3_000, shown.steps, step=100, key="_clip_steps", width=120)
            length = st.number_input("Characters a step", 10, 300, shown.length, step=10, key="_clip_length", width=140)
            seed = st.number_input("Seed", 0, 9_999, shown.seed, key="_clip_seed", width=100)
            kinds = [*OPTIMIZERS]
            kind = st.selectbox(
                "Descent by", kinds, kinds.index(shown.optimizer), OPTIMIZERS.get, key="_clip_optimizer", width=180
            )
        setting = Setting(cell, float(rate), float(clip), int(steps), shown.units, int(length), int(seed), kind)
        if st.button("Train it twice", type="primary", key="_clip_start"):
            _start(setting)
        st.markdown(
            ":small[:gray[It goes on when this tab is closed, and its result stays under its link. The two trainings "
            "take turns, step by step.]]"
        )
