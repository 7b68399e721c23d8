"""A training's folder: what is kept there while it runs, and reading it back.

::

    model.safetensors config.json   the best model so far, a checkpoint like any other
    run.json                        config, command, data
    metrics.json                    figures on held-out text
    history.jsonl                   one line a step: loss, validation, gradient norm, ...
    samples.jsonl                   what the model wrote at doubling steps
    attention.jsonl                 where a translator looked on its probe, at doubling steps
    probes/step-000100.npz          recordings of the probe text
    state/latest.safetensors        all that resuming needs
"""

from __future__ import annotations

import errno
import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import pandas as pd
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from rnncore.errors import TrainingError
from rnncore.files import write_atomically, write_json
from rnncore.network import checkpoint
from rnncore.recording.recording import Recording
from rnncore.training.config import TrainConfig

Save = Callable[[Any, Path, dict[str, Any]], None]
"""Writes a model and how it was made into a folder, as a checkpoint."""

SAVE_SECONDS = 30.0
"""At least this often (between two steps) the state is saved."""

COLUMNS = ("step", "loss", "validation", "gradient_norm", "clipped", "learning_rate", "seconds")
"""What ``history.jsonl`` keeps of each step."""


JOURNALS = ("history.jsonl", "samples.jsonl", "attention.jsonl")
"""Files with one line a step, or for some."""


@runtime_checkable
class Step(Protocol):
    """What a run keeps of each step; see :class:`rnncore.training.train.Progress`."""

    @property
    def step(self) -> int: ...  # noqa: D102
    @property
    def sample(self) -> str | None: ...  # noqa: D102
    @property
    def seconds(self) -> float: ...  # noqa: D102


@runtime_checkable
class Data(Protocol):
    """What a model is trained on; a :class:`rnncore.training.corpora.Corpus` is one."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def sha256(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class Run:
    """A run's folder, read back. Works while the training is still going on."""

    folder: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", Path(self.folder))

    @property
    def config(self) -> dict[str, Any]:
        """The training's config, its command and its data; empty if there is none."""
        return _read_json(self.folder / "run.json")

    @property
    def metrics(self) -> dict[str, Any]:
        """Figures on held-out text; empty before the first validation."""
        return _read_json(self.folder / "metrics.json")

    @property
    def history(self) -> pd.DataFrame:
        """One row a step: step, loss, validation, gradient_norm, clipped, learning_rate, seconds."""
        return pd.DataFrame(_lines(self.folder / "history.jsonl"), columns=list(COLUMNS))

    @property
    def samples(self) -> list[tuple[int, str]]:
        """(step, text) of every sample, in order."""
        return [(row["step"], row["text"]) for row in _lines(self.folder / "samples.jsonl")]

    @property
    def attention(self) -> list[tuple[int, list[list[list[float]]]]]:
        """(step, maps [target, source] of every pair of the probe), in order; empty but for translators."""
        return [(row["step"], row["maps"]) for row in _lines(self.folder / "attention.jsonl")]

    @property
    def probes(self) -> list[tuple[int, Path]]:
        """(step, file) of every recording of the probe text, in order."""
        files = sorted((self.folder / "probes").glob("step-*.npz"))
        return [(int(file.stem.removeprefix("step-")), file) for file in files]


