"""Three small models, made up but whole, in place of the pretrained ones."""

import json
import string
from pathlib import Path

import pytest
import streamlit as st

import rnncore
from rnncore.network import checkpoint


@pytest.fixture
def pretrained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of three untrained models that the pages take for the pretrained ones."""
    folder = tmp_path / "pretrained"
    for cell in ("elman", "gru", "lstm"):
        vocabulary = rnncore.Vocabulary.characters(string.printable)
        model = rnncore.build(cell, vocabulary=vocabulary, layers=2, units=8, seed=0)
        model.name = f"shakespeare-{cell}"
        checkpoint.save(model, folder / model.name, training={"data": {"name": "shakespeare"}})
        (folder / model.name / "metrics.json").write_text(json.dumps({"validation": 1.5}))
    monkeypatch.setenv("RNNCORE_PRETRAINED", str(folder))
    monkeypatch.setenv("RNNCORE_RUNS", str(tmp_path / "runs"))
    st.cache_resource.clear()
    return folder
