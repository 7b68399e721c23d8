"""Checkpoints: there and back, and a sentence for whatever can be wrong with one."""

import errno
import json
import os
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

import rnncore
from rnncore import CheckpointError
from rnncore.network import checkpoint

every_cell = pytest.mark.parametrize("cell", rnncore.cells())


@pytest.fixture
def folder(tmp_path, network):
    """A good checkpoint."""
    checkpoint.save(network("lstm", dtype=torch.float32), tmp_path / "good")
    return tmp_path / "good"


def edit(folder: Path, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


# There and back


@every_cell
@pytest.mark.parametrize("half", [False, True])
def test_round_trip(cell, half, tmp_path, network):
    model = network(cell, "añ🙂\n", layers=3, dropout=0.3, dtype=torch.float32)
    checkpoint.save(model, tmp_path / "new" / "folder", {"command": "rnncore train", "seed": 7}, half=half)
    again = rnncore.load(tmp_path / "new" / "folder")
    assert (again.config, again.vocabulary, again.name) == (model.config, model.vocabulary, model.name)
    assert not again.training
    for name, tensor in model.state_dict().items():
        assert again.state_dict()[name].dtype == torch.float32
        assert torch.equal(again.state_dict()[name], tensor.half().float() if half else tensor), name
    written = checkpoint.read_config(tmp_path / "new" / "folder")
    assert written["format"] == checkpoint.FORMAT
    assert written["training"] == {"command": "rnncore train", "seed": 7}


def test_tied_weights_are_kept_once_and_stay_tied(tmp_path, network):
    model = network("gru", units=6, embedding=6, tied=True, dtype=torch.float32)
    checkpoint.save(model, tmp_path)
    assert "head.weight" not in load_file(tmp_path / "model.safetensors")
    again = rnncore.load(tmp_path)
    assert again.head.weight is again.embedding.weight
    assert again.fingerprint == model.fingerprint


def test_half_is_half_the_size(tmp_path, network):
    model = network("lstm", units=64, dtype=torch.float32)
    for name, half in [("whole", False), ("half", True)]:
        checkpoint.save(model, tmp_path / name, half=half)
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("whole", "half")]
    assert sizes[1] == pytest.approx(sizes[0] / 2, rel=0.02)


def test_bytes_and_strange_symbols_survive(tmp_path):
    for vocabulary in (rnncore.Vocabulary.bytes(), rnncore.Vocabulary.characters('\0\u2028"\\\x85')):
        checkpoint.save(rnncore.build("gru", vocabulary=vocabulary, units=2), tmp_path)
        assert rnncore.load(tmp_path).vocabulary == vocabulary


# What can be wrong


def test_no_such_model(tmp_path, folder, monkeypatch):
    monkeypatch.setenv("RNNCORE_PRETRAINED", str(tmp_path))
    assert rnncore.available() == ["good"]
    assert rnncore.load("good").name == rnncore.load(str(folder)).name
    with pytest.raises(CheckpointError, match=r"no model 'goood', and no such folder; did you mean 'good'"):
        rnncore.load("goood")
    with pytest.raises(CheckpointError, match="no model 'shakespeare', and no such folder; known: good"):
        rnncore.load("shakespeare")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match=r"no checkpoint at .*empty: it has no config.json"):
        rnncore.load(tmp_path / "empty")


def test_missing_weights(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"good has no model.safetensors; copy the checkpoint again"):
        rnncore.load(folder)


@settings(max_examples=30)
@given(share=st.floats(0, 0.999))
def test_truncated_weights(share, tmp_path_factory, network):
    folder = tmp_path_factory.mktemp("cut")
    checkpoint.save(network("gru"), folder)
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(CheckpointError, match=r"model.safetensors is truncated or damaged .*; copy the checkpoint"):
        rnncore.load(folder)


