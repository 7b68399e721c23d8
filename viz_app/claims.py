"""What the dictionary says of one unit, in words: the claim, its checks, and how each would look were it false."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from rnncore.analysis.dictionary import AUC, R2
from viz_app.figures.style import number


class Doubt(NamedTuple):
    """What a sceptic asks: the name of the check, and what it would look like if the claim were false."""

    name: str
    says: str


DOUBTS = {
    "unseen": Doubt(
        "This unit, unseen text",
        "The label was picked on one half of a text and judged on the other. Were it picked by luck, this figure would "
        "fall back to that of shifted labels.",
    ),
    "least": Doubt(
        "The least of three texts",
        "The unseen half was cut into three. Were the label an accident of one passage, one of them would be far "
        "lower, or point the other way.",
    ),
    "untrained": Doubt(
        "Best unit of untrained models",
        "The same network with random weights read the same text. Were the label no more than an echo of the "
        "characters, its best unit would come near: ours must be at most half as far from certain.",
    ),
    "shifted": Doubt(
        "Best unit, labels shifted",
        "The labels were moved along the text by random distances, and each time the best of all units that were "
        "searched was taken. Were the claim chance, this unit would do no better.",
    ),
    "removal": Doubt(
        "Without the unit",
        "Its h was held at its mean: how much more the loss rises inside the label than elsewhere, in nats, with a "
        "95 % interval. Did the model not rely on it, the interval would hold zero or what a typical unit does, or the "
        "loss would fall.",
    ),
}
"""The doubts about a claim, by the key of the check that answers each."""


class Check(NamedTuple):
    """One check of a claim: its key in :data:`DOUBTS`, the figure, its place from 0 to 1 on the scale.

    ``passed`` is None where the check was not made.
    """

    key: str
    value: str
    place: float | None
    passed: bool | None


class Claim(NamedTuple):
    """What is claimed of a unit.

    Attributes
    ----------
    verdict : str
        One of :data:`rnncore.analysis.VERDICTS`.
    signal, feature : str
        Which signal tells which feature best.
    says : str
        The verdict and its reason in one sentence.
    head : str
        What the signal does, as a headline goes on after the unit's name; empty unless verified.
    scale : tuple of str
        Name and ends of the scale on which the checks are drawn.
    """

    verdict: str
    signal: str
    feature: str
    says: str
    head: str
    scale: tuple[str, str, str]
    checks: tuple[Check, ...]


def claim(row: Mapping[str, Any]) -> Claim:
    """Return the claim of a row of :attr:`rnncore.analysis.Dictionary.units`."""
    discrete, verdict, title = row["kind"] == "discrete", str(row["verdict"]), f"“{row['title']}”"
    name, needed = ("AUC", AUC) if discrete else ("R²", R2)
    score = figure(row["strength"], discrete, row["r2"])
    reached = f"{name} {number(score, 3)} on unseen text"
    untrained = figure(row["untrained"], discrete)
    says = {
        "verified": f"Verified: {title}, {reached}.",
        "correlated only": f"Correlated only: it tells {title}, {reached}, but its removal does not show that the "
        "model relies on it.",
        "untrained too": f"Untrained too: {title}, {reached}, but a unit of untrained models reaches "
        f"{number(untrained, 3)}. No sign of something learned.",
        "unexplained": f"Unexplained: nearest to {title}, {reached}; a label needs {needed}"
        + (" and the same direction in three texts." if score >= needed else "."),
        "chance": f"Chance: no nearer to any label than shifted labels are to some unit; the nearest is {title}.",
    }[verdict]
    head = _does(row["rank"], discrete, title) if verdict == "verified" else ""
    return Claim(verdict, str(row["signal"]), str(row["feature"]), says, head, _scale(discrete), _checks(row, score))


def figure(strength: float, discrete: bool, r2: float = math.nan) -> float:
    """Return a strength as people know it: an AUC, 0.5 or more where the direction holds, or an R²."""
    if discrete:
        return (1 + strength) / 2
    return strength * abs(strength) if math.isnan(r2) else r2


def _does(rank: float, discrete: bool, title: str) -> str:
    return f"{'is ' if discrete else ''}{_WAYS[discrete][rank > 0]} {title}"


_WAYS = {True: {True: "high on", False: "low on"}, False: {True: "rises with", False: "falls with"}}


def _scale(discrete: bool) -> tuple[str, str, str]:
    return ("AUC", "0.5", "1") if discrete else ("R²", "0", "1")


def _checks(row: Mapping[str, Any], score: float) -> tuple[Check, ...]:
    discrete, strength = row["kind"] == "discrete", float(row["strength"])

    def check(key: str, value: float, passed: bool) -> Check:
        if math.isnan(value):
            return Check(key, "not known", None, None)
        return Check(key, number(value, 3), round(max(0.0, 2 * value - 1 if discrete else value), 3), passed)

    least, control = figure(row["least"], discrete), figure(row["control"], discrete)
    untrained = figure(row["untrained"], discrete)
    return (
        check("unseen", score, score >= (AUC if discrete else R2)),
        check("least", least, row["least"] > 0),
        check("untrained", untrained, 1 - strength <= (1 - row["untrained"]) / 2),
        check("shifted", control, abs(row["rank"]) > row["control"]),
        _removal(row),
    )


def _removal(row: Mapping[str, Any]) -> Check:
    """Return what the unit's removal showed; only of units that pass all else was it tried."""
    if math.isnan(row["effect"]):
        return Check("removal", "not tried", None, None)
    effect, low, high = (number(row[name], 4, signed=True) for name in ("effect", "low", "high"))
    typical = number(row["random"], 4)
    value = f"{effect} ({low} to {high}); without a typical unit {typical}"
    return Check("removal", value, None, row["verdict"] == "verified")
