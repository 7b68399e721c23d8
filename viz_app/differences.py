"""How a cell differs from the LSTM, in sentences that are read off the two cells' equations."""

from __future__ import annotations

from rnncore.cells import Cell, find
from rnncore.cells.equations import Equations, trace
from rnncore.cells.expression import Expression
from viz_app.components.diagram.account import account, written
from viz_app.components.diagram.anatomy import untapped
from viz_app.figures.words import listed

FUNCTIONS = {"relu": "a rectifier", "LN": "layer normalisation", "exp": "exponentials"}


def differences(cell: type[Cell]) -> list[str]:
    """Return one sentence for each way in which ``cell`` is no LSTM; none for the LSTM."""
    own, lstm = trace(cell), trace(find("lstm"))
    parts = (
        _states(cell),
        _gates(cell),
        _seen(cell, own),
        _functions(cell, own, lstm),
        _memory(own, lstm),
        _start(cell),
    )
    return [sentence for part in parts for sentence in part]


def _states(cell: type[Cell]) -> list[str]:
    lstm = find("lstm")
    more = [state for state in cell.states if state not in lstm.states]
    gates = {gate.symbol for gate in cell.gates}
    found = [] if "c" in cell.states else ["No cell state c: h is both the memory and what is shown."]
    if more and set(more) <= gates:
        found.append(f"Its gates {listed(more)} are kept for the next step.")
    elif more:
        found.append(f"It carries {listed(more)} beside {listed([s for s in cell.states if s not in more])}.")
    return found


def _gates(cell: type[Cell]) -> list[str]:
    """Tell which gates are missing or new, by what they mean."""
    own, lstm = ([gate.meaning for gate in kind.gates] for kind in (cell, find("lstm")))
    if not own:
        return ["No gates: nothing decides what stays."]
    missing = [meaning for meaning in lstm if meaning not in own]
    new = [f"{gate.symbol}, {gate.meaning}" for gate in cell.gates if gate.meaning not in lstm]
    found = [f"No {listed(missing, 'or')}."] if missing else []
    return found + [f"New: {'; '.join(new)}."] * bool(new)


def _seen(cell: type[Cell], equations: Equations) -> list[str]:
    """Tell what the gates see besides x and h, or do not see."""
    lines = {line.symbol: line.expression for line in equations}
    shared: dict[str, list[str]] = {}
    for gate in cell.gates:
        leaves = _leaves(lines[gate.symbol])
        if ("x", False) not in leaves:
            shared.setdefault(f"{written(lines[gate.symbol])}, no layer of its own", []).append(gate.symbol)
            continue
        now = [name for name, before in leaves if not before and name != "x"]
        then = [name for name, before in leaves if before and name != "h"]
        new = "the new " if set(now) <= set(cell.states) else ""
        more = [*([f"the previous {listed(then)}"] if then else []), *([f"{new}{listed(now)}"] if now else [])]
        if ("h", True) in leaves:
            words = f"{listed(more)} as well" if more else ""
        else:
            words = f"{listed(more)} in place of h" if more else "x alone, so that all steps can be computed at once"
        if words:
            shared.setdefault(words, []).append(gate.symbol)
    found = []
    for words, gates in shared.items():
        if words.endswith("of its own"):
            found.append(f"{listed(gates)} is {words}.")
        else:
            found.append(f"{listed(gates)} {'see' if len(gates) > 1 else 'sees'} {words}.")
    return found


def _leaves(expression: Expression) -> dict[tuple[str, bool], None]:
    """Return what an equation reads, in order: x, states and signals, and whether they are the step before's."""
    found: dict[tuple[str, bool], None] = {}

    def visit(part: Expression) -> None:
        if part.operation in ("tap", "input", "state"):
            found[part.name, part.operation == "state"] = None
        else:
            for inner in part.inputs:
                visit(inner)

    visit(expression)
    return found


def _functions(cell: type[Cell], own: Equations, lstm: Equations) -> list[str]:
    """Tell which functions are applied that an LSTM does not have, and what is not squashed."""
    has, had = _applied(own), _applied(lstm)
    found = [f"{words.capitalize()} in it." for name, words in FUNCTIONS.items() if name in has - had]
    candidates = [gate.symbol for gate in cell.gates if gate.meaning == "candidate"]
    loose = [line.symbol for line in own if line.symbol in candidates and line.expression.operation in ("W", "+")]
    return found + [f"The candidate {symbol} is not squashed." for symbol in loose]


def _applied(equations: Equations) -> set[str]:
    signs = (token for line in equations for token in line.tokens())
    return {token.text for token in signs if token.kind == "function"}


def _memory(own: Equations, lstm: Equations) -> list[str]:
    """Tell how the memory is made and shown, where an LSTM does it otherwise."""
    sums, usual = account(own), account(lstm)
    found = []
    if sums is not None and usual is not None:
        made, usually = (f"{s.state} = {written(untapped(s.after))}" for s in (sums, usual))
        if made != usually:
            found.append(f"{made}; the LSTM has {usually}.")
    shown, usual_shown = (
        {line.symbol: written(line.expression) for line in equations}.get("h", "") for equations in (own, lstm)
    )
    if sums is not None and sums.state != "h" and shown != usual_shown:
        found.append(f"h = {shown}; the LSTM has {usual_shown}.")
    return found


def _start(cell: type[Cell]) -> list[str]:
    return (
        []
        if cell.recurrent_init == Cell.recurrent_init
        else [f"Its recurrent weights start at the {cell.recurrent_init}."]
    )
