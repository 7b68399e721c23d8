"""Where the marks of a diagram stand.

States that are carried by arithmetic run along rails at the top; learned layers stand in one row below, in
the order in which they are needed; between the two, each part of a rail hangs together like a tree over
its leaves. What reads the state enters from the bus at the bottom.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from viz_app.components.diagram.graph import Graph, Node

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Geometry:
    """Sizes, in units of the drawing. ``width`` is the least width of the whole; gaps grow to fill it."""

    width: int
    box: tuple[int, int]
    small: tuple[int, int]
    circle: int
    pill: tuple[int, int]
    gap: int
    margin: int
    body: int
    digit: float
    words: bool

    def size(self, node: Node) -> tuple[float, float]:
        """Return a mark's width and height."""
        if node.kind == "circle":
            side = self.circle + 7 * (len(node.text) - 1)
            return side, self.circle
        if node.kind == "pill":
            return max(self.pill[0], 20 + 9 * len(node.text)), self.pill[1]
        if node.kind == "box":
            width, height = self.small if is_small(node) else self.box
            return width + 7 * max(0, len(node.text) - 1), height
        return 0, 0


LINE = 30
"""Distance between lines of the bus."""

WIDE = Geometry(800, (72, 48), (46, 30), 34, (70, 36), 44, 90, 44, 9.8, True)
NARROW = Geometry(440, (46, 46), (38, 28), 30, (52, 30), 24, 54, 26, 9.4, False)


def is_small(node: Node) -> bool:
    """Tell whether a box is a bare row of weights inside another layer."""
    return node.kind == "box" and not node.function and (bool(node.below) or node.text in ("U", "W", ""))


@dataclass
class Placement:
    """Centres of all marks, and the heights of the rows."""

    centres: dict[Node, tuple[int, int]]
    rails: dict[str, int]
    gate: int
    bus: int
    left: int
    right: int
    width: int
    height: int

    def box(self, node: Node, geometry: Geometry) -> Box:
        """Return a mark's left, top, right and bottom."""
        (x, y), (w, h) = self.centres[node], geometry.size(node)
        return x - w / 2, y - h / 2, x + w / 2, y + h / 2


def place(graph: Graph, geometry: Geometry, room: int = 0) -> Placement:
    """Return where every mark stands: as wide as the geometry asks for, wider only if there is more to show.

    Marks stand at least ``room`` farther apart than the geometry asks for.
    """
    least = geometry.gap + room
    levels = _Placer(graph, geometry, least, 0).levels
    best = _Placer(graph, geometry, least, levels).placement
    for gap in range(least + 10, 2 * geometry.gap + 30, 10):
        wider = _Placer(graph, geometry, gap, levels).placement
        if wider.width > geometry.width:
            break
        best = wider
    spare = _tens((geometry.width - best.width) / 2 - 9) if best.width < geometry.width else 0
    best.centres = {node: (x + spare, y) for node, (x, y) in best.centres.items()}
    best.left, best.right = best.left + spare, best.right + spare
    best.width = max(best.width, geometry.width)
    return best


