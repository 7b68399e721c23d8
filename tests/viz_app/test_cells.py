"""The page Cells, Text: what it sends to the reader, and how it follows the link."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import rnncore
from rnncore import Vocabulary
from rnncore.network import checkpoint
from viz_app.components.reader import Reading

TEXT = "json/__init__.py"


def script() -> None:
    from viz_app import state
    from viz_app.views import cells

    state.turn("cells")
    cells.page()


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small untrained models."""
    folder = tmp_path_factory.mktemp("pretrained")
    for cell in ("lstm", "gru"):
        vocabulary = Vocabulary.characters(json.__doc__ or "")
        model = rnncore.build(cell, vocabulary=vocabulary, layers=2, units=12, embedding=4, seed=1)
        checkpoint.save(model, folder / f"tiny-{cell}")
    return folder


@pytest.fixture(autouse=True)
def models(pretrained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNCORE_PRETRAINED", str(pretrained))


def open_page(**link: Any) -> AppTest:
    app = AppTest.from_function(script, default_timeout=60)
    link = {"text": f"stdlib:{TEXT}", "layer": 2, **link}
    app.query_params.update({key: str(value) for key, value in link.items() if value is not None})
    app.run()
    assert not app.exception
    return app


def sent(app: AppTest) -> dict[str, Any]:
    """Return what the reader was given."""
    (found,) = (e for e in app.get("bidi_component") if e.proto.component_name == "rnncore.reader")
    return json.loads(found.proto.json)


def recorded(model: str = "tiny-lstm", layer: int = 1) -> Reading:
    from viz_app import state, texts

    text = texts.window("", "", state.modules()[TEXT], 1).text
    return Reading(rnncore.record(rnncore.load(model), text), layer)


def test_it_opens_on_the_clearest_unit_of_the_memory() -> None:
    data, layers = sent(open_page(model="tiny-lstm", layer=None)), [recorded(layer=layer) for layer in (0, 1)]
    memory = list(layers[0].signals).index("c")
    reading = max(layers, key=lambda layer: max(layer.scores["pattern"][memory]))
    unit, t = reading.start("c", "pattern")
    assert data["of"] == reading.fingerprint
    assert data["opening"]["chosen"] == {"unit": unit, "signal": "c", "sort": "pattern", "t": t}
    assert "".join(data["opening"]["tokens"]) == "".join(reading.recording.tokens)
    bank, row = data["bank"], data["bank"]["units"].index(unit)
    packed = bank["values"]["c"]
    values = np.frombuffer(base64.b64decode(packed["data"]), packed["type"]).reshape(len(bank["units"]), -1)
    np.testing.assert_allclose(values[row] / 100, reading.recording["c", reading.layer][:, unit], atol=0.005001)


@pytest.mark.parametrize(("model", "signal", "layer"), [("tiny-lstm", "f", 1), ("tiny-gru", "z", 2)])
def test_a_link_restores_the_selection(model: str, signal: str, layer: int) -> None:
    app = open_page(model=model, layer=layer, unit=5, signal=signal, sort="saturation", t=33)
    data = sent(app)
    assert data["opening"]["chosen"] == {"unit": 5, "signal": signal, "sort": "saturation", "t": 33}
    assert data["opening"]["layer"] == layer
    assert data["of"] == recorded(model, layer - 1).fingerprint
    assert 5 in data["bank"]["units"]
    assert not app.warning


def test_a_link_to_an_order_opens_its_first_unit() -> None:
    chosen = sent(open_page(model="tiny-lstm", sort="variance", signal="h"))["opening"]["chosen"]
    assert chosen["unit"] == int(recorded().values("h").var(axis=0, dtype=float).argmax())


def test_a_unit_is_left_out_of_the_link_only_where_the_link_leads_to_it_anyway() -> None:
    app, reading = open_page(model="tiny-lstm"), recorded()
    unit, t = reading.start("c", "pattern")
    report = {"of": reading.fingerprint, "unit": unit, "signal": "h", "sort": "variance", "t": t, "want": []}
    app.session_state["reader"] = {"report": report}
    app.run()
    link = {key: value[0] if isinstance(value, list) else value for key, value in app.query_params.items()}
    again = sent(open_page(**link))["opening"]["chosen"]
    assert again == {"unit": unit, "signal": "h", "sort": "variance", "t": t}


@pytest.mark.parametrize(
    ("link", "said"),
    [({"unit": 900}, "unit 900"), ({"signal": "q"}, "signal q"), ({"t": -4}, "t"), ({"sort": "size"}, "sort size")],
)
def test_a_link_that_asks_for_what_is_not_there_gets_a_sentence(link: dict[str, Any], said: str) -> None:
    app = open_page(model="tiny-lstm", **link)
    assert any(said in warning.value and "Showing" in warning.value for warning in app.warning)
    chosen, (unit, t) = sent(app)["opening"]["chosen"], recorded().start("c", "pattern")
    assert chosen == {"unit": unit, "signal": "c", "sort": "pattern", "t": t}


def test_what_the_browser_reports_stands_in_the_link_and_is_not_sent_again() -> None:
    app, reading = open_page(model="tiny-lstm"), recorded()
    report = {"of": reading.fingerprint, "unit": 7, "signal": "o", "sort": "unit", "t": 20, "want": []}
    app.session_state["reader"] = {"report": report}
    app.run()
    assert not app.exception
    link = {key: value[0] if isinstance(value, list) else value for key, value in app.query_params.items()}
    assert {key: link[key] for key in ("unit", "signal", "sort", "t")} == {
        "unit": "7",
        "signal": "o",
        "sort": "unit",
        "t": "20",
    }
    assert sent(app) == {"of": reading.fingerprint, "opening": None, "bank": None}


def test_units_that_the_browser_wants_are_sent() -> None:
    app, reading = open_page(model="tiny-lstm"), recorded()
    report = {"of": reading.fingerprint, "unit": 7, "signal": "o", "sort": "unit", "t": 20, "want": [8, 9]}
    app.session_state["reader"] = {"report": report}
    app.run()
    data = sent(app)
    assert data["opening"] is None
    assert data["bank"]["units"] == [8, 9]


def test_a_report_about_another_layer_changes_nothing() -> None:
    app = open_page(model="tiny-lstm", layer=1)
    report = {"of": recorded(layer=1).fingerprint, "unit": 7, "signal": "o", "sort": "unit", "t": 20, "want": [8]}
    app.session_state["reader"] = {"report": report}
    app.run()
    assert sent(app)["of"] == recorded(layer=0).fingerprint
    assert sent(app)["opening"]["chosen"]["signal"] == "c"
