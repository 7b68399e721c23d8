"""Labels against Python's own tokenizer, against marks under the text, and against counts written out."""

import io
import keyword
import random
import re
import tokenize

import numpy as np
import pandas as pd
import pytest

from rnncore import Error, Vocabulary
from rnncore.analysis import (
    LANGUAGES,
    Feature,
    column,
    features,
    find_feature,
    labels,
    matching,
    ngrams,
    predictability,
    suiting,
)
from rnncore.training import corpora

PROSE = 'He said "no, I won\'t" to Mr. Brown. Was it GOOD? See http://a.b/c.\n\tyes (a [b] c)\nlast'
C = 'int f(int a)\n{\n\t/* hi if */\n\tif (a == (1)) // x\n\t\treturn "a\\"b";\n}\n#if X\nchar c = \'"\';\n'
PYTHON = 'import a\nif x and f(y):\n  """doc\n  s"""\n  z = f"q{x}" if 3 else 2 # c\n[v for v in w\nif v]\n'
LATEX = "Let $x\\$ $ be % com $\n\\begin{lemma} a \\[ b \\] \\begin{align*} x&y \\end{align*} q\\end{lemma} $$z$$."


def drawn(name, text):
    """Return a feature as a line of digits, "?" where it is not defined."""
    return "".join("?" if np.isnan(value) else str(int(value)) for value in find_feature(name)(text))


def spans(name, text):
    """Return the stretches of text in which a discrete feature holds."""
    values = find_feature(name)(text)
    return [
        "".join(text[i] for i in run) for run in np.split(np.arange(len(text)), _edges(values)) if _holds(values, run)
    ]


def _edges(values):
    return np.flatnonzero(np.diff(values == 1)) + 1


def _holds(values, run):
    return len(run) and values[run[0]] == 1


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("quotes", PROSE, ["\"no, I won't"]),
        ("quotes", 'a "b\n\nc "d" e ``f\'\' “g” h', ['"b', '"d', "``f'", "“g"]),
        ("upper-case", PROSE + " NO_WAY2 Ab I aBC", ["GOOD", "NO_WAY2"]),
        ("url", PROSE, ["http://a.b/c."]),
        ("sentence-end", PROSE, [".", "?", "."]),
        ("word-end", "won't go-on a1", ["t", "o", "n", "a"]),
        ("vowel", "Apple y", ["A", "e"]),
        ("whitespace", "a \tb\n", [" \t", "\n"]),
        ("speaker", "ROMEO:\nAy me.\n\nLady C:\nNow: go\n\nNo:no", ["ROMEO:", "Lady C:"]),
        ("c-comment", C, ["/* hi if *", "// x"]),
        ("c-string", C, ['"a\\"b', "'\""]),
        ("c-identifier", C, ["f", "a", "a", "c"]),
        ("c-number", C, ["1"]),
        ("c-condition", C, ["(a == (1)"]),
        ("python-comment", PYTHON, ["# c"]),
        ("python-string", PYTHON, ['"""doc\n  s""', 'f"q{x}']),
        ("python-identifier", PYTHON, ["a", "x", "f", "y", "z", "v", "v", "w", "v"]),
        ("python-number", PYTHON, ["3", "2"]),
        ("python-condition", PYTHON, ["if x and f(y)"]),
        ("latex-comment", LATEX, ["% com $"]),
        ("math", LATEX, ["$x\\$ ", "[ b \\", "} x&y \\end{align*", "$z$"]),
        ("environment", LATEX, ["} a \\[ b \\] \\begin{align*} x&y \\end{align*} q\\end{lemma"]),
        ("command", LATEX, ["\\begin", "\\begin", "\\end", "\\end"]),
        ("math", "a $b\n\nc $d$ e", ["$b\n", "$d"]),
    ],
)
def test_what_is_inside(name, text, expected):
    assert spans(name, text) == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("line-length", "ab\nc\n\nd", "1201001"),
        ("to-newline", "ab\nc\n\nd", "210100?"),
        ("word-position", "it's a 1", "1234?1??"),
        ("indentation", "\ta\n  b\nc", "88012200"),
        ("round", "a(b(c)d)e)(", "01122110000"),
        ("curly", "{[}]", "1100"),
        ("square", "{[}]", "0110"),
    ],
)
def test_numbers(name, text, expected):
    assert drawn(name, text).replace(".", "") == expected


