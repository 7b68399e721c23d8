"""All that the page shows of one unit of one layer along a text, as data for the browser."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import numpy as np
import torch

from rnncore import LanguageModel, Recording
from rnncore.cells.equations import Equations, trace
from rnncore.cells.expression import Expression, Range
from rnncore.cells.notation import Token, spell
from viz_app.components.diagram.account import Account, account, findings
from viz_app.components.diagram.anatomy import untapped
from viz_app.components.diagram.layout import NARROW, WIDE, layout

Numbers = dict[Expression, np.ndarray]


def main_state(cell: Any) -> str:
    """Return the state that the text is coloured by: one that is carried by arithmetic, else h."""
    sums = account(trace(cell))
    return sums.state if sums else "h"


def evaluate(model: LanguageModel, recording: Recording, layer: int, equations: Equations) -> Numbers:
    """Return every number of a layer's equations, [time, unit], by expression without its symbol."""
    cell = model.layers[layer]
    with torch.no_grad():
        ids = torch.tensor(recording.ids, device=cell.weight_hh.device)
        x = torch.tensor(recording["h", layer - 1]).to(ids.device) if layer else model.embed(ids)
    state = {}
    for symbol in recording.states:
        after = torch.tensor(recording[symbol, layer])
        state[symbol] = torch.cat([torch.zeros_like(after[:1]), after[:-1]]).to(cell.weight_hh.device)
    values = equations.evaluate(cell, x, state)
    shape = tuple(recording[recording.states[0], layer].shape)
    whole = ((node, value) for node, value in values.items() if isinstance(value, torch.Tensor))
    return {
        untapped(node): value.broadcast_to(shape).cpu().numpy()
        for node, value in whole
        if node.operation != "input" and value.shape[-1:] in (shape[-1:], ())
    }


def scene(model: LanguageModel, recording: Recording, layer: int, unit: int | None) -> dict[str, Any]:
    """Return the page's data for a unit, or for the mean over the layer if ``unit`` is None."""
    cell = model.layers[layer]
    equations, last = trace(cell), layer == len(model.layers) - 1
    everything = evaluate(model, recording, layer, equations)
    column = {
        node: (value.mean(-1) if unit is None else value[:, unit]).astype(np.float32)
        for node, value in everything.items()
    }
    sums = account(equations)
    onward = "to the prediction" if last else "to the next layer"
    drawings = {"wide": layout(equations, WIDE, onward), "narrow": layout(equations, NARROW, onward)}
    lines = [(line, spell(line.expression, numbers=True)) for line in equations]
    shown = [*drawings["wide"].values(), *drawings["narrow"].values()]
    shown += [untapped(token.node) for _, tokens in lines for token in tokens if token.node is not None]
    shown += [untapped(line.tap) for line in equations]
    shown += [untapped(part) for part in _parts(sums)]
    number = {node: n for n, node in enumerate(dict.fromkeys(node for node in shown if node in column))}
    ranges = cell.ranges()
    signals = {untapped(line.tap): line.symbol for line in equations}

    def limits(node: Expression) -> Range:
        return ranges.get(signals[node]) if node in signals else node.range(ranges)

    loose = [symbol for symbol in cell.states if ranges.get(symbol) is None]
    full = max((_reach(column[untapped(equations.state[symbol])], 0.75) for symbol in loose), default=1.0)
    summed = {untapped(part) for part in _parts(sums)} if sums is not None and sums.state in loose else set()
    scope = f"On average over {recording.units:,} units" if unit is None else ""
    main = untapped(equations.state[sums.state if sums else "h"])
    data = {
        "tokens": list(recording.tokens),
        "meanings": {gate.symbol: gate.meaning for gate in cell.gates},
        "states": list(cell.states),
        "drawings": {name: drawing.plain(number) for name, drawing in drawings.items()},
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
        "scales": [full if limits(node) is None or node in summed else 1.0 for node in number],
        "values": _packed(np.stack([column[node] for node in number])),
        "sums": _sums(sums, number),
        "full": full,
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


def _packed(values: np.ndarray) -> str:
    """Return float32 numbers, row by row, in base64."""
    clean = np.nan_to_num(values, nan=0.0, posinf=3e38, neginf=-3e38)
    return base64.b64encode(np.ascontiguousarray(clean, "<f4").tobytes()).decode()
