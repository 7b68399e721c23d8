"""Home: what this is, a striking unit, three things to try, the models and how good they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from viz_app import controls, state
from viz_app.components import card, theme, tint

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
    tries, models = st.container(key="home_try"), st.container(key="home_models")
    with tries:
        _try()
    names = state.models()
    with models:
        _models(names)
    with right:
        _hero(names, told)


class Striking(NamedTuple):
    """A unit and where to find it; ``layer`` counts from 0."""

    reading: Reading
    layer: int
    unit: int


def _hero(names: list[str], told: st.delta_generator.DeltaGenerator) -> None:
    """Draw the unit of the favourite model that follows a simple pattern most closely."""
    readable = [name for name in names if not state.card(name).broken]
    if not readable:
        return
    name = controls.favourite(readable)
    reading, layer, unit = _striking(name, state.stamp(name))
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
    from viz_app.components.reader.reading import Reading  # with torch, which takes its time

    recording = state.record(name, state.sample(name))
    readings = [Reading(recording, layer) for layer in range(recording.layers)]
    best = [float(r.scores["pattern"][list(r.signals).index(r.memory)].max()) for r in readings]
    layer = best.index(max(best))
    return Striking(readings[layer], layer, int(readings[layer].order(readings[layer].memory, "pattern")[0]))


def _try() -> None:
    st.subheader("Three things to try", anchor=False)
    for column, (name, heading, sentence, selection) in zip(st.columns(3), TRY, strict=True):
        with column, st.container(border=True, key=f"pick_{name}", height="stretch"):
            st.markdown(f"**{heading}**")
            st.markdown(f":small[:gray[{sentence}]]")
            controls.door(name, "Open →", **selection)


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
