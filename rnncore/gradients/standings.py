"""How a race stands: which lengths are solved, and how long the rest takes."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

import pandas as pd

from rnncore.gradients.race import Lap, RaceConfig, race


def pace(config: RaceConfig, cell: str, updates: int = 3) -> float:
    """Return the seconds that a cell takes for one update, for each step of the sequence, timed on this machine now."""
    short = replace(config, lengths=(min(50, max(config.lengths)),), cells=(cell,), updates=updates, seeds=1)
    lap = next(race(short))
    return lap.seconds / (updates * lap.length)


def left(config: RaceConfig, laps: Sequence[Lap], paces: Mapping[str, float] | None = None) -> float:
    """Return how many seconds the rest takes at most, at the speed so far.

    It takes less where trainings end early, or a cell fails and is sent no further. A cell of which there are no laps
    is as fast as ``paces`` has it, see :func:`pace`, or as the others; with neither the answer is nan.
    """
    latest = {lap.training: lap for lap in laps}
    steps, seconds = defaultdict[str, int](int), defaultdict[str, float](float)
    for lap in latest.values():
        steps[lap.cell] += lap.update * lap.length
        seconds[lap.cell] += lap.seconds
    mean = sum(seconds.values()) / sum(steps.values()) if steps else math.nan
    rest = 0.0
    for cell in config.cells:
        each = seconds[cell] / steps[cell] if steps[cell] else (paces or {}).get(cell, mean)
        for seed in range(config.seeds):
            for length in config.lengths:
                tried = [latest.get((cell, seed, length, rate)) for rate in config.learning_rates]
                if any(lap and lap.solved for lap in tried):
                    continue
                updates = sum(config.updates - (lap.update if lap else 0) for lap in tried)
                rest += each * length * updates
                if not updates:
                    break
    return rest


def solved(config: RaceConfig, laps: Sequence[Lap]) -> pd.DataFrame:
    """Return a row for each cell and length: cell, units, weights, length, runs, solved, median_updates, loss.

    ``runs`` are the seeds from which it was tried to the end, ``solved`` those from which some learning rate solved
    it, ``median_updates`` how many updates that took, and ``loss`` is the median of the best that each seed came to.
    """
    ends = pd.DataFrame([vars(lap) for lap in laps if lap.finished], columns=[one.name for one in fields(Lap)])
    rows = []
    for (cell, length), group in ends.groupby(["cell", "length"], sort=False):
        won = group[group["solved"].astype(bool)]
        tries = group.groupby("seed").size()
        lost = set(tries.index[tries == len(config.learning_rates)]) - set(won["seed"])
        over = group[group["seed"].isin({*won["seed"], *lost})]
        if over.empty:
            continue
        rows.append(
            {
                "cell": cell,
                "units": int(group["units"].iloc[0]),
                "weights": int(group["weights"].iloc[0]),
                "length": length,
                "runs": len(won) + len(lost),
                "solved": len(won),
                "median_updates": float(won["update"].median()),
                "loss": float(over.groupby("seed")["loss"].min().median()),
            }
        )
    names = ["cell", "units", "weights", "length", "runs", "solved", "median_updates", "loss"]
    return pd.DataFrame(rows, columns=names)


def reach(config: RaceConfig, laps: Sequence[Lap]) -> dict[str, int]:
    """Return for each cell the longest length that it solved from every seed, 0 if there is none.

    A cell that was not yet tried to the end at any length is left out.
    """
    table = solved(config, laps)
    won = table[table["solved"] == config.seeds].groupby("cell")["length"].max()
    return {cell: int(won.get(cell, 0)) for cell in config.cells if cell in set(table["cell"])}
