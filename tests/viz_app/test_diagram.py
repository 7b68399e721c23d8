"""The diagram is laid out from the traced equations of any cell: nothing overlaps, nothing is outside."""

from itertools import combinations, pairwise

import numpy as np
import pytest
import torch
from torch import nn

import rnncore
from rnncore.cells import base
from rnncore.cells.base import Cell, State
from rnncore.cells.equations import trace
from viz_app.components import theme
from viz_app.components.diagram import reported
from viz_app.components.diagram.account import account, findings, signed
from viz_app.components.diagram.anatomy import untapped
from viz_app.components.diagram.graph import draw
from viz_app.components.diagram.layout import NARROW, WIDE, layout
from viz_app.components.diagram.place import place

# Cells that nobody has shipped; without a name they are not registered.


class PeepholeCoupled(Cell):
    states, rows = ("h", "c"), ("f", "g", "o")

    def __init__(self, inputs, units):
        super().__init__(inputs, units)
        self.p_f, self.p_o = nn.Parameter(torch.zeros(units)), nn.Parameter(torch.zeros(units))

    def step(self, x, s, tap):
        Wx, Uh = self.project(x, s.h)
        f = tap("f", base.sigmoid(Wx.f + Uh.f + self.p_f * s.c))
        g = tap("g", base.tanh(Wx.g + Uh.g))
        c = tap("c", f * s.c + (1 - f) * g)
        o = tap("o", base.sigmoid(Wx.o + Uh.o + self.p_o * c))
        return State(h=tap("h", o * base.tanh(c)), c=c)


class TwoMemories(Cell):
    states, rows = ("h", "c", "n"), ("i", "f", "z", "o")

    def step(self, x, s, tap):
        Wx, Uh = self.project(x, s.h)
        i = tap("i", torch.exp(Wx.i + Uh.i))
        f = tap("f", base.sigmoid(Wx.f + Uh.f))
        z = tap("z", base.tanh(Wx.z + Uh.z))
        o = tap("o", base.sigmoid(Wx.o + Uh.o))
        c = tap("c", f * s.c + i * z)
        n = tap("n", f * s.n + i)
        return State(h=tap("h", o * (c / n)), c=c, n=n)


class ResetBefore(Cell):
    rows = ("r", "n")

    def step(self, x, s, tap):
        Wx, Uh = self.project(x, s.h)
        r = tap("r", base.sigmoid(Wx.r + Uh.r))
        _, Un = self.project(x, r * s.h)
        return State(h=tap("h", 0.5 * s.h + base.tanh(Wx.n + Un.n)))


CELLS = [*rnncore.cells().values(), PeepholeCoupled, TwoMemories, ResetBefore]
every = pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.__name__)
both = pytest.mark.parametrize("geometry", [WIDE, NARROW], ids=["wide", "narrow"])


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def box(mark):
    return mark.x - mark.width / 2, mark.y - mark.height / 2, mark.x + mark.width / 2, mark.y + mark.height / 2


def segments(net):
    return [segment for path in net.paths for segment in pairwise(path)]


@every
@both
def test_marks_stand_apart_inside_the_body(cell, geometry):
    drawing = layout(trace(cell), geometry)
    boxes = [box(mark) for mark in drawing.marks]
    left, top, right, bottom = drawing.body
    assert boxes
    assert not [pair for pair in combinations(boxes, 2) if overlap(*pair)]
    for x, y, r, b in boxes:
        assert left <= x, "a mark leaves the body"
        assert top <= y
        assert r <= right
        assert b <= bottom


