"""Three small models, made up but whole, in place of the pretrained ones."""

import json
import string
from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

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


def opened(script: Callable[[], None], text: str, **link: str) -> AppTest:
    """Return a page that reads a visitor's own text with the LSTM, opened by ``link``."""
    test = AppTest.from_function(script, default_timeout=90)
    test.session_state["_texts"] = {"0" * 16: text}
    test.query_params.update({"model": "shakespeare-lstm", "text": "mine:" + "0" * 16, "corpus": "text", **link})
    test.run()
    assert not test.exception
    return test
