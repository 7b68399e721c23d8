"""One unit over a text whose states are known."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from rnncore.errors import RecordingError
from rnncore.network.model import LanguageModel
from rnncore.network.units import Mixes, signals_of_unit
from rnncore.recording.recording import Recording


def unit_signals(model: LanguageModel, recording: Recording, layer: int, unit: int) -> dict[str, np.ndarray]:
    """Return every signal [time] of one unit over a text whose states were recorded, from the zero state on.

    Only this unit's rows of the weights are used, which takes a few hundredths of the time of reading the text again.

    >>> states = record(model, text, signals=["h", "c"])
    >>> forget = unit_signals(model, states, layer=-1, unit=7)["f"]

    Raises
    ------
    RecordingError
        There is no such layer or unit; the recording lacks a state or is no recording of this model; or the model's
        cell cannot be cut into units, since each needs what others compute within the same step.
    Error
        The model reads both ways.
    """
    model.reads_forward_only("one unit alone is not computed")
    layers, units = range(len(model.layers)), range(model.config.units)
    if not -len(layers) <= layer < len(layers) or not -len(units) <= unit < len(units):
        raise RecordingError(
            f"no unit {unit} of layer {layer}; {model.name} has layers 0 to {layers[-1]}, units 0 to {units[-1]}"
        )
    number, cell = layers[layer], model.layers[layer]
    if recording.cell != cell.name or (recording.layers, recording.units) != (len(layers), cell.units):
        raise RecordingError(f"the recording of {recording.model} does not fit {model.name}; record the text with it")
    weight = model.head.weight

    def tensor(values: np.ndarray) -> Tensor:
        batch_of_one: Tensor = torch.tensor(values).to(weight).unsqueeze(1)
        return batch_of_one

    states = {symbol: tensor(recording[symbol, number]) for symbol in cell.states}
    with torch.no_grad():
        ids = torch.tensor(recording.ids).to(weight.device)
        xs = tensor(recording["h", number - 1]) if number else model.embed(ids).unsqueeze(1)
        try:
            signals = signals_of_unit(cell, units[unit], xs, cell.start(1), states)
        except Mixes:
            raise RecordingError(f"the units of {cell.name} cannot be computed one by one; record the text") from None
    return {symbol: values[:, 0].float().cpu().numpy() for symbol, values in signals.items()}