class _Placer:
    """Places all marks, given how many rows there are between rails and gates; counts how many are needed."""

    def __init__(self, graph: Graph, geometry: Geometry, gap: int, levels: int) -> None:
        self.graph, self.geometry, self.gap = graph, geometry, gap
        self.on_rail = {node for rail in graph.rails.values() for node in rail}
        self.centres: dict[Node, tuple[int, int]] = {}
        self.edge: float = geometry.margin + geometry.body
        self.rails = {state: 80 + 90 * n for n, state in enumerate(graph.rails)}
        self.last = max(self.rails.values(), default=20)
        self.gate = self.last + 80 + 90 * levels
        self.levels = 0
        below = any(is_small(node) for node in graph.nodes)
        self.bus = self.gate + (40 if graph.opened else 120 if below else 90)
        self._rails()
        self._rest()
        right = max((x + geometry.size(node)[0] / 2 for node, (x, _) in self.centres.items()), default=0)
        right = _tens(right + geometry.body)
        width, height = right + geometry.margin, self.bus + 70
        self.placement = Placement(self.centres, self.rails, self.gate, self.bus, geometry.margin, right, width, height)

    def _sources(self, node: Node) -> list[Node]:
        """Return what has to be placed for a mark: all that enters it but states, inputs and rails."""
        wires = (wire for wire in self.graph.into(node) if not self.graph.on_bus(wire))
        return [w.source for w in wires if w.source.kind not in ("in", "input") and w.source not in self.on_rail]

    def _slot(self, node: Node, y: int) -> int:
        """Give a mark the next place in its row."""
        width = self.geometry.size(node)[0]
        x = _tens(self.edge + width / 2)
        self.edge = x + width / 2 + self.gap
        self.centres[node] = (x, y)
        return x

    def _settle(self, node: Node, x: float, y: int, step: int = 10) -> int:
        """Put a mark at x, or as near beside it as there is room."""
        w, h = self.geometry.size(node)
        at = _tens(x)
        while any(
            abs(at - ox) < (w + self.geometry.size(other)[0]) / 2 + 16
            and abs(y - oy) < (h + self.geometry.size(other)[1]) / 2 + 12
            for other, (ox, oy) in self.centres.items()
        ):
            at += step
        self.centres[node] = (at, y)
        return at

    def _rails(self) -> None:
        for state, rail in self.graph.rails.items():
            y, least = self.rails[state], self.geometry.margin + self.geometry.body
            for node in rail[1:-1]:
                if node in self.centres:
                    continue
                xs = [x for part in self._sources(node) if (x := self._tree(part, 1)) is not None]
                if self.graph.opened and not xs:
                    self._slot(node, y)
                    continue
                x = max(sum(xs) / len(xs) if xs else least, least)
                x = self._settle(node, x, y)
                self._hang(node, x, self.last, 1)
                least = x + 80
                self.edge = max(self.edge, x - 30)

    def _tree(self, node: Node, level: int) -> float | None:
        """Place a mark over its leaves; return its x, None if all its leaves stand elsewhere."""
        if node in self.centres:
            return None
        if node.kind == "box":
            return self._box(node)
        xs = [x for part in self._sources(node) if (x := self._tree(part, level + 1)) is not None]
        if not xs:
            return None
        y = self._row(level)
        x = self._settle(node, sum(xs) / len(xs), y)
        self._hang(node, x, y)
        return x

    def _row(self, level: int) -> int:
        """Return the height of a row between the rails and the gates, and note that it is needed."""
        self.levels = max(self.levels, level)
        return self.last + 90 * level

    def _hang(self, node: Node, x: float, y: int, level: int = 0) -> None:
        """Place what enters a mark but owns no column: to the left of it, or ``level`` rows below its rail."""
        for part in self._sources(node):
            if part in self.centres:
                continue
            height = self._row(level) if level else y
            half = self.geometry.size(part)[0] / 2
            known = [self.centres[source][0] for source in self._sources(part) if source in self.centres]
            clear = max((column + half + 16 for column in known), default=0)
            beside = x - self.geometry.size(node)[0] / 2 - half - self.gap
            at = self._settle(part, max(beside // 10 * 10, clear), height)
            self._hang(part, at, height)

    def _box(self, node: Node) -> int:
        """Place a learned layer in the row of gates, what enters it from other gates to its left."""
        for part in self._sources(node):
            self._before(part)
        return self._slot(node, self.gate)

    def _before(self, node: Node) -> None:
        if node in self.centres:
            return
        parts = self._sources(node)
        for part in parts:
            if not is_small(part):
                self._before(part)
        if node.kind == "box":
            self._slot(node, self.gate)
            return
        x = self._slot(node, self.gate)
        for part in parts:
            if part not in self.centres:
                self._settle(part, x, self.gate + 60)

    def _rest(self) -> None:
        for out in (node for node in self.graph.nodes if node.kind == "out"):
            self._result(self.graph.into(out)[0].source)
        for node in self.graph.nodes:
            if node.kind not in ("in", "out", "input"):
                self._result(node)

    def _result(self, node: Node) -> None:
        """Place what makes a state that has no rail: in the row of gates, fed from the rails above it."""
        if node in self.centres or node.kind in ("in", "input"):
            return
        if node.kind == "box":
            self._box(node)
            return
        above = [part for part in self._sources(node) if part not in self.centres]
        for part in [part for part in above if self._owns_box(part)]:
            self._result(part)
            above.remove(part)
        x = self._slot(node, self.gate)
        for part in above:
            if part not in self.centres:
                y = self._row(1) if self.rails else self.gate - 60
                self._hang(part, self._settle(part, x, y), y)

    def _owns_box(self, node: Node) -> bool:
        if node in self.centres:
            return False
        return node.kind == "box" or any(self._owns_box(part) for part in self._sources(node))


def _tens(value: float) -> int:
    return 10 * math.ceil(value / 10 - 1e-9)
