"""What the page Attention looks at: a translator, a sentence, how it is searched; and the row where they are chosen."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import islice

import streamlit as st

import rnncore
from rnncore import seq2seq
from rnncore.seq2seq.tokens import normal
from viz_app import controls, state, translations, translators
from viz_app.components.attention_lines import Line, lines
from viz_app.figures import attention as words
from viz_app.figures.words import scientific, thousands
from viz_app.translations import Translation

EXAMPLES = 6
"""Sentences to pick from, at most."""

LONG = 400
"""Characters of a sentence that may stand in the link."""


@dataclass(frozen=True)
class Asked:
    """What is looked at: the translator's name, the sentence, and its translation as the beam finds it."""

    name: str
    model: seq2seq.Seq2Seq
    sentence: str
    width: int
    penalty: float
    translation: Translation

    @property
    def attends(self) -> bool:
        """Whether the translator has attention."""
        return self.model.attention is not None

    @property
    def letters(self) -> bool:
        """Whether it writes characters."""
        return self.model.target.kind == "characters"

    @property
    def truth(self) -> seq2seq.Dated | None:
        """The date that the sentence is, with its exact alignment; None of other translators' sentences."""
        return translations.truth(self.sentence) if translators.data(self.name) == "dates" else None

    @property
    def reference(self) -> str:
        """How the sentence should be translated, where that is known; otherwise empty."""
        found = self.truth
        return found.target if found else translators.references(self.name).get(self.sentence, "")

    def row(self) -> int:
        """Return the target token that is looked at, from 0; by default the one that strays farthest."""
        first = words.strayed(self.translation.attention) if self.attends else 0
        return state.link("row", first + 1, low=1, high=len(self.translation.target)) - 1

    def written(self, key: str = "written") -> None:
        """Draw the translation, and what is true beside it."""
        found, name = self.translation, "translation" if self.translation.best.finished else "broken off"
        figure = f"{scientific(found.log_probability)} nats"
        if not self.reference:
            return lines([Line(name, [(found.text, False)] * bool(found.text), figure)], key)
        ours, true = words.different(found.text, self.reference, self.letters)
        right = "right" if found.text == self.reference else "true"
        return lines(
            [Line(name, ours, figure), Line(right, true)] if right == "true" else [Line("right", ours, figure)], key
        )


def ask() -> Asked:
    """Draw the row of controls, and return what is asked for; the page ends here where nothing can be translated."""
    names = translators.names()
    if not names:
        _nothing()
    remarks = st.container()
    row = st.container(key="controls", horizontal=True, vertical_alignment="center")
    with remarks:
        name = state.link("translator", _favourite(names), choices=names)
        model = _loaded(name)
        examples = _examples(name)
        sentence = normal(state.link("sentence", examples[0] if examples else ""))
        if "_sentence_cut" in st.session_state:
            st.info(st.session_state.pop("_sentence_cut"))
    with row:
        controls.choose("Translator", "translator", names, name, width=190, resets=lambda other: _undone(name, other))
        _choose_sentence(name, sentence, examples)
        controls.share()
    with remarks:
        sentence = _fitting(model, sentence)
        width = state.link("beam", 5, low=1, high=10)
        penalty = state.link("penalty", 1.0, low=0, high=2)
    if not sentence:
        st.title("Type a sentence to translate", anchor=False)
        st.markdown(f":gray[{state.plain(name)} was trained on {_trained_on(name)}.]")
        st.stop()
    return Asked(name, model, sentence, width, penalty, translations.translate(name, sentence, width, penalty))


def _favourite(names: list[str]) -> str:
    """Return the largest translator with attention: its sentences say most."""
    attending = [name for name in names if translators.attends(name)]
    return max(attending or names, key=translators.size)


def _undone(name: str, other: str) -> tuple[str, ...]:
    """Return what another translator does not take over: places in tokens, and a sentence of another kind."""
    return ("row", "column", "edits") if other in translators.twins(name) else ("row", "column", "edits", "sentence")


