"""Recordings as files: there and back, and RecordingError, never another, for a damaged one."""

import errno
import io
import json
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rnncore
from rnncore import Recording, RecordingError

STEPS = ("ids", "loss", "rank", "top_ids", "top_probability")


@pytest.fixture(scope="module")
def recording(network):
    return rnncore.record(network("lstm", "abc日\n"), "ab\nc日é\ud800a", gradients=True, target=1)


@pytest.fixture(scope="module")
def content(recording, tmp_path_factory):
    path = tmp_path_factory.mktemp("recording") / "good.npz"
    recording.save(path)
    return path.read_bytes()


def assert_equal(one, two):
    for name in ("model", "cell", "states", "symbols", "tokens", "target", "signals", "layer_names"):
        assert getattr(one, name) == getattr(two, name), name
    for name in STEPS:
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    for group in ("values", "gradient"):
        assert list(getattr(one, group)) == list(getattr(two, group))
        for symbol, array in getattr(one, group).items():
            assert array.dtype == getattr(two, group)[symbol].dtype
            np.testing.assert_array_equal(array, getattr(two, group)[symbol])


@pytest.mark.parametrize("cell", rnncore.cells())
@pytest.mark.parametrize("gradients", [False, True])
def test_round_trip(cell, gradients, network, tmp_path):
    made = rnncore.record(network(cell), "abé\ud800c", gradients=gradients)
    made.save(tmp_path / "a.npz")
    assert_equal(Recording.load(tmp_path / "a.npz"), made)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_every_array_is_read_only(recording):
    arrays = [getattr(recording, name) for name in STEPS]
    arrays += [*recording.values.values(), *recording.gradient.values(), recording["c"], recording["c", -1]]
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(TypeError):
        recording.values["h"] = recording["c"]
    with pytest.raises(AttributeError):
        recording.loss = recording.loss


def test_a_signal_that_is_not_there(recording):
    with pytest.raises(RecordingError, match="no signal 'z' here; recorded: i, f, g, o, c, h"):
        recording["z"]


def test_parts_that_do_not_fit(recording):
    parts = {name: getattr(recording, name) for name in Recording.__dataclass_fields__}
    with pytest.raises(RecordingError, match=r"loss has float32 \[3\]; expected numbers \[8\]"):
        Recording(**{**parts, "loss": recording.loss[:3]})
    with pytest.raises(RecordingError, match=r"h has float32 \[2, 5, 4\]; expected numbers \[2, 8, 4\]"):
        Recording(**{**parts, "values": {"h": recording["h"][:, :5]}})


# Damaged files


def load(path, content):
    path.write_bytes(content)
    return Recording.load(path)


def test_no_file(tmp_path):
    with pytest.raises(RecordingError, match=r"no recording at .*gone.npz"):
        Recording.load(tmp_path / "gone.npz")
    with pytest.raises(RecordingError, match=r"no recording at .*: Is a directory"):
        Recording.load(tmp_path)


