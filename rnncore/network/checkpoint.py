"""Models on disk: a folder with ``model.safetensors`` (weights) and ``config.json`` (all the rest)."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from rnncore.errors import CheckpointError, Error
from rnncore.files import write_atomically, write_json
from rnncore.network.model import LanguageModel, ModelConfig
from rnncore.network.vocabulary import Vocabulary

FORMAT = 1


def save(model: LanguageModel, folder: str | Path, training: dict[str, Any] | None = None, half: bool = False) -> None:
    """Write ``model`` into ``folder``.

    Parameters
    ----------
    training : dict, optional
        How the model was made: the command, the data's name and hash, the seed. Kept as it is.
    half : bool
        Store weights in float16, half the size; they are read back as float32.

    Raises
    ------
    CheckpointError
        The folder cannot be written.
    """
    config = {
        "format": FORMAT,
        "name": model.name,
        "model": asdict(model.config),
        "vocabulary": {"kind": model.vocabulary.kind, "symbols": list(model.vocabulary.symbols)},
        "training": training or {},
    }
    write(model, Path(folder), "config.json", config, half)


def write(model: nn.Module, folder: Path, name: str, description: dict[str, Any], half: bool) -> None:
    """Write the weights of any module, and beside them its description under ``name``.

    Raises
    ------
    CheckpointError
        The folder cannot be written.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights(model).items()}
    if half:
        tensors = {name: tensor.half() for name, tensor in tensors.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "model.safetensors", to_bytes(tensors))
        write_json(folder / name, description)
    except OSError as error:
        raise CheckpointError(f"cannot write the checkpoint to {folder}: {error.strerror}") from error


def weights(model: nn.Module) -> dict[str, Tensor]:
    """Return every weight by name, and one that has two names, as tied ones have, once."""
    return dict(model.named_parameters()) | dict(model.named_buffers())


def read_config(folder: str | Path) -> dict[str, Any]:
    """Return the description of a language model's checkpoint; see :func:`read_description`."""
    return read_description(folder, "config.json")


def vocabulary_of(config: dict[str, Any]) -> Vocabulary:
    """Return what the language model of a description reads and writes."""
    return Vocabulary(config["vocabulary"]["kind"], tuple(config["vocabulary"]["symbols"]))


def read_description(folder: str | Path, name: str) -> dict[str, Any]:
    """Return a checkpoint's description.

    Raises
    ------
    CheckpointError
        There is none, it is damaged, or it comes from a newer version.
    """
    path = Path(folder) / name
    try:
        config = json.loads(path.read_text("utf-8"))
        version = config["format"]
    except (FileNotFoundError, NotADirectoryError):
        raise CheckpointError(f"no checkpoint at {folder}: it has no {name}") from None
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise CheckpointError(f"{path} is damaged ({error}); copy the checkpoint again") from error
    if not isinstance(version, int) or version > FORMAT:
        raise CheckpointError(f"{folder} has format {version}, this rnncore reads up to {FORMAT}; update rnncore")
    return dict(config)


def load(folder: str | Path, device: str | torch.device = "cpu") -> LanguageModel:
    """Read a model from ``folder``, in float32 and ready to run.

    Raises
    ------
    CheckpointError
        The checkpoint is missing, truncated, from a newer version, or its weights do not fit its description.
    """
    folder = Path(folder)
    config = read_config(folder)
    try:
        model = LanguageModel(ModelConfig(**config["model"]), vocabulary_of(config), config.get("name") or folder.name)
    except (KeyError, TypeError, RuntimeError, Error) as error:  # RuntimeError: sizes beyond this machine's memory
        raise CheckpointError(f"{folder / 'config.json'} does not describe a model: {error}") from error
    # All are there and no others, or fitting() has refused them; only the second name of a tied weight is missing.
    model.load_state_dict(fitting(folder / "model.safetensors", model), strict=False)
    return model.to(device).eval()


def fitting(path: Path, model: nn.Module) -> dict[str, Tensor]:
    """Return the weights in a file, in float32, if they are those of ``model``.

    Raises
    ------
    CheckpointError
        The file is missing or damaged, or holds other weights.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise CheckpointError(f"{path.parent} has no model.safetensors; copy the checkpoint again") from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is truncated or damaged ({error}); copy the checkpoint again") from error
    expected = {name: tuple(tensor.shape) for name, tensor in weights(model).items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    wrong = [
        f"{name} is {found.get(name, 'missing')}, expected {expected.get(name, 'none')}"
        for name in sorted(expected.keys() | found.keys())
        if expected.get(name) != found.get(name)
    ]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise CheckpointError(f"{path} does not fit its description: {'; '.join(wrong[:3])}{more}")
    return tensors
