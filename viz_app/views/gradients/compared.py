"""What the page Gradient flow compares: models, a passage, a layer; the same in all its views."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, TypeVar

import pandas as pd
import streamlit as st

import rnncore
from viz_app import controls, figures, state
from viz_app.components import theme
from viz_app.components.waiting import Progress, computed
from viz_app.components.widgets import letters
from viz_app.figures import words

Result = TypeVar("Result")

TRIO = ("shakespeare-elman", "shakespeare-gru", "shakespeare-lstm")
PASSAGE = 300
"""Characters that are read at a time: a second or two for the gradients of three models in float64."""


@dataclass(frozen=True)
class Compared:
    """Models that read a passage in the same steps; ``layer`` counts from 0.

    ``labels`` says what each model is called in figures, ``whole`` is the text that the passage is taken from.
    """

    labels: dict[str, str]
    text: str
    tokens: tuple[str, ...]
    whole: state.Text
    layer: int
    layers: int

    @property
    def names(self) -> list[str]:
        """The models, by name."""
        return list(self.labels)

    @property
    def last(self) -> int:
        """The last step that has a loss."""
        return len(self.tokens) - 2

    def target(self) -> int:
        """Return the step whose loss is looked at."""
        return state.link("target", self.last, low=0, high=self.last)

    def back(self, target: int) -> int:
        """Return how far before the target the cursor stands."""
        return min(target, state.link("back", 40, low=0, high=PASSAGE))

    def look(self) -> dict[str, Any]:
        """Return what all figures share: palette, each model's colour, size of letters."""
        colours = {name: theme.palette().family(state.model(name).config.cell) for name in self.names}
        return {"palette": theme.palette(), "colours": colours, "size": letters()}

    def each(
        self,
        what: str,
        key: tuple[Any, ...],
        work: Callable[[str, Progress], Result],
        names: Sequence[str] = (),
        growth: float = 1.0,
    ) -> dict[str, Result]:
        """Return what ``work`` finds for each model that can be asked, and say why another cannot.

        ``what`` are the words for it; ``key`` all that the answers depend on but the model; ``growth`` as for
        :func:`viz_app.components.waiting.computed`.
        """
        found: dict[str, Result] = {}
        asked = list(names) or self.names
        for number, name in enumerate(asked, 1):
            label = f"{what}, {self.labels[name]}" + (f" ({number} of {len(asked)})" if len(asked) > 1 else "")
            question = (what, name, state.stamp(name), *key)
            with left_out(name):
                found[name] = computed(question, label, partial(work, name), growth)
        if not found:
            nothing_left()
        return found

    def row(self) -> str:
        """Return the one of the models that is looked at more closely."""
        labels = list(self.labels.values())
        asked = state.link("row", labels[-1], choices=labels)
        return next(name for name, label in self.labels.items() if label == asked)

    def choose_row(self) -> str:
        """Draw the choice of one of the models, and return its name."""
        name, labels = self.row(), list(self.labels.values())
        if len(labels) > 1:
            st.session_state["_row"] = self.labels[name]
            st.segmented_control(
                "Model",
                labels,
                key="_row",
                format_func=words.escaped,
                label_visibility="collapsed",
                required=True,
                on_change=lambda: state.set_link(row=st.session_state["_row"]),
            )
        return name


def compare() -> Compared:
    """Draw the row of controls, and return what the link asks for."""
    names: list[str] = []
    selection = controls.bar(model=False, layer=False, also=lambda selection: names.extend(_models(selection.model)))
    text = _passage(selection.text)
    tokens: dict[str, tuple[str, ...]] = {}
    for name in names:
        with left_out(name):
            read = state.model(name).vocabulary.tokenize(text)
            first = next(iter(tokens), name)
            if read == tokens.get(first, read):
                tokens[name] = read
            else:
                st.warning(f"{state.plain(name)} is left out: it reads this text in other steps than {first}.")
    if not tokens:
        nothing_left()
    layers = min(len(state.model(name).layers) for name in tokens)
    layer = state.link("layer", layers, low=1, high=layers) - 1
    return Compared(_labels(list(tokens)), text, next(iter(tokens.values())), selection.text, layer, layers)


@contextmanager
def left_out(name: str) -> Iterator[None]:
    """Say why a model cannot be shown, and go on without it."""
    try:
        yield
    except rnncore.Error as error:
        st.warning(f"{state.plain(name)} is left out: {state.plain(str(error), 300)}.")


def nothing_left() -> NoReturn:
    """Say that there is nothing to show, and end the view."""
    st.info("No model is left that can show this. Choose another character, text or model.")
    st.button("Go to the last character", on_click=lambda: state.set_link(target=None, models=None))
    st.stop()


def matched(compared: Compared) -> None:
    """Say what is the same about the models, and what is not."""
    rows = []
    for name in compared.names:
        run = rnncore.Run(state.folder(name)).config
        config, data = run.get("config", {}), run.get("data", {})
        facts = {"parameters": state.model(name).parameter_count, "data": data.get("name")}
        facts["sha256"] = data.get("sha256")
        rows.append(facts | {key: config.get(key) for key in ("steps", "seed", "learning_rate")})
    st.markdown(f":gray[{words.escaped(figures.matched(pd.DataFrame(rows)))}]")


def choose_layer(compared: Compared) -> None:
    """Draw the choice of a layer, where there are several."""
    layers = compared.layers
    if layers > 1:
        shown = {number: f"{number} of {layers}" for number in range(1, layers + 1)}
        controls.choose("Layer", "layer", list(shown), compared.layer + 1, shown.__getitem__, width=110)


def _models(selected: str) -> list[str]:
    """Return the models to compare: by default the three that differ in their cell only."""
    known = state.models()
    trio = [name for name in TRIO if name in known]
    default = trio if selected in trio else [selected]
    asked = state.link("models", ",".join(default)).split(",")
    names = [name for name in asked if name in known]
    if missing := [state.plain(name) for name in asked if name not in known]:
        st.warning(f"This link asks for {', '.join(missing)}, which is not among the models here.")
    st.session_state["_compared"] = names = names or default
    st.pills(
        "Models",
        known,
        selection_mode="multi",
        key="_compared",
        label_visibility="collapsed",
        width="content",
        on_change=lambda: state.set_link(models=",".join(st.session_state["_compared"]) or None),
    )
    return names


def _passage(chosen: state.Text) -> str:
    """Return the part of the text that is read."""
    if len(chosen.text) < 2:
        st.error("A gradient needs a loss, and a loss a next character: choose a text of at least two characters.")
        st.stop()
    start = state.link("from", 0, low=0, high=max(0, len(chosen.text) - PASSAGE))
    return chosen.text[start : start + PASSAGE]


def _labels(names: Sequence[str]) -> dict[str, str]:
    """Return what each model is called: by its cell where that tells it from the others."""
    titles = {name: state.model(name).layers[0].title for name in names}
    return {name: title if list(titles.values()).count(title) == 1 else name for name, title in titles.items()}