def _loaded(name: str) -> seq2seq.Seq2Seq:
    try:
        return translators.load(name)
    except rnncore.Error as error:
        st.error(f"{state.plain(name)} cannot be opened: {state.plain(str(error), 400)}. Choose another translator.")
        controls.choose("Translator", "translator", translators.names(), name)
        st.stop()


def _nothing() -> None:
    """Say that there is no translator yet, and end the page."""
    st.title("There is no translator to look into yet", anchor=False)
    st.markdown(
        "None lies in `pretrained/`, and none was trained here. This command makes one that reads dates in seven "
        "languages and writes them as ISO 8601 has them; it needs no network and takes some minutes:"
    )
    command = f'rnncore translate train dates --folder "{translators.home() / "dates"}" --tokens characters'
    st.code(f"{command} --units 128 --embedding 64 --steps 1500", language="sh")
    st.stop()


# ---- the sentence --------------------------------------------------------------------------------------------


def _choose_sentence(name: str, sentence: str, examples: list[str]) -> None:
    st.session_state["_attention_sentence"] = sentence
    with st.container(
        key="choice_sentence", horizontal=True, vertical_alignment="center", width="content", gap="small"
    ):
        st.markdown("Sentence", width="content")
        st.text_input(
            "Sentence",
            key="_attention_sentence",
            label_visibility="collapsed",
            width=420 if state.projector() else 340,
            on_change=lambda: _take(name, st.session_state["_attention_sentence"]),
        )
    if examples:
        st.selectbox(
            "Examples",
            examples,
            index=None,
            key="_attention_example",
            placeholder="Examples",
            label_visibility="collapsed",
            width=190 if state.projector() else 130,
            on_change=lambda: _pick(name),
        )
    if translators.at_hand(name):
        st.button(
            "Another", help="Draw a sentence that it was not trained on", on_click=lambda: _take(name, _drawn(name))
        )


def _pick(name: str) -> None:
    if st.session_state["_attention_example"]:
        _take(name, st.session_state["_attention_example"])
        st.session_state["_attention_example"] = None


def _take(name: str, sentence: str) -> None:
    """Write a sentence into the link, as much of it as is translated."""
    tokens, whole = translators.load(name).source, normal(sentence)
    kept = translations.cut(tokens, whole)[:LONG]
    if kept != whole:
        st.session_state["_sentence_cut"] = _cut(whole, kept)
    state.set_link(sentence=kept, row=None, column=None, edits=None)


def _cut(whole: str, kept: str) -> str:
    size = f"{thousands(len(whole.split()))} words" if " " in whole else f"{thousands(len(whole))} characters"
    return f"This sentence has {size}; its beginning is translated, up to “{state.plain(kept[-24:])}”."


def _fitting(model: seq2seq.Seq2Seq, sentence: str) -> str:
    """Return as much of a sentence as is translated, and say what the translator cannot know."""
    kept = translations.cut(model.source, sentence)
    if kept != sentence:
        st.info(_cut(sentence, kept))
    unseen = translations.unseen(model.source, kept)
    if unseen:
        some = ", ".join(f"“{state.plain(one)}”" for one in unseen[:8])
        more = f" and {len(unseen) - 8} others" if len(unseen) > 8 else ""
        st.warning(f"{state.plain(model.name)} has never seen {some}{more}: it reads “?” in their place, and guesses.")
    return kept


def _drawn(name: str) -> str:
    """Return a sentence at random: a fresh date, or one of the held-out sentences."""
    if translators.data(name) == "dates":
        return next(iter(seq2seq.drawn(random.randrange(2**31)))).source
    return random.choice(translators.pairs(name).test)[0]


def _examples(name: str) -> list[str]:
    """Return sentences to open with: those that its training looked at, or drawn ones."""
    found = [source for source, _ in translators.probe(name)]
    if not found and translators.data(name) == "dates":
        found = [one.source for one in islice(seq2seq.drawn(1), EXAMPLES)]
    elif not found and translators.at_hand(name):
        found = [source for source, _ in translators.pairs(name).validation[:EXAMPLES]]
    return [normal(source) for source in found[:EXAMPLES]]


def _trained_on(name: str) -> str:
    return state.plain(translators.data(name)) or "sentences that are not known"
