"""Every cell against its equations in plain numpy, against torch's own modules, and against its claims."""

import math
import re
from functools import partial

import numpy as np
import pytest
import torch
from scipy.stats import kstest, uniform

import rnncore
from rnncore.cells import Cell, Rows, State, equal_units, find, silent
from tests.cells.oracles import COUNTS, ORACLES, openai

every_cell = pytest.mark.parametrize("cell", rnncore.cells().values(), ids=rnncore.cells())


TORCH = {
    "elman": torch.nn.RNN,
    "elman-relu": lambda *sizes, **options: torch.nn.RNN(*sizes, nonlinearity="relu", **options),
    "irnn": lambda *sizes, **options: torch.nn.RNN(*sizes, nonlinearity="relu", **options),
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
    assert set(ORACLES) == set(COUNTS) == set(rnncore.cells())


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
    """The count, the formula the cell states, and the one counted by hand are the same."""
    made, stated = cell(11, 7), cell.formula()
    assert made.parameter_count == cell.count(11, 7) == COUNTS[cell.name](11, 7)
    product = re.sub(r"(?<=[\dHX)²]) (?=[H(X])", " * ", stated).replace("²", "**2")
    assert eval(product, {"X": 11, "H": 7}) == made.parameter_count, stated
    assert {name: tuple(p.shape) for name, p in made.named_parameters()} == cell.shapes(11, 7)


@every_cell
def test_equal_units_come_closest(cell):
    target = find("lstm").count(16, 16)
    units = equal_units(partial(cell.count, 16), target)
    apart = [abs(cell.count(16, number) - target) for number in (units - 1, units, units + 1)]
    assert apart[1] == min(apart)


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("lstm", "4 H (X + H) + 8 H"),
        ("elman", "H (X + H) + 2 H"),
        ("lstm-fgr", "4 H X + 13 H² + 11 H"),
        ("min-gru", "2 H X + 2 H"),
    ],
)
def test_formulas_read_as_written_by_hand(name, formula):
    assert find(name).formula() == formula


def test_a_formula_counts_what_a_cell_adds_by_itself():
    class Odd(Cell):
        rows = ("h",)

        def __init__(self, inputs, units):
            super().__init__(inputs, units)
            self.pace, self.norm = torch.nn.Parameter(torch.zeros(1)), torch.nn.LayerNorm(units)

    assert Odd.formula() == "H (X + H) + 4 H + 1"


@every_cell
def test_inputs_may_be_read_before_the_walk(cell):
    """``step`` takes what ``read`` made of x, for one step or for all of a text's."""
    made, generator = scrambled(cell)
    xs = torch.randn(4, 2, 3, generator=generator, dtype=torch.float64)
    state = before = random_state(made, 2, generator=generator)
    settled, plain = made.settled(), []
    read = settled.read(xs)
    assert isinstance(read, Rows)
    assert made.read(read) is read
    for x in xs:
        state = made.step(x, state, silent)
        plain.append(state)
    state = before
    for time, expected in enumerate(plain):
        state = settled.step(read[time], state, silent)
        for symbol in cell.states:
            torch.testing.assert_close(state[symbol], expected[symbol], rtol=1e-12, atol=1e-14)


@every_cell
def test_a_settled_cell_hands_its_gradients_on(cell):
    made, generator = scrambled(cell)
    x = torch.randn(2, 3, generator=generator, dtype=torch.float64)
    state = random_state(made, 2, generator=generator)

    def gradients(one):
        loss = sum((value**2).sum() for value in one.step(x, state, silent).values())
        return torch.autograd.grad(loss, list(made.parameters()))

    for one, other in zip(gradients(made), gradients(made.settled()), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14)
        assert one.abs().max() > 0


@every_cell
def test_nothing_breaks_at_the_end_of_the_numbers(cell):
    """Gates that are shut or open to the last digit, from the start state: finite signals, finite gradients."""
    made, generator = scrambled(cell, scale=50.0)
    made = made.float()
    state = made.start(30)
    for _ in range(10):
        state = made.step(20 * torch.randn(30, 3, generator=generator), state, silent)
        if cell.ranges()["h"] is None:  # what may grow without bound shall not do so here
            state = state.map(lambda value: value.clamp(-1, 1))
    assert all(value.isfinite().all() for value in state.values())
    sum(value.sum() for value in state.values()).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in made.parameters())


@every_cell
def test_what_a_tap_returns_is_used(cell):
    made, generator = scrambled(cell)
    x = torch.randn(1, 3, generator=generator, dtype=torch.float64)
    state = random_state(made, 1, generator=generator)
    untouched = made.step(x, state, silent)
    for signal in cell.signals():
        changed = made.step(x, state, lambda symbol, value, s=signal: value + 0.5 if symbol == s else value)
        seen = cell.states if (cell.name, signal) == ("slstm", "m") else ("h",)  # the stabiliser changes nothing of h
        assert any((changed[symbol] != untouched[symbol]).any() for symbol in seen), signal
        if signal in cell.states:
            torch.testing.assert_close(changed[signal], untouched[signal] + 0.5)


