"""A cell's equations are read off its step: they compute what it computes, and read like the book."""

import pytest
import torch
from torch import nn

import rnncore
from rnncore.cells import base
from rnncore.cells.base import Cell, Gate, State, silent
from rnncore.cells.equations import trace
from rnncore.cells.expression import Expression

INPUTS, UNITS = 5, 7


def sigmoid(z):
    return base.sigmoid(z)


# Cells as someone may add them tomorrow. They are not registered: `name` is given after the class.


class Peephole(Cell):
    states, rows = ("h", "c"), ("i", "f", "g", "o")

    def __init__(self, inputs, units):
        super().__init__(inputs, units)
        self.p_f = nn.Parameter(torch.zeros(units))

    def step(self, x, s, tap):
        Wx, Uh = self.project(x, s.h)
        f = tap("f", sigmoid(Wx.f + Uh.f + self.p_f * s.c))
        g = tap("g", base.tanh(Wx.g + Uh.g))
        c = tap("c", f * s.c + (1 - f) * g)
        o = tap("o", sigmoid(Wx.o + Uh.o + self.p_f * c))
        return State(h=tap("h", o * base.tanh(c)), c=c)


class Normalised(Cell):
    rows = ("h",)

    def __init__(self, inputs, units):
        super().__init__(inputs, units)
        self.scale = nn.LayerNorm(units)

    def normalise(self, z):
        return (z - z.mean(-1, keepdim=True)) / z.std(-1, keepdim=True)

    def step(self, x, s, tap):
        Wx, Uh = self.project(x, s.h)
        return State(h=tap("h", base.tanh(self.normalise(Wx.h + Uh.h) + self.scale(s.h))))


class Multiplicative(Cell):
    rows = ("z", "n")

    def __init__(self, inputs, units):
        super().__init__(inputs, units)
        self.weight_mx = nn.Parameter(torch.zeros(units, inputs))
        self.weight_mh = nn.Parameter(torch.zeros(units, units))

    def step(self, x, s, tap):
        m = tap("m", nn.functional.linear(x, self.weight_mx) * nn.functional.linear(s.h, self.weight_mh))
        Wx, Um = self.project(x, m)
        z = tap("z", sigmoid(Wx.z + Um.z))
        return State(h=tap("h", z * s.h + (1 - z) * torch.exp(-(Wx.n + Um.n) / 2).clamp(max=1.0)))


class ResetBefore(Cell):
    rows = ("r", "n")

    def step(self, x, s, tap):
        Wx, Uh = self.project(x, s.h)
        r = tap("r", sigmoid(Wx.r + Uh.r))
        _, Un = self.project(x, r * s.h)
        return State(h=tap("h", base.tanh(Wx.n + Un.n) - 0.5 * (s.h - 1)))


class Halves(Cell):
    rows = ("h",)

    def step(self, x, s, tap):
        Wx, Uh = self.project(x, s.h)
        swapped = torch.cat([s.h[..., 1:], s.h[..., :1]], -1)
        return State(h=tap("h", base.tanh(Wx.h + Uh.h) * swapped))


TOMORROW = (Halves, Peephole, Normalised, Multiplicative, ResetBefore)


def random_cell(kind):
    cell = kind(INPUTS, UNITS).double()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.normal_(generator=generator)
    x = torch.randn(4, INPUTS, dtype=torch.float64, generator=generator)
    state = {name: torch.randn(4, UNITS, dtype=torch.float64, generator=generator) for name in kind.states}
    return cell, x, state


@pytest.mark.parametrize("kind", [*rnncore.cells().values(), *TOMORROW])
def test_the_traced_expressions_compute_the_step(kind):
    cell, x, state = random_cell(kind)
    tapped = {}
    with torch.no_grad():
        after = cell.step(x, State(**state), lambda symbol, value: tapped.setdefault(symbol, value))

    equations = trace(cell)
    values = equations.evaluate(cell, x, state)

    assert equations.signals == tuple(tapped)
    for equation in equations:
        assert torch.equal(values[equation.tap], tapped[equation.symbol]), equation.symbol
    for symbol, expression in equations.state.items():
        assert torch.equal(values[expression], after[symbol])


