"""Numbers and words beside the wires, where they cover nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from rnncore.cells.expression import Expression
from viz_app.components.diagram.graph import Graph, Node
from viz_app.components.diagram.place import Box, Geometry
from viz_app.components.diagram.route import Point

if TYPE_CHECKING:
    from viz_app.components.diagram.layout import Drawing

HEIGHT, WORD, LETTER = 20, 17, 6.4
"""Height of a number and of a word over it, width of a word's letter."""


@dataclass(frozen=True)
class Label:
    """A number (``value``), a ``word``, a state's ``symbol`` or the ``input``, anchored at its baseline."""

    x: float
    y: float
    anchor: str
    kind: str
    text: str
    value: Expression | None
    box: Box


class Writer:
    """Finds a free place for each label.

    Parameters
    ----------
    marks : list of Box
        What must stay visible.
    """

    def __init__(self, drawing: Drawing, geometry: Geometry, marks: list[Box]) -> None:
        self.drawing, self.geometry = drawing, geometry
        segments = [(a, b) for net in drawing.nets for path in net.paths for a, b in pairwise(path)]
        wires = [(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1])) for a, b in segments]
        self.wires = [(x - 5, y - 5, r + 5, b + 5) for x, y, r, b in wires]
        self.taken = [(x - 3, y - 3, r + 3, b + 3) for x, y, r, b in marks]
        self.labels: list[Label] = []

    def write(
        self,
        graph: Graph,
        at: Mapping[Node, Point],
        paths: Mapping[Node, list[list[Point]]],
        symbols: Mapping[Expression, str],
        words: Mapping[Node, str],
        onward: str,
        branch: int,
    ) -> list[Label]:
        """Return all labels: those of the states at their edges, then one for each number on its way."""
        after = {graph.into(node)[0].source for node in graph.nodes if node.kind == "out"}
        rails = set() if graph.opened else set(graph.rails)
        for node in graph.nodes:
            if node.kind in ("in", "out"):
                self._port(node, at[node], rails)
        x, y = self.drawing.junction[0], self.drawing.height
        self._put(x + 12, y - 6, "start", "input", "x", None, 60)
        if self.geometry.words:
            self._put(branch - 8, 18, "end", "word", onward, None, LETTER * len(onward))
        for node, ways in paths.items():
            whole = all(wire.vector for wire in graph.wires if wire.source is node)
            if node.kind not in ("in", "input") and node not in after and not whole:
                self._beside(node, at[node], ways, words.get(node, "") if self.geometry.words else "")
        return self.labels

    def _port(self, node: Node, point: Point, rails: set[str]) -> None:
        x, y = point
        first, anchor = node.kind == "in", "start" if node.kind == "in" else "end"
        x = x + (4 if first else -4)
        name = "output" if node.text == "h" and "h" not in rails else "memory" if node.text in rails else "state"
        when = " before" if first else " after" if name != "output" else ""
        self._put(x, y - 20, anchor, "value", "", node.value, 6 * self.geometry.digit)
        if self.geometry.words:
            self._put(x, y - 39, anchor, "word", name + when, None, LETTER * len(name + when))
        self._put(x, y + 27, anchor, "symbol", node.text, None, 20)

    def _put(
        self, x: float, y: float, anchor: str, kind: str, text: str, value: Expression | None, width: float
    ) -> None:
        left = x - {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor] * width
        box = (left, y - 15, left + width, y + 4)
        self.labels.append(Label(x, y, anchor, kind, text, value, box))
        self.taken.append(box)

    def _beside(self, node: Node, at: Point, ways: list[list[Point]], word: str) -> None:
        digits = 4 if node.value.range({}) == (0, 1) else 5
        number = digits * self.geometry.digit
        (x, y), (_, high) = at, self.geometry.size(node)
        over = [(x, y - high / 2 - 8, "middle", True), (x, y + high / 2 + 20, "middle", not word)]
        for x, y, anchor, stacked in (*_places(ways), *over):
            width = max(number, LETTER * len(word)) if stacked else number + bool(word) * (14 + LETTER * len(word))
            height = HEIGHT + WORD * bool(word and stacked)
            left = x - {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor] * width
            if self._free((left, y - height + 4, left + width, y + 4)):
                if word and not stacked and anchor == "middle":
                    x, anchor = x + width / 2, "end"
                self._put(x, y, anchor, "value", "", node.value, number)
                if word and stacked:
                    self._put(x, y - 19, anchor, "word", word, None, LETTER * len(word))
                elif word:
                    side = number + 10 if anchor == "start" else -number - 10
                    self._put(x + side, y, anchor, "word", word, None, LETTER * len(word))
                return

    def _free(self, box: Box) -> bool:
        left, top, right, bottom = box
        if left < 2 or top < 2 or right > self.drawing.width - 2 or bottom > self.drawing.height - 2:
            return False
        return not any(_overlap(box, other) for other in (*self.taken, *self.wires))


def _places(ways: list[list[Point]]) -> Iterator[tuple[float, float, str, bool]]:
    """Yield baselines along a net's wires: x, y, anchor, and whether a word stands over the number."""
    segments = [(a, b) for path in ways for a, b in pairwise(path)]
    for (ax, ay), (bx, by) in segments:
        length = abs(ax - bx) + abs(ay - by)
        spots = [0.5] if length < 60 else [0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8]
        for part in spots:
            x, y = ax + part * (bx - ax), ay + part * (by - ay)
            if ay == by:
                yield x, y - 11, "middle", True
                yield x, y + 24, "middle", False
            else:
                for shift in (6, 0, 14, -8, 22):
                    yield x + 10, y + shift, "start", False
                    yield x - 10, y + shift, "end", False


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
