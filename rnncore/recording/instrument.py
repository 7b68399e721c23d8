"""Record what happens inside anyone's ``torch.nn.RNN``, ``nn.LSTM`` or ``nn.GRU``."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from rnncore.cells import Cell, State, find
from rnncore.errors import RecordingError
from rnncore.network.modules import NAMES, cells_of
from rnncore.network.signals import Reader, Signals
from rnncore.network.unroll import unroll
from rnncore.recording.recording import Recording
from rnncore.recording.sequences import Sequences, lay_out
from rnncore.recording.through_time import norm

Start = Tensor | tuple[Tensor, Tensor] | None
Loss = Callable[[Any, Any], Tensor]

Read = Callable[[Cell, Tensor, State], Signals]
"""Runs one cell over inputs [time, batch, input] from a start state, and returns all its signals."""


def record_module(
    module: nn.Module, inputs: Tensor | PackedSequence, state: Start = None, *, loss: Loss | None = None
) -> Recording | tuple[Recording, ...]:
    """Record every gate, cell state and hidden state of ``module(inputs, state)``, and gradients through time.

    The module may have several layers, both directions, projections, no biases, dropout, and be in training or
    evaluation mode. It stays exactly as it is, and so do the random generators.

    Parameters
    ----------
    module : nn.RNN, nn.LSTM or nn.GRU
        The module to look into.
    inputs : Tensor or PackedSequence
        What the module takes: [time, input], [time, batch, input] ([batch, time, input] with ``batch_first``), or
        packed sequences.
    state : Tensor or pair of Tensor, optional
        Where the layers start, as the module takes it: h, for an LSTM (h, c). Zero by default.
    loss : callable, optional
        ``loss(output, state)`` gets what ``module(inputs, state)`` returns, and gives one number. With it the
        recordings hold the norms of its total gradient with respect to every state at every step. Everything
        through time is then computed in float64, the loss itself in the module's precision. No parameter's ``grad``
        is touched, neither the module's nor one that the loss uses.

    Returns
    -------
    Recording or tuple of Recording
        One for inputs without a batch axis, else one for each sequence of the batch, of its own length. Values
        have the module's precision. Both directions are in the text's own order of time, ``layer_names`` tells
        them apart; tokens are the numbers of the steps.

    Raises
    ------
    RecordingError
        This is no such module, its inputs or its state do not fit, or the loss is no finite number computed from
        its output.

    Notes
    -----
    Dropout in training mode draws from torch's global generator, which is then put back. So the pass recorded is
    the very one that ``module(inputs, state)`` makes next, but for cuDNN: it draws inside its kernel, where nobody
    can see it, and with it a pass of the same distribution is recorded.

    >>> lstm = nn.LSTM(10, 20, num_layers=2)
    >>> recording = record_module(lstm, torch.randn(50, 10), loss=lambda output, state: output[-1].sum())
    >>> recording["f", -1].shape, recording.gradient["c"].shape
    ((50, 20), (2, 50))
    """
    rnn = _checked(module)
    sequences, cells = lay_out(rnn, inputs), cells_of(rnn)
    starts = _starts(cells, state, sequences)
    devices = [sequences.padded.device] if sequences.padded.is_cuda else []
    with torch.random.fork_rng(devices), torch.set_grad_enabled(loss is not None):
        if loss is None:
            layers, _ = _run(rnn, sequences, cells, starts, [_at_once] * len(cells))
            return _recordings(rnn, sequences, layers, [])
        wide = replace(sequences, padded=sequences.padded.double())
        starts = [start.map(Tensor.double) for start in starts]
        probes = [_probes(start, len(wide.padded)) for start in starts]
        layers, output = _run(rnn, wide, [cell.double() for cell in cells], starts, [_unroll(p) for p in probes])
        gradients = _gradients(rnn, wide, loss, output, layers, probes)
    return _recordings(rnn, sequences, layers, gradients)


def _checked(module: nn.Module) -> nn.RNNBase:
    if isinstance(module, nn.RNNBase) and module.mode in NAMES:
        return module
    inside = [repr(name) for name, part in module.named_modules() if isinstance(part, nn.RNNBase)]
    hint = f"; it holds {', '.join(inside)}: give that, with its own inputs" if inside else ""
    raise RecordingError(f"expected a torch.nn.RNN, nn.LSTM or nn.GRU; this is a {type(module).__name__}{hint}")


def _starts(cells: list[Cell], state: Start, sequences: Sequences) -> list[State]:
    """Return where each cell starts, each state [batch, unit]."""
    zeros = [cell.start(sequences.padded.shape[1]) for cell in cells]
    if state is None:
        return zeros
    symbols, given = cells[0].states, state if isinstance(state, tuple) else (state,)
    if len(given) != len(symbols):
        raise RecordingError(f"expected the start state ({', '.join(symbols)}), not a {len(given)}-tuple")
    columns = {}
    for symbol, values in zip(symbols, given, strict=True):
        batch, unit = zeros[0][symbol].shape
        expected = [len(cells), batch, unit] if sequences.batched else [len(cells), unit]
        if list(values.shape) != expected or values.dtype != sequences.padded.dtype:
            raise RecordingError(
                f"expected the start state {symbol} as {sequences.padded.dtype} {expected}; "
                f"this is {values.dtype} {list(values.shape)}"
            )
        columns[symbol] = values.detach().view(len(cells), batch, unit)
    return [State(**{symbol: values[k] for symbol, values in columns.items()}) for k in range(len(cells))]


# ---- the pass: layer by layer, both directions ---------------------------------------------------------------


def _backward(module: nn.RNNBase, k: int) -> bool:
    return bool(module.bidirectional and k % 2)


def _run(
    module: nn.RNNBase, sequences: Sequences, cells: list[Cell], starts: list[State], readers: Sequence[Read]
) -> tuple[list[Signals], Tensor]:
    """Return every cell's signals in the text's order of time, and the output [time, batch, unit]."""
    x, layers, directions = sequences.padded, list[Signals](), 1 + module.bidirectional
    for k, (cell, start, read) in enumerate(zip(cells, starts, readers, strict=True)):
        if _backward(module, k):
            signals = read(cell, sequences.turned(x), start)
            layers.append({symbol: sequences.turned(values) for symbol, values in signals.items()})
        else:
            layers.append(read(cell, x, start))
        if len(layers) % directions == 0:
            x = torch.cat([layer["h"] for layer in layers[-directions:]], dim=-1)
            if module.training and module.dropout and len(layers) < len(cells):
                x = sequences.dropped(x, module.dropout)
    return layers, x


def _unroll(probes: Mapping[str, Tensor]) -> Read:
    """Return a reader that goes step by step, and adds its probe to every state."""

    def read(cell: Cell, xs: Tensor, start: State) -> Signals:
        steps = {symbol: probe.unbind() for symbol, probe in probes.items()}
        kept: dict[str, list[Tensor]] = {}

        def listen(time: int, symbol: str, value: Any) -> Any:
            value = value + steps[symbol][time] if symbol in steps else value
            kept.setdefault(symbol, []).append(value)
            return value

        unroll(cell, xs, start, listen)
        return {symbol: torch.stack(values) for symbol, values in kept.items()}

    return read


def _at_once(cell: Cell, xs: Tensor, start: State) -> Signals:
    with warnings.catch_warnings():  # a view of the module's weights will do for a single pass
        warnings.filterwarnings("ignore", message="RNN module weights are not part of single contiguous chunk")
        return Reader(cell)(xs, start)


# ---- gradients through time ----------------------------------------------------------------------------------


def _probes(start: State, time: int) -> Signals:
    """Return zeros to add to each state at each step: a probe's gradient is that state's total gradient."""
    return {symbol: value.new_zeros(time, *value.shape).requires_grad_() for symbol, value in start.items()}


def _gradients(
    module: nn.RNNBase, sequences: Sequences, loss: Loss, output: Tensor, layers: list[Signals], probes: list[Signals]
) -> list[Signals]:
    """Return each layer's norms of the total gradient for each state, [time, batch, 1].

    The loss sees copies in the module's precision. Its slopes there are carried back through time in float64.
    """
    ends = [
        torch.stack([v[symbol][0] if _backward(module, k) else sequences.last(v[symbol]) for k, v in enumerate(layers)])
        for symbol in probes[0]
    ]
    inside = [sequences.laid_out(output), *(end if sequences.batched else end.squeeze(1) for end in ends)]
    outside = [value.detach().to(next(module.parameters()).dtype).requires_grad_() for value in inside]
    shown = outside[0] if sequences.packed is None else sequences.packed._replace(data=outside[0])
    value = loss(shown, tuple(outside[1:]) if len(ends) > 1 else outside[1])
    if not isinstance(value, Tensor) or value.numel() != 1 or not value.requires_grad:
        what = f"a tensor {list(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
        raise RecordingError(f"expected a loss that is one number computed from the module's output; this is {what}")
    if not value.isfinite():
        raise RecordingError(f"the loss is {value.item()}; gradients need a finite one")
    slopes = torch.autograd.grad(value.sum(), outside, materialize_grads=True)
    flat = [probe for layer in probes for probe in layer.values()]
    slopes = torch.autograd.grad(inside, flat, [slope.double() for slope in slopes], materialize_grads=True)
    found, norms = iter(slopes), list[Signals]()
    for k, layer in enumerate(probes):
        rows = {symbol: norm(next(found)).unsqueeze(-1) for symbol in layer}
        norms.append({s: sequences.turned(row) for s, row in rows.items()} if _backward(module, k) else rows)
    return norms


# ---- what goes out -------------------------------------------------------------------------------------------


def _recordings(
    module: nn.RNNBase, sequences: Sequences, layers: list[Signals], gradients: list[Signals]
) -> Recording | tuple[Recording, ...]:
    directions = ("forward", "backward") if module.bidirectional else ()
    dtype = torch.float64 if sequences.padded.dtype == torch.float64 else torch.float32
    made = []
    for number, time in enumerate(sequences.lengths.tolist()):
        values = _columns(layers, number, time, dtype)
        norms = _columns(gradients, number, time, torch.float64)
        made.append(
            Recording(
                model=repr(module),
                cell=NAMES[module.mode],
                states=find(NAMES[module.mode]).states,
                layer_names=tuple(f"{k} {turn}" for k in range(module.num_layers) for turn in directions),
                values=values,
                gradient={symbol: array[..., 0] for symbol, array in norms.items()},
                tokens=tuple(map(str, range(time))),
                symbols=(),
                ids=np.full(time, -1),
                loss=np.full(time, np.nan, np.float32),
                rank=np.full(time, -1),
                top_ids=np.empty((time, 0), np.int64),
                top_probability=np.empty((time, 0), np.float32),
            )
        )
    return tuple(made) if sequences.batched else made[0]


def _columns(layers: list[Signals], number: int, time: int, dtype: torch.dtype) -> dict[str, np.ndarray]:
    """Return what belongs to one sequence of the batch, each signal [layer, time, unit]."""
    symbols = layers[0] if layers else {}
    return {
        symbol: torch.stack([layer[symbol][:time, number] for layer in layers]).detach().to(dtype).cpu().numpy()
        for symbol in symbols
    }
