"""The row of controls under the navigation: which model, which text, which layer; Copy link, Projector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

import rnncore
from viz_app import state
from viz_app.components.share import copy_link


@dataclass(frozen=True)
class Selection:
    """What the visitor looks at. ``layer`` counts from 0; the link and the page count from 1."""

    model: str
    text: state.Text
    layer: int


def bar(
    *,
    model: bool = True,
    text: bool = True,
    layer: bool = True,
    opens_on: Callable[[str, str], int] | None = None,
    also: Callable[[Selection], None] | None = None,
) -> Selection:
    """Draw the row and return the selection; each of the first arguments says whether its control is shown.

    ``opens_on`` returns the layer that a model and a text open on, the last one by default; ``also`` draws what
    else belongs into the row.

    Without any model, or with one that cannot be read, the page ends here with a sentence.
    """
    names = state.models()
    if not names:
        nothing()
    remarks = st.container()
    row = st.container(key="controls", horizontal=True, vertical_alignment="center")
    with remarks:
        name = state.link("model", favourite(names), choices=names)
    with row:
        if model:
            choose("Model", "model", names, name)
    with remarks:
        loaded = _loaded(name)
        chosen = state.text(name)
        layers = len(loaded.layers)
        first = layers if opens_on is None else opens_on(name, chosen.text) + 1
        number = state.link("layer", first, low=1, high=layers)
        if text:
            say_unseen(chosen.text, loaded)
    with row:
        if text:
            _choose_text(chosen)
        if layer and layers > 1:
            _choose_layer(loaded, layers, number)
        selection = Selection(name, chosen, number - 1)
        if also is not None:
            also(selection)
        share()
    return selection


def _choose_layer(loaded: rnncore.LanguageModel, layers: int, number: int) -> None:
    """Draw the choice of a layer; of a model that reads both ways each layer by its direction."""

    def named(layer: int) -> str:
        if not loaded.backward_cells:
            return f"{layer} of {layers}"
        depth = len(loaded.cells)
        return f"{(layer - 1) % depth + 1} {'forward' if layer <= depth else 'backward'}"

    choose("Layer", "layer", range(1, layers + 1), number, named, width=140 if loaded.backward_cells else 105)


def choose(
    label: str,
    key: str,
    options: Sequence[Any],
    value: Any,
    shown: Callable[[Any], str] = str,
    *,
    width: int = 210,
    resets: Callable[[Any], Sequence[str]] = lambda chosen: (),
) -> None:
    """Draw a choice that is held in the link under ``key``; ``resets`` tells what else of the link a choice undoes."""
    widget = f"_choose_{key}"
    st.session_state[widget] = value

    def take() -> None:
        chosen = st.session_state[widget]
        state.set_link(**{key: chosen}, **dict.fromkeys(resets(chosen)))

    with st.container(key=f"choice_{key}", horizontal=True, vertical_alignment="center", width="content", gap="small"):
        st.markdown(label, width="content")
        st.selectbox(
            label,
            options,
            key=widget,
            format_func=shown,
            label_visibility="collapsed",
            width=round(width * (1.5 if state.projector() else 1)),
            on_change=take,
        )


def share() -> None:
    """Draw Copy link and the switch for a projector, at the row's right end."""
    with st.container(key="share", horizontal=True, vertical_alignment="center", horizontal_alignment="right"):
        if not state.projector():
            copy_link()
        st.toggle(
            "Projector",
            value=state.projector(),
            key="_projector",
            on_change=lambda: state.set_link(size="projector" if st.session_state["_projector"] else None),
            width="content",
            persist_state="session",
        )


def door(page: str, label: str, **selection: Any) -> None:
    """Draw a link to another page that opens it with ``selection``; nothing where there is no such page."""
    target = st.session_state.get("_pages", {}).get(page)
    if target is not None:
        values = {key: str(value) for key, value in selection.items() if value is not None}
        st.page_link(target, label=label, query_params=values)