# Fresh weights


def fresh(cell, seed):
    made = cell(6, 8)
    made.initialise(torch.Generator().manual_seed(seed))
    return made


def rows_of(made, tensor):
    return dict(zip(made.rows, tensor.detach().split(8), strict=False))


@every_cell
def test_fresh_weights(cell):
    made, bound = fresh(cell, 0), (6 / (6 + 8)) ** 0.5
    for name, parameter in made.named_parameters():
        if name == "weight_ih":
            bound = 0.005 if cell.name == "irnn" else bound
            assert 0.3 * bound < parameter.abs().max() <= bound
        elif name == "weight_hh":
            for block in parameter.detach().split(8):
                torch.testing.assert_close(block @ block.T, torch.eye(8), atol=1e-5, rtol=0)
                assert torch.equal(block, torch.eye(8)) == (cell.name == "irnn")
        elif name == "bias_ih":
            for row, values in rows_of(made, parameter).items():
                assert (values == (1 if row == "f" else 0)).all(), row
        else:
            assert (parameter == (1 if name.startswith("gain") else 0)).all(), name


@every_cell
@pytest.mark.parametrize("how", ["orthogonal", "identity", "uniform"])
def test_starts_of_the_recurrent_weights(cell, how):
    made = cell(6, 8)
    start = {"generator": torch.Generator().manual_seed(0), "recurrent_init": how}
    if how != "uniform" and "weight_hh" not in dict(made.named_parameters()):
        with pytest.raises(rnncore.Error, match=f"{cell.name} has no recurrent weights to start {how}"):
            made.initialise(**start)
        return
    made.initialise(**start)
    if how == "uniform":
        for name, parameter in made.named_parameters():
            if name.startswith(("weight", "bias_ih", "bias_hh")):
                assert 0.8 * 8**-0.5 < parameter.abs().max() <= 8**-0.5, name
    else:
        for block in made.weight_hh.detach().split(8):
            torch.testing.assert_close(block @ block.T, torch.eye(8), atol=1e-5, rtol=0)
            assert torch.equal(block, torch.eye(8)) == (how == "identity")


@every_cell
@pytest.mark.parametrize("how", [None, "uniform"])
def test_the_forget_bias_can_be_chosen(cell, how):
    made = cell(6, 8)
    start = {"generator": torch.Generator().manual_seed(0), "recurrent_init": how, "forget_bias": -2.5}
    if "f" not in cell.rows:
        with pytest.raises(rnncore.Error, match=f"{cell.name} has no forget gate f to give a bias to"):
            made.initialise(**start)
        return
    made.initialise(**start)
    for name in ("bias_ih", "bias_hh"):
        if hasattr(made, name):
            wanted = -2.5 if name == "bias_ih" else 0
            for row, values in rows_of(made, getattr(made, name)).items():
                assert (values == wanted).all() == (row == "f" or (wanted == 0 and how is None)), row


@every_cell
def test_a_fresh_memory_can_have_any_length(cell):
    """After Tallec & Ollivier (2018): each order of magnitude has its share, and as much is let in as is forgotten."""
    made, start = cell(3, 300), {"generator": torch.Generator().manual_seed(0), "chrono": 500.0}
    if "f" not in cell.rows:
        with pytest.raises(rnncore.Error, match="chrono, at least 2 steps, starts the biases of a forget gate"):
            made.initialise(**start)
        return
    made.initialise(**start)
    biases = dict(zip(cell.rows, made.bias_ih.detach().split(300), strict=False))
    assert kstest(biases["f"].numpy(), uniform(0, math.log(499)).cdf).pvalue > 0.01
    if "i" in biases:
        assert torch.equal(biases["i"], -biases["f"])
    assert not any(values.any() for row, values in biases.items() if row not in ("f", "i"))


@pytest.mark.parametrize("start", [{"chrono": 1.0}, {"chrono": 100.0, "forget_bias": 2.0}])
def test_a_memory_without_a_length(start):
    with pytest.raises(rnncore.Error, match=r"chrono, at least 2 steps, .* takes forget_bias's place"):
        rnncore.build("lstm", vocabulary=rnncore.Vocabulary.characters("ab"), **start)


def test_an_unknown_start():
    with pytest.raises(rnncore.Error, match="recurrent_init is orthogonal, identity, uniform, not 'eye'"):
        rnncore.build("gru", vocabulary=rnncore.Vocabulary.characters("ab"), recurrent_init="eye")


