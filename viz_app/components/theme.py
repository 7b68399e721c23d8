"""The visual language as values: one palette for light, one for dark, and which of the two is on.

Colour has one meaning: the accent is the selection and what can be pressed; every other colour is data.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import streamlit as st

# Which of the ten categorical colours a signal, or a family of cells, has. A figure uses one of the two.
SIGNALS = {"i": 0, "f": 1, "g": 2, "u": 2, "o": 3, "h": 5, "z": 6, "c": 7, "n": 8, "r": 9, "m": 9}
FAMILIES = {
    "attention": 0,
    "layernorm": 1,
    "gru": 2,
    "elman-relu": 3,
    "lstm": 4,
    "slstm": 5,
    "lstm-variant": 7,
    "multiplicative": 8,
    "elman": 9,
}


def family(cell: str) -> str:
    """Return the family of a cell, ``"gru"`` of ``"gru-cho"``; a cell of no known family is its own."""
    if cell in FAMILIES:
        return cell
    if cell.endswith("-layernorm"):
        return "layernorm"
    kin = {"irnn": "elman-relu", "min-gru": "gru", "min-lstm": "slstm", "mlstm": "multiplicative"}
    stem = cell.partition("-")[0]
    return kin.get(cell) or ("lstm-variant" if stem == "lstm" else stem)


@dataclass(frozen=True)
class Palette:
    """Colours of one mode, as hexadecimal strings.

    ``signed`` runs over -1, 0, 1; ``gate`` over 0, 1; ``gradient`` over the decades of a gradient's size, small
    to large. ``behind_signed`` and ``behind_gate`` are the largest part of a scale's colour to lay behind text.
    """

    paper: str
    sunk: str
    line: str
    line2: str
    ink: str
    soft: str
    accent: str
    accent_soft: str
    on_accent: str
    mark: str
    error: str
    warning: str
    signed: tuple[str, str, str]
    gate: tuple[str, str]
    gradient: tuple[str, ...]
    categorical: tuple[str, ...]
    behind_signed: float
    behind_gate: float

    def signal(self, symbol: str) -> str:
        """Return the colour of a signal, such as ``"f"``."""
        return self._colour(SIGNALS, symbol)

    def family(self, name: str) -> str:
        """Return the colour of a family of cells; ``name`` is the family's, or a cell's, such as ``"gru-cho"``."""
        return self._colour(FAMILIES, family(name))

    def apart(self, cells: Iterable[str]) -> dict[str, str]:
        """Return a colour for each cell, that of its family unless another cell before it has that one."""
        found: dict[str, str] = {}
        for cell in cells:
            own = [self.family(cell), *self.categorical]
            found[cell] = next((colour for colour in own if colour not in found.values()), own[0])
        return found

    def _colour(self, table: dict[str, int], name: str) -> str:
        if name in table:
            return self.categorical[table[name]]
        return self.categorical[sum(map(ord, name)) % len(self.categorical)]


LIGHT = Palette(
    paper="#FFFFFF",
    sunk="#F6F5F2",
    line="#E3E1DB",
    line2="#BDBAB1",
    ink="#1A1C20",
    soft="#555A63",
    accent="#0B6A62",
    accent_soft="#E3F0EE",
    on_accent="#FFFFFF",
    mark="#FFE9A8",
    error="#A32A1E",
    warning="#8A5A00",
    signed=("#1F62AD", "#FFFFFF", "#C9561B"),
    gate=("#FFFFFF", "#263242"),
    gradient=("#FFFCF0", "#FCDE96", "#F3A058", "#CF525C", "#7E266C", "#260E3E"),
    categorical=tuple("#1B8F6A #231DA3 #CB6EEE #664A0C #C65800 #7F45CD #57B3B1 #6E0D41 #99A905 #295F82".split()),
    behind_signed=0.7,
    behind_gate=0.5,
)

DARK = Palette(
    paper="#14171B",
    sunk="#1C2026",
    line="#2D333B",
    line2="#4C545F",
    ink="#ECEBE6",
    soft="#AAB0B9",
    accent="#4CC2B4",
    accent_soft="#16322F",
    on_accent="#0E1513",
    mark="#4A3F14",
    error="#F08A7B",
    warning="#E3B14F",
    signed=("#3E88DE", "#14171B", "#DE6C2C"),
    gate=("#14171B", "#BCC8D6"),
    gradient=("#181622", "#4C1E5C", "#A03068", "#E26254", "#FAAC64", "#FFF0C4"),
    categorical=tuple("#798472 #5B77FC #BC48BA #F0CEA9 #F68D22 #BF94FE #1AB9A5 #DE3D2F #BDF54C #55E4FF".split()),
    behind_signed=0.7,
    behind_gate=0.4,
)


def dark() -> bool:
    """Tell whether the visitor sees the dark mode."""
    return st.context.theme.type == "dark"


def palette() -> Palette:
    """Return the palette of the mode that the visitor sees."""
    return DARK if dark() else LIGHT


def css(projector: bool = False) -> str:
    """Return the page's fixed style: the palette as custom properties, the margins, the projector's root size.

    Components inherit the properties, inside their shadow roots too: ``var(--soft)``, ``var(--signal-f)``.
    """
    colours = palette()
    plain = ("paper sunk line line2 ink soft accent accent_soft on_accent mark error warning").split()
    tokens = {name.replace("_", "-"): getattr(colours, name) for name in plain}
    tokens |= {"negative": colours.signed[0], "positive": colours.signed[2], "open": colours.gate[1]}
    tokens |= {"behind-signed": f"{colours.behind_signed:.0%}", "behind-gate": f"{colours.behind_gate:.0%}"}
    tokens |= {f"signal-{symbol}": colours.signal(symbol) for symbol in SIGNALS}
    tokens |= {f"family-{name}": colours.family(name) for name in FAMILIES}
    tokens |= {f"gradient-{k}": colour for k, colour in enumerate(colours.gradient)}
    tokens |= {
        "sans": '"Inter", "Helvetica Neue", Arial, sans-serif',
        "serif": '"Source Serif", Georgia, serif',
        "mono": '"IBM Plex Mono", "DejaVu Sans Mono", Menlo, monospace',
    }
    root = "".join(f"--{name}:{value};" for name, value in tokens.items())
    sheets = ("theme.css", "projector.css") if projector else ("theme.css",)
    return f"<style>:root{{{root}}}{''.join(_sheet(name) for name in sheets)}</style>"


@cache
def _sheet(name: str) -> str:
    return (Path(__file__).parent / name).read_text("utf-8")
