"""What a training is, whole: the same config on the same corpus gives the same model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from rnncore.errors import TrainingError
from rnncore.network.model import ModelConfig
from rnncore.network.vocabulary import Vocabulary


@dataclass(frozen=True)
class TrainConfig:
    """One training, whole.

    Parameters
    ----------
    folder : Path
        The run's folder: checkpoint, history, samples and probes are kept there.
    cell, layers, units, embedding, dropout, recurrent_init, forget_bias, bidirectional, chrono, tied
        The model; see :class:`rnncore.network.model.ModelConfig`.
    vocabulary : {"characters", "bytes", "subwords"}
        What the model reads and writes.
    subwords : int
        How many there are at most, where it reads subwords; see :meth:`rnncore.Vocabulary.subwords`.
    steps, batch, length : int
        Number of updates; streams read side by side; symbols of each read per update, through which the
        gradient flows. The state is carried over from one update to the next.
    fresh : float
        Share of the streams, drawn anew at each update, that go on from the start state instead. A text is always
        read from there later, and a model with a long memory must have met it more often than once an epoch.
    learning_rate, warmup, weight_decay
        AdamW (Loshchilov 2019): linear warm-up over ``warmup`` steps, then decay to a hundredth.
    decay : {"cosine", "linear"}
        How the learning rate decays.
    clip : float
        The whole gradient is scaled down to this norm where it is larger (Pascanu 2013); 0 never clips.
    seed : int
        Of weights, reading offsets, dropout and samples.
    validate_every : int
        Steps between validations; the best model so far is the checkpoint. The last step always validates.
    probe : str
        A text to record, with gradients of its last loss, before training and as it goes on.
    probe_every : int
        Steps between recordings of the probe, beside those at doubling steps; 0 records none at all.
    validation, test : float
        Shares of the text, from its end, that are held out: train, then validation, then test.
    passages : int
        More than 1: the text is first cut into so many, of equally many whole windows, and each of them split so. With
        100, and a length of 100, this is how Karpathy's char-rnn splits; to compare with what was published with it.
    device, precision : str
        "cpu" or "cuda"; "float32", or "bfloat16" for matrix products in bfloat16.
    """

    folder: Path
    cell: str = "lstm"
    layers: int = 2
    units: int = 256
    embedding: int = 64
    dropout: float = 0.2
    vocabulary: str = "characters"
    steps: int = 2000
    batch: int = 32
    length: int = 100
    learning_rate: float = 2e-3
    warmup: int = 100
    weight_decay: float = 0.01
    clip: float = 1.0
    seed: int = 0
    validate_every: int = 200
    probe_every: int = 0
    probe: str = ""
    validation: float = 0.1
    test: float = 0.0
    device: str = "cpu"
    precision: str = "float32"
    recurrent_init: str | None = None
    forget_bias: float | None = None
    bidirectional: bool = False
    passages: int = 1
    decay: str = "cosine"
    chrono: float | None = None
    fresh: float = 0.0
    subwords: int = 4000
    tied: bool = False

    def __post_init__(self) -> None:
        check(
            self,
            positive=("steps", "batch", "length", "learning_rate", "validate_every", "passages", "subwords"),
            natural=("warmup", "weight_decay", "clip", "probe_every", "test"),
        )
        if not 0 < self.validation < 1 or not self.validation + self.test < 1:
            raise TrainingError("validation and test are shares of the text; with training they make 1")
        if not 0 <= self.fresh < 1:
            raise TrainingError(f"fresh is a share of the streams below 1, not {self.fresh}")
        if self.vocabulary not in ("characters", "bytes", "subwords"):
            raise TrainingError(f"vocabulary is characters, bytes or subwords, not {self.vocabulary!r}")
        if self.device not in ("cpu", "cuda"):
            raise TrainingError(f"device is cpu or cuda, not {self.device!r}")
        if self.device == "cuda" and not torch.cuda.is_available():
            raise TrainingError("no CUDA device here; use device 'cpu'")

    def cuts(self, length: int) -> tuple[int, int, int]:
        """Return how long the passages of so long a text are, and where in each validation and test begin."""
        each = length if self.passages == 1 else length // (self.passages * self.length) * self.length
        return each, int(each * (1 - self.validation - self.test)), int(each * (1 - self.test))

    def symbols(self, text: str) -> Vocabulary:
        """Return what the model reads and writes if it learns from ``text``."""
        if self.vocabulary == "bytes":
            return Vocabulary.bytes()
        return (
            Vocabulary.subwords(text, self.subwords) if self.vocabulary == "subwords" else Vocabulary.characters(text)
        )

    @property
    def model(self) -> ModelConfig:
        """The model's shape."""
        shape = self.cell, self.layers, self.units, self.embedding, self.dropout
        return ModelConfig(*shape, self.recurrent_init, self.forget_bias, self.bidirectional, self.chrono, self.tied)


def check(config: Any, positive: Sequence[str], natural: Sequence[str]) -> None:
    """Refuse numbers, a precision or a decay of a training that make no sense.

    Parameters
    ----------
    positive, natural : sequence of str
        The fields that must be above 0, and those that must be 0 or more.

    Raises
    ------
    TrainingError
    """
    for name in positive:
        if not getattr(config, name) > 0:
            raise TrainingError(f"{name} must be above 0, not {getattr(config, name)}")
    for name in natural:
        if not getattr(config, name) >= 0:
            raise TrainingError(f"{name} must be 0 or more, not {getattr(config, name)}")
    if config.precision not in ("float32", "bfloat16"):
        raise TrainingError(f"precision is float32 or bfloat16, not {config.precision!r}")
    if config.decay not in ("cosine", "linear"):
        raise TrainingError(f"decay is cosine or linear, not {config.decay!r}")
