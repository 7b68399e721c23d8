"""What a model writes when a person chooses some of the characters: the same seed, another road from there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rnncore import Error, LanguageModel
from rnncore.network.generate import Written, stream


class Choice(NamedTuple):
    """The character at position ``at`` of what is written is ``token``, whatever the model would have taken."""

    at: int
    token: str


@dataclass(frozen=True)
class Sampling:
    """How a model picks its characters; see :func:`rnncore.network.generate.stream`. 0 leaves k or p out."""

    temperature: float = 0.8
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 1


def write(
    model: LanguageModel, prompt: str, length: int, sampling: Sampling, choices: Sequence[Choice] = ()
) -> tuple[Written, ...]:
    """Write ``length`` symbols after ``prompt``, with ``choices`` made for the model; deterministic.

    Without choices it is what ``rnncore.generate`` writes. After a choice the model goes on from there, its
    random numbers drawn anew from the same seed.

    Raises
    ------
    Error
        A number is out of its range, or a choice is not one of the characters that the model held likely.
    """
    symbols = model.vocabulary.symbols
    opening = prompt or ("\n" if "\n" in symbols else symbols[0])  # what stream() itself starts after
    written: list[Written] = []
    for choice in sorted(choices):
        if len(written) <= choice.at < length:
            *before, here = _go_on(model, opening, written, choice.at + 1, sampling)
            written += [*before, _chosen(here, choice)]
    return (*written, *_go_on(model, opening, written, length, sampling))


def _go_on(
    model: LanguageModel, opening: str, written: Sequence[Written], length: int, sampling: Sampling
) -> list[Written]:
    """Return what the model adds to ``written`` until there are ``length`` symbols."""
    return list(
        stream(
            model,
            opening,
            begun=[step.token for step in written],
            length=length - len(written),
            temperature=sampling.temperature,
            top_k=sampling.top_k or None,
            top_p=sampling.top_p if sampling.top_p < 1 else None,
            seed=sampling.seed,
        )
    )


def _chosen(here: Written, choice: Choice) -> Written:
    for token, probability in here.alternatives:
        if token == choice.token:
            return here._replace(token=token, probability=probability)
    if here.token == choice.token:
        return here
    known = ", ".join(repr(token) for token, _ in here.alternatives)
    raise Error(f"{choice.token!r} is not among the likeliest at position {choice.at}, which are {known}")


def surprise(written: Sequence[Written]) -> float:
    """Return the mean of -log p over the symbols written, in nats; nan where there are none."""
    return sum(-math.log(step.probability) for step in written) / len(written) if written else math.nan
