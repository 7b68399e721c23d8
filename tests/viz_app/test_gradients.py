"""The page Gradients, Flow: its sentences and curves are those of the recordings, and its link is obeyed."""

import base64
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import rnncore
from rnncore.network import checkpoint
from viz_app import figures
from viz_app.figures import horizon, jacobian, spectrum
from viz_app.figures.parts import asked, whole_text

TEXT = "to be, or not to be: that is the question. " * 12
TRIO = {"shakespeare-elman": "elman", "shakespeare-gru": "gru", "shakespeare-lstm": "lstm"}


LABELS = {"elman": "tanh RNN", "gru": "GRU", "lstm": "LSTM"}


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
    tables = []
    for name, cell in TRIO.items():
        recording = rnncore.record(rnncore.load(models / name), TEXT[:300], gradients=True, target=target)
        rows = figures.decay(recording.gradient, target, recording.tokens, layer=layer, model=name, label=LABELS[cell])
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
    assert len(charts(app)) == 2  # a link that names a step opens on the training
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


# ---- the other views ----------------------------------------------------------------------------------------


def column(chart: dict, number: int, axis: str = "y") -> np.ndarray:
    """The values of one trace, as the browser gets them."""
    values = chart["data"][number][axis]
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])
    return np.array(values)


def said(test: AppTest) -> str:
    return " ".join(element.value for element in test.markdown)


def flows(models: Path, target: int | None, of: str) -> pd.DataFrame:
    """The page's table, from the library alone."""
    tables = []
    for name, cell in TRIO.items():
        what = "logit" if of == "inputs" else "loss"
        flow = rnncore.gradients.flow(rnncore.load(models / name), TEXT[:300], target, of=what)
        memory = "c" if "c" in flow.total else "h"
        log10 = {
            "inputs": {("x", "total"): flow.inputs},
            "weights": {("U", "total"): flow.weights["weight_hh"]},
            "memory": {(memory, "total"): flow.total[memory], (memory, "direct"): flow.direct[memory]},
        }[of]
        at = 298 if target is None else target
        tables.append(figures.parts(log10, at, flow.tokens, model=name, label=LABELS[cell]))
    return pd.concat(tables)


def test_the_gradient_at_the_inputs_is_that_of_the_flow(app: AppTest, models: Path) -> None:
    app.query_params.update({"of": "inputs", "target": "60"})
    app.run()
    assert not app.exception
    table = flows(models, 60, "inputs")
    assert app.title[0].value == figures.words.escaped(figures.finding(table, 40))
    first = table[table["model"] == "shakespeare-elman"]
    np.testing.assert_allclose(drawn(charts(app)[0]), first["relative"])


def test_who_asks_for_a_change_of_the_weights(app: AppTest, models: Path) -> None:
    app.query_params.update({"of": "weights", "target": "60"})
    app.run()
    assert not app.exception
    assert app.title[0].value == figures.words.escaped(asked(flows(models, 60, "weights")))
    names = {trace["name"] for trace in charts(app)[0]["data"] if trace.get("name")}
    assert len(names) == 6  # U and W of each


def test_the_loss_of_the_whole_text_has_a_direct_part(app: AppTest, models: Path) -> None:
    app.query_params["loss"] = "text"
    app.run()
    assert not app.exception
    assert app.title[0].value == figures.words.escaped(whole_text(flows(models, None, "memory")))
    dashes = [trace["line"]["dash"] for trace in charts(app)[0]["data"] if trace.get("mode") == "lines+markers"]
    assert dashes == ["4px,4px", "solid", "1px,4px"]  # of one model, total h and c, and direct c
    assert not [slider for slider in app.slider if slider.label == "Target step"]


@pytest.mark.parametrize(
    "link",
    [
        {},
        {"of": "weights"},
        {"loss": "text"},
        {"loss": "text", "of": "inputs"},
        {"loss": "text", "of": "weights"},
        {"view": "training"},
    ],
)
def test_every_view_says_what_follows(app: AppTest, link: dict[str, str]) -> None:
    app.query_params.update(link)
    app.run()
    assert not app.exception
    assert "**What follows.**" in said(app)


