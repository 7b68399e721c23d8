"""The page Cells, Match: its cells and passages are those that a search by hand finds, and its link is obeyed."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from streamlit.testing.v1 import AppTest

import rnncore
from rnncore.analysis import On
from tests.viz_app.conftest import opened
from viz_app.figures import match as words
from viz_app.views.match.query import opening

TEXT = 'int main(void) { return puts("hello, world"); }\n/* it ends here */\n' * 6
MODEL = "shakespeare-lstm"
LINK = {"signal": "c", "level": "share", "share": "30", "from": "30", "to": "33", "before": "0", "after": "0"}


def script() -> None:
    from viz_app.views import match

    match.page()


@pytest.fixture
def page(pretrained: Path) -> Callable[..., AppTest]:
    def open_page(text: str = TEXT, **link: str) -> AppTest:
        return opened(script, text, **link)

    return open_page


def sent(test: AppTest, component: str) -> dict[str, Any]:
    (found,) = (e for e in test.get("bidi_component") if e.proto.component_name == f"rnncore.{component}")
    return json.loads(found.proto.json)


def said(test: AppTest) -> str:
    return " ".join(element.value for element in test.markdown)


def on(percent: float, below: bool = False) -> np.ndarray:
    """Return which cells are on when, each at so many per cent of its steps: bool [layer, time, unit]."""
    c = rnncore.record(rnncore.load(MODEL), TEXT)["c"]
    if below:
        return c <= np.quantile(c, percent / 100, axis=1)[:, None]
    return c >= np.quantile(c, 1 - percent / 100, axis=1)[:, None]


def test_the_cells_are_those_on_over_the_range_and_off_around(page: Callable[..., AppTest], pretrained: Path) -> None:
    active = on(30)
    cells = {t: np.argwhere(active[:, t : t + 3].all(1) & ~active[:, t - 1]) for t in range(5, 30)}
    start = next(t for t, found in cells.items() if len(found) > 1)
    test = page(**{**LINK, "from": str(start), "to": str(start + 3), "before": "1"})
    data = sent(test, "curves")
    assert {row["head"] for row in data["rows"]} == {f"layer {a + 1}, unit {b}" for a, b in cells[start]}
    assert data["range"] == [start, start + 3]  # the curves begin at the text's start
    assert data["sides"] == [1, 0]
    brushed = sent(test, "brush")
    chosen = np.array([active[a, :, b] for a, b in cells[start]])
    np.testing.assert_array_equal(brushed["shares"], np.rint(100 * chosen.mean(0)))
    assert brushed["range"] == [start, start + 3]
    assert "cells are on throughout" in test.title[0].value


def test_curves_hold_the_signal_around_the_range(page: Callable[..., AppTest]) -> None:
    data = sent(page(**{**LINK, "from": "120", "to": "123"}), "curves")
    c = rnncore.record(rnncore.load(MODEL), TEXT)["c"]
    for row in data["rows"]:
        layer, unit = map(int, re.findall(r"\d+", row["head"]))
        np.testing.assert_allclose(row["values"], c[layer - 1, 80:163, unit], atol=0.0006)
        assert row["threshold"] == pytest.approx(np.quantile(c[layer - 1, :, unit], 0.7), abs=1e-6)
    assert data["range"] == [40, 43]
    assert data["high"] == pytest.approx(max(abs(v) for row in data["rows"] for v in row["values"]))


@pytest.mark.parametrize("side", ["high", "low"])
def test_passages_are_coloured_and_counted_by_the_cells_that_are_on(page: Callable[..., AppTest], side: str) -> None:
    test, active = page(**{**LINK, "side": side, "cells": "3"}), on(30, side == "low")
    searched = [tuple(map(int, re.findall(r"\d+", row["head"]))) for row in sent(test, "curves")["rows"]][:3]
    searching = np.array([active[layer - 1, :, unit] for layer, unit in searched])
    rows = sent(test, "excerpts")["rows"]
    assert rows
    for row in rows:
        start = int(re.search(r"at ([\d\u202f]+)", row["note"])[1].replace("\u202f", ""))
        end = start + row["end"] - row["start"]
        first = start - row["start"]
        assert "".join(row["tokens"]) == TEXT[first : first + len(row["tokens"])]
        shared = searching[:, start:end].all(1).sum()
        assert row["head"] == f"{shared} of {len(searched)} cells"
        every = active[:, start:end].all(1).sum()
        assert row["note"].startswith(f"{every - shared} other")
        here = searching[:, first : first + len(row["tokens"])].mean(0)
        np.testing.assert_array_equal(row["levels"], np.rint(100 * here))


def test_passages_can_be_coloured_by_what_the_text_says(page: Callable[..., AppTest]) -> None:
    rows = sent(page(**LINK, colour="whitespace"), "excerpts")["rows"]
    for row in rows:
        assert row["levels"] == [100 * token.isspace() for token in row["tokens"]]


def test_another_text_takes_the_range_out_of_the_link(page: Callable[..., AppTest]) -> None:
    test = page(**LINK)
    test.session_state["_texts"] = {"0" * 16: TEXT.upper()}
    test.run()
    assert not test.exception
    assert "from" not in test.query_params


def test_no_cell_that_fits_is_said(page: Callable[..., AppTest]) -> None:
    test = page(signal="h", side="high", level="value", at="1.0")
    assert test.title[0].value.startswith("No cell is on throughout")
    assert "lower the threshold" in said(test)
    assert not [e for e in test.get("bidi_component") if e.proto.component_name == "rnncore.excerpts"]


def test_sliders_are_held_in_the_link(page: Callable[..., AppTest]) -> None:
    test = page(**LINK)
    test.slider(key="_slide_share").set_value(20).run()
    assert test.query_params["share"] == "20"
    test.slider(key="_slide_before").set_value(3).run()
    assert test.query_params["before"] == "3"
    assert sent(test, "brush")["sides"] == [3, 0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"signal": "q"},
        {"from": "5000"},
        {"from": "30", "to": "30"},
        {"at": "7", "level": "value", "signal": "h"},
        {"share": "99"},
        {"side": "left"},
        {"colour": "joy"},
        {"cells": "4"},
        {"corpus": "web"},
        {"before": "-1"},
    ],
)
def test_a_wrong_link_is_refused_with_a_sentence(page: Callable[..., AppTest], wrong: dict[str, str]) -> None:
    test = page(**{**LINK, **wrong})
    assert "This link asks for" in test.warning[0].value


def test_a_text_too_short_for_a_range(page: Callable[..., AppTest]) -> None:
    assert page("ab", level="share", signal="c").title
    assert "longer text" in page("a").info[0].value


# ---- where it opens, and its words ---------------------------------------------------------------------------


def test_it_opens_on_the_longest_piece_that_some_cells_have_to_themselves() -> None:
    tokens = tuple('some words to begin with, then "a longish quotation" and a word, long enough.')
    values = np.full((1, len(tokens), 4), -1.0, np.float32)
    start = tokens.index('"')
    values[0, start : start + 21, :3] = 1
    assert opening(values, tokens, On(0.5)) == (start, start + 21)
    values[0, start - 1, 0] = 1  # now but two cells have it to themselves
    word = "".join(tokens).index("word,")
    values[0, word : word + 4, 3] = 1
    assert opening(values, tokens, On(0.5)) == (start, start + 21)


def test_marks_are_shares_inside_and_elsewhere() -> None:
    labels = np.array([[1, 1, 0, 0, 1, 0], [1, 1, np.nan, 1, 0, 0], [np.nan] * 6], np.float32)
    table = words.marks(labels, ["first", "second", "never"], [(0, 2), (2, 4)]).set_index("title")
    assert list(table.index) == ["second", "first"]
    assert table.loc["first"].tolist() == [0.5, 0.5]
    assert table.loc["second"].tolist() == [1.0, 0.0]


def marked(inside: float, elsewhere: float) -> pd.DataFrame:
    return pd.DataFrame([("inside a comment", inside, elsewhere)], columns=["title", "inside", "elsewhere"])


def test_the_finding_names_what_marks_the_passages_only_where_it_does() -> None:
    assert words.finding(0, 8, "“x”") == "No cell is on throughout “x” and off around it"
    assert words.finding(1, 8, "“x”").startswith("One of 8 cells is on")
    assert words.finding(3, 8, "“x”", marked(0.9, 0.2)).endswith("it is mostly inside a comment")
    for weak in (marked(0.5, 0.1), marked(0.9, 0.7)):
        assert words.finding(3, 8, "“x”", weak).endswith("off around it")


def test_the_conclusion_counts_whole_matches() -> None:
    matches = pd.DataFrame({"shared": [3, 3, 2]})
    assert "All three cells are on, and off around, in two of the three" in words.conclusion(matches, 3, marked(0.9, 0))
    assert "Nowhere do all four cells return; the best passage has three" in words.conclusion(
        matches, 4, marked(0.5, 0.4)
    )
    assert "No property we know marks them" in words.conclusion(matches, 4, marked(0.5, 0.4))


def test_a_long_passage_is_quoted_by_its_ends() -> None:
    assert words.quoted("a\n\tb") == "“a↵→b”"
    assert words.quoted("x" * 30 + "y" * 30) == "“" + "x" * 28 + " … " + "y" * 9 + "”"


def test_bytes_are_searched_too(page: Callable[..., AppTest], pretrained: Path) -> None:
    from rnncore.network import checkpoint

    model = rnncore.build("lstm", vocabulary=rnncore.Vocabulary.bytes(), layers=1, units=6, seed=2)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(3)
    model.name = "bytes"
    checkpoint.save(model, pretrained / "bytes")
    test = page("é und ö, ünd so weiter. " * 8, model="bytes", **LINK)
    assert "".join(sent(test, "brush")["tokens"]).encode("latin-1").decode().startswith("é und ö")
