"""From a request to a process that trains: the request is written down, then a worker is started on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from viz_app import worker

children: list[subprocess.Popen[bytes]] = []
"""The workers that this server has started and that may still run."""


class JobError(Exception):
    """A training cannot be started, renamed or deleted; ``str(error)`` is the sentence."""


def prepare(path: Path, request: dict[str, Any], text: str | None = None) -> None:
    """Write down what is asked for, all of it or nothing."""
    try:
        path.mkdir(parents=True)
        if text is not None and request["own"]:
            (path / "text.txt").write_text(text, "utf-8", newline="")
        worker.write(path / "job.json", {**request, "asked": time.time()})
    except OSError as error:
        shutil.rmtree(path, ignore_errors=True)
        raise JobError(f"cannot write to {path}: {error.strerror or error}; free some space and try again") from error


def ask_again(path: Path) -> None:
    """Let a request that was made before queue anew."""
    try:
        (path / "stop").unlink(missing_ok=True)
        worker.write(path / "job.json", {**worker.read(path / "job.json"), "asked": time.time()})
    except OSError as error:
        raise JobError(f"cannot write to {path}: {error.strerror or error}") from error


def launch(paths: Sequence[Path]) -> None:
    """Start workers of their own sessions: they outlive this server, and no page waits for them."""
    root = str(Path(__file__).resolve().parent.parent)
    search = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    children[:] = [child for child in children if child.poll() is None]
    started = {}
    for path in paths:
        worker.write(path / "phase.json", {"phase": "waiting", "error": None})
        cores = str(min(worker.THREADS, worker.read(path / "job.json").get("cores", worker.THREADS)))
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), cores)
        with (path / "log.txt").open("ab") as log:
            started[path] = subprocess.Popen(
                [sys.executable, "-m", "viz_app.worker", str(path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": search, **threads},
                start_new_session=True,
                creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),
            )
    children.extend(started.values())
    deadline = time.monotonic() + 10
    for path, child in started.items():
        while not worker.alive(path) and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
