"""All that the page shows of one unit of one layer along a text, as data for the browser."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from rnncore import LanguageModel, Recording
from rnncore.cells import Cell
from rnncore.cells.equations import Equations, trace
from rnncore.cells.expression import Expression, Range
from rnncore.cells.notation import Token, spell
from viz_app.components.diagram.account import Account, account, findings
from viz_app.components.diagram.anatomy import carried, untapped
from viz_app.components.diagram.layout import NARROW, WIDE, Drawing, layout

Numbers = dict[Expression, np.ndarray]
LARGEST = 3e38
FULL = 1.05
"""A state whose wire is full from no more than this on is not mentioned: all others are full from 1 on."""


def main_state(cell: Any) -> str:
    """Return the state that the text is coloured by: one that is carried by arithmetic, else h."""
    sums = account(trace(cell))
    return sums.state if sums else "h"


def evaluate(model: LanguageModel, recording: Recording, layer: int, equations: Equations) -> Numbers:
    """Return every number of a layer's equations, [time, unit], by expression without its symbol."""
    cell, lowest, backward = model.layers[layer], layer % len(model.cells) == 0, layer >= len(model.cells)
    with torch.no_grad():
        start = cell.start(1)
        ids = torch.tensor(recording.ids, device=start.h.device)
        x = model.embed(ids) if lowest else torch.tensor(recording["h", layer - 1]).to(ids.device)
    state = {}
    for symbol in recording.states:
        after = torch.tensor(recording[symbol, layer], device=ids.device)
        state[symbol] = torch.cat([after[1:], start[symbol]] if backward else [start[symbol], after[:-1]])
    values = equations.evaluate(cell, x, state)
    shape = tuple(recording[recording.states[0], layer].shape)
    whole = ((node, value) for node, value in values.items() if isinstance(value, torch.Tensor))
    return {
        untapped(node): value.broadcast_to(shape).cpu().numpy()
        for node, value in whole
        if node.operation != "input" and (value.shape == shape or value.shape in (shape[-1:], ()))
    }


@lru_cache(maxsize=64)
def drawn(cell: type[Cell], onward: str) -> tuple[Equations, Drawing, Drawing]:
    """Return a cell's equations and its drawings, wide and narrow, whose nodes they share; laid out once."""
    equations = trace(cell)
    return equations, layout(equations, WIDE, onward), layout(equations, NARROW, onward)


def scene(model: LanguageModel, recording: Recording, layer: int, unit: int | None) -> dict[str, Any]:
    """Return the page's data for a unit, or for the mean over the layer if ``unit`` is None."""
    cell = model.layers[layer]
    last = (layer + 1) % len(model.cells) == 0
    equations, wide, narrow = drawn(type(cell), "to the prediction" if last else "to the next layer")
    everything = evaluate(model, recording, layer, equations)
    column = {node: finite(value.mean(-1) if unit is None else value[:, unit]) for node, value in everything.items()}
    sums = account(equations)
    lines = [(line, spell(line.expression, numbers=True)) for line in equations]
    shown = [*wide.values(), *narrow.values()]
    shown += [untapped(token.node) for _, tokens in lines for token in tokens if token.node is not None]
    shown += [untapped(line.tap) for line in equations]
    shown += [untapped(part) for part in _parts(sums)]
    number = {node: n for n, node in enumerate(dict.fromkeys(node for node in shown if node in column))}
    ranges = cell.ranges()
    signals = {untapped(line.tap): line.symbol for line in equations}

    def limits(node: Expression) -> Range:
        return ranges.get(signals[node]) if node in signals else node.range(ranges)

    full = {s: _reach(column[untapped(equations.state[s])], 0.75) for s in cell.states if ranges.get(s) is None}
    along = _along(equations, sums, full)

    def scale(node: Expression) -> float:
        if node in along:
            return along[node]
        return _reach(column[node], 0.75) if limits(node) is None else 1.0

    scope = f"On average over {recording.units:,} units" if unit is None else ""
    main = untapped(equations.state[sums.state if sums else "h"])
    data = {
        "tokens": list(recording.tokens),
        "meanings": {gate.symbol: gate.meaning for gate in cell.gates},
        "states": list(cell.states),
        "drawings": {"wide": wide.plain(number), "narrow": narrow.plain(number)},
        "equations": [
            {
                "symbol": line.symbol,
                "value": number[untapped(line.tap)],
                "signs": [_sign(token, number) for token in line.tokens()],
                "numbers": [_sign(token, number) for token in tokens],
            }
            for line, tokens in lines
        ],
        "names": [signals.get(node) or _name(node) for node in number],
        "gates": [limits(node) == (0.0, 1.0) for node in number],
        "scales": [scale(node) for node in number],
        "values": _packed(np.stack([column[node] for node in number])),
        "sums": _sums(sums, number),
        "full": {symbol: reach for symbol, reach in full.items() if reach > FULL},
        "main": number[main],
        "reach": _reach(column[main], 0.99) if limits(main) is None else 1.0,
        "guesses": recording.top_ids.tolist(),
        "chances": _packed(recording.top_probability),
        "symbols": list(recording.symbols),
        "findings": findings(type(cell), sums, column, recording.tokens, scope),
        "title": f"{model.name}, layer {layer + 1}, " + ("mean" if unit is None else f"unit {unit}"),
        "mean": unit is None,
    }
    return {"of": hashlib.sha256(json.dumps(data).encode()).hexdigest()[:16], **data}


