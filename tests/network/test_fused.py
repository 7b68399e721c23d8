"""Our loops, signals, units and gradients through time, against the equations run step by step and torch's autograd."""

import numpy as np
import pytest
import torch

import rnncore
from rnncore.cells import State
from rnncore.network import adjoint, fused, unroll
from rnncore.network.loops import loops
from rnncore.network.signals import Reader
from rnncore.network.units import Mixes, signals_of_unit, work_alone

every_cell = pytest.mark.parametrize("cell", rnncore.cells())
every_loop = pytest.mark.parametrize("cell", loops)


def random(generator, *shape):
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


@pytest.fixture
def case(network):
    """Return a function that makes a cell of 4 units, inputs [time, batch, 3], and a start: random, but for -inf."""

    def make(cell, time=9, batch=2, dtype=torch.float64):
        layer, generator = network(cell, dtype=dtype).layers[0], torch.Generator().manual_seed(1)
        start = layer.start(batch).map(lambda v: torch.where(v.isinf(), v, random(generator, *v.shape).to(dtype)))
        return layer.requires_grad_(False), random(generator, time, batch, 3).to(dtype), start

    return make


def by_equations(layer, xs, start):
    """Return every signal [time, batch, unit], by a loop of our own."""
    kept, state = {}, start
    for x in xs:

        def keep(symbol, value):
            kept.setdefault(symbol, []).append(value)
            return value

        state = layer.step(x, state, keep)
    return {symbol: torch.stack(values) for symbol, values in kept.items()}


@every_cell
@pytest.mark.parametrize("batch", [1, 3])
def test_every_signal_is_that_of_the_equations(cell, batch, case):
    layer, xs, start = case(cell, batch=batch)
    signals, expected = Reader(layer)(xs, start), by_equations(layer, xs, start)
    assert tuple(signals) == layer.signals()
    for symbol, values in expected.items():
        torch.testing.assert_close(signals[symbol], values, rtol=1e-10, atol=1e-12)


@every_loop
@torch.no_grad()
def test_a_loop_is_taken(cell, case, monkeypatch):
    """The comparison above would be empty if the loop ran the equations; and h alone takes it too, but for the LSTM."""
    layer, xs, start = case(cell)
    expected = by_equations(layer, xs, start)["h"]
    monkeypatch.setattr(type(layer), "step", None)
    torch.testing.assert_close(Reader(layer)(xs, start)["h"], expected)
    if cell != "lstm":
        monkeypatch.setitem(fused.twins, cell, lambda *_: None)
    hs, end = fused.run(layer, xs, start)
    torch.testing.assert_close(hs, expected)
    torch.testing.assert_close(end.h, expected[-1])


@every_loop
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_loop_bears_extreme_inputs(cell, dtype, case):
    layer, xs, start = case(cell, dtype=dtype)
    signals = Reader(layer)(xs * 1e4, start)
    for symbol, bounds in layer.ranges().items():
        assert signals[symbol].isfinite().all()
        if bounds is not None and symbol != "h":
            low, high = bounds
            assert signals[symbol].min() == low
            assert signals[symbol].max() == high


@every_cell
def test_what_follows_changes_no_bit(cell, case):
    """A single sequence is read in blocks of one shape."""
    layer, xs, start = case(cell, time=2 * unroll.BLOCK + 5, batch=1, dtype=torch.float32)
    whole = Reader(layer)(xs, start)
    for time in (1, 2, 7, unroll.BLOCK, unroll.BLOCK + 1):
        part = Reader(layer)(xs[:time], start)
        for symbol, values in part.items():
            assert torch.equal(values, whole[symbol][:time]), (symbol, time)


# One unit


@every_cell
def test_one_unit_from_known_states(cell, case):
    layer, xs, start = case(cell)
    signals = by_equations(layer, xs, start)
    states = {symbol: signals[symbol] for symbol in layer.states}
    if not work_alone(type(layer)):
        with pytest.raises(Mixes):
            signals_of_unit(layer, 2, xs, start, states)
        return
    alone = signals_of_unit(layer, 2, xs, start, states)
    assert tuple(alone) == layer.signals()
    for symbol, values in alone.items():
        torch.testing.assert_close(values, signals[symbol][..., 2])


