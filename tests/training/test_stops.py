"""What stops a training, or does not let it begin: each with a sentence that says what to do."""

import errno
import math
import os
import shutil
from dataclasses import replace as change
from pathlib import Path

import pytest
import torch

import rnncore
from rnncore import CheckpointError, TrainingError
from rnncore.training.corpora import Corpus
from tests.training.rhyme import TEXT, train


def test_a_folder_in_use(config):
    steps = rnncore.train(config, TEXT)
    next(steps)
    with pytest.raises(TrainingError, match=r"another process is training in .*run; wait for it, or choose another"):
        train(config, resume=True)
    assert next(steps).step == 2
    steps.close()
    assert train(config, resume=True)[-1].step == 16


def test_a_folder_that_holds_another_training(config):
    train(change(config, steps=2))
    files = {path: path.stat().st_mtime_ns for path in config.folder.rglob("*") if path.is_file()}
    with pytest.raises(TrainingError, match="holds a training already; add --resume to go on, or choose another"):
        train(change(config, steps=2))
    with pytest.raises(TrainingError, match=r"different training \(steps was 2, now 1\); choose another folder"):
        train(change(config, steps=1), resume=True)
    with pytest.raises(TrainingError, match=r"different training \(units was 8, now 9; seed was 0, now 1\)"):
        train(change(config, steps=2, units=9, seed=1), resume=True)
    with pytest.raises(TrainingError, match=r"different training \(name was 'rhyme', now 'x'; sha256 was '"):
        train(change(config, steps=2), Corpus("x", TEXT.text + "."), resume=True)
    lock = config.folder / "state" / "lock"
    assert {path: path.stat().st_mtime_ns for path in files if path != lock} == {
        path: time for path, time in files.items() if path != lock
    }


def test_a_damaged_state(config):
    steps = rnncore.train(config, TEXT)
    next(steps)
    steps.close()
    path = config.folder / "state" / "latest.safetensors"
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], whole[:-1], b"", whole.replace(b"adamw/head.bias", b"adamw/head.bios")):
        path.write_bytes(broken)
        with pytest.raises(TrainingError, match=r"latest.safetensors is damaged .*; delete .* to start anew"):
            train(config, resume=True)
    path.write_bytes(whole)
    assert train(config, resume=True)[-1].step == 16


@pytest.mark.parametrize("clip", [0.0, 1.0])
def test_a_loss_that_is_no_longer_finite(clip, config):
    config = change(config, clip=clip, steps=400, learning_rate=1e30, warmup=200, validate_every=1)
    with pytest.raises(TrainingError, match="no longer finite at step") as caught:
        train(config)
    sentence = str(caught.value)
    assert "a learning rate below 1e+30" in sentence
    assert ("clipping below 1" if clip else "clipping (it is off; try 1)") in sentence
    assert f"kept in {config.folder}" in sentence
    model = rnncore.load(config.folder)
    assert all(parameter.isfinite().all() for parameter in model.parameters())
    assert math.isfinite(rnncore.score(model, "one two"))


def test_a_loss_that_is_never_finite(config):
    """Not even the first validation succeeds: nothing is kept, and the sentence does not say so."""
    config = change(config, cell="elman-relu", learning_rate=1e20, warmup=0, clip=0.0, validate_every=1)
    with pytest.raises(
        TrainingError, match=r"validation loss is no longer finite at step 1\..* There was no checkpoint"
    ):
        train(config)
    with pytest.raises(CheckpointError):
        rnncore.load(config.folder)


def test_a_full_disk(config, monkeypatch):
    steps = rnncore.train(change(config, validate_every=3), TEXT)
    for _ in range(4):
        next(steps)
    shutil.copytree(config.folder, config.folder.parent / "left" / "run")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(rnncore.Error, match=r"(disk is full|No space left)") as caught:
            list(steps)
    assert str(config.folder) in str(caught.value)
    assert not list(config.folder.rglob(".*"))
    assert rnncore.load(config.folder).parameter_count
    left = change(config, validate_every=3)
    assert train(left, resume=True)[-1].step == 16  # space was freed


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"steps": 0}, "steps must be above 0, not 0"),
        ({"learning_rate": -1.0}, "learning_rate must be above 0"),
        ({"learning_rate": math.nan}, "learning_rate must be above 0, not nan"),
        ({"clip": -1.0}, "clip must be 0 or more"),
        ({"validation": 0.0}, "validation and test are shares"),
        ({"validation": 0.6, "test": 0.5}, "validation and test are shares"),
        ({"precision": "float8"}, "precision is float32 or bfloat16, not 'float8'"),
        ({"vocabulary": "words"}, "vocabulary is characters, bytes or subwords, not 'words'"),
        ({"device": "tpu"}, "device is cpu or cuda, not 'tpu'"),
        ({"cell": "lstn"}, "no cell 'lstn'; known: elman"),
        ({"units": 0}, "units must be at least 1"),
        ({"dropout": 1.5}, "dropout is a probability"),
    ],
)
def test_impossible_configs(fields, sentence, config):
    with pytest.raises(rnncore.Error, match=sentence):
        train(change(config, **fields))
    assert not config.folder.exists()


def test_no_cuda_is_said(config, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TrainingError, match="no CUDA device here; use device 'cpu'"):
        change(config, device="cuda")


@pytest.mark.parametrize("text", ["", "a", "ab" * 3])
def test_texts_too_short_leave_no_folder(text, config):
    with pytest.raises(rnncore.Error, match=r"(empty|too short)"):
        train(config, Corpus("short", text))
    assert not config.folder.exists()


@pytest.mark.parametrize("probe", ["o", "o日", "日本"])
def test_an_impossible_probe_leaves_no_folder(probe, config):
    with pytest.raises(rnncore.Error, match=r"(at least two|never seen)"):
        train(change(config, probe=probe, probe_every=2))
    assert not config.folder.exists()


def test_a_folder_that_cannot_be_made(config, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TrainingError, match=r"cannot write to .*: Not a directory"):
        train(change(config, folder=Path(tmp_path / "file" / "run")))
