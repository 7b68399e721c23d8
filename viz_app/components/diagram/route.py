"""Orthogonal wires between marks: the cheapest way over a grid, round every mark, with few bends.

Wires of one *net* carry the same value and may share their way; wires of different nets may cross, but
never run on top of each other and never through a mark they do not belong to.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from itertools import pairwise

STEP = 10
"""Width of the grid's cells, in the drawing's units. Every mark is centred on the grid."""

_BEND, _CROSSING, _CLOSE, _BRANCH = 3.0, 6.0, 1.5, 1.0

Point = tuple[int, int]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


class Router:
    """Keeps what lies where, and finds ways between.

    Parameters
    ----------
    bounds : Box
        No wire leaves it.
    marks : iterable of (key, Box)
        What wires have to go round.
    """

    def __init__(self, bounds: Box, marks: Iterable[tuple[object, Box]]) -> None:
        self.bounds = bounds
        self.inside: dict[Point, set[object]] = {}
        for key, box in marks:
            for cell in _cells(box):
                self.inside.setdefault(cell, set()).add(key)
        self.used: dict[Point, dict[object, set[int]]] = {}
        self.lost = False  # whether a wire found no way

    def lay(self, net: object, points: list[Point]) -> None:
        """Put a wire of known corners into the grid."""
        cells = [cell for a, b in pairwise(points) for cell in _line(a, b)]
        self._mark(net, cells)

    def route(self, net: object, starts: Iterable[Point], end: Point, own: set[object], down: bool) -> list[Point]:
        """Find the way from any of ``starts`` to ``end``, put it into the grid, and return its corners.

        Parameters
        ----------
        own : set
            Keys of the marks at the two ends, which the wire may enter.
        down : bool
            Whether, of two equal ways, the one that reaches the end's height early is taken.

        Returns
        -------
        list of (x, y)
            Corners from start to end; a straight line through everything if there is no way.
        """
        sources = [_cell(start) for start in starts]
        goal = _cell(end)
        centres = {*sources[:1], goal}
        queue = [(0.0 if n == 0 else _BRANCH, cell, -1) for n, cell in enumerate(sources)]
        heapq.heapify(queue)
        best = {(cell, axis): cost for cost, cell, axis in queue}
        back: dict[tuple[Point, int], tuple[Point, int]] = {}
        while queue:
            cost, cell, axis = heapq.heappop(queue)
            if cost > best[cell, axis]:
                continue
            if cell == goal:
                return self._finish(net, back, (cell, axis))
            for new_axis, step in ((0, (1, 0)), (0, (-1, 0)), (1, (0, 1)), (1, (0, -1))):
                bend = axis not in (-1, new_axis)
                if bend and self._foreign(net, cell) and cell not in centres:
                    continue
                there = (cell[0] + step[0], cell[1] + step[1])
                price = self._price(net, there, new_axis, own, centres)
                if price is None:
                    continue
                lean = 0.02 * (there[1] != goal[1]) if down else 0.0
                total = cost + price + _BEND * bend + lean
                if total < best.get((there, new_axis), float("inf")):
                    best[there, new_axis] = total
                    back[there, new_axis] = (cell, axis)
                    heapq.heappush(queue, (total, there, new_axis))
        self.lost = True
        return [next(iter(starts)), end]

    def cells(self, net: object) -> list[Point]:
        """Return where, outside all marks, a net already runs: places to branch off."""
        free = [cell for cell, nets in self.used.items() if net in nets and cell not in self.inside]
        return [(x * STEP, y * STEP) for x, y in free]

    def _price(self, net: object, cell: Point, axis: int, own: set[object], centres: set[Point]) -> float | None:
        left, top, right, bottom = self.bounds
        if not (left <= cell[0] * STEP <= right and top <= cell[1] * STEP <= bottom):
            return None
        owners = self.inside.get(cell, set())
        if owners - own:
            return None
        if owners and not any(cell[1 - axis] == centre[1 - axis] for centre in centres):
            return None  # a mark is entered straight towards its centre
        others = self._foreign(net, cell)
        if cell in centres:
            return 1.0
        if others and others != {1 - axis}:
            return None
        side = (0, 1) if axis == 0 else (1, 0)
        beside = ((cell[0] + k * side[0], cell[1] + k * side[1]) for k in (-1, 1))
        close = any(axis in self._foreign(net, near) for near in beside)
        return 1.0 + _CROSSING * bool(others) + _CLOSE * close

    def _foreign(self, net: object, cell: Point) -> set[int]:
        nets = self.used.get(cell, {})
        return {axis for other, axes in nets.items() if other is not net for axis in axes}

    def _finish(
        self, net: object, back: dict[tuple[Point, int], tuple[Point, int]], last: tuple[Point, int]
    ) -> list[Point]:
        way = [last[0]]
        while last in back:
            last = back[last]
            way.append(last[0])
        way.reverse()
        self._mark(net, way)
        inner = zip(way, way[1:], way[2:], strict=False)
        bends = [b for a, b, c in inner if (b[0] - a[0], b[1] - a[1]) != (c[0] - b[0], c[1] - b[1])]
        return [(x * STEP, y * STEP) for x, y in (way[0], *bends, way[-1])]

    def _mark(self, net: object, cells: list[Point]) -> None:
        for a, b in pairwise(cells):
            axis = 0 if a[1] == b[1] else 1
            for cell in (a, b):
                self.used.setdefault(cell, {}).setdefault(net, set()).add(axis)


def _cell(point: Point) -> Point:
    return round(point[0] / STEP), round(point[1] / STEP)


def _line(a: Point, b: Point) -> list[Point]:
    (ax, ay), (bx, by) = _cell(a), _cell(b)
    if ay == by:
        return [(x, ay) for x in range(ax, bx + (1 if bx >= ax else -1), 1 if bx >= ax else -1)]
    return [(ax, y) for y in range(ay, by + (1 if by >= ay else -1), 1 if by >= ay else -1)]


def _cells(box: Box) -> Iterable[Point]:
    left, top, right, bottom = box
    for x in range(int(left // STEP), int(right // STEP) + 2):
        for y in range(int(top // STEP), int(bottom // STEP) + 2):
            if left < x * STEP < right and top < y * STEP < bottom:
                yield x, y
