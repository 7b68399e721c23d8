"""The process that trains: waits for its turn, trains at low priority, says how it ended.

``python -m viz_app.worker FOLDER`` trains what ``FOLDER/job.json`` asks for: a model, a race for the longest memory,
or one model with and without clipping. The worker holds
``FOLDER/job.lock`` as long as it lives, so that a run left behind by a crash is never taken for a live one;
what it is at stands in ``FOLDER/phase.json``. It ends when a file ``FOLDER/stop`` appears, or on SIGTERM,
always between two steps. A model that goes on later ends with the very weights of one that never stopped; a race
keeps the trainings that had ended and starts the one it was at anew; with and without clipping both start anew.

Only the standard library and filelock are imported until it is this worker's turn: waiting is cheap.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

CORES = os.cpu_count() or 1
AT_ONCE = int(os.environ.get("RNNCORE_TRAININGS", "1"))
"""How many trainings run side by side on this machine; others wait, first come first served.

The trainings of a race take one core each, so that as many of them as there are cores count as one.
"""

THREADS = max(1, min(8, CORES - 1))
"""Threads of a training: one core is left to the pages."""


def read(path: Path) -> dict[str, Any]:
    """Return the JSON object in ``path``; empty if there is none."""
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError):
        return {}


def write(path: Path, value: dict[str, Any]) -> None:
    """Write ``value`` as JSON under a temporary name, then rename."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
    temporary.replace(path)


def alive(folder: Path) -> bool:
    """Tell whether a worker holds the run in ``folder``."""
    if not (folder / "job.lock").exists():
        return False
    try:
        with FileLock(folder / "job.lock", timeout=0):
            return False
    except (Timeout, OSError):
        return True


def ahead(folder: Path) -> list[Path]:
    """Return the living trainings that asked before the one in ``folder``."""
    mine = _ticket(folder)
    others = [path.parent for path in folder.parent.glob("*/job.json") if path.parent != folder]
    return [other for other in others if _ticket(other) < mine and alive(other)]


def has_turn(folder: Path) -> bool:
    """Tell whether there are cores for the training in ``folder`` beside those that asked before."""
    taken = sum(_cores(other) for other in ahead(folder))
    return taken + _cores(folder) <= CORES * AT_ONCE


def _cores(folder: Path) -> int:
    """Return how many cores a training takes: all of them unless it says otherwise."""
    return min(int(read(folder / "job.json").get("cores", CORES)), CORES)


def _ticket(folder: Path) -> tuple[float, str]:
    return float(read(folder / "job.json").get("asked", float("inf"))), folder.name


class Worker:
    """One training, from waiting in the queue to its end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.terminated = False
        signal.signal(signal.SIGTERM, self._terminate)

    def _terminate(self, *_: object) -> None:
        self.terminated = True

    @property
    def stopping(self) -> bool:
        """Whether somebody asked this training to stop."""
        return self.terminated or (self.folder / "stop").exists()

    def say(self, phase: str, error: str | None = None) -> None:
        """Note what the worker is at; a full disk must not hide why it ends."""
        with suppress(OSError):
            write(self.folder / "phase.json", {"phase": phase, "error": error})

    def run(self) -> None:
        """Wait for a free place, then train."""
        self.say("waiting")
        while not has_turn(self.folder):
            if self.stopping:
                return self.say("stopped")
            time.sleep(0.5)
        self.say("training")
        try:
            self.say("finished" if self.work() else "stopped")
        except Exception as error:
            traceback.print_exc()
            self.say("failed", _sentence(error))

    def work(self) -> bool:
        """Work until the end or until asked to stop; tell whether the end was reached."""
        import torch

        job = read(self.folder / "job.json")
        torch.set_num_threads(min(THREADS, int(job.get("cores", THREADS))))
        kinds = {"training": self.train, "memory": self.race, "clipping": self.clip}
        return kinds[job.get("kind", "training")](job)

    def train(self, job: dict[str, Any]) -> bool:
        """Train a model."""
        import rnncore
        from rnncore.training import corpora

        text = self.folder / job["text"] if job["own"] else job["text"]
        config = rnncore.TrainConfig(folder=self.folder, **job["config"])
        training = rnncore.train(config, corpora.load(text), resume=True)
        step = config.steps
        for progress in training:
            step = progress.step
            if self.stopping:
                training.close()
                break
        return step == config.steps

    def race(self, job: dict[str, Any]) -> bool:
        """Train cells on tasks that ask for memory."""
        from rnncore.gradients import RaceConfig, race

        laps = race(RaceConfig.of(job["config"]), self.folder / "laps.csv")
        return not any(self.stopping for _ in laps)

    def clip(self, job: dict[str, Any]) -> bool:
        """Train one model with and without clipping."""
        import rnncore
        from rnncore.gradients.clipping import updates
        from rnncore.training import corpora

        config = rnncore.TrainConfig(folder=self.folder, **job["config"])
        steps = updates(config, corpora.load(job["text"]), job["clips"], job["optimizer"], self.folder / "updates.csv")
        return not any(self.stopping for _ in steps)


def _sentence(error: Exception) -> str:
    from rnncore import Error

    if isinstance(error, Error):
        return str(error)
    if isinstance(error, MemoryError):
        return "there is not enough memory; try fewer units, a smaller batch or a shorter text"
    return (
        f"something that should not happen did: {error or type(error).__name__}; log.txt in the run's folder says more"
    )


def main(folder: Path) -> None:
    """Train in ``folder``, unless another worker does."""
    if hasattr(os, "nice"):
        os.nice(10)
    try:
        with FileLock(folder / "job.lock", timeout=5):
            Worker(folder).run()
    except Timeout:
        sys.exit(f"another process trains in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
