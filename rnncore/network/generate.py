"""Let a model write: sample symbol after symbol, each with what else it might have been."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from rnncore.errors import Error
from rnncore.network.intervene import Intervention, by_layer
from rnncore.network.model import LanguageModel
from rnncore.network.sampling import Sampling, softmax
from rnncore.network.stepper import Stepper


class Written(NamedTuple):
    """One symbol that the model wrote.

    ``probability`` is what the model gave it, before temperature, top-k and top-p; ``entropy`` is that of the
    model's whole distribution, in nats; ``alternatives`` are the likeliest symbols with their probabilities.
    """

    token: str
    probability: float
    entropy: float
    alternatives: tuple[tuple[str, float], ...]


def stream(
    model: LanguageModel,
    prompt: str = "",
    *,
    length: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
    interventions: Sequence[Intervention] = (),
    alternatives: int = 5,
    begun: Sequence[str] = (),
) -> Iterator[Written]:
    """Write ``length`` symbols after ``prompt``, yielding each as it is made.

    Parameters
    ----------
    prompt : str
        What the model reads first. Without one it starts after a line break, or after its first symbol if its
        vocabulary has no line break.
    temperature : float
        Logits are divided by it; 0 always takes the likeliest symbol.
    top_k : int, optional
        Sample among the k likeliest symbols only.
    top_p : float, optional
        Sample among the fewest likeliest symbols that together hold this probability (Holtzman 2020).
    seed : int, optional
        The same seed gives the same text; without one each call differs.
    interventions : sequence of Clamp, Ablate or Patch
        What is changed while the model reads the prompt (from step 0 on) and writes.
    begun : sequence of str
        Symbols that stand after the prompt already, from which the model goes on; as text they might be cut otherwise.

    Raises
    ------
    Error
        A parameter is out of its range, an intervention does not fit the model, its weights are broken, or it reads
        both ways.
    """
    sampling = Sampling(length, temperature, top_k, top_p)
    written = _write(_ready(model, interventions), prompt, sampling, seed, begun)
    return (_told(model, choice, scores, alternatives) for choice, scores in written)


def _told(model: LanguageModel, choice: int, scores: np.ndarray, alternatives: int) -> Written:
    symbols, p = model.vocabulary.symbols, softmax(scores)
    best = np.argsort(-p, kind="stable")[:alternatives]
    entropy = float(-(p * np.log(p, where=p > 0, out=np.zeros_like(p))).sum())
    return Written(symbols[choice], float(p[choice]), entropy, tuple((symbols[i], float(p[i])) for i in best))


def _ready(model: LanguageModel, interventions: Sequence[Intervention]) -> Stepper:
    model.reads_forward_only("it cannot write on")
    return Stepper(model, by_layer(model.layers, interventions))


def _write(
    stepper: Stepper, prompt: str, sampling: Sampling, seed: int | None, begun: Sequence[str] = ()
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the id of each symbol, and the scores of all that it was chosen from."""
    if sampling.length == 0:
        return
    random = np.random.default_rng(seed)
    scores = stepper.read(_opening(stepper.model, prompt, begun))[None]
    for left in reversed(range(sampling.length)):
        ids = sampling.choose(scores, [random], stepper.model.name)
        yield int(ids[0]), scores[0]
        if left:
            scores = stepper.step(ids)


def _opening(model: LanguageModel, prompt: str, begun: Sequence[str] = ()) -> Tensor:
    ids, symbols = model.vocabulary.encode(prompt), model.vocabulary.symbols
    if not len(ids):  # no prompt, or white space for a model of words
        ids = np.array([symbols.index("\n") if "\n" in symbols else 0])
    ids = np.concatenate([ids, np.array([symbols.index(symbol) for symbol in begun], np.int64)])
    return torch.from_numpy(ids).to(model.head.weight.device)


def generate(
    model: LanguageModel,
    prompt: str = "",
    *,
    length: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
    interventions: Sequence[Intervention] = (),
) -> str:
    """Return ``length`` symbols that the model writes after ``prompt``; see :func:`stream`."""
    written = _write(_ready(model, interventions), prompt, Sampling(length, temperature, top_k, top_p), seed)
    return model.vocabulary.join(model.vocabulary.symbols[choice] for choice, _ in written)


def generate_many(
    model: LanguageModel,
    prompts: Sequence[str],
    *,
    length: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
    interventions: Sequence[Intervention] = (),
    progress: Callable[[int, int], None] | None = None,
) -> list[str]:
    """Return what the model writes after each of ``prompts``, all of them written side by side.

    >>> endings = generate_many(model, ["ROMEO:"] * 200, length=300, seed=0)

    Parameters
    ----------
    prompts : sequence of str
        One a text; they may be equal. See :func:`stream` for the other parameters.
    seed : int, optional
        Text k draws its random numbers from seed + k, as :func:`generate` does with that seed. What it writes is then
        the same but for rounding: two symbols may change places where the numbers drawn fall between them.
    interventions : sequence of Clamp, Ablate or Patch
        Made in every text. Steps are counted from the beginning of each, so that with a ``time`` all prompts have to
        be of one length.
    progress : callable, optional
        Called with (symbols of each text written, symbols in all).

    Raises
    ------
    Error
        As for :func:`stream`; or prompts of several lengths meet an intervention with a ``time``.
    """
    stepper, sampling = _ready(model, interventions), Sampling(length, temperature, top_k, top_p)
    if length == 0 or not prompts:
        return [""] * len(prompts)
    randoms = [np.random.default_rng(None if seed is None else seed + number) for number in range(len(prompts))]
    openings = {prompt: _opening(model, prompt) for prompt in prompts}
    timed = any(change.timed for layer in stepper.changes for change in layer)
    if timed and len({len(ids) for ids in openings.values()}) > 1:
        raise Error("an intervention at certain times needs prompts of one length; write the texts one by one")
    read = {prompt: (stepper.read(ids)[None], stepper.states) for prompt, ids in openings.items()}
    scores = np.concatenate([read[prompt][0] for prompt in prompts])
    stepper.beside([read[prompt][1] for prompt in prompts])
    ids = np.empty((length, len(prompts)), np.int64)
    for step in range(length):
        if step:
            scores = stepper.step(ids[step - 1])
        ids[step] = sampling.choose(scores, randoms, model.name)
        if progress is not None:
            progress(step + 1, length)
    symbols = model.vocabulary.symbols
    return [model.vocabulary.join(symbols[choice] for choice in text) for text in ids.T]
