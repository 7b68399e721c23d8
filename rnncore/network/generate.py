"""Let a model write: sample symbol after symbol, each with what else it might have been."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float

from rnncore.errors import Error
from rnncore.network.model import LanguageModel


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
    alternatives: int = 5,
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

    Raises
    ------
    Error
        A parameter is out of its range, or the model's weights are broken.
    """
    _check(length, temperature, top_k, top_p)
    return _stream(model, prompt, length, temperature, top_k, top_p, np.random.default_rng(seed), alternatives)


def _stream(
    model: LanguageModel,
    prompt: str,
    length: int,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    random: np.random.Generator,
    alternatives: int,
) -> Iterator[Written]:
    symbols, device = model.vocabulary.symbols, model.head.weight.device
    first = prompt or ("\n" if "\n" in symbols else symbols[0])
    ids, states = torch.from_numpy(model.vocabulary.encode(first)).to(device), None
    for _ in range(length):
        with torch.no_grad():
            logits, states = model(ids.unsqueeze(1), states)
        score = logits[-1, 0].double().cpu().numpy()
        if not np.isfinite(score).all():
            raise Error(f"{model.name} gives scores that are no longer finite: its weights are broken")
        p = softmax(score)
        choice = int(random.choice(len(p), p=narrow(score, temperature, top_k, top_p)))
        best = np.argsort(-p, kind="stable")[:alternatives]
        entropy = float(-(p * np.log(p, where=p > 0, out=np.zeros_like(p))).sum())
        yield Written(symbols[choice], float(p[choice]), entropy, tuple((symbols[i], float(p[i])) for i in best))
        ids = torch.tensor([choice], device=device)


def generate(
    model: LanguageModel,
    prompt: str = "",
    *,
    length: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
) -> str:
    """Return ``length`` symbols that the model writes after ``prompt``; see :func:`stream`."""
    written = stream(
        model,
        prompt,
        length=length,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
        alternatives=0,
    )
    return model.vocabulary.join(step.token for step in written)


def softmax(score: Float[np.ndarray, " vocab"]) -> Float[np.ndarray, " vocab"]:
    """Return exp(score), normalised to sum 1."""
    p = np.exp(score - score.max())
    return np.asarray(p / p.sum())


def narrow(
    score: Float[np.ndarray, " vocab"], temperature: float, top_k: int | None, top_p: float | None
) -> Float[np.ndarray, " vocab"]:
    """Return the distribution to sample from: temperature first, then top-k, then top-p."""
    order = np.argsort(-score, kind="stable")
    keep = np.zeros(len(score), dtype=bool)
    if temperature == 0:
        keep[order[0]] = True
        return keep.astype(np.float64)
    with np.errstate(over="ignore"):  # a tiny temperature sends all but the likeliest to -inf
        p = softmax((score - score.max()) / temperature)
    keep[order[: top_k or len(score)]] = True
    if top_p is not None:
        p = np.where(keep, p, 0) / p[keep].sum()
        before = np.cumsum(p[order]) - p[order]
        keep[order[before >= top_p]] = False
    p = np.where(keep, p, 0)
    return np.asarray(p / p.sum())


def _check(length: int, temperature: float, top_k: int | None, top_p: float | None) -> None:
    if length < 0:
        raise Error(f"length is a number of symbols, not {length}")
    if not 0 <= temperature < float("inf"):
        raise Error(f"temperature is 0 (always the likeliest) or more, not {temperature}")
    if top_k is not None and top_k < 1:
        raise Error(f"top_k is at least 1, not {top_k}")
    if top_p is not None and not 0 < top_p <= 1:
        raise Error(f"top_p is a probability above 0, at most 1, not {top_p}")
