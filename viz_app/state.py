"""What outlives a run of a page: models, recordings and texts in caches, the selection in the link.

This is what pages ask for; the only caches of the dashboard that hold models or recordings are here.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

import rnncore
from viz_app import texts
from viz_app.address import link, memory, plain, projector, refuse, set_link, turn
from viz_app.texts import Text, TextError

if TYPE_CHECKING:
    from rnncore import LanguageModel, Recording
    from rnncore.network.generate import Written
    from viz_app.gallery import Card
    from viz_app.whatif import Choice, Sampling

__all__ = [
    "Text",
    "TextError",
    "card",
    "folder",
    "has",
    "keep",
    "link",
    "model",
    "models",
    "modules",
    "plain",
    "probes",
    "projector",
    "record",
    "refuse",
    "sample",
    "set_link",
    "stamp",
    "text",
    "turn",
    "whole",
    "writing",
]


# ---- models and recordings -----------------------------------------------------------------------------------


def models() -> list[str]:
    """Return the names of all models: those that come with the product, then the visitors' own.

    Those that raced are left out, but for one that the link asks for: there may be dozens.
    """
    asked = f"{st.query_params.get('model', '')},{st.query_params.get('models', '')}".split(",")
    return [name for name in _folders() if not name.startswith("race-") or name in asked]


def has(name: str) -> bool:
    """Tell whether there is a model of this name, be it one that raced."""
    return name in _folders()


def folder(name: str) -> Path:
    """Return the folder of a model's checkpoint."""
    return _folders()[name]


def model(name: str) -> LanguageModel:
    """Return a model.

    Raises
    ------
    rnncore.CheckpointError
        There is no such model, or its checkpoint is damaged.
    """
    known = _folders()
    if name not in known:
        raise rnncore.CheckpointError(f"there is no model {name!r}; known: {', '.join(known) or 'none'}")
    return _model(name, stamp(name))


def record(name: str, text: str, gradients: bool = False, target: int | None = None) -> Recording:
    """Return what happens inside a model as it reads ``text``; the same question is answered once.

    Raises
    ------
    rnncore.Error
        The checkpoint is damaged, or the text or the target will not do.
    """
    return _record(name, stamp(name), text, gradients, target)


def writing(
    name: str, prompt: str, length: int, sampling: Sampling, choices: tuple[Choice, ...] = ()
) -> tuple[Written, ...]:
    """Return what a model writes after ``prompt``; see :func:`viz_app.whatif.write`.

    Raises
    ------
    rnncore.Error
        The checkpoint is damaged, or a number or a choice will not do.
    """
    return _writing(name, stamp(name), prompt, length, sampling, choices)


def probes(name: str) -> tuple[tuple[int, Recording], ...]:
    """Return the recordings of the probe text that were kept while a model was trained: (step, gradients only).

    Damaged ones are left out.
    """
    files = rnncore.Run(folder(name)).probes
    return _probes(name, tuple((step, str(path), path.stat().st_mtime_ns) for step, path in files))


def card(name: str) -> Card:
    """Return what is known of a model without loading it: its shape, its data, how good it is."""
    return _card(name, str(folder(name)), stamp(name))


def stamp(name: str) -> str:
    """Return what changes whenever a model's weights do; nothing if there is no such model."""
    found = _folders().get(name)
    return "" if found is None else dated(found / "model.safetensors")


def dated(file: Path) -> str:
    """Return what changes whenever a file does; nothing if there is none."""
    try:
        found = file.stat()
    except OSError:
        return ""
    return f"{found.st_mtime_ns:x}-{found.st_size:x}"


def _folders() -> dict[str, Path]:
    from rnncore import pretrained
    from viz_app import jobs

    runs = sorted(path.parent for path in jobs.folder().glob("*/model.safetensors"))
    own = {path.name: path for path in runs if (path / "config.json").exists()}
    return {name: pretrained.folder() / name for name in pretrained.available()} | own


