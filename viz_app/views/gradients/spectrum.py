"""Lyapunov spectrum: how fast small differences fade, direction by direction; and what single steps do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st
import torch

import rnncore
from viz_app import controls, state
from viz_app.components import figure
from viz_app.components.waiting import Progress
from viz_app.components.widgets import columns, how_to_read
from viz_app.figures import words
from viz_app.figures.spectrum import (
    exponents,
    lyapunov,
    single_steps,
    slowest,
    spectrum_conclusion,
    steps,
    stretch_conclusion,
    stretched,
)
from viz_app.views.gradients.compared import Compared, matched

COUNTS = (1, 5, 10, 20, 50, 100)
SPANS = (150, 300, 500, 1000, 2000)
SINGLE = 20
"""Single steps whose singular values are taken, from the start of the passage."""


def show(compared: Compared) -> None:
    """Show the view."""
    top = st.container()
    whole = compared.whole.text
    count = state.link("exponents", 5, choices=COUNTS)
    span = min(state.link("over", 300, choices=SPANS), len(whole))
    spectra = _spectra(compared, whole[:span], count)
    table = pd.concat(
        exponents(found.exponents, found.standard_errors, name, compared.labels[name])
        for name, found in spectra.items()
    )
    warmup, measured = next((found.warmup, found.steps) for found in spectra.values())
    with top:
        st.title(words.escaped(slowest(table)), anchor=False)
        matched(compared)
    left, right = columns([1, 1])
    with left:
        drawing = lyapunov(table, **compared.look())
        drawing.update_layout(title_text=f"The {_largest(spectra)} Lyapunov exponents, all layers together")
        figure.show(drawing, table, "lyapunov", "lyapunov")
        how_to_read(
            "Mean growth of a small difference between two states that read the same text, direction by direction, in "
            "nats per step: below 0 it fades, above 0 it grows. The first is what fades most slowly of all, whether or "
            f"not a loss asks for it. Measured over {measured} steps after {warmup} of warm-up; the bars are one "
            "standard error to each side, from block means.",
            spectrum_conclusion(table),
        )
        with st.container(horizontal=True, vertical_alignment="center", key="axes"):
            controls.choose("Exponents", "exponents", COUNTS, count, width=95)
            controls.choose("Characters", "over", SPANS, _nearest(span), words.thousands, width=110)
    with right:
        _single(compared)


def _spectra(compared: Compared, text: str, count: int) -> dict[str, rnncore.gradients.Spectrum]:
    def work(name: str, progress: Progress) -> rnncore.gradients.Spectrum:
        model = state.model(name)
        size = sum(len(cell.states) * cell.units for cell in model.layers)
        return rnncore.gradients.lyapunov(model, text, exponents=min(count, size), progress=progress)

    return compared.each("Lyapunov exponents", (text, count), work)


def _largest(spectra: dict[str, rnncore.gradients.Spectrum]) -> str:
    counts = {len(found) for found in spectra.values()}
    most = max(counts)
    return "largest" if len(counts) > 1 else f"{most} largest" if most > 1 else "largest of the"


def _nearest(span: int) -> int:
    return min(SPANS, key=lambda choice: abs(choice - span))


# ---- single steps --------------------------------------------------------------------------------------------


def _single(compared: Compared) -> None:
    def work(name: str, progress: Progress) -> np.ndarray:
        model = state.model(name)
        ids = torch.from_numpy(model.vocabulary.encode(compared.text)[:SINGLE])
        return rnncore.gradients.singular_values(model, ids, layer=compared.layer, progress=progress)

    found = compared.each("Singular values", (compared.text, compared.layer), work)
    table = pd.concat(steps(values, name, compared.labels[name]) for name, values in found.items())
    drawing = single_steps(table, **compared.look())
    drawing.update_layout(title_text=f"Singular values of single steps, layer {compared.layer + 1}")
    figure.show(drawing, table, "singular-values", "single")
    how_to_read(
        "How many times a single step stretches each direction of the state, strongest first: the median over the "
        f"first {min(SINGLE, len(compared.tokens))} characters, with a band from the 10th to the 90th percentile. The "
        f"line is 1; what lies below shrinks. {words.escaped(stretched(table))}.",
        stretch_conclusion(table),
    )