@every_cell
def test_a_seed_is_a_model(cell):
    before = torch.get_rng_state()
    one, same, other = (fresh(cell, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["weight_ih"], other["weight_ih"])
    assert "weight_hh" not in one or cell.name == "irnn" or not torch.equal(one["weight_hh"], other["weight_hh"])
    assert torch.equal(torch.get_rng_state(), before)


# Relations between cells


def copied(one, other, **more):
    """Return cell ``other`` with the parameters of ``one``, where they have the same name, and ``more``."""
    made = find(other)(3, 5).double()
    parameters = {**dict(one.named_parameters()), **more}
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            parameter.copy_(parameters[name])
    return made


@pytest.mark.parametrize(
    ("general", "special", "off"),
    [
        ("lstm-peephole", "lstm", ("p_i", "p_f", "p_o")),
        ("lstm-cifg", "lstm-coupled", ("p_f", "p_o")),
        ("lstm-fgr", "lstm-peephole", [f"R_{p}{q}" for p in "ifo" for q in "ifo"]),
    ],
)
def test_a_cell_with_more_is_the_one_without_when_that_is_0(general, special, off):
    rich, generator = scrambled(find(general))
    with torch.no_grad():
        for name in off:
            getattr(rich, name).zero_()
    plain, x = copied(rich, special), torch.randn(7, 3, generator=generator, dtype=torch.float64)
    state = random_state(rich, 7, generator=generator)
    one, other = rich.step(x, state, silent), plain.step(x, state, silent)
    for symbol in plain.states:
        torch.testing.assert_close(one[symbol], other[symbol], rtol=1e-12, atol=1e-14)


def test_the_two_grus_differ():
    after, generator = scrambled(find("gru"))
    before, x = copied(after, "gru-cho"), torch.randn(7, 3, generator=generator, dtype=torch.float64)
    state = random_state(after, 7, generator=generator)
    assert ((after.step(x, state, silent).h - before.step(x, state, silent).h).abs() > 1e-3).any()


def test_openais_arrays_fit_the_multiplicative_lstm():
    random = np.random.default_rng(0)
    sizes = {
        "wx": (3, 20),
        "wh": (5, 20),
        "wmx": (3, 5),
        "wmh": (5, 5),
        "b": 20,
        "gx": 20,
        "gh": 20,
        "gmx": 5,
        "gmh": 5,
    }
    a = {name: random.normal(size=size) for name, size in sizes.items()}
    cell = find("mlstm")(3, 5).double()
    cell.load_state_dict({
        "weight_ih": torch.tensor(np.concatenate([a["wx"], a["wmx"]], 1).T),
        "weight_hh": torch.tensor(np.concatenate([a["wh"], a["wmh"]], 1).T),
        "gain_ih": torch.tensor(np.concatenate([a["gx"], a["gmx"]])),
        "gain_hh": torch.tensor(np.concatenate([a["gh"], a["gmh"]])),
        "bias_ih": torch.tensor(a["b"]),
    })  # fmt: skip
    state, (h, c) = cell.start(2), np.zeros((2, 2, 5))
    h += 0.3  # m is 0 where h is
    state = State(h=state.h + 0.3, c=state.c)
    for x in random.normal(size=(6, 2, 3)):
        state = cell.step(torch.tensor(x), state, silent)
        *_, c, h = openai(x, h, c, **a)
        np.testing.assert_allclose(state.h.detach(), h, rtol=1e-10)
        np.testing.assert_allclose(state.c.detach(), c, rtol=1e-10)


def test_the_slstm_is_a_weighted_mean_of_its_candidates():
    """From its definition without a stabiliser: c and n are sums weighted by exponentials."""
    made, generator = scrambled(find("slstm"), scale=0.5)
    state, signals, c, n = made.start(2), [], 0, 0
    for x in torch.randn(12, 2, 3, generator=generator, dtype=torch.float64):
        i, f, z, o = ((x @ made.weight_ih.T + made.bias_ih) + (state.h @ made.weight_hh.T + made.bias_hh)).chunk(4, -1)
        state = made.step(x, state, listen(heard := {}))
        c, n = f.sigmoid() * c + i.exp() * z.tanh(), f.sigmoid() * n + i.exp()
        torch.testing.assert_close(state.h, o.sigmoid() * c / n, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(state.c * state.m.exp(), c, rtol=1e-10, atol=1e-12)
        assert (state.n >= 1).all()
        signals.append(heard)
    assert all((np.maximum(one["i"], one["f"]) == 1).all() for one in signals)


# Errors


def test_an_unknown_cell():
    with pytest.raises(
        rnncore.Error, match=r"no cell 'lstn'; known: elman, elman-layernorm, elman-relu, gru, gru-cho,"
    ):
        find("lstn")


def test_an_unknown_state():
    with pytest.raises(AttributeError, match="no state 'c'; this cell has h"):
        _ = State(h=1).c
