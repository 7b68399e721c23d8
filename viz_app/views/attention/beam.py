"""Attention, Beam: the search as a tree, and what else might have been written at each step."""

from __future__ import annotations

import math

import streamlit as st

from rnncore.seq2seq.tokens import END
from viz_app import state, translations
from viz_app.components.attention_beam import Twig, tree
from viz_app.components.attention_lines import Line, lines
from viz_app.components.widgets import columns, how_to_read
from viz_app.figures import attention as words
from viz_app.figures.style import number
from viz_app.figures.words import capital, count, escaped, share, thousands
from viz_app.translations import Translation
from viz_app.views.attention.alternatives import alternatives
from viz_app.views.attention.asked import Asked
from viz_app.views.attention.edits import beginning, open_with


def show(asked: Asked) -> None:
    """Show the view."""
    found = asked.translation
    st.title(escaped(_finding(asked)), anchor=False)
    st.markdown(f":gray[{escaped(_counted(found))}]")
    left, right = columns([2, 1])
    with right:
        _settings(asked)
        _finished(asked)
    with left:
        st.markdown("**The search, step by step**")
        tree(
            twigs(asked),
            key="beam",
            label=f"A beam of {asked.width} over {len(found.target)} steps",
            on_choose=lambda twig: open_with([beginning(_way(found, twig))]),
        )
    st.markdown("**What else it might have written, at each step of the best translation**")
    alternatives(asked, found, "choices", lambda ids: open_with([beginning(ids)]))
    how_to_read(
        "A column is a step, its likeliest beginning at the top; a branch is as wide as its token is probable. In "
        "colour: the way to the best translation; dashed: what fell out of the beam; framed: an end. Click a token "
        "to see in What if how the translation goes on from there. A search that is sure hardly branches."
    )


def twigs(asked: Asked) -> list[Twig]:
    """Return a beam's tree as it is drawn."""
    beam = asked.translation.beam
    best, scores = set(beam.best.nodes), {one.nodes[-1]: one.score for one in beam.hypotheses if one.nodes}
    found: list[Twig] = []
    for place, node in enumerate(beam.nodes):
        if node.parent < 0:
            found.append(Twig(-1, "start", 0, 1.0, 0.0, "kept"))
            continue
        before = beam.nodes[node.parent]
        fate = "best" if place in best else "fallen" if not node.kept else "finished" if node.token == END else "kept"
        found.append(
            Twig(
                node.parent,
                translations.shown(asked.model.target, [node.token])[0],
                found[node.parent].step + 1,
                math.exp(node.log_probability - before.log_probability),
                node.log_probability,
                fate,
                number(scores[place], 3) if place in scores else "",
            )
        )
    return found


def _way(found: Translation, twig: int) -> list[int]:
    nodes, way = found.beam.nodes, list[int]()
    while twig > 0:
        way.append(nodes[twig].token)
        twig = nodes[twig].parent
    return way[::-1]


# ---- words and settings --------------------------------------------------------------------------------------


def _finding(asked: Asked) -> str:
    found = asked.translation
    best, *others = found.beam.hypotheses
    first = share(math.exp(min(0.0, float(best.log_probability.sum()))))
    if not others:
        return f"The beam finished one translation, “{words.short(found.text)}”, of probability {first}"
    second = share(math.exp(min(0.0, float(others[0].log_probability.sum()))))
    other = words.short(asked.model.target.decode(others[0].ids))
    return f"“{words.short(found.text)}” has probability {first}; the beam’s next, “{other}”, {second}"


def _counted(found: Translation) -> str:
    nodes = found.beam.nodes[1:]
    fallen, ended = sum(not node.kept for node in nodes), len(found.beam.hypotheses)
    return (
        f"{capital(thousands(len(nodes)))} beginnings were looked at over {count(len(found.target))} steps, "
        f"{thousands(fallen)} of them fell out of the beam; {count(ended)} {'ends' if ended != 1 else 'end'} "
        f"{'are' if ended != 1 else 'is'} kept."
    )


def _settings(asked: Asked) -> None:
    def held(key: str, value: float) -> dict[str, object]:
        widget = f"_attention_{key}"
        st.session_state[widget] = value

        def moved() -> None:
            chosen = st.session_state[widget]
            state.set_link(**{key: round(chosen, 1) if isinstance(chosen, float) else chosen})

        return {"key": widget, "on_change": moved}

    one, two = st.columns(2)
    with one:
        st.slider(
            "Beam width", 1, 10, help="Hypotheses followed side by side; 1 is greedy.", **held("beam", asked.width)
        )
    with two:
        st.slider(
            "Length penalty",
            0.0,
            2.0,
            step=0.1,
            help="A finished translation is scored by its log probability divided by its length to this power.",
            **held("penalty", asked.penalty),
        )


def _finished(asked: Asked) -> None:
    st.markdown("**The translations that it finished**")
    best = asked.translation.text
    rows = []
    for place, one in enumerate(asked.translation.beam.hypotheses, 1):
        _, pieces = words.different(best, asked.model.target.decode(one.ids), asked.letters)
        rows.append(Line(str(place), pieces, number(one.score, 3)))
    lines(rows, "finished", "Right: the score. Marked: what the best does not have.")
