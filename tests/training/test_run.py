"""A run's folder, read back: whole, half written, or not there at all."""

import json

import pytest

from rnncore import Run


def lines(path, *rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def row(step, **fields):
    return {
        "step": step, "loss": 1.5, "validation": None, "gradient_norm": 0.5, "clipped": False, "learning_rate": 0.01,
        "seconds": 1.0, **fields,
    }  # fmt: skip


def test_nothing_there(tmp_path):
    run = Run(tmp_path / "gone")
    assert run.config == run.metrics == {}
    assert run.samples == run.probes == []
    assert len(run.history) == 0
    assert "gradient_norm" in run.history.columns


def test_history(tmp_path):
    lines(tmp_path / "history.jsonl", row(1), row(2, validation=1.25, clipped=True))
    history = Run(tmp_path).history
    assert history["step"].tolist() == [1, 2]
    assert history["validation"].isna().tolist() == [True, False]
    assert history["clipped"].tolist() == [False, True]


def test_a_line_that_is_being_written_does_not_count(tmp_path):
    lines(tmp_path / "history.jsonl", row(1), row(2))
    path = tmp_path / "history.jsonl"
    whole = path.read_bytes()
    for cut in range(len(json.dumps(row(1))) + 1, len(whole) - 1):
        path.write_bytes(whole[:cut])
        assert Run(tmp_path).history["step"].tolist() == [1]


@pytest.mark.parametrize("text", ["", "\n\n", "\r\n", "a\x85b", "\u2028", "\u2029\v\f\x1c", '"\\', "日🙂\ufffd\0"])
def test_samples_come_back_whatever_they_hold(text, tmp_path):
    lines(tmp_path / "samples.jsonl", {"step": 1, "text": text}, {"step": 2, "text": "after"})
    assert Run(tmp_path).samples == [(1, text), (2, "after")]


def test_a_sample_cut_within_a_character(tmp_path):
    lines(tmp_path / "samples.jsonl", {"step": 1, "text": "a"}, {"step": 2, "text": "日"})
    path = tmp_path / "samples.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    assert Run(tmp_path).samples == [(1, "a")]


def test_probes_are_in_the_order_of_steps(tmp_path):
    (tmp_path / "probes").mkdir()
    for step in (1_000_000, 20, 3):
        (tmp_path / "probes" / f"step-{step:06d}.npz").touch()
    assert [step for step, _ in Run(tmp_path).probes] == [3, 20, 1_000_000]


def test_damaged_json_is_as_good_as_none(tmp_path):
    (tmp_path / "metrics.json").write_text('{"validation": 1.')
    assert Run(tmp_path).metrics == {}
