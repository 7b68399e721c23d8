"""Train a language model: truncated backpropagation through time, resumable to the bit.

Everything a step uses (its batch, its dropout, its learning rate) is a function of the seed and the step's
number, and everything it changes is in one state file. So a training that was killed and resumed ends with the
same weights as one that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from rnncore.errors import Error, TrainingError
from rnncore.network import checkpoint
from rnncore.network.generate import generate
from rnncore.network.model import LanguageModel
from rnncore.network.vocabulary import Vocabulary
from rnncore.recording.record import record
from rnncore.training.config import TrainConfig
from rnncore.training.corpora import Corpus
from rnncore.training.run import RunWriter
from rnncore.training.trainer import Split, Trainer, evaluate

SAMPLE_LENGTH = 400


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


def train(config: TrainConfig, corpus: Corpus, resume: bool = False) -> Generator[Progress, None, None]:
    """Train, yielding after every step; stop iterating (or ``close()``) to pause.

    Parameters
    ----------
    config : TrainConfig
        What to train and where to keep it.
    corpus : Corpus
        The text.
    resume : bool
        Go on with the run in ``config.folder`` if there is one.

    Raises
    ------
    TrainingError
        The folder holds another run or is in use, the text is too short, the disk is full, or the loss is no
        longer finite. The last good checkpoint is kept.
    """
    vocabulary = Vocabulary.bytes() if config.vocabulary == "bytes" else Vocabulary.characters(corpus.text)
    ids = torch.from_numpy(vocabulary.encode(corpus.text))
    split = Split.of(ids, config)
    model = LanguageModel(config.model, vocabulary, Path(config.folder).name).initialise(config.seed)
    trainer = Trainer(config, model.to(config.device), split)
    probing = bool(config.probe and config.probe_every)
    untrained = record(model, config.probe, gradients=True, target=-1) if probing else None
    with RunWriter.open(config.folder, asdict(config), corpus, resume) as run:  # whatever can be refused was
        best = run.restore(trainer.restore)
        if untrained is not None and trainer.step == 0:
            run.keep_probe(0, untrained)
        started = time.monotonic() - run.seconds
        try:
            while trainer.step < config.steps:
                loss, norm, rate = trainer.update()
                _refuse_infinite({"loss": loss, "gradient": norm}, trainer.step, config)
                step, last = trainer.step, trainer.step == config.steps
                validation = sample = probe = None
                if last or step % config.validate_every == 0:
                    validation = evaluate(model, split.validation, streams=32)
                    _refuse_infinite({"validation loss": validation}, step, config)
                    if best is None or validation < best:
                        best = validation
                        run.keep_best(model, step, validation)
                doubling = last or step & (step - 1) == 0
                if doubling and not config.bidirectional:
                    with suppress(Error):  # of weights that overflow: the next step stops the training
                        sample = generate(model.eval(), length=SAMPLE_LENGTH, seed=config.seed)
                if probing and (doubling or step % config.probe_every == 0):
                    probe = run.keep_probe(step, record(model, config.probe, gradients=True, target=-1))
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
                    tokens_per_second=step * config.batch * trainer.length / seconds,
                )
                run.write(progress)
                if last:
                    run.finish(trainer.state, best, held_out(config, split))
                elif run.due:
                    run.save_state(trainer.state, best)
                yield progress
        except GeneratorExit:
            if best is None:
                run.keep_checkpoint(model, trainer.step)
            run.save_state(trainer.state, best)
            raise


def held_out(config: TrainConfig, split: Split) -> dict[str, float]:
    """Return the checkpoint's loss on the validation and, if there is one, the test part, read through."""
    best = checkpoint.load(config.folder, config.device)
    parts = {"validation": split.validation, "test": split.test}
    return {name: evaluate(best, ids, streams=len(ids) // 100_000) for name, ids in parts.items() if len(ids) > 1}


def _refuse_infinite(figures: dict[str, float], step: int, config: TrainConfig) -> None:
    what = next((name for name, figure in figures.items() if not math.isfinite(figure)), None)
    if what is None:
        return
    clipping = f"clipping below {config.clip:g}" if config.clip else "clipping (it is off; try 1)"
    there = (Path(config.folder) / "config.json").exists()
    raise TrainingError(
        f"the {what} is no longer finite at step {step}. "
        f"In a new folder, try a learning rate below {config.learning_rate:g}, or {clipping}. "
        + (f"The last good checkpoint is kept in {config.folder}" if there else "There was no checkpoint yet")
    )
