"""The names that people call, and where each is written."""

from rnncore.cells import Cell, Gate, cells
from rnncore.errors import CheckpointError, CorpusError, Error, RecordingError, TrainingError, VocabularyError
from rnncore.network.adoption import adopt, import_checkpoint
from rnncore.network.generate import generate, generate_many
from rnncore.network.intervene import Ablate, Clamp, Patch
from rnncore.network.model import LanguageModel, ModelConfig, build
from rnncore.network.vocabulary import Vocabulary
from rnncore.pretrained import available, load
from rnncore.recording import Recording, record, record_module, record_pieces, score, unit_signals
from rnncore.training import Progress, Run, TrainConfig, train

__all__ = [
    "Ablate",
    "Cell",
    "CheckpointError",
    "Clamp",
    "CorpusError",
    "Error",
    "Gate",
    "LanguageModel",
    "ModelConfig",
    "Patch",
    "Progress",
    "Recording",
    "RecordingError",
    "Run",
    "TrainConfig",
    "TrainingError",
    "Vocabulary",
    "VocabularyError",
    "adopt",
    "available",
    "build",
    "cells",
    "generate",
    "generate_many",
    "import_checkpoint",
    "load",
    "record",
    "record_module",
    "record_pieces",
    "score",
    "train",
    "unit_signals",
]
