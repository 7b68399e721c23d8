"""What stands on a model's card: its name, shape, and its loss on an axis among others'."""

from __future__ import annotations

from html import escape

from viz_app.figures.words import symbol
from viz_app.gallery import Card


def markup(card: Card, colour: str) -> str:
    """Return a card as HTML; ``colour`` is that of the cell's family."""
    head = f'<div class="card-head"><code>{escape(card.name)}</code>'
    if card.broken:
        return f'{head}</div><p class="card-broken">⚠ Cannot be opened: {escape(card.broken)}.</p>'
    head += f'<span class="chip"><i style="background:{colour}"></i>{escape(card.title)}</span></div>'
    read = f", on {escape(card.data)}" if card.data else ""
    body = f'<p class="card-shape">{escape(card.shape)}{read}</p>'
    if card.nats is None:
        return f'{head}{body}<p class="card-shape">Its loss was not measured.</p>'
    number = f'<div class="card-number"><b>{card.nats:.3f}</b><span>nats a {symbol(card.kind)}</span></div>'
    return f'{head}{body}<div class="card-score">{number}{_axis(card, card.nats, colour)}</div>'


def _axis(card: Card, own: float, colour: str) -> str:
    low, high = card.axis

    def left(nats: float) -> str:
        return f"left:{100 * (min(max(nats, low), high) - low) / (high - low):.1f}%"

    marks = "".join(
        f'<i class="tick" style="{left(nats)}"></i>'
        f'<span class="{"above" if place % 2 == 0 else "below"}" style="{left(nats)}" title="{nats:.3f} nats">'
        f"{escape(name)}</span>"
        for place, (name, nats) in enumerate(card.marks)
    )
    return f'<div class="axis">{marks}<b style="{left(own)};background:{colour}" title="{own:.3f} nats"></b></div>'