def test_weights_of_another_shape(folder):
    edit(folder, model={"cell": "lstm", "layers": 2, "units": 9, "embedding": 3, "dropout": 0.0})
    with pytest.raises(
        CheckpointError, match=r"does not fit its description: cells.0.bias_hh is \(16,\), expected \(36,"
    ):
        rnncore.load(folder)


def test_weights_of_another_cell(folder):
    edit(folder, model={"cell": "gru", "layers": 2, "units": 4, "embedding": 3, "dropout": 0.0})
    with pytest.raises(CheckpointError, match=r"cells.0.bias_hh is \(16,\), expected \(12,\).* and 5 more"):
        rnncore.load(folder)


def test_another_vocabulary(folder):
    edit(folder, vocabulary={"kind": "characters", "symbols": ["a", "b"]})
    with pytest.raises(CheckpointError, match=r"embedding.weight is \(5, 3\), expected \(2, 3\)"):
        rnncore.load(folder)


def test_keys_too_few_and_too_many(folder):
    tensors = load_file(folder / "model.safetensors")
    tensors["head.extra"] = tensors.pop("head.bias")
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"head.bias is missing, expected \(5,\); head.extra is .* expected none"):
        rnncore.load(folder)


def test_a_newer_format(folder):
    edit(folder, format=checkpoint.FORMAT + 1)
    with pytest.raises(CheckpointError, match=r"good has format 2, this rnncore reads up to 1; update rnncore"):
        rnncore.load(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2]", b"null", b'"text"', b"{}", b"\xff\xfe\0", b'{"format": '])
def test_a_description_that_is_no_description(folder, content):
    (folder / "config.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"config.json is damaged .*; copy the checkpoint again"):
        rnncore.load(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"model": {"cell": "lstn"}},
        {"model": {"cell": "lstm", "units": "many"}},
        {"model": {"cell": "lstm", "units": 2.5}},
        {"model": {"cell": "lstm", "units": 10**7}},
        {"model": {"cell": "lstm", "colour": "red"}},
        {"model": {"cell": ["lstm"]}},
        {"model": None},
        {"vocabulary": None},
        {"vocabulary": {"kind": "characters"}},
        {"vocabulary": {"kind": "runes", "symbols": []}},
        {"vocabulary": {"kind": "characters", "symbols": ["a", "a"]}},
        {"vocabulary": {"kind": "characters", "symbols": 5}},
        {"vocabulary": {"kind": "characters", "symbols": [1, 2, 3, 4, 5]}},
        {"vocabulary": {"kind": "characters", "symbols": []}},
        {"name": 5},
    ],
)
def test_a_description_of_no_model(folder, changes):
    edit(folder, **changes)
    with pytest.raises(CheckpointError, match=r"good"):
        rnncore.load(folder)


# A crash while writing


class Interrupted(Exception):
    """Stands for a kill in the middle."""


@pytest.mark.parametrize("moment", [(os, "fsync"), (Path, "chmod"), (Path, "replace")])
@pytest.mark.parametrize("failure", [Interrupted(), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))])
def test_a_failed_write_leaves_the_old_checkpoint(folder, network, monkeypatch, moment, failure):
    before = rnncore.load(folder).state_dict()
    files = sorted(path.name for path in folder.iterdir())

    def fail(*_):
        raise failure

    with monkeypatch.context() as patched:
        patched.setattr(*moment, fail)
        with pytest.raises((Interrupted, CheckpointError)) as caught:
            checkpoint.save(network("lstm", seed=1, dtype=torch.float32), folder)
    if isinstance(failure, OSError):
        assert str(caught.value) == f"cannot write the checkpoint to {folder}: No space left on device"
    assert sorted(path.name for path in folder.iterdir()) == files
    after = rnncore.load(folder).state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_folder_that_cannot_be_made(tmp_path, network):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CheckpointError, match="cannot write the checkpoint to"):
        checkpoint.save(network("gru"), tmp_path / "file" / "run")
