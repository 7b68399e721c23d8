"""From a cell's equations to a drawing: marks, wires and labels with their positions; a pure function."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

from rnncore.cells.equations import Equations
from rnncore.cells.expression import Expression
from viz_app.components.diagram.anatomy import untapped
from viz_app.components.diagram.graph import Graph, Node, draw
from viz_app.components.diagram.labels import Label, Writer
from viz_app.components.diagram.place import LINE, NARROW, WIDE, Box, Geometry, Placement, place
from viz_app.components.diagram.route import Point, Router

__all__ = ["NARROW", "WIDE", "Drawing", "layout"]

ROOM = (0, 10, 20, 40)
"""How much farther apart marks are set, in turn, until every wire finds its way."""


@dataclass(frozen=True)
class Mark:
    """A box, circle or pill: its centre, size and inscription. ``signal`` is the symbol it computes, or ""."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    text: str
    below: str
    function: str
    signal: str


@dataclass(frozen=True)
class Net:
    """All wires that carry one value; None if they carry a whole vector. ``faint``: to what comes after."""

    value: Expression | None
    paths: list[list[Point]]
    faint: bool = False


@dataclass
class Drawing:
    """The picture: ``body`` is the cell's ground; ``junction`` is where the input joins."""

    width: int
    height: int
    body: Box
    junction: Point
    marks: list[Mark] = field(default_factory=list)
    nets: list[Net] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)

    def plain(self, number: dict[Expression, int]) -> dict[str, Any]:
        """Return the drawing as JSON-able data, expressions replaced by their ``number``."""

        def index(value: Expression | None) -> int:
            return -1 if value is None else number[untapped(value)]

        return {
            "width": self.width,
            "height": self.height,
            "body": self.body,
            "junction": self.junction,
            "marks": [asdict(mark) for mark in self.marks],
            "nets": [{"value": index(n.value), "paths": n.paths, "faint": n.faint} for n in self.nets],
            "labels": [
                {**{k: getattr(label, k) for k in ("x", "y", "anchor", "kind", "text")}, "value": index(label.value)}
                for label in self.labels
            ],
        }

    def values(self) -> list[Expression]:
        """Return every expression whose number the drawing shows."""
        shown = [item.value for item in (*self.nets, *self.labels) if item.value is not None]
        return list(dict.fromkeys(untapped(value) for value in shown))


def layout(equations: Equations, geometry: Geometry = WIDE, onward: str = "to the prediction") -> Drawing:
    """Lay out a cell of any kind.

    Parameters
    ----------
    geometry : Geometry
        ``WIDE`` for a page, ``NARROW`` for a phone.
    onward : str
        What h goes to besides the next step.
    """
    graph = draw(equations)
    for room in ROOM:
        painter = _Painter(equations, graph, place(graph, geometry, room), geometry, onward)
        if not painter.router.lost:
            break
    return painter.drawing