@settings(max_examples=60)
@given(share=st.floats(0, 1, exclude_max=True))
def test_cut_off_anywhere(share, content, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "cut.npz"
    with pytest.raises(RecordingError, match=r"cut.npz is damaged or no recording .*; record the text again"):
        load(path, content[: int(len(content) * share)])


@settings(max_examples=150)
@given(share=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_one_byte_changed_anywhere(share, flip, content, recording, tmp_path_factory):
    """It is noticed, or it does not matter (a time stamp inside the file)."""
    path, place = tmp_path_factory.getbasetemp() / "flipped.npz", int(len(content) * share)
    changed = content[:place] + bytes([content[place] ^ flip]) + content[place + 1 :]
    with suppress(RecordingError):
        assert_equal(load(path, changed), recording)


@given(junk=st.binary(max_size=300))
def test_any_bytes(junk, tmp_path_factory):
    with pytest.raises(RecordingError):
        load(tmp_path_factory.getbasetemp() / "junk.npz", junk)


def archive(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def rewritten(content, header=None, **changes):
    """Return the good file with changes to its header, or another, and arrays replaced (with None, left out)."""
    arrays = dict(np.load(io.BytesIO(content)))
    words = header if isinstance(header, str) else json.dumps({**json.loads(str(arrays["header"])), **(header or {})})
    arrays |= {"header": np.array(words), **changes}
    return archive(**{name: array for name, array in arrays.items() if array is not None})


def test_the_rewriting_itself_is_sound(content, recording, tmp_path):
    assert_equal(load(tmp_path / "a.npz", rewritten(content)), recording)


@pytest.mark.parametrize(
    "changes",
    [
        {"header": {"colour": "red"}},
        {"header": {"format": "new"}},
        {"header": {"format": None}},
        {"header": {"tokens": None}},
        {"header": {"tokens": 7}},
        {"header": {"tokens": ["a"]}},
        {"header": {"states": ["q"]}},
        {"header": {"target": "last"}},
        {"header": {"layer_names": [1, 2]}},
        {"header": {"layer_names": ["0", "1", "2"]}},
        {"header": {"layer_names": None}},
        {"loss": None},
        {"loss": np.zeros(())},
        {"loss": np.array(["a"] * 8)},
        {"values/h": np.zeros(3)},
        {"values/h": np.zeros((2, 8))},
        {"values/h": np.zeros((3, 8, 4))},
        {"others/h": np.zeros((2, 8, 4))},
        {"extra": np.zeros(3)},
        {"gradient/h": np.zeros((2, 8, 4))},
        {"top_ids": np.full((8, 5), 99)},
        {"ids": np.full(8, 99)},
    ],
)
def test_parts_that_are_no_recording(changes, content, tmp_path):
    with pytest.raises(RecordingError, match=r"odd.npz"):
        load(tmp_path / "odd.npz", rewritten(content, **changes))


@pytest.mark.parametrize(
    "header", [np.array("no json"), np.array("[1]"), np.array("{}"), np.array("5"), np.zeros(3)], ids=str
)
def test_headers_that_are_no_header(header, tmp_path):
    with pytest.raises(RecordingError, match=r"odd.npz is damaged or no recording"):
        load(tmp_path / "odd.npz", archive(header=header))


def test_other_files_of_numpy(tmp_path):
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    for other in (buffer.getvalue(), archive(a=np.zeros(3)), archive(header=np.array({"a": 1}, dtype=object))):
        with pytest.raises(RecordingError, match="damaged or no recording"):
            load(tmp_path / "other.npz", other)


def test_a_newer_format(content, tmp_path):
    with pytest.raises(RecordingError, match=r"new.npz has format 3, this rnncore reads up to 2; update rnncore"):
        load(tmp_path / "new.npz", rewritten(content, header={"format": 3}))


def test_a_file_from_before_layers_had_names(content, recording, tmp_path):
    header = json.loads(str(np.load(io.BytesIO(content))["header"]))
    old = {name: word for name, word in header.items() if name != "layer_names"} | {"format": 1}
    assert "layer_names" in header
    loaded = load(tmp_path / "old.npz", rewritten(content, header=json.dumps(old)))
    assert loaded.layer_names == ("0", "1")
    assert_equal(loaded, recording)


def test_names_of_layers(recording, tmp_path):
    parts = {name: getattr(recording, name) for name in Recording.__dataclass_fields__}
    named = Recording(**{**parts, "layer_names": ("there", "back")})
    named.save(tmp_path / "a.npz")
    assert Recording.load(tmp_path / "a.npz").layer_names == ("there", "back")
    with pytest.raises(RecordingError, match="1 layer names for 2 layers"):
        Recording(**{**parts, "layer_names": ("there",)})


def test_signals_of_different_widths(recording, tmp_path):
    parts = {name: getattr(recording, name) for name in Recording.__dataclass_fields__}
    narrow = Recording(**{**parts, "values": {**recording.values, "h": recording["h"][..., :2]}})
    narrow.save(tmp_path / "a.npz")
    assert Recording.load(tmp_path / "a.npz")["h"].shape == (2, 8, 2)


# A crash while writing


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))])
@pytest.mark.parametrize("moment", [(os, "fsync"), (Path, "replace")])
def test_a_failed_write_leaves_the_old_file(failure, moment, recording, network, tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    recording.save(path)

    def fail(*_):
        raise failure

    monkeypatch.setattr(*moment, fail)
    with pytest.raises((KeyboardInterrupt, RecordingError)) as caught:
        rnncore.record(network("gru"), "ab").save(path)
    if isinstance(failure, OSError):
        assert str(caught.value) == f"cannot write {path}: No space left on device"
    assert [file.name for file in tmp_path.iterdir()] == ["a.npz"]
    assert_equal(Recording.load(path), recording)


def test_a_missing_folder(recording, tmp_path):
    with pytest.raises(RecordingError, match=r"cannot write .*: No such file or directory"):
        recording.save(tmp_path / "gone" / "a.npz")
