"""The form that asks for a training: which text, which model, how long."""

from __future__ import annotations

from typing import Any

import streamlit as st

import rnncore
from rnncore.training import corpora
from viz_app import jobs, state, texts
from viz_app.figures.words import thousands

OWN = {"mine": "A text of my own", "file": "A file of my own"}
VALIDATION = 20_000
"""Characters held out at most: validating must not take longer than training."""


def form() -> jobs.Job | None:
    """Draw the form; return the training that was just started, if one was."""
    known = {"stdlib": "Python's standard library"}
    known |= {name: entry.title for name, entry in corpora.catalogue.items() if entry.text and corpora.at_hand(entry)}
    source = st.selectbox("Text", [*known, *OWN], format_func=lambda name: (known | OWN)[name], key="_train_text")
    text = _own(source)
    config = _shape()
    name = st.text_input("Name", placeholder=_proposed(source, config["cell"]), key="_train_name", max_chars=40)
    if not st.button("Start training", type="primary", key="_train_start"):
        return None
    try:
        name = name.strip() or _proposed(source, config["cell"])
        return _start(name, config, source, text)
    except (jobs.JobError, rnncore.Error) as error:
        sentence = str(error)
        st.error(state.plain(sentence[:1].upper() + sentence[1:], 400))
        return None


def _own(source: str) -> str | None:
    """Return the visitor's own text; None where the text is a known one or there is none."""
    if source == "mine":
        pasted = st.text_area("Text to learn from", key="_train_pasted", height=140, persist_state="session")
        if pasted:
            st.markdown(f":small[:gray[{thousands(len(pasted))} characters, {len(set(pasted))} different ones.]]")
        return pasted
    if source == "file":
        uploaded = st.file_uploader("A text file in UTF-8", key="_train_file", max_upload_size=20)
        if uploaded is None:
            return ""
        try:
            return texts.decoded(uploaded.getvalue())
        except texts.TextError as error:
            st.error(str(error))
            return ""
    return None


def _shape() -> dict[str, Any]:
    """Return what the visitor chose of :class:`rnncore.TrainConfig`."""
    cells = {name: cell.title for name, cell in rnncore.cells().items()}
    one, two = st.columns(2)
    cell = one.selectbox("Cell", cells, index=[*cells].index("lstm"), format_func=cells.get, key="_train_cell")
    steps = two.number_input("Steps", 10, 20_000, 1_000, step=100, key="_train_steps")
    one, two = st.columns(2)
    layers = one.number_input("Layers", 1, 4, 1, key="_train_layers")
    units = two.number_input("Units a layer", 4, 512, 128, step=32, key="_train_units")
    with st.expander("Advanced"):
        one, two = st.columns(2)
        rate = one.number_input("Learning rate", 0.00001, 1.0, 0.004, step=0.001, format="%g", key="_train_rate")
        clip = two.number_input(
            "Clip gradients above", 0.0, 100.0, 0.25, step=0.05, format="%g", key="_train_clip", help="0 never clips."
        )
        dropout = one.number_input("Dropout", 0.0, 0.9, 0.0, step=0.1, format="%g", key="_train_dropout")
        seed = two.number_input("Seed", 0, 999_999, 0, key="_train_seed")
        batch = one.number_input("Streams side by side", 1, 256, 32, key="_train_batch")
        length = two.number_input("Symbols of each a step", 2, 500, 64, key="_train_length")
        kinds = ["characters", "bytes", "subwords"]
        vocabulary = st.selectbox(
            "The model reads",
            kinds,
            key="_train_vocabulary",
            help="Subwords are up to 4,000 pieces of words, from the text.",
        )
    st.markdown(f":small[:gray[It will read {thousands(steps * batch * length)} {vocabulary}.]]")
    return {
        "cell": cell,
        "layers": layers,
        "units": units,
        "steps": steps,
        "learning_rate": float(rate),
        "clip": float(clip),
        "dropout": float(dropout),
        "seed": seed,
        "batch": batch,
        "length": length,
        "vocabulary": vocabulary,
        "warmup": min(20, steps // 10),
        "validate_every": max(1, steps // 20),
    }


def _proposed(source: str, cell: str) -> str:
    return jobs.free_name(f"{source}-{cell}")


def _start(name: str, config: dict[str, Any], source: str, text: str | None) -> jobs.Job:
    """Start the training; a passage from the text's start is recorded along the way, for the gradients' page."""
    if text is None:
        entry = corpora.catalogue.get(source)
        passage = corpora.load(source).text if entry else corpora.standard_library(200).text
        size = entry.size if entry else 2_000_000
    else:
        passage, size = text, len(text)
    config |= {
        "validation": min(0.1, VALIDATION / max(1, size)),
        "probe": passage[:200],
        "probe_every": max(1, config["steps"] // 10),
    }
    return jobs.start(name, config, source if text is None else None, text)
