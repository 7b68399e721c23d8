"""What is known of how models tell two kinds of text apart: which have findings, and what they say of new texts.

This and :mod:`viz_app.state` hold the caches of the page Sentiment. Findings are what `rnncore sentiment` wrote into
the folder ``sentiment`` of a model.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import pandas as pd
import streamlit as st

import rnncore
from rnncore import analysis, pretrained
from rnncore.analysis import Along, Sentiment
from viz_app import jobs, state
from viz_app.components.waiting import Progress, computed

LONGEST = 4_000
"""Characters of a text that are read; longer ones are cut."""

MOST = 2_000
"""Texts of a file that are judged here."""


def names() -> list[str]:
    """Return the names of all models with findings."""
    homes = (pretrained.folder(), jobs.folder())
    known = {path.parent.parent.name for home in homes for path in home.glob("*/sentiment/sentiment.json")}
    return [name for name in state.models() if name in known]


def folder(name: str) -> Path:
    """Return where a model's findings lie, or would."""
    return state.folder(name) / "sentiment"


def of(name: str) -> Sentiment:
    """Return a model's findings.

    Raises
    ------
    rnncore.Error
        They, or the model, are damaged, or they are about other weights.
    """
    return _read(name, str(folder(name)), _stamp(name), state.stamp(name))


def along(name: str, text: str, read: str) -> Along:
    """Return what is read off a model's unit, or all its units, along a text, with a bar; each text is read once."""
    found = of(name)

    def work(progress: Progress) -> Along:
        return analysis.along(state.model(name), found, text, read=read, progress=progress)

    return computed(("along", *_weights(name), text, read), f"{name} reads", work)


def steered(
    name: str,
    setting: float | None,
    *,
    units: int,
    prompt: str,
    samples: int,
    length: int,
    temperature: float,
    seed: int,
) -> pd.DataFrame:
    """Return what a model writes with its best units held, with a bar; see :func:`rnncore.analysis.steered`."""
    found = of(name)

    def work(progress: Progress) -> pd.DataFrame:
        return analysis.steered(
            state.model(name),
            found,
            setting,
            units=units,
            samples=samples,
            length=length,
            prompt=prompt,
            temperature=temperature,
            seed=seed,
            progress=progress,
        )

    return computed(
        ("steered", *_weights(name), setting, units, prompt, samples, length, temperature, seed), f"{name} writes", work
    )


def read(content: bytes, file: str, column: str) -> list[str]:
    """Return the texts of a CSV file that a visitor gave; ``column`` is empty where its usual names will do.

    Raises
    ------
    rnncore.Error
        It is no CSV file of texts; the sentence says what is missing.
    """
    with tempfile.TemporaryDirectory() as home:
        path = Path(home) / (Path(file).name or "texts.csv")
        path.write_bytes(content)
        try:
            return list(analysis.read_texts(path, text=column, label=None)["text"])
        except rnncore.Error as error:
            raise rnncore.Error(str(error).replace(str(path), path.name)) from error


def judged(name: str, texts: tuple[str, ...]) -> pd.DataFrame:
    """Return what a model's unit, all its units, and the words say of each text, with a bar while it reads them."""
    found = of(name)

    def work(progress: Progress) -> pd.DataFrame:
        return found.judged(analysis.final_states(state.model(name), texts, progress=progress), texts)

    key = hashlib.sha256(repr(texts).encode()).hexdigest()  # the texts themselves are kept nowhere
    return computed(("judged", *_weights(name), key), f"{name} reads {len(texts):,} texts", work)


def _weights(name: str) -> tuple[str, str, str]:
    return name, state.stamp(name), _stamp(name)


def _stamp(name: str) -> str:
    """Return what changes whenever a model's findings do; nothing if it has none."""
    return state.dated(folder(name) / "sentiment.json")


@st.cache_resource(max_entries=8, show_spinner=False)
def _read(name: str, folder: str, changed: str, weights: str) -> Sentiment:
    return Sentiment.load(folder).about(state.model(name))
