"""Models that visitors brought: a checkpoint of another program, made one of ours and kept among their own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import rnncore
from rnncore import Error, LanguageModel
from rnncore.network import checkpoint
from viz_app import jobs, worker

KINDS = {
    "inside": "kept inside the checkpoint",
    "file": "a file: a list, JSON, or the training text",
    "bytes": "the 256 bytes",
    "printable": "Python’s string.printable",
}
"""Where the symbols come from, by the word that stands in the form."""


@dataclass(frozen=True)
class File:
    """A file as it was given: its name, and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Reading:
    """How a checkpoint is to be read, as far as its tensors do not say; see :func:`rnncore.import_checkpoint`."""

    symbols: str = "inside"
    words: bool = False
    order: str | None = None
    relu: bool = False


def open_checkpoint(name: str, weights: File, vocabulary: Sequence[File], reading: Reading) -> LanguageModel:
    """Make a model of what was given, and keep it under ``name``.

    A ``model.safetensors`` of this program is taken as it is, with its ``config.json`` for the vocabulary.

    Raises
    ------
    Error
        Something is missing or does not fit; the sentences list all of it.
    jobs.JobError
        The name will not do.
    """
    jobs.checked(name)
    if reading.symbols == "file" and not vocabulary:
        raise Error("there is no vocabulary file yet: choose one, or say where else the symbols come from")
    with tempfile.TemporaryDirectory() as folder:
        given = [_put(Path(folder) / str(place), file) for place, file in enumerate((weights, *vocabulary))]
        try:
            model = _read(given[0], given[1:], reading, name)
        except Error as error:
            sentence = str(error)
            for path in given:
                sentence = sentence.replace(str(path), path.name)
            raise Error(sentence) from None
    about = {"data": {"name": "not known"}, "imported": weights.name}
    checkpoint.save(model, jobs.folder() / name, training=about)
    return model


def _put(folder: Path, file: File) -> Path:
    folder.mkdir()
    path = folder / (Path(file.name).name or "file")
    path.write_bytes(file.content)
    return path


def _read(weights: Path, vocabulary: Sequence[Path], reading: Reading, name: str) -> LanguageModel:
    if reading.symbols == "file" and worker.read(vocabulary[0]).keys() >= {"format", "model"}:
        shutil.copy(weights, vocabulary[0].with_name("model.safetensors"))
        model = checkpoint.load(vocabulary[0].rename(vocabulary[0].with_name("config.json")).parent)
        model.name = name
        return model
    symbols = {"inside": None, "file": list(vocabulary)}.get(reading.symbols, reading.symbols)
    options = {"words": reading.words, "order": reading.order, "relu": reading.relu}
    return rnncore.import_checkpoint(weights, symbols, **options, name=name)


def every() -> list[str]:
    """Return the names of the models that were brought, the last one first."""
    folders = [path.parent for path in jobs.folder().glob("*/model.safetensors")]
    mine = [folder for folder in folders if "imported" in worker.read(folder / "config.json").get("training", {})]
    return [folder.name for folder in sorted(mine, key=lambda folder: -folder.stat().st_mtime)]


def delete(name: str) -> None:
    """Remove a model that was brought."""
    if name in every():
        shutil.rmtree(jobs.folder() / name, ignore_errors=True)


def problems(error: Exception) -> tuple[str, list[str]]:
    """Return an error's heading and the list below it, which is empty for a single sentence."""
    heading, *lines = str(error).splitlines()
    found = [line.removeprefix("- ") for line in lines if line.strip()]
    return (heading.rstrip(":"), found) if found else (heading, [])


def plain_checkpoint(model: LanguageModel) -> tuple[File, File]:
    """Return a model of ours as another program would have saved it: a state dict, and its symbols as JSON."""
    import io
    import json

    import torch

    tensors = {"embedding.weight": model.embedding.weight, "decoder.weight": model.head.weight}
    tensors["decoder.bias"] = model.head.bias
    for layer, cell in enumerate(model.layers):
        tensors |= {f"rnn.{name}_l{layer}": parameter for name, parameter in cell.named_parameters()}
    buffer = io.BytesIO()
    torch.save({name: tensor.detach().clone() for name, tensor in tensors.items()}, buffer)
    symbols = json.dumps(list(model.vocabulary.symbols), ensure_ascii=False)
    return File("weights.pt", buffer.getvalue()), File("vocabulary.json", symbols.encode())
