"""The names that people call, and where each is written."""

from rnncore.cells import Cell, Gate, cells
from rnncore.errors import CheckpointError, CorpusError, Error, RecordingError, TrainingError, VocabularyError
from rnncore.network.generate import generate
from rnncore.network.model import LanguageModel, ModelConfig, build
from rnncore.network.vocabulary import Vocabulary
from rnncore.pretrained import available, load
from rnncore.recording import Recording, record, score
from rnncore.training import Progress, Run, TrainConfig, train

__all__ = [
    "Cell",
    "CheckpointError",
    "CorpusError",
    "Error",
    "Gate",
    "LanguageModel",
    "ModelConfig",
    "Progress",
    "Recording",
    "RecordingError",
    "Run",
    "TrainConfig",
    "TrainingError",
    "Vocabulary",
    "VocabularyError",
    "available",
    "build",
    "cells",
    "generate",
    "load",
    "record",
    "score",
    "train",
]