class RunWriter:
    """Keeps a training in its folder. Only :meth:`open` makes one: it holds the folder's lock."""

    def __init__(self, folder: Path, description: dict[str, Any], save: Save) -> None:
        self.folder, self.description, self._save = folder, description, save
        self.seconds = 0.0
        self._saved = time.monotonic()

    @classmethod
    @contextmanager
    def open(
        cls, folder: Path, config: dict[str, Any], corpus: Data, resume: bool, save: Save = checkpoint.save
    ) -> Iterator[RunWriter]:
        """Claim ``folder`` for this process, and check that it is free or holds the same training.

        ``save`` writes a model, its folder and how it was made, as a checkpoint.

        Raises
        ------
        TrainingError
            Another process writes here, another training lies here, or the disk refuses.
        """
        folder = Path(folder)
        description = {
            "config": {**config, "folder": folder.name},
            "data": {"name": corpus.name, "sha256": corpus.sha256},
            "command": _command(),
        }
        with _disk(folder):
            (folder / "probes").mkdir(parents=True, exist_ok=True)
            (folder / "state").mkdir(exist_ok=True)
            lock = FileLock(folder / "state" / "lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                raise TrainingError(
                    f"another process is training in {folder}; wait for it, or choose another folder"
                ) from None
            try:
                description["command"] = cls._check(folder, description, resume)
                write_json(folder / "run.json", description)
                yield cls(folder, description, save)
            finally:
                lock.release()

    @staticmethod
    def _check(folder: Path, description: dict[str, Any], resume: bool) -> str | None:
        """Check that the folder is free, or holds the same training or a shorter one; return the command of it all."""
        there, now = _read_json(folder / "run.json"), description["command"]
        if not there:
            return None if now is None else str(now)
        if not resume:
            raise TrainingError(f"{folder} holds a training already; add --resume to go on, or choose another folder")
        known = {field.name: field.default for field in fields(TrainConfig)}  # not yet known when the run began
        for part in ("config", "data"):
            old, new = {**(known if part == "config" else {}), **there[part]}, description[part]
            changed = [key for key in new if old.get(key) != new[key] and key != "fresh"]
            changed = [key for key in changed if key != "steps" or new[key] < old[key]]
            differ = [f"{key} was {old.get(key)!r}, now {new[key]!r}" for key in changed]
            if differ:
                raise TrainingError(f"{folder} holds a different training ({'; '.join(differ)}); choose another folder")
        longer = there["config"]["steps"] < description["config"]["steps"]
        commands = [command for command in (there.get("command"), now) if command]
        return " && ".join(commands if longer else commands[:1]) or None

    def restore(self, take: Callable[[dict[str, Tensor]], None]) -> float | None:
        """Hand the saved state, if any, to ``take``; drop what was kept after it; return the best validation."""
        path = self.folder / "state" / "latest.safetensors"
        step, best = 0, None
        if path.exists():
            try:
                with safe_open(path, framework="pt") as file:
                    metadata = json.loads(file.metadata()["run"])
                    tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                take(tensors)
            except (SafetensorError, OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
                raise TrainingError(f"{path} is damaged ({error}); delete {self.folder} to start anew") from error
            step, best, self.seconds = int(tensors["step"]), metadata["best"], metadata["seconds"]
        for name in JOURNALS:
            kept = [row for row in _lines(self.folder / name) if row["step"] <= step]
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept)
            write_atomically(self.folder / name, text.encode())
        for number, probe in Run(self.folder).probes:
            if number > step:
                probe.unlink()
        return best

    def keep_checkpoint(self, model: nn.Module, step: int) -> None:
        """Make ``model`` the run's checkpoint."""
        with _disk(self.folder):
            self._save(model, self.folder, {**self.description, "step": step})

    def keep_best(self, model: nn.Module, step: int, validation: float) -> None:
        """Make ``model``, the best so far, the run's checkpoint, and keep its figure."""
        self.keep_checkpoint(model, step)
        with _disk(self.folder):
            parameters = sum(parameter.numel() for parameter in model.parameters())
            self.keep_metrics(validation=validation, best_step=step, parameters=parameters)

    def keep_metrics(self, **figures: float | int | str) -> None:
        """Add ``figures`` to metrics.json."""
        write_json(self.folder / "metrics.json", {**Run(self.folder).metrics, **figures})

    def keep_probe(self, step: int, recording: Recording) -> Path:
        """Keep a recording of the probe text; return its file."""
        path = self.folder / "probes" / f"step-{step:06d}.npz"
        recording.save(path)
        return path

    def write(self, progress: Step) -> None:
        """Append a step to the history."""
        self.seconds = progress.seconds
        with _disk(self.folder):
            self._append("history.jsonl", {name: getattr(progress, name) for name in COLUMNS})
            if progress.sample is not None:
                self._append("samples.jsonl", {"step": progress.step, "text": progress.sample})

    def keep_attention(self, step: int, maps: Sequence[Sequence[Sequence[float]]]) -> None:
        """Append where a translator now looks, on each of its probe's pairs."""
        with _disk(self.folder):
            self._append("attention.jsonl", {"step": step, "maps": maps})

    @property
    def due(self) -> bool:
        """Whether it is time to save the state."""
        return time.monotonic() - self._saved > SAVE_SECONDS

    def finish(self, state: Callable[[], dict[str, Tensor]], best: float | None, figures: dict[str, float]) -> None:
        """Keep the figures of the best model, then the final state: once that lies here, the run is done."""
        with _disk(self.folder):
            self.keep_metrics(**figures, seconds=round(self.seconds, 1))
        self.save_state(state, best)

    def save_state(self, state: Callable[[], dict[str, Tensor]], best: float | None) -> None:
        """Write all that resuming needs, atomically."""
        with _disk(self.folder):
            metadata = {"run": json.dumps({"best": best, "seconds": self.seconds})}
            write_atomically(self.folder / "state" / "latest.safetensors", to_bytes(state(), metadata))
            self._saved = time.monotonic()

    def _append(self, name: str, row: dict[str, Any]) -> None:
        with (self.folder / name).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _command() -> str | None:
    """Return the command line that runs, if it is ours."""
    program = Path(sys.argv[0])
    ours = program.stem == "rnncore" or program.parts[-2:] == ("rnncore", "__main__.py")
    return shlex.join(["rnncore", *sys.argv[1:]]) if ours else None


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """Turn what the disk refuses into a sentence."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = "the disk is full: free some space, then resume" if full else f"{error.strerror or error}"
        raise TrainingError(f"cannot write to {folder}: {advice}") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError):
        return {}


def _lines(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a JSON-lines file; a last line cut short by a crash does not count."""
    try:
        lines = path.read_bytes().split(b"\n")  # bytes: the last one may end within a character
    except OSError:
        return []
    rows = []
    for line in lines:
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    return rows
