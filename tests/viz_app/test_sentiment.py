"""The page Sentiment: what it shows is what the unit does, its link is obeyed, bad input gets a sentence."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import rnncore
from rnncore import analysis
from rnncore.analysis import Sentiment
from rnncore.network import checkpoint
from rnncore.training.reviews import prepare
from tests.analysis import planted_sentiment as planted
from viz_app import sentiments
from viz_app.components.theme import LIGHT
from viz_app.figures import sentiment as words
from viz_app.figures import sentiment_curves as curves
from viz_app.views.sentiment import review

TEXT = "film good plot bad good film"
CLASSES = ("negative", "positive")


@pytest.fixture(scope="module")
def found() -> Sentiment:
    """Return the planted unit as it is found, with another kind of texts and steering measured."""
    data, other = planted.texts()[0], replace(planted.texts(120, seed=5)[0], name="others")
    found = analysis.sentiment(planted.model(), data, transfer=[other], rival_texts=120, draws=2)
    return replace(found, steering=analysis.steer(planted.model(), found, samples=8, length=8, controls=2))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which the page finds models; there is none yet."""
    monkeypatch.setenv("RNNCORE_PRETRAINED", str(tmp_path / "pretrained"))
    monkeypatch.setenv("RNNCORE_RUNS", str(tmp_path / "runs"))
    (tmp_path / "pretrained").mkdir()
    st.cache_resource.clear()
    return tmp_path / "runs"


@pytest.fixture
def model(folder: Path, found: Sentiment) -> Iterator[rnncore.LanguageModel]:
    checkpoint.save(planted.model(), folder / "planted", training={"data": {"name": "planted"}})
    found.save(folder / "planted" / "sentiment")
    with patch("viz_app.components.waiting.PATIENCE", 1e9):
        yield planted.model()


def script() -> None:
    from viz_app import state
    from viz_app.views import sentiment

    state.turn("sentiment")
    sentiment.page()


def opened(**link: str) -> AppTest:
    test = AppTest.from_function(script, default_timeout=120)
    test.query_params.update({"review": TEXT, **link})
    test.run()
    assert not test.exception
    return test


def sent(test: AppTest, component: str) -> Any:
    (found,) = (e for e in test.get("bidi_component") if e.proto.component_name == f"rnncore.{component}")
    return json.loads(found.proto.json)


def press(test: AppTest, label: str) -> AppTest:
    next(button for button in test.button if button.label == label).click().run()
    assert not test.exception
    return test


# ---- the page ------------------------------------------------------------------------------------------------


def test_the_evidence_opens(model: rnncore.LanguageModel) -> None:
    test = opened(view="evidence")
    assert not test.error
    assert len(test.title) == 1
    html = " ".join(element.proto.body for element in test.get("html"))
    assert "Best unit there" in html.split("On others, learned there")[1]
    assert "This unit alone" in html.split("On others, learned on planted")[1].split("On others")[0]


