"""Publishing a run as a pretrained translator, with a tiny real one."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

import rnncore
from rnncore import Run, seq2seq
from rnncore.seq2seq.train import evaluate

FOLDER = Path(rnncore.__file__).parents[1] / "pretrained"
WORDS = ["ab", "ba", "aab", "bba ab", "abab", "bbaa", "aaab a", "babb", "abba", "baab"] * 8


@pytest.fixture
def published(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the pairs are a file, known by its name
    monkeypatch.syspath_prepend(FOLDER)
    spec = importlib.util.spec_from_file_location("publish_translator", FOLDER / "publish_translator.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    sys.modules.pop("publish")
    Path("loud.tsv").write_text("".join(f"{word}\t{word.upper()}\n" for word in WORDS))
    shape = seq2seq.Seq2SeqConfig(units=12, embedding=6)
    config = seq2seq.TranslationConfig(
        Path("run"), shape, tokens="characters", steps=60, batch=16, learning_rate=0.01, probe="abba\tABBA\n"
    )
    for _ in seq2seq.train(config, seq2seq.load_pairs("loud.tsv")):
        pass
    return script.make(Run("run"), tmp_path / "pretrained" / "loud")


def test_figures_and_card_are_those_of_the_stored_weights(published):
    figures, model = Run(published).metrics, seq2seq.load(published)
    for name, weight in seq2seq.load("run").state_dict().items():
        assert torch.equal(model.state_dict()[name], weight.half().float())
    pairs = seq2seq.load_pairs("loud.tsv")
    assert figures["test"] == pytest.approx(evaluate(model, pairs.test), rel=1e-6)
    assert figures["golden"] == {"pairs": [["abba", "ABBA"]], "nats": evaluate(model, [("abba", "ABBA")])}
    found = seq2seq.translations(model, [source for source, _ in pairs.test], width=5)
    quality = seq2seq.quality([line for line, _ in found], [target for _, target in pairs.test])
    assert figures["test_quality"]["chrf"] == pytest.approx(quality.chrf)
    assert sum(row["count"] for row in figures["test_by_length"]) == len(pairs.test)
    assert figures["explanation"]["rows"] > 0
    card = (published / "CARD.md").read_text("utf-8")
    assert f"| test | {figures['test']:.4f} | {quality.bleu:.2f} |" in card
    assert pairs.sha256 in card


def test_its_training_can_still_be_looked_at(published):
    kept, whole = Run(published), Run("run")
    assert kept.attention == whole.attention
    assert kept.samples == whole.samples
    assert kept.history["validation"].min() == whole.history["validation"].min()
