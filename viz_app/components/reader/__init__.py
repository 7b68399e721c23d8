"""The reader: a text coloured by one unit of one signal, and all that the unit does along it.

The browser holds a bank of units and flips through them by itself. It reports where it is a moment after
the last key, and asks for the next bank before it reaches the end of the one it has. What was sent once is
not sent again: :class:`Report` says what the browser holds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from viz_app.components import theme
from viz_app.components.reader.reading import Reading, clearest

__all__ = ["Chosen", "Reading", "clearest", "reader"]

_FOLDER = Path(__file__).parent
_SCRIPTS = (
    "marks.js",
    "store.js",
    "text.js",
    "strip.js",
    "units.js",
    "aside.js",
    "evidence.js",
    "pictures.js",
    "reader.js",
)


@dataclass(frozen=True)
class Chosen:
    """Where the reader stands: a unit of a signal, the order of units, the step t under the cursor."""

    unit: int
    signal: str
    sort: str
    t: int


@dataclass(frozen=True)
class Report:
    """What the browser said last: which reading it holds, where it stands, which units it needs."""

    of: str
    chosen: Chosen
    want: tuple[int, ...] = ()


def reader(
    reading: Reading,
    chosen: Chosen,
    key: str,
    *,
    visit: int = 0,
    doors: Collection[str] = (),
    on_open: Callable[[str, Mapping[str, Any]], None] = lambda page, place: None,
) -> Chosen:
    """Show ``reading``, opened at ``chosen``; return where the visitor is now.

    Call it inside a fragment: every report reruns what it stands in.

    Parameters
    ----------
    visit : int
        Another one opens the reading anew at ``chosen``, wherever the visitor was.
    doors : collection of str
        Pages that the reader may lead to.
    on_open : callable
        Called with a page, and the layer (from 1), unit and signal to open there, before the fragment runs again.
    """
    state = st.session_state.get(key)
    of = f"{reading.fingerprint}-{visit}" if visit else reading.fingerprint
    report = parse(state.get("report") if state else None, reading, of)

    def opened() -> None:
        asked = st.session_state[key].get("open")
        if isinstance(asked, Mapping) and asked.get("page") in ("cells", *doors):
            on_open(str(asked["page"]), {name: asked[name] for name in asked if name != "page"})

    if report is None:
        opening = {**reading.opening(), "chosen": asdict(chosen), "palettes": _palettes(reading)}
        opening["doors"] = dict.fromkeys(doors, True)
        bank = reading.bank(reading.first_bank(chosen.unit, chosen.signal, chosen.sort))
    else:
        opening, bank = None, reading.bank(report.want) if report.want else None
    _component()(
        key=key,
        data={"of": of, "opening": opening, "bank": bank},
        on_report_change=lambda: None,
        on_open_change=opened,
    )
    return report.chosen if report else chosen


def parse(report: Any, reading: Reading, of: str = "") -> Report | None:
    """Return what the browser reported, or None if it holds another reading than ``of`` or says what cannot be."""
    try:
        if report["of"] != (of or reading.fingerprint):
            return None
        chosen = Chosen(int(report["unit"]), str(report["signal"]), str(report["sort"]), int(report["t"]))
        want = tuple(int(unit) for unit in report["want"])[: reading.bank_size]
    except (TypeError, KeyError, ValueError):
        return None
    possible = (
        all(0 <= unit < reading.units for unit in (chosen.unit, *want))
        and chosen.signal in reading.signals
        and chosen.sort in reading.sorts
        and 0 <= chosen.t < reading.recording.time
    )
    return Report(report["of"], chosen, want) if possible else None


def _palettes(reading: Reading) -> dict[str, Any]:
    """Return both modes' colours, so that the browser can follow a switch without asking."""
    return {
        mode: {**asdict(palette), "signals": {symbol: palette.signal(symbol) for symbol in reading.signals}}
        for mode, palette in (("light", theme.LIGHT), ("dark", theme.DARK))
    }


@st.cache_resource
def _component() -> st.components.v2.types.ComponentRenderer:
    """Register the component once."""
    js = "\n".join((_FOLDER / name).read_text("utf-8") for name in _SCRIPTS)
    html, css = ((_FOLDER / f"reader.{kind}").read_text("utf-8") for kind in ("html", "css"))
    return st.components.v2.component("rnncore.reader", html=html, css=css, js=js)
