"""Attention, Length: how good translations are as sentences grow longer, with attention and without."""

from __future__ import annotations

import streamlit as st

from viz_app import state, translations, translators
from viz_app.components import figure, theme
from viz_app.components.attention_lines import Line, lines
from viz_app.components.widgets import columns, how_to_read, letters, switch
from viz_app.figures import attention as words
from viz_app.figures import attention_length as drawing
from viz_app.figures.words import escaped, scientific
from viz_app.views.attention.asked import Asked


def show(asked: Asked) -> None:
    """Show the view."""
    names = translators.twins(asked.name)
    measured = {name: rows for name in names if (rows := translators.run(name).metrics.get("test_by_length"))}
    unmeasured = [name for name in names if name not in measured]
    if measured:
        found = drawing.table(measured, {name: translators.attends(name) for name in measured})
        measure = state.link("measure", "exact" if asked.letters else "bleu", choices=tuple(drawing.MEASURES))
        st.title(escaped(drawing.finding(found, measure)), anchor=False)
        st.markdown(
            ":gray[Each translator on the test part of the pairs it was trained on, none of which it has seen.]"
        )
        left, right = columns([3, 2])
        with left:
            switch("Measure", "measure", {"exact": "Exact", "bleu": "BLEU"}, measure)
            palette = theme.palette()
            fig = drawing.by_length(found, measure, palette, palette.family("attention"), size=letters())
            figure.show(fig, found, "attention-by-length", "length")
            how_to_read(
                "Sentences of the test part, by the words of their source, translated with a beam of 5. In colour: "
                "with attention; grey and hollow: without, where all of a sentence has to pass through one state. Were "
                "there no bottleneck, the two lines would lie together.",
                drawing.following(found, measure),
            )
        with right:
            _by_all(asked, names)
    else:
        st.title(escaped(f"{asked.name} was not measured by length"), anchor=False)
        _by_all(asked, names)
    if unmeasured:
        st.markdown(
            f":small[:gray[Not measured by length: {', '.join(map(state.plain, unmeasured))}. "
            "pretrained/publish_translator.py does it for a finished training.]]"
        )


def _by_all(asked: Asked, names: list[str]) -> None:
    """Draw the present sentence by every translator of these sentences."""
    st.markdown("**This sentence by each**")
    rows = []
    for name in names:
        found = translations.translate(name, asked.sentence, asked.width, asked.penalty)
        other = asked.reference or asked.translation.text
        pieces = words.different(other, found.text, asked.letters)[1]
        rows.append(Line(name, pieces, scientific(found.log_probability)))
    if asked.reference:
        rows.append(Line("true", [(asked.reference, False)]))
    against = "what is not true" if asked.reference else f"what {asked.name} does not have"
    lines(rows, "by-all", f"Marked: {against}. Right: log probability in nats.")
    if len(names) == 1:
        st.info(
            f"No other translator was trained on the same pairs as {state.plain(asked.name)}. To compare, train one: "
            "`rnncore translate train` with `--attention none`."
        )
