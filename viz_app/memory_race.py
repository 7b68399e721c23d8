"""Races for the longest memory: the ones that come with the product, and those that visitors start.

A race is its settings: whoever asks for the same again gets the results that are there. Each cell is a job of its own,
see :mod:`viz_app.jobs`; on the command line it is ``rnncore gradients race``.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path

import rnncore
from rnncore.gradients import Lap, RaceConfig
from rnncore.gradients.race import read
from rnncore.gradients.standings import left
from viz_app import jobs

SHIPPED = Path(__file__).parents[1] / "benchmarks"
TRAININGS_AT_MOST = 150


def name(config: RaceConfig) -> str:
    """Return what a race is called in a link."""
    return hashlib.sha256(json.dumps(asdict(config)).encode()).hexdigest()[:8]


def start(config: RaceConfig) -> None:
    """Start a job for every cell that has none yet, or go on with it.

    Raises
    ------
    jobs.JobError
        It is too much, too many are waiting, or the disk refuses.
    """
    trainings = len(config.cells) * len(config.lengths) * config.seeds
    if trainings > TRAININGS_AT_MOST:
        raise jobs.JobError(
            f"{trainings} trainings are too many; {TRAININGS_AT_MOST} fit: fewer cells, lengths or seeds"
        )
    about = {"kind": "memory", "race": name(config), "whole": asdict(config)}
    alone = {cell: replace(config, cells=(cell,)) for cell in config.cells}
    jobs.queue([(_job(config, cell), {**about, "config": asdict(one)}) for cell, one in alone.items()])


def known() -> dict[str, RaceConfig]:
    """Return the races by name: those that come with the product, then those started here, the last one first."""
    found = [read(path)[0] for path in sorted(SHIPPED.glob("race-*.csv"))]
    requests = (job.request for job in jobs.every(races=True))
    found += [RaceConfig.of(request["whole"]) for request in requests if request.get("kind") == "memory"]
    return {name(config): config for config in found}


def members(config: RaceConfig) -> dict[str, jobs.Job]:
    """Return the jobs that there are, by cell."""
    found = ((cell, jobs.find(_job(config, cell))) for cell in config.cells)
    return {cell: job for cell, job in found if job is not None}


def laps(config: RaceConfig) -> list[Lap]:
    """Return all laps so far."""
    for kept, found in map(read, sorted(SHIPPED.glob("race-*.csv"))):
        if kept == config:
            return found
    files = [job.folder / "laps.csv" for job in members(config).values()]
    return [lap for file in files if file.exists() for lap in read(file)[1]]


def remaining(config: RaceConfig, ran: list[Lap], paces: Mapping[str, float], cores: int) -> float:
    """Return how many seconds a race takes from here on at most, with as many cells at a time as there are cores."""
    each = [
        left(replace(config, cells=(cell,)), [lap for lap in ran if lap.cell == cell], paces) for cell in config.cells
    ]
    return max(max(each), sum(each) / max(1, min(cores, len(each))))


def command(config: RaceConfig) -> str:
    """Return the line that runs a race on the command line."""
    words = ["rnncore", "gradients", "race"]
    for one in fields(config):
        value = getattr(config, one.name)
        if value != one.default or one.name in ("task", "cells", "lengths", "seeds"):
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            words += [f"--{one.name.replace('_', '-')}", text]
    return shlex.join(words)


def titles(config: RaceConfig) -> dict[str, str]:
    """Return what people call each cell."""
    return {cell: rnncore.cells()[cell].title for cell in config.cells}


def _job(config: RaceConfig, cell: str) -> str:
    return f"memory-{name(config)}-{cell}"
