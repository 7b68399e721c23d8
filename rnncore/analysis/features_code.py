"""Features of source code and of LaTeX: by Python's own tokenizer, by Pygments' lexer of C, and by a scan of LaTeX.

Pygments knows neither the environments of LaTeX nor the mathematics inside them.
"""

from __future__ import annotations

import io
import keyword
import re
import tokenize
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
from pygments.lexers.c_cpp import CLexer
from pygments.token import Comment, Keyword, Name, Number, String

from rnncore.analysis.features import Feature, feature, features, inside, within


class Span(NamedTuple):
    """A token of a program: from where to where, and what it is."""

    start: int
    end: int
    what: str
    text: str


Lexer = Callable[[str], tuple[Span, ...]]


@lru_cache(maxsize=2)
def c_spans(text: str) -> tuple[Span, ...]:
    """Return the tokens of C; what the preprocessor reads is neither comment nor identifier."""

    def what(kind: object) -> str:
        if kind in Comment:
            return "other" if kind in (Comment.Preproc, Comment.PreprocFile) else "comment"
        kinds = {String: "string", Number: "number", Name: "identifier", Keyword: "keyword"}
        return next((word for family, word in kinds.items() if kind in family), "other")

    pieces = CLexer().get_tokens_unprocessed(text)
    return tuple(_joined(Span(start, start + len(value), what(kind), value) for start, kind, value in pieces))


def _joined(spans: Iterator[Span]) -> Iterator[Span]:
    """Join the pieces in which the lexer gives one comment, and strings into one from quote to quote."""
    held: Span | None = None
    for span in spans:
        if held and span.what == held.what and span.what in ("string", "comment") and not _is_closed(held):
            held = Span(held.start, span.end, held.what, held.text + span.text)
        else:
            if held:
                yield held
            held = span
    if held:
        yield held


def _is_closed(span: Span) -> bool:
    if span.what == "comment":
        return span.text.endswith("\n" if span.text.startswith("//") else "*/")
    quote = span.text.lstrip("LuU8")[:1]
    return len(span.text.lstrip("LuU8")) > 1 and span.text.endswith(quote) and not _escaped(span.text)


def _escaped(text: str) -> bool:
    """Tell whether the last character has a backslash before it that is not itself escaped."""
    before = text[:-1]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


@lru_cache(maxsize=2)
def python_spans(text: str) -> tuple[Span, ...]:
    """Return the tokens of Python, exactly as Python itself reads it.

    Where the text is no Python, as after a cut through a string, it is "unknown" from there to the next line that
    begins at the margin.
    """
    lines = text.split("\n")
    starts = np.cumsum([0, *(len(line) + 1 for line in lines)]).tolist()
    spans, first = list[Span](), 0
    while first < len(lines):
        source, row = "\n".join(lines[first:]), 1
        try:
            for token in _whole_strings(tokenize.generate_tokens(io.StringIO(source, newline="\n").readline)):
                if token.type == tokenize.ERRORTOKEN and token.string.strip():
                    raise SyntaxError
                start, end = (starts[first + line - 1] + place for line, place in (token.start, token.end))
                spans.append(Span(start, min(end, len(text)), _python_kind(token), token.string))
                row = token.end[0]
            return tuple(spans)
        except (tokenize.TokenError, SyntaxError):
            lost = first + row - 1
            margin = (number for number in range(lost + 1, len(lines)) if lines[number][:1].strip())
            first = next(margin, len(lines))
            spans.append(Span(starts[lost], min(starts[first], len(text)), "unknown", ""))
    return tuple(spans)


def _whole_strings(tokens: Iterator[tokenize.TokenInfo]) -> Iterator[tokenize.TokenInfo]:
    """Join the tokens of an f-string, which Python tells apart from version 3.12 on."""
    opens, closes = (getattr(tokenize, name, None) for name in ("FSTRING_START", "FSTRING_END"))
    begun: list[tokenize.TokenInfo] = []
    for token in tokens:
        if token.type == opens:
            begun.append(token)
        elif begun and token.type == closes:
            first = begun.pop()
            if not begun:
                yield tokenize.TokenInfo(tokenize.STRING, first.string + token.string, first.start, token.end, "")
        elif not begun:
            yield token


def _python_kind(token: tokenize.TokenInfo) -> str:
    if token.type == tokenize.NAME:
        return "keyword" if keyword.iskeyword(token.string) else "identifier"
    kinds = {tokenize.COMMENT: "comment", tokenize.STRING: "string", tokenize.NUMBER: "number"}
    return kinds.get(token.type, "other")


def _kind_of_token(lexer: Lexer, what: str, text: str) -> np.ndarray:
    """Return where the text is in a token of a kind; once its closing quote or ``*/`` is read it is over."""
    spans = lexer(text)
    ends = {"string": ("'", '"'), "comment": ("*/", "\n")}.get(what, ())
    places = ((span.start, span.end - span.text.endswith(ends)) for span in spans if span.what == what)
    return np.where(_unknown(spans, text), np.nan, within(len(text), places))


