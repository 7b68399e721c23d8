"""What a cell's diagram shows: its equations as boxes, circles and wires, without any position.

A *box* is a learned layer: a signal whose expression contains rows of W x + b and U h + d. What it learns
from is its *leads*; what else enters it (a reset gate, say) is an ordinary wire. A *circle* is plain
arithmetic, a *pill* a function without weights. A *rail* is the way from a state before the step to the
same state after it, if nothing but arithmetic stands in its way. A cell that is a single learned layer is
drawn open: its weights, their sum and its function, on a rail that leads through them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from rnncore.cells.equations import Equations
from rnncore.cells.expression import Expression
from viz_app.components.diagram.anatomy import (
    ARITHMETIC,
    LEAVES,
    absorbed,
    carried,
    is_learned,
    single_layer,
    sources,
    terms,
    untapped,
)


@dataclass(frozen=True, eq=False)
class Node:
    """One mark of the diagram.

    Attributes
    ----------
    kind : str
        ``in`` (a state before), ``out`` (after), ``input``, ``box``, ``circle`` or ``pill``.
    text, function : str
        What is written on it; a box has a symbol and a function.
    value : Expression
        The number that leaves it.
    below : str
        Subscript of the text.
    """

    kind: str
    text: str
    value: Expression
    function: str = ""
    below: str = ""


@dataclass(frozen=True, eq=False)
class Wire:
    """A connection. ``vector`` if the whole state goes along it, not only the unit's own number."""

    source: Node
    target: Node
    vector: bool = False


@dataclass
class Graph:
    """All marks and wires, in the order of the equations.

    Attributes
    ----------
    rails : mapping of str to list of Node
        By state: its ``in`` node, the arithmetic on the way, its ``out`` node.
    opened : bool
        Whether the cell is a single learned layer, drawn open.
    bus : str
        The state that most learned layers read.
    """

    nodes: list[Node] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)
    rails: dict[str, list[Node]] = field(default_factory=dict)
    opened: bool = False
    bus: str = ""

    def into(self, node: Node) -> list[Wire]:
        """Return the wires that end at ``node``."""
        return [wire for wire in self.wires if wire.target is node]

    def on_bus(self, wire: Wire) -> bool:
        """Tell whether a wire is a lead from the bus: a learned layer reads all of x, or of a state."""
        railed = any((wire.source, wire.target) in pairwise(rail) for rail in self.rails.values())
        return wire.vector and not railed and wire.source.kind in ("in", "input")

    def lines(self) -> list[tuple[list[Node], list[Node]]]:
        """Return the lines of the bus: what is read by the very same layers shares one; the state read most first."""
        readers: dict[Node, list[Node]] = {}
        for wire in filter(self.on_bus, self.wires):
            readers.setdefault(wire.source, []).append(wire.target)
        lines: dict[frozenset[Node], tuple[list[Node], list[Node]]] = {}
        for source in sorted(readers, key=lambda node: (node.text != self.bus, node.kind != "input")):
            lines.setdefault(frozenset(readers[source]), ([], readers[source]))[0].append(source)
        return list(lines.values())


def draw(equations: Equations) -> Graph:
    """Return what is to be drawn for a cell's equations."""
    return _Draughtsman(equations).graph


