"""Text appearing as it is written, tinted by how sure the model was; each character opens its alternatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from rnncore import Vocabulary
from rnncore.network.generate import Written

_FOLDER = Path(__file__).parent


def show(
    prompt: str,
    written: Sequence[Written],
    vocabulary: Vocabulary,
    *,
    chosen: Sequence[int] = (),
    name: str,
    key: str,
    on_choice: Callable[[int, str], None],
) -> None:
    """Show ``prompt`` and, after it, what was written.

    What is on the page already stays; only what is new appears character by character.

    Parameters
    ----------
    chosen : sequence of int
        Positions in ``written`` that a person chose.
    name : str
        Name of the files that can be downloaded, without an ending.
    on_choice : callable
        Called with a position and the token that a person wants there.
    """

    def report() -> None:
        picked = st.session_state[key].choice
        on_choice(int(picked["at"]), str(picked["token"]))

    _component()(
        key=key,
        data={**packed(prompt, written, vocabulary), "chosen": list(chosen), "name": name},
        on_choice_change=report,
    )


def packed(prompt: str, written: Sequence[Written], vocabulary: Vocabulary) -> dict[str, object]:
    """Return what the browser needs; alternatives as flat lists of symbol index and probability."""
    unknown = set(vocabulary.unknown(prompt))
    index = {symbol: place for place, symbol in enumerate(vocabulary.symbols)}
    return {
        "text": prompt + vocabulary.join(step.token for step in written),
        "prompt": [[token, token not in unknown] for token in vocabulary.tokenize(prompt)],
        "symbols": list(vocabulary.symbols),
        "tokens": [step.token for step in written],
        "probability": [float(f"{step.probability:.4g}") for step in written],
        "entropy": [round(step.entropy, 4) for step in written],
        "likeliest": [
            [value for token, p in step.alternatives for value in (index[token], float(f"{p:.4g}"))] for step in written
        ],
    }


@st.cache_resource
def _component() -> st.components.v2.types.ComponentRenderer:
    html, css, home, js = (
        (_FOLDER / file).read_text("utf-8") for file in ("writing.html", "writing.css", "take_home.js", "writing.js")
    )
    return st.components.v2.component("rnncore.writing", html=html, css=css, js=home + js)
