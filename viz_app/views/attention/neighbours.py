"""Attention, Neighbours: which training sentences bring the translator into a state like this one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from rnncore import seq2seq
from viz_app import state, translations, translators
from viz_app.components import figure, theme
from viz_app.components.attention import attention
from viz_app.components.attention_lines import Line, lines
from viz_app.components.waiting import Progress, computed
from viz_app.components.widgets import columns, how_to_read, letters, switch
from viz_app.figures import attention as words
from viz_app.figures import attention_neighbours as drawing
from viz_app.figures.style import number
from viz_app.figures.words import escaped, thousands
from viz_app.views.attention.asked import Asked

SENTENCES, NEAREST, LISTED = 2_000, 60, 12
"""Training sentences that are searched; states of the picture; those that are listed."""

SIDES = {"decoder": "Decoder, as it writes", "encoder": "Encoder, as it reads"}


def show(asked: Asked) -> None:
    """Show the view."""
    found = asked.translation
    side = state.link("side", "decoder", choices=tuple(SIDES))
    title = st.container()
    step = _step(asked, side)
    token = (found.source if side == "encoder" else found.target)[step]
    left, right = columns([5, 6])
    with left:
        switch("Side", "side", SIDES, side)
        attention(
            found.attention,
            found.source,
            found.target,
            links=words.links(found.attention),
            chosen=step if side == "decoder" else None,
            show=["links"],
            titles=("", f"Whose state: “{token}”; click another token, above or below"),
            key="attention",
            on_row=lambda t: state.set_link(row=t + 1, side="decoder"),
            on_source=lambda j: state.set_link(column=j + 1, side="encoder"),
        )
    if not translators.at_hand(asked.name):
        with title:
            st.title("The training sentences are not on this machine", anchor=False)
        data = translators.data(asked.name) or "not known"
        st.info(
            f"{state.plain(asked.name)} was trained on {state.plain(data)}. `rnncore data get multi30k` downloads "
            "the captions; pairs of your own have to lie where they lay in training."
        )
        return
    if not state.link("search", False):
        with title:
            st.title(escaped(f"Which sentences bring it into the state it has at “{token}”?"), anchor=False)
        with right:
            st.markdown(
                f"The states of {thousands(SENTENCES)} training sentences are compared with this one, by the cosine."
            )
            st.button("Search", type="primary", on_click=lambda: state.set_link(search=True))
        return
    kept = _states(asked, side)
    nearest, values = seq2seq.nearest(asked.model, kept, state_of(asked, side, step), NEAREST)
    tokens = asked.model.source if side == "encoder" else asked.model.target
    nearest = nearest.assign(token=[_one(tokens, raw) for raw in nearest["token"]])
    with title:
        st.title(escaped(drawing.finding(nearest, token, side)), anchor=False)
    with left:
        _plane(asked, nearest, np.vstack([values, state_of(asked, side, step)[None]]), token)
    with right:
        st.markdown(f"**The nearest {LISTED}, of {thousands(len(kept.values))} states**")
        rows = [
            Line(f"{one.source} → {one.target}"[:60], _around(one, tokens), number(one.similarity, 3))
            for one in nearest.head(LISTED).itertuples()
        ]
        lines(rows, "nearest", "Marked: the token whose state it is. Right: cosine.")
        how_to_read(
            "At most one state of each training sentence. If the state held nothing but the token, every neighbour "
            "would share it and nothing else; look at what stands around it."
        )


def _step(asked: Asked, side: str) -> int:
    if side == "decoder":
        return asked.row()
    first = len(asked.translation.source) // 2
    return state.link("column", first + 1, low=1, high=len(asked.translation.source)) - 1


def _states(asked: Asked, side: str) -> seq2seq.States:
    def work(progress: Progress) -> seq2seq.States:
        train = translators.pairs(asked.name).train[:SENTENCES]
        return seq2seq.states(asked.model, train, side, progress=progress)

    question = ("translator states", asked.name, translators.stamp(asked.name), side)
    return computed(question, f"{asked.name} reads {thousands(SENTENCES)} training sentences", work)


def state_of(asked: Asked, side: str, step: int) -> np.ndarray:
    """Return the encoder's last layer at a source token, both directions, or the decoder's as it writes one."""
    found = translations.recorded(asked.name, asked.translation.ids, asked.translation.best.ids)
    if side == "decoder":
        return found.decoder["h"][-1, step]
    layers = found.encoder["h"]
    own = [layers[asked.model.config.encoder_layers - 1, step]]
    return np.concatenate([*own, layers[-1, step]] if asked.model.config.bidirectional else own)


def _plane(asked: Asked, nearest: pd.DataFrame, values: np.ndarray, token: str) -> None:
    method = state.link("method", "pca", choices=tuple(drawing.METHODS))
    switch("Method", "method", {"pca": "PCA", "t-sne": "t-SNE"}, method)
    points = seq2seq.project(values, method)
    fig = drawing.plane(nearest, points, token, method, theme.palette(), size=letters())
    figure.show(fig, nearest, f"attention-neighbours-{asked.name}", "plane")
    how_to_read(
        "Principal components keep distances as far as two directions can."
        if method == "pca"
        else "t-SNE keeps who is near whom and nothing else: distances between groups mean nothing."
    )


def _one(tokens: seq2seq.Tokens, symbol: str) -> str:
    return translations.shown(tokens, [tokens.symbols.index(symbol)])[0]


def _around(one: Any, tokens: seq2seq.Tokens) -> list[tuple[str, bool]]:
    plain = [str(part).replace("▁", " ").replace("</s>", " end") for part in (one.before, one.token, one.after)]
    return [(plain[0], False), (plain[1], True), (plain[2], False)]
