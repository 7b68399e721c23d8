"""Train a translator, resumable to the bit, as :mod:`rnncore.training.train` trains a language model."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor
from torch.nn.functional import cross_entropy

from rnncore.errors import TrainingError
from rnncore.seq2seq import checkpoint
from rnncore.seq2seq.model import Seq2Seq, Seq2SeqConfig
from rnncore.seq2seq.pairs import Pair, Pairs, parse
from rnncore.seq2seq.search import padded, write
from rnncore.seq2seq.tokens import BEGIN, PAD, Tokens
from rnncore.training.config import check
from rnncore.training.loop import Progress, advance
from rnncore.training.run import RunWriter
from rnncore.training.trainer import descend, learning_rate, put_back, tensors_of

BUCKETS = 40
"""Batches that are drawn together and sorted by length, so that little of a batch is padding."""


@dataclass(frozen=True)
class TranslationConfig:
    """One training of a translator, whole.

    Parameters
    ----------
    folder : Path
        The run's folder.
    model : Seq2SeqConfig
        The translator's shape.
    tokens : {"characters", "subwords"}
        What it reads and writes.
    vocabulary : int
        Subwords of each language, at most.
    steps, batch : int
        Updates, and sentences in each.
    learning_rate, warmup, weight_decay, clip
        AdamW: linear warm-up over ``warmup`` steps, then decay to a hundredth; the gradient's largest norm.
    decay : {"cosine", "linear"}
        How the learning rate decays.
    smoothing : float
        Of the target's distribution: this share of it is spread over all tokens (Szegedy 2016).
    seed : int
        Of weights, batches and dropout.
    validate_every : int
        Steps between validations; the best model so far is the checkpoint.
    probe : str
        Pairs to look at while it learns, one a line with a tab between: how it translates them, and where it looks.
    precision : {"float32", "bfloat16"}
        Of matrix products.
    """

    folder: Path
    model: Seq2SeqConfig = field(default_factory=Seq2SeqConfig)
    tokens: str = "subwords"
    vocabulary: int = 8000
    steps: int = 2000
    batch: int = 64
    learning_rate: float = 2e-3
    warmup: int = 200
    decay: str = "cosine"
    weight_decay: float = 0.01
    clip: float = 1.0
    smoothing: float = 0.0
    seed: int = 0
    validate_every: int = 200
    probe: str = ""
    precision: str = "float32"

    def __post_init__(self) -> None:
        check(
            self,
            positive=("steps", "batch", "learning_rate", "validate_every", "vocabulary"),
            natural=("warmup", "weight_decay", "clip", "smoothing"),
        )
        if self.tokens not in ("characters", "subwords"):
            raise TrainingError(f"tokens are characters or subwords, not {self.tokens!r}")


class TranslationTrainer:
    """Weights and optimiser, advanced one update at a time; every batch is a function of the seed and the step."""

    def __init__(self, config: TranslationConfig, model: Seq2Seq, pairs: Sequence[Pair]) -> None:
        self.config, self.model, self.step = config, model, 0
        self.pairs = [(model.source.encode(source), model.target.encode(target)) for source, target in pairs]
        every = sum(len(source) + len(target) for source, target in self.pairs)
        self.tokens = config.batch * every / len(self.pairs)  # of an update, on average
        self.optimizer: torch.optim.Optimizer = torch.optim.AdamW(
            model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, betas=(0.9, 0.99)
        )
        self.epoch = lru_cache(1)(self._epoch)

    def _epoch(self, number: int) -> list[np.ndarray]:
        """Return the batches of an epoch: pairs of like length together, in random order."""
        random = np.random.default_rng((self.config.seed, number))
        order = random.permutation(len(self.pairs))
        lengths = np.array([len(source) + len(target) for source, target in self.pairs])
        many, batches = self.config.batch, list[np.ndarray]()
        for first in range(0, len(order), many * BUCKETS):
            bucket = order[first : first + many * BUCKETS]
            bucket = bucket[np.argsort(lengths[bucket], kind="stable")]
            batches += [bucket[start : start + many] for start in range(0, len(bucket), many)]
        return [batches[place] for place in random.permutation(len(batches))]

    def update(self) -> tuple[float, float, float]:
        """Learn from one batch; return its loss in nats per token, the gradient's norm, the learning rate."""
        config, model = self.config, self.model.train()
        epoch, place = divmod(self.step, -(-len(self.pairs) // config.batch))
        source, target = batch([self.pairs[pair] for pair in self.epoch(epoch)[place]])
        self.optimizer.param_groups[0]["lr"] = rate = learning_rate(self.step, config)
        dropout = torch.Generator().manual_seed(config.seed * 1_000_003 + self.step)
        with torch.autocast("cpu", torch.bfloat16, enabled=config.precision == "bfloat16"):
            logits, _ = model(source, target[:-1], dropout)
        logits = logits.float().flatten(0, 1)
        loss = cross_entropy(logits, target[1:].flatten(), ignore_index=PAD, label_smoothing=config.smoothing)
        norm = descend(model, self.optimizer, loss, config.clip)
        self.step += 1
        return float(loss.detach()), norm, rate

    def state(self) -> dict[str, Tensor]:
        """Return everything that the next update depends on, as named tensors."""
        tensors = tensors_of(self.model, self.optimizer, self.step)
        return {name: value.detach().contiguous().clone() for name, value in tensors.items()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take up where :meth:`state` left off."""
        self.step = put_back(self.model, self.optimizer, tensors)


def train(config: TranslationConfig, pairs: Pairs, resume: bool = False) -> Generator[Progress, None, None]:
    """Train, yielding after every step; stop iterating (or ``close()``) to pause.

    ``sample`` of a :class:`rnncore.Progress` are some validation sentences, each with its translation.

    Raises
    ------
    TrainingError
        The folder holds another run or is in use, the disk is full, or the loss is no longer finite. The last good
        checkpoint is kept.
    """
    sides = zip(*pairs.train, strict=True)
    source, target = (
        Tokens.subwords(side, config.vocabulary) if config.tokens == "subwords" else Tokens.characters(side)
        for side in sides
    )
    model = Seq2Seq(config.model, source, target, Path(config.folder).name).initialise(config.seed)
    trainer, probe = TranslationTrainer(config, model, pairs.train), parse(config.probe)
    with RunWriter.open(config.folder, asdict(config), pairs, resume, checkpoint.save) as run:
        best = run.restore(trainer.restore)

        def look(doubling: bool) -> tuple[str | None, None]:
            if not (probe and doubling):
                return None, None
            run.keep_attention(trainer.step, _maps(model.eval(), probe))
            return _sample(model, probe), None

        yield from advance(
            trainer, run, best, validate=lambda: evaluate(model, pairs.validation), look=look, judge=dict
        )


def batch(
    pairs: Sequence[tuple[np.ndarray, np.ndarray]],
) -> tuple[Int64[Tensor, "source batch"], Int64[Tensor, "target batch"]]:
    """Return the sources side by side, and the targets, each from ``BEGIN`` to ``END``."""
    sources, targets = zip(*pairs, strict=True)
    return padded(sources), padded([np.concatenate([[BEGIN], target]) for target in targets])


@torch.no_grad()
def evaluate(model: Seq2Seq, pairs: Sequence[Pair], many: int = 128) -> float:
    """Return the mean of -log p of the target's tokens, in nats, each told all that come before it."""
    model.eval()
    encoded = [(model.source.encode(source), model.target.encode(target)) for source, target in pairs]
    encoded.sort(key=lambda pair: len(pair[0]) + len(pair[1]))
    total = count = 0.0
    for first in range(0, len(encoded), many):
        source, target = batch(encoded[first : first + many])
        logits, _ = model(source, target[:-1])
        wanted = target[1:].flatten()
        total += float(cross_entropy(logits.flatten(0, 1), wanted, ignore_index=PAD, reduction="sum"))
        count += float((wanted != PAD).sum())
    return total / count


def _sample(model: Seq2Seq, pairs: Sequence[Pair]) -> str:
    written = write(model, [model.source.encode(source) for source, _ in pairs])
    lines = zip(pairs, written, strict=True)
    return "\n".join(f"{source}\n→ {model.target.decode(ids)}" for (source, _), ids in lines)


@torch.no_grad()
def _maps(model: Seq2Seq, pairs: Sequence[Pair]) -> list[list[list[float]]]:
    """Return where the decoder looks as it is told each target, to three decimals."""
    maps = []
    for pair in pairs:
        source, target = batch([(model.source.encode(pair[0]), model.target.encode(pair[1]))])
        maps.append(model(source, target[:-1])[1][..., 0].double().numpy().round(3).tolist())
    return maps
