"""Bring your own: a checkpoint of another program, opened here as a model that every page can show."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

import rnncore
from viz_app import brought, controls, jobs, state
from viz_app.brought import File, Reading
from viz_app.components.widgets import how_to_read
from viz_app.figures.words import capital, count, escaped, thousands

LARGEST = 300
"""Megabytes of a checkpoint, at most."""

ASKED = "_bring_asked"
"""The key that is there while a click on Open it waits for its answer."""

SAVING = """
# where your model was trained
torch.save(model.state_dict(), "weights.pt")   # or safetensors
with open("vocabulary.json", "w") as file:
    json.dump(symbols, file)                    # in the order of their ids
"""

EXPECTED = (
    ("recurrent layers", "one `nn.LSTM`, `nn.GRU` or `nn.RNN`, one direction: `*.weight_ih_l0`, `*.weight_hh_l0`, …"),
    ("a head", "`nn.Linear` from its last layer to one score a symbol: `[symbols, units]`, with a bias"),
    ("an embedding", "`nn.Embedding`: `[symbols, inputs]`; none where symbols are read as one-hot vectors"),
    ("the symbols", "characters, bytes or words in the order of their ids: a list, JSON, or the training text"),
)

PAGES = {"cells": "Text", "inside": "Inside the cell", "gradients": "Gradients", "generate": "Generate"}


def page() -> None:
    """Show the page."""
    with st.container(key="controls", horizontal=True):
        controls.share()
    known = brought.every()
    name = state.link("brought", known[0] if known else "", choices=known or [""])
    left, right = st.columns([7, 5], gap="large")
    with left:
        if name:
            _opened(name)
        else:
            st.title("Bring your own network, and look inside it", anchor=False)
            st.markdown(
                ":gray[Every gate, cell state and gradient of an LSTM, GRU or RNN that you trained with PyTorch. The "
                "file stays on this machine, and nothing in it is run.]"
            )
        _expected()
    with right:
        st.subheader("Open a checkpoint", anchor=False)
        _form()


def _expected() -> None:
    st.subheader("What fits", anchor=False)
    st.markdown("\n".join(f"- **{capital(part)}**: {words}" for part, words in EXPECTED))
    st.markdown(
        ":small[:gray[So do PyTorch’s word_language_model, char-rnn.pytorch and the CharRNN of many courses. What does "
        "not fit is listed, all at once.]]"
    )
    st.code(SAVING.strip(), language="python")


# ---- what was opened -----------------------------------------------------------------------------------------


def _opened(name: str) -> None:
    """Show a model that was brought: its size, where to look, and what it writes."""
    card = state.card(name)
    if card.broken:
        st.error(f"{state.plain(name)} cannot be opened: {state.plain(card.broken, 300)}.")
        return
    st.title(f"{escaped(name)} is open: {card.layers} × {card.units} {escaped(card.title)}", anchor=False)
    st.markdown(f":gray[{thousands(card.parameters)} weights, {thousands(card.symbols)} symbols. Look at it in:]")
    with st.container(horizontal=True, gap="small"):
        for view, label in PAGES.items():
            controls.door(view, f"{label} →", model=name)
    st.markdown("**What it writes when left alone**")
    st.code(state.sample(name)[:400], language=None, wrap_lines=True, height=180)
    how_to_read(
        "If it was trained and this is nonsense, its symbols are in another order "
        "than the vocabulary says: open it again with the right one."
    )
    others = [other for other in brought.every() if other != name]
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.popover("Delete"):
            st.markdown("This removes the model here. Your own file is not touched.")
            st.button("Delete it", on_click=_delete, args=(name,))
        if others:
            controls.choose("Open", "brought", [name, *others], name)


def _delete(name: str) -> None:
    brought.delete(name)
    state.set_link(brought=None)


# ---- the form ------------------------------------------------------------------------------------------------


def _form() -> None:
    """Draw the form; whatever goes wrong, all that was given stays."""
    types = ["safetensors", "pt", "pth"]
    weights = st.file_uploader("Weights", type=types, key="_bring_weights", max_upload_size=LARGEST)
    kinds = list(brought.KINDS)
    symbols = st.selectbox("Its symbols are", kinds, index=1, format_func=brought.KINDS.get, key="_bring_symbols")
    files: list[UploadedFile] = []
    if symbols == "file":
        files = st.file_uploader(
            "Vocabulary", type=["json", "txt"], key="_bring_vocabulary", accept_multiple_files=True, max_upload_size=50
        )
    with st.expander("What the tensors do not say"):
        words = st.toggle("A training text is cut into words, not characters", key="_bring_words")
        orders = {None: "as usual", "sorted": "sorted", "appearance": "as they first appear"}
        order = st.selectbox("A text’s symbols are numbered", orders, format_func=orders.get, key="_bring_order")
        relu = st.toggle("An nn.RNN with a rectifier", key="_bring_relu")
    proposed = jobs.free_name("mine")
    name = st.text_input("Name", placeholder=proposed, key="_bring_name", max_chars=40).strip() or proposed
    with st.container(horizontal=True):
        st.button("Open it", type="primary", key="_bring_open", on_click=_ask)
        example = [known for known in state.models() if not state.card(known).broken]
        tried = bool(example) and st.button("Try an example", key="_bring_example", help=_example(example))
    asked, opened = ASKED in st.session_state, False
    if tried:
        opened = _open(jobs.free_name("example"), *_plain(controls.favourite(example)), Reading("file"))
    elif asked and weights is None:
        st.error("There are no weights yet: choose a file that ends in .safetensors, .pt or .pth.")
    elif asked and weights is not None:
        given = [File(file.name, file.getvalue()) for file in files]
        opened = _open(name, File(weights.name, weights.getvalue()), given, Reading(symbols, words, order, relu))
    st.session_state.pop(ASKED, None)
    if opened:
        st.rerun()


def _ask() -> None:
    """Remember the click until it is answered: another widget may make the page run again before that."""
    st.session_state[ASKED] = True


def _example(names: list[str]) -> str:
    return f"Writes {controls.favourite(names)} as a plain state dict with its symbols, and opens that."


def _plain(name: str) -> tuple[File, list[File]]:
    weights, vocabulary = brought.plain_checkpoint(state.model(name))
    return weights, [vocabulary]


def _open(name: str, weights: File, vocabulary: list[File], reading: Reading) -> bool:
    """Open a checkpoint and return True, or say what is wrong."""
    try:
        with st.spinner("Looking through the tensors…"):
            brought.open_checkpoint(name, weights, vocabulary, reading)
    except (rnncore.Error, jobs.JobError) as error:
        heading, missing = brought.problems(error)
        listed = "\n".join(f"- {state.plain(problem, 600)}" for problem in missing)
        number = f" {capital(count(len(missing)))} things are missing or wrong:" if missing else ""
        st.error(f"{state.plain(capital(heading), 600)}.{number}\n{listed}".strip())
        return False
    state.set_link(brought=name)
    return True
