"""Trainings in the background: real processes, tiny models."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from safetensors.torch import load_file

import rnncore
from viz_app import jobs, launch, worker

TINY: dict[str, Any] = {
    "cell": "gru",
    "layers": 1,
    "units": 8,
    "embedding": 4,
    "batch": 4,
    "length": 16,
    "validate_every": 5,
}
TEXT = "the cat sat on the mat. " * 100


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Keep runs in a folder of the test's own; leave no process behind."""
    monkeypatch.setenv("RNNCORE_RUNS", str(tmp_path / "runs"))
    yield tmp_path / "runs"
    for job in jobs.every():
        jobs.stop(job)
    for child in launch.children:
        child.wait(30)


def until(name: str, true: Callable[[jobs.Job], object], seconds: float = 60) -> jobs.Job:
    """Wait until ``true`` of the job called ``name``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        job = jobs.find(name)
        assert job is not None
        if true(job):
            return job
        time.sleep(0.05)
    raise AssertionError(f"{job} after {seconds} s; log: {(job.folder / 'log.txt').read_text()}")


def test_a_training_runs_to_its_end_and_makes_a_model() -> None:
    started = time.monotonic()
    job = jobs.start("one", {**TINY, "steps": 20}, None, TEXT)
    assert time.monotonic() - started < 5, "starting must not wait for the training"
    assert job.active
    job = until("one", lambda job: not job.active)
    assert (job.status, job.error) == ("finished", None)
    assert list(job.run.history["step"]) == list(range(1, 21))
    assert [step for step, _ in job.run.samples] == [1, 2, 4, 8, 16, 20]
    assert rnncore.load(job.folder).vocabulary.unknown(TEXT) == ()


def test_a_worker_that_ends_while_its_run_is_read_was_not_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends(folder: Path) -> bool:
        worker.write(folder / "phase.json", {"phase": "finished", "error": None})
        return False

    worker.write(tmp_path / "phase.json", {"phase": "training", "error": None})
    monkeypatch.setattr(worker, "alive", ends)
    assert jobs.read(tmp_path).status == "finished"


def test_stopped_and_resumed_ends_with_the_weights_of_one_that_was_not() -> None:
    config = {**TINY, "steps": 400}
    jobs.start("whole", config, None, TEXT)
    until("whole", lambda job: job.status == "finished")
    jobs.start("parts", config, None, TEXT)
    until("parts", lambda job: len(job.run.history) > 3)
    jobs.stop(jobs.find("parts"))
    job = until("parts", lambda job: not job.active)
    assert job.status == "stopped"
    assert 3 < len(job.run.history) < 400
    assert jobs.resume(job).active
    until("parts", lambda job: job.status == "finished")
    weights = [load_file(jobs.folder() / name / "state" / "latest.safetensors") for name in ("whole", "parts")]
    assert weights[0].keys() == weights[1].keys()
    assert all((weights[0][key] == weights[1][key]).all() for key in weights[0])


def test_a_killed_training_is_found_and_resumed(runs: Path) -> None:
    jobs.start("killed", {**TINY, "steps": 200}, None, TEXT)
    until("killed", lambda job: len(job.run.history) > 3)
    child = launch.children[-1]
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    job = jobs.find("killed")
    assert job is not None
    assert job.status == "interrupted"
    jobs.resume(job)
    assert until("killed", lambda job: not job.active).status == "finished"


def test_sigterm_stops_between_two_steps() -> None:
    jobs.start("term", {**TINY, "steps": 5000}, None, TEXT)
    until("term", lambda job: len(job.run.history) > 3)
    os.kill(launch.children[-1].pid, signal.SIGTERM)
    assert until("term", lambda job: not job.active).status == "stopped"


def test_the_second_waits_for_the_first() -> None:
    jobs.start("first", {**TINY, "steps": 100_000}, None, TEXT)
    second = jobs.start("second", {**TINY, "steps": 5}, None, TEXT)
    assert (second.status, second.ahead) == ("waiting", 1)
    until("first", lambda job: len(job.run.history) > 3)
    assert jobs.find("second").status == "waiting"
    jobs.stop(jobs.find("first"))
    assert until("second", lambda job: not job.active).status == "finished"


def test_one_that_waits_can_be_stopped() -> None:
    jobs.start("first", {**TINY, "steps": 100_000}, None, TEXT)
    jobs.stop(jobs.start("second", TINY, None, TEXT))
    assert until("second", lambda job: not job.active).status == "stopped"


def test_no_more_than_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "WAITING_AT_MOST", 1)
    jobs.start("first", {**TINY, "steps": 100_000}, None, TEXT)
    until("first", lambda job: job.status != "waiting")
    jobs.start("second", TINY, None, TEXT)
    with pytest.raises(jobs.JobError, match="wait already"):
        jobs.start("third", TINY, None, TEXT)


@pytest.mark.parametrize(("text", "sentence"), [("a", "too short"), ("ab" * 5, "too short"), (" ", "no text")])
def test_a_text_that_cannot_be_trained_on_never_starts_a_process(text: str, sentence: str, runs: Path) -> None:
    with pytest.raises((jobs.JobError, rnncore.Error), match=sentence):
        jobs.start("short", TINY, None, text)
    assert not (runs / "short").exists()


def test_what_only_the_training_finds_is_kept_as_a_sentence() -> None:
    jobs.start("gone", TINY, "no-such-corpus")
    job = until("gone", lambda job: not job.active)
    assert job.status == "failed"
    assert "no corpus" in (job.error or "")


def test_a_folder_in_use_by_another_process_is_a_sentence(runs: Path) -> None:
    lock = FileLock(runs / "busy" / "state" / "lock")
    (runs / "busy" / "state").mkdir(parents=True)
    with lock:
        (runs / "busy" / "text.txt").write_text(TEXT)
        request = {"config": TINY, "own": True, "text": "text.txt", "asked": 0}
        worker.write(runs / "busy" / "job.json", request)
        job = jobs.find("busy")
        assert job is not None
        jobs.resume(job)
        job = until("busy", lambda job: not job.active)
    assert "another process is training" in (job.error or "")


@pytest.mark.parametrize(
    "wrong", [{"steps": 0}, {"cell": "lstn"}, {"units": -1}, {"dropout": 1.5}, {"learning_rate": float("nan")}]
)
def test_a_bad_number_never_starts_a_process(wrong: dict[str, Any], runs: Path) -> None:
    with pytest.raises(rnncore.Error):
        jobs.start("bad", {**TINY, **wrong}, None, TEXT)
    assert not (runs / "bad").exists()


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a" * 41, "two words"])
def test_a_bad_name_is_a_sentence(name: str) -> None:
    with pytest.raises(jobs.JobError, match="letters"):
        jobs.start(name, TINY, None, TEXT)
    assert jobs.find(name) is None


def test_a_full_disk_is_a_sentence_and_leaves_nothing(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(worker, "write", full)
    with pytest.raises(jobs.JobError, match="No space left"):
        jobs.start("full", TINY, None, TEXT)
    assert not (runs / "full").exists()


def test_renamed_it_still_resumes_and_names_its_model(runs: Path) -> None:
    jobs.start("old", {**TINY, "steps": 100_000}, None, TEXT)
    until("old", lambda job: job.has_model)
    with pytest.raises(jobs.JobError, match="stop the training first"):
        jobs.rename(jobs.find("old"), "new")
    jobs.stop(jobs.find("old"))
    job = jobs.rename(until("old", lambda job: not job.active), "new")
    assert not (runs / "old").exists()
    assert rnncore.load(job.folder).name == "new"
    done = len(job.run.history)
    jobs.resume(job)
    until("new", lambda job: len(job.run.history) > done)


def test_names_are_not_given_twice() -> None:
    jobs.start("lstm-1", {**TINY, "steps": 5}, None, TEXT)
    assert jobs.free_name("lstm") == "lstm-2"
    with pytest.raises(jobs.JobError, match="already"):
        jobs.start("lstm-1", TINY, None, TEXT)
    job = until("lstm-1", lambda job: not job.active)
    jobs.delete(job)
    assert jobs.every() == []
