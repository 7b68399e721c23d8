"""Translators on disk: a folder with ``model.safetensors`` (weights) and ``translator.json`` (all the rest)."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from rnncore import pretrained
from rnncore.errors import CheckpointError, Error, hint
from rnncore.network.checkpoint import FORMAT, fitting, read_description, write
from rnncore.seq2seq.model import Seq2Seq, Seq2SeqConfig
from rnncore.seq2seq.tokens import Tokens

DESCRIPTION = "translator.json"


def save(model: Seq2Seq, folder: str | Path, training: dict[str, Any] | None = None, half: bool = False) -> None:
    """Write ``model`` into ``folder``; see :func:`rnncore.network.checkpoint.save`."""
    description = {
        "format": FORMAT,
        "name": model.name,
        "model": asdict(model.config),
        "source": model.source.json,
        "target": model.target.json,
        "training": training or {},
    }
    write(model, Path(folder), DESCRIPTION, description, half)


def available() -> list[str]:
    """Return the names of the pretrained translators, in alphabetical order."""
    return sorted(path.parent.name for path in pretrained.folder().glob(f"[!.]*/{DESCRIPTION}"))


def load(name: str | Path) -> Seq2Seq:
    """Return a translator: a name out of :func:`available`, or its folder; in float32 and ready to run.

    Raises
    ------
    CheckpointError
        There is none of that name, or it is damaged; the sentence says what to do.
    """
    folder = pretrained.folder() / name if str(name) in available() else Path(name)
    if not folder.is_dir():
        raise CheckpointError(f"no translator {str(name)!r}, and no such folder; {hint(str(name), available())}")
    description = read_description(folder, DESCRIPTION)
    try:
        source, target = (Tokens.from_json(description[side]) for side in ("source", "target"))
        name = description.get("name") or folder.name
        model = Seq2Seq(Seq2SeqConfig(**description["model"]), source, target, name)
    except (KeyError, TypeError, RuntimeError, Error) as error:  # RuntimeError: sizes beyond this machine's memory
        raise CheckpointError(f"{folder / DESCRIPTION} does not describe a translator: {error}") from error
    model.load_state_dict(fitting(folder / "model.safetensors", model))
    return model.eval()
