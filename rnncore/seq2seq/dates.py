"""Dates as people write them, in seven languages, and as ISO 8601 has them: a task whose true alignment is known.

Every character of the answer comes from known characters of the question, so that an attention map can be scored
against the truth. With slashes the month comes first, as in the United States; with dots or hyphens the day does,
unless the year leads. Two digits of a year are those of 1950 to 2049.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import product

import numpy as np
from jaxtyping import Bool

FIRST, LAST = date(1900, 1, 1), date(2099, 12, 31)

Part = tuple[str, str]
"""Some text, and what it tells: y, m, d, or nothing."""


@dataclass(frozen=True)
class Language:
    """How a language writes dates.

    ``forms`` are patterns of d, m, w and y: number of the day, names of month and weekday, year; D is the day as an
    ordinal, M the month's short name. All other characters stand for themselves.
    """

    months: str
    short: str
    weekdays: str
    forms: Sequence[str]
    ordinal: str = "{}"
    first: str = ""
    """What the first of a month is called, where it is called otherwise."""


LANGUAGES = {
    "English": Language(
        "January February March April May June July August September October November December",
        "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
        "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
        (
            *("{m} {d}, {y}", "{d} {m} {y}", "{w}, {m} {d}, {y}", "the {D} of {m} {y}", "{m} {D}, {y}", "{M} {d}, {y}"),
            *("{d} {M} {y}", "{w} {d} {M} {y}"),
        ),
        "{}th",
    ),
    "German": Language(
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        "Jan. Feb. März Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez.",
        "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
        ("{d}. {m} {y}", "{w}, {d}. {m} {y}", "{w}, den {d}. {m} {y}", "{d}. {M} {y}", "am {d}. {m} {y}"),
    ),
    "French": Language(
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "janv. févr. mars avr. mai juin juill. août sept. oct. nov. déc.",
        "lundi mardi mercredi jeudi vendredi samedi dimanche",
        ("{D} {m} {y}", "le {D} {m} {y}", "{w} {D} {m} {y}", "{D} {M} {y}"),
        first="1er",
    ),
    "Spanish": Language(
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "ene. feb. mar. abr. may. jun. jul. ago. sept. oct. nov. dic.",
        "lunes martes miércoles jueves viernes sábado domingo",
        ("{d} de {m} de {y}", "el {d} de {m} de {y}", "{w}, {d} de {m} de {y}", "{d} {M} {y}"),
    ),
    "Italian": Language(
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "gen feb mar apr mag giu lug ago set ott nov dic",
        "lunedì martedì mercoledì giovedì venerdì sabato domenica",
        ("{D} {m} {y}", "il {D} {m} {y}", "{w} {D} {m} {y}", "{d} {M} {y}"),
        first="1º",
    ),
    "Dutch": Language(
        "januari februari maart april mei juni juli augustus september oktober november december",
        "jan. feb. mrt. apr. mei juni juli aug. sept. okt. nov. dec.",
        "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
        ("{d} {m} {y}", "{w} {d} {m} {y}", "op {d} {m} {y}", "{d} {M} {y}"),
    ),
    "Swedish": Language(
        "januari februari mars april maj juni juli augusti september oktober november december",
        "jan. feb. mars apr. maj juni juli aug. sep. okt. nov. dec.",
        "måndag tisdag onsdag torsdag fredag lördag söndag",
        ("{d} {m} {y}", "den {d} {m} {y}", "{w} den {d} {m} {y}", "{w} {d} {M} {y}"),
    ),
}

NUMBERS = (
    *("{m}/{d}/{y}", "{mm}/{dd}/{y}", "{mm}/{dd}/{yy}", "{d}.{m}.{y}", "{dd}.{mm}.{y}", "{dd}.{mm}.{yy}"),
    *("{d}-{m}-{y}", "{dd}-{mm}-{y}", "{y}-{mm}-{dd}", "{y}/{m}/{d}", "{y}.{mm}.{dd}"),
)
"""Dates in figures only, as any language may have them."""


@dataclass(frozen=True)
class Dated:
    """A date as somebody wrote it.

    Attributes
    ----------
    source, target : str
        As it is written, and as ISO 8601 has it.
    language : str
        "figures" if there are no words.
    alignment : bool [target, source]
        Which characters tell each character of the target; a row without any is told by none: a hyphen.
    """

    source: str
    target: str
    language: str
    alignment: Bool[np.ndarray, "target source"] = field(repr=False, compare=False)


def written(day: date, random: np.random.Generator) -> Dated:
    """Return ``day`` as somebody might write it."""
    language = str(random.choice([*LANGUAGES, "figures"], p=[*[0.8 / len(LANGUAGES)] * len(LANGUAGES), 0.2]))
    if language == "figures":
        forms = [form for form in NUMBERS if "{yy}" not in form or 1950 <= day.year < 2050]
        parts = _parts(str(random.choice(forms)), day, None)
    else:
        known = LANGUAGES[language]
        form = str(random.choice(list(known.forms)))
        if 1950 <= day.year < 2050 and random.random() < 0.1:
            form = form.replace("{y}", "’{yy}")
        parts = _parts(form, day, known)
        case = random.choice(["as it is", "lower", "upper"], p=[0.8, 0.12, 0.08])
        if case != "as it is":
            parts = [(getattr(text, str(case))(), role) for text, role in parts]
    return _aligned(parts, day, language)


def _parts(form: str, day: date, language: Language | None) -> list[Part]:
    """Cut a form into what it says and what that tells."""
    values = {"{y}": (str(day.year), "y"), "{yy}": (f"{day.year % 100:02}", "y")}
    values |= {"{d}": (str(day.day), "d"), "{dd}": (f"{day.day:02}", "d")}
    values |= {"{m}": (str(day.month), "m"), "{mm}": (f"{day.month:02}", "m")}
    if language is not None:
        values["{m}"] = (language.months.split()[day.month - 1], "m")
        values["{M}"] = (language.short.split()[day.month - 1], "m")
        values["{w}"] = (language.weekdays.split()[day.weekday()], "")
        values["{D}"] = (_ordinal(day.day, language), "d")
    parts: list[Part] = []
    while form:
        end = form.index("}") + 1 if form[0] == "{" else (form + "{").index("{")
        parts.append(values[form[:end]] if form[0] == "{" else (form[:end], ""))
        form = form[end:]
    return parts


def _ordinal(day: int, language: Language) -> str:
    if day == 1 and language.first:
        return language.first
    if language.ordinal == "{}th" and day % 10 in (1, 2, 3) and day not in (11, 12, 13):
        return f"{day}{('st', 'nd', 'rd')[day % 10 - 1]}"
    return language.ordinal.format(day)


def _aligned(parts: Sequence[Part], day: date, language: str) -> Dated:
    source, target = "".join(text for text, _ in parts), day.isoformat()
    alignment = np.zeros((len(target), len(source)), bool)
    places = {"y": range(4), "m": range(5, 7), "d": range(8, 10)}
    start = 0
    for text, role in parts:
        if role:
            digits = [start + place for place, character in enumerate(text) if character.isdecimal()]
            whole = digits or list(range(start, start + len(text)))
            for place, answer in enumerate(places[role]):
                # Figure by figure from the right; what has no figure of its own is told by all of them.
                own = len(digits) - len(places[role]) + place
                alignment[answer, [digits[own]] if digits and own >= 0 else whole] = True
        start += len(text)
    return Dated(source, target, language, alignment)


def reading(sentence: str) -> Dated | None:
    """Return what a date in one of the known forms says, and which characters tell it; None of anything else.

    Capitals do not matter. A weekday has to be that of the day.
    """
    numbers = [int(digits) for digits in re.findall("[0-9]+", sentence)]
    if len(numbers) > 3:
        return None
    years = [
        n if n > 99 else 1900 + n if n >= 50 else 2000 + n for n in numbers if n < 100 or FIRST.year <= n <= LAST.year
    ]
    for year, month, number in product(dict.fromkeys(years), range(1, 13), dict.fromkeys(numbers)):
        if not 1 <= number <= monthrange(year, month)[1]:
            continue
        day = date(year, month, number)
        for language, known in (*LANGUAGES.items(), ("figures", None)):
            for form in NUMBERS if known is None else known.forms:
                for pattern in (form, form.replace("{y}", "’{yy}")) if known else (form,):
                    parts = _parts(pattern, day, known)
                    if "".join(text for text, _ in parts).lower() == sentence.lower():
                        return replace(_aligned(parts, day, language), source=sentence)
    return None


def dates(seed: int, *, train: int = 60_000, held_out: int = 2_000) -> tuple[list[Dated], list[Dated], list[Dated]]:
    """Return dates to train on, to validate with and to test with; no day of one part is in another.

    Parameters
    ----------
    seed : int
    train, held_out : int
        How many to train on, and in each of the two other parts.
    """
    random = np.random.default_rng(seed)
    days = random.permutation((LAST - FIRST).days + 1)
    kept = len(days) // 10
    shares = days[2 * kept :], days[:kept], days[kept : 2 * kept]
    many = train, held_out, held_out
    first, second, third = (
        [written(FIRST + timedelta(int(day)), random) for day in random.choice(share, count)]
        for share, count in zip(shares, many, strict=True)
    )
    return first, second, third


def drawn(seed: int) -> Iterator[Dated]:
    """Yield dates without end."""
    random = np.random.default_rng(seed)
    while True:
        yield written(FIRST + timedelta(int(random.integers((LAST - FIRST).days + 1))), random)
