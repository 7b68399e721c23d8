"""Trainings in the background: start, stop, resume, rename, delete; each is a folder and, at times, a process.

A page never trains. It writes what it wants into a run's folder, starts a worker (see :mod:`viz_app.worker`)
and reads the folder back, see :mod:`viz_app.runs`. So no visitor waits for another, a closed tab stops nothing, and a
server that was started anew finds every run as it is.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

import rnncore
from rnncore.network import checkpoint
from rnncore.training.train import Split
from viz_app import worker
from viz_app.launch import JobError, ask_again, launch, prepare
from viz_app.runs import Job, checked, digest, every, find, folder, free_name, read

__all__ = [
    "Job",
    "JobError",
    "checked",
    "delete",
    "digest",
    "every",
    "find",
    "folder",
    "free_name",
    "queue",
    "rename",
    "resume",
    "start",
    "start_together",
    "stop",
]

WAITING_AT_MOST = 8
"""How many trainings may wait for their turn."""


def start(name: str, config: dict[str, Any], corpus: str | None, text: str | None = None) -> Job:
    """Start a training.

    Parameters
    ----------
    name : str
        Of the run and of its model.
    config : dict
        Fields of :class:`rnncore.TrainConfig`, without the folder.
    corpus : str or None
        What ``rnncore.training.corpora.load`` knows the text by; None trains on ``text``.

    Raises
    ------
    JobError, rnncore.Error
        A bad name or number, too many waiting, or the disk refuses.
    """
    path = folder() / checked(name)
    _check(rnncore.TrainConfig(folder=path, **config), text)
    _check_queue()
    prepare(path, {"config": config, "own": corpus is None, "text": corpus or "text.txt"}, text)
    launch([path])
    return read(path)


def start_together(requests: Sequence[tuple[str, dict[str, Any]]], corpus: str, about: dict[str, Any]) -> list[Job]:
    """Start the trainings of a race, one core each; one that is there already goes on, or is left as it is.

    Parameters
    ----------
    requests : sequence of (str, dict)
        Name and config of each, in the order of their turns.
    corpus : str
        What ``rnncore.training.corpora.load`` knows the text by.
    about : dict
        What else to note of each: ``race`` is the id by which they belong together.

    Raises
    ------
    JobError, rnncore.Error
        A bad number, too many waiting, or the disk refuses.
    """
    for name, config in requests:
        _check(rnncore.TrainConfig(folder=folder() / name, **config), None)
    return queue([(name, {"config": config, "own": False, "text": corpus, **about}) for name, config in requests])


def queue(requests: Sequence[tuple[str, dict[str, Any]]]) -> list[Job]:
    """Start jobs of any kind, one core each; one that is there already goes on, or is left as it is.

    Parameters
    ----------
    requests : sequence of (str, dict)
        Name of each and what its worker is to do, see :mod:`viz_app.worker`; ``race`` is the id by which they belong
        together.

    Raises
    ------
    JobError
        Too many are waiting, or the disk refuses.
    """
    _check_queue()
    paths = []
    for name, request in requests:
        path = folder() / name
        job = find(name)
        if job is None:
            prepare(path, {"own": False, "cores": 1, **request})
        elif job.active or job.status == "finished":
            continue
        else:
            ask_again(job.folder)
        paths.append(path)
    launch(paths)
    return [read(path) for path in paths]


def resume(job: Job) -> Job:
    """Go on with a run that was stopped, interrupted or failed; it queues anew."""
    if job.active:
        return job
    ask_again(job.folder)
    launch([job.folder])
    return read(job.folder)


def stop(job: Job) -> None:
    """Ask the worker to end after its present step; everything is kept."""
    if job.active:
        (job.folder / "stop").touch()


def rename(job: Job, name: str) -> Job:
    """Give a run, and its model, another name."""
    path = folder() / checked(name)
    if job.active:
        raise JobError("stop the training first; then it can be renamed")
    try:
        job.folder.rename(path)
        for file, keys in (("config.json", ("name",)), ("run.json", ("config", "folder"))):
            _set(path / file, keys, name)
    except OSError as error:
        raise JobError(f"cannot rename {job.name}: {error.strerror or error}") from error
    return read(path)


def delete(job: Job) -> None:
    """Remove a run and all that it made."""
    if job.active:
        raise JobError("stop the training first; then it can be deleted")
    shutil.rmtree(job.folder, ignore_errors=True)


def _check(config: rnncore.TrainConfig, text: str | None) -> None:
    """Refuse what the worker would: better at once than after a wait."""
    assert config.model  # checks the cell and the sizes
    if text is None:
        return
    if not text.strip():
        raise JobError("there is no text yet: paste one, or choose a file")
    symbols = len(text.encode("utf-8", "surrogatepass")) if config.vocabulary == "bytes" else len(text)
    Split.of(torch.zeros(symbols), config)


def _check_queue() -> None:
    """Refuse one more where too many wait; a race counts as one."""
    waiting = [job for job in every(races=True) if job.status == "waiting"]
    if len({job.request.get("race", job.name) for job in waiting}) >= WAITING_AT_MOST:
        raise JobError(f"{WAITING_AT_MOST} trainings wait already; stop one of them, or come back in some minutes")


def _set(path: Path, keys: tuple[str, ...], value: str) -> None:
    whole = worker.read(path)
    if not whole:
        return
    inner = whole
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    checkpoint.write_json(path, whole)
