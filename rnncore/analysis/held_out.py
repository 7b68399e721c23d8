"""The text that a trained model was not trained on, and what kind of text it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rnncore import pretrained
from rnncore.errors import CorpusError
from rnncore.network.checkpoint import read_config, vocabulary_of
from rnncore.network.vocabulary import Vocabulary
from rnncore.training import TrainConfig, corpora

LANGUAGE_OF = {
    "linux": "c",
    "latex": "latex",
    "shakespeare": "play",
    "warpeace": "prose",
    "stdlib": "python",
    ".c": "c",
    ".h": "c",
    ".py": "python",
    ".tex": "latex",
}
"""The kind of text of known corpora, and of files by their ending; all others are prose."""


@dataclass(frozen=True)
class HeldOut:
    """A model's corpus cut in two: ``training`` is what it was trained on, ``text`` is what it was not.

    ``language`` is the kind of text, for :func:`rnncore.analysis.suiting`.
    """

    corpus: str
    language: str
    training: str
    text: str


def held_out(name: str | Path) -> HeldOut:
    """Return the validation and test parts of the corpus of a trained model, and the training part beside them.

    Parameters
    ----------
    name : str or Path
        A name out of :func:`rnncore.available`, or a checkpoint's folder.

    Raises
    ------
    CheckpointError
        There is no such model.
    CorpusError
        The checkpoint does not tell its corpus; it is not at hand; or it is not the text that the model was trained on.
    """
    folder = pretrained.folder() / name if str(name) in pretrained.available() else Path(name)
    described = read_config(folder)
    try:
        training, vocabulary = described["training"], vocabulary_of(described)
        data, config = training["data"], TrainConfig(**training["config"] | {"folder": folder, "device": "cpu"})
    except (KeyError, TypeError):
        raise CorpusError(f"{name} does not tell what it was trained on; give it a text that it has not read") from None
    corpus = corpora.load(data["name"])
    if corpus.sha256 != data["sha256"]:
        raise CorpusError(
            f"{data['name']} on this machine is not the text that {name} was trained on; give it one it has not read"
        )
    text = _symbols(vocabulary, corpus.text)
    each, first, _ = config.cuts(len(text))
    starts = range(0, each * config.passages, each)
    read = "".join(_text(text[start : start + first]) for start in starts)
    unread = "".join(_text(text[start + first : start + each]) for start in starts)
    return HeldOut(data["name"], language_of(data["name"]), read, unread)


def _symbols(vocabulary: Vocabulary, text: str) -> str | bytes | tuple[str, ...]:
    """Return something as long as ``text`` has symbols, of which any part is the text of so many symbols."""
    if vocabulary.kind == "bytes":
        return text.encode()
    return text if vocabulary.kind == "characters" else vocabulary.tokenize(text)


def _text(part: str | bytes | tuple[str, ...]) -> str:
    return part.decode("utf-8", "ignore") if isinstance(part, bytes) else "".join(part)


def language_of(name: str) -> str:
    """Return the kind of text that a corpus or a file of this name is: "prose" if its name does not tell."""
    return LANGUAGE_OF.get(name) or LANGUAGE_OF.get(Path(name).suffix, "prose")