@every
@both
def test_wires_are_orthogonal_and_never_run_on_each_other_or_through_marks(cell, geometry):
    drawing = layout(trace(cell), geometry)
    nets = [net for net in drawing.nets if not net.faint]
    for net in nets:
        ends = {point for path in net.paths for point in (path[0], path[-1])}
        for (ax, ay), (bx, by) in segments(net):
            assert ax == bx or ay == by
            wire = (min(ax, bx), min(ay, by), max(ax, bx) + 0.1, max(ay, by) + 0.1)
            through = [mark for mark in drawing.marks if overlap(wire, box(mark))]
            assert all((mark.x, mark.y) in ends for mark in through), "a wire runs through a mark"
    for one, other in combinations(nets, 2):
        for a, b in ((a, b) for a in segments(one) for b in segments(other)):
            assert collinear(a, b) <= 10, "two values share a wire"


def collinear(a, b):
    """Return over what length two segments lie on each other."""
    for axis in (0, 1):
        across = 1 - axis
        if a[0][across] == a[1][across] == b[0][across] == b[1][across]:
            low = max(min(p[axis] for p in a), min(p[axis] for p in b))
            high = min(max(p[axis] for p in a), max(p[axis] for p in b))
            return high - low
    return 0


@every
@both
def test_labels_cover_nothing(cell, geometry):
    drawing = layout(trace(cell), geometry)
    marks = [box(mark) for mark in drawing.marks]
    labels = [label.box for label in drawing.labels]
    assert not [pair for pair in combinations(labels, 2) if overlap(*pair)]
    assert not [(label, mark) for label in labels for mark in marks if overlap(label, mark)]
    assert all(x >= 0 and y >= 0 and r <= drawing.width and b <= drawing.height for x, y, r, b in labels)


@pytest.mark.parametrize("name", ["lstm", "gru", "elman"])
def test_every_value_on_a_wire_has_its_number(name):
    drawing = layout(trace(rnncore.cells()[name]), WIDE)
    written = {untapped(label.value) for label in drawing.labels if label.value is not None}
    assert {untapped(net.value) for net in drawing.nets if net.value is not None} == written


def test_the_lstm_looks_like_the_textbook():
    graph = draw(trace(rnncore.cells()["lstm"]))
    placed = place(graph, WIDE)
    assert list(graph.rails) == ["c"]
    assert [node.text for node in graph.rails["c"]] == ["c", "×", "+", "c"]
    boxes = sorted((node for node in placed.centres if node.kind == "box"), key=lambda node: placed.centres[node])
    assert [node.text for node in boxes] == ["f", "i", "g", "o"]
    assert len({placed.centres[node][1] for node in boxes}) == 1
    forget = graph.rails["c"][1]
    assert placed.centres[forget][0] == placed.centres[boxes[0]][0], "the forget gate stands under its ×"
    assert placed.rails["c"] < placed.gate < placed.bus
    assert placed.width == WIDE.width


def test_the_gru_carries_h_on_the_rail_and_shows_the_gated_product():
    graph = draw(trace(rnncore.cells()["gru"]))
    assert [node.text for node in graph.rails["h"]] == ["h", "×", "+", "h"]
    candidate = next(node for node in graph.nodes if node.text == "n" and node.kind == "box")
    (gated,) = [wire.source for wire in graph.into(candidate) if not graph.on_bus(wire)]
    assert sorted(wire.source.text for wire in graph.into(gated)) == ["U", "r"]


def test_reset_before_and_after_the_product_look_different():
    graph = draw(trace(ResetBefore))
    candidate = next(node for node in graph.nodes if node.function == "tanh")
    (gated,) = [wire.source for wire in graph.into(candidate) if not graph.on_bus(wire)]
    assert sorted(wire.source.kind for wire in graph.into(gated)) == ["box", "in"]


def test_a_single_layer_is_drawn_open():
    graph = draw(trace(rnncore.cells()["elman"]))
    assert [node.text for node in graph.rails["h"]] == ["h", "U", "+", "tanh", "h"]


