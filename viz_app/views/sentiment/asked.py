"""What the page Sentiment looks at: a model's findings, a review, the same changed; and the row to choose them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

import rnncore
from rnncore.analysis import Reading, Sentiment
from rnncore.training.reviews import prepare
from viz_app import controls, jobs, sentiments, state, texts
from viz_app.components import theme
from viz_app.components.reader.reading import STATES
from viz_app.components.widgets import switch
from viz_app.figures.words import thousands
from viz_app.sentiments import LONGEST
from viz_app.views.sentiment.reviews import EXAMPLES, about_films

IN_LINK = 600
"""Characters of a review that stand in the link; a longer one is kept on this machine under its hash."""

READS = ("one unit", "all units")

FAR = 0.08
"""Accuracy that one unit may lack and the page still opens with it."""


@dataclass(frozen=True)
class Asked:
    """What is looked at: a model, what was found about it, a review, the same after a change, and what reads both."""

    name: str
    found: Sentiment
    text: str
    edited: str
    read: str

    @property
    def reading(self) -> Reading:
        """What the text is read off, and what that says."""
        return self.found.reading(self.read)

    @property
    def alone(self) -> bool:
        """Whether it is read off one unit."""
        return self.read == "one unit"

    @property
    def what(self) -> str:
        """What is drawn along the text, with its unit."""
        count = thousands(len(self.found.units))
        if self.alone:
            return f"{self.signal} of {self.unit}, {count} in all"
        return f"log-odds of {self.found.classes[1]} by all {count} units, in nats"

    @property
    def unit(self) -> str:
        """The unit as it is called, such as "unit 88"."""
        depth = 1 + int(self.found.units["layer"].max())
        layer = f" of layer {self.found.layer + 1}" if depth > 1 else ""
        return f"unit {self.found.unit}{layer}"

    @property
    def signal(self) -> str:
        """What of the unit is read, such as "cell state"."""
        return STATES.get(self.found.signal, self.found.signal)

    @property
    def colours(self) -> tuple[str, str]:
        """Colours of the classes."""
        signed = theme.palette().signed
        return signed[0], signed[2]

    @property
    def family(self) -> str:
        """The model's own colour."""
        return theme.palette().family(state.model(self.name).config.cell)


def ask() -> Asked:
    """Draw the row of controls, and return what is asked for; the page ends here where there is nothing to look at."""
    names = sentiments.names()
    if not names:
        _nothing()
    remarks = st.container()
    row = st.container(key="controls", horizontal=True, vertical_alignment="center")
    with remarks:
        name = state.link("model", names[0], choices=names)
    with row:
        controls.choose("Model", "model", names, name, width=190)
    try:
        found = sentiments.of(name)
    except rnncore.Error as error:
        st.error(f"{state.plain(name)} cannot be shown: {state.plain(str(error), 400)}. Choose another model.")
        st.stop()
    with remarks:
        first = next(iter(EXAMPLES)) if about_films(found.classes) else ""
        text, edited = (_fitting(name, _asked(key, default)) for key, default in (("review", first), ("edited", "")))
    with row:
        _choose(text, EXAMPLES if about_films(found.classes) else {})
        _edit(text, edited)
        read = state.link("read", _clearer(found), choices=READS)
        switch("Read off", "read", {"one unit": "One unit", "all units": "All units"}, read)
        controls.share()
    if not text:
        st.title("Type a text to see what the unit makes of it", anchor=False)
        st.stop()
    return Asked(name, found, text, edited, read)


def _clearer(found: Sentiment) -> str:
    """Return what to open with: one unit, or all where one alone is right far less often."""
    table = found.accuracy[(found.accuracy["by"] == "trained") & (found.accuracy["data"] == found.data)]
    right = table.set_index("read")["accuracy"]
    return "all units" if right["one unit"] < right["all units"] - FAR else "one unit"


