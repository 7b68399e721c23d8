"""The loop's inside: which window a step reads, what it learns from it, and all that it leaves behind."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from rnncore.cells import State
from rnncore.errors import TrainingError
from rnncore.network.model import LanguageModel, next_symbol_loss
from rnncore.training.config import TrainConfig


@dataclass(frozen=True)
class Split:
    """A text's ids, or those of each of its passages in turn, cut in order into training, validation and test."""

    train: Tensor
    validation: Tensor
    test: Tensor

    @classmethod
    def of(cls, ids: Tensor, config: TrainConfig) -> Split:
        """Cut ``ids``; the test part is the end of the text, the validation part what is before it."""
        each, first, second = config.cuts(len(ids))
        passages = ids[: each * config.passages].view(config.passages, each)
        parts = passages[:, :first], passages[:, first:second], passages[:, second:]
        split = cls(*(part.flatten() for part in parts))
        needed = config.batch * 2 + 1
        if len(split.train) < needed or len(split.validation) < 2:
            raise TrainingError(
                f"the text is too short: {len(ids)} symbols, of which {len(split.train)} to train on; "
                f"{config.batch} streams side by side need at least {needed}. Use a longer text or a smaller batch"
            )
        return split


class Trainer:
    """Weights, optimiser and carried state, advanced one update at a time."""

    def __init__(self, config: TrainConfig, model: LanguageModel, split: Split) -> None:
        self.config, self.model = config, model
        self.ids = split.train
        self.step = 0
        self.length = min(config.length, (len(self.ids) - 1) // config.batch)
        self.tokens = float(config.batch * self.length)
        self.optimizer: torch.optim.Optimizer = torch.optim.AdamW(
            model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, betas=(0.9, 0.99)
        )
        self.carried = model.start(config.batch)

    def update(self) -> tuple[float, float, float]:
        """Read one window and learn from it; return its loss, the gradient's norm before clipping, the rate."""
        config, model = self.config, self.model.train()
        inputs, targets, fresh = self.window(self.step)
        if fresh:
            self.carried = model.start(config.batch)
        elif config.fresh:
            self.carried = self._begun_anew()
        rate = learning_rate(self.step, config)
        self.optimizer.param_groups[0]["lr"] = rate
        dropout = torch.Generator(config.device).manual_seed(_seed(config.seed, 1, self.step))
        with torch.autocast(config.device, torch.bfloat16, enabled=config.precision == "bfloat16"):
            logits, carried = model(inputs, self.carried, dropout)
        loss = next_symbol_loss(logits.float(), targets).mean()
        norm = descend(model, self.optimizer, loss, config.clip)
        self.carried = [state.map(lambda value: value.detach().float()) for state in carried]
        self.step += 1
        return float(loss.detach()), norm, rate

    def _begun_anew(self) -> list[State]:
        """Return the carried state, but the start state in some streams drawn at random."""
        random = torch.Generator().manual_seed(_seed(self.config.seed, 3, self.step))
        anew = (torch.rand(self.config.batch, 1, generator=random) < self.config.fresh).to(self.config.device)
        start = self.model.start(self.config.batch)
        return [
            State(**{symbol: torch.where(anew, start[layer][symbol], value) for symbol, value in state.items()})
            for layer, state in enumerate(self.carried)
        ]

    def window(self, step: int) -> tuple[Tensor, Tensor, bool]:
        """Return inputs and targets [time, batch] of ``step``, and whether an epoch begins with it.

        The text is cut into ``batch`` streams read side by side; each epoch starts at an offset of its own.
        """
        batch, length = self.config.batch, self.length
        span = (len(self.ids) - 1) // batch
        per_epoch = max(1, span // length)
        epoch, index = divmod(step, per_epoch)
        slack = len(self.ids) - 1 - batch * span + span - per_epoch * length
        random = torch.Generator().manual_seed(_seed(self.config.seed, 2, epoch))
        offset = int(torch.randint(slack + 1, (1,), generator=random)) if epoch else 0
        starts = torch.arange(batch) * span + index * length + min(offset, slack)
        places = (starts + torch.arange(length + 1).unsqueeze(1)).clamp(max=len(self.ids) - 1)
        text = self.ids[places].to(self.config.device)
        return text[:-1], text[1:], index == 0

    def state(self) -> dict[str, Tensor]:
        """Return everything that the next update depends on, as named tensors."""
        tensors = tensors_of(self.model, self.optimizer, self.step)
        for layer, state in enumerate(self.carried):
            tensors |= {f"carried/{layer}/{symbol}": value for symbol, value in state.items()}
        return {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take up where :meth:`state` left off."""
        device = self.config.device
        self.step = put_back(self.model, self.optimizer, tensors)
        self.carried = [
            State(**{symbol: tensors[f"carried/{layer}/{symbol}"].to(device) for symbol in cell.states})
            for layer, cell in enumerate(self.model.layers)
        ]


def tensors_of(model: nn.Module, optimizer: torch.optim.Optimizer, step: int) -> dict[str, Tensor]:
    """Return a model's weights, what AdamW knows of them, and the step, as named tensors."""
    tensors = {f"model/{name}": value for name, value in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        for key, value in optimizer.state[parameter].items():
            tensors[f"adamw/{name}/{key}"] = value
    return {**tensors, "step": torch.tensor(step)}


def put_back(model: nn.Module, optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> int:
    """Give a model and its optimizer what :func:`tensors_of` returned; return the step."""
    names = [name for name in tensors if name.startswith("model/")]
    model.load_state_dict({name.removeprefix("model/"): tensors[name] for name in names})
    for name, parameter in model.named_parameters():
        for key in ("step", "exp_avg", "exp_avg_sq"):
            value = tensors[f"adamw/{name}/{key}"]
            optimizer.state[parameter][key] = value if key == "step" else value.to(parameter.device)
    return int(tensors["step"])


@runtime_checkable
class Schedule(Protocol):
    """What a learning rate follows from; a :class:`rnncore.TrainConfig` is one."""

    @property
    def steps(self) -> int: ...  # noqa: D102
    @property
    def warmup(self) -> int: ...  # noqa: D102
    @property
    def learning_rate(self) -> float: ...  # noqa: D102
    @property
    def decay(self) -> str: ...  # noqa: D102


def learning_rate(step: int, config: Schedule) -> float:
    """Return the rate of update ``step``: linear warm-up, then a cosine or a line down to a hundredth."""
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    left = 1 - done if config.decay == "linear" else 0.5 * (1 + math.cos(math.pi * done))
    return config.learning_rate * (0.01 + 0.99 * left)


def descend(model: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor, clip: float) -> float:
    """Take one step down the gradient of ``loss``, clipped unless ``clip`` is 0; return its norm before clipping.

    Where the gradient is not finite, no step is taken.
    """
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = float(torch.nn.utils.clip_grad_norm_(model.parameters(), clip or math.inf))
    if math.isfinite(norm):
        optimizer.step()
    return norm


def evaluate(model: LanguageModel, ids: Tensor, streams: int = 1, window: int = 1000) -> float:
    """Return the mean of -log p over ``ids`` in nats per symbol, the state carried from start to end.

    A bidirectional model reads each window alone from its end. The last two symbols of a window are then told from
    what precedes them only, and the figure is a little too high; :func:`rnncore.score` gives it exactly.

    Parameters
    ----------
    streams : int
        1 reads the text as it stands. More are faster: the text is cut into that many parts, each of which
        starts without memory, so the figure is a little too high.
    """
    model.eval()
    streams = max(1, min(streams, len(ids) // 1000))
    span = (len(ids) - 1) // streams
    places = torch.arange(streams) * span + torch.arange(span + 1).unsqueeze(1)
    text, states, total = ids[places].to(model.head.weight.device), None, 0.0
    with torch.no_grad():
        for first in range(0, span, window):
            part = text[first : first + window + 1]
            logits, states = model(part[:-1], states)
            total += float(next_symbol_loss(logits, part[1:]).double().sum())
    return total / (span * streams)


def _seed(seed: int, purpose: int, number: int) -> int:
    return (seed * 1_000_003 + purpose) * 1_000_000_007 + number & 0x7FFF_FFFF_FFFF_FFFF
