"""One training with clipping and without: the one that comes with the product, and those that visitors start.

A comparison is its settings: whoever asks for the same again gets the result that is there.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rnncore.errors import Error
from rnncore.gradients import Comparison
from rnncore.gradients.clipping import read
from viz_app import jobs

SHIPPED = Path(__file__).parents[1] / "benchmarks" / "clipping.csv"
TEXT, BATCH = "stdlib", 16


@dataclass(frozen=True)
class Setting:
    """What can be chosen of the two trainings; they differ in the threshold alone."""

    cell: str = "elman"
    learning_rate: float = 4.0
    clip: float = 0.5
    steps: int = 300
    units: int = 64
    length: int = 100
    seed: int = 0
    optimizer: str = "sgd"

    @property
    def id(self) -> str:
        """What the comparison is called in a link."""
        return jobs.digest(self)

    @property
    def clips(self) -> list[float]:
        """The two thresholds; 0 never clips."""
        return [self.clip, 0.0]

    @property
    def config(self) -> dict[str, Any]:
        """The fields of :class:`rnncore.TrainConfig`, without folder and threshold."""
        chosen = {name: value for name, value in asdict(self).items() if name not in ("clip", "optimizer")}
        return {
            "layers": 1,
            "embedding": 32,
            "dropout": 0.0,
            "batch": BATCH,
            "warmup": self.steps // 5,
            "validation": 0.01,
            **chosen,
        }


def start(setting: Setting) -> None:
    """Start the two trainings, unless they are there or come with the product.

    Raises
    ------
    jobs.JobError
        Too many are waiting, or the disk refuses.
    """
    if setting == Setting():
        return
    about = {"kind": "clipping", "race": setting.id, "setting": asdict(setting), "text": TEXT}
    about |= {"clips": setting.clips, "optimizer": setting.optimizer}
    jobs.queue([(_job(setting), {**about, "config": setting.config})])


def job(setting: Setting) -> jobs.Job | None:
    """Return the job of a comparison, if it was started here; the one that comes with the product needs none."""
    return None if setting == Setting() else jobs.find(_job(setting))


def known() -> dict[str, Setting]:
    """Return the comparisons by id: the one that comes with the product, then those started here, the last first.

    Jobs of other versions, whose fields are not these, are left out.
    """
    found = {Setting().id: Setting()}
    for request in (job.request for job in jobs.every(races=True)):
        with suppress(TypeError, LookupError):
            if request["kind"] == "clipping" and (setting := Setting(**request["setting"])).id == request["race"]:
                found[setting.id] = setting
    return found


def comparison(setting: Setting) -> Comparison | None:
    """Return what there is of both trainings so far; None before the first step."""
    own = job(setting)
    file = own.folder / "updates.csv" if own is not None else SHIPPED
    try:
        _, found = read(file)
    except Error:
        return None
    return found if len(found.history) else None


def _job(setting: Setting) -> str:
    return f"clipping-{setting.id}"