def _nothing() -> None:
    """Say that no model has findings, and end the page."""
    st.title("No model was searched for a unit that tells two kinds of text apart", anchor=False)
    names = state.models()
    folder = state.folder(controls.favourite(names)) if names else jobs.folder() / "reviews"
    train = (
        f'rnncore train imdb --folder "{folder}" --vocabulary subwords --cell min-lstm --units 256 --embedding 256 '
        "--tied --chrono 2000 --fresh 0.05 --clip 0.5 --learning-rate 0.01 --batch 16 --length 256 --steps 4000\n"
    )
    st.markdown(
        "This command lets a model read labelled texts, film reviews or a CSV file of your own, and keeps what it "
        f"finds beside the model{'' if names else '; the first line trains one on the same reviews'}:"
    )
    st.code(
        f'{"" if names else train}rnncore sentiment "{folder}" --texts imdb --out "{folder / "sentiment"}"',
        language="sh",
    )
    st.stop()


# ---- the review ----------------------------------------------------------------------------------------------


def _asked(key: str, default: str) -> str:
    """Return the text that the link asks for: one of ours by its name, one that was kept, or the text itself."""
    value = state.link(key, default)
    if value.startswith("mine:"):
        try:
            return state.whole("", value)
        except state.TextError as error:
            state.refuse(key, str(error))
            value = state.link(key, default)  # says it
    return EXAMPLES.get(value, value)


def _fitting(name: str, text: str) -> str:
    """Return as much of a text as is read, and say what of it the model cannot know."""
    kept = text[:LONGEST].strip()
    if len(text) > LONGEST:
        st.info(
            f"Only the first {thousands(LONGEST)} characters of this text are read, up to “{state.plain(kept[-24:])}”."
        )
    read = prepare(kept).strip()
    controls.say_unseen(read, state.model(name))
    return kept if read else ""


def _choose(text: str, examples: Mapping[str, str]) -> None:
    """Draw the choice among our own reviews, and the way to type one."""
    with st.container(key="choice_review", horizontal=True, vertical_alignment="center", width="content", gap="small"):
        st.markdown("Review", width="content")
        if st.session_state.pop("_review_done", False):
            st.session_state["_review"] = False
        title = state.plain(texts.title(text)) if text else "none"
        with st.popover(title, key="_review", on_change="rerun") as popover:
            if not popover.open:
                return
            own = "" if text in EXAMPLES.values() else text
            _box("Your own", own, "review", "Read this review", also=("edited",))
            if examples:
                st.markdown(":small[:gray[Or one of these:]]")
            for name, example in examples.items():
                st.button(
                    state.plain(texts.title(example)),
                    key=f"_review_{name}",
                    on_click=_go,
                    args=(name,),
                    width="stretch",
                )


def _edit(text: str, edited: str) -> None:
    """Draw the way to change the review, and to undo it."""
    if not text:
        return
    if st.session_state.pop("_edited_done", False):
        st.session_state["_edit_review"] = False
    with st.popover("Edit", key="_edit_review", on_change="rerun") as popover:
        if popover.open:
            _box("Change a word, and see what becomes of it", edited or text, "edited", "Read both")
    if edited:
        st.button("Unpin", on_click=lambda: state.set_link(edited=None))


def _box(label: str, text: str, key: str, button: str, also: tuple[str, ...] = ()) -> None:
    """Draw a box for a text that goes into the link under ``key``; ``also`` are keys that it makes void."""
    widget = f"_{key}_{texts.digest(text)}"
    typed = st.text_area(label, text, key=widget, height=200)
    if st.button(button, key=f"_take_{key}", type="primary", width="stretch"):
        try:
            value = _kept(typed)
        except state.TextError as error:
            st.error(str(error))
            return
        state.set_link(**{key: value}, **dict.fromkeys(also))
        st.session_state[f"_{key}_done"] = True
        st.rerun()


def _kept(typed: str) -> str:
    """Return the link's value for a text."""
    text = " ".join(typed.split())
    if not prepare(text).strip():
        raise state.TextError("There is no text yet: type at least a word.")
    if len(text) <= IN_LINK and not text.startswith("mine:") and text not in EXAMPLES:
        return next((name for name, example in EXAMPLES.items() if example == text), text)
    return state.keep(text)[0]


def _go(name: str) -> None:
    state.set_link(review=name, edited=None)
    st.session_state["_review_done"] = True
