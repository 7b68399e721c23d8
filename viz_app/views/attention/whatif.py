"""Attention, What if: a step is made to look elsewhere, to write another token, or one of the source is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import streamlit as st

import rnncore
from rnncore.seq2seq.tokens import END
from viz_app import state, translations
from viz_app.components.attention import attention
from viz_app.components.attention_lines import Line, lines
from viz_app.components.widgets import columns, how_to_read
from viz_app.figures import attention as words
from viz_app.figures.words import escaped, listed, scientific
from viz_app.translations import Translation
from viz_app.views.attention.alternatives import alternatives
from viz_app.views.attention.asked import Asked
from viz_app.views.attention.edits import beginning, change, open_with, parsed, turned

SAMPLES = 6
"""Translations that are drawn at a temperature."""


def show(asked: Asked) -> None:
    """Show the view."""
    edits, new = _edited(asked)
    old = asked.translation
    st.title(escaped(_finding(asked, edits, old, new)), anchor=False)
    st.markdown(
        ":gray[What is changed holds for every hypothesis of the beam; everything else is the translator’s own.]"
    )
    left, right = columns([6, 5])
    with left:
        _map(asked, edits, new)
    with right:
        _compared(asked, edits, old, new)
        _samples(asked)
    st.markdown("**What else it might have written, at each step; click one to write it instead**")
    alternatives(asked, new, "choices", lambda ids: open_with(turned(edits, beginning(ids))))
    how_to_read(
        "Click a cell and its step reads that token alone, whatever its attention says; click a source token and it is "
        "left out; click a token below and the translation begins so and goes on from there. Again on the same cell or "
        "source token takes that back. With the keyboard: arrows, Enter for a cell, Delete for a source token. Where "
        "nothing changes, the decoder did not need what it looked at: it knew by its state."
    )


# ---- edits -----------------------------------------------------------------------------------------------------


def _edited(asked: Asked) -> tuple[list[str], Translation]:
    """Return the edits of the link and what they make of the sentence; those that cannot be made are left out."""
    usual = _usual(asked)
    raw = state.link("edits", usual)
    try:
        edits = parsed(raw)
        found = _translated(asked, edits)
    except (ValueError, rnncore.Error) as error:
        state.refuse("edits", f"This link changes what cannot be changed here: {state.plain(str(error), 200)}.")
        edits = parsed(state.link("edits", usual))
        found = _translated(asked, edits)
    return edits, found


def _translated(asked: Asked, edits: Sequence[str]) -> Translation:
    made, source = change(edits), len(asked.translation.ids)
    fits = (
        all(step >= 0 and 0 <= token < source for step, token in made.forced)
        and all(0 <= token < source - 1 for token in made.without)
        and all(END <= one < len(asked.model.target) for one in made.prefix)
        and END not in made.prefix[:-1]
    )
    if not fits:
        raise ValueError("there is no such token, or one stands after the end")
    return translations.translate(asked.name, asked.sentence, asked.width, asked.penalty, made)


def _usual(asked: Asked) -> str:
    """Return what is changed unless something else is asked for: the source token that matters most is left out."""
    found = asked.translation
    if len(found.ids) < 3:
        return ""
    removal = translations.removed(asked.name, found.ids, found.best.ids)
    return f"w{int(removal[:, :-1].sum(0).argmax()) + 1}"


# ---- what is shown -------------------------------------------------------------------------------------------


def _map(asked: Asked, edits: Sequence[str], new: Translation) -> None:
    made = change(edits)
    attention(
        new.attention,
        new.source,
        new.target,
        links=words.links(new.attention),
        show=["map"] if asked.attends else ["links"],
        titles=("Where it looks now; click to change it", "The source; click a token to leave it out"),
        forced=[pair for pair in made.forced if pair[0] < len(new.target)] if asked.attends else [],
        key="attention",
        on_cell=(lambda t, j: open_with(turned(edits, f"r{t + 1}.{j + 1}"))) if asked.attends else None,
        on_source=lambda j: open_with(turned(edits, f"w{j + 1}")) if j < len(new.ids) - 1 else None,
    )


def _compared(asked: Asked, edits: Sequence[str], old: Translation, new: Translation) -> None:
    """Draw the two translations, what was done, and the ways to undo it."""
    st.markdown("**Before and after**")
    before, after = words.different(old.text, new.text, asked.letters)
    lines(
        [
            Line("as it is", before, scientific(old.log_probability)),
            Line("changed", after, scientific(new.log_probability)),
        ],
        "compared",
        "Right: log probability of the whole translation, in nats, given what was forced.",
    )
    done = f"{'; '.join(_told(asked, edit) for edit in edits)}." if edits else "Nothing is changed."
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(f":small[{escaped(done)}]", width="content")
        st.button(
            "Undo",
            disabled=not edits,
            on_click=lambda: state.set_link(edits="_".join(edits[:-1])),
            help="The last change",
        )
        st.button("Undo all", disabled=not edits, on_click=lambda: state.set_link(edits=""))


def _told(asked: Asked, edit: str) -> str:
    """Return what an edit does, in words."""
    source = asked.translation.source
    first, *others = map(int, edit[1:].split("."))
    if edit[0] == "w":
        return f"“{source[first - 1]}” is left out"
    if edit[0] == "r":
        return f"step {first} reads “{source[others[0] - 1]}” alone"
    ids = [first, *others]
    text = asked.model.target.decode(ids)
    return f"it begins with “{text}”" + (" and ends there" if ids[-1] == END else "")


def _finding(asked: Asked, edits: Sequence[str], old: Translation, new: Translation) -> str:
    before, after = words.short(old.text), words.short(new.text)
    if not edits:
        return f"Nothing is changed yet: “{words.short(asked.sentence)}” becomes “{before}”"
    done = listed([_told(asked, edit) for edit in edits[-2:]])
    more = f" (and {len(edits) - 2} more)" if len(edits) > 2 else ""
    if new.text == old.text:
        return f"If {done}{more}, the translation stays “{before}”"
    return f"If {done}{more}, “{before}” becomes “{after}”"


def _samples(asked: Asked) -> None:
    """Draw translations of the unchanged sentence that are drawn token by token at a temperature."""
    temperature = state.link("temperature", 1.0, low=0.1, high=2)
    seed = state.link("seed", 1, low=0, high=999_999_999)
    st.markdown("**Drawn at a temperature**")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.session_state["_attention_temperature"] = temperature
        st.slider(
            "Temperature",
            0.1,
            2.0,
            step=0.1,
            key="_attention_temperature",
            width=260,
            help="The unchanged sentence, each token drawn: below 1 it keeps to what it holds likely.",
            on_change=lambda: state.set_link(temperature=round(st.session_state["_attention_temperature"], 1)),
        )
        st.button("Again", help="With another seed", on_click=lambda: state.set_link(seed=seed + 1))
    found = Counter(translations.samples(asked.name, asked.sentence, temperature, seed, SAMPLES))
    rows = [
        Line(f"{many} of {SAMPLES}", words.different(asked.translation.text, text, asked.letters)[1])
        for text, many in found.most_common()
    ]
    lines(rows, "samples", "Marked: what the beam’s translation does not have.")
