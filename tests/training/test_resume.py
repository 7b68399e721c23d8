"""Killed at any moment and resumed, a training ends with the same weights, to the bit."""

import importlib
import json
import math
import shutil
from dataclasses import replace as change

import pytest
import torch
from safetensors.torch import load_file

import rnncore
from rnncore import Run, TrainConfig
from rnncore.training.corpora import Corpus
from rnncore.training.trainer import learning_rate
from tests.training.rhyme import TEXT, assert_same_weights, train, weights

loop = importlib.import_module("rnncore.training.train")  # the package shows the function of that name
run_module = importlib.import_module("rnncore.training.run")


def state_of(folder):
    return load_file(folder / "state" / "latest.safetensors")


def rows(folder):
    """Return what a run kept, but for the clock."""
    run = Run(folder)
    return run.history.drop(columns="seconds").to_dict("list"), run.samples, [step for step, _ in run.probes]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """Train once without a break; return the folder and its config."""
    config = TrainConfig(
        folder=tmp_path_factory.mktemp("whole") / "run", layers=2, units=8, embedding=4, dropout=0.3, steps=16,
        batch=3, length=10, warmup=4, validate_every=5, probe="one two", probe_every=6, seed=3, fresh=0.3,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(loop, "SAMPLE_LENGTH", 20)
        train(config, Corpus("rhyme", TEXT.text[:500]))  # several epochs
    return config


def assert_equal_runs(folder, config):
    one, two = (state_of(path) for path in (folder, config.folder))
    assert_same_weights(one, two)
    assert_same_weights(weights(folder), weights(config.folder))
    mine, theirs = rows(folder), rows(config.folder)
    assert str(mine) == str(theirs)  # nan equals nan
    metrics, expected = Run(folder).metrics, Run(config.folder).metrics
    assert {**metrics, "seconds": 0} == {**expected, "seconds": 0}


def stopped_and_resumed(config, corpus, stops):
    for stop in [*stops, None]:
        torch.manual_seed(stop or 0)  # whatever else draws random numbers
        steps = rnncore.train(config, corpus, resume=True)
        for progress in steps:
            if progress.step == stop:
                break
        steps.close()
        assert rnncore.load(config.folder).parameter_count  # there is a checkpoint to look at, however early


@pytest.mark.parametrize("stops", [[1], [5], [12], [15], [3, 4, 11]], ids=str)
def test_stopped_and_resumed_is_uninterrupted(stops, uninterrupted, tmp_path):
    config, corpus = change(uninterrupted, folder=tmp_path / "run"), Corpus("rhyme", TEXT.text[:500])
    stopped_and_resumed(config, corpus, stops)
    assert_equal_runs(config.folder, uninterrupted)


def test_tied_weights_are_resumed_too(uninterrupted, tmp_path):
    tied = change(uninterrupted, tied=True, embedding=8)
    whole, parts = (change(tied, folder=tmp_path / name) for name in ("whole", "parts"))
    corpus = Corpus("rhyme", TEXT.text[:500])
    train(whole, corpus)
    stopped_and_resumed(parts, corpus, [6])
    assert_equal_runs(parts.folder, whole)


@pytest.mark.parametrize("saved", [0, 2, 9])
@pytest.mark.parametrize("killed", [3, 10, 14])
def test_killed_and_resumed_is_uninterrupted(saved, killed, uninterrupted, tmp_path, monkeypatch):
    """What lay on the disk at that moment, the state some steps old, is carried on by another process."""
    config, corpus = change(uninterrupted, folder=tmp_path / "killed" / "run"), Corpus("rhyme", TEXT.text[:500])
    monkeypatch.setattr(run_module, "SAVE_SECONDS", math.inf)
    steps = rnncore.train(config, corpus)
    for progress in steps:
        monkeypatch.setattr(run_module, "SAVE_SECONDS", -1.0 if progress.step + 1 == saved else math.inf)
        if progress.step == killed:
            break
    shutil.copytree(config.folder, tmp_path / "left" / "run")
    with (tmp_path / "left" / "run" / "history.jsonl").open("a") as file:
        file.write('{"step": 15, "lo')  # a line cut short
    after = change(config, folder=tmp_path / "left" / "run")
    train(after, corpus, resume=True)
    assert_equal_runs(after.folder, uninterrupted)
    steps.close()


@pytest.mark.parametrize("moment", ["held_out", "keep_metrics"])
def test_killed_at_the_very_end(moment, uninterrupted, tmp_path, monkeypatch):
    config, corpus = change(uninterrupted, folder=tmp_path / "run"), Corpus("rhyme", TEXT.text[:500])
    monkeypatch.setattr(run_module, "SAVE_SECONDS", -1.0)

    def kill(*_, **figures):
        if moment == "held_out" or "seconds" in figures:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        owner = loop if moment == "held_out" else run_module.RunWriter
        keep = run_module.RunWriter.keep_metrics
        patched.setattr(owner, moment, lambda *a, **k: kill(*a, **k) or keep(*a, **k))
        with pytest.raises(KeyboardInterrupt):
            train(config, corpus)
    train(config, corpus, resume=True)
    assert_equal_runs(config.folder, uninterrupted)


def test_resuming_a_finished_run_changes_nothing(uninterrupted, tmp_path):
    shutil.copytree(uninterrupted.folder, tmp_path / "run")
    assert train(change(uninterrupted, folder=tmp_path / "run"), Corpus("rhyme", TEXT.text[:500]), resume=True) == []
    assert_equal_runs(tmp_path / "run", uninterrupted)


def test_with_more_steps_a_finished_run_goes_on(uninterrupted, tmp_path, monkeypatch):
    """It takes up the longer schedule where it stands, and keeps both commands."""
    shutil.copytree(uninterrupted.folder, tmp_path / "run")
    longer = change(uninterrupted, folder=tmp_path / "run", steps=24)
    monkeypatch.setattr(run_module, "_command", lambda: "rnncore train longer")
    steps = train(longer, Corpus("rhyme", TEXT.text[:500]), resume=True)
    assert [progress.step for progress in steps] == list(range(17, 25))
    assert [progress.learning_rate for progress in steps] == [learning_rate(step, longer) for step in range(16, 24)]
    before, after = Run(uninterrupted.folder), Run(longer.folder)
    assert after.history.iloc[:16].equals(before.history)
    train(change(longer, steps=25, fresh=0.0), Corpus("rhyme", TEXT.text[:500]), resume=True)
    made = json.loads((longer.folder / "run.json").read_text())
    assert (made["config"]["steps"], made["config"]["fresh"]) == (25, 0)
    assert made["command"] == "rnncore train longer && rnncore train longer"


def test_the_randomness_of_others_is_left_alone(config):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    train(config)
    assert torch.equal(torch.get_rng_state(), before)
