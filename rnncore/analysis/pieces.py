"""A model reads a corpus, and someone looks at what happens piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rnncore.errors import Error
from rnncore.network.model import LanguageModel
from rnncore.recording import Recording, record_pieces

Report = Callable[[int, int], None]
"""Called now and then with how much is done, and how much there is."""


def pieces(
    model: LanguageModel, text: str, signals: Sequence[str], progress: Report | None = None
) -> Iterator[tuple[int, Recording]]:
    """Yield each piece of the recording with the step that it begins with; report steps once they are dealt with."""
    steps, first = len(model.vocabulary.tokenize(text)), 0
    for piece in record_pieces(model, text, signals=signals):
        yield first, piece
        first += piece.time
        if progress is not None:
            progress(first, steps)


def layer_number(model: LanguageModel, layer: int) -> int:
    """Return the number of a layer, counted from the first; a negative one is counted from the last.

    Raises
    ------
    Error
        There is no such layer.
    """
    layers = range(len(model.layers))
    if not -len(layers) <= layer < len(layers):
        raise Error(f"no layer {layer}; {model.name} has layers 0 to {layers[-1]}")
    return layers[layer]
