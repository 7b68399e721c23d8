"""The page Cells, Errors: its bars and colours are those of the ladder, on held-out text where there is one."""

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from streamlit.testing.v1 import AppTest

import rnncore
from rnncore import analysis
from rnncore.analysis.errors import TYPES
from rnncore.network import checkpoint
from tests.viz_app.conftest import opened
from viz_app.components.theme import LIGHT
from viz_app.figures import errors as drawing
from viz_app.figures.words import escaped

TEXT = "".join(f"int f{n}(int a) {{\n\treturn a + {n} * g(a);\n}}\n" for n in range(60))
COLOURS = dict.fromkeys(TYPES, "#123456")


def script() -> None:
    from viz_app.views import errors

    errors.page()


@pytest.fixture
def page(pretrained: Path) -> Callable[..., AppTest]:
    def open_page(text: str = TEXT, **link: str) -> AppTest:
        return opened(script, text, **link)

    return open_page


@pytest.fixture
def trained(pretrained: Path, tmp_path: Path) -> str:
    """A model whose training text is at hand: a tenth of it was held out."""
    path = tmp_path / "code.c"
    path.write_text(TEXT)
    model = rnncore.build("gru", vocabulary=rnncore.Vocabulary.characters(TEXT), layers=1, units=8, seed=0)
    model.name = "trained"
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(2)
    data = {"name": str(path), "sha256": hashlib.sha256(TEXT.encode()).hexdigest()}
    config = {"validation": 0.1, "test": 0.1, "vocabulary": "characters"}
    checkpoint.save(model, pretrained / "trained", training={"data": data, "config": config})
    return "trained"


def said(test: AppTest) -> str:
    return " ".join(element.value for element in [*test.markdown, *test.info])


def excerpts(test: AppTest) -> list[dict[str, Any]]:
    found = [e for e in test.get("bidi_component") if e.proto.component_name == "rnncore.excerpts"]
    return [json.loads(one.proto.json) for one in found]


def expected(model: str, text: str, train: str, first: int = 0) -> analysis.Ladder:
    loss = rnncore.record(rnncore.load(model), text).loss
    return analysis.ladder(text[first:], np.concatenate([[np.nan], -loss[:-1]])[first:], train)


def test_held_out_text_is_judged_by_the_training_text(page: Callable[..., AppTest], trained: str) -> None:
    test = page(model=trained, corpus="held-out")
    cut = int(len(TEXT) * 0.8)
    found = expected(trained, TEXT[cut:], TEXT[:cut])
    text = excerpts(test)[0]["rows"][0]
    assert "".join(text["tokens"]) == TEXT[cut:]
    assert text["levels"] == found.characters["type"].cat.codes.tolist()
    chart = json.loads(test.get("plotly_chart")[0].proto.spec)
    drawn = [trace["x"][0] for trace in chart["data"] if trace["type"] == "bar"]
    np.testing.assert_allclose(drawn, found.shares["share"])
    assert test.title[0].value == escaped(drawing.finding(found.shares, trained))
    assert "is not used here" not in said(test)


def test_without_the_training_text_the_first_half_takes_its_place(page: Callable[..., AppTest]) -> None:
    test = page()
    half = len(TEXT) // 2
    found = expected("shakespeare-lstm", TEXT, TEXT[:half], half)
    text = excerpts(test)[0]["rows"][0]
    assert "".join(text["tokens"]) == TEXT[half : half + 1200]
    assert text["levels"] == found.characters["type"].cat.codes.tolist()[:1200]
    assert "does not tell what it was trained on" in said(test)
    assert "first half of this text" in said(test)


def test_pages_and_examples_follow_the_link(page: Callable[..., AppTest]) -> None:
    half = len(TEXT) // 2
    found = expected("shakespeare-lstm", TEXT, TEXT[:half], half)
    kinds = [str(kind) for kind in found.shares["type"].unique()]
    test = page(page="2", kind=kinds[-1])
    text, examples = excerpts(test)
    assert "".join(text["rows"][0]["tokens"]) == TEXT[half + 1200 : half + 2400]
    place = TYPES.index(kinds[-1])
    for row in examples["rows"]:
        assert row["levels"][row["start"]] == place
        assert row["end"] == row["start"] + 1
        assert "".join(row["tokens"]) in TEXT
        assert row["head"].startswith("given ")


def test_brackets_are_compared_with_a_20_gram(page: Callable[..., AppTest], trained: str) -> None:
    test = page(model=trained, corpus="held-out", view="closing", brackets="()")
    cut = int(len(TEXT) * 0.8)
    text, train = TEXT[cut:], TEXT[:cut]
    loss = rnncore.record(rnncore.load(trained), text).loss
    rival = analysis.ngrams(train, 20, symbols=TEXT).log_probabilities(text)
    closing = analysis.closing(text, np.concatenate([[np.nan], -loss[:-1]]), rival, brackets="()")
    chart = json.loads(test.get("plotly_chart")[0].proto.spec)
    drawn = [trace["y"] for trace in chart["data"]]
    for values, column in zip(drawn, ("network", "ngram", "advantage"), strict=True):
        np.testing.assert_allclose(
            np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]), closing.by_distance[column], atol=1e-5
        )
    assert test.title[0].value == escaped(drawing.closing_finding(closing.by_distance, trained, "()", 20))
    assert "it from 2" in said(test)  # how many characters the network learned from


