"""A race for the longest memory, live or over: who solves which length, how the losses came down, what was equal."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from rnncore.gradients import RaceConfig, solved
from rnncore.gradients.standings import pace
from rnncore.training import tasks
from viz_app import jobs, memory_race, state, worker
from viz_app.components import figure, theme
from viz_app.components.facts import facts
from viz_app.components.widgets import begin, columns, how_to_read, letters
from viz_app.figures import memory_race as drawing
from viz_app.figures.matched import weights
from viz_app.figures.words import capital, count, duration, escaped, listed, thousands

POLL = 2.0
"""Seconds between two looks at a race that runs."""

WAITING = 6.0
"""Seconds that a job takes until its first update, about."""

RATES = (0.03, 0.01, 0.004, 0.0015, 0.0005)

ASKED = {
    "adding": "At each step the network sees a number between 0 and 1; two of them are marked, one in each half. At "
    "the end it is asked for their sum.",
    "copy": "The network sees ten letters, then blanks for as many steps as the length says; then it has to write the "
    "ten letters.",
    "temporal-order": "Two marks, X or Y each, stand far apart in noise; at the end the network is asked which came "
    "first and which second.",
}


def show(config: RaceConfig) -> None:
    """Show a race, live while it runs."""
    active = any(job.active for job in memory_race.members(config).values())
    st.fragment(_race, run_every=POLL if active else None)(config, active)


def _race(config: RaceConfig, was_active: bool) -> None:
    runs = memory_race.members(config)
    active = any(job.active for job in runs.values())
    if was_active and not active:
        st.rerun()
    laps = memory_race.laps(config)
    labels = memory_race.titles(config)
    colours = theme.palette().apart(config.cells)
    table = solved(config, laps)
    if table.empty:
        names = listed([f"the {label}" for label in labels.values()])
        st.title(escaped(f"{capital(names)} are about to learn" if active else "No training of this race has ended"))
    else:
        finding = drawing.finding(memory_race.standing(config, laps, table), labels, config.lengths, config.seeds)
        st.title(escaped(f"So far {finding[:1].lower()}{finding[1:]}" if active else finding), anchor=False)
    st.markdown(f":gray[{escaped(ASKED[config.task])} {escaped(_matched(config, table, labels))}]")
    _progress(config, runs, laps)
    if not laps:
        return
    history = pd.DataFrame([vars(lap) for lap in laps])
    length = _length(config, history, table)
    left, right = columns([1, 1])
    look = (theme.palette(), colours, labels)
    key = f"memory-{memory_race.name(config)}"
    with left:
        fig = drawing.tiles(table, *look, config.lengths, config.seeds, chosen=length, size=letters())
        figure.show(
            fig,
            table,
            f"race-{config.task}",
            f"{key}-tiles",
            on_click=lambda at: state.set_link(length=at["customdata"]),
        )
    with right:
        of_it = history[history["length"] == length]
        fig = drawing.curves(of_it, *look, updates=config.updates, size=letters())
        figure.show(fig, history, f"race-{config.task}-losses", f"{key}-curves")
        _choose(config, history, length)
    how_to_read(escaped(_reading(config)), drawing.conclusion(table, labels, config.seeds) if len(table) else "")
    _table(table, labels, colours)


def _matched(config: RaceConfig, table: pd.DataFrame, labels: dict[str, str]) -> str:
    """Say what is the same for all, and what is not."""
    seeds = f"{count(config.seeds)} seeds" if config.seeds > 1 else "one seed, so that chance has a part in it"
    rates = ", and where that fails at ".join(f"{rate:g}" for rate in config.learning_rates)
    same = (
        f"The same for all: the sequences, fresh ones in batches of {config.batch}; Adam at {rates}; "
        f"clipping at {config.clip:g}; at most {thousands(config.updates)} updates; {seeds}"
    )
    sizes = table.drop_duplicates("cell").set_index("cell") if len(table) else table
    if len(sizes) < 2:
        return f"{same}."
    alike, said = weights(sizes["weights"])
    units = listed([f"{units} ({labels[str(cell)]})" for cell, units in sizes["units"].items()])
    return f"{same}; {said}. Not the units: {units}." if alike else f"{same}. Not matched: {said}; the units: {units}."


def _reading(config: RaceConfig) -> str:
    task = tasks.find(config.task)
    what = "mean squared error" if task.outputs == 1 else "cross-entropy in nats"
    return (
        "A tile is filled as far as the trainings solved that length: their loss came below a tenth of what the best "
        "answer without memory has. A cell that fails at a length is sent no further, which a dash says. "
        f"Curves are single trainings, {what} on 500 sequences not seen before: a dot where one solved the task and "
        "ended, a cross where one ran out of updates; dashed, a second learning rate after the first had failed. One "
        "that stays on the upper dotted line has learned nothing "
        "that needs memory."
    )


def _length(config: RaceConfig, history: pd.DataFrame, table: pd.DataFrame) -> int:
    """Return the length whose losses are shown: at first the shortest that some cell did not solve."""
    tried = [length for length in config.lengths if length in set(history["length"])]
    short = table[table["solved"] < table["runs"]]["length"]
    first = int(short.min()) if len(short) else tried[-1]
    return state.link("length", first, choices=tried)


def _choose(config: RaceConfig, history: pd.DataFrame, length: int) -> None:
    tried = [one for one in config.lengths if one in set(history["length"])]
    st.session_state["_memory_length"] = length
    st.segmented_control(
        "Steps to remember over",
        tried,
        key="_memory_length",
        format_func=thousands,
        on_change=lambda: state.set_link(length=st.session_state["_memory_length"]),
    )


def _table(table: pd.DataFrame, labels: dict[str, str], colours: dict[str, str]) -> None:
    head = ["", "steps", "units", "weights", "solved", "median updates", "median loss at the end"]
    rows = []
    for row in table.itertuples():
        median = "–" if math.isnan(row.median_updates) else thousands(row.median_updates)
        loss = f"{row.loss:.4f}" if math.isfinite(row.loss) else "not finite"
        cells = [labels[row.cell], thousands(row.length), str(row.units), thousands(row.weights)]
        rows.append((colours[row.cell], [*cells, f"{row.solved} of {row.runs}", median, loss]))
    with st.expander("Every cell and length in figures"):
        st.html(facts(head, rows))


def _progress(config: RaceConfig, runs: dict[str, jobs.Job], laps: list) -> None:
    for job in runs.values():
        if job.status == "failed":
            st.warning(f"{state.plain(job.name)} had to stop: {state.plain(job.error or 'no reason was given', 300)}.")
    active = [job for job in runs.values() if job.active]
    if active:
        latest = {lap.training: lap.seconds for lap in laps}
        at_work = max(1, sum(job.status == "training" for job in active))
        done = sum(latest.values()) / at_work
        rest = memory_race.remaining(config, laps, {}, worker.CORES)
        words = f"at most {duration(rest)} left" if math.isfinite(rest) else "the first updates"
        ended = sum(lap.finished for lap in laps)
        text = f"{capital(count(ended))} training{'s have' if ended != 1 else ' has'} ended; {words}"
        st.progress(min(1.0, done / (done + rest)) if math.isfinite(rest) and done else 0.0, text=text)
        st.button("Stop", key="_memory_stop", on_click=lambda: [jobs.stop(job) for job in active])
    elif any(job.status != "finished" for job in runs.values()):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("It was stopped before its end.", width="content")
            if st.button("Resume", type="primary", key="_memory_resume"):
                start(config)


# ---- another race ----------------------------------------------------------------------------------------------


def start(config: RaceConfig) -> None:
    """Start a race and go to it, or say why not."""
    begin(lambda: memory_race.start(config), race=memory_race.name(config), length=None)


@st.fragment
def form(cells: dict[str, str]) -> None:
    """Draw what can be chosen, and the button with an honest estimate; ``cells`` are all there are, with titles."""
    with st.container(key="memory_form", border=True):
        st.markdown("**A race of your own**")
        one, two = st.columns([1, 2])
        kinds = {name: task.title for name, task in tasks.TASKS.items()}
        task = one.selectbox("Task", kinds, format_func=kinds.get, key="_memory_task")
        chosen = two.multiselect(
            "Cells", cells, ["elman", "lstm"], format_func=cells.get, key="_memory_cells", max_selections=6
        )
        options = (10, 20, 30, 50, 75, 100, 150, 200, 300, 400)
        picked = st.pills(
            "Steps to remember over", options, selection_mode="multi", default=[10, 20, 30], key="_memory_lengths"
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            seeds = st.number_input("Seeds", 1, 5, 2, key="_memory_seeds", width=110)
            units = st.number_input("Units of an LSTM", 4, 128, 24, step=4, key="_memory_units", width=150, help=_why())
            updates = st.number_input("Updates at most", 50, 20_000, 1_500, step=100, key="_memory_updates", width=150)
            rates = st.multiselect(
                "Learning rates", RATES, [0.01, 0.0015], format_func="{:g}".format, key="_memory_rates", width=230
            )
        if not chosen or not picked or not rates:
            st.markdown(":small[:gray[Choose at least one cell, one length and one learning rate.]]")
            return
        config = RaceConfig(
            task,
            tuple(chosen),
            tuple(sorted(picked)),
            seeds=int(seeds),
            units=int(units),
            updates=int(updates),
            learning_rates=tuple(sorted(rates, reverse=True)),
        )
        if st.button("Start the race", type="primary", key="_memory_start"):
            start(config)
        st.markdown(f":small[:gray[{_estimate(config)}]]")


def _why() -> str:
    return "The other cells get as many units as make the same number of weights."


def _estimate(config: RaceConfig) -> str:
    paces = {cell: _pace(config.task, cell, config.units) for cell in config.cells}
    at_once = min(worker.CORES, len(config.cells))
    seconds = memory_race.remaining(config, [], paces, at_once) + WAITING * math.ceil(len(config.cells) / at_once)
    return (
        f"At most {duration(seconds)}, from the speed of this machine just now; less where a task is solved sooner or "
        "a cell fails. It goes on when this tab is closed, and its result stays under its link."
    )


@st.cache_resource(max_entries=64, show_spinner="Timing a few updates…", ttl=600)
def _pace(task: str, cell: str, units: int) -> float:
    return pace(RaceConfig(task, (cell,), units=units), cell)
