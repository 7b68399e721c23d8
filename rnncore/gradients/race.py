"""Who remembers how long: cells trained on tasks that ask for a memory of growing length."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rnncore.cells import Cell, equal_units
from rnncore.cells import find as find_cell
from rnncore.errors import Error
from rnncore.gradients import journal
from rnncore.network import fused
from rnncore.training import tasks
from rnncore.training.tasks import Batch, Task


@dataclass(frozen=True)
class RaceConfig:
    """A race: which cells, over which lengths.

    Parameters
    ----------
    task : str
        A key of :data:`rnncore.training.tasks.TASKS`.
    cells : tuple of str
        Names of recurrences. Each gets as many units as it needs for the same number of weights.
    lengths : tuple of int
        In the order of running; a cell that fails at one, at every learning rate, is not sent over longer ones.
    seeds : int
        Trainings for each cell and length, from seeds 0 to seeds - 1: fresh weights and other batches. In one seed all
        cells see the same batches.
    units : int
        Of an LSTM; the others are matched to its weights.
    updates, batch : int
        Steps of Adam at most, and sequences in each.
    learning_rates : tuple of float
        Of Adam, in turn: a cell that does not solve a length at one is trained anew at the next, so that none fails
        for a rate that does not suit it.
    clip : float
        The largest norm of the gradient.
    """

    task: str = "adding"
    cells: tuple[str, ...] = ("elman", "lstm")
    lengths: tuple[int, ...] = (50, 100, 200, 400)
    seeds: int = 3
    units: int = 32
    updates: int = 2000
    batch: int = 64
    learning_rates: tuple[float, ...] = (1e-2, 1.5e-3)
    clip: float = 1.0

    def __post_init__(self) -> None:
        task = tasks.find(self.task)
        for cell in self.cells:
            find_cell(cell)
        for name in ("seeds", "units", "updates", "batch"):
            if getattr(self, name) < 1:
                raise Error(f"{name} must be at least 1, not {getattr(self, name)}")
        if not self.cells or not self.lengths or not self.learning_rates:
            raise Error("a race needs at least one cell, one length and one learning rate")
        if list(self.lengths) != sorted(set(self.lengths)):
            raise Error("lengths grow: a cell that fails at one is not sent over longer ones")
        if min(self.lengths) < task.shortest:
            raise Error(f"{task.title} needs a length of at least {task.shortest}, not {min(self.lengths)}")
        if not min(self.learning_rates) > 0 or not self.clip > 0:
            raise Error(f"rates and clip must be above 0, not {min(self.learning_rates):g} and {self.clip:g}")

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> RaceConfig:
        """Return the race whose fields these are, as JSON knows them."""
        given: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in settings.items()}
        return cls(**given)


@dataclass(frozen=True)
class Lap:
    """Where a training stands.

    ``loss`` is that on sequences it has not seen, ``solved`` whether it is below a tenth of ``baseline``, the loss
    without memory; ``finished`` whether this training is over. ``seconds`` is how long it has taken so far.
    """

    cell: str
    units: int
    weights: int
    length: int
    seed: int
    learning_rate: float
    update: int
    loss: float
    baseline: float
    solved: bool
    finished: bool
    seconds: float = field(compare=False)

    @property
    def training(self) -> tuple[str, int, int, float]:
        """Which training this is: cell, seed, length, learning rate."""
        return self.cell, self.seed, self.length, self.learning_rate


EVERY = 50
"""Updates between two measurements."""


def race(config: RaceConfig, keep: Path | None = None) -> Iterator[Lap]:
    """Run a race, yielding where it stands after every fifty updates.

    A training ends when its task is solved. In one seed all trainings of a length see the same sequences.

    Parameters
    ----------
    keep : Path, optional
        A CSV file to keep every lap in. If it holds trainings of this race already, their laps are yielded first and
        the race goes on from there; a training that had not ended starts anew.

    Raises
    ------
    Error
        The file is there, and no file of this race.
    """
    ran, kept = read(keep) if keep is not None and keep.exists() else (config, [])
    if ran != config:
        raise Error(f"{keep} holds a race of other settings; ask for the same ones, or name another file")
    over = {lap.training: lap.solved for lap in kept if lap.finished}
    kept = [lap for lap in kept if lap.training in over]
    if keep is not None:
        journal.begin(keep, asdict(config), [one.name for one in fields(Lap)], map(vars, kept))
    yield from kept
    task = tasks.find(config.task)
    weights = _weights("lstm", config.units, task)
    units = {cell: equal_units(partial(_weights, cell, task=task), weights) for cell in config.cells}
    for seed in range(config.seeds):
        for cell in config.cells:
            for length in config.lengths:
                solved = False
                for rate in config.learning_rates:
                    if (cell, seed, length, rate) not in over:
                        for lap in _training(config, task, cell, units[cell], length, seed, rate):
                            over[lap.training] = lap.solved
                            if keep is not None:
                                journal.append(keep, vars(lap))
                            yield lap
                    solved = over[cell, seed, length, rate]
                    if solved:
                        break
                if not solved:
                    break


def read(path: Path) -> tuple[RaceConfig, list[Lap]]:
    """Return the settings and the laps of a race that was kept.

    Raises
    ------
    Error
        It cannot be read, or is no such file.
    """
    settings, rows = journal.read(path)
    try:
        return RaceConfig.of(settings), [
            Lap(**{str(name): one for name, one in row.items()}) for row in rows.to_dict("records")
        ]
    except TypeError as error:
        raise Error(f"{path} holds no race; name another file") from error


def _weights(cell: str, units: int, task: Task) -> int:
    """Return the number of weights of a reader."""
    return find_cell(cell).count(task.inputs, units) + (units + 1) * task.outputs


class _Reader(nn.Module):
    """One layer of a cell, and what it answers at each step."""

    def __init__(self, cell: str, units: int, task: Task) -> None:
        super().__init__()
        self.cell: Cell = find_cell(cell)(task.inputs, units)
        self.head = nn.utils.skip_init(nn.Linear, units, task.outputs)  # type: ignore[no-untyped-call]

    def initialise(self, seed: int) -> _Reader:
        generator = torch.Generator().manual_seed(seed)
        self.cell.initialise(generator)
        with torch.no_grad():
            self.head.weight.normal_(0, self.cell.units**-0.5, generator=generator)
            self.head.bias.zero_()
        return self

    def forward(self, batch: Batch) -> Tensor:
        hs, _ = fused.run(self.cell, batch.xs, self.cell.start(batch.xs.shape[1]))
        answers: Tensor = self.head(hs[-len(batch.targets) :])
        return answers


def _training(
    config: RaceConfig, task: Task, cell: str, units: int, length: int, seed: int, rate: float
) -> Iterator[Lap]:
    reader = _Reader(cell, units, task).initialise(seed)
    optimizer = torch.optim.Adam(reader.parameters(), rate)
    sequences = torch.Generator().manual_seed(1_000_003 * seed + length)
    unseen = task.sample(length, 500, torch.Generator().manual_seed(7_000_003 + seed))
    baseline, started = task.baseline(length), time.perf_counter()
    for update in range(1, config.updates + 1):
        batch = task.sample(length, config.batch, sequences)
        loss = task.loss(reader(batch), batch.targets)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(reader.parameters(), config.clip)
        if norm.isfinite():
            optimizer.step()
        if update % EVERY == 0 or update == config.updates:
            with torch.no_grad():
                measured = float(task.loss(reader(unseen), unseen.targets))
            won = measured < baseline / 10
            finished = won or update == config.updates
            seconds = round(time.perf_counter() - started, 3)
            weights = _weights(cell, units, task)
            yield Lap(cell, units, weights, length, seed, rate, update, measured, baseline, won, finished, seconds)
            if won:
                return