def _unknown(spans: tuple[Span, ...], text: str) -> np.ndarray:
    return within(len(text), ((span.start, span.end) for span in spans if span.what == "unknown"))


for _language, _lexer in (("c", c_spans), ("python", python_spans)):
    for _what in ("comment", "string", "identifier", "number"):
        _name = f"{_language}-{_what}"
        _article = "an" if _what == "identifier" else "a"
        _function = partial(_kind_of_token, _lexer, _what)
        features[_name] = Feature(_name, f"inside {_article} {_what}", "discrete", _function, (_language,))


@feature("c-condition", "inside the condition of an if", "discrete", "c")
def _c_condition(text: str) -> np.ndarray:
    """Go from the bracket after ``if`` to the one that closes it."""
    found, depth, start, waiting = list[tuple[int, int]](), 0, 0, False
    for span in c_spans(text):
        if span.text == "if" and span.what == "keyword" and not depth:
            waiting = True
        elif span.text == "(" and (depth or waiting):
            start = span.start if waiting else start
            waiting, depth = False, depth + 1
        elif span.text == ")" and depth:
            depth -= 1
            if not depth:
                found.append((start, span.start))
    return within(len(text), found)


@feature("python-condition", "inside the condition of an if", "discrete", "python")
def _python_condition(text: str) -> np.ndarray:
    """Go from ``if`` or ``elif`` at the beginning of a statement to its colon."""
    spans, found, depth, start = python_spans(text), list[tuple[int, int]](), 0, -1
    for span in spans:
        if span.what == "unknown":
            depth, start = 0, -1
        elif span.text in ("(", "[", "{"):
            depth += 1
        elif span.text in (")", "]", "}"):
            depth -= 1
        elif span.what == "keyword" and span.text in ("if", "elif") and not depth:
            line = text[text.rfind("\n", 0, span.start) + 1 : span.start]
            start = start if line.strip() else span.start
        elif span.text == ":" and start >= 0 and not depth:
            found.append((start, span.start))
            start = -1
    return np.where(_unknown(spans, text), np.nan, within(len(text), found))


_LATEX = re.compile(
    r"(?P<comment>%[^\n]*)|(?P<paragraph>\n[ \t\r]*\n)|(?P<dollar>\$\$?)|\\(?P<display>[\[\]()])"
    r"|\\(?P<which>begin|end)\s*\{(?P<name>[^}\n]*)\}|\\."
)
_MATHEMATICS = {"math", "displaymath", "equation", "eqnarray", "align", "alignat", "flalign", "gather", "multline"}
_CLOSES = {"[": "]", "(": ")", "$": "$", "$$": "$$"}


@lru_cache(maxsize=2)
def _latex(text: str) -> dict[str, list[tuple[int, int]]]:
    """Return from where to where comments, mathematics and environments reach."""
    found: dict[str, list[tuple[int, int]]] = {"comment": [], "math": [], "environment": []}
    until, start, opened = "", 0, list[tuple[str, int]]()
    for match in _LATEX.finditer(text):
        mark = match["dollar"] or match["display"] or (match["name"] or "").rstrip("*")
        ends = match["which"] == "end"
        if match["comment"] is not None:
            found["comment"].append(match.span())
        elif match["which"] and mark != "document":
            if not ends:
                opened.append((mark, match.end()))
            elif mark in (names := [name for name, _ in opened]):
                place = len(names) - 1 - names[::-1].index(mark)
                found["environment"].append((opened[place][1] - 1, match.end() - 1))
                del opened[place:]
        if until and ((mark == until and match["which"] != "begin") or (match["paragraph"] and until[0] == "$")):
            found["math"].append((start, match.end() - 1))  # a paragraph ends what dollars began
            until = ""
        elif not until and not ends and (mark in _CLOSES or mark in _MATHEMATICS):
            until, start = _CLOSES.get(mark, mark), match.end() - 1
    return found


@feature("latex-comment", "inside a comment", "discrete", "latex")
def _latex_comment(text: str) -> np.ndarray:
    return within(len(text), _latex(text)["comment"])


@feature("math", "inside mathematics", "discrete", "latex")
def _math(text: str) -> np.ndarray:
    """Look between dollars, in brackets with backslashes, and in environments of equations."""
    return within(len(text), _latex(text)["math"])


@feature("environment", "inside an environment", "discrete", "latex")
def _environment(text: str) -> np.ndarray:
    """Leave out environments without an end, and the document."""
    return within(len(text), _latex(text)["environment"])


@feature("command", "inside the name of a command", "discrete", "latex")
def _command(text: str) -> np.ndarray:
    return inside(text, r"\\[a-zA-Z@]+")
