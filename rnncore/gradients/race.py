"""Who remembers how long: cells trained on tasks that ask for a memory of growing length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor, nn

from rnncore.cells import Cell
from rnncore.cells import find as find_cell
from rnncore.errors import Error
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
        In the order of running; a cell that fails at one is not sent over longer ones.
    seeds : int
        Trainings for each cell and length, from seeds 0 to seeds - 1: fresh weights and other batches. In one seed all
        cells see the same batches.
    units : int
        Of an LSTM; the others are matched to its weights.
    updates, batch : int
        Steps of Adam at most, and sequences in each.
    learning_rate, clip : float
        Of Adam, and the largest norm of the gradient.
    """

    task: str = "adding"
    cells: tuple[str, ...] = ("elman", "lstm")
    lengths: tuple[int, ...] = (50, 100, 200, 400)
    seeds: int = 3
    units: int = 32
    updates: int = 3000
    batch: int = 64
    learning_rate: float = 4e-3
    clip: float = 1.0

    def __post_init__(self) -> None:
        tasks.find(self.task)
        for cell in self.cells:
            find_cell(cell)
        for field in ("seeds", "units", "updates", "batch"):
            if getattr(self, field) < 1:
                raise Error(f"{field} must be at least 1, not {getattr(self, field)}")
        if not self.cells or not self.lengths:
            raise Error("a race needs at least one cell and one length")


@dataclass(frozen=True)
class Lap:
    """Where a training stands.

    ``loss`` is that on sequences it has not seen, ``solved`` whether it is below a tenth of ``baseline``, the loss
    without memory; ``finished`` whether this training is over.
    """

    cell: str
    units: int
    weights: int
    length: int
    seed: int
    update: int
    loss: float
    baseline: float
    solved: bool
    finished: bool


EVERY = 100
"""Updates between two measurements."""


def race(config: RaceConfig) -> Iterator[Lap]:
    """Run a race, yielding where it stands after every hundred updates. A training ends when its task is solved."""
    task = tasks.find(config.task)
    weights = _Reader("lstm", config.units, task).weights
    for name in config.cells:
        units = _matched(name, weights, task)
        for seed in range(config.seeds):
            for length in config.lengths:
                lap = None
                for lap in _training(config, task, name, units, length, seed):
                    yield lap
                if lap is None or not lap.solved:
                    break


def solved(laps: list[Lap]) -> pd.DataFrame:
    """Return a row for each cell and length: cell, units, weights, length, runs, solved, median_updates."""
    ends = pd.DataFrame([vars(lap) for lap in laps if lap.finished])
    rows = []
    for (cell, length), group in ends.groupby(["cell", "length"], sort=False):
        won = group[group["solved"]]
        rows.append(
            {
                "cell": cell,
                "units": int(group["units"].iloc[0]),
                "weights": int(group["weights"].iloc[0]),
                "length": length,
                "runs": len(group),
                "solved": len(won),
                "median_updates": float(won["update"].median()),
            }
        )
    return pd.DataFrame(rows)


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

    @property
    def weights(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())

    def forward(self, batch: Batch) -> Tensor:
        hs, _ = fused.run(self.cell, batch.xs, self.cell.start(batch.xs.shape[1]))
        answers: Tensor = self.head(hs[-len(batch.targets) :])
        return answers


def _matched(cell: str, weights: int, task: Task) -> int:
    """Return the number of units with which ``cell`` comes nearest to ``weights``, which grow with the units."""
    units = 1
    while _count(cell, units + 1, task) <= weights:
        units += 1
    return min(units, units + 1, key=lambda few: abs(_count(cell, few, task) - weights))


def _count(cell: str, units: int, task: Task) -> int:
    with torch.device("meta"):
        return find_cell(cell)(task.inputs, units).parameter_count + (units + 1) * task.outputs


def _training(config: RaceConfig, task: Task, cell: str, units: int, length: int, seed: int) -> Iterator[Lap]:
    reader = _Reader(cell, units, task).initialise(seed)
    optimizer = torch.optim.Adam(reader.parameters(), config.learning_rate)
    sequences = torch.Generator().manual_seed(1_000_003 * seed + length)
    unseen = task.sample(length, 500, torch.Generator().manual_seed(7_000_003 + seed))
    baseline = task.baseline(length)
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
            yield Lap(cell, units, reader.weights, length, seed, update, measured, baseline, won, finished)
            if won:
                return
