"""Home: what this is, a striking unit, three things to try, the models and how good they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from viz_app import controls, lecture, state
from viz_app.components import card, spark, theme, tint

if TYPE_CHECKING:
    from viz_app.components.reader.reading import Reading

SHOWN = 420
"""How many characters of the passage stand on the page."""

TRY = (
    (
        "cells",
        "Flip through a memory, unit by unit",
        "Point at a character to read its value, then press the arrow keys: each unit keeps something else.",
        {"text": "sample", "sort": "variance"},
    ),
    (
        "gradients",
        "Watch a gradient vanish, and a cell carry it",
        "The same text through a tanh RNN, a GRU and an LSTM, on one log axis.",
        {"text": "sample"},
    ),
    (
        "generate",
        "Change one letter, and see it write on otherwise",
        "Every character shows how sure the model was, and what else it might have been.",
        {"temperature": 0.8, "seed": 1},
    ),
)
"""Page, heading, sentence, and what the link selects there."""


def page() -> None:
    """Draw the page: what needs no model first, so that it stands there at once."""
    with st.container(key="controls", horizontal=True):
        controls.share()
    left, right = st.columns([5, 7], gap="large")
    with left:
        st.title("See what a recurrent network remembers, and when it forgets", anchor=False)
        st.markdown(":gray[Every gate, cell state and gradient, at every character. Nothing leaves this machine.]")
        told = st.empty()
    tries, story, models = st.container(key="home_try"), st.container(), st.container(key="home_models")
    with tries:
        pictures = _try()
    with story:
        lecture.five_clicks()
    names = state.models()
    with models:
        _models(names)
    readable = [name for name in names if not state.card(name).broken]
    if not readable:
        return
    striking = _striking(controls.favourite(readable), state.stamp(controls.favourite(readable)))
    with right:
        _hero(striking, told)
    for place, picture in zip(pictures, _pictures(striking, readable), strict=True):
        place.html(picture)


class Striking(NamedTuple):
    """A unit and where to find it; ``layer`` counts from 0."""

    name: str
    reading: Reading
    layer: int
    unit: int


def _hero(striking: Striking, told: st.delta_generator.DeltaGenerator) -> None:
    """Draw the unit of the favourite model that follows a simple pattern most closely."""
    name, reading, layer, unit = striking
    tokens, signal = reading.recording.tokens, reading.signals[reading.memory]
    shown = max((t for t in range(1, SHOWN) if tokens[:SHOWN][t - 1 : t] == ("\n",)), default=SHOWN)
    tint.tint(
        tokens[:shown],
        reading.values(signal.symbol)[:shown, unit],
        signal.high,
        f"{signal.symbol} of unit {unit}, layer {layer + 1}",
        key="hero",
    )
    controls.door(
        "cells", "Open this unit →", model=name, layer=layer + 1, unit=unit, signal=signal.symbol, text="sample"
    )
    finding = reading.finding(unit, signal.symbol)
    count = reading.units * reading.recording.layers
    told.markdown(
        f":small[:gray[Here is a text that `{name}` wrote, tinted by one of its {count:,} units, the one whose values "
        f"follow a simple pattern most closely. {state.plain(finding.headline, 200)}; nobody told it to. "
        f"{state.plain(finding.numbers, 200)}] **Orange: positive {signal.meaning}. Blue: negative.** "
        ":gray[Point at a letter to read its value.]]"
    )


@st.cache_resource(max_entries=4, show_spinner="The model is reading…")
def _striking(name: str, stamp: str) -> Striking:
    """Return the unit whose memory correlates most with one of the reader's patterns, over all layers."""
    from viz_app.components.reader.reading import clearest  # with torch, which takes its time

    reading = clearest(state.record(name, state.sample(name)))
    return Striking(name, reading, reading.layer, reading.start(reading.memory, "pattern")[0])


def _try() -> list[st.delta_generator.DeltaGenerator]:
    """Draw the cards, and return where each one's picture goes."""
    st.subheader("Three things to try", anchor=False)
    pictures = []
    for column, (name, heading, sentence, selection) in zip(st.columns(3), TRY, strict=True):
        with column, st.container(border=True, key=f"pick_{name}", height="stretch"):
            pictures.append(st.empty())
            st.markdown(f"**{heading}**")
            st.markdown(f":small[:gray[{sentence}]]")
            controls.door(name, "Open →", **selection)
    return pictures


def _pictures(striking: Striking, names: list[str]) -> tuple[str, str, str]:
    """Return a picture for each thing to try, from what the models truly did."""
    reading = striking.reading
    signal = reading.signals[reading.memory]
    return (
        spark.strip(reading.values(signal.symbol)[:120, striking.unit], signal.high),
        spark.decay(curve for name in _beside(striking.name, names) for curve in _curve(name)),
        spark.bars(np.exp(-reading.recording.loss[:60])),
    )


def _beside(name: str, names: list[str]) -> list[str]:
    """Return the models that learned from the same text."""
    return [other for other in names if state.card(other).data == state.card(name).data]


def _curve(name: str) -> list[tuple[np.ndarray, str]]:
    """Return the norms of the gradient of a trained memory before the target, and their colour; none if not kept."""
    kept = state.probes(name)
    if not kept:
        return []
    last = kept[-1][1]
    until = (last.target or 0) + 1
    return [(last.gradient[last.states[-1]][-1, max(0, until - 80) : until], theme.palette().family(last.cell))]


def _models(names: list[str]) -> None:
    if not names:
        controls.nothing()
    cards = [state.card(name) for name in names]
    words = ("No models", "One model", "Two models", "Three models", "Four models", "Five models", "Six models")
    count = words[len(cards)] if len(cards) < len(words) else f"{len(cards)} models"
    st.subheader(f"{count}, with what they score on text they never saw", anchor=False)
    st.markdown(":small[:gray[Dot: this model, measured. Ticks: published results, or a blind guess. Left is better.]]")
    for start in range(0, len(cards), 3):
        for column, one in zip(st.columns(3), cards[start : start + 3], strict=False):
            with column, st.container(border=True, key=f"pick_model_{start}_{one.name}", height="stretch"):
                st.html(card.markup(one, theme.palette().family(one.cell)))
                if not one.broken:
                    controls.door("cells", "Look inside →", model=one.name)