def test_which_cells_have_units_that_work_alone():
    """Norms over units, products of what the step itself computes, and gates that see gates do not."""
    alone = {name for name, kind in rnncore.cells().items() if work_alone(kind)}
    assert {"elman", "elman-relu", "gru", "lstm", "lstm-peephole", "min-gru", "slstm"} <= alone
    assert not {"elman-layernorm", "lstm-layernorm", "gru-cho", "mlstm", "lstm-fgr"} & alone


# Gradients through time


def by_autograd(layer, xs, start, direct):
    """Return dL/ds [time, batch, unit] of every state, and dL/dx, for L = sum(direct * h)."""
    xs = xs.clone().requires_grad_()
    signals, state = [], start
    for x in xs:
        now = {}

        def keep(symbol, value, now=now):
            now[symbol] = value
            return value

        state = layer.step(x, state, keep)
        signals.append(now)
    loss = sum((now["h"] * weight).sum() for now, weight in zip(signals, direct, strict=True))
    flat = [now[symbol] for symbol in layer.states for now in signals]
    dx, *found = torch.autograd.grad(loss, [xs, *flat], materialize_grads=True)
    time = len(signals)
    return {k: torch.stack(found[n * time : (n + 1) * time]) for n, k in enumerate(layer.states)}, dx


@every_cell
@pytest.mark.parametrize("segment", [2**19, 16])
def test_total_gradients_are_those_of_autograd(cell, segment, case, monkeypatch):
    """All steps differentiated at once, or two at a time."""
    monkeypatch.setattr(adjoint, "SEGMENT", segment)
    layer, xs, start = case(cell)
    direct = random(torch.Generator().manual_seed(2), 9, 2, 4)
    signals = by_equations(layer, xs, start)
    totals, dx = adjoint.adjoint(layer, xs, start, {k: signals[k] for k in layer.states}, direct)
    expected, dx_expected = by_autograd(layer, xs, start, direct)
    torch.testing.assert_close(dx, dx_expected, rtol=1e-9, atol=1e-12)
    for state, gradient in expected.items():
        torch.testing.assert_close(totals[state], gradient, rtol=1e-9, atol=1e-12)


def test_gradients_far_below_what_float32_holds():
    """A rectified net that keeps a tenth: dL/dh falls by ten with every step back, to 1e-249."""
    cell = rnncore.cells()["elman-relu"](1, 2).double().requires_grad_(False)
    for name, value in (("weight_ih", 1.0), ("bias_ih", 0.5), ("bias_hh", 0.0)):
        getattr(cell, name).fill_(value)
    cell.weight_hh.copy_(0.1 * torch.eye(2).double())
    xs, start = torch.ones(250, 1, 1).double(), cell.start(1)
    direct = torch.zeros(250, 1, 2).double()
    direct[-1] = 1
    totals, _ = adjoint.adjoint(cell, xs, start, {"h": Reader(cell)(xs, start)["h"]}, direct)
    np.testing.assert_allclose(totals["h"][:, 0, 0], 10.0 ** -np.arange(249, -1, -1), rtol=1e-12)


def test_a_state_keeps_its_place():
    """The mapping given back has the cell's own states, and nothing of it is shared with what was given."""
    cell = rnncore.cells()["lstm"](2, 3).double().requires_grad_(False)
    for parameter in cell.parameters():
        parameter.uniform_(-1, 1, generator=torch.Generator().manual_seed(0))
    start = State(h=torch.ones(1, 3).double(), c=torch.ones(1, 3).double())
    xs = torch.ones(4, 1, 2).double()
    signals = Reader(cell)(xs, start)
    before = {symbol: values.clone() for symbol, values in signals.items()}
    direct = torch.ones(4, 1, 3).double()
    totals, _ = adjoint.adjoint(cell, xs, start, {k: signals[k] for k in cell.states}, direct)
    assert tuple(totals) == cell.states
    assert all(torch.equal(signals[symbol], values) for symbol, values in before.items())
    assert torch.equal(direct, torch.ones(4, 1, 3).double())
    assert torch.equal(start.h, torch.ones(1, 3).double())