def test_a_probe_of_two_characters_is_shown(app: AppTest, models: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("RNNCORE_PRETRAINED", str(shutil.copytree(models, tmp_path / "models")))
    probed = rnncore.load(models / "shakespeare-gru")
    for file in (tmp_path / "models" / "shakespeare-gru" / "probes").iterdir():
        rnncore.record(probed, TEXT[:2], gradients=True, target=-1).save(file)
    app.query_params.update({"view": "training", "back": "40", "models": "shakespeare-gru"})
    app.run()
    assert not app.exception
    assert app.title[0].value.startswith("At the target itself")


def test_the_map_is_that_of_the_library_for_every_way(app: AppTest, models: Path) -> None:
    app.query_params.update({"view": "map", "row": "LSTM", "span": "50", "back": "10", "path": "c"})
    app.run()
    assert not app.exception
    model = rnncore.load(models / "shakespeare-lstm")
    maps = {
        path: rnncore.gradients.jacobian_norms(model, TEXT[:50], norm="frobenius", path=path or None, layer=1).norms
        for path in ("", "c", "h")
    }
    maps = {path: norms / np.sqrt(6 if path else 12) for path, norms in maps.items()}
    table = jacobian.ways(maps)
    assert app.title[0].value == figures.words.escaped(jacobian.highway(table, "LSTM", 10))
    assert "Exact" in said(app)
    (part,) = (one for one in app.get("bidi_component") if one.proto.component_name == "rnncore.pairs")
    sent = json.loads(part.proto.json)
    values = np.frombuffer(base64.b64decode(sent["logs"]), "<i2") / 100
    np.testing.assert_allclose(values, np.log10(maps["c"][np.tril_indices(50)]), atol=0.0051)
    assert (sent["target"], sent["source"]) == (49, 39)


def test_a_plain_network_has_the_bound_beside_it(app: AppTest, models: Path) -> None:
    app.query_params.update({"view": "map", "row": "tanh RNN", "span": "50", "back": "10"})
    app.run()
    assert not app.exception
    factor = rnncore.gradients.bound(rnncore.load(models / "shakespeare-elman"), 1)
    trace = next(trace for trace in charts(app)[0]["data"] if trace["name"] == "bound")
    number = charts(app)[0]["data"].index(trace)
    np.testing.assert_allclose(column(charts(app)[0], number)[:3], factor ** np.arange(3.0))
    assert "the bound allows" in said(app)
    app.query_params["norm"] = "spectral"
    app.run()
    assert not app.exception
    sent = next(one.proto.json for one in app.get("bidi_component") if one.proto.component_name == "rnncore.pairs")
    values = np.frombuffer(base64.b64decode(json.loads(sent)["logs"]), "<i2") / 100
    model = rnncore.load(models / "shakespeare-elman")
    norms = rnncore.gradients.jacobian_norms(model, TEXT[:50], layer=1).norms
    np.testing.assert_allclose(values, np.log10(norms[np.tril_indices(50)]), atol=0.0051)


def test_the_spectrum_is_that_of_the_library(app: AppTest, models: Path) -> None:
    app.query_params.update({"view": "spectrum", "exponents": "5", "over": "150"})
    app.run()
    assert not app.exception
    tables = []
    for name, cell in TRIO.items():
        found = rnncore.gradients.lyapunov(rnncore.load(models / name), TEXT[:150], exponents=5)
        tables.append(spectrum.exponents(found.exponents, found.standard_errors, name, LABELS[cell]))
    assert app.title[0].value == figures.words.escaped(spectrum.slowest(pd.concat(tables)))
    np.testing.assert_allclose(column(charts(app)[0], 0), tables[0]["exponent"])
    assert "135 steps after 15 of warm-up" in said(app)
    values = rnncore.gradients.singular_values(rnncore.load(models / "shakespeare-elman"), TEXT[:20], layer=1)
    np.testing.assert_allclose(column(charts(app)[1], 2), np.median(values, 0), rtol=1e-9)


def test_the_horizon_is_that_of_the_library(app: AppTest, models: Path) -> None:
    app.query_params.update({"view": "horizon", "longest": "50", "kind": "swapped", "models": "shakespeare-lstm"})
    app.run()
    assert not app.exception
    model = rnncore.load(models / "shakespeare-lstm")
    found = rnncore.gradients.horizon(model, TEXT, longest=50, positions=120, targets=4)
    row = {"model": "shakespeare-lstm", "label": "LSTM", "gradient": found.gradient, "truncated": found.truncated}
    table = pd.DataFrame([row | {"longest": 50}]).astype({"gradient": float})
    assert app.title[0].value == figures.words.escaped(horizon.longest_memory(table))
    np.testing.assert_allclose(column(charts(app)[2], 2), found.by_context["swapped"], rtol=1e-6)


def test_a_text_too_short_for_a_horizon_is_explained(app: AppTest) -> None:
    app.session_state["_texts"] = {"0" * 16: "to"}
    app.query_params["view"] = "horizon"
    app.run()
    assert not app.exception
    assert "longer text" in app.info[0].value


@pytest.mark.parametrize("view", ["map", "spectrum"])
def test_two_characters_are_enough_for_every_other_view(app: AppTest, view: str) -> None:
    app.session_state["_texts"] = {"0" * 16: "to"}
    app.query_params["view"] = view
    app.run()
    assert not app.exception
    assert app.title


def test_a_view_that_there_is_not_is_refused(app: AppTest) -> None:
    app.query_params["view"] = "sideways"
    app.run()
    assert not app.exception
    assert "sideways" in " ".join(element.value for element in app.warning)
    assert "characters back" in app.title[0].value
