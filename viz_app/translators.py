"""Translators: which there are, how they were trained, and on what; what :mod:`viz_app.state` is to language models."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

import rnncore
from rnncore import Run, pretrained, seq2seq
from rnncore.seq2seq.checkpoint import DESCRIPTION
from rnncore.seq2seq.pairs import parse
from rnncore.seq2seq.tokens import normal
from viz_app import jobs, state, worker

# ---- which there are -----------------------------------------------------------------------------------------


def names() -> list[str]:
    """Return the names of all translators: those that come with the product, then the visitors' own."""
    return list(_folders())


def folder(name: str) -> Path:
    """Return the folder of a translator."""
    return _folders()[name]


def run(name: str) -> Run:
    """Return a translator's training, as far as it was kept."""
    return Run(folder(name))


def data(name: str) -> str:
    """Return the name of the pairs that a translator was trained on; empty where that is not known."""
    kept = worker.read(folder(name) / "run.json") or worker.read(folder(name) / DESCRIPTION).get("training", {})
    return str(kept.get("data", {}).get("name", ""))


def attends(name: str) -> bool:
    """Tell whether a translator has attention, without loading it."""
    return bool(worker.read(folder(name) / DESCRIPTION).get("model", {}).get("attention", "none") != "none")


def twins(name: str) -> list[str]:
    """Return the translators that were trained on the same pairs, this one first."""
    own = data(name)
    return [name, *(other for other in names() if other != name and own and data(other) == own)]


def load(name: str) -> seq2seq.Seq2Seq:
    """Return a translator.

    Raises
    ------
    rnncore.Error
        It is damaged.
    """
    return _load(name, stamp(name))


def stamp(name: str) -> str:
    """Return what changes whenever a translator's weights do; nothing if there is no such translator."""
    found = _folders().get(name)
    return "" if found is None else state.dated(found / "model.safetensors")


def size(name: str) -> int:
    """Return the bytes of a translator's weights; 0 where they are gone."""
    try:
        return (folder(name) / "model.safetensors").stat().st_size
    except OSError:
        return 0


def probe(name: str) -> list[tuple[str, str]]:
    """Return the pairs that a translator's training looked at."""
    try:
        return parse(str(run(name).config.get("config", {}).get("probe", "")))
    except rnncore.Error:
        return []


def _folders() -> dict[str, Path]:
    runs = sorted(path.parent for path in jobs.folder().glob(f"*/{DESCRIPTION}"))
    own = {path.name: path for path in runs if (path / "model.safetensors").exists()}
    return {name: pretrained.folder() / name for name in seq2seq.available()} | own


@st.cache_resource(max_entries=6, show_spinner=False)
def _load(name: str, stamp: str) -> seq2seq.Seq2Seq:
    return seq2seq.load(folder(name))


# ---- the sentences it was trained on -------------------------------------------------------------------------


def home() -> Path:
    """Return the folder in which the visitors' own translators are found."""
    return jobs.folder()


def at_hand(name: str) -> bool:
    """Tell whether the pairs that a translator was trained on are on this machine."""
    return data(name) == "dates" or _pairs(data(name)) is not None


def pairs(name: str) -> seq2seq.Pairs:
    """Return the pairs that a translator was trained on.

    Raises
    ------
    rnncore.Error
        They are not on this machine.
    """
    return _pairs(data(name)) or seq2seq.load_pairs(data(name))


def references(name: str) -> dict[str, str]:
    """Return how sentences should be translated, as far as that is known without drawing dates anew."""
    known = probe(name) if data(name) == "dates" or not at_hand(name) else [*pairs(name).test, *probe(name)]
    return {normal(source): target for source, target in known}


@st.cache_resource(max_entries=4, show_spinner="Reading the sentences it was trained on…")
def _pairs(name: str) -> seq2seq.Pairs | None:
    try:
        return seq2seq.load_pairs(name) if name else None
    except rnncore.Error:
        return None
