"""The evidence on the page Cells: claims, orders by label, the first sight, cells that are asked for, edited texts."""

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import streamlit as st
import torch
from hypothesis import given
from hypothesis import strategies as some
from streamlit.testing.v1 import AppTest

import rnncore
from rnncore import analysis
from rnncore.analysis import Dictionary, dictionary, matching
from rnncore.network import checkpoint
from tests.analysis import planted
from viz_app import evidence, patterns, search
from viz_app.claims import DOUBTS, claim
from viz_app.components.reader import Reading
from viz_app.figures.edited import aligned, finding
from viz_app.views.cells import find

TEXT = planted.text(900, seed=5)


def script() -> None:
    from viz_app import state
    from viz_app.views import cells

    state.turn("cells")
    cells.page()


@pytest.fixture(scope="module")
def known() -> Dictionary:
    features = [planted.INSIDE, matching("a", "letter a")]
    return dictionary(planted.model(), planted.text(15_000), features, positions=4000, removed=6000)


@pytest.fixture(scope="module")
def folder(known: Dictionary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The planted model with its dictionary, and the same without one."""
    folder = tmp_path_factory.mktemp("pretrained")
    for name in ("planted", "bare"):
        model = planted.model()
        model.name = name
        checkpoint.save(model, folder / name)
    known.save(folder / "planted" / "units")
    return folder


@pytest.fixture
def inside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the pages see both models, and the registry the planted label."""
    monkeypatch.setenv("RNNCORE_PRETRAINED", str(folder))
    monkeypatch.setitem(analysis.features, "inside", planted.INSIDE)
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


def open_page(content: str = TEXT, **link: Any) -> AppTest:
    app = AppTest.from_function(script, default_timeout=90)
    app.session_state["_texts"] = {"0" * 16: content, **link.pop("texts", {})}
    link = {"model": "planted", "text": "mine:" + "0" * 16, **link}
    app.query_params.update({key: str(value) for key, value in link.items()})
    app.run()
    assert not app.exception
    return app


def sent(app: AppTest, component: str = "reader") -> dict[str, Any]:
    (found,) = (e for e in app.get("bidi_component") if e.proto.component_name == f"rnncore.{component}")
    return json.loads(found.proto.json)


# ---- claims


def test_all_checks_hold_where_a_unit_is_verified_and_only_there(known: Dictionary) -> None:
    claims = {int(row["unit"]): claim(row) for row in known.units.to_dict("records")}
    assert [claims[unit].verdict for unit in range(4)] == ["verified", "correlated only", "chance", "chance"]
    for one in claims.values():
        passed = {check.key: check.passed for check in one.checks}
        assert list(passed) == list(DOUBTS)
        assert (one.verdict == "verified") == all(passed.values())
        assert bool(one.head) == (one.verdict == "verified")
    assert claims[0].head == "is high on “matches \\([^)]*”"
    assert claims[0].says.startswith("Verified: ")
    assert f"AUC {known.units.set_index('unit').at[0, 'auc']:.3f}" in claims[0].says
    assert {check.key for check in claims[1].checks if not check.passed} == {"removal"}
    assert "does not show that the model relies on it" in claims[1].says
    assert not {check.key: check.passed for check in claims[2].checks}["shifted"]
    assert claims[2].says.startswith("Chance: no nearer to any label")


def test_figures_are_those_of_the_dictionary() -> None:
    row = {"kind": "scalar", "verdict": "untrained too", "title": "t", "signal": "c", "feature": "f", "rank": -0.9}
    row |= {"strength": 0.8, "r2": 0.65, "least": 0.7, "control": 0.1, "untrained": 0.75, "effect": np.nan}
    found = claim(row)
    assert [check.value for check in found.checks] == ["0.650", "0.490", "0.562", "0.010", "not tried"]
    assert [check.passed for check in found.checks] == [True, True, False, True, None]
    assert "R² 0.650 on unseen text, but a unit of untrained models reaches 0.562" in found.says
    weak = claim(row | {"verdict": "unexplained", "r2": 0.4})
    assert "R² 0.400 on unseen text; a label needs 0.6." in weak.says
    low = claim(row | {"verdict": "verified", "effect": 0.02, "low": 0.01, "high": 0.03, "random": 0.001})
    assert low.head == "falls with “t”"
    assert low.checks[-1].value == "+0.0200 (+0.0100 to +0.0300); without a typical unit 0.0010"


# ---- the reader


def test_units_can_be_ordered_by_any_label(known: Dictionary) -> None:
    reading = Reading(rnncore.record(planted.model(), TEXT), 0, known)
    assert list(reading.labels) == ["inside", "letter a"]
    rows = known.evidence[known.evidence["feature"] == "letter a"].set_index("unit")
    strengths = rows["strength"].to_dict()
    assert reading.order("h", "letter a").tolist() == sorted(strengths, key=lambda unit: (-strengths[unit], unit))
    assert reading.signal("letter a") == rows.at[int(reading.order("h", "letter a")[0]), "signal"]
    bank = reading.bank([1, 0])
    assert [one["verdict"] for one in bank["claims"]] == ["correlated only", "verified"]
    assert len(json.dumps(bank["claims"])) < 1200
    opening = reading.opening()["known"]
    assert [chip["unit"] for chip in opening["chips"]] == [0]
    assert Reading(reading.recording, 0).opening()["known"] is None


@pytest.mark.usefixtures("inside")
def test_a_dictionary_of_other_weights_is_not_believed(
    known: Dictionary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNNCORE_PRETRAINED", str(tmp_path))
    model = planted.model()
    for model.name in ("same", "other"):
        checkpoint.save(model, tmp_path / model.name)
        known.save(tmp_path / model.name / "units")
        with torch.no_grad():
            model.head.bias[0] += 1e-3
    assert evidence.of("same") is not None
    assert evidence.of("other") is None


@pytest.mark.usefixtures("inside")
def test_a_verified_unit_is_called_by_what_is_verified(known: Dictionary) -> None:
    recording = rnncore.record(planted.model(), TEXT)
    reading = Reading(recording, 0, known)
    found = reading.finding(0, "h")
    assert found.headline == "Unit 0’s hidden state is high on “matches \\([^)]*”"
    mask = np.array(planted.INSIDE(TEXT)) == 1
    means = [recording["h", 0][chosen, 0].mean() for chosen in (mask, ~mask)]
    said = [float(number.replace("−", "-")) for number in re.findall(r"[+−]\d\.\d\d", found.numbers)]
    np.testing.assert_allclose(said, means, atol=0.00501)
    assert "matches" not in reading.finding(1, "h").headline
    nowhere = Reading(rnncore.record(planted.model(), "axby" * 20), 0, known).finding(0, "h")
    assert "cannot be seen here" in nowhere.numbers


@pytest.mark.usefixtures("inside")
def test_the_page_opens_on_what_is_verified_and_a_link_wins() -> None:
    assert sent(open_page())["opening"]["chosen"] | {"t": 0} == {"unit": 0, "signal": "h", "sort": "inside", "t": 0}
    assert sent(open_page(unit=2))["opening"]["chosen"]["unit"] == 2
    by_variance = sent(open_page(sort="variance"))["opening"]["chosen"]
    values = rnncore.record(planted.model(), TEXT)["h", 0]
    assert by_variance["unit"] == int(values.var(axis=0, dtype=float).argmax())
    by_letter = sent(open_page(sort="letter a"))["opening"]["chosen"]
    assert by_letter["sort"] == "letter a"
    unseen = sent(open_page("axby" * 20))["opening"]["chosen"]
    assert unseen["sort"] == "pattern"  # no bracket to be seen at work on
    bare = sent(open_page(model="bare"))["opening"]
    assert bare["known"] is None
    assert bare["chosen"]["sort"] == "pattern"


@pytest.mark.usefixtures("inside")
def test_a_link_that_leaves_out_what_is_open_anyway_leads_back_to_it() -> None:
    app = open_page()
    of = sent(app)["of"]
    for chosen in ({"unit": 0, "sort": "letter a"}, {"unit": 3, "sort": "inside"}, {"unit": 0, "sort": "pattern"}):
        report = {"of": of, "signal": "h", "t": 7, "want": [], **chosen}
        app.session_state["reader"] = {"report": report}
        app.run()
        link = {key: value[0] if isinstance(value, list) else value for key, value in app.query_params.items()}
        again = sent(open_page(**link))["opening"]["chosen"]
        assert again == {"signal": "h", "t": 7, **chosen}


def test_what_the_model_relies_on_most_comes_first() -> None:
    rows = [("a", 0.99, 0.01, 0.01), ("b", 0.9, -0.2, 0.01), ("a", 0.95, 0.05, 0.01), ("c", 0.9, 0.3, 0.3)]
    units = pd.DataFrame(rows, columns=["feature", "strength", "effect", "random"]).assign(
        layer=[0, 0, 1, 1], unit=range(4), verdict="verified"
    )
    found = evidence.verified(Dictionary("m", "", units, units, units))
    assert found["unit"].tolist() == [1, 2, 3]
    assert evidence.verified(Dictionary("m", "", units, units, units), layer=0)["unit"].tolist() == [1, 0]
    assert evidence.verified(None).empty


# ---- cells that are asked for


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [("^a+", "ab\naaba\n#", "#..##...."), (r"\(.*?\)$", "(a)é(b)\n(a)b\n(c)", "#######......###")],
)
def test_a_pattern_is_found_at_its_characters(pattern: str, text: str, found: str) -> None:
    label = patterns.matching(pattern, text)(text)
    assert "".join(".#"[int(inside)] for inside in label) == found


@pytest.mark.parametrize(
    ("pattern", "said"),
    [("(", "no regular expression"), ("zz", "matches nothing"), ("(?s).", "every character"), ("a" * 300, "200 char")],
)
def test_a_pattern_that_will_not_do_gets_a_sentence(pattern: str, said: str) -> None:
    with pytest.raises(rnncore.Error, match=said):
        patterns.matching(pattern, "a b\n" * 9)


def test_a_pattern_that_never_ends_is_ended() -> None:
    started = time.monotonic()
    with pytest.raises(rnncore.Error, match="takes more than"):
        patterns.matching("(a+)+$", "a" * 60 + "b", patience=1.5)
    assert time.monotonic() - started < 10


def test_a_search_agrees_with_the_dictionary(known: Dictionary) -> None:
    model, text, steps = planted.model(), planted.text(16_000, seed=3), list[tuple[int, int]]()
    heard = search.read(model, text, lambda *report: steps.append(report))
    table = search.search(model, heard, planted.INSIDE, lambda *report: None)
    assert set(table["unit"][:2]) == {0, 1}
    assert table["verdict"][:2].tolist() == ["correlated only"] * 2
    assert (table["strength"].diff().dropna() <= 0).all()
    assert steps[-1][0] == steps[-1][1]
    told = search.known(known, "inside")
    assert told.loc[0, ["unit", "verdict"]].tolist() == [0, "verified"]
    assert set(told["own"][told["verdict"] == "another label"]) <= {"matches a"}
    for unit, verdict in ((0, "verified"), (1, "correlated only")):
        row = table[table["unit"] == unit].iloc[0]
        removed = search.remove(model, text, planted.INSIDE, row, lambda *report: None)
        assert removed["verdict"] == verdict
        assert removed["low"] <= removed["effect"] <= removed["high"]


def test_a_label_that_is_too_rare_is_refused_before_anything_is_read() -> None:
    text = "a" * 5000 + "b" + "a" * 5000
    with pytest.raises(rnncore.Error, match=r"holds at 1 of 10,001 characters, which is too few"):
        search.judge(planted.model(), text, matching("b"))
    search.judge(planted.model(), planted.text(5000), planted.INSIDE)


@pytest.mark.usefixtures("inside")
def test_a_label_of_the_dictionary_is_answered_at_once_and_opens_a_unit() -> None:
    app = open_page(find="inside")
    assert app.subheader[0].value.startswith("One cell for “matches")
    rows = sent(app, "found")["rows"]
    assert rows[0]["name"] == "Layer 1, unit 0, h"
    assert rows[0]["holds"]
    assert not any(row["holds"] for row in rows[1:])


@pytest.mark.usefixtures("inside")
def test_an_expression_is_looked_for_in_what_the_model_writes_where_nothing_else_is_at_hand() -> None:
    app = open_page(find="/\\([^)]*/")
    assert "what planted writes by itself" in " ".join(one.value for one in app.markdown)
    assert {row["name"] for row in sent(app, "found")["rows"][:2]} == {"Layer 1, unit 0, h", "Layer 1, unit 1, h"}
    taken = open_page(find="/\\([^)]*/", without="1.0")
    (row,) = (row for row in sent(taken, "found")["rows"] if row["name"] == "Layer 1, unit 0, h")
    assert row["verdict"] == "verified"
    assert "typical unit" in row["figures"][-1]


@pytest.mark.usefixtures("inside")
def test_what_cannot_be_looked_for_gets_a_sentence_before_the_model_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(find, "generate_many")
    for wanted, said in (("/(/", "no regular expression"), ("q", "no feature")):
        app = open_page(find=wanted)
        assert any(said in error.value.lower() for error in app.error)
        assert sent(app)["opening"]["chosen"]["unit"] == 0


@pytest.mark.usefixtures("inside")
def test_a_cell_that_cannot_be_taken_out_says_so_in_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "_text", lambda name: ("a short text", planted.text(60)))
    whole = sent(open_page(find="inside"), "found")["rows"]
    (place,) = (place for place, row in enumerate(whole) if row["name"] == "Layer 1, unit 3, h")
    app = open_page(find="inside", without="1.3")
    assert not app.error
    assert app.subheader[0].value.startswith("One cell for “matches")
    rows = sent(app, "found")["rows"]
    assert rows[place]["figures"][-1].startswith("it cannot be taken out: ")
    assert not rows[place]["removable"]
    assert rows[:place] + rows[place + 1 :] == whole[:place] + whole[place + 1 :]
    wrong = open_page(find="inside", without="9.9")
    assert "takes out the cell 9.9, which is none of those found" in wrong.warning[0].value
    assert sent(wrong, "found")["rows"] == whole
    assert "without" not in wrong.query_params