class _Draughtsman:
    def __init__(self, equations: Equations) -> None:
        self.graph = Graph()
        self.drawn: dict[Expression, Node] = {}
        self.symbols = {untapped(line.tap): line.symbol for line in equations}
        ways = {state: carried(equations, state) for state in equations.state}
        self.arithmetic = {expression for way in ways.values() for expression in way}
        through = single_layer(equations)
        if through:
            self.graph.opened = True
            ways = dict.fromkeys(ways, through)
            self.arithmetic = {*through}
        # gates first, in the order in which the step computes them; then what becomes of them
        for line in equations:
            if self._is_box(untapped(line.tap)):
                self.node(line.tap)
        for state, expression in equations.state.items():
            source = self.node(expression)
            out = self._add(Node("out", state, expression))
            self.graph.wires.append(Wire(source, out))
            if ways[state]:
                start = next(e for e in expression.walk() if e.operation == "state" and e.name == state)
                self.graph.rails[state] = [self.node(start), *(self.node(step) for step in ways[state]), out]
        self.graph.bus = self._bus(equations)

    def _bus(self, equations: Equations) -> str:
        read = [w.source.text for w in self.graph.wires if w.vector and w.source.kind == "in"]
        return max(read, key=read.count, default=next(iter(equations.state)))

    def _add(self, node: Node) -> Node:
        self.graph.nodes.append(node)
        return node

    def node(self, expression: Expression) -> Node:
        """Return the mark for ``expression``, drawn with all that enters it if it is new."""
        core = untapped(expression)
        if core not in self.drawn:
            self.drawn[core] = self._draw(core)
        return self.drawn[core]

    def _draw(self, core: Expression) -> Node:
        if core.operation in ("state", "input"):
            return self._add(Node("in" if core.operation == "state" else "input", core.name, core))
        if core.operation == "parameter":
            head, _, tail = core.name.partition("_")
            return self._add(Node("box", head, core, below=tail))
        if core.operation in ("W", "U") and core not in self.symbols:
            node = self._add(Node("box", core.operation, core, below=core.name))
            self._lead(core, node)
            return node
        if self._is_box(core):
            return self._box(core)
        if core.operation in ARITHMETIC:
            return self._circle(core)
        return self._join(Node("pill", core.operation, core), core.inputs)

    def _join(self, node: Node, inputs: tuple[Expression, ...]) -> Node:
        sources = [self.node(part) for part in inputs]
        self._add(node)
        self.graph.wires += [Wire(source, node) for source in sources]
        return node

    def _circle(self, core: Expression) -> Node:
        """Draw arithmetic; a number on one side is written into the circle, as in 1−."""
        sign = ARITHMETIC[core.operation]
        texts = [part.name if part.operation == "number" else "" for part in core.inputs]
        text = sign.join(texts) if any(texts) else sign
        return self._join(Node("circle", text, core), tuple(p for p in core.inputs if p.operation != "number"))

    # A learned layer: outermost functions, then a sum of learned and other terms.

    def _parts(self, core: Expression) -> tuple[list[str], list[Expression], list[Expression]]:
        functions: list[str] = []
        while core.operation not in LEAVES | ARITHMETIC.keys() and len(core.inputs) == 1:
            functions.append(core.operation)
            core = core.inputs[0]
        summands = list(terms(core))
        return functions, [t for t in summands if absorbed(t)], [t for t in summands if not absorbed(t)]

    def _is_box(self, core: Expression) -> bool:
        if core in self.arithmetic:
            return False
        functions, learned, arms = self._parts(core)
        named = bool(functions) or core in self.symbols or not arms
        return named and any(is_learned(term) for term in learned)

    def _box(self, core: Expression) -> Node:
        functions, learned, arms = self._parts(core)
        below = "" if core in self.symbols or functions else _row(learned)
        symbol = self.symbols.get(core, "W+U" if below else "")
        node = Node("box", symbol, core, functions[0] if functions else "", below)
        sources = [self.node(arm) for arm in arms]
        self._add(node)
        self.graph.wires += [Wire(source, node) for source in sources]
        for term in learned:
            self._lead(term, node)
        return node

    def _lead(self, term: Expression, node: Node) -> None:
        for source, vector in sources(term):
            wire = Wire(self.node(source), node, vector)
            if all(other.source is not wire.source for other in self.graph.into(node)):
                self.graph.wires.append(wire)


def _row(learned: list[Expression]) -> str:
    """Return the row that a bare sum W x + U h is of; "" if it is another sum."""
    rows = {term.name for term in learned if term.operation in ("W", "U")}
    return rows.pop() if len(rows) == 1 and len(learned) == 2 else ""
