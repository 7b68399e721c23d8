"""A race: several cells learn the same text in the same order, each from several seeds; and how it went.

A race is its settings: whoever asks for the same again gets the results that are there. Each cell and seed is a
training of its own, see :mod:`viz_app.jobs`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

import rnncore
from rnncore.cells import equal_units
from rnncore.network.model import LanguageModel
from rnncore.network.vocabulary import Vocabulary
from rnncore.training import TrainConfig, corpora
from rnncore.training.trainer import Split, Trainer
from viz_app import jobs

EMBEDDING, BATCH, LENGTH, RATE, CLIP = 32, 32, 64, 4e-3, 0.5
VALIDATION = 20_000
"""Characters held out at most: validating must not take longer than training."""

PROBE = 120
"""Characters through which the gradient's way back is shown; from the start of the text."""

RUNS_AT_MOST = 24


@dataclass(frozen=True)
class Settings:
    """What races: the same for all but the cell, and the units, where weights are matched."""

    cells: tuple[str, ...] = ("elman", "gru", "lstm")
    units: int = 64
    seeds: int = 2
    steps: int = 600
    text: str = "stdlib"
    matched: bool = True

    @property
    def id(self) -> str:
        """What the race is called in a link."""
        return jobs.digest(self)

    @property
    def runs(self) -> list[tuple[str, int]]:
        """(cell, seed) of every training, seed by seed: after the first round all cells can be compared."""
        return [(cell, seed) for seed in range(self.seeds) for cell in self.cells]

    def name(self, cell: str, seed: int) -> str:
        """Return what a training, and its model, is called."""
        return f"race-{self.id}-{cell}-{seed}"


def size(cell: str, units: int, symbols: int) -> int:
    """Return the number of weights of a whole model of one layer."""
    with torch.device("meta"):
        vocabulary = Vocabulary("characters", tuple(map(chr, range(symbols))))
        return LanguageModel(rnncore.ModelConfig(cell, 1, units, EMBEDDING), vocabulary).parameter_count


def units(settings: Settings, cell: str, symbols: int) -> int:
    """Return the units of one cell's model: those asked for, or as many as come closest to the LSTM's weights."""
    if not settings.matched:
        return settings.units
    target = size("lstm", settings.units, symbols)
    return equal_units(lambda units: size(cell, units, symbols), target)


def start(settings: Settings) -> None:
    """Start every training that is not there yet, or go on with it.

    Raises
    ------
    jobs.JobError, rnncore.Error
        It is too much, the text is not at hand, or the disk refuses.
    """
    if len(settings.runs) > RUNS_AT_MOST:
        raise jobs.JobError(f"{len(settings.runs)} trainings are too many; {RUNS_AT_MOST} fit: fewer cells or seeds")
    text = corpora.load(settings.text).text
    symbols = len(set(text))
    requests = []
    for cell, seed in settings.runs:
        config = {
            "cell": cell,
            "layers": 1,
            "units": units(settings, cell, symbols),
            "embedding": EMBEDDING,
            "dropout": 0.0,
            "steps": settings.steps,
            "batch": BATCH,
            "length": LENGTH,
            "learning_rate": RATE,
            "clip": CLIP,
            "seed": seed,
            "warmup": min(20, settings.steps // 10),
            "validation": min(0.1, VALIDATION / len(text)),
            "validate_every": max(1, settings.steps // 20),
            "probe": text[:PROBE],
            "probe_every": settings.steps,
        }
        requests.append((settings.name(cell, seed), config))
    jobs.start_together(requests, settings.text, {"race": settings.id, "settings": asdict(settings)})


def known() -> list[Settings]:
    """Return the races that were started here, the last one first."""
    requests = [job.request for job in jobs.every(races=True)]
    return list(dict.fromkeys(read(request) for request in requests if "settings" in request))


def find(id: str) -> Settings | None:  # noqa: A002
    """Return the settings of one of them."""
    return next((settings for settings in known() if settings.id == id), None)


def read(request: dict[str, Any]) -> Settings:
    """Return a race's settings as its trainings keep them."""
    kept = request["settings"]
    return Settings(**{**kept, "cells": tuple(kept["cells"])})


def members(settings: Settings) -> dict[tuple[str, int], jobs.Job]:
    """Return the trainings that there are, by (cell, seed)."""
    found = ((key, jobs.find(settings.name(*key))) for key in settings.runs)
    return {key: job for key, job in found if job is not None}


def table(runs: dict[tuple[str, int], jobs.Job]) -> pd.DataFrame:
    """Return every step of every training: cell, seed, step, seconds, loss, validation, pace (seconds a step)."""
    parts = []
    for (cell, seed), job in runs.items():
        history = job.run.history
        if len(history):
            columns = history[["step", "seconds", "loss", "validation"]].assign(cell=cell, seed=seed)
            parts.append(columns.assign(pace=history["seconds"].diff().median()))
    names = ["cell", "seed", "step", "seconds", "loss", "validation", "pace"]
    return pd.concat(parts, ignore_index=True)[names] if parts else pd.DataFrame(columns=names)


def results(settings: Settings, runs: dict[tuple[str, int], jobs.Job], history: pd.DataFrame) -> pd.DataFrame:
    """Return one row a cell: units, weights, runs, step; best loss held out, mean and ends; steps a second."""
    rows = []
    for cell in settings.cells:
        own = {key: job for key, job in runs.items() if key[0] == cell}
        steps = history[history["cell"] == cell]
        best = steps.groupby("seed")["validation"].min().dropna()
        if best.empty:
            continue
        job = next(iter(own.values()))
        metrics = next((j.run.metrics for j in own.values() if j.run.metrics), {})
        rows.append(
            {
                "cell": cell,
                "units": job.config["units"],
                "weights": metrics.get("parameters", np.nan),
                "seeds": len(best),
                "step": int(steps.groupby("seed")["step"].max().min()),
                "loss": best.mean(),
                "low": best.min(),
                "high": best.max(),
                "pace": 1 / steps.groupby("seed")["pace"].first().mean(),
            }
        )
    names = ["cell", "units", "weights", "seeds", "step", "loss", "low", "high", "pace"]
    return pd.DataFrame(rows, columns=names)


def left(settings: Settings, history: pd.DataFrame, paces: Sequence[float], at_once: int) -> float:
    """Return about how many seconds the rest takes; ``paces`` are each cell's seconds a step where none is known."""
    done = history.groupby(["cell", "seed"])["step"].max()
    known = history.groupby("cell")["pace"].mean()
    guess = dict(zip(settings.cells, paces, strict=True))
    rest = [
        (settings.steps - done.get((cell, seed), 0)) * (known[cell] if known.get(cell, 0) > 0 else guess[cell])
        for cell, seed in settings.runs
    ]
    return max(max(rest), sum(rest) / at_once)


def pace(settings: Settings, cell: str, symbols: int) -> float:
    """Return the seconds that one step of training takes on this machine now, timed on random text."""
    config = TrainConfig(Path(), cell, 1, units(settings, cell, symbols), EMBEDDING, 0.0, batch=BATCH, length=LENGTH)
    ids = torch.randint(symbols, (BATCH * LENGTH * 4,), generator=torch.Generator().manual_seed(0))
    vocabulary = Vocabulary("characters", tuple(map(chr, range(symbols))))
    trainer = Trainer(config, LanguageModel(config.model, vocabulary).initialise(0), Split(ids, ids, ids))
    times = []
    for _ in range(4):
        started = time.perf_counter()
        trainer.update()
        times.append(time.perf_counter() - started)
    return min(times[1:])  # the first prepares what later ones use
