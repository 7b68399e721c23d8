"""Race: which cell remembers over which length, on tasks that cannot be solved without memory."""

from __future__ import annotations

import streamlit as st

import rnncore
from rnncore.gradients import RaceConfig
from rnncore.training import tasks
from viz_app import controls, memory_race, state
from viz_app.components import memory_race as racing
from viz_app.figures.words import listed


def page() -> None:
    """Show the page."""
    known = memory_race.known()
    remarks = st.container()
    with st.container(key="controls", horizontal=True, vertical_alignment="center"):
        with remarks:
            name = state.link("race", next(iter(known), ""), choices=known or [""])
        if known:
            controls.choose("Race", "race", list(known), name, lambda one: _title(known[one]), width=430)
        controls.share()
    if known:
        racing.show(known[name])
        st.markdown(f":small[:gray[The same race on the command line:]] :small[`{memory_race.command(known[name])}`]")
    else:
        st.title("Who remembers how long? No race has been run here yet", anchor=False)
    racing.form({name: cell.title for name, cell in rnncore.cells().items()})


def _title(config: RaceConfig) -> str:
    cells = listed(list(memory_race.titles(config).values()))
    return f"{tasks.find(config.task).title}: {cells}"
