"""The loop of every training, of language models and translators alike: update, validate, look, keep, report.

Stopping to iterate over it is a pause: everything that the next update depends on is kept.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from rnncore.errors import TrainingError
from rnncore.training.run import RunWriter
from rnncore.training.trainer import Schedule


@dataclass(frozen=True)
class Progress:
    """One step of a training.

    ``loss`` and ``validation`` are nats per symbol; ``gradient_norm`` is the norm *before* clipping;
    ``sample`` is what the model writes now, at doubling steps, if it can write; ``probe`` the recording made at this
    step; ``seconds`` counts training time over all sessions of the run.
    """

    step: int
    steps: int
    loss: float
    validation: float | None
    gradient_norm: float
    clipped: bool
    learning_rate: float
    sample: str | None
    probe: Path | None
    seconds: float
    tokens_per_second: float


@runtime_checkable
class Plan(Schedule, Protocol):
    """What a loop asks of a training's configuration; a :class:`rnncore.TrainConfig` is one."""

    @property
    def folder(self) -> Path: ...  # noqa: D102
    @property
    def validate_every(self) -> int: ...  # noqa: D102
    @property
    def clip(self) -> float: ...  # noqa: D102


@runtime_checkable
class Learner(Protocol):
    """Weights and optimiser, advanced one update at a time."""

    step: int
    tokens: float
    """Read in an update."""

    @property
    def config(self) -> Plan: ...  # noqa: D102
    @property
    def model(self) -> nn.Module: ...  # noqa: D102
    def update(self) -> tuple[float, float, float]: ...  # noqa: D102
    def state(self) -> dict[str, Tensor]: ...  # noqa: D102


def advance(
    learner: Learner,
    run: RunWriter,
    best: float | None,
    *,
    validate: Callable[[], float],
    look: Callable[[bool], tuple[str | None, Path | None]],
    judge: Callable[[], dict[str, float]],
) -> Generator[Progress, None, None]:
    """Train to the last step, yielding after every one; stop iterating (or ``close()``) to pause.

    Parameters
    ----------
    best : float, optional
        The least validation loss so far.
    validate : callable
        Returns the validation loss; the model that has the least is kept.
    look : callable
        Called after every step, with whether it is a power of two or the last; returns a sample and where a recording
        was kept, where it made any.
    judge : callable
        Returns the figures of the finished training that are kept with the model.

    Raises
    ------
    TrainingError
        The disk is full, or the loss is no longer finite. The last good checkpoint is kept.
    """
    config = learner.config
    started = time.monotonic() - run.seconds
    try:
        while learner.step < config.steps:
            loss, norm, rate = learner.update()
            step, last = learner.step, learner.step == config.steps
            _refuse_infinite({"loss": loss, "gradient": norm}, step, config)
            validation = None
            if last or step % config.validate_every == 0:
                validation = validate()
                _refuse_infinite({"validation loss": validation}, step, config)
                if best is None or validation < best:
                    best = validation
                    run.keep_best(learner.model, step, validation)
            sample, probe = look(last or step & (step - 1) == 0)
            seconds = time.monotonic() - started
            progress = Progress(
                step=step,
                steps=config.steps,
                loss=loss,
                validation=validation,
                gradient_norm=norm,
                clipped=0 < config.clip < norm,
                learning_rate=rate,
                sample=sample,
                probe=probe,
                seconds=seconds,
                tokens_per_second=step * learner.tokens / seconds,
            )
            run.write(progress)
            if last:
                run.finish(learner.state, best, judge())
            elif run.due:
                run.save_state(learner.state, best)
            yield progress
    except GeneratorExit:
        if best is None:
            run.keep_checkpoint(learner.model, learner.step)
        run.save_state(learner.state, best)
        raise


def _refuse_infinite(figures: dict[str, float], step: int, config: Plan) -> None:
    what = next((name for name, figure in figures.items() if not math.isfinite(figure)), None)
    if what is None:
        return
    clipping = f"clipping below {config.clip:g}" if config.clip else "clipping (it is off; try 1)"
    there = (Path(config.folder) / "model.safetensors").exists()
    raise TrainingError(
        f"the {what} is no longer finite at step {step}. "
        f"In a new folder, try a learning rate below {config.learning_rate:g}, or {clipping}. "
        + (f"The last good checkpoint is kept in {config.folder}" if there else "There was no checkpoint yet")
    )