@pytest.mark.parametrize("kind", [*rnncore.cells().values()])
def test_signals_of_the_class_are_those_of_the_equations(kind):
    assert trace(kind).signals == kind.signals()


def test_a_trace_of_the_class_serves_every_cell_of_the_kind():
    cell, x, state = random_cell(rnncore.cells()["lstm"])
    equations = trace(type(cell))
    h = equations.evaluate(cell, x, state)[equations.state["h"]]
    assert torch.equal(h, cell.step(x, State(**state), silent).h)


LATEX = {
    "elman": [r"h_t = \tanh(W x_t + b + U h_{t-1} + d)"],
    "elman-relu": [r"h_t = \operatorname{relu}(W x_t + b + U h_{t-1} + d)"],
    "lstm": [
        r"i_t = \sigma(W_i x_t + b_i + U_i h_{t-1} + d_i)",
        r"f_t = \sigma(W_f x_t + b_f + U_f h_{t-1} + d_f)",
        r"g_t = \tanh(W_g x_t + b_g + U_g h_{t-1} + d_g)",
        r"o_t = \sigma(W_o x_t + b_o + U_o h_{t-1} + d_o)",
        r"c_t = f_t \odot c_{t-1} + i_t \odot g_t",
        r"h_t = o_t \odot \tanh(c_t)",
    ],
    "gru": [
        r"r_t = \sigma(W_r x_t + b_r + U_r h_{t-1} + d_r)",
        r"z_t = \sigma(W_z x_t + b_z + U_z h_{t-1} + d_z)",
        r"n_t = \tanh(W_n x_t + b_n + r_t \odot (U_n h_{t-1} + d_n))",
        r"h_t = (1 - z_t) \odot n_t + z_t \odot h_{t-1}",
    ],
}


@pytest.mark.parametrize("name", LATEX)
def test_latex_of_the_shipped_cells(name):
    assert [equation.latex() for equation in trace(rnncore.cells()[name])] == LATEX[name]


def test_latex_of_cells_to_come():
    f, g, c, _, _ = (equation.latex() for equation in trace(Peephole))
    assert f == r"f_t = \sigma(W_f x_t + b_f + U_f h_{t-1} + d_f + p_f \odot c_{t-1})"
    assert g.startswith(r"g_t = \tanh")
    assert c == r"c_t = f_t \odot c_{t-1} + (1 - f_t) \odot g_t"
    (h,) = trace(Normalised)
    assert h.latex() == (
        r"h_t = \tanh(\operatorname{normalise}(W x_t + b + U h_{t-1} + d) + \operatorname{scale}(h_{t-1}))"
    )
    _, h = trace(ResetBefore)
    assert h.latex() == (r"h_t = \tanh(W_n x_t + b_n + U_n (r_t \odot h_{t-1}) + d_n) - 0.5 \cdot (h_{t-1} - 1)")
    m = trace(Multiplicative)[0]
    assert m.latex().startswith(r"m_t = \operatorname{linear}(x_t")


@pytest.mark.parametrize("kind", rnncore.cells().values())
def test_ranges_claimed_by_gates_follow_from_the_outermost_function(kind):
    claimed = {gate.symbol: (gate.low, gate.high) for gate in kind.gates}
    for equation in trace(kind):
        if equation.symbol in claimed:
            assert equation.expression.range({}) == claimed[equation.symbol]


def test_range_of_arithmetic():
    equations = trace(Peephole)
    known = {"f": (0.0, 1.0), "g": (-1.0, 1.0), "c": None}
    written = equations[2].expression.inputs[1]
    assert written.inputs[0].range(known) == (0, 1)
    assert written.range(known) == (-1, 1)
    assert equations[2].expression.range(known) is None
    assert Gate("f", "forget gate", 0, 1).high == written.inputs[0].range({})[1]


def test_a_symbol_says_what_it_cannot_do():
    x = Expression("input", name="x")
    with pytest.raises(AttributeError, match="whole vectors"):
        x.shape  # noqa: B018


def test_a_step_that_symbols_cannot_follow_is_kept_whole():
    equations = trace(Halves)
    assert equations[0].latex() == r"h_t = \operatorname{step}(x_t, h_{t-1})"
    assert equations.signals == ("h",)
