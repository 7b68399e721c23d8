"""Work that takes its time: a bar with the time left, a way to stop it, and results that are kept."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import streamlit as st

import rnncore
from viz_app import state
from viz_app.figures.words import duration

Result = TypeVar("Result")
Progress = Callable[[int, int], None]

KEPT = 24
"""How many results are kept, for all visitors together."""

PATIENCE, BETWEEN = 0.4, 0.2
"""Seconds until a bar is drawn, and between two of its changes."""

POLL = 0.2
"""Seconds between two looks at work that somebody else has asked for."""


class _Turn:
    """Whose turn it is to work at a question, and which part of the work is done."""

    def __init__(self) -> None:
        self.lock, self.share = Lock(), 0.0


class _Results:
    """The results that were asked for last. Not a cache of Streamlit's: inside one nothing can be drawn."""

    def __init__(self) -> None:
        self.kept: OrderedDict[Hashable, Any] = OrderedDict()
        self.turns: WeakValueDictionary[Hashable, _Turn] = WeakValueDictionary()
        self.lock = Lock()

    @contextmanager
    def turn(self, question: Hashable, waiting: Callable[[float], None]) -> Iterator[_Turn]:
        """Wait until nobody else works at the question; ``waiting`` is called with their part done."""
        with self.lock:
            turn = self.turns.setdefault(question, _Turn())
        while not turn.lock.acquire(timeout=POLL):
            waiting(turn.share)
        try:
            yield turn
        finally:
            turn.share = 0.0
            turn.lock.release()

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
    """Return what ``work`` returns; the same question is answered once, however many ask it at the same time.

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
    answer: Result | None = known(question)
    if answer is not None:
        return answer
    stopped = state.memory("stopped")
    if question in stopped:
        st.info(f"Stopped: {label}.")
        st.button("Go on", key=f"go-{hash(question)}", on_click=stopped.clear)
        st.stop()
    with place.container():
        bar = _Bar(label, lambda: stopped.update({question: True}), f"stop-{hash(question)}")
        with _results().turn(question, bar.wait) as turn:
            answer = known(question)
            if answer is None:
                try:
                    answer = work(bar.follow(turn, growth))
                except rnncore.Error:
                    place.empty()  # the page goes on without the answer, and says why
                    raise
                _results().put(question, answer)
    place.empty()
    return answer


def known(question: tuple[Hashable, ...]) -> Any:
    """Return the answer to a question of :func:`computed`; None while there is none."""
    return _results().get(question)


class _Bar:
    """A bar that appears once it is clear that there is something to wait for."""

    def __init__(self, label: str, on_stop: Callable[[], None], key: str) -> None:
        self.label, self.on_stop, self.key = label, on_stop, key
        self.changed = time.monotonic()
        self.bar: Any = None

    def follow(self, turn: _Turn, growth: float) -> Progress:
        """Return what work calls with (parts done, parts in all)."""
        started = time.monotonic()

        def progress(done: int, total: int) -> None:
            turn.share = (done / total) ** growth
            left = (time.monotonic() - started) * (1 - turn.share) / max(turn.share, 1e-6)
            self.draw(turn.share, f"about {duration(left)} left")

        return progress

    def wait(self, share: float) -> None:
        """Show how far the work is that somebody else has asked for."""
        self.draw(share, "somebody else has asked the same, and both get the answer")

    def draw(self, share: float, words: str) -> None:
        """Draw the bar, not too often."""
        now = time.monotonic()
        if now - self.changed < (BETWEEN if self.bar else PATIENCE):
            return
        self.changed = now
        if self.bar is None:
            self.bar = st.progress(share, text=f"{self.label}: {words}")
            st.button("Stop", key=self.key, on_click=self.on_stop)
        else:
            self.bar.progress(share, text=f"{self.label}: {words}")
