"""Sentiment, Hold units: the model writes several texts with its best units held; words alone judge them."""

from __future__ import annotations

import shlex

import streamlit as st

from rnncore import analysis
from viz_app import sentiments, state
from viz_app.components import figure, theme
from viz_app.components.samples import Sample, samples
from viz_app.components.widgets import columns, how_to_read, letters, switch, toggle
from viz_app.figures import sentiment as words
from viz_app.figures import sentiment_curves as drawing
from viz_app.figures.style import number
from viz_app.figures.words import escaped, thousands
from viz_app.views.sentiment.asked import Asked
from viz_app.views.sentiment.reviews import about_films

SAMPLES, TEMPERATURE = 4, 0.8
"""Texts written at once, and how much the model dares."""

LENGTH, LENGTHS = 240, {"words": 50, "subwords": 70}
"""Symbols of each, and where a symbol is more than one character."""

PROMPT = "The film"
"""Where the classes are those of film reviews; others have none."""

IN_LINK = 120
"""Characters that a prompt may have."""


def show(asked: Asked) -> None:
    """Show the slider, the texts, and what was measured."""
    left, right = columns([5, 7])
    with left:
        many = _many(asked)
        setting, prompt = _settings(asked, many)
        _measured(asked, setting, many)
    with right:
        _texts(asked, setting, prompt, many)


def _many(asked: Asked) -> int:
    """Draw the choice of how many units are held at once, and return it: by default as few as are shown to steer."""
    st.subheader("Hold the best units, let the model write", anchor=False)
    found = asked.found
    counts = sorted(set(found.steering["units"]) - {0}) if len(found.steering) else analysis.TOGETHER
    counts = [int(many) for many in counts if many <= max(1, len(found.units) // 2)]
    moved = analysis.strength(found.steering) if len(found.steering) else []
    enough = [many for many in counts if len(moved) and drawing.steers(moved[moved["units"] == many])]
    many = state.link("together", (enough or counts)[0], choices=tuple(counts))
    if len(counts) > 1:
        names = {str(count): f"{count} unit{'s' if count > 1 else ''}" for count in counts}
        switch("Units held at once", "together", names, str(many))
    return many


def _settings(asked: Asked, many: int) -> tuple[float | None, str]:
    """Draw the slider and the prompt; return where the units are held, None for nowhere, and the prompt."""
    first, second = map(escaped, asked.found.classes)
    hold = state.link("hold", True)
    setting = state.link("at", 1.0, low=-2, high=2)
    prompt = state.link("prompt", PROMPT if about_films(asked.found.classes) else "")[:IN_LINK]
    value = number(analysis.held_at(asked.found, setting), signed=True) if many == 1 else f"{number(setting, 2)} each"
    st.session_state["_at"] = setting
    st.slider(
        f"From {first} to {second}: held at {value}" if hold else "Nothing is held",
        -2.0,
        2.0,
        step=0.25,
        key="_at",
        disabled=not hold,
        help="At −1 and 1 a unit is where one text in a hundred leaves it, or beyond; at 0 it is at the middle.",
        on_change=lambda: state.set_link(at=st.session_state["_at"]),
    )
    toggle("Hold the unit" if many == 1 else "Hold the units", "hold", hold)
    st.session_state["_prompt"] = prompt
    st.text_input(
        "Prompt",
        key="_prompt",
        max_chars=IN_LINK,
        on_change=lambda: state.set_link(prompt=st.session_state["_prompt"]),
    )
    return (setting if hold else None), prompt


def _texts(asked: Asked, setting: float | None, prompt: str, many: int) -> None:
    """Let the model write, and draw the texts with what the judge says of them."""
    seed = state.link("seed", 1, low=0, high=999_999)
    classes, vocabulary = asked.found.classes, state.model(asked.name).vocabulary
    written = sentiments.steered(
        asked.name,
        setting,
        units=many,
        prompt=prompt,
        samples=SAMPLES,
        length=LENGTHS.get(vocabulary.kind, LENGTH),
        temperature=TEMPERATURE,
        seed=SAMPLES * seed,
    )
    st.markdown(f"**{escaped(drawing.told(written['by_words'], classes[1]))}**")
    rows = [
        Sample(row.text, words.verdict(row.by_words, classes), asked.colours[row.by_words > 0.5])
        for row in written.itertuples()
    ]
    samples(vocabulary.join(vocabulary.tokenize(prompt)), rows, key="samples")
    with st.container(horizontal=True):
        st.button("New samples", on_click=lambda: state.set_link(seed=seed + 1))
    how_to_read(
        "Every text draws the same random numbers wherever units are held, so that only these make a difference. "
        "The verdict is that of a judge who was taught by the words of labelled texts and never saw the model. "
        f"{SAMPLES} texts are an illustration; the figure is the evidence."
    )


def _measured(asked: Asked, setting: float | None, many: int) -> None:
    """Draw what holding the units did to many texts, or say how that is measured."""
    found = asked.found
    if not len(found.steering):
        st.markdown(
            "How strongly it steers was not measured for this model. This does it, and takes some minutes. It finds "
            "everything anew: a CSV file’s place and columns, `--positive` and `--transfer` must be given again."
        )
        folder, out = str(state.folder(asked.name)), str(sentiments.folder(asked.name))
        command = ["rnncore", "sentiment", folder, "--texts", found.data, "--samples", "200", "--out", out]
        st.code(shlex.join(command), language="sh", wrap_lines=True)
        return
    table = found.steering[found.steering["units"].isin((0, many))]
    samples = int(table["samples"].max())
    fig = drawing.steering(table, found.classes[1], theme.palette(), asked.family, setting=setting, size=letters())
    figure.show(fig, found.steering, "sentiment-steering", "steering")
    how_to_read(
        f"{thousands(samples)} texts a setting, written without a prompt at temperature 1 (those beside: with the "
        f"prompt, at {TEMPERATURE}), judged by their words; bars and the grey band are 95 % intervals over texts, not "
        "over units. The best units are those that tell training texts best. Grey and hollow: as many drawn at random, "
        "held alike, each on the side of the class that it says itself. Did the best ones not steer, their line would "
        "be like this.",
        f"{drawing.strength(analysis.strength(table), found.classes[1], samples)} {drawing.effects(table)}",
    )