def test_a_view_that_fails_says_why(model: rnncore.LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here, since the app does not see what fails when the view alone is drawn again."""
    monkeypatch.setattr(sentiments, "steered", Mock(side_effect=rnncore.Error("it <b>cannot</b> write")))
    test = opened()
    assert test.error[0].value == "It \\<b\\>cannot\\</b\\> write."


def test_without_findings_the_page_says_which_command_makes_them(folder: Path) -> None:
    test = opened()
    assert test.code[0].value.startswith("rnncore train imdb")
    assert "rnncore sentiment" in test.code[0].value
    checkpoint.save(planted.model(), folder / "planted", training={})
    code = opened().code[0].value
    assert code.startswith("rnncore sentiment")
    assert str(folder / "planted" / "sentiment") in code


def test_damaged_findings_and_those_of_another_model_get_a_sentence(
    model: rnncore.LanguageModel, found: Sentiment, folder: Path
) -> None:
    (folder / "planted" / "sentiment" / "units.parquet").unlink()
    assert "cannot be shown" in opened().error[0].value
    st.cache_resource.clear()
    replace(found, weights="0" * 16).save(folder / "planted" / "sentiment")
    assert "about other weights than planted's; run" in opened().error[0].value.replace("\\", "")


def test_the_course_is_the_units(model: rnncore.LanguageModel, found: Sentiment) -> None:
    data = sent(opened(), "course")
    (text,) = data["texts"]
    assert text["pieces"] == [f"{word} " for word in TEXT.split()]
    h = rnncore.record(model, f"\n {TEXT} ")["h", found.layer][1:, found.unit]
    np.testing.assert_allclose(text["values"], h, atol=6e-4)
    assert data["scale"]["neutral"] == found.threshold
    assert data["scale"]["classes"] == list(CLASSES)
    assert {mark["word"] for mark in data["marks"][:3]} == {"good", "bad"}


def test_all_units_are_read_where_the_link_asks_for_them_or_one_is_right_far_less_often(
    model: rnncore.LanguageModel, found: Sentiment, folder: Path
) -> None:
    expected = analysis.along(model, found, TEXT, read="all units")
    test = opened(read="all units")
    np.testing.assert_allclose(sent(test, "course")["texts"][0]["values"], expected.values, atol=6e-3)
    assert test.title[0].value.startswith("All units together turn to positive at “good”, and end at")
    assert sent(test, "course")["scale"]["neutral"] == 0
    edited = opened(read="all units", edited="film good plot bad bad film").title[0].value
    assert edited.startswith("With the change all units end at")
    assert "say negative, not positive" in edited
    assert opened().title[0].value.startswith("The unit")
    weak = found.accuracy.assign(accuracy=found.accuracy["accuracy"].where(found.accuracy["read"] != "one unit", 0.6))
    replace(found, accuracy=weak).save(folder / "planted" / "sentiment")
    st.cache_resource.clear()
    assert opened().title[0].value.startswith("All units together")
    assert opened(read="one unit").title[0].value.startswith("The unit")


def test_title_and_verdicts_are_those_of_the_judges(model: rnncore.LanguageModel, found: Sentiment) -> None:
    test = opened()
    judged = found.judged(analysis.final_states(model, [TEXT]), [TEXT]).iloc[0]
    end = f"{judged['value']:+.2f}"
    said = test.title[0].value.replace("\\", "")
    assert said == f"The unit turns to positive at “good”, and ends at {end}"
    said = [element.value.replace("\\", "") for element in test.markdown]
    said = [one for one in said if any(f"[{judge.format('4')}" in one for judge in review.JUDGES.values())]
    for one, (by, judge) in zip(said, review.JUDGES.items(), strict=True):
        assert one.startswith(f"**{words.verdict(float(judged[by]), CLASSES)}**")
        assert judge.format("4") in one


def test_an_edited_text_stands_beside_the_pinned_one(model: rnncore.LanguageModel) -> None:
    edited = TEXT.replace("bad good", "bad bad bad")
    test = opened(edited=edited)
    data = sent(test, "course")
    before, now = data["texts"]
    assert [before["name"], now["name"]] == ["Pinned", "After the change"]
    assert before["changed"] == [4]
    assert now["changed"] == [4, 5]
    assert before["places"][:4] == [0, 1, 2, 3]
    assert before["places"][5] == 6  # "film" stands below "film"
    assert "says negative, not positive" in test.title[0].value
    press(test, "Unpin")
    assert "edited" not in test.query_params
    assert len(sent(test, "course")["texts"]) == 1


def test_the_same_text_edited_changes_nothing(model: rnncore.LanguageModel) -> None:
    assert "leaves the unit where it was" in opened(edited=TEXT).title[0].value


def test_a_review_is_typed_and_goes_into_the_link(model: rnncore.LanguageModel) -> None:
    test = opened()
    test.session_state["_review"] = True
    test.run()
    test.text_area[0].set_value("  plot \n bad ").run()
    press(test, "Read this review")
    assert test.query_params["review"] in ("plot bad", ["plot bad"])
    assert sent(test, "course")["texts"][0]["pieces"] == ["plot ", "bad "]


def test_held_texts_are_those_the_model_writes(model: rnncore.LanguageModel, found: Sentiment) -> None:
    data = sent(opened(at="-1", prompt="film", seed="3"), "samples")
    expected = analysis.steered(model, found, -1.0, samples=4, length=50, prompt="film", temperature=0.8, seed=12)
    assert [row["text"] for row in data["rows"]] == list(expected["text"])
    assert data["rows"][0]["verdict"] == words.verdict(float(expected.loc[0, "by_words"]), CLASSES)
    free = sent(opened(hold="0", prompt="film", seed="3"), "samples")
    assert [row["text"] for row in free["rows"]] != list(expected["text"])


def test_new_samples_are_others(model: rnncore.LanguageModel) -> None:
    test = opened()
    before = sent(test, "samples")["rows"]
    assert sent(press(test, "New samples"), "samples")["rows"] != before
    assert test.query_params["seed"] in ("2", ["2"])


def test_where_steering_was_not_measured_the_command_is_shown(
    model: rnncore.LanguageModel, found: Sentiment, folder: Path
) -> None:
    replace(found, steering=pd.DataFrame()).save(folder / "planted" / "sentiment")
    assert any("--samples 200" in code.value for code in opened().code)


@pytest.mark.parametrize(
    "review",
    [
        "",
        "   ",
        "<br>",
        "&nbsp;",
        "😀",
        "<script>alert(1)</script> good",
        "**good** $x$ :red[bad]",
        "good bad " * 2500,
        "mine:nothing",
    ],
)
def test_no_review_breaks_the_page(review: str, model: rnncore.LanguageModel) -> None:
    test = opened(review=review)
    assert not test.error
    said = [element.value for element in (*test.warning, *test.info, *test.title)]
    if not prepare(review).strip():
        assert said == ["Type a text to see what the unit makes of it"]
    if len(review) > 4000:
        assert "Only the first 4 000 characters" in said[0].replace("\u202f", " ")
    if "script" in review:
        assert any(
            "has never seen “<script>alert(1)</script>”: it reads this word" in one.replace("\\", "") for one in said
        )
    if review.startswith("mine:"):
        assert any("not on this machine" in one for one in said)


@pytest.mark.parametrize(
    ("value", "view"),
    [("-1", "-1"), ("99999999999999999999", "file"), ("nan", "evidence"), ("<b>x</b>", "<b>x</b>"), ("", "file")],
)
def test_no_link_breaks_the_page(value: str, view: str, model: rnncore.LanguageModel) -> None:
    keys = ("model", "edited", "hold", "at", "prompt", "seed", "column")
    assert not opened(**dict.fromkeys(keys, value), view=view).error


# ---- other models, other texts -------------------------------------------------------------------------------


def test_a_unit_whose_low_values_say_the_second_class(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = analysis.sentiment(planted.model(-1), planted.texts()[0], rival_texts=0, draws=1)
    checkpoint.save(planted.model(-1), folder / "planted")
    found.save(folder / "planted" / "sentiment")
    test = opened(at="2")
    assert test.title[0].value.replace("\\", "").startswith("The unit turns to positive at “good”, and ends at −")
    data = sent(test, "course")
    assert data["scale"]["polarity"] == -1
    assert data["texts"][0]["values"][-1] < data["scale"]["neutral"]
    assert {(mark["word"], mark["up"]) for mark in data["marks"]} == {("good", True), ("bad", False)}
    assert all(row["verdict"].startswith("positive") for row in sent(test, "samples")["rows"])


def test_bytes_two_layers_and_classes_of_a_table(folder: Path, tmp_path: Path) -> None:
    """Messages, whose classes are not those of reviews: no review is offered, and no film prompted."""
    random = np.random.default_rng(0)
    kinds = {"ham": "see you at home tonight", "spam": "WIN 99 PRIZES NOW!!! 😀😀"}
    texts = [(kind, "".join(random.permutation([*text]))) for _ in range(100) for kind, text in kinds.items()]
    pd.DataFrame(texts, columns=["label", "text"]).to_csv(tmp_path / "mine.csv", index=False)
    network = rnncore.build("gru", vocabulary=rnncore.Vocabulary.bytes(), layers=2, units=6, embedding=8, seed=3)
    found = analysis.sentiment(network, analysis.labelled(tmp_path / "mine.csv"), rival_texts=0, draws=1)
    checkpoint.save(network, folder / "mine")
    found.save(folder / "mine" / "sentiment")
    empty = opened(review="")
    assert empty.title[0].value == "Type a text to see what the unit makes of it"
    del empty.query_params["review"]
    assert empty.run().title[0].value == "Type a text to see what the unit makes of it"
    test = opened(review="WIN 😀 can't", edited="WIN 😀 won't")
    assert not test.error
    before, now = sent(test, "course")["texts"]
    assert now["pieces"] == [*"WIN 😀 won't "]
    assert now["changed"] == before["changed"] == [6, 7, 8, 9, 10]
    h = rnncore.record(network, "\n WIN 😀 won't ")["h", found.layer][2:, found.unit]
    ends = np.cumsum([len(character.encode()) for character in now["pieces"]]) - 1
    np.testing.assert_allclose(now["values"], h[ends], atol=6e-4)
    assert sent(test, "course")["scale"]["classes"] == ["ham", "spam"]
    assert f"unit {found.unit} of layer {found.layer + 1}, 12 in all" in sent(test, "course")["scale"]["label"]
    assert sent(test, "samples")["prompt"] == ""
    assert any("--samples 200" in code.value for code in test.code)


# ---- a file of texts -----------------------------------------------------------------------------------------


def test_a_file_is_scored(model: rnncore.LanguageModel, found: Sentiment, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [*planted.texts(80, seed=7)[0].texts, "good"]
    test = opened(view="file")
    content = "id,sentence\n" + "".join(f"{k},{text}\n" for k, text in enumerate(texts))
    test.file_uploader[0].upload("mine.csv", content.encode(), "text/csv").run()
    assert not test.exception
    table = test.dataframe[0].value
    expected = found.judged(analysis.final_states(model, texts), texts)
    assert list(table["text"]) == texts
    assert list(table["verdict"]) == list(expected["verdict"])
    np.testing.assert_allclose(table["by_unit"], expected["by_unit"], atol=1e-6)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Mine.csv is empty"),
        (b"\x00\x01\xff", "Mine.csv is"),
        (b"title,stars\nGreat,5\n", "has no column text or sentence or review"),
        (b"text\n", "has no rows"),
        (b'text\ngood\n""\n', "has no text in row 2"),
    ],
)
def test_files_that_will_not_do_get_a_sentence(content: bytes, said: str, model: rnncore.LanguageModel) -> None:
    test = opened(view="file")
    test.file_uploader[0].upload("mine.csv", content, "text/csv").run()
    assert not test.exception
    assert said in test.error[0].value.replace("\\", "")


def test_many_texts_and_long_ones_are_cut_with_a_sentence(
    model: rnncore.LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viz_app.views.sentiment.file.MOST", 3)
    test = opened(view="file")
    rows = ["good " * 900, "bad", "film", "plot"]
    test.file_uploader[0].upload("mine.csv", "\n".join(["text", *rows]).encode(), "text/csv").run()
    assert "4 texts; the first 3 are scored. One text is read to the first" in test.info[0].value
    assert len(test.dataframe[0].value) == 3


# ---- its parts -----------------------------------------------------------------------------------------------


def changes(*rows: tuple[str, float]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["word", "after"])
    return table.assign(change=table["after"].diff().fillna(table["after"]))


@pytest.mark.parametrize("polarity", [1, -1])
def test_the_turn_is_the_last_word_at_which_the_verdict_changes(polarity: int) -> None:
    table = changes(("I", 0.5), ("hate", -2), ("but", -0.1), ("love", 0.3), ("it", 0.2))
    table[["after", "change"]] *= polarity
    end = "+0.20" if polarity > 0 else "−0.20"
    assert words.finding(table, 0, polarity, CLASSES) == f"The unit turns to positive at “love”, and ends at {end}"
    assert words.finding(table[:3], 0, polarity, CLASSES).startswith("The unit turns to negative at “hate”")
    assert "says positive from the first word" in words.finding(table[3:], 0, polarity, CLASSES)
    said = words.following(table, polarity, CLASSES)
    assert said.index("toward positive by “but”") < said.index("toward negative by “hate”")


def test_texts_are_aligned_by_whole_words() -> None:
    before, now = "the most, honest scene", "the least, honest 😀 scene"
    blocks = words.aligned(before, now)
    assert "".join(now[block.c : block.d] for block in blocks) == now
    for block in blocks:
        assert not block.same or before[block.a : block.b] == now[block.c : block.d]
    changed = [(before[block.a : block.b], now[block.c : block.d]) for block in blocks if not block.same]
    assert changed == [("most", "least"), (" ", " 😀 ")]
    blocks = words.aligned("I can't, Ann", "I don't, Ann")
    assert [block[1:] for block in blocks if not block.same] == [(2, 7, 2, 7)]


def test_greatest_changes_come_first() -> None:
    table = changes(("a", 0.1), ("b", -2), ("c", -1), ("d", -1.05), ("e", 3))
    assert list(words.greatest(table, 2)["word"]) == ["e", "b"]
    assert list(words.greatest(table, 9)["word"]) == ["e", "b", "c"]  # the others are too small


def test_the_histogram_draws_the_shares_of_either_class(found: Sentiment) -> None:
    fig = words.histogram(
        found.histogram,
        found.classes,
        LIGHT,
        ("#1F62AD", "#C9561B"),
        threshold=found.threshold,
        polarity=-1,
        marks=[("this text", 99.0, LIGHT.accent)],
        title="The unit at the end",
    )
    for trace, name in zip(fig.data, ("zero", "one"), strict=True):
        np.testing.assert_allclose(trace.y[:-1], found.histogram[name] / found.histogram[name].sum())
    low, high = fig.layout.xaxis.range
    assert low > high  # the second class is to the right
    assert fig.layout.shapes[-1].x0 == found.histogram["right"].iloc[-1]
    assert fig.layout.annotations[-1].text == "‹ this text"
    assert fig.layout.annotations[-1].xanchor == "left"


def test_the_place_of_a_text_is_counted() -> None:
    table = pd.DataFrame({"left": [0, 1, 2, 3], "right": [1, 2, 3, 4], "zero": [6, 2, 1, 1], "one": [1, 1, 4, 4]})
    said = words.place(table, 2.0, 1, CLASSES)
    assert said.startswith("Farther toward positive than this text lie 80\u202f% of the positive ones and 20\u202f%")
    assert "90\u202f% of the negative ones" in words.place(table, 3.2, -1, CLASSES)


def test_probabilities_are_never_certain() -> None:
    assert words.sure(0.9999) == "over 99\u202f%"
    assert words.sure(0.0001) == "under 1\u202f%"
    assert words.verdict(0.2, CLASSES) == "negative, 80\u202f%"


def test_curves_draw_their_tables(found: Sentiment) -> None:
    fig = curves.by_labels(found.by_labels, LIGHT, "#1B8F6A")
    lines = {trace.name: trace for trace in fig.data if trace.mode == "lines+markers"}
    assert set(lines) == {"all units", "one unit", "words alone"}
    own = found.by_labels[found.by_labels["read"] == "one unit"]
    np.testing.assert_allclose(lines["one unit"].y, 100 * own["accuracy"])
    fig = curves.by_units(found.by_units, 0.9, LIGHT, "#1B8F6A")
    np.testing.assert_allclose(fig.data[1].y, 100 * found.by_units["accuracy"])
    table = pd.DataFrame(
        {
            "labels": [10, 100, 1000] * 2,
            "read": ["one unit"] * 3 + ["words"] * 3,
            "accuracy": [0.7, 0.895, 0.9, 0.5, 0.6, 0.8],
        }
    )
    assert "one unit with 100 labels (89.5" in curves.few_labels(table)
    assert "words alone with 1\u202f000" in curves.few_labels(table)
    units = pd.DataFrame({"units": [1, 2, 4], "accuracy": [0.8, 0.895, 0.9]})
    assert "and 2 come within one point" in curves.few_units(units, 0.9)
    assert "the first 4 are 90.0" in curves.few_units(units, 0.95)


def test_steering_draws_the_share_and_says_whether_it_is_shown(found: Sentiment) -> None:
    fig = curves.steering(found.steering, "positive", LIGHT, "#1B8F6A", setting=1.0)
    unit = next(trace for trace in fig.data if trace.name == "this unit")
    own = found.steering[found.steering["held"] == "best units"]
    np.testing.assert_allclose(unit.y, 100 * own["ones"])
    np.testing.assert_allclose(np.array(unit.y) + unit.error_y.array, 100 * own["high"])
    (free,) = found.steering[found.steering["held"] == "nothing"].to_dict("records")
    assert (fig.layout.shapes[0].y0, fig.layout.shapes[0].y1) == (100 * free["low"], 100 * free["high"])
    first, last = own.iloc[0], own.iloc[-1]
    said = curves.effects(found.steering)
    assert f"{100 * first['effect']:+.0f} ({100 * first['least']:+.0f} to".replace("-", "−") in said
    assert f"to {100 * last['most']:+.0f}) at +2.".replace("-", "−") in said


@pytest.mark.parametrize(
    ("unit", "others", "said"),
    [
        ((0.5, 0.4, 0.6), None, "by +50 (+40 to +60) points: the unit steers."),
        ((0.5, 0.4, 0.6), (0.1, -0.1, 0.3), "the unit steers. Random units, held alike: +10 (−10 to +30) points."),
        ((0.5, -0.1, 0.6), (0.0, -0.1, 0.1), "not shown to steer. Random"),
        ((0.1, 0.01, 0.2), (0.3, 0.2, 0.4), "not shown to steer more than random units."),
        ((0.5, 0.35, 0.6), (0.3, 0.2, 0.4), "not shown to steer more than random units."),
        ((-0.5, -0.6, -0.4), None, "by −50 (−60 to −40) points: the unit steers the other way."),
    ],
)
def test_a_unit_steers_where_it_does_more_than_others(
    unit: tuple[float, float, float], others: tuple[float, float, float] | None, said: str
) -> None:
    rows = [("best units", 1, *unit), *([("random units", 1, *others)] if others else [])]
    table = pd.DataFrame(rows, columns=["held", "units", "strength", "low", "high"])
    assert said in curves.strength(table, "positive", 200)
    assert curves.steers(table) == ("the unit steers" in said and "other way" not in said)
    one, together = curves.strength(table, "positive", 200), curves.strength(table.assign(units=8), "positive", 200)
    expected = one.replace("the unit steers", "the eight units steer").replace(" Random units", " As many random units")
    assert together == expected


def test_as_few_units_are_held_as_are_shown_to_steer(
    model: rnncore.LanguageModel, found: Sentiment, folder: Path
) -> None:
    table = found.steering.assign(samples=1000)
    alike = table[table["units"] == 1].assign(ones=0.5)
    for one, two, few in ((table, alike.assign(units=2), 1), (alike, table[table["units"] == 1].assign(units=2), 2)):
        replace(found, steering=pd.concat([table[:1], one[one["units"] == 1], two])).save(
            folder / "planted" / "sentiment"
        )
        st.cache_resource.clear()
        for link, units in (({}, few), ({"together": "1"}, 1), ({"together": "2"}, 2)):
            expected = analysis.steered(
                model, found, 1.0, units=units, samples=4, length=50, prompt="The film", temperature=0.8, seed=4
            )
            assert [row["text"] for row in sent(opened(**link), "samples")["rows"]] == list(expected["text"])


@pytest.mark.parametrize("polarity", [1, -1])
def test_the_course_to_take_home_has_both_texts(polarity: int) -> None:
    table = pd.DataFrame(
        {
            "text": ["pinned", "pinned", "after the change", "after the change"],
            "step": [0, 1, 0, 1],
            "place": [0.0, 1.0, 0.0, 1.0],
            "character": [*"abac"],
            "value": [0.1, 0.2, 0.1, -0.3],
        }
    )
    fig = words.course(table, "What it says", "cell state", LIGHT, threshold=0.0, polarity=polarity, marks=[("c", 1)])
    assert [(list(trace.y), trace.line.dash) for trace in fig.data] == [([0.1, 0.2], "dash"), ([0.1, -0.3], None)]
    assert (fig.layout.annotations[0].x, fig.layout.annotations[0].y) == (1.0, -0.3)
    assert (fig.layout.yaxis.autorange == "reversed") == (polarity == -1)
