"""Longer texts to let a model read: what was held out of its corpus, what it wrote, Python's library, one's own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import streamlit as st

import rnncore
from rnncore import analysis
from rnncore.analysis import HeldOut, language_of
from viz_app import controls, state, texts
from viz_app.figures.words import thousands

LENGTHS = (20_000, 50_000, 100_000, 300_000)
"""How many characters may be read."""

LENGTH = 50_000

NAMES = {"held-out": "held out", "sample": "its own writing", "stdlib": "Python’s library", "text": "this text"}
"""What the kinds are called in the row of controls."""


@dataclass(frozen=True)
class Corpus:
    """A text to read.

    Attributes
    ----------
    kind : str
        The word in the link: held-out, sample, stdlib or text.
    title : str
        As it stands in a sentence: "the held-out part of linux".
    language : str
        One of :data:`rnncore.analysis.LANGUAGES`.
    text : str
        As much of it as is read.
    training : str
        What the model was trained on; empty where that is not at hand.
    """

    kind: str
    title: str
    language: str
    text: str
    training: str = ""

    @cached_property
    def key(self) -> str:
        """What tells this text from any other."""
        return texts.digest(self.text)


def kinds(model: str, text: state.Text) -> dict[str, str]:
    """Return the corpora that there are for a model, by kind, with their titles."""
    kept = held_out(model)
    found = {"held-out": f"the held-out part of {kept.corpus}"} if isinstance(kept, HeldOut) else {}
    if not state.model(model).backward_cells:
        found["sample"] = f"what {model} writes by itself"
    return found | {"stdlib": "Python’s standard library", "text": f"the text {text.title}"}


def missing(model: str) -> str:
    """Return why the text that the model was trained on is not at hand; nothing if it is."""
    found = held_out(model)
    return found if isinstance(found, str) else ""


def choose(model: str, text: state.Text, only: tuple[str, ...]) -> None:
    """Draw the choice of a corpus, out of the kinds ``only``, and of how much of it is read."""
    titles, kind, length = _asked(model, text, only)
    controls.choose("Corpus", "corpus", list(titles), kind, NAMES.__getitem__, width=150)
    if kind in ("held-out", "stdlib"):
        controls.choose("Characters", "length", LENGTHS, length, thousands, width=115)


def find(model: str, text: state.Text, only: tuple[str, ...]) -> Corpus:
    """Return the corpus that the link asks for, by default the first of ``only`` that there is."""
    titles, kind, length = _asked(model, text, only)
    language = language_of(state.card(model).data)
    kept = held_out(model)
    if kind == "held-out" and isinstance(kept, HeldOut):
        return Corpus(kind, titles[kind], kept.language, kept.text[:length], kept.training)
    if kind == "stdlib":
        return Corpus(kind, titles[kind], "python", _library(length))
    whole = state.sample(model) if kind == "sample" else state.whole(model, text.id)
    return Corpus(kind, titles[kind], "python" if text.id.startswith("stdlib") else language, whole[:length])


def _asked(model: str, text: state.Text, only: tuple[str, ...]) -> tuple[dict[str, str], str, int]:
    there = kinds(model, text)
    titles = {kind: there[kind] for kind in only if kind in there}
    kind = state.link("corpus", next(iter(titles)), choices=tuple(titles))
    return titles, kind, state.link("length", LENGTH, choices=LENGTHS)


def held_out(model: str) -> HeldOut | str:
    """Return what the model was not trained on, or why that is not at hand."""
    try:
        return _read(model, state.stamp(model))
    except rnncore.Error as error:
        return str(error)


@st.cache_resource(max_entries=4, show_spinner="Looking for the model’s corpus…")
def _read(model: str, stamp: str) -> HeldOut:
    return analysis.held_out(state.folder(model))


@st.cache_resource(max_entries=4, show_spinner="Looking through Python’s standard library…")
def _library(length: int) -> str:
    from rnncore.training import corpora

    return corpora.standard_library(length).text
