"""What is read off a unit, or all of them, along a text: after every character, and what each word did to it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float32, Float64

from rnncore.analysis.pieces import Report
from rnncore.analysis.sentiment_found import ALL, ONE, Sentiment
from rnncore.cells import State
from rnncore.network.model import LanguageModel
from rnncore.network.vocabulary import Vocabulary
from rnncore.recording import Recording, record_pieces
from rnncore.training.reviews import ENDING, OPENING, prepare

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")

STEPS = 256
"""Steps after which it is told how far the reading is."""


@dataclass(frozen=True, eq=False)
class Along:
    """A unit's value along a text, or what all units say together; see :class:`rnncore.analysis.Reading`.

    Attributes
    ----------
    characters : tuple of str
        The text as the model reads it, without what every text begins with: a character a step, or a word of a model
        that reads words. The bytes of one character are one step.
    values : float64 [step]
        The value once each has been read. The last is the one by which the text is judged.
    start : float
        The value before the first.
    judged : DataFrame
        One row, as :meth:`Sentiment.judged` returns it.
    """

    characters: tuple[str, ...] = field(repr=False)
    values: Float64[np.ndarray, " step"] = field(repr=False)
    start: float
    judged: pd.DataFrame = field(repr=False)

    def words(self) -> pd.DataFrame:
        """Return what each word did to the value.

        A word lasts until the next one begins, since only what follows tells that it is over. What stands before the
        first belongs to the first, so that all changes add up to that of the whole text. Of several that are one step
        for a model of words, such as "and/or", the last stands for it.

        Returns
        -------
        DataFrame
            One row a word: word; first and last, the steps it lasts; before and after, the value just before
            the first of them and after the last; change, after less before.
        """
        text = "".join(self.characters)
        found = list(_WORD.finditer(text))
        ends = np.array([*accumulate(map(len, self.characters))], int)
        begins = np.searchsorted(ends, np.array([word.start() for word in found[1:]], int), side="right")
        first = np.concatenate([np.zeros(1, int), begins])[: len(found)]
        last = np.concatenate([begins, [len(ends)]])[: len(found)] - 1
        before = np.concatenate([[self.start], self.values])[first]
        after = self.values[last]
        table = pd.DataFrame(
            {
                "word": [word.group() for word in found],
                "first": first,
                "last": last,
                "before": before,
                "after": after,
                "change": after - before,
            }
        )
        return table[last >= first].reset_index(drop=True)


def along(
    model: LanguageModel, found: Sentiment, text: str, *, read: str = ONE, progress: Report | None = None
) -> Along:
    """Let ``model`` read ``text`` from the zero state, as :func:`rnncore.analysis.final_states` does.

    The probe of all units knows states at a text's end only: units that remember little hold there what every text ends
    with. So all units are asked after each step as if the text ended with it. One unit's value is that of the step.

    Parameters
    ----------
    read : {"one unit", "all units"}
        What the text is read off.
    progress : callable, optional
        Called with (symbols read, symbols in all).
    """
    reading, tokens = found.reading(read), model.vocabulary.tokenize(prepare(text))
    parts = [np.array([reading.intercept])]  # from the zero state on
    needed = model.layers[0].states if read == ALL else (found.signal,)
    for number, piece in enumerate(record_pieces(model, prepare(text), length=STEPS, signals=needed), 1):
        states = piece[found.signal]
        parts.append(reading.values(_ended(model, piece, found.signal) if read == ALL else states))
        if progress is not None:
            progress(min(number * STEPS, len(tokens)), len(tokens))
    opening = sum(end <= len(OPENING) for end in accumulate(map(len, tokens)))  # a subword may begin with its space
    values = np.concatenate(parts)  # values[k] is the one before step k
    values[-1] = reading.values(states[:, -1:])[0]  # here it has ended
    characters, last = _characters(model.vocabulary, tokens[opening:])
    end = states[:, -1].reshape(1, -1).astype(np.float32)
    return Along(characters, values[opening + 1 :][last], float(values[opening]), found.judged(end, [text]))


def _ended(model: LanguageModel, piece: Recording, signal: str) -> Float32[np.ndarray, "layer time unit"]:
    """Return what a signal would be had the text ended after each step."""
    ending, device = torch.from_numpy(model.vocabulary.encode(ENDING)), model.head.weight.device
    if not len(ending):
        return piece[signal]
    carried = [
        State(**{symbol: torch.tensor(piece[symbol, layer], device=device) for symbol in cell.states})
        for layer, cell in enumerate(model.layers)
    ]
    with torch.no_grad():
        _, ends = model(ending.to(device).unsqueeze(1).expand(-1, piece.time), carried)
    return np.stack([end[signal].cpu().numpy() for end in ends])


def _characters(vocabulary: Vocabulary, tokens: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """Return tokens with the bytes of each character taken together, and the number of each one's last token."""
    if vocabulary.kind != "bytes":
        return tuple(tokens), np.arange(len(tokens))
    goes_on = ["\x80" <= token < "\xc0" for token in tokens]
    last = [k for k in range(len(tokens)) if k + 1 == len(tokens) or not goes_on[k + 1]]
    firsts = [0, *(k + 1 for k in last[:-1])]
    return tuple(vocabulary.join(tokens[a : b + 1]) for a, b in zip(firsts, last, strict=True)), np.array(last, int)
