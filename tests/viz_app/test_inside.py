"""The page Inside the cell: the numbers it sends are those of the recording, for any cell, unit and layer."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

import rnncore
from rnncore.cells import base
from rnncore.cells.base import Cell, State
from rnncore.network import checkpoint
from viz_app.components.diagram.scene import scene
from viz_app.views.inside import opening

TEXT = "To be, or not to be:\n☃ that is"


def script() -> None:
    from viz_app import state
    from viz_app.views import inside

    state.turn("inside")
    inside.page()


def small(cell: str, units: int = 6) -> rnncore.LanguageModel:
    vocabulary = rnncore.Vocabulary.characters(TEXT.replace("☃", "") + "abcdefgh")
    return rnncore.build(cell, vocabulary=vocabulary, layers=2, units=units, embedding=4, seed=3)


def numbers(data: dict) -> np.ndarray:
    values = np.frombuffer(base64.b64decode(data["values"]), "<f4")
    return values.reshape(len(data["names"]), len(data["tokens"]))


def sent(app: AppTest) -> dict:
    """Return what the page sends to the browser."""
    (part,) = (one for one in app.get("bidi_component") if one.proto.component_name == "rnncore.inside")
    return json.loads(part.proto.json)


@pytest.mark.parametrize("cell", list(rnncore.cells()))
@pytest.mark.parametrize("layer", [0, 1])
def test_every_signal_is_the_recordings(cell: str, layer: int) -> None:
    model = small(cell)
    recording = rnncore.record(model, TEXT)
    data = scene(model, recording, layer, 4)
    values = numbers(data)
    for line in data["equations"]:
        expected = recording[line["symbol"], layer][:, 4]
        np.testing.assert_allclose(values[line["value"]], expected, atol=2e-6)
    for symbol in recording.states:
        start = np.nan_to_num(model.layers[layer].start()[symbol][4].numpy(), neginf=-3e38)  # as they are sent
        before = np.concatenate([[start], recording[symbol, layer][:-1, 4]])
        shown = values[data["names"].index(f"{symbol}_t−1")]
        np.testing.assert_array_equal(shown, before.astype(np.float32))


@pytest.mark.parametrize("cell", list(rnncore.cells()))
def test_the_two_parts_make_the_sum(cell: str) -> None:
    model = small(cell)
    data = scene(model, rnncore.record(model, TEXT), 0, 1)
    old, new, total = (numbers(data)[data["sums"][part]] for part in ("old", "new", "total"))
    np.testing.assert_allclose(old + data["sums"]["sign"] * new, total, atol=2e-6)


@pytest.mark.parametrize("cell", ["elman-relu", "lstm-niaf", "slstm"])
@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered")  # as it should: h leaves float32
def test_a_network_that_runs_off_is_still_shown(cell: str) -> None:
    model = small(cell)
    with torch.no_grad():
        for parameter in model.layers[0].parameters():
            parameter.mul_(300)
    data = scene(model, rnncore.record(model, TEXT), 0, 0)
    json.dumps(data, allow_nan=False)
    assert np.isfinite(numbers(data)).all()
    assert all(scale >= 1 for scale in data["scales"])


def test_each_unbounded_state_has_a_scale_of_its_own() -> None:
    model = small("slstm")
    data = scene(model, rnncore.record(model, TEXT * 5), 0, 2)
    scales = dict(zip(data["names"], data["scales"], strict=True))
    n = np.abs(numbers(data)[data["names"].index("n")])
    assert scales["n"] == scales["n_t−1"] == pytest.approx(max(1, np.quantile(n, 0.75)), rel=1e-5)
    assert scales["c"] != scales["n"]
    assert data["full"] == {symbol: scales[symbol] for symbol in "mnc" if scales[symbol] > 1.05}


def test_the_mean_is_the_mean_over_units() -> None:
    model = small("gru")
    recording = rnncore.record(model, TEXT)
    data = scene(model, recording, 1, None)
    for line in data["equations"]:
        expected = recording[line["symbol"], 1].mean(-1)
        np.testing.assert_allclose(numbers(data)[line["value"]], expected, atol=2e-6)
    assert all(finding.startswith("On average over 6 units, at ") for finding in data["findings"])


def test_the_finding_names_the_character_and_every_step_has_one() -> None:
    model = small("lstm")
    data = scene(model, rnncore.record(model, TEXT), 1, 0)
    assert len(data["findings"]) == len(TEXT)
    assert data["findings"][TEXT.index("\n")].startswith("At the line break the forget gate ")
    assert data["findings"][0].startswith("At “T” the forget gate ")


def test_gates_are_told_from_signed_values() -> None:
    model = small("lstm")
    data = scene(model, rnncore.record(model, TEXT), 1, 0)
    gates = {name for name, gate in zip(data["names"], data["gates"], strict=True) if gate}
    assert gates == {"i", "f", "o"}


def test_the_page_opens_where_the_state_moves_most() -> None:
    values = np.zeros((60, 3))
    values[40:, 1] = 2.0
    assert opening(values) == (1, 40)
    assert opening(np.zeros((1, 3))) == (0, 0)


# ---- the page ----


@pytest.mark.parametrize("cell", ["elman", "gru", "lstm"])
def test_the_page_shows_every_pretrained_cell(pretrained: Path, cell: str) -> None:
    app = AppTest.from_function(script, default_timeout=300)
    app.query_params.update({"model": f"shakespeare-{cell}", "layer": "1", "unit": "2", "t": "7"})
    app.run()
    assert not app.exception
    data = sent(app)
    assert data["t"] == 7
    assert data["scene"]["title"] == f"shakespeare-{cell}, layer 1, unit 2"


def test_a_link_that_asks_for_too_much_gets_a_sentence(pretrained: Path) -> None:
    app = AppTest.from_function(script, default_timeout=300)
    app.query_params.update({"unit": "900", "t": "99999"})
    app.run()
    assert not app.exception
    said = " ".join(warning.value for warning in app.warning)
    assert "unit 900" in said
    assert "99999" in said


def test_a_cell_that_is_added_as_one_class_is_shown(pretrained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_registry", dict(base._registry))

    class Leaky(Cell):
        """Half of the old state stays."""

        name, title = "leaky", "Leaky RNN"
        rows = ("n",)

        def step(self, x, s, tap):
            Wx, Uh = self.project(x, s.h)
            n = tap("n", base.tanh(Wx.n + Uh.n))
            return State(h=tap("h", 0.5 * s.h + 0.5 * n))

    checkpoint.save(small("leaky"), pretrained / "leaky", training={"data": {"name": "none"}})
    app = AppTest.from_function(script, default_timeout=300)
    app.query_params["model"] = "leaky"
    app.run()
    assert not app.exception
    data = sent(app)["scene"]
    assert [line["symbol"] for line in data["equations"]] == ["n", "h"]
    assert data["sums"]["words"]["old"] == "kept 0.5·h"