def test_a_text_without_the_brackets_is_told_so(page: Callable[..., AppTest]) -> None:
    test = page(view="closing", brackets="[]")
    assert "is closed in this text" in test.title[0].value
    assert "There is nothing to compare" in said(test)


def test_a_text_too_short_and_a_model_of_words(page: Callable[..., AppTest], pretrained: Path) -> None:
    assert "too few to count errors" in said(page("a short text"))
    vocabulary = rnncore.Vocabulary.words(["int", "return"])
    checkpoint.save(rnncore.build("gru", vocabulary=vocabulary, layers=1, units=4), pretrained / "worded")
    assert "worded reads words" in said(page(model="worded"))


@pytest.mark.parametrize(
    "wrong",
    [{"view": "x"}, {"kind": "typo"}, {"page": "99"}, {"brackets": "<>", "view": "closing"}, {"corpus": "held-out"}],
)
def test_a_wrong_link_is_refused_with_a_sentence(page: Callable[..., AppTest], wrong: dict[str, str]) -> None:
    assert "This link asks for" in page(**wrong).warning[0].value


# ---- sentences -----------------------------------------------------------------------------------------------


def shares(**parts: float) -> pd.DataFrame:
    kinds = pd.Categorical([kind.replace("_", " ") for kind in parts], categories=TYPES, ordered=True)
    part = list(parts.values())
    return pd.DataFrame(
        {"type": kinds, "detail": np.nan, "errors": [int(100 * x) for x in part], "share": part, "nats": part[::-1]}
    )


def test_the_finding_names_the_two_largest_kinds() -> None:
    found = shares(rare_word=0.5, word_model=0.3, rest=0.2)
    assert drawing.finding(found, "m").replace("\u202f", " ") == (
        "Of m’s errors 50 % are in words that training hardly had and 30 % ask which word comes next"
    )
    assert drawing.finding(found.head(0), "m") == "m gives every character of this text more than one half"
    said = drawing.conclusion(found, 400).replace("\u202f", " ")
    assert said.startswith("It gives 25 % of the 400 characters less than one half.")
    assert "would have spared it 0 of these" in said
    assert said.endswith("Those that are of none of these kinds cost most: 50 % of the errors’ loss.")


def distances(*rows: tuple[int, float, float, float]) -> pd.DataFrame:
    """Pairs, advantage, low, high of ranges of ten."""
    columns = [(10 * k + 1, 10 * k + 10, n, 0.5, 0.5 - a, a, low, high) for k, (n, a, low, high) in enumerate(rows)]
    return pd.DataFrame(columns, columns=["first", "last", "pairs", "network", "ngram", "advantage", "low", "high"])


def test_the_title_speaks_of_the_farthest_brackets_of_which_there_are_enough() -> None:
    table = distances((50, 0.1, -0.1, 0.2), (30, 0.3, 0.2, 0.4), (3, -0.4, -0.5, -0.3))
    assert drawing.closing_finding(table, "m", "{}", 20) == (
        "11 to 20 characters after its “{”, m still gives “}” 0.30 more probability than a 20-gram"
    )
    assert "over 30 pairs. It lies above zero in one of three ranges: 11 to 20" in drawing.closing_conclusion(table, 20)
    unsure = distances((9, 0.1, -0.1, 0.2), (3, 0.5, 0.4, 0.6))
    assert drawing.closing_finding(unsure, "m", "{}", 20).startswith("1 to 10 characters")
    assert "no advantage of m over a 20-gram is shown" in drawing.closing_finding(unsure, "m", "{}", 20)
    none = drawing.closing_conclusion(unsure.head(1), 20)
    assert "at no distance does it exclude zero" in none
    worse = distances((50, -0.2, -0.3, -0.1))
    assert "gives “}” 0.20 less probability" in drawing.closing_finding(worse, "m", "{}", 20)


def test_details_in_words() -> None:
    assert drawing.detail("n-gram", 7) == "a 7-gram gives it more than half"
    assert drawing.detail("rare word", 0) == "its word is never in training"
    assert drawing.detail("rare word", 3) == "its word is 3 times in training"
    assert drawing.detail("rest", 0.3) == "given 30 to 40 %"
    assert drawing.detail("punctuation", np.nan) == "punctuation"


def test_a_bar_for_every_kind_and_detail() -> None:
    found = shares(rare_word=0.5, rest=0.5)
    fig = drawing.bars(found, LIGHT, COLOURS)
    assert [bar.y[0] for bar in fig.data[:-1]] == ["rare word", "rest"]
    assert list(fig.data[-1].y) == list(TYPES)
