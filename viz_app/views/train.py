"""Train: watch a small model learn a text, live; or go back through a training that is over."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import streamlit as st

import rnncore
from rnncore import Run, pretrained
from viz_app import controls, jobs, state
from viz_app.components import figure, theme
from viz_app.components.training_form import form
from viz_app.components.widgets import how_to_read, letters
from viz_app.figures import training
from viz_app.figures.words import capital, count, duration, thousands

POLL = 1.5
"""Seconds between two looks into the folder of a training that runs."""


def page() -> None:
    """Show the page."""
    folders = _runs()
    name = _chosen([*folders])
    job = jobs.find(name) if name else None
    left, right = st.columns([8, 4], gap="large")
    with left:
        if job is not None and job.active:
            _live(job.name)
        elif name:
            _past(Run(folders[name]), job)
        else:
            st.title("Train a small model, and watch it learn")
            st.markdown("No training is kept here yet. Start one: it shows its first words within seconds.")
    with right:
        if job is not None:
            _actions(job)
        st.subheader("Train one yourself")
        started = form()
        if started:
            state.set_link(run=started.name, step=None)
            st.rerun()


def _runs() -> dict[str, Path]:
    """Return the folders of all trainings by name: the visitors' own, the newest first, then the product's."""
    ours = {path.parent.name: path.parent for path in sorted(pretrained.folder().glob("*/history.jsonl"))}
    return {job.name: job.folder for job in jobs.every()} | ours


def _chosen(names: list[str]) -> str | None:
    """Draw the row of controls; return the training to show: at first one that came with the product."""
    default = next((name for name in ("shakespeare-lstm", *reversed(names)) if name in names), "")
    last = st.session_state.get("_run")
    with st.container(key="controls", horizontal=True, vertical_alignment="center"):
        name = state.link("run", last if last in names else default, choices=names or [""])
        if names:
            controls.choose("Training", "run", names, name)
        controls.share()
    st.session_state["_run"] = name
    return name or None


# ---- while it runs -------------------------------------------------------------------------------------------


@st.fragment(run_every=POLL)
def _live(name: str) -> None:
    """Show a training as it goes, again and again until it ends."""
    job = jobs.find(name)
    if job is None or not job.active:
        st.rerun()
    history, steps = job.run.history, int(job.config["steps"])
    st.title(_finding(history) if len(history) else f"{state.plain(name)} is about to learn")
    if job.status == "waiting" and job.ahead:
        before = "One training comes" if job.ahead == 1 else f"{capital(count(job.ahead))} trainings come"
        st.markdown(f"{before} before it. It starts by itself; this tab may be closed.")
        return
    done = int(history["step"].iloc[-1]) if len(history) else 0
    st.progress(done / steps, text=_pace(history, done, steps) if done else "Reading the text…")
    if done:
        st.markdown(f":small[:gray[{_clipped(history)}]]")
        _losses(job.run, history, steps, None)
        latest, *earlier = reversed(job.run.samples or [(0, "")])
        _sample(*latest)
        _norms(job.run, history, steps, None)
        for step, sample in earlier:
            _sample(step, sample)


def _pace(history: pd.DataFrame, done: int, steps: int) -> str:
    recent = history["seconds"].tail(100)
    pace = (recent.iloc[-1] - recent.iloc[0]) / max(1, len(recent) - 1)
    left = f", about {duration(pace * (steps - done))} left" if len(recent) > 5 else ""
    return f"Step {thousands(done)} of {thousands(steps)}{left}"


# ---- when it is over -----------------------------------------------------------------------------------------


def _past(run: Run, job: jobs.Job | None) -> None:
    """Show a training that is over or paused; a slider goes through it at doubling steps."""
    history, samples = run.history, dict(run.samples)
    said = _ending(job, len(history))
    if history.empty:
        st.title(f"{state.plain(run.folder.name)} has not learned anything yet")
        st.markdown(said)
        return
    steps = int(run.config.get("config", {}).get("steps", history["step"].iloc[-1]))
    last = int(history["step"].iloc[-1])
    stops = sorted({step for step in samples if step < last} | {last})
    step = state.link("step", last, choices=stops)
    seen = history[history["step"] <= step]
    st.title(_finding(seen))
    st.markdown(f":small[:gray[{said} {_clipped(seen)}]]")
    if len(stops) > 1:
        _scrub(stops, step)
    _losses(run, history, steps, step)
    if written := [at for at in samples if at <= step]:
        _sample(written[-1], samples[written[-1]])
    _norms(run, history, steps, step)
    how_to_read(
        "Loss is the surprise at the next character, in nats: a loss of 2 is a choice "
        "among e², about 7. Where validation rises while training falls, the model learns by heart. A dot is a step "
        "whose gradient was scaled down to the dotted line."
    )


def _scrub(steps: list[int], step: int) -> None:
    st.session_state["_train_step"] = step
    st.select_slider(
        "Go through the training",
        steps,
        key="_train_step",
        format_func=lambda value: f"step {thousands(value)}",
        on_change=lambda: state.set_link(step=st.session_state["_train_step"]),
    )


def _ending(job: jobs.Job | None, done: int) -> str:
    if job is None or job.status == "finished":
        return ""
    if job.status == "stopped":
        return f"Stopped after {thousands(done)} steps; Resume goes on from there, as if it had never stopped."
    if job.status == "failed":
        return f"It had to stop: {state.plain(job.error or 'no reason was given', 400)}."
    return "It was interrupted: switched off, or out of memory. Resume goes on from where it was last saved."


def _clipped(history: pd.DataFrame) -> str:
    cut, all_steps = int(history["clipped"].sum()), len(history)
    best = history["validation"].min()
    held_out = "" if math.isnan(best) else f"Best validation loss {best:.3f} nats. "
    thinned = all_steps < history["step"].iloc[-1]  # what comes with the product is thinned to fit
    among = f"the {thousands(all_steps)} steps on record" if thinned else f"{thousands(all_steps)} steps"
    return f"{held_out}{thousands(cut)} of {among} were clipped."


# ---- what both show ------------------------------------------------------------------------------------------


def _finding(history: pd.DataFrame) -> str:
    """Say from how many choices to how many the model came: the exponential of its loss."""
    first, now = history["loss"].iloc[0], history["loss"].tail(20).mean()
    step = thousands(history["step"].iloc[-1])
    if len(history) < 2 or now > first:
        return f"At step {step} it guesses among {_choices(now)} characters"
    return f"From guessing among {_choices(first)} characters to among {_choices(now)}, in {step} steps"


def _choices(loss: float) -> str:
    number = math.exp(min(loss, 20))
    return f"{number:.1f}" if number < 20 else thousands(number)


def _losses(run: Run, history: pd.DataFrame, steps: int, step: int | None) -> None:
    fig = training.loss(history, theme.palette(), _colour(run), steps=steps, step=step, size=letters())
    figure.show(fig, history, f"{run.folder.name}-loss", "loss")


def _norms(run: Run, history: pd.DataFrame, steps: int, step: int | None) -> None:
    clip = float(run.config.get("config", {}).get("clip", 0))
    fig = training.gradient_norm(
        history, theme.palette(), _colour(run), clip=clip, steps=steps, step=step, size=letters()
    )
    figure.show(fig, history, f"{run.folder.name}-gradient", "norm")


def _colour(run: Run) -> str:
    name = run.config.get("config", {}).get("cell", "lstm")
    return theme.palette().family(getattr(rnncore.cells().get(name), "family", name))


def _sample(step: int, text: str) -> None:
    if not step:
        return
    st.markdown(f"**What it writes after {thousands(step)} {'step' if step == 1 else 'steps'}**")
    st.code(text, language=None, wrap_lines=True, height=160)


def _actions(job: jobs.Job) -> None:
    """Draw what can be done with a run: stop, resume, open, save under another name, delete."""
    st.subheader(state.plain(job.name))
    with st.container(horizontal=True, gap="small"):
        if job.active:
            st.button("Stop", on_click=jobs.stop, args=(job,))
        elif job.status != "finished":
            st.button("Resume", type="primary", on_click=_try, args=(jobs.resume, job))
        if not job.active:
            with st.popover("Save as"):
                name = st.text_input("Name", job.name, key=f"_rename_{job.name}", max_chars=40)
                st.button("Save", on_click=_try, args=(jobs.rename, job, name.strip()))
            with st.popover("Delete"):
                st.markdown("This removes the model and all that was kept of its training.")
                st.button("Delete it", on_click=_try, args=(jobs.delete, job))
    if st.session_state.get("_train_error"):
        st.error(st.session_state.pop("_train_error"))
    if job.has_model:
        st.markdown(":small[:gray[The best model so far opens in:]]")
        with st.container(horizontal=True, gap="small"):
            pages = {"cells": "Cells", "inside": "Inside the cell", "gradients": "Gradients", "generate": "Generate"}
            for page, label in pages.items():
                controls.door(page, label, model=job.name)
    elif not job.active:
        st.markdown(":small[:gray[It has no model yet: the first is kept at its first validation.]]")


def _try(action: object, job: jobs.Job, *arguments: str) -> None:
    try:
        done = action(job, *arguments)
    except jobs.JobError as error:
        st.session_state["_train_error"] = state.plain(capital(str(error)), 300)
    else:
        st.session_state["_run"] = done.name if done else None
        state.set_link(run=done.name if done else None, step=None)
