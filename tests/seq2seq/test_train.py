"""Training: it learns, it resumes to the bit, its folder can be read; and the command line."""

import json
from dataclasses import replace

import pytest
import torch
from typer.testing import CliRunner

from rnncore import CheckpointError, Run, TrainingError
from rnncore.cli import app
from rnncore.seq2seq import Pairs, Seq2SeqConfig, TranslationConfig, available, beam, load, save, train
from rnncore.seq2seq.train import TranslationTrainer

WORDS = ["ab", "ba", "aab", "bba", "abab", "bbaa", "aaab", "babb", "abba", "baab"] * 8
PAIRS = Pairs("loud", "words in small letters, and in capitals", *([(word, word.upper()) for word in WORDS],) * 3)


@pytest.fixture
def config(tmp_path):
    shape = Seq2SeqConfig(units=16, embedding=8)
    return TranslationConfig(
        tmp_path / "run",
        shape,
        tokens="characters",
        steps=120,
        batch=16,
        learning_rate=0.01,
        warmup=5,
        validate_every=40,
        probe="abba\tabba\n",
    )


def test_a_translator_learns_and_its_folder_tells_how(config):
    progress = list(train(config, PAIRS))
    assert progress[-1].loss < 0.5 * progress[0].loss
    assert [one.step for one in progress if one.validation is not None] == [40, 80, 120]
    run = Run(config.folder)
    assert run.metrics["validation"] == min(one.validation for one in progress if one.validation is not None)
    steps, maps = zip(*run.attention, strict=True)
    assert steps == (1, 2, 4, 8, 16, 32, 64, 120)
    assert [len(maps[0]), len(maps[0][0]), len(maps[0][0][0])] == [1, 5, 5]
    assert sum(maps[0][0][0]) == pytest.approx(1, abs=0.01)
    assert run.samples[-1][1].startswith("abba\n→ ")
    model = load(config.folder)
    assert model.name == "run"
    assert beam(model, model.source.encode("ab")).best.finished


def test_a_resumed_training_ends_with_the_same_weights(config):
    list(train(config, PAIRS))
    whole = load(config.folder).state_dict()
    again = replace(config, folder=config.folder.parent / "again")
    training = train(again, PAIRS)
    for _ in range(27):
        next(training)
    training.close()
    rest = list(train(again, PAIRS, resume=True))
    assert rest[0].step == 28
    for name, weight in load(again.folder).state_dict().items():
        assert torch.equal(weight, whole[name]), name
    assert [step for step, _ in Run(again.folder).attention] == [1, 2, 4, 8, 16, 32, 64, 120]
    with pytest.raises(TrainingError, match="add --resume"):
        next(train(again, PAIRS))


def test_batches_hold_every_pair_once_an_epoch(config, translator):
    trainer = TranslationTrainer(config, translator(source="ab", target="ab").float(), PAIRS.train)
    for epoch in (0, 1):
        places = [int(place) for batch in trainer.epoch(epoch) for place in batch]
        assert sorted(places) == list(range(len(PAIRS.train)))
    assert not all((a == b).all() for a, b in zip(trainer._epoch(0), trainer._epoch(1), strict=True))


def test_a_checkpoint_is_read_back(tmp_path, translator, monkeypatch):
    model = translator(cell="lstm", attention="general").float()
    save(model, tmp_path / "mine", {"seed": 1})
    again = load(tmp_path / "mine")
    assert again.config == model.config
    for name, weight in again.state_dict().items():
        assert torch.equal(weight, model.state_dict()[name])
    monkeypatch.setenv("RNNCORE_PRETRAINED", str(tmp_path))
    assert available() == ["mine"]
    assert load("mine").source.symbols == model.source.symbols
    with pytest.raises(CheckpointError, match="no translator 'mime', and no such folder; did you mean 'mine'"):
        load("mime")
    description = json.loads((tmp_path / "mine" / "translator.json").read_text())
    (tmp_path / "mine" / "translator.json").write_text(json.dumps({**description, "model": {"units": 0}}))
    with pytest.raises(CheckpointError, match="does not describe a translator"):
        load("mine")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"steps": 0}, "steps must be above 0"),
        ({"clip": -1}, "clip must be 0 or more"),
        ({"tokens": "words"}, "tokens are characters or subwords"),
        ({"precision": "float16"}, "precision is float32 or bfloat16"),
    ],
)
def test_what_cannot_be_trained_is_a_sentence(config, change, sentence):
    with pytest.raises(TrainingError, match=sentence):
        replace(config, **change)


def test_the_command_line_trains_translates_and_measures(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("".join(f"{source}\t{target}\n" for source, target in PAIRS.train))
    run, options = CliRunner().invoke, ["--units", "12", "--embedding", "6", "--batch", "16", "--steps", "12"]
    folder = str(tmp_path / "run")
    result = run(app, ["translate", "train", str(path), "--folder", folder, "--tokens", "characters", *options])
    assert result.exit_code == 0, result.stderr
    assert "nats per token on held-out sentences" in result.stderr
    result = run(app, ["translate", folder, "ab"])
    assert result.exit_code == 0, result.stderr
    assert result.stdout.endswith("\n")
    result = run(app, ["translate", folder, "abЖ", "--json"])
    document = json.loads(result.stdout)
    assert "has 1 tokens that run has never seen" in result.stderr
    best = document["lines"][0]["translations"][0]
    assert len(best["attention"]) == len(best["tokens"])
    assert document["lines"][0]["tokens"] == ["a", "b", "<unk>", "</s>"]
    result = run(app, ["translate", "evaluate", folder, str(path), "--json"])
    figures = json.loads(result.stdout)
    assert figures["count"] == 4
    assert 0 <= figures["exact"] <= 1
    assert run(app, ["translate", "evaluate", folder, str(path), "--part", "train"]).exit_code == 2
    result = run(app, ["translate", "nobody", "ab"])
    assert result.exit_code == 1
    assert "no translator 'nobody'" in result.stderr
