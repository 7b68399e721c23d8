"""Small pictures for cards, as images without words: a tinted strip, curves on a log axis, bars."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable

import numpy as np

from viz_app.components import theme

WIDTH, HEIGHT = 360, 46


def strip(values: np.ndarray, reach: float) -> str:
    """Return one unit's values over a text as a tinted strip with their curve; ``reach`` fills colour and height."""
    shares, colours = np.clip(np.nan_to_num(values) / reach, -1, 1), theme.palette()
    step = WIDTH / len(shares)
    cells = "".join(
        f'<rect x="{place * step:.1f}" width="{step + 0.3:.1f}" height="{HEIGHT}" '
        f'fill="{colours.signed[2 if share > 0 else 0]}" opacity="{abs(share) * 0.75:.2f}"/>'
        for place, share in enumerate(shares)
    )
    middles = (np.arange(len(shares)) + 0.5) * step
    return _svg(cells + _line(middles, (1 - shares) * HEIGHT / 2, colours.ink, 1.4))


def decay(curves: Iterable[tuple[np.ndarray, str]], decades: float = 6) -> str:
    """Return norms over the steps of a text on one log axis, each relative to its largest, in its colour."""
    lines = ""
    for norms, colour in curves:
        exponents = np.log10(np.maximum(norms / norms.max(), 10.0**-decades))
        across = np.linspace(1, WIDTH - 1, len(norms))
        lines += _line(across, 1.5 - exponents / decades * (HEIGHT - 3), colour, 1.8)
    base = f'<line x2="{WIDTH}" y1="{HEIGHT - 0.5}" y2="{HEIGHT - 0.5}" stroke="{theme.palette().line2}"/>'
    return _svg(base + lines)


def bars(shares: np.ndarray) -> str:
    """Return a bar for each share, 0 to 1; the smaller, the paler."""
    step = WIDTH / len(shares)
    return _svg(
        "".join(
            f'<rect x="{place * step:.1f}" y="{HEIGHT * (1 - share):.1f}" width="{step * 0.78:.1f}" '
            f'height="{HEIGHT * share:.1f}" fill="{theme.palette().accent}" opacity="{0.35 + 0.65 * share:.2f}"/>'
            for place, share in enumerate(np.nan_to_num(shares))
        )
    )


def _line(across: np.ndarray, down: np.ndarray, colour: str, width: float) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, down, strict=True))
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def _svg(inner: str) -> str:
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none"'
    drawn = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{inner}</svg>'
    return f'<img class="spark" alt="" src="data:image/svg+xml;base64,{b64encode(drawn.encode()).decode()}">'
