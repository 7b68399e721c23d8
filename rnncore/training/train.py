"""Train a language model: truncated backpropagation through time, resumable to the bit.

Everything a step uses (its batch, its dropout, its learning rate) is a function of the seed and the step's
number, and everything it changes is in one state file. So a training that was killed and resumed ends with the
same weights as one that was not.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import torch

from rnncore.errors import Error
from rnncore.network import checkpoint
from rnncore.network.generate import generate
from rnncore.network.model import LanguageModel
from rnncore.recording.record import record
from rnncore.training.config import TrainConfig
from rnncore.training.corpora import Corpus
from rnncore.training.loop import Progress, advance
from rnncore.training.run import RunWriter
from rnncore.training.trainer import Split, Trainer, evaluate

SAMPLE_LENGTH = 400


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
    vocabulary = config.symbols(corpus.text)
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

        def look(doubling: bool) -> tuple[str | None, Path | None]:
            sample = probe = None
            if doubling and not config.bidirectional:
                with suppress(Error):  # of weights that overflow: the next step stops the training
                    sample = generate(model.eval(), length=SAMPLE_LENGTH, seed=config.seed)
            if probing and (doubling or trainer.step % config.probe_every == 0):
                probe = run.keep_probe(trainer.step, record(model, config.probe, gradients=True, target=-1))
            return sample, probe

        yield from advance(
            trainer,
            run,
            best,
            validate=lambda: evaluate(model, split.validation, streams=32),
            look=look,
            judge=lambda: held_out(config, split),
        )


def held_out(config: TrainConfig, split: Split, stream: int = 100_000) -> dict[str, float]:
    """Return the checkpoint's loss on the validation and, if there is one, the test part.

    Each is read in streams side by side, of at least ``stream`` symbols; see :func:`rnncore.training.trainer.evaluate`.
    """
    best = checkpoint.load(config.folder, config.device)
    parts = {"validation": split.validation, "test": split.test}
    return {name: evaluate(best, ids, streams=len(ids) // stream) for name, ids in parts.items() if len(ids) > 1}
