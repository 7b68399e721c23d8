"""The trained models that come with the product."""

from __future__ import annotations

import os
from pathlib import Path

from rnncore.errors import CheckpointError, hint
from rnncore.network import checkpoint
from rnncore.network.model import LanguageModel


def folder() -> Path:
    """Return the folder of pretrained models: ``RNNCORE_PRETRAINED``, or ``pretrained/`` beside the package."""
    return Path(os.environ.get("RNNCORE_PRETRAINED") or Path(__file__).parent.parent / "pretrained")


def available() -> list[str]:
    """Return the names of the pretrained models, in alphabetical order."""
    return sorted(path.parent.name for path in folder().glob("[!.]*/config.json"))


def load(name: str | Path, device: str = "cpu") -> LanguageModel:
    """Return a trained model, ready to run.

    Parameters
    ----------
    name : str or Path
        A name out of :func:`available`, or a checkpoint's folder.

    Raises
    ------
    CheckpointError
        There is no such model, or its checkpoint is damaged; the sentence says what to do.
    """
    if str(name) in available():
        return checkpoint.load(folder() / name, device)
    if Path(name).is_dir():
        return checkpoint.load(name, device)
    raise CheckpointError(f"no model {str(name)!r}, and no such folder; {hint(str(name), available())}")
