"""What was started from the pages: each run is a folder, read back whenever a page asks how it stands."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import platformdirs

import rnncore
from rnncore import Run
from viz_app import worker
from viz_app.launch import JobError

_NAME = re.compile(r"\w[\w.-]{0,39}")


@dataclass(frozen=True)
class Job:
    """A run that was started from the pages.

    ``status`` is "waiting", "training", "finished", "stopped", "failed", or "interrupted" where the worker
    was killed; ``error`` is the sentence that says why, ``ahead`` how many trainings come before it.
    """

    folder: Path
    status: str
    error: str | None
    ahead: int

    @property
    def name(self) -> str:
        """What the run, and the model it makes, is called."""
        return self.folder.name

    @property
    def request(self) -> dict[str, Any]:
        """What was asked for, whole: config, text, when, and of which race it is, if it is of one."""
        return worker.read(self.folder / "job.json")

    @property
    def config(self) -> dict[str, Any]:
        """What was asked for: the fields of :class:`rnncore.TrainConfig`."""
        return dict(self.request.get("config", {}))

    @property
    def run(self) -> Run:
        """What there is of it so far."""
        return Run(self.folder)

    @property
    def active(self) -> bool:
        """Whether a process works at it or waits to."""
        return self.status in ("waiting", "training")

    @property
    def has_model(self) -> bool:
        """Whether the other pages can open it."""
        return (self.folder / "model.safetensors").exists()


def folder() -> Path:
    """Return the folder of runs: ``RNNCORE_RUNS``, or one in the user's data folder."""
    return Path(os.environ.get("RNNCORE_RUNS") or platformdirs.user_data_path("rnncore") / "runs")


def every(races: bool = False) -> list[Job]:
    """Return all runs, the one asked for last first; those of races only if asked for."""
    requests = {path: worker.read(path) for path in folder().glob("*/job.json")}
    newest = sorted(requests, key=lambda path: requests[path].get("asked", 0), reverse=True)
    return [read(path.parent) for path in newest if races or "race" not in requests[path]]


def find(name: str) -> Job | None:
    """Return the run called ``name``, if there is one."""
    known = _NAME.fullmatch(name) and (folder() / name / "job.json").exists()
    return read(folder() / name) if known else None


def read(path: Path) -> Job:
    """Return the run in a folder."""
    alive = worker.alive(path)  # asked first: a worker that ends in between has said how
    said = worker.read(path / "phase.json")
    status = said.get("phase", "waiting")
    if not alive and status in ("waiting", "training"):
        status = "interrupted"
    waits = len(worker.ahead(path)) if status == "waiting" else 0
    return Job(path, status, said.get("error"), waits)


def free_name(stem: str) -> str:
    """Return the first of stem-1, stem-2, ... that no run and no model has."""
    taken = {path.name for path in folder().glob("*")} | set(rnncore.available())
    return next(name for number in range(1, len(taken) + 2) if (name := f"{stem}-{number}") not in taken)


def checked(name: str) -> str:
    """Return the name if a run or a model can be called so.

    Raises
    ------
    JobError
        It is no name, or taken.
    """
    if not _NAME.fullmatch(name):
        raise JobError(
            "a name has 1 to 40 letters, digits, dots, dashes or underscores, and starts with a letter or digit"
        )
    if (folder() / name).exists() or name in rnncore.available():
        raise JobError(f"there is a model called {name} already; choose another name")
    return name


def digest(settings: Any) -> str:
    """Return what a dataclass of settings is called in a link: the same settings, the same eight digits."""
    return hashlib.sha256(json.dumps(asdict(settings)).encode()).hexdigest()[:8]
