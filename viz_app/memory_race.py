"""Races for the longest memory: the ones that come with the product, and those that visitors start.

A race is its settings: whoever asks for the same again gets the results that are there. Each cell is a job of its own,
see :mod:`viz_app.jobs`; on the command line it is ``rnncore gradients race``.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, fields, replace
from functools import lru_cache
from pathlib import Path

import pandas as pd

import rnncore
from rnncore.errors import Error
from rnncore.gradients import Lap, RaceConfig, reach
from rnncore.gradients.race import read
from rnncore.gradients.standings import left
from viz_app import jobs

SHIPPED = Path(__file__).parents[1] / "benchmarks"
TRAININGS_AT_MOST = 150


def name(config: RaceConfig) -> str:
    """Return what a race is called in a link."""
    return jobs.digest(config)


def start(config: RaceConfig) -> None:
    """Start a job for every cell that has none yet, or go on with it; a race that comes with the product needs none.

    Raises
    ------
    jobs.JobError
        It is too much, too many are waiting, or the disk refuses.
    """
    if config in _shipped():
        return
    trainings = len(config.cells) * len(config.lengths) * config.seeds
    if trainings > TRAININGS_AT_MOST:
        raise jobs.JobError(
            f"{trainings} trainings are too many; {TRAININGS_AT_MOST} fit: fewer cells, lengths or seeds"
        )
    about = {"kind": "memory", "race": name(config), "whole": asdict(config)}
    alone = {cell: replace(config, cells=(cell,)) for cell in config.cells}
    jobs.queue([(_job(config, cell), {**about, "config": asdict(one)}) for cell, one in alone.items()])


def known() -> dict[str, RaceConfig]:
    """Return the races by name: those that come with the product, then those started here, the last one first.

    Files and jobs of other versions, whose fields are not these, are left out.
    """
    found = {name(config): config for config in _shipped()}
    for request in (job.request for job in jobs.every(races=True)):
        with suppress(Error, TypeError, LookupError, AttributeError):
            if request["kind"] == "memory" and name(config := RaceConfig.of(request["whole"])) == request["race"]:
                found[request["race"]] = config
    return found


def members(config: RaceConfig) -> dict[str, jobs.Job]:
    """Return the jobs that there are, by cell; of a race that comes with the product there are none."""
    if config in _shipped():
        return {}
    found = ((cell, jobs.find(_job(config, cell))) for cell in config.cells)
    return {cell: job for cell, job in found if job is not None}


def laps(config: RaceConfig) -> list[Lap]:
    """Return all laps so far."""
    if config in _shipped():
        return _shipped()[config]
    files = [job.folder / "laps.csv" for job in members(config).values()]
    return [lap for file in files if file.exists() for lap in read(file)[1]]


def standing(config: RaceConfig, laps: list[Lap], table: pd.DataFrame) -> dict[str, int]:
    """Return :func:`rnncore.gradients.reach` of the cells of which it is known: a zero needs a failure to show for it.

    ``table`` is :func:`rnncore.gradients.solved` of the laps.
    """
    failed = set(table.loc[(table["length"] == config.lengths[0]) & (table["solved"] < table["runs"]), "cell"])
    return {cell: far for cell, far in reach(config, laps).items() if far or cell in failed}


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


def _shipped() -> dict[RaceConfig, list[Lap]]:
    """Return the laps of the races that come with the product."""
    return _read(tuple((path, path.stat().st_mtime_ns) for path in sorted(SHIPPED.glob("race-*.csv"))))


@lru_cache(maxsize=1)
def _read(files: tuple[tuple[Path, int], ...]) -> dict[RaceConfig, list[Lap]]:
    """Read the files once until one of them changes; one that holds something else is left out."""
    found = {}
    for path, _ in files:
        with suppress(Error):
            config, laps = read(path)
            found[config] = laps
    return found


def _job(config: RaceConfig, cell: str) -> str:
    return f"memory-{name(config)}-{cell}"
