"""Attention, Training: the map of a fixed sentence while the translator learned, with a slider."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from viz_app import controls, state, translations, translators
from viz_app.components import figure, theme
from viz_app.components.attention import attention
from viz_app.components.attention_lines import Line, lines
from viz_app.components.widgets import columns, how_to_read, letters, stops
from viz_app.figures import attention as words
from viz_app.figures import attention_training as drawing
from viz_app.figures.words import escaped
from viz_app.views.attention.asked import Asked
from viz_app.views.attention.looks import without

NOTHING = (
    "No maps were kept while {} was trained. `rnncore translate train` with `--probe FILE`, one pair a line with a tab "
    "between, keeps them at doubling steps."
)


def show(asked: Asked) -> None:
    """Show the view."""
    pairs = translators.probe(asked.name)
    kept = fitting(translators.run(asked.name).attention, asked, pairs)
    if not asked.attends or not kept:
        st.title(escaped(f"{asked.name} left no maps behind"), anchor=False)
        if asked.attends:
            st.info(NOTHING.format(state.plain(asked.name)))
        else:
            without(asked)
        return
    steps = [step for step, _ in kept]
    title = st.container()
    place = state.link("pair", 1, low=1, high=len(pairs)) - 1
    step = state.link("step", _telling(steps), choices=steps)
    one, two = columns([2, 3])
    with one, st.container(key="axes"):
        controls.choose("Probe", "pair", range(1, len(pairs) + 1), place + 1, lambda n: pairs[n - 1][0], width=380)
    with two:
        stops(f"Training step ({len(steps)} recorded)", "step", steps, step)
    dated = translators.data(asked.name) == "dates"
    truths = [found.alignment if dated and (found := translations.truth(source)) else None for source, _ in pairs]
    table = drawing.learned(kept, truths)
    with title:
        st.title(escaped(drawing.finding(table, step)), anchor=False)
    left, right = columns([3, 2])
    with left:
        maps = dict(kept)[step]
        source, target = (
            translations.shown(tokens, tokens.encode(side).tolist())
            for tokens, side in zip((asked.model.source, asked.model.target), pairs[place], strict=True)
        )
        attention(
            maps[place],
            source,
            target,
            links=words.links(maps[place]),
            show=["map"],
            titles=(f"Where it looked after {step} steps, told the true target", ""),
            truth=truths[place],
            key="attention",
        )
        lines(_written(asked, pairs, place, step), "then")
    with right:
        palette = theme.palette()
        fig = drawing.over_training(table, step, palette, palette.family("attention"), size=letters())
        figure.show(fig, table, f"attention-training-{asked.name}", "training")
        how_to_read(
            "The same sentences at doubling steps of training, each with its true target, so that only where it looks "
            "changes. Largest weight: mean over rows; on the truth: mean share of a row’s weights on the characters "
            "that truly tell it. At first a map is even grey; were it to stay so, attention would learn nothing.",
            drawing.following(table),
        )


def fitting(
    kept: Sequence[tuple[int, list[list[list[float]]]]], asked: Asked, pairs: Sequence[tuple[str, str]]
) -> list[tuple[int, list[np.ndarray]]]:
    """Return the recorded maps that are those of ``pairs``; a journal cut short or of other pairs has none."""
    sizes = [
        (len(asked.model.target.encode(target)), len(asked.model.source.encode(source))) for source, target in pairs
    ]
    found = []
    for step, maps in kept:
        arrays = [np.array(one, np.float32) for one in maps]
        if sizes and [one.shape for one in arrays] == sizes:
            found.append((step, arrays))
    return found


def _telling(steps: Sequence[int]) -> int:
    """Return the step to open with: the middle one of those recorded, where a map is half learned."""
    return steps[len(steps) * 2 // 3]


def _written(asked: Asked, pairs: Sequence[tuple[str, str]], place: int, step: int) -> list[Line]:
    """Return how the sentence was translated then, beside how it should be."""
    source, target = pairs[place]
    for number, text in translators.run(asked.name).samples:
        written = text.split("\n")
        if number == step and len(written) == 2 * len(pairs) and written[2 * place] == source:
            ours, true = words.different(written[2 * place + 1].removeprefix("→").strip(), target, asked.letters)
            return [Line("written then", ours), Line("true", true)]
    return [Line("true", [(target, False)])]
