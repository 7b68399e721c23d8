"""Features of any text, and of prose and plays."""

from __future__ import annotations

import re
from functools import cache, partial
from importlib.resources import files

import numpy as np

from rnncore.analysis.features import Feature, feature, features, inside, since

_PARAGRAPH = r"(?=\r?\n[ \t\r]*\n)|\Z"
_QUOTATION = re.compile(rf"(?P<said>\"[^\"]*?|“[^”]*?|``(?:(?!'').)*?'?)(?:[\"”]|(?<=')'|{_PARAGRAPH})", re.DOTALL)


@feature("quotes", "inside quotation marks", "discrete", "prose", "play", "latex")
def _quotes(text: str) -> np.ndarray:
    """Let a quotation that is never closed end with its paragraph."""
    return inside(text, _QUOTATION, "said")


@feature("line-length", "characters of the line so far", "scalar")
def _line_length(text: str) -> np.ndarray:
    return since(_newline(text))


@feature("line-share", "position in the line, from 0 to 1", "scalar")
def _line_share(text: str) -> np.ndarray:
    before, after = _line_length(text), _until_newline(text)
    return np.where(_newline(text), np.nan, before / np.maximum(before + after, 1))


@feature("to-newline", "characters to the next line break", "scalar")
def _to_newline(text: str) -> np.ndarray:
    left = _until_newline(text).astype(np.float64)
    left[text.rfind("\n") + 1 :] = np.nan
    return left


@feature("indentation", "columns of white space that the line begins with", "scalar")
def _indentation(text: str) -> np.ndarray:
    """Count what has been read of it; a tab leads to the next multiple of 8."""
    depth = np.zeros(len(text))
    for line in re.finditer(r"^([ \t]+)([^\n]*)", text, re.MULTILINE):
        column = 0
        for place in range(line.start(1), line.end(1)):
            column = (column // 8 + 1) * 8 if text[place] == "\t" else column + 1
            depth[place] = column
        depth[line.start(2) : line.end(2)] = column
    return depth


FARTHEST = 20_000
"""Characters between two brackets that still make a pair: beyond, one of them had no partner."""


def _bracket_depth(text: str, opening: str, closing: str) -> np.ndarray:
    """Return how many pairs of brackets each character is in; a bracket without a partner does not count."""
    depth, waiting = np.zeros(len(text) + 1), list[int]()
    for bracket in re.finditer(f"[{re.escape(opening + closing)}]", text):
        place = bracket.start()
        if bracket.group() == opening:
            waiting.append(place)
        elif waiting and place - (opened := waiting.pop()) <= FARTHEST:
            depth[opened] += 1
            depth[place] -= 1
    return depth[:-1].cumsum()


for _name, _opening, _closing in (("round", "(", ")"), ("square", "[", "]"), ("curly", "{", "}")):
    _depth = partial(_bracket_depth, opening=_opening, closing=_closing)
    features[_name] = Feature(_name, f"depth of {_name} brackets", "scalar", _depth)


@feature("upper-case", "a run of two or more capitals", "discrete")
def _upper_case(text: str) -> np.ndarray:
    return inside(text, r"(?<![^\W_])[A-Z][A-Z0-9_]*[A-Z0-9](?![a-z])")


@feature("word-position", "letters of the word so far", "scalar")
def _word_position(text: str) -> np.ndarray:
    letter = inside(text, r"[^\W\d_]+(?:['’][^\W\d_]+)*")
    return np.where(letter, since(~letter), np.nan)


@feature("word-end", "last letter of a word", "discrete")
def _word_end(text: str) -> np.ndarray:
    return inside(text, r"[^\W\d_](?!['’]?[^\W\d_])")


@feature("sentence-end", "full stop, question or exclamation mark that ends a sentence", "discrete", *("prose", "play"))
def _sentence_end(text: str) -> np.ndarray:
    """Leave out full stops after single capitals and common titles."""
    return inside(text, r"(?<!\b[A-Z])(?<!\bM[rs])(?<!\bMrs)(?<!\b[DS][rt])[.?!](?=[\"'”’)\]]*(?:\s|\Z))")


@feature("speaker", "name of a speaker", "discrete", "play")
def _speaker(text: str) -> np.ndarray:
    return inside(text, r"(?:\A|(?<=\n\n))[A-Z][A-Za-z' ]*:(?=\n)")


@feature("url", "inside a web address", "discrete")
def _url(text: str) -> np.ndarray:
    return inside(text, r"(?:https?|ftp)://[^\s<>\"{}]+|\bwww\.[^\s<>\"{}]+")


@feature("whitespace", "white space", "discrete")
def _whitespace(text: str) -> np.ndarray:
    return inside(text, r"\s")


@feature("vowel", "a vowel", "discrete")
def _vowel(text: str) -> np.ndarray:
    return inside(text, "[aeiouAEIOU]")


@feature("sentiment", "sum of the words' sentiment in the sentence so far", "scalar", "prose", "play")
def _sentiment(text: str) -> np.ndarray:
    """Add up VADER's lexicon, Hutto & Gilbert (2014): 7,500 words from -4 to 4, each counted from its end on."""
    lexicon, change = _lexicon(), np.zeros(len(text))
    for word in re.finditer(r"[a-z']+", text.lower() if len(text.lower()) == len(text) else text):
        change[word.end() - 1] = lexicon.get(word.group(), 0)
    total = change.cumsum()
    start = np.arange(len(text)) - since(inside(text, r"[.?!]|\n(?=\s*\n)"))
    return np.asarray(total - np.append(total, 0)[start])  # the place before the first is the last, 0


@cache
def _lexicon() -> dict[str, float]:
    lines = files("vaderSentiment").joinpath("vader_lexicon.txt").read_text(encoding="utf-8").splitlines()
    return {word: float(value) for word, value, *_ in (line.split("\t") for line in lines if line.strip())}


def _newline(text: str) -> np.ndarray:
    return inside(text, "\n")


def _until_newline(text: str) -> np.ndarray:
    """Return the characters from each one to the next line break, or to the text's end; 0 at a line break."""
    return since(_newline(text)[::-1])[::-1].copy()