@st.cache_resource(max_entries=8, show_spinner=False)
def _model(name: str, stamp: str) -> LanguageModel:
    return rnncore.load(folder(name))


@st.cache_resource(max_entries=64, show_spinner=False)
def _card(name: str, folder: str, stamp: str) -> Card:
    from viz_app import gallery

    return gallery.read(name, Path(folder))


@st.cache_resource(max_entries=8, show_spinner="Reading the recordings of the training…")
def _probes(name: str, files: tuple[tuple[int, str, int], ...]) -> tuple[tuple[int, Recording], ...]:
    found = []
    for step, path, _ in files:
        with suppress(rnncore.RecordingError):
            recording = rnncore.Recording.load(path)
            if recording.gradient and recording.target is not None:
                found.append((step, replace(recording, values={})))
    return tuple(found)


@st.cache_resource(max_entries=12, show_spinner="The model is reading…")
def _record(name: str, stamp: str, text: str, gradients: bool, target: int | None) -> Recording:
    return rnncore.record(model(name), text, gradients=gradients, target=target)


@st.cache_resource(max_entries=32, show_spinner="The model is writing…")
def _writing(
    name: str, stamp: str, prompt: str, length: int, sampling: Sampling, choices: tuple[Choice, ...]
) -> tuple[Written, ...]:
    from viz_app import whatif

    return whatif.write(model(name), prompt, length, sampling, choices)


# ---- texts ---------------------------------------------------------------------------------------------------


def text(model_name: str) -> Text:
    """Return the text that the link asks for, by default one that the model itself wrote, if it can write."""
    first = "stdlib:this.py" if model(model_name).backward_cells else "sample"
    name = link("text", first)
    try:
        title, whole = _find(name, model_name)
    except TextError as error:
        shown = f"a text written by {plain(model_name)}" if first == "sample" else "a module of Python"
        refuse("text", f"{error} Showing {shown}.")
        name = link("text", first)
        title, whole = _find(name, model_name)
    return texts.window(name, title, whole, link("part", 1, low=1, high=texts.parts(whole)))


def whole(model_name: str, name: str) -> str:
    """Return all of a text, of which :func:`text` returns a window; ``name`` is its id in the link.

    Raises
    ------
    TextError
        There is no such text.
    """
    return _find(name, model_name)[1]


def _find(name: str, model_name: str) -> tuple[str, str]:
    kind, _, key = name.partition(":")
    if name == "sample":
        return f"Written by {model_name}", sample(model_name)
    if kind == "stdlib" and key in modules():
        return key, modules()[key]
    if kind == "mine":
        kept = memory("texts").get(key) or texts.stored(key)
        return texts.title(kept), kept
    raise TextError(f"This link asks for a text {plain(name)}, which there is not.")


def sample(model_name: str) -> str:
    """Return what a model writes when left alone; always the same for the same weights."""
    return _sample(model_name, stamp(model_name))


def modules() -> Mapping[str, str]:
    """Return the modules of Python's standard library: path, such as ``json/decoder.py``, and text."""
    return _modules()


def keep(content: str | bytes) -> tuple[str, str]:
    """Keep a visitor's own text; return the link's value for it, and a sentence if only a part was kept.

    Raises
    ------
    TextError
        It is empty, one character long, or no text.
    """
    kept, cut = texts.cleaned(content)
    key = texts.store(kept)
    memory("texts")[key] = kept
    return f"mine:{key}", cut


@st.cache_resource(max_entries=64, show_spinner="The model is writing…")
def _sample(name: str, stamp: str) -> str:
    return texts.sample(
        name, stamp, lambda length: rnncore.generate(model(name), length=length, temperature=0.8, seed=1)
    )


@st.cache_resource(show_spinner="Looking through Python's standard library…")
def _modules() -> Mapping[str, str]:
    from rnncore.training import corpora

    return dict(corpora.standard_library_files())