def favourite(names: Sequence[str]) -> str:
    """Return the model to open with."""
    return "shakespeare-lstm" if "shakespeare-lstm" in names else names[0]


def nothing() -> None:
    """Say that there is no model yet, and end the page."""
    st.title("There is no model to look into yet", anchor=False)
    st.markdown(
        "None lies in `pretrained/`, and none was trained here. Train a small one: it reads Python’s own standard "
        "library, needs no network, and can be opened after its first validation."
    )
    door("train", "Train a model →")
    st.stop()


def _loaded(name: str) -> rnncore.LanguageModel:
    try:
        return state.model(name)
    except rnncore.Error as error:
        st.error(f"{state.plain(name)} cannot be opened: {state.plain(str(error), 400)}. Choose another model.")
        st.stop()


# ---- the text ------------------------------------------------------------------------------------------------


def _choose_text(chosen: state.Text) -> None:
    with st.container(key="choice_text", horizontal=True, vertical_alignment="center", width="content", gap="small"):
        st.markdown("Text", width="content")
        if st.session_state.pop("_close", False):
            st.session_state["_text"] = False
        with st.popover(state.plain(chosen.title), key="_text", on_change="rerun") as popover:
            if popover.open:
                _texts()
    if chosen.window:
        parts = range(1, chosen.parts + 1)
        choose("Part", "part", parts, chosen.part, lambda n: f"{n} of {chosen.parts}", width=115)
        st.markdown(f"{chosen.window}, read from an empty memory{_cut(chosen)}", width="content")


def _texts() -> None:
    """Draw the ways to another text: the model's own, the visitor's, a file, a module of Python."""
    st.button("Written by the model itself", on_click=_open, args=("sample",), width="stretch")
    pasted = st.text_area("A passage of your own", key="_pasted", persist_state="session", height=130)
    if st.button("Read this passage", type="primary", width="stretch"):
        _keep(pasted)
    uploaded = st.file_uploader("A text file", key="_uploaded", max_upload_size=20)
    if uploaded is not None and st.session_state.get("_uploaded_id") != uploaded.file_id:
        _keep(uploaded.getvalue(), uploaded.file_id)
    st.selectbox(
        "A module of Python’s standard library",
        list(state.modules()),
        index=None,
        placeholder="json/decoder.py",
        key="_module",
        on_change=_open_module,
    )


def _keep(content: str | bytes, upload: str | None = None) -> None:
    try:
        name, cut = state.keep(content)
    except state.TextError as error:
        st.error(str(error))
        return
    st.session_state["_cut"] = (name, cut)
    st.session_state["_uploaded_id"] = upload
    _open(name)
    st.rerun()


def _open_module() -> None:
    if st.session_state["_module"]:
        _open(f"stdlib:{st.session_state['_module']}")


def _open(name: str) -> None:
    state.set_link(text=name, part=None, t=None, target=None)
    st.session_state["_close"] = True


def _cut(chosen: state.Text) -> str:
    name, sentence = st.session_state.get("_cut", ("", ""))
    return f". {sentence}" if sentence and name == chosen.id else ""


def say_unseen(text: str, loaded: rnncore.LanguageModel) -> None:
    """Say what of a text a model does not know."""
    unseen = loaded.vocabulary.unknown(text)
    if not unseen:
        return
    missing, what = set(unseen), "word" if loaded.vocabulary.kind == "words" else "character"
    count = sum(token in missing for token in loaded.vocabulary.tokenize(text))
    some = ", ".join(_shown(symbol) for symbol in unseen[:8])
    more = f" and {len(unseen) - 8:,} others" if len(unseen) > 8 else ""
    st.warning(
        f"{state.plain(loaded.name)} has never seen {some}{more}: it reads "
        f"{f'this {what}' if count == 1 else f'these {count:,} {what}s'} as nothing."
    )


def _shown(symbol: str) -> str:
    if symbol.isprintable() and symbol.strip():
        return f"“{state.plain(symbol)}”"
    return " ".join(f"U+{ord(character):04X}" for character in symbol.strip() or symbol)
