"""Training language models, and the texts to train them on."""

from rnncore.training.config import TrainConfig
from rnncore.training.loop import Progress
from rnncore.training.run import Run
from rnncore.training.train import train

__all__ = ["Progress", "Run", "TrainConfig", "train"]