class _Painter:
    def __init__(self, equations: Equations, graph: Graph, placed: Placement, geometry: Geometry, onward: str) -> None:
        self.graph, self.placed, self.geometry = graph, placed, geometry
        self.symbols = {untapped(line.tap): line.symbol for line in equations}
        self.lines = graph.lines()
        self.at = dict(placed.centres)
        self.rail_of = {node: state for state, rail in graph.rails.items() for node in rail}
        self.branch = placed.right - 10
        self.paths: dict[Node, list[list[Point]]] = {}
        self._ports()
        self.top = 30 if placed.rails else 20
        self.junction = (placed.left + (40 if geometry.words else 24) // 10 * 10, placed.bus)
        if graph.opened:  # the input goes straight to its weights
            weights = next(wire.target for wire in graph.wires if wire.source.kind == "input")
            self.junction = (self.at[weights][0], placed.bus)
        bounds = (placed.left + 10, self.top, placed.right, self.height - 30)
        boxes = {node: placed.box(node, geometry) for node in placed.centres}
        grown = [(node, (a - 12, b - 12, c + 12, d + 12)) for node, (a, b, c, d) in boxes.items()]
        self.router = Router(bounds, grown)
        body = (placed.left, self.top, placed.right, self.height - 30)
        self.drawing = Drawing(placed.width, self.height, body, self.junction)
        self.bus: list[list[list[Point]]] = []
        self._rails()
        self._bus()
        self._wires()
        self._onward()
        self._marks()
        self._nets()
        self.drawing.labels = Writer(self.drawing, geometry, list(boxes.values())).write(
            graph, self.at, self.paths, self.symbols, self._words(), onward, self.branch
        )

    def _ports(self) -> None:
        """Put states before at the left edge and after at the right one, on their rails or at the bottom."""
        free = [node.text for node in self.graph.nodes if node.kind == "out" and node not in self.rail_of]
        free.sort(key=lambda state: state != self.graph.bus)
        below = self.placed.bus + LINE * max(0, len(self.lines) - 1)
        first = self.graph.bus in free
        row = {state: below + (90 if self.geometry.words else 70) * (n + 1 - first) for n, state in enumerate(free)}
        row |= {self.graph.bus: self.placed.bus} if first else {}
        row |= self.placed.rails
        self.height = max([below, *row.values()]) + 70
        for node in self.graph.nodes:
            if node.kind in ("in", "out"):
                self.at[node] = (0 if node.kind == "in" else self.placed.width, row[node.text])

    def _add(self, node: Node, points: list[Point]) -> None:
        self.paths.setdefault(node, []).append(points)
        self.router.lay(node, points)

    def _rails(self) -> None:
        for rail in self.graph.rails.values():
            for a, b in pairwise(rail):
                self._add(a, [self.at[a], self.at[b]])

    def _bus(self) -> None:
        """Lead x and the states that are read under the row of gates, and up into each of them."""
        jx, bus = self.junction
        for n, (sources, targets) in enumerate(self.lines):
            y = bus + LINE * n
            paths = [[(jx, y), (max(self._foot(target, n)[0] for target in targets), y)]]
            for target in targets:
                x, foot = self._foot(target, n)
                paths.append([(x, y), (x, foot)])
            for source in sources:
                if source.kind == "input":
                    paths.append([(jx, self.height - 4), (jx, y)])
                elif source in self.rail_of:
                    bx = self.placed.left + 20 if self.geometry.words else self.placed.left
                    self._add(source, [(bx, self.at[source][1]), (bx, y), (jx, y)])
                elif self.at[source][1] == y:
                    self._add(source, [self.at[source], (jx, y)])
                else:
                    row = (jx - 10, self.at[source][1])
                    self._add(source, [self.at[source], row])
                    paths.append([row, (jx - 10, y), (jx, y)])
            self.bus.append(paths)
            for points in paths:
                self.router.lay(("bus", n), points)

    def _foot(self, target: Node, line: int) -> Point:
        """Return where a line of the bus enters a mark from below: in its middle, or beside the other lines."""
        (x, y), (_, height) = self.at[target], self.geometry.size(target)
        entering = [n for n, (_, targets) in enumerate(self.lines) if target in targets]
        return x + 20 * entering.index(line) - 10 * (len(entering) - 1), round(y + height / 2)

    def _wires(self) -> None:
        """Route everything else, short ways first."""
        done = {(a, b) for rail in self.graph.rails.values() for a, b in pairwise(rail)}
        rest = [w for w in self.graph.wires if not self.graph.on_bus(w) and (w.source, w.target) not in done]
        for node in self.graph.nodes:
            if node.kind == "input":
                self.at[node] = (self.junction[0], self.height - 4)

        def distance(wire: Any) -> float:
            (ax, ay), (bx, by) = self.at[wire.source], self.at[wire.target]
            return abs(ax - bx) + abs(ay - by)

        for wire in sorted(rest, key=distance):
            end = self.at[wire.target]
            out = wire.target.kind == "out"
            end = (self.branch, end[1]) if out else end
            starts = [self.at[wire.source], *self.router.cells(wire.source)]
            if wire.source.kind in ("in", "input"):
                starts = starts[1:] or starts
            own = {wire.source, wire.target}
            points = self.router.route(wire.source, starts, end, own, down=out)
            if out:
                points = [*points, (self.placed.width, end[1])]
            self.paths.setdefault(wire.source, []).append(points)

    def _onward(self) -> None:
        """Send h up to the prediction, or to the next layer."""
        h = next(node for node in self.graph.nodes if node.kind == "out" and node.text == "h")
        source = self.graph.into(h)[0].source
        points = [(self.branch, self.at[h][1]), (self.branch, 4)]
        self.router.lay(source, points)
        self.drawing.nets.append(Net(source.value, [points], faint=True))

    def _marks(self) -> None:
        for node in self.placed.centres:
            (x, y), (w, h) = self.at[node], self.geometry.size(node)
            signal = self.symbols.get(untapped(node.value), "")
            text = node.text if node.kind != "box" or node.text else ""
            mark = Mark(node.kind, x, y, w, h, text, node.below, node.function, signal)
            self.drawing.marks.append(mark)

    def _nets(self) -> None:
        self.drawing.nets += [Net(None, paths) for paths in self.bus]
        for node, paths in self.paths.items():
            whole = all(wire.vector for wire in self.graph.wires if wire.source is node)
            value = None if node.kind == "input" or (whole and node.kind == "box") else node.value
            self.drawing.nets.append(Net(value, paths))

    def _words(self) -> dict[Node, str]:
        """Name the two parts of a sum that carries a state: what is kept of it and what is written to it."""
        words: dict[Node, str] = {}
        for rail in self.graph.rails.values():
            sums = [(a, b) for a, b in pairwise(rail) if b.text in ("+", "−") and len(self.graph.into(b)) == 2]
            if len(sums) == 1 and all(node.text != "max" for node in rail):
                before, total = sums[0]
                (other,) = [w.source for w in self.graph.into(total) if w.source is not before]
                if self.graph.opened:
                    return {before: "from the old state", other: "from the input"}
                words |= {before: "kept", other: "written" if total.text == "+" else "taken"}
        return words
