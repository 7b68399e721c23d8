"""The race on the page Architectures: several cells learn the same text; how they do it, live and afterwards."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

import rnncore
from rnncore.training import corpora
from viz_app import jobs, race, state, worker
from viz_app.components import figure, theme
from viz_app.components.race_results import Look, flow, gradients, table
from viz_app.components.widgets import begin, columns, how_to_read, letters
from viz_app.figures import race as drawing
from viz_app.figures.words import THIN, capital, count, duration, escaped, listed, thousands
from viz_app.race import Settings

POLL = 2.0
"""Seconds between two looks at a race that runs."""

STARTING = 6.0
"""Seconds that a training takes until its first step, about."""

SYMBOLS = 100
"""Different characters of a text, about; for the estimate alone."""


def asked(cells: tuple[str, ...], units: int) -> Settings | None:
    """Return the race that the link asks for; otherwise the last one of these cells, or the last of all."""
    wanted = state.link("race", "")
    if not wanted:
        here = [one for one in race.known() if one.cells == cells and one.units == units]
        return next(iter(here or race.known()), None)
    found = race.find(wanted)
    if found is None:
        state.refuse("race", f"This link asks for race {state.plain(wanted)}, which was not run on this machine.")
        state.link("race", "")
    return found


def results(settings: Settings | None) -> None:
    """Show a race, live while it runs; where there is none, what one would show."""
    if settings is None:
        st.subheader("Which learns fastest? No race has been run here yet", anchor=False)
        st.markdown(
            "Each cell learns the same text in the same order, from several seeds, in processes of their own. "
            "You see the loss come down live, against steps and against seconds; then how far back each one’s "
            "gradient reaches. The results stay, under a link."
        )
    else:
        active = any(job.active for job in race.members(settings).values())
        st.fragment(_race, run_every=POLL if active else None)(settings, active)


# ---- the form ------------------------------------------------------------------------------------------------


@st.fragment
def form(cells: tuple[str, ...], units: int, again: bool) -> None:
    """Draw what can be chosen, and the button with an honest estimate."""
    titles = listed([rnncore.cells()[name].title for name in cells])
    with st.container(key="race_form", border=again):
        if again:
            st.markdown(f"**Another race: {escaped(titles)}**")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            seeds = st.number_input("Seeds", 1, 5, 2, key="_race_seeds", width=120)
            steps = st.number_input("Steps", 20, 5_000, 600, step=100, key="_race_steps", width=140)
            known = {"stdlib": "Python’s standard library"}
            entries = corpora.catalogue.items()
            known |= {name: one.title for name, one in entries if one.text and corpora.at_hand(one)}
            text = st.selectbox("Text", known, format_func=known.get, key="_race_text", width=260)
            matched = st.toggle("Same number of weights", True, key="_race_matched", help=_why(units))
        settings = Settings(cells, units, int(seeds), int(steps), text, matched)
        if st.button(f"Race {escaped(titles)}", type="primary", key="_race_start"):
            _start(settings)
        st.markdown(f":small[:gray[{_estimate(settings)}]]")


def _why(units: int) -> str:
    return f"Each gets as many units as make its model as large as the LSTM’s of {units}. Otherwise all have {units}."


def _start(settings: Settings) -> None:
    begin(lambda: race.start(settings), race=settings.id)


def _estimate(settings: Settings) -> str:
    at_once = min(worker.CORES, len(settings.runs))
    paces = _paces(settings.cells, settings.units, settings.matched, SYMBOLS)
    seconds = race.left(settings, race.table({}), paces, at_once) + STARTING * math.ceil(len(settings.runs) / at_once)
    return (
        f"{capital(count(len(settings.runs)))} trainings, {count(at_once)} at a time: about {duration(seconds)}, from "
        f"the speed of this machine just now. They go on when this tab is closed."
    )


@st.cache_resource(max_entries=64, show_spinner="Timing a few steps…", ttl=600)
def _paces(cells: tuple[str, ...], units: int, matched: bool, symbols: int) -> tuple[float, ...]:
    settings = Settings(cells, units, matched=matched)
    return tuple(race.pace(settings, cell, symbols) for cell in cells)


# ---- how it goes ---------------------------------------------------------------------------------------------


def _race(settings: Settings, was_active: bool) -> None:
    """Show a race, while it runs or when it is over."""
    runs = race.members(settings)
    active = any(job.active for job in runs.values())
    if was_active and not active:
        st.rerun()
    history = race.table(runs)
    final = race.results(settings, runs, history)
    look = Look(
        {name: rnncore.cells()[name].title for name in settings.cells},
        theme.palette().apart(settings.cells),
        letters(),
    )
    started = bool(history["validation"].notna().any())
    names = listed([f"the {label}" for label in look.labels.values()])
    sentence = drawing.ahead(final, look.labels) if started else f"{capital(names)} are about to learn"
    st.subheader(escaped(sentence), anchor=False)
    st.markdown(f":gray[{escaped(_matched(settings, runs, final, look))}]")
    _progress(settings, runs, history)
    if not started:
        return
    _losses(settings, history, look)
    curves = gradients(settings, runs, look)
    if curves is not None and not active:
        flow(curves, look)
    table(settings, final, curves, look)


def _matched(settings: Settings, runs: dict[tuple[str, int], jobs.Job], results: pd.DataFrame, look: Look) -> str:
    """Say what is the same for all and what is not."""
    seeds = f"{count(settings.seeds)} seeds each" if settings.seeds > 1 else "one seed each, so no band"
    same = (
        f"The same for all: text, order of reading, {thousands(settings.steps)} steps of {race.BATCH} × {race.LENGTH} "
        f"characters, one layer, learning rate {race.RATE:g}, clipping at {race.CLIP:g}; {seeds}."
    )
    units = {cell: job.config["units"] for (cell, _), job in runs.items()}
    sizes = results["weights"].dropna()
    if settings.matched and len(sizes) > 1:
        apart = sizes.max() / sizes.min() - 1
        same += f" So are the weights, {thousands(sizes.mean())}, within {100 * apart:.1f}{THIN}%."
    elif len(sizes) > 1:
        same += f" Not the weights: {thousands(sizes.min())} to {thousands(sizes.max())}."
    if len(set(units.values())) > 1:
        same += " Not the units: " + listed([f"{number} ({look.labels[cell]})" for cell, number in units.items()]) + "."
    return f"{same} The learning rate was tuned for none of them."


def _progress(settings: Settings, runs: dict[tuple[str, int], jobs.Job], history: pd.DataFrame) -> None:
    total = len(settings.runs) * settings.steps
    done = int(history.groupby(["cell", "seed"])["step"].max().sum()) if len(history) else 0
    active = [job for job in runs.values() if job.active]
    for job in runs.values():
        if job.status == "failed":
            st.warning(f"{state.plain(job.name)} had to stop: {state.plain(job.error or 'no reason was given', 300)}.")
    if active:
        training = sum(job.status == "training" for job in active)
        paces = [float(history["pace"].mean()) if len(history) else math.nan] * len(settings.cells)
        seconds = race.left(settings, history, paces, max(1, min(worker.CORES, len(active))))
        rest = f", about {duration(seconds)} left" if math.isfinite(seconds) else ""
        words = (
            f"{thousands(done)} of {thousands(total)} steps{rest}; {count(training)} of {len(runs)} trainings at work"
        )
        st.progress(min(1.0, done / total), text=words)
        st.button("Stop", key="_race_stop", on_click=lambda: [jobs.stop(job) for job in active])
    elif any(job.status != "finished" for job in runs.values()) or len(runs) < len(settings.runs):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"Stopped after {thousands(done)} of {thousands(total)} steps.", width="content")
            if st.button("Resume", type="primary", key="_race_resume"):
                _start(settings)


def _losses(settings: Settings, history: pd.DataFrame, look: Look) -> None:
    palette = theme.palette()
    for column, by in zip(columns([1, 1]), ("step", "seconds"), strict=True):
        end = settings.steps if by == "step" else None
        fig = drawing.learning(history, palette, look.colours, look.labels, by=by, end=end, size=look.size)
        with column:
            figure.show(fig, drawing.checked(history), f"race-{settings.id}-{by}", f"race-{by}")
    band = " Band: lowest to highest seed." if settings.seeds > 1 else ""
    how_to_read(
        f"Lower is better: a loss of 2 is a choice among e², about 7.{band} "
        "Left, who learns more from the same text; right, who learns more in the same time, with all trainings on "
        "this machine side by side."
    )
