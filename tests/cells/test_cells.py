"""Every cell against its equations in plain numpy, against torch's own modules, and against its claims."""

import numpy as np
import pytest
import torch

import rnncore
from rnncore.cells import State, find, silent

every_cell = pytest.mark.parametrize("cell", rnncore.cells().values(), ids=rnncore.cells())


# The oracles: one step of one layer, written out. W, b read the input; U, d read the state.


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def elman(x, s, W, U, b, d):
    return {"h": np.tanh(x @ W.T + b + s["h"] @ U.T + d)}


def elman_relu(x, s, W, U, b, d):
    return {"h": np.maximum(0, x @ W.T + b + s["h"] @ U.T + d)}


def lstm(x, s, W, U, b, d):
    i, f, g, o = np.split(x @ W.T + b + s["h"] @ U.T + d, 4, axis=-1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    c = f * s["c"] + i * g
    return {"i": i, "f": f, "g": g, "o": o, "c": c, "h": o * np.tanh(c)}


def gru(x, s, W, U, b, d):
    Wr, Wz, Wn = np.split(x @ W.T + b, 3, axis=-1)
    Ur, Uz, Un = np.split(s["h"] @ U.T + d, 3, axis=-1)
    r, z = sigmoid(Wr + Ur), sigmoid(Wz + Uz)
    n = np.tanh(Wn + r * Un)
    return {"r": r, "z": z, "n": n, "h": (1 - z) * n + z * s["h"]}


ORACLES = {"elman": elman, "elman-relu": elman_relu, "lstm": lstm, "gru": gru}

TORCH = {
    "elman": torch.nn.RNN,
    "elman-relu": lambda *sizes, **options: torch.nn.RNN(*sizes, nonlinearity="relu", **options),
    "lstm": torch.nn.LSTM,
    "gru": torch.nn.GRU,
}


def scrambled(cell, inputs=3, units=5, seed=0, scale=1.0):
    """Return a cell with every weight random, and the generator to draw on from."""
    generator = torch.Generator().manual_seed(seed)
    made = cell(inputs, units).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(0, scale, generator=generator)
    return made, generator


def random_state(cell, *batch, generator):
    return cell.start(*batch).map(lambda zero: torch.randn(zero.shape, generator=generator, dtype=zero.dtype))


def listen(into):
    """Return a tap that keeps every signal in ``into``."""

    def tap(symbol, value):
        into[symbol] = value.detach().numpy()
        return value

    return tap


def test_every_cell_has_an_oracle():
    assert set(ORACLES) == set(rnncore.cells())


@every_cell
def test_a_step_is_the_textbooks(cell):
    made, generator = scrambled(cell)
    x = torch.randn(7, 3, generator=generator, dtype=torch.float64)
    state, heard = random_state(made, 7, generator=generator), {}
    after = made.step(x, state, listen(heard))
    before = {symbol: value.numpy() for symbol, value in state.items()}
    expected = ORACLES[cell.name](x.numpy(), before, *(p.detach().numpy() for p in made.parameters()))
    assert tuple(heard) == tuple(expected) == cell.signals()
    for symbol, value in expected.items():
        np.testing.assert_allclose(heard[symbol], value, rtol=1e-12, atol=1e-14, err_msg=symbol)
    for symbol in cell.states:
        np.testing.assert_array_equal(after[symbol].detach().numpy(), heard[symbol])


@pytest.mark.parametrize("name", TORCH)
def test_a_walk_is_torchs(name):
    made, generator = scrambled(rnncore.cells()[name])
    theirs = TORCH[name](3, 5, dtype=torch.float64)
    theirs.load_state_dict({f"{key}_l0": value for key, value in made.state_dict().items()})
    xs = torch.randn(9, 2, 3, generator=generator, dtype=torch.float64)
    state = random_state(made, 2, generator=generator)
    start = tuple(value.unsqueeze(0) for value in state.values())
    hs, _ = theirs(xs, start if len(start) > 1 else start[0])
    for x, h in zip(xs, hs, strict=True):
        state = made.step(x, state, silent)
        torch.testing.assert_close(state.h, h, rtol=1e-12, atol=1e-14)


# Claims of the class


@every_cell
@pytest.mark.parametrize("scale", [0.0, 1.0, 300.0])
def test_ranges_hold(cell, scale):
    made, generator = scrambled(cell, scale=scale)
    heard, state = {}, made.start(50)
    for _ in range(20):
        x = scale * torch.randn(50, 3, generator=generator, dtype=torch.float64)
        state = made.step(x, state, listen(heard))
        for symbol, range_ in cell.ranges().items():
            low, high = range_ or (-np.inf, np.inf)
            assert ((low <= heard[symbol]) & (heard[symbol] <= high)).all(), symbol


@every_cell
def test_names_are_consistent(cell):
    assert rnncore.cells()[cell.name] is cell is find(cell.name)
    assert cell.title
    assert set(cell.ranges()) == set(cell.signals()) == {gate.symbol for gate in cell.gates} | set(cell.states)
    assert all(gate.meaning and gate.low < gate.high for gate in cell.gates)
    made, _ = scrambled(cell)
    assert tuple(made.step(torch.zeros(2, 3).double(), made.start(2), silent)) == cell.states


@every_cell
def test_parameter_count(cell):
    height = len(cell.rows) * 7
    assert cell(11, 7).parameter_count == height * 11 + height * 7 + 2 * height


@every_cell
def test_what_a_tap_returns_is_used(cell):
    made, generator = scrambled(cell)
    x = torch.randn(1, 3, generator=generator, dtype=torch.float64)
    state = random_state(made, 1, generator=generator)
    untouched = made.step(x, state, silent)
    for signal in cell.signals():
        changed = made.step(x, state, lambda symbol, value, s=signal: value + 0.5 if symbol == s else value)
        assert all((changed[symbol] != untouched[symbol]).any() for symbol in cell.states[:1]), signal
        if signal in cell.states:
            torch.testing.assert_close(changed[signal], untouched[signal] + 0.5)


# Fresh weights


def fresh(cell, seed):
    made = cell(6, 8)
    made.initialise(torch.Generator().manual_seed(seed))
    return made


@every_cell
def test_fresh_weights(cell):
    made = fresh(cell, 0)
    bound = (6 / (6 + 8)) ** 0.5
    assert made.weight_ih.abs().max() <= bound
    assert made.weight_ih.abs().max() > 0.8 * bound
    for block in made.weight_hh.detach().split(8):
        torch.testing.assert_close(block @ block.T, torch.eye(8), atol=1e-5, rtol=0)
    bias = (made.bias_ih + made.bias_hh).detach().view(len(cell.rows), 8)
    for row, values in zip(cell.rows, bias, strict=True):
        assert (values == (1 if (cell.name, row) == ("lstm", "f") else 0)).all(), row


@every_cell
def test_a_seed_is_a_model(cell):
    before = torch.get_rng_state()
    one, same, other = (fresh(cell, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["weight_ih"], other["weight_ih"])
    assert not torch.equal(one["weight_hh"], other["weight_hh"])
    assert torch.equal(torch.get_rng_state(), before)


# Errors


def test_an_unknown_cell():
    with pytest.raises(rnncore.Error, match=r"no cell 'lstn'; known: elman, elman-relu, gru, lstm"):
        find("lstn")


def test_an_unknown_state():
    with pytest.raises(AttributeError, match="no state 'c'; this cell has h"):
        _ = State(h=1).c
