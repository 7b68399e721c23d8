"""Writing what a model knows of reviews into its figures and its card, with a planted unit."""

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import rnncore
from rnncore import analysis
from rnncore.network import checkpoint
from tests.analysis import planted_sentiment as planted

FOLDER = Path(rnncore.__file__).parents[1] / "pretrained"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    spec = importlib.util.spec_from_file_location("publish_sentiment", FOLDER / "publish_sentiment.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules.pop("publish")
    return module


@pytest.fixture
def found(tmp_path):
    network = planted.model()
    checkpoint.save(network, tmp_path / "planted", training={"data": {"name": "planted"}})
    (tmp_path / "planted" / "metrics.json").write_text('{"validation": 1.5}')
    (tmp_path / "planted" / "CARD.md").write_text(
        "# planted\n\n## Figures\n\n## What it wrote, as it learned\n\nGood.\n"
    )
    found = analysis.sentiment(network, planted.texts()[0], rival_texts=0, draws=1)
    found = replace(found, steering=analysis.steer(network, found, samples=8, length=8, controls=2))
    found.save(tmp_path / "planted" / "sentiment")
    return found


def test_figures_and_card_say_what_was_found_once(script, found, tmp_path):
    for _ in range(2):
        script.publish("planted", tmp_path)
    metrics = json.loads((tmp_path / "planted" / "metrics.json").read_text("utf-8"))
    assert metrics["validation"] == 1.5
    assert (metrics["sentiment"]["unit"], metrics["sentiment"]["signal"]) == (0, "h")
    assert metrics["sentiment"]["accuracy"] == found.accuracy.to_dict("records")
    card = (tmp_path / "planted" / "CARD.md").read_text("utf-8")
    parts = [line for line in card.splitlines() if line.startswith("#")]
    assert parts == ["# planted", "## Figures", "## Sentiment", "## What it wrote, as it learned"]
    assert card.endswith("Good.\n")
    for share in found.accuracy["accuracy"]:
        assert f"{share:.1%}" in card


def test_findings_of_other_weights_are_refused(script, found, tmp_path):
    other = planted.model(-1)
    checkpoint.save(other, tmp_path / "planted", training={"data": {"name": "planted"}})
    with pytest.raises(SystemExit, match="publish: "):
        script.publish("planted", tmp_path)
