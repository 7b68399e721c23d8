"""Numbers as people read them: true minus signs, thin spaces, powers of ten."""

from __future__ import annotations

import math
from collections.abc import Sequence

MINUS, THIN = "\u2212", "\u202f"  # a minus sign, a thin space at which no line breaks
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SMALL = "no one two three four five six seven eight nine ten eleven twelve".split()
_TENS = "_ ten twenty thirty forty fifty sixty seventy eighty ninety".split()


def power(exponent: int) -> str:
    """Return a power of ten, ``10⁻⁸``; 1 and 10 as they are."""
    return {0: "1", 1: "10"}.get(exponent, f"10{str(exponent).translate(_SUPERSCRIPT)}")


def thousands(number: float) -> str:
    """Return a whole number with thin spaces: ``12 000``."""
    return f"{number:,.0f}".replace(",", THIN).replace("-", MINUS)


def scientific(value: float) -> str:
    """Return one digit and a power of ten, ``3×10⁻⁹``; numbers from 0.01 to 1000 plainly."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "not a number" if math.isnan(value) else "infinity"
    if 0.01 <= abs(value) < 1000:
        return f"{value:.2g}".replace("-", MINUS) if abs(value) < 10 else f"{value:.0f}".replace("-", MINUS)
    digit, exponent = f"{value:.0e}".split("e")
    return f"{digit}×{power(int(exponent))}".replace("-", MINUS)


def from_log10(exponent: float) -> str:
    """Return 10 to the ``exponent`` as :func:`scientific` does, however small or large it is; -inf is no path."""
    if exponent == -math.inf:
        return "no path"
    if -300 < exponent < 300 or not math.isfinite(exponent):
        return scientific(10.0**exponent)  # of inf it is inf
    digit = 10.0 ** (exponent - math.floor(exponent))
    return f"{digit:.0f}×{power(math.floor(exponent))}" if digit < 9.5 else power(math.floor(exponent) + 1)


def share(value: float) -> str:
    """Return a part of the whole: ``7 %``, ``0.3 %``; below a thousandth its power of ten, ``10⁻⁸``.

    The power is the nearest on the log scale.
    """
    if math.isnan(value):
        return "not a number"
    if value == 0:
        return "0"
    if value < 0.00095:
        return power(round(math.log10(value)))
    percent = 100 * value
    text = f"{percent:.1f}" if percent < 0.95 else thousands(percent)
    return f"{text}{THIN}%"


def count(number: int) -> str:
    """Return a number in words up to twelve and for full tens under a hundred, otherwise in digits."""
    if 0 <= number < len(_SMALL):
        return _SMALL[number]
    if number < 100 and number % 10 == 0:
        return _TENS[number // 10]
    return thousands(number)


def symbol(kind: str) -> str:
    """Return what a model of this kind of vocabulary reads one by one; a byte is spoken of as a character."""
    return {"words": "word", "subwords": "subword"}.get(kind, "character")


def capital(sentence: str) -> str:
    """Return the sentence with its first letter large."""
    return sentence[:1].upper() + sentence[1:]


def named(character: str, article: str = "") -> str:
    """Return a character as it is spoken of: in quotes, or by its name, after ``article``, where it cannot be seen."""
    name = {"\n": "line break", " ": "space", "\t": "tab", "\r": "carriage return"}.get(character)
    return f"{article} {name}".strip() if name else f"“{character}”"


def escaped(text: str) -> str:
    """Return text for markdown in which nothing is markup."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]()#+!|<>~$:&" else sign for sign in text)


def listed(words: Sequence[str], last: str = "and") -> str:
    """Return words in a row: ``i, f and o``."""
    *first, final = words
    return f"{', '.join(first)} {last} {final}" if first else final


def duration(seconds: float) -> str:
    """Return a length of time as people say it: ``40 s``, ``3 min``, ``1.5 h``."""
    if seconds < 90:
        return f"{max(1, math.ceil(seconds))} s"
    return f"{math.ceil(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
