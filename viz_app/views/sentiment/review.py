"""Sentiment, the review: step by step on its colours, its course, and the verdict; before and after."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from rnncore.analysis import Along
from viz_app import sentiments
from viz_app.components import figure, theme
from viz_app.components.course import Course, Mark, Scale, course
from viz_app.components.widgets import how_to_read
from viz_app.figures import sentiment as words
from viz_app.figures.edited import Block
from viz_app.figures.words import escaped, thousands
from viz_app.views.sentiment.asked import Asked

JUDGES = {"by_unit": "this unit alone", "by_all_units": "all {} units", "by_words": "its words, without the model"}


def show(asked: Asked) -> list[tuple[str, Along]]:
    """Show the review; return what was read, each with its name, the one that is judged last."""
    before = sentiments.along(asked.name, asked.text, asked.read)
    now = sentiments.along(asked.name, asked.edited, asked.read) if asked.edited else before
    found, reading, both = asked.found, asked.reading, bool(asked.edited)
    told = now.words()
    if both:
        title = words.changed(_end(asked, before), _end(asked, now), found.classes, asked.alone)
    else:
        title = words.finding(told, reading.threshold, reading.polarity, found.classes, asked.alone)
    st.title(escaped(title), anchor=False)
    marks = [
        Mark(str(row.word), int(row.last), reading.polarity * row.change > 0)
        for row in words.greatest(told).itertuples()
    ]
    blocks, scale = words.aligned(before.characters, now.characters) if both else (), _scale(asked)
    after = Course(now.characters, now.values, "After the change" if both else "", changed=_steps(blocks, 3))
    pinned = Course(before.characters, before.values, "Pinned", _places(blocks), _steps(blocks, 1)) if both else None
    course(after, scale, marks, "course", before=pinned)
    table = pd.concat([_table(text) for text in (pinned, after) if text])
    palette = theme.palette()
    figure.downloads(
        lambda: words.course(
            table,
            title,
            scale.label,
            palette,
            threshold=scale.neutral,
            polarity=scale.polarity,
            marks=[(mark.word, mark.step) for mark in marks],
        ),
        lambda: table,
        "sentiment-course",
        "course",
    )
    _verdicts(asked, now.judged.iloc[0], before.judged.iloc[0] if both else None)
    first, second = map(escaped, found.classes)
    how_to_read(
        f"One number, carried along: what says {second} turns it orange and up, what says {first} blue and down; at "
        "the line between, the verdict changes. A word holds until the next begins, since only then a model knows that "
        "it is over. Below are three judges; the probability of what is drawn was calibrated on validation texts, and "
        f"on held-out ones is off by {words.percent(reading.calibration_error)} on average. Were it blind to the "
        "meaning, it would wander alike over either kind."
        + (" Dashed: the pinned text. Up to the change both must be the same." if both else ""),
        words.following(told, reading.polarity, found.classes),
    )
    return [("pinned", before), ("changed", now)] if both else [("this text", now)]


def _scale(asked: Asked) -> Scale:
    reading = asked.reading
    if asked.alone:
        row = asked.found.row()
        low, high = float(row["low"]), float(row["high"])
    else:
        low, high = float(reading.histogram["left"].iloc[0]), float(reading.histogram["right"].iloc[-1])
    reach = max(high - reading.threshold, reading.threshold - low) or 1.0
    return Scale(reading.threshold, reach, reading.polarity, asked.found.classes, asked.what)


def _end(asked: Asked, text: Along) -> pd.Series:
    """Return where a text ends: value, verdict, and p, the probability of the second class."""
    reading, value = asked.reading, float(text.values[-1])
    second = reading.polarity * (value - reading.threshold) > 0
    p = float(reading.probability(text.values[-1:])[0])
    return pd.Series({"value": value, "verdict": asked.found.classes[second], "p": p})


def _table(text: Course) -> pd.DataFrame:
    """Return one row a step of a text, as the CSV holds it."""
    steps = range(len(text.pieces))
    where = {"text": text.name.lower() or "this text", "step": steps, "place": text.places or steps}
    return pd.DataFrame({**where, "character": text.pieces, "value": text.values})


def _places(blocks: Sequence[Block]) -> list[float]:
    """Return where each step of the text before stands on the axis of the text after."""
    places = [np.linspace(block.c, block.d, block.b - block.a, endpoint=False) for block in blocks]
    return np.concatenate(places).tolist() if places else []


def _steps(blocks: Sequence[Block], start: int) -> frozenset[int]:
    """Return the changed steps of one of the texts; its ends are the blocks' entries ``start`` and the one after."""
    return frozenset(step for block in blocks if not block.same for step in range(block[start], block[start + 1]))


def _verdicts(asked: Asked, now: pd.Series, before: pd.Series | None) -> None:
    """Draw what the unit, all units and the words say of the text, and said of the one before."""
    classes = asked.found.classes
    for column, (by, title) in zip(st.columns(len(JUDGES)), JUDGES.items(), strict=True):
        was = f" · was {_said(before, by, classes)}" if before is not None else ""
        with column:
            st.markdown(
                f"**{escaped(_said(now, by, classes))}**  \n"
                f":small[:gray[{title.format(thousands(len(asked.found.units)))}{escaped(was)}]]"
            )


def _said(judged: pd.Series, by: str, classes: tuple[str, str]) -> str:
    """Return a verdict with its probability; that of the unit is where its value lies, not what is likelier."""
    p = float(judged[by])
    if by != "by_unit":
        return words.verdict(p, classes)
    return f"{judged['verdict']}, {words.sure(p if judged['verdict'] == classes[1] else 1 - p)}"
