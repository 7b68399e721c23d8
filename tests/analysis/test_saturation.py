"""Saturation, counted again from whole recordings."""

import numpy as np
import pandas as pd
import pytest

import rnncore
from rnncore.analysis import saturation, saturation_of, saturation_over_training
from rnncore.analysis.saturation import keep

TEXT = "abcdeedcbaaab" * 4
RANGES = {
    "lstm": {"i": (0, 1), "f": (0, 1), "g": (-1, 1), "o": (0, 1)},
    "gru": {"r": (0, 1), "z": (0, 1), "n": (-1, 1)},
}


@pytest.fixture(autouse=True)
def short_pieces(monkeypatch):
    monkeypatch.setattr(
        "rnncore.analysis.pieces.record_pieces", lambda *a, **k: rnncore.record_pieces(*a, **k, length=7)
    )


@pytest.mark.parametrize("cell", RANGES)
def test_fractions_are_counted(network, cell):
    model, seen = network(cell), []
    recording = rnncore.record(model, TEXT)
    rows = []
    for symbol, (low, high) in RANGES[cell].items():
        for layer in range(2):
            for unit in range(4):
                share = (recording[symbol][layer, :, unit] - low) / (high - low)
                rows.append((symbol, layer, unit, np.mean(share < 0.2), np.mean(share > 0.8)))
    expected = pd.DataFrame(rows, columns=["signal", "layer", "unit", "left", "right"])
    found = saturation(model, TEXT, margin=0.2, progress=lambda *done: seen.append(done))
    pd.testing.assert_frame_equal(found, expected)
    pd.testing.assert_frame_equal(saturation_of(recording, margin=0.2), expected)
    assert (found["left"] > 0).any()
    assert (found["right"] > 0).any()
    assert seen[-1] == (len(TEXT), len(TEXT))


def test_over_training(network, tmp_path):
    (tmp_path / "probes").mkdir()
    run, seen = rnncore.Run(tmp_path), []
    for step in (0, 2, 16):
        recording = rnncore.record(network("lstm", seed=step), TEXT)
        recording.save(tmp_path / "probes" / f"step-{step:06d}.npz")
    found = saturation_over_training(run, progress=lambda *done: seen.append(done))
    assert list(found["step"].unique()) == [0, 2, 16]
    expected = saturation_of(rnncore.record(network("lstm", seed=16), TEXT))
    last = found[found["step"] == 16].drop(columns="step").reset_index(drop=True)
    pd.testing.assert_frame_equal(last, expected)
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_some_steps_of_a_training(network, tmp_path):
    (tmp_path / "probes").mkdir()
    for step in (0, 2, 16):
        recording = rnncore.record(network("lstm", seed=step), TEXT)
        recording.save(tmp_path / "probes" / f"step-{step:06d}.npz")
    whole = saturation_over_training(rnncore.Run(tmp_path))
    some = saturation_over_training(rnncore.Run(tmp_path), steps=[0, 16])
    pd.testing.assert_frame_equal(some, whole[whole["step"] != 2].reset_index(drop=True))
    with pytest.raises(rnncore.Error, match="not one of these steps was recorded: 3, 4; recorded: 0, 2, 16"):
        saturation_over_training(rnncore.Run(tmp_path), steps=[3, 4])


def test_a_published_run_keeps_a_small_table(network, tmp_path):
    (tmp_path / "probes").mkdir()
    for step in (0, 300, 70_000):
        recording = rnncore.record(network("lstm", seed=step, units=40), TEXT)
        recording.save(tmp_path / "probes" / f"step-{step:06d}.npz")
    run = rnncore.Run(tmp_path)
    whole = saturation_over_training(run)
    for file in (tmp_path / "probes").iterdir():
        file.unlink()
    keep(whole, tmp_path)
    found = saturation_over_training(run)
    assert (tmp_path / "saturation.parquet").stat().st_size < 10_000  # 960 rows
    pd.testing.assert_frame_equal(found, whole, atol=0.00501, rtol=0, check_dtype=False)
    assert found["left"].max() > 0.1
    assert saturation_over_training(run, steps=[300])["step"].unique().tolist() == [300]
    with pytest.raises(rnncore.Error, match="train with --probe"):
        saturation_over_training(run, margin=0.2)
    with pytest.raises(rnncore.Error, match="not one of these steps was recorded: 7"):
        saturation_over_training(run, steps=[7])
    whole[:0].to_parquet(tmp_path / "saturation.parquet")
    with pytest.raises(rnncore.RecordingError, match="it has no rows"):
        saturation_over_training(run)
    (tmp_path / "saturation.parquet").write_bytes(b"no table")
    with pytest.raises(rnncore.RecordingError, match="is damaged or no table"):
        saturation_over_training(run)


def test_a_run_without_gates_says_so(network, tmp_path):
    run = rnncore.Run(tmp_path)
    with pytest.raises(rnncore.Error, match="train with --probe"):
        saturation_over_training(run)
    (tmp_path / "probes").mkdir()
    bare = rnncore.record(network("lstm"), TEXT, signals=[], gradients=True)
    bare.save(tmp_path / "probes" / "step-000000.npz")
    with pytest.raises(rnncore.Error, match="gradients but no gates"):
        saturation_over_training(run)


def test_what_cannot_saturate_says_so(network):
    with pytest.raises(rnncore.Error, match="elman has no gates that could saturate"):
        saturation(network("elman"), TEXT)
    with pytest.raises(rnncore.Error, match="holds no gate"):
        saturation_of(rnncore.record(network("lstm"), TEXT, signals=["h"]))
    with pytest.raises(rnncore.Error, match=r"between 0 and 0\.5, not 0\.5"):
        saturation(network("lstm"), TEXT, margin=0.5)
