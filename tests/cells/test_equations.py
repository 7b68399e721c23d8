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
        self.W_mx = nn.Parameter(torch.zeros(units, inputs))
        self.W_mh, self.b = nn.Parameter(torch.zeros(units, units)), nn.Parameter(torch.zeros(units))

    def step(self, x, s, tap):
        m = tap("m", nn.functional.linear(x, self.W_mx) * nn.functional.linear(s.h, self.W_mh, self.b))
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


def lines(**equations):
    """Return equations as LaTeX, from what stands right of the sign."""
    return [f"{symbol}_t = {right}" for symbol, right in equations.items()]


def gate(q, function=r"\sigma", more=""):
    return rf"{function}(W_{q} x_t + b_{q} + U_{q} h_{{t-1}} + d_{q}{more})"


def peephole(q, when="{t-1}", more=""):
    return gate(q, more=rf" + p_{q} \odot c_{when}{more}")


def seen(q):
    """What a gate sees of the gates before."""
    return "".join(rf" + R_{{\mathrm{{{p}{q}}}}} {p}_{{t-1}}" for p in "ifo")


def normal(q):
    return rf"\operatorname{{LN}}(W_{q} x_t) + \operatorname{{LN}}(U_{q} h_{{t-1}})"


def read(q):
    return f"W_{q} x_t + b_{q}"


I, F, O = (peephole(q, when) for q, when in (("i", "{t-1}"), ("f", "{t-1}"), ("o", "t")))  # noqa: E741
G = gate("g", r"\tanh")
C, H = r"f_t \odot c_{t-1} + i_t \odot g_t", r"o_t \odot \tanh(c_t)"
COUPLED = r"f_t \odot c_{t-1} + (1 - f_t) \odot g_t"
RELU = r"\operatorname{relu}(W x_t + b + U h_{t-1} + d)"
KEEP = r"\log\sigma(W_f x_t + b_f + U_f h_{t-1} + d_f) + m_{t-1}"
WRITE = "W_i x_t + b_i + U_i h_{t-1} + d_i"

LATEX = {
    "elman": lines(h=r"\tanh(W x_t + b + U h_{t-1} + d)"),
    "elman-relu": lines(h=RELU),
    "irnn": lines(h=RELU),
    "elman-layernorm": lines(h=r"\tanh(\operatorname{LN}(W x_t + U h_{t-1}))"),
    "gru": lines(
        r=gate("r"),
        z=gate("z"),
        n=r"\tanh(W_n x_t + b_n + r_t \odot (U_n h_{t-1} + d_n))",
        h=r"(1 - z_t) \odot n_t + z_t \odot h_{t-1}",
    ),
    "gru-cho": lines(
        r=gate("r"),
        z=gate("z"),
        n=r"\tanh(W_n x_t + b_n + U_n (r_t \odot h_{t-1}) + d_n)",
        h=r"(1 - z_t) \odot n_t + z_t \odot h_{t-1}",
    ),
    "min-gru": lines(z=rf"\sigma({read('z')})", n=read("n"), h=r"(1 - z_t) \odot h_{t-1} + z_t \odot n_t"),
    "lstm": lines(i=gate("i"), f=gate("f"), g=G, o=gate("o"), c=C, h=H),
    "lstm-peephole": lines(i=I, f=F, g=G, c=C, o=O, h=H),
    "lstm-coupled": lines(f=gate("f"), g=G, o=gate("o"), c=COUPLED, h=H),
    "lstm-layernorm": lines(
        i=rf"\sigma({normal('i')})",
        f=rf"\sigma({normal('f')})",
        g=rf"\tanh({normal('g')})",
        o=rf"\sigma({normal('o')})",
        c=C,
        h=r"o_t \odot \tanh(\operatorname{LN}(c_t))",
    ),
    "lstm-nig": lines(f=F, g=G, c=r"f_t \odot c_{t-1} + g_t", o=O, h=H),
    "lstm-nfg": lines(i=I, g=G, c=r"c_{t-1} + i_t \odot g_t", o=O, h=H),
    "lstm-nog": lines(i=I, f=F, g=G, c=C, h=r"\tanh(c_t)"),
    "lstm-niaf": lines(i=I, f=F, g=f"{read('g')} + U_g h_{{t-1}} + d_g", c=C, o=O, h=H),
    "lstm-noaf": lines(i=I, f=F, g=G, c=C, o=O, h=r"o_t \odot c_t"),
    "lstm-cifg": lines(f=F, g=G, c=COUPLED, o=O, h=H),
    "lstm-fgr": lines(
        i=peephole("i", more=seen("i")), f=peephole("f", more=seen("f")), g=G, c=C, o=peephole("o", "t", seen("o")), h=H
    ),
    "mlstm": lines(
        m=r"W_m x_t \odot U_m h_{t-1}",
        i=rf"\sigma({read('i')} + U_i m_t)",
        f=rf"\sigma({read('f')} + U_f m_t)",
        o=rf"\sigma({read('o')} + U_o m_t)",
        u=rf"\tanh({read('u')} + U_u m_t)",
        c=r"f_t \odot c_{t-1} + i_t \odot u_t",
        h=H,
    ),
    "min-lstm": lines(
        f=rf"\sigma(\log\sigma({read('f')}) - \log\sigma({read('i')}))",
        i="1 - f_t",
        g=read("g"),
        h=r"f_t \odot h_{t-1} + i_t \odot g_t",
    ),
    "slstm": lines(
        m=rf"\max({KEEP}, {WRITE})",
        i=rf"\exp({WRITE} - m_t)",
        f=rf"\exp({KEEP} - m_t)",
        z=gate("z", r"\tanh"),
        o=gate("o"),
        c=r"f_t \odot c_{t-1} + i_t \odot z_t",
        n=r"f_t \odot n_{t-1} + i_t",
        h=r"o_t \odot c_t / n_t",
    ),
}


@pytest.mark.parametrize("name", rnncore.cells())
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
    assert m.latex() == r"m_t = W_{\mathrm{mx}} x_t \odot (W_{\mathrm{mh}} h_{t-1} + b)"


@pytest.mark.parametrize("kind", rnncore.cells().values())
def test_ranges_claimed_by_gates_follow_from_the_outermost_function(kind):
    """But for the sLSTM's exponentials, which the stabiliser keeps below 1."""
    stabilised = {("slstm", "i"), ("slstm", "f")}
    for equation in trace(kind):
        if equation.symbol in {gate.symbol for gate in kind.gates} and (kind.name, equation.symbol) not in stabilised:
            assert equation.expression.range({}) == kind.ranges()[equation.symbol]


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
