"""The models that come with the product: whole, described, and as good as their cards say."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

import rnncore
from rnncore.network import checkpoint

FOLDER = Path(__file__).parent.parent / "pretrained"
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/config.json"))
EXPECTED = ["latex-lstm", "linux-lstm", "shakespeare-elman", "shakespeare-gru", "shakespeare-lstm"]

every_model = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(autouse=True)
def our_own(monkeypatch):
    monkeypatch.delenv("RNNCORE_PRETRAINED", raising=False)


def metrics(name):
    return json.loads((FOLDER / name / "metrics.json").read_text("utf-8"))


def test_these_are_there():
    assert set(EXPECTED) <= set(NAMES) == set(rnncore.available())


def test_they_are_small_enough_to_carry():
    size = sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file())
    assert size <= 100e6


@every_model
def test_it_says_where_it_is_from(name):
    training = checkpoint.read_config(FOLDER / name)["training"]
    assert training["command"].startswith("rnncore train ")
    assert training["data"]["name"] == name.split("-")[0]
    assert len(bytes.fromhex(training["data"]["sha256"])) == 32
    assert f"{metrics(name)['validation']:.4f}" in (FOLDER / name / "CARD.md").read_text("utf-8")


@every_model
def test_its_loss_on_a_sentence_of_ours_is_what_it_was(name):
    golden, model = metrics(name)["golden"], rnncore.load(name)
    nats = -rnncore.score(model, golden["text"]) / (len(model.vocabulary.tokenize(golden["text"])) - 1)
    assert nats == pytest.approx(golden["nats"], abs=1e-3)
    assert nats < 0.7 * math.log(len(model.vocabulary))
    assert not model.vocabulary.unknown(golden["text"])


@every_model
def test_its_history_is_there_for_the_pages(name):
    run, model = rnncore.Run(FOLDER / name), rnncore.load(name)
    assert metrics(name)["parameters"] == model.parameter_count
    assert run.history["validation"].min() == pytest.approx(metrics(name)["validation"], abs=0.05)
    assert len(run.samples) > 5
    steps = [step for step, _ in run.probes]
    assert steps[0] == 0
    for _, path in (run.probes[0], run.probes[-1]):
        probe = rnncore.Recording.load(path)
        assert probe.model == name
        assert set(probe.gradient) == set(probe.states)
        assert all(np.isfinite(norms).all() for norms in probe.gradient.values())


def test_the_three_can_be_compared():
    trio = [name for name in EXPECTED if name.startswith("shakespeare")]
    counts = [rnncore.load(name).parameter_count for name in trio]
    assert max(counts) <= 1.02 * min(counts)
    trainings = [checkpoint.read_config(FOLDER / name)["training"] for name in trio]
    same = ("steps", "batch", "length", "layers", "seed", "validation")
    assert len({training["data"]["sha256"] for training in trainings}) == 1
    assert all(len({training["config"][key] for training in trainings}) == 1 for key in same)
    assert metrics("shakespeare-lstm")["validation"] <= 1.47
