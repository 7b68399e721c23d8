"""The link in the address bar: it is the selection, so that whoever opens it sees the same.

A page reads it with :func:`link` and writes it with :func:`set_link`; so a lecturer can prepare ten tabs and a
student can send what he found. Pages use these by way of :mod:`viz_app.state`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from typing import Any, TypeVar

import streamlit as st

Value = TypeVar("Value", int, float, str, bool, None)

SELECTION = ("model", "text", "part", "layer", "signal", "unit", "t", "target", "sort")
"""Keys of a link that hold from page to page."""


def turn(page: str, carry: bool = True) -> None:
    """Open a page: a page whose address selects nothing continues with the last selection.

    Called by the app before the page runs.
    """
    was = st.session_state.get("_page")
    st.session_state["_page"] = page
    memory("said").clear()
    if page == was:
        return
    memory("notices").clear()
    memory("defaults").clear()
    if carry and was is not None and not any(key in st.query_params for key in SELECTION):
        set_link(**memory("selection"))
    if st.session_state.get("_projector") and "size" not in st.query_params:
        set_link(size="projector")


def link(
    key: str,
    default: Value,
    *,
    choices: Collection[Value] | None = None,
    low: float | None = None,
    high: float | None = None,
) -> Value:
    """Return what the link asks for under ``key``, or ``default``.

    Parameters
    ----------
    default
        Its type is that of the value; None stands for "no whole number".
    choices, low, high
        What the value must be one of, or lie between. A link that asks for something else gets the default
        and a sentence; a selection made for another model or text gets it silently.
    """
    raw, value, wrong = st.query_params.get(key), default, None
    memory("defaults")[key] = default
    if raw is not None:
        value, wrong = _read(raw, default, choices, low, high)
    if wrong:
        value = default
        refuse(key, f"This link asks for {plain(key)} {plain(raw or '')}; {wrong}. Showing {_shown(default)}.")
    elif raw is not None:
        memory("notices").pop(key, None)
    if key in memory("notices") and key not in memory("said"):
        memory("said")[key] = True
        st.warning(memory("notices")[key])
    if key in SELECTION:
        memory("selection")[key] = value
    return value


def set_link(**values: Any) -> None:
    """Write values into the link; None and defaults are left out of it."""
    defaults = memory("defaults")
    for key, value in values.items():
        if key in SELECTION:
            memory("selection")[key] = value
        if value is None or (key in defaults and value == defaults[key]):
            st.query_params.pop(key, None)
        elif st.query_params.get(key) != written(value):
            st.query_params[key] = written(value)
        memory("notices").pop(key, None)
    memory("own").clear()
    memory("own").update(st.query_params.to_dict())


def projector() -> bool:
    """Tell whether the page is shown to a hall: large type, few controls."""
    if "_projector" in st.session_state:
        return bool(st.session_state["_projector"])
    return link("size", "laptop", choices=("laptop", "projector")) == "projector"


def refuse(key: str, sentence: str) -> None:
    """Take ``key`` out of the link; say so, unless the page itself had written it."""
    raw = st.query_params.pop(key, None)
    if raw is None or memory("own").get(key) != raw:
        memory("notices")[key] = sentence


def plain(text: str, length: int = 40) -> str:
    """Return words of unknown origin for use inside a sentence: one line, cut to ``length``, no markup."""
    text = " ".join(text.split())
    text = text if len(text) <= length else text[: length - 1] + "…"
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~$:&-])", r"\\\1", text)


def memory(name: str) -> dict[str, Any]:
    """Return what this visitor's session keeps under ``name``."""
    return st.session_state.setdefault(f"_{name}", {})


def written(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _shown(value: Any) -> str:
    return "the default" if value is None else plain(written(value))


def _read(raw: str, default: Any, choices: Any, low: float | None, high: float | None) -> tuple[Any, str | None]:
    """Return the value and None, or anything and what is wrong with it."""
    kind = int if default is None else type(default)
    try:
        value = {"0": False, "1": True}[raw] if kind is bool else kind(raw)
        if kind is float and not math.isfinite(value):
            raise ValueError
    except (ValueError, KeyError):
        return None, {int: "that is no whole number", float: "that is no number"}.get(kind, "it is 0 or 1")
    if choices is not None and value not in choices:
        known = [plain(written(choice)) for choice in list(choices)[:12]]
        more = ", …" if len(choices) > len(known) else ""
        return None, f"there is only {', '.join(known)}{more}" if known else "there is none"
    if (low is not None and value < low) or (high is not None and value > high):
        if low is None or high is None:
            return None, f"it is at least {low:,}" if high is None else f"it is at most {high:,}"
        return None, f"it goes from {low:,} to {high:,}"
    return value, None
