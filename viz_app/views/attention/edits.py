"""What a visitor changes, as it stands in the link: which step reads what, what is left out, how it begins."""

from __future__ import annotations

import re
from collections.abc import Sequence

from viz_app import state
from viz_app.translations import Change

EDIT = re.compile(r"r\d{1,3}\.\d{1,3}|w\d{1,3}|p\d{1,6}(\.\d{1,6}){0,199}")
"""An edit in the link: step 3 reads token 5 alone, r3.5; token 5 is left out, w5; it begins with ids, p12.7.40."""


def beginning(ids: Sequence[int]) -> str:
    """Return the edit by which a translation begins with ``ids``."""
    return f"p{'.'.join(map(str, ids))}"


def open_with(edits: Sequence[str]) -> None:
    """Open What if with these edits alone."""
    state.set_link(edits="_".join(edits), view="whatif")


def turned(edits: Sequence[str], edit: str) -> list[str]:
    """Return ``edits`` with one more; one that is there already is taken back."""
    if edit in edits:
        return [one for one in edits if one != edit]
    step = edit.partition(".")[0]
    again = {"r": lambda one: one.partition(".")[0] == step, "p": lambda one: one[0] == "p", "w": lambda one: False}
    return [*(one for one in edits if not again[edit[0]](one)), edit]


def parsed(raw: str) -> list[str]:
    """Return the edits of a link, in their order.

    Raises
    ------
    ValueError
        They are not written as edits are.
    """
    edits = raw.split("_") if raw else []
    if not all(EDIT.fullmatch(edit) for edit in edits):
        raise ValueError("edits are written r3.5, w5 or p12.7, with _ between them")
    return edits


def change(edits: Sequence[str]) -> Change:
    """Return what edits come to together."""
    places = {kind: [tuple(map(int, edit[1:].split("."))) for edit in edits if edit[0] == kind] for kind in "rwp"}
    forced = {step - 1: token - 1 for step, token in places["r"]}
    return Change(
        tuple(sorted(forced.items())),
        places["p"][-1] if places["p"] else (),
        tuple(sorted({token - 1 for (token,) in places["w"]})),
    )
