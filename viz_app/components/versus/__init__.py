"""Two texts below each other, coloured by one unit on one scale, what differs marked; and the unit's two curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import streamlit as st

from viz_app.components import theme
from viz_app.components.reader import packing
from viz_app.components.reader.reading import Signal
from viz_app.figures.edited import Block

_FOLDER = Path(__file__).parent


def versus(
    texts: tuple[Sequence[str], Sequence[str]],
    values: tuple[np.ndarray, np.ndarray],
    names: tuple[str, str],
    blocks: Sequence[Block],
    signal: Signal,
    key: str,
) -> None:
    """Draw both texts and both curves.

    Parameters
    ----------
    texts : two sequences of str
        One string a step.
    values : two float [time]
        The unit's signal at each step.
    names : two str
        What the texts are called.
    blocks : sequence of Block
        Which steps belong together.
    """
    palette = theme.palette()
    hundredths = [packing.hundredths(packing.tame(own)).tolist() for own in values]
    _component()(
        key=key,
        data={
            "texts": [list(tokens) for tokens in texts],
            "values": hundredths,
            "names": list(names),
            "blocks": [list(block) for block in blocks],
            "signal": asdict(signal),
            "palette": asdict(palette),
            "colour": palette.signal(signal.symbol),
        },
        height="content",
    )


@st.cache_resource
def _component() -> st.components.v2.types.ComponentRenderer:
    marks = (_FOLDER.parent / "reader" / "marks.js").read_text("utf-8")
    css, js = ((_FOLDER / f"versus.{kind}").read_text("utf-8") for kind in ("css", "js"))
    return st.components.v2.component("rnncore.versus", css=css, js=f"{marks}\n{js}")
