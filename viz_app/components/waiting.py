"""Work that takes its time: a bar with the time left, a way to stop it, and results that are kept."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

import streamlit as st

from viz_app import state
from viz_app.figures.words import duration

Result = TypeVar("Result")
Progress = Callable[[int, int], None]

KEPT = 64
"""How many results are kept, for all visitors together."""

PATIENCE, BETWEEN = 0.4, 0.2
"""Seconds until a bar is drawn, and between two of its changes."""


class _Results:
    """The results that were asked for last. Not a cache of Streamlit's: inside one nothing can be drawn."""

    def __init__(self) -> None:
        self.kept: OrderedDict[Hashable, Any] = OrderedDict()
        self.lock = Lock()

    def get(self, question: Hashable) -> Any:
        with self.lock:
            if question in self.kept:
                self.kept.move_to_end(question)
            return self.kept.get(question)

    def put(self, question: Hashable, answer: Any) -> None:
        with self.lock:
            self.kept[question] = answer
            while len(self.kept) > KEPT:
                self.kept.popitem(last=False)


@st.cache_resource
def _results() -> _Results:
    return _Results()


def computed(
    question: tuple[Hashable, ...], label: str, work: Callable[[Progress], Result], growth: float = 1.0
) -> Result:
    """Return what ``work`` returns; the same question is answered once.

    While it runs a bar tells the time left. Its button Stop ends the page here with a way to go on, as does any
    other control: Streamlit gives up a run when the visitor asks for something else.

    Parameters
    ----------
    question : tuple
        All that the answer depends on.
    label : str
        What is waited for, as words in front of the time left.
    work : callable
        Takes a function that it calls with (parts done, parts in all).
    growth : float
        The time taken grows with the parts done to this power: 2 where each part costs more than the one before.
    """
    place = st.empty()  # always there, so that what comes after it stays where it is
    answer: Result | None = _results().get(question)
    if answer is not None:
        return answer
    stopped = state.memory("stopped")
    if question in stopped:
        st.info(f"Stopped: {label}.")
        st.button("Go on", key=f"go-{hash(question)}", on_click=stopped.clear)
        st.stop()
    with place.container():
        bar = _Bar(label, growth, lambda: stopped.update({question: True}), f"stop-{hash(question)}")
        answer = work(bar)
    place.empty()
    _results().put(question, answer)
    return answer


class _Bar:
    """A bar that appears once it is clear that there is something to wait for."""

    def __init__(self, label: str, growth: float, on_stop: Callable[[], None], key: str) -> None:
        self.label, self.growth, self.on_stop, self.key = label, growth, on_stop, key
        self.started = self.changed = time.monotonic()
        self.bar: Any = None

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self.changed < (BETWEEN if self.bar else PATIENCE):
            return
        self.changed = now
        share = (done / total) ** self.growth
        left = (now - self.started) * (1 - share) / max(share, 1e-6)
        words = f"{self.label}: about {duration(left)} left"
        if self.bar is None:
            self.bar = st.progress(share, text=words)
            st.button("Stop", key=self.key, on_click=self.on_stop)
        else:
            self.bar.progress(share, text=words)
