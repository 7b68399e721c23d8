"""The page Gradients, Flow: its sentences and curves are those of the recordings, and its link is obeyed."""

import base64
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import rnncore
from rnncore.network import checkpoint
from viz_app import figures

TEXT = "to be, or not to be: that is the question. " * 12
TRIO = {"shakespeare-elman": "elman", "shakespeare-gru": "gru", "shakespeare-lstm": "lstm"}


def script() -> None:
    from viz_app.views import gradients

    gradients.page()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three small models with a run's description; two of them with recordings of a probe."""
    root = tmp_path_factory.mktemp("pretrained")
    for name, cell in TRIO.items():
        vocabulary = rnncore.Vocabulary.characters(TEXT)
        model = rnncore.build(cell, vocabulary=vocabulary, units=6, embedding=4, seed=1)
        model.name = name
        checkpoint.save(model, root / name, {})
        run = {"config": {"steps": 20, "seed": 0}, "data": {"name": "a *bold* name", "sha256": "00"}}
        (root / name / "run.json").write_text(json.dumps(run))
        if cell == "elman":
            continue
        (root / name / "probes").mkdir()
        for step in (0, 4, 20):
            probed = rnncore.build(cell, vocabulary=vocabulary, units=6, embedding=4, seed=step)
            recording = rnncore.record(probed, TEXT[:80], gradients=True, target=-1)
            recording.save(root / name / "probes" / f"step-{step:06d}.npz")
    return root


@pytest.fixture
def app(models: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AppTest:
    monkeypatch.setenv("RNNCORE_PRETRAINED", str(models))
    monkeypatch.chdir(tmp_path)
    test = AppTest.from_function(script, default_timeout=60)
    test.session_state["_texts"] = {"0" * 16: TEXT}
    test.query_params["text"] = "mine:" + "0" * 16
    return test


def expected(models: Path, target: int, layer: int = -1) -> pd.DataFrame:
    """The page's table, from the library alone."""
    labels = {"elman": "tanh RNN", "gru": "GRU", "lstm": "LSTM"}
    tables = []
    for name, cell in TRIO.items():
        recording = rnncore.record(rnncore.load(models / name), TEXT[:300], gradients=True, target=target)
        rows = figures.decay(recording.gradient, target, recording.tokens, layer=layer, model=name, label=labels[cell])
        tables.append(rows)
    return pd.concat(tables)


def charts(test: AppTest) -> list[dict]:
    return [json.loads(element.proto.spec) for element in test.get("plotly_chart")]


def drawn(chart: dict) -> np.ndarray:
    """The values of the first curve, as the browser gets them."""
    y = next(trace["y"] for trace in chart["data"] if trace.get("mode") == "lines+markers")
    return np.frombuffer(base64.b64decode(y["bdata"]), y["dtype"])


def notes(chart: dict) -> list[str]:
    return [note["text"] for note in chart["layout"]["annotations"]]


def test_it_opens_on_the_trio_with_the_finding_of_the_numbers(app: AppTest, models: Path) -> None:
    app.run()
    assert not app.exception
    table = expected(models, 298)
    assert app.title[0].value == figures.words.escaped(figures.finding(table, 40))
    flow = charts(app)[0]
    names = {trace["name"].split(",")[0] for trace in flow["data"] if trace.get("name")}
    assert names == {"tanh RNN", "GRU", "LSTM"}
    assert "<b>40</b>" in notes(flow)


def test_it_says_plainly_what_is_compared(app: AppTest) -> None:
    app.run()
    said = " ".join(element.value for element in app.markdown)
    assert "Not matched" in said  # the same width, so very different numbers of weights
    assert r"a \*bold\* name" in said


def test_the_link_chooses_target_layer_cursor_and_models(app: AppTest, models: Path) -> None:
    app.query_params.update({"target": "120", "layer": "1", "back": "10", "models": "shakespeare-gru"})
    app.run()
    assert not app.exception
    table = expected(models, 120, layer=0)
    table = table[table["model"] == "shakespeare-gru"]
    assert app.title[0].value == figures.words.escaped(figures.finding(table, 10))
    flow = charts(app)[0]
    np.testing.assert_allclose(drawn(flow), table[table["distance"] <= 100]["relative"])


def test_a_wrong_link_is_refused_with_a_sentence(app: AppTest) -> None:
    app.query_params.update({"target": "9000", "models": "nobody,shakespeare-gru"})
    app.run()
    assert not app.exception
    warnings = " ".join(element.value for element in app.warning)
    assert "9000" in warnings
    assert "nobody" in warnings
    assert "the GRU" in app.title[0].value


def test_a_cursor_beyond_the_text_stays_inside(app: AppTest) -> None:
    app.query_params.update({"target": "3", "back": "40"})
    app.run()
    assert not app.exception
    assert app.title[0].value.startswith("Three characters back")


def test_absolute_values_are_those_of_the_recording(app: AppTest, models: Path) -> None:
    app.query_params.update({"absolute": "1", "models": "shakespeare-gru"})
    app.run()
    table = expected(models, 298)
    rows = table[(table["model"] == "shakespeare-gru") & (table["distance"] <= 100)]
    np.testing.assert_allclose(drawn(charts(app)[0]), rows["gradient"])


def test_training_shows_the_chosen_step_before_the_last_in_grey(app: AppTest) -> None:
    app.query_params["step"] = "4"
    app.run()
    assert not app.exception
    assert len(charts(app)) == 3  # the flow, and two models with probes
    said = " ".join(element.value for element in app.markdown)
    assert "after 4 steps" in said
    assert "after 20 steps" in said
    assert "shakespeare\\-elman" in app.info[0].value
    assert "--probe-every" in app.info[0].value


def test_a_text_that_no_model_can_finish_is_explained(app: AppTest) -> None:
    app.session_state["_texts"] = {"0" * 16: "to be Ω"}
    app.run()
    assert not app.exception
    assert sum("left out" in element.value for element in app.warning) == 3
    assert app.button[-1].label == "Go to the last character"


def test_one_character_is_too_little(app: AppTest) -> None:
    app.session_state["_texts"] = {"0" * 16: "t"}
    app.run()
    assert not app.exception
    assert "at least two characters" in app.error[0].value
