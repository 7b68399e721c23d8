"""Cells and Inside the cell open on a model of every cell there is, and show all its signals."""

import json
import string
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import rnncore
from rnncore.network import checkpoint
from viz_app import texts

CELLS = list(rnncore.cells())
TEXT = "if x == 1:\n    return x  # one"


def script(view: str) -> None:
    from importlib import import_module

    from viz_app import state

    state.turn(view)
    import_module(f"viz_app.views.{view}").page()


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RNNCORE_PRETRAINED", str(tmp_path / "pretrained"))
    monkeypatch.setenv("RNNCORE_RUNS", str(tmp_path / "runs"))
    return tmp_path / "pretrained"


@pytest.mark.parametrize("name", CELLS)
def test_both_pages_open_on_it(name: str, zoo: Path) -> None:
    vocabulary = rnncore.Vocabulary.characters(string.printable)
    model = rnncore.build(name, vocabulary=vocabulary, layers=2, units=6, embedding=5, seed=2)
    checkpoint.save(model, zoo / name, training={"data": {"name": "none"}})
    link = {"model": name, "text": f"mine:{texts.store(TEXT)}", "layer": "2"}
    for view, component in (("inside", "rnncore.inside"), ("cells", "rnncore.reader")):
        app = AppTest.from_function(script, default_timeout=120, args=(view,))
        app.query_params.update(link)
        app.run()
        assert not app.exception
        assert not app.error
        (part,) = (one for one in app.get("bidi_component") if one.proto.component_name == component)
        sent = json.loads(part.proto.json, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
        if view == "inside":
            shown = [line["symbol"] for line in sent["scene"]["equations"]]
        else:
            shown = [signal["symbol"] for signal in sent["opening"]["signals"]]
        assert tuple(shown) == rnncore.cells()[name].signals()
