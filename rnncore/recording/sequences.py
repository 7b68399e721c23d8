"""Sequences as the owner of a ``torch.nn.RNN`` lays them out: one, a batch either way round, or packed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from rnncore.errors import RecordingError


@dataclass(frozen=True, eq=False)
class Sequences:
    """A module's inputs, padded and time first, and how to give something back in their owner's layout.

    Attributes
    ----------
    padded : Tensor [time, batch, input]
    lengths : Tensor [batch]
        Number of steps of each sequence; on the CPU.
    batched, batch_first : bool
        Whether the owner's tensors have a batch axis, and whether it comes first.
    packed : PackedSequence or None
        The owner's own, if these came packed.
    """

    padded: Tensor
    lengths: Tensor
    batched: bool
    batch_first: bool
    packed: PackedSequence | None

    def turned(self, x: Tensor) -> Tensor:
        """Return each sequence of ``x`` [time, batch, unit] back to front, its padding where it was."""
        time = torch.arange(len(x)).unsqueeze(1)
        place = torch.where(time < self.lengths, self.lengths - 1 - time, time).to(x.device)
        return x.gather(0, place.unsqueeze(-1).expand_as(x))

    def last(self, x: Tensor) -> Tensor:
        """Return ``x`` [time, batch, unit] at each sequence's last step, [batch, unit]."""
        return x[(self.lengths - 1).to(x.device), torch.arange(x.shape[1], device=x.device)]

    def laid_out(self, x: Tensor) -> Tensor:
        """Return ``x`` [time, batch, unit] in the owner's layout; for packed sequences, their data."""
        if self.packed is not None:
            order = self.packed.sorted_indices
            there = torch.arange(x.shape[1]) < self.packed.batch_sizes.unsqueeze(1)
            return (x if order is None else x[:, order])[there.to(x.device)]
        if not self.batched:
            return x.squeeze(1)
        return x.transpose(0, 1) if self.batch_first else x

    def dropped(self, x: Tensor, probability: float) -> Tensor:
        """Return ``x`` [time, batch, unit] after dropout, drawn in the order in which torch's kernels draw it."""
        if self.packed is None:
            return nn.functional.dropout(x, probability)
        data = nn.functional.dropout(self.laid_out(x), probability)
        return pad_packed_sequence(self.packed._replace(data=data))[0]


def lay_out(module: nn.RNNBase, inputs: Tensor | PackedSequence) -> Sequences:
    """Return the inputs of ``module`` padded and time first.

    Raises
    ------
    RecordingError
        They do not fit the module: width, axes, precision or device.
    """
    data = inputs.data if isinstance(inputs, PackedSequence) else inputs
    if not isinstance(data, Tensor):
        raise RecordingError(f"expected inputs as a Tensor or a PackedSequence, not {type(inputs).__name__}")
    shape, width, weight = list(data.shape), module.input_size, next(module.parameters())
    if len(shape) not in (2, 3) or shape[-1] != width or 0 in shape:
        batch = f"[batch, time, {width}]" if module.batch_first else f"[time, batch, {width}]"
        raise RecordingError(f"expected inputs [time, {width}] or {batch} with at least one step; these are {shape}")
    if (data.dtype, data.device) != (weight.dtype, weight.device):
        raise RecordingError(
            f"the inputs are {data.dtype} on {data.device}, the module is {weight.dtype} on {weight.device}; "
            "bring one to the other with .to()"
        )
    data = data.detach()
    if isinstance(inputs, PackedSequence):
        padded, lengths = pad_packed_sequence(inputs._replace(data=data))
        return Sequences(padded, lengths, True, False, inputs)
    batched = data.ndim == 3
    padded = data.unsqueeze(1) if not batched else data.transpose(0, 1) if module.batch_first else data
    time, size = padded.shape[:2]
    return Sequences(padded, torch.full((size,), time), batched, module.batch_first, None)