def test_python_tokens_are_those_of_pythons_own_tokenizer():
    """On real modules: each character's kind, from token positions looked up line by line."""
    files = [text for _, text in corpora.standard_library_files()]
    text = "\n".join(random.Random(0).sample([file for file in files if 2000 < len(file) < 20000], 6))
    expected = {name: np.zeros(len(text), bool) for name in ("python-identifier", "python-number", "python-comment")}
    lines = text.splitlines(keepends=True)
    assert "".join(lines) == text
    starts = [sum(map(len, lines[:row])) for row in range(len(lines) + 1)]
    depth = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = tokenize.tok_name[token.type]
        depth += (kind == "FSTRING_START") - (kind == "FSTRING_END")
        name = {"NAME": "python-identifier", "NUMBER": "python-number", "COMMENT": "python-comment"}.get(kind)
        if name and not depth and not keyword.iskeyword(token.string):
            start = starts[token.start[0] - 1] + token.start[1]
            expected[name][start : start + len(token.string)] = True
    for name, where in expected.items():
        assert where.sum() > 50
        np.testing.assert_array_equal(find_feature(name)(text) == 1, where, err_msg=name)


def test_python_is_read_again_after_a_cut_through_a_string():
    broken = 'and so on"""\n x = \'ab\ndef f(n):\n    return 12  # twelve\n'
    values = find_feature("python-number")(broken)
    assert np.isnan(values[: broken.index("def")]).any()
    assert spans("python-number", broken) == ["12"]
    assert spans("python-comment", broken) == ["# twelve"]


@pytest.mark.parametrize("text", ["", "\n", "a", '"', "((", "$", "\\begin{a}", "/*", "ß\U0001f600\ud800\n\x0c"])
@pytest.mark.parametrize("name", sorted(features))
def test_every_feature_labels_every_text(name, text):
    values = find_feature(name)(text)
    assert values.shape == (len(text),)
    assert values.dtype == np.float32


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_features_and_names_are_what_they_are_called(language):
    names = [feature.name for feature in suiting(language)]
    assert len(names) >= 15
    assert all(features[name].name == name for name in names)


def test_sentiment_adds_up_the_lexicon_within_a_sentence():
    text = "A good day. A horrible, bad day"
    values = find_feature("sentiment")(text)
    assert values[text.index("good") + 3] > 1
    assert values[text.index(".")] == 0
    assert values[-1] < values[text.index("horrible") + 7] < -1


def test_labels_follow_the_symbols_of_any_vocabulary():
    text = "né 字\U0001f600 b\n"
    feature = matching("[é字\U0001f600]")
    expected = [bool(re.match("[é字\U0001f600]", character)) for character in text]
    assert labels([feature], Vocabulary.characters(text), text)[0].tolist() == expected
    by_bytes = [value for value, character in zip(expected, text, strict=True) for _ in character.encode()]
    assert labels([feature], Vocabulary.bytes(), text)[0].tolist() == by_bytes
    words = Vocabulary.words(["b", "<eos>"])
    assert labels([matching("字\U0001f600|\n")], words, text)[0].tolist() == [0, 1, 0, 1]
    assert len(words.tokenize(text)) == 4
    subwords = Vocabulary("subwords", ("n", "né", " ", " b", "字\U0001f600", "\n"))
    assert subwords.tokenize(text) == ("né", " ", "字", "\U0001f600", " b", "\n")
    assert labels([feature], subwords, text)[0].tolist() == [1, 0, 1, 1, 0, 0]


def test_a_csv_column_is_a_feature(tmp_path):
    path = tmp_path / "labels.csv"
    pd.DataFrame({"mood": [0.5, None, 2], "flag": [True, False, True], "word": ["a", "b", "c"]}).to_csv(path)
    mood, flag = column(path, "mood"), column(path, "flag")
    assert (mood.kind, flag.kind) == ("scalar", "discrete")
    np.testing.assert_array_equal(mood("abc"), np.float32([0.5, np.nan, 2]))
    assert flag("abc").tolist() == [1, 0, 1]
    with pytest.raises(Error, match="4 characters"):
        mood("abcd")
    with pytest.raises(Error, match=r"no column 'x'; there are .*mood"):
        column(path, "x")
    with pytest.raises(Error, match="something else than numbers"):
        column(path, "word")
    with pytest.raises(Error, match="cannot be read"):
        column(tmp_path / "none.csv", "x")


def test_mistakes_are_sentences():
    with pytest.raises(Error, match="did you mean 'quotes'"):
        find_feature("quote")
    with pytest.raises(Error, match="known: prose"):
        suiting("fortran")
    with pytest.raises(Error, match="no regular expression"):
        matching("(")
    with pytest.raises(Error, match="gave int64"):
        Feature("two", "two", "scalar", lambda text: np.zeros(2, int))("abc")
    with pytest.raises(Error, match="is discrete"):
        Feature("half", "half", "discrete", lambda text: np.full(len(text), 0.5))("abc")


def test_predictability_is_the_next_characters():
    text = "abracadabra" * 5
    log_p = ngrams(text, 3).log_probabilities
    values = predictability(log_p)(text)
    np.testing.assert_allclose(values[:-1], log_p(text)[1:], rtol=1e-6)
    assert np.isnan(values[-1])
