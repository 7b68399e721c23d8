"""What is known of each unit of a model: the dictionary that `rnncore units` wrote beside its weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

import rnncore
from rnncore import analysis
from rnncore.analysis import Dictionary
from rnncore.analysis.cause import ROUNDING
from viz_app import state

FEWEST = 5
"""Characters with a label, and without it, on which it can be seen at work."""


def of(model: str) -> Dictionary | None:
    """Return a model's dictionary, from the folder ``units`` in its own; None if there is none of these weights."""
    changed = stamp(model)
    return _read(model, str(state.folder(model) / "units"), changed, state.stamp(model)) if changed else None


def stamp(model: str) -> str:
    """Return what changes whenever a model's dictionary does; nothing if it has none."""
    return state.dated(state.folder(model) / "units" / "units.parquet")


def verified(known: Dictionary | None, layer: int | None = None) -> pd.DataFrame:
    """Return one verified unit of each label, the most convincing first: rows of the table of units.

    All of them tell their labels well; they are told apart by how much the model relies on them: what becomes without
    the unit, in multiples of what becomes without a typical one. ``layer`` (0 is the first) keeps to one layer.
    """
    if known is None:
        return pd.DataFrame()
    found = known.units[known.units["verdict"] == "verified"]
    if layer is not None:
        found = found[found["layer"] == layer]
    relied = found["effect"].abs() / found["random"].clip(lower=ROUNDING)
    return found.loc[relied.sort_values(ascending=False, kind="stable").index].drop_duplicates("feature")


def first(known: Dictionary | None, text: str, layer: int | None = None) -> pd.Series | None:
    """Return the most convincing verified unit whose label can be seen at work on ``text``; None if there is none."""
    for _, row in verified(known, layer).iterrows():
        if _varies(str(row["feature"]), text):
            return row
    return None


def _varies(name: str, text: str) -> bool:
    try:
        label = analysis.find_feature(name)(text)
    except rnncore.Error:  # one of the user's own, which the dictionary knows by name only
        return False
    label = label[~np.isnan(label)]
    most = np.unique(label, return_counts=True)[1].max(initial=0)
    return len(label) - int(most) >= FEWEST


@st.cache_resource(max_entries=8, show_spinner=False)
def _read(model: str, folder: str, changed: int, stamp: str) -> Dictionary | None:
    try:
        found = Dictionary.load(Path(folder), model)
    except rnncore.Error:
        return None
    return found if found.weights == state.model(model).fingerprint else None
