"""What a model reads on the page Errors, and what n-grams may learn from beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rnncore import analysis
from viz_app import controls, corpus, state
from viz_app.components.waiting import Progress, computed
from viz_app.figures.words import capital, escaped, thousands

CORPORA = ("held-out", "stdlib", "text")
TRAINING = (200_000, 500_000, 1_000_000, 2_000_000)
"""So much of the training text may be given to the n-grams."""

LEAST = 200
"""Characters without which there is nothing to count."""


@dataclass(frozen=True, eq=False)
class Read:
    """What the model read, one character a token, with ln p of each, and what n-grams may learn from.

    ``trained`` is how many characters the model was trained on, 0 where those are not at hand: then n-grams learn from
    the text's first half.
    """

    text: str
    log_probability: np.ndarray
    training: str
    trained: int
    key: tuple[str | int, ...]


def read(selection: controls.Selection, about: DeltaGenerator) -> Read | None:
    """Let the model read, and say in ``about`` what it read and what the n-grams learn from."""
    name, where = selection.model, corpus.find(selection.model, selection.text, CORPORA)
    vocabulary = state.model(name).vocabulary
    if vocabulary.kind in ("words", "subwords"):
        kind = vocabulary.kind
        about.info(f"These errors are of characters, and {name} reads {kind}: choose a model of characters or bytes.")
        return None
    amount = state.link("training", TRAINING[1], choices=TRAINING)
    text = "".join(vocabulary.tokenize(where.text))
    half = 0 if where.training else len(text) // 2
    if len(text) - half < LEAST:
        about.info(
            f"This text has {thousands(len(text))} characters, too few to count errors by their kind. Choose a longer "
            f"one, of at least {thousands(2 * LEAST)}: a file, a passage of your own, or a module of Python."
        )
        return None

    def work(progress: Progress) -> np.ndarray:
        return analysis.log_probabilities(state.model(name), where.text, progress)

    label = f"{name} reads {thousands(len(text))} characters"
    values = computed(("log p", name, state.stamp(name), where.key), label, work)
    training = "".join(vocabulary.tokenize(where.training[-amount:])) if where.training else text[:half]
    with about:
        _tell(name, where.title, len(text) - half, len(training), bool(where.training))
        if where.training:
            with st.container(key="axes-training", horizontal=True, vertical_alignment="center"):
                controls.choose(
                    "n-grams learn from so much of the training part", "training", TRAINING, amount, thousands
                )
    key = (name, state.stamp(name), where.key, where.kind, amount)
    return Read(text[half:], values[half:], training, len(where.training), key)


def _tell(name: str, title: str, characters: int, training: int, known: bool) -> None:
    """Say what was read; where the training text is not at hand, why, and what takes its place."""
    read = f"{name} read {thousands(characters)} characters of {title}"
    if known:
        st.markdown(f":gray[{escaped(read)}; n-grams and words are counted in {thousands(training)} of training.]")
        return
    st.markdown(f":gray[{escaped(read)}.]")
    why = corpus.missing(name)
    st.info(
        f"{capital(state.plain(why, 300))}. "
        * bool(why)
        + "What it was trained on is not used here: n-grams and rare words are counted in the first half of this text, "
        "errors in its second. Choose “this text” as the corpus, and a text of your own beside it, to judge the model "
        "by what it was made for."
    )