def _along(equations: Equations, sums: Account | None, full: Mapping[str, float]) -> dict[Expression, float]:
    """Return the scale of all that makes a state without bounds: its own way, and the two parts of the sum."""
    along: dict[Expression, float] = {}
    for symbol, reach in full.items():
        state = next((e for e in equations.nodes() if e.operation == "state" and e.name == symbol), None)
        way = [equations.state[symbol], *carried(equations, symbol)] + [state] * (state is not None)
        along |= {untapped(node): reach for node in way if node is not None}
        if sums is not None and sums.state == symbol:
            along |= {untapped(part): reach for part in _parts(sums)}
    return along


def _parts(sums: Account | None) -> list[Expression]:
    if sums is None:
        return []
    return [sums.before, sums.old, sums.new, sums.total, sums.after]


def _sums(sums: Account | None, number: dict[Expression, int]) -> dict[str, Any] | None:
    if sums is None:
        return None
    parts = zip(("before", "old", "new", "total", "after"), _parts(sums), strict=True)
    return {"words": sums.words(), "sign": sums.sign, "carried": sums.carried} | {
        key: number[untapped(part)] for key, part in parts
    }


def _sign(token: Token, number: dict[Expression, int]) -> list[Any]:
    if token.node is not None:
        return ["value", number[untapped(token.node)]]
    return [token.kind, token.text, token.below]


def _name(node: Expression) -> str:
    """Name a number in a table: W_i x_t + b_i, in plain signs."""
    name = ""
    for token in spell(node):
        sign = f"{token.text}_{token.below}" if token.below else token.text
        product = token.kind == "symbol" and name[-1:] not in ("", " ", "(")
        name += f" {sign} " if token.kind == "operator" else " " * product + sign
    return name


def _reach(values: np.ndarray, part: float) -> float:
    """Return the size under which a ``part`` of a state's numbers stays, but at least 1."""
    return max(1.0, float(np.quantile(np.abs(values), part)))


def finite(values: np.ndarray) -> np.ndarray:
    """Return ``values`` as float32 without what JSON cannot hold: an infinity is ±3e38, no number is 0."""
    return np.clip(np.nan_to_num(values, posinf=LARGEST, neginf=-LARGEST), -LARGEST, LARGEST).astype(np.float32)


def _packed(values: np.ndarray) -> str:
    """Return float32 numbers, row by row, in base64."""
    return base64.b64encode(np.ascontiguousarray(finite(values), "<f4").tobytes()).decode()