@pytest.mark.usefixtures("inside")
def test_what_was_found_is_asked_again_once_the_evidence_is_another(folder: Path) -> None:
    question = find._question("remove", "planted", TEXT, "inside")
    assert find._question("remove", "planted", TEXT, "inside") == question
    os.utime(folder / "planted" / "units" / "units.parquet", ns=(1, 1))
    assert find._question("remove", "planted", TEXT, "inside") != question


# ---- a text before and after


@given(some.text("ab ", max_size=40), some.text("ab ", max_size=40))
def test_blocks_cover_both_texts_and_say_truly_what_is_the_same(before: str, after: str) -> None:
    blocks = aligned(before, after)
    for same, a, b, c, d in blocks:
        assert (before[a:b] == after[c:d]) == same
    assert "".join(before[block.a : block.b] for block in blocks) == before
    assert "".join(after[block.c : block.d] for block in blocks) == after


def test_the_sentence_about_an_edit_is_made_from_its_numbers() -> None:
    before, after = "xx(aaaaaaaa)", "xx[aaaaaaaa)"
    one, two = np.zeros(12), np.zeros(12)
    one[3:9], two[3:9] = 0.92, -0.30
    blocks = aligned(before, after)
    said = finding(one, two, blocks, "unit 3’s cell state", -1, 1, True)
    assert said == "After the change, unit 3’s cell state falls from +0.92 to −0.30, and stays apart for 6 characters"
    assert "does as before" in finding(one, one, blocks, "it", -1, 1, True)
    assert finding(one, one, aligned(before, before), "it", -1, 1, True) == "The two texts are the same"
    assert "no character is the same" in finding(one, one, aligned("abc", "abd"), "it", -1, 1, True)
    two[9:] = -0.30
    assert finding(one, two, blocks, "it", -1, 1, True).endswith("stays apart to the end")
    two[:] = one
    two[3], two[6:8] = -0.30, (-0.40, -0.50)  # a longer stretch with the peak after a short one
    assert finding(one, two, blocks, "it", -1, 1, True) == (
        "After the change, 4 characters later, it falls from +0.92 to −0.50, and stays apart for 2 characters, from 3 "
        "characters after it on"
    )


@pytest.mark.usefixtures("inside")
def test_an_edited_text_stands_in_the_link_and_below_the_pinned_one() -> None:
    place = TEXT.index("(", 200)
    changed = TEXT[:place] + "x" + TEXT[place + 1 :]
    app = open_page(edited="mine:" + "1" * 16, texts={"1" * 16: changed})
    data = sent(app, "versus")
    assert ["".join(text) for text in data["texts"]] == [TEXT, changed]
    assert [block for block in data["blocks"] if not block[0]] == [[False, place, place + 1, place, place + 1]]
    for text, values in zip((TEXT, changed), data["values"], strict=True):
        np.testing.assert_allclose(
            np.array(values) / 100, rnncore.record(planted.model(), text)["h", 0][:, 0], atol=0.00501
        )
    assert app.subheader[0].value.startswith("After the change")
    (unpin,) = (button for button in app.button if button.label == "Unpin")
    unpin.click().run()
    assert "edited" not in app.query_params
    lost = open_page(edited="mine:" + "2" * 16)
    assert any("not on this machine" in warning.value for warning in lost.warning)