def test_what_a_layer_does_not_read_does_not_lead_into_it():
    """The reset gate is all through which a GRU's candidate sees h; in a multiplicative LSTM only m does."""
    graph = draw(trace(rnncore.cells()["gru"]))
    read = {source.text: {node.text for node in targets} for sources, targets in graph.lines() for source in sources}
    assert read == {"h": {"z", "r", "U"}, "x": {"z", "r", "n"}}
    graph = draw(trace(rnncore.cells()["mlstm"]))
    read = {source.text: {node.text for node in targets} for sources, targets in graph.lines() for source in sources}
    assert read == {"h": {"m"}, "x": {"m", "i", "f", "o", "u"}}
    assert len(draw(trace(rnncore.cells()["lstm"])).lines()) == 1


def test_the_stabiliser_of_an_slstm_is_a_rail():
    graph = draw(trace(rnncore.cells()["slstm"]))
    assert list(graph.rails) == ["m", "n", "c"]
    assert [node.text for node in graph.rails["m"]] == ["m", "+", "max", "m"]


def test_gates_that_are_states_have_their_own_line():
    lines = draw(trace(rnncore.cells()["lstm-fgr"])).lines()
    read = [({node.text for node in sources}, {node.text for node in targets}) for sources, targets in lines]
    assert read == [({"h", "x"}, {"i", "f", "g", "o"}), ({"i", "f", "o"}, {"i", "f", "o"})]


@pytest.mark.parametrize("cell", rnncore.cells().values(), ids=lambda cell: cell.name)
def test_the_signals_of_a_cell_have_different_colours(cell):
    for palette in (theme.LIGHT, theme.DARK):
        assert len({palette.signal(symbol) for symbol in cell.signals()}) == len(cell.signals())


def test_two_memories_have_two_rails():
    assert list(draw(trace(TwoMemories)).rails) == ["c", "n"]


def test_a_peephole_is_a_wire_from_the_memory_into_the_gate():
    graph = draw(trace(PeepholeCoupled))
    forget = next(node for node in graph.nodes if node.text == "f")
    assert [wire.source.text for wire in graph.into(forget) if not wire.vector] == ["c"]


# ---- the sum and the sentence ----


def test_the_account_adds_up():
    for name, cell in rnncore.cells().items():
        sums = account(trace(cell))
        assert sums is not None, name
        assert untapped(sums.total).inputs in [(sums.old, sums.new), (sums.new, sums.old)]
    assert account(trace(rnncore.cells()["lstm"])).gate.name == "f"
    assert account(trace(rnncore.cells()["gru"])).words()["new"] == "written (1−z)·n"


def lstm_findings(forget, before, written, tokens='"\n'):
    cell = rnncore.cells()["lstm"]
    sums = account(trace(cell))
    kept = np.array(forget) * np.array(before)
    values = {
        untapped(sums.gate): np.array(forget),
        untapped(sums.before): np.array(before),
        untapped(sums.old): kept,
        untapped(sums.new): np.array(written),
        untapped(sums.after): kept + np.array(written),
    }
    return findings(cell, sums, values, tokens, "")


def test_the_finding_says_what_the_numbers_say():
    overwritten, kept = lstm_findings([0.12, 0.98], [-0.69, 0.83], [0.91, 0.01])
    assert overwritten == 'At “"” the forget gate closes to 0.12: the memory is overwritten with +0.83'
    assert kept == "At the line break the forget gate is open at 0.98: the memory is kept at +0.82"
    faded, turned = lstm_findings([0.5, 0.6], [0.8, -0.5], [0.0, 1.0])
    assert "fades from +0.80 to +0.40" in faded
    assert "turns from −0.50 to +0.70" in turned


def test_signed_numbers_have_a_true_minus_and_zero_has_no_sign():
    assert [signed(value) for value in (0.831, -0.694, -0.001)] == ["+0.83", "−0.69", "0.00"]


def test_a_report_is_believed_only_about_this_scene():
    scene = {"of": "abc", "tokens": ["a", "b"]}
    assert reported({"of": "abc", "t": 1}, scene) == 1
    for report in (None, {"of": "abc", "t": 2}, {"of": "old", "t": 1}, {"of": "abc", "t": "x"}, {"t": 1}):
        assert reported(report, scene) is None
