"""The page Attention: what it shows is what the translator does, its link is obeyed, bad input gets a sentence."""

import json
import math
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from rnncore import seq2seq
from rnncore.seq2seq.tokens import END
from viz_app import translations
from viz_app.components import figure, theme
from viz_app.components.attention import runs
from viz_app.figures import attention as words
from viz_app.figures import attention_gradient, attention_length, attention_map, attention_training
from viz_app.views.attention.edits import change, parsed, turned

SENTENCE = "5 March 2021"
PROBE = "5 March 2021\t2021-03-05\n12/25/1999\t1999-12-25"
VIEWS = ("map", "beam", "whatif", "length", "training", "gradient", "explanation", "neighbours")


def made(folder: Path, name: str, attention: str, seed: int) -> seq2seq.Seq2Seq:
    """Save a small translator of dates with random weights, and a training's journals, made up but whole."""
    drawn = list(islice(seq2seq.drawn(0), 300))
    tokens = [seq2seq.Tokens.characters([getattr(one, side) for one in drawn]) for side in ("source", "target")]
    config = seq2seq.Seq2SeqConfig(attention=attention, units=8, embedding=6)
    model = seq2seq.Seq2Seq(config, *tokens, name=name).initialise(seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.5 * torch.randn(weight.shape, generator=generator))
    run = {"config": {"probe": PROBE}, "data": {"name": "dates"}}
    seq2seq.save(model, folder / name, run)
    (folder / name / "run.json").write_text(json.dumps(run))
    by_length = [{"first": n, "last": n, "count": 40, "bleu": 50.0, "exact": 0.5 + 0.1 * seed} for n in (1, 2, 3)]
    (folder / name / "metrics.json").write_text(json.dumps({"test_by_length": by_length}))
    if attention != "none":
        maps = [np.full((11, len(source) + 1), 1 / (len(source) + 1)) for source in (SENTENCE, "12/25/1999")]
        rows = [{"step": step, "maps": [one.tolist() for one in maps]} for step in (1, 2, 4)]
        (folder / name / "attention.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return model


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "pretrained"
    folder.mkdir()
    monkeypatch.setenv("RNNCORE_PRETRAINED", str(folder))
    monkeypatch.setenv("RNNCORE_RUNS", str(tmp_path / "runs"))
    st.cache_resource.clear()
    return folder


@pytest.fixture
def model(folder: Path) -> seq2seq.Seq2Seq:
    made(folder, "dates-bottleneck", "none", 1)
    return made(folder, "dates-attention", "additive", 2)


def script() -> None:
    from viz_app import state
    from viz_app.views import attention

    state.turn("attention")
    attention.page()


def opened(**link: str) -> AppTest:
    test = AppTest.from_function(script, default_timeout=120)
    test.query_params.update({"sentence": SENTENCE, **link})
    test.run()
    assert not test.exception
    return test


def sent(test: AppTest, component: str, place: int = 0) -> Any:
    found = [e for e in test.get("bidi_component") if e.proto.component_name == f"rnncore.{component}"]
    return json.loads(found[place].proto.json)


def texts(test: AppTest, place: int = 0) -> dict[str, str]:
    """Return the translations of a list by their names."""
    return {
        row["name"]: "".join(piece for piece, _ in row["pieces"])
        for row in sent(test, "attention_lines", place)["rows"]
    }


# ---- the page ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dates-attention", "dates-bottleneck"])
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_opens_with_and_without_attention(view: str, name: str, model: seq2seq.Seq2Seq) -> None:
    test = opened(view=view, translator=name)
    assert not test.error
    assert len(test.title) == 1


def test_without_any_translator_the_page_says_which_command_makes_one(folder: Path) -> None:
    test = opened()
    assert "rnncore translate train dates" in test.code[0].value
    assert not test.error


def test_a_damaged_translator_gets_a_sentence(model: seq2seq.Seq2Seq, folder: Path) -> None:
    (folder / "dates-attention" / "model.safetensors").write_bytes(b"nothing")
    test = opened(translator="dates-attention")
    assert "cannot be opened" in test.error[0].value


def test_the_map_is_where_the_translator_looks(model: seq2seq.Seq2Seq) -> None:
    data = sent(opened(row="3"), "attention")
    best = seq2seq.beam(model, model.source.encode(SENTENCE)).best
    np.testing.assert_allclose(data["weights"], best.attention, atol=6e-4)
    assert data["source"] == [*SENTENCE.replace(" ", "␣"), "end"]
    assert data["target"] == [model.target.symbols[n] if n != END else "end" for n in best.ids]
    assert data["chosen"] == 2
    token, most = data["target"][2], data["source"][int(best.attention[2].argmax())]
    assert f"“{token}”, the decoder looks at “{most}”" in opened(row="3").title[0].value


def test_the_tree_holds_every_hypothesis_with_its_probability(model: seq2seq.Seq2Seq) -> None:
    found = seq2seq.beam(model, model.source.encode(SENTENCE), width=3, length_penalty=0.5)
    twigs = sent(opened(view="beam", beam="3", penalty="0.5"), "attention_beam")["twigs"]
    assert len(twigs) == len(found.nodes)
    best = [place for place, twig in enumerate(twigs) if twig["fate"] == "best"]
    assert best == list(found.best.nodes)
    assert math.prod(twigs[place]["probability"] for place in best) == pytest.approx(
        math.exp(found.best.log_probability.sum()), rel=1e-4
    )
    assert {twig["fate"] == "fallen" for twig, node in zip(twigs, found.nodes, strict=True) if not node.kept} == {True}


def test_what_if_translates_anew_and_undo_takes_it_back(model: seq2seq.Seq2Seq) -> None:
    ids = model.source.encode(SENTENCE)
    test = opened(view="whatif", edits="r2.4_w6")
    left = np.delete(ids, 5)
    row = np.zeros(len(left))
    row[3] = 1
    found = seq2seq.beam(model, left, forced={1: row.tolist()}).best
    assert texts(test)["changed"] == model.target.decode(found.ids)
    data = sent(test, "attention")
    assert [line[5] for line in data["weights"]] == [None] * len(found.ids)
    assert data["weights"][1][3] == 1
    next(button for button in test.button if button.label == "Undo").click().run()
    assert test.query_params["edits"] == "r2.4"
    next(button for button in test.button if button.label == "Undo all").click().run()
    assert texts(test)["changed"] == texts(test)["as it is"]


def test_a_prefix_is_how_the_translation_begins(model: seq2seq.Seq2Seq) -> None:
    prefix = [model.target.symbols.index(token) for token in "19"]
    test = opened(view="whatif", edits=f"p{prefix[0]}.{prefix[1]}")
    assert texts(test)["changed"].startswith("19")
    best = seq2seq.beam(model, model.source.encode(SENTENCE), prefix=prefix).best
    assert texts(test)["changed"] == model.target.decode(best.ids)


def test_another_translator_takes_over_what_it_can(model: seq2seq.Seq2Seq, folder: Path) -> None:
    made(folder, "captions", "additive", 3)
    (folder / "captions" / "run.json").write_text(json.dumps({"data": {"name": "captions"}}))
    for other, kept in (("dates-bottleneck", SENTENCE), ("captions", None)):
        test = opened(translator="dates-attention", view="whatif", edits="w2", row="3")
        test.selectbox(key="_choose_translator").select(other).run()
        assert not test.exception
        assert test.selectbox(key="_choose_translator").value == other
        assert test.query_params.get("sentence") in (kept, [kept])
        assert not {"edits", "row"} & set(test.query_params)


@pytest.mark.parametrize("edits", ["r999.1", "w13", "p99999", "p3.4", "w0", "r0.1", "nonsense", "<b>", "p1", "w999"])
def test_edits_that_cannot_be_made_are_refused_with_a_sentence(edits: str, model: seq2seq.Seq2Seq) -> None:
    test = opened(view="whatif", edits=edits)
    assert not test.error
    assert edits == "r999.1" or any("cannot be changed" in warning.value for warning in test.warning)


def test_each_translator_has_its_line_by_length(model: seq2seq.Seq2Seq) -> None:
    test = opened(view="length")
    assert test.title[0].value.startswith("Of the longest sentences, 70")
    assert set(texts(test)) >= {"dates-attention", "dates-bottleneck", "true"}
    assert texts(test)["true"] == "2021-03-05"


def test_explanation_shows_what_removal_measures(model: seq2seq.Seq2Seq) -> None:
    test = opened(view="explanation", translator="dates-attention")
    best = seq2seq.beam(model, model.source.encode(SENTENCE)).best
    expected = seq2seq.removal(model, model.source.encode(SENTENCE), best.ids)
    np.testing.assert_allclose(sent(test, "attention", 1)["weights"], expected, atol=6e-4)


@pytest.mark.parametrize(
    "sentence",
    ["☃ never seen", "<script>alert(1)</script>", "**bold** $x$", "word " * 500, "x" * 5000, "   ", "", "日本語"],
)
def test_no_sentence_breaks_the_page(sentence: str, model: seq2seq.Seq2Seq) -> None:
    for view in ("map", "whatif", "explanation"):
        test = opened(sentence=sentence, view=view)
        assert not test.error
    said = [element.value for element in (*test.warning, *test.info, *test.title)]
    if "☃" in sentence:
        assert any("has never seen “☃”" in one for one in said)
    if len(sentence) > 400:
        assert any("its beginning is translated" in one for one in said)
    if not sentence.strip():
        assert said == ["Type a sentence to translate"]


@pytest.mark.parametrize("value", ["-1", "99999999999999999999", "nan", "<b>x</b>", ""])
def test_no_link_breaks_the_page(value: str, model: seq2seq.Seq2Seq) -> None:
    keys = ("translator", "view", "row", "column", "beam", "penalty", "edits", "temperature", "seed", "pair", "step")
    test = opened(**dict.fromkeys(keys, value))
    assert not test.error
    for view in ("whatif", "training", "neighbours"):
        test = opened(**{**dict.fromkeys(keys, value), "view": view, "side": value, "method": value, "search": value})
        assert not test.error


def test_neighbours_find_the_very_state_in_the_training_sentences(
    model: seq2seq.Seq2Seq, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = [(one.source, one.target) for one in islice(seq2seq.drawn(5), 40)]
    answer = model.target.decode(seq2seq.beam(model, model.source.encode(SENTENCE)).best.ids)
    pairs = seq2seq.Pairs("dates", "dates", [*drawn, (SENTENCE, answer)], drawn, drawn)
    monkeypatch.setattr(seq2seq, "load_pairs", lambda name: pairs)
    for side in ("encoder", "decoder"):
        test = opened(view="neighbours", side=side, search="1", row="3", column="4", method="pca")
        first = sent(test, "attention_lines")["rows"][0]
        assert first["name"] == f"{SENTENCE} → {answer}"[:60]
        assert first["figure"] == "1.000"


# ---- its parts -----------------------------------------------------------------------------------------------


def test_links_are_the_fewest_that_hold_three_quarters() -> None:
    maps = np.random.default_rng(0).dirichlet(np.full(9, 0.4), 50)
    found = words.links(maps)
    for t, row in enumerate(maps):
        own = [j for step, j, _ in found if step == t]
        largest = np.sort(row)[::-1]
        assert row[own].sum() >= 0.75 - 1e-9
        assert largest[: len(own) - 1].sum() < 0.75
    assert words.links(np.zeros((3, 4))) == []


def test_the_map_to_take_home_holds_every_weight() -> None:
    weights = np.array([[0.25, 0.75], [1.0, 0.0], [0.5, 0.5]])
    table = attention_map.table(weights, ["a", "a"], ["x", "y", "x"])
    assert table.pivot(index="step", columns="position", values="weight").to_numpy().tolist() == weights.tolist()
    assert table.loc[2].tolist() == [2, "y", 1, "a", 1.0]
    fig = attention_map.heatmap(
        weights, ["a", "a"], ["x", "y", "x"], "a a", theme.LIGHT, theme.LIGHT.family("attention")
    )
    assert np.array_equal(fig.data[0].z, weights)
    assert tuple(fig.layout.yaxis.ticktext) == ("x", "y", "x")  # a token may come twice
    assert len(figure.page(fig, "map")) > 1_000_000


def test_a_score_counts_the_weights_on_the_truth() -> None:
    weights = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [0.3, 0.3, 0.4]])
    truth = np.array([[True, True], [False, True]])
    said = words.scored(weights, truth)
    assert said.startswith("45")  # (0.8 + 0.1) / 2
    assert "1 of 2" in said


def test_texts_are_marked_where_they_differ() -> None:
    before, after = words.different("2021-03-05", "2021-13-05", letters=True)
    assert [piece for piece, marked in after if marked] == ["1"]
    assert "".join(piece for piece, _ in before) == "2021-03-05"
    _, after = words.different("a man sits", "a woman sits", letters=False)
    assert after == [("a", False), (" woman", True), (" sits", False)]


def test_agreement_is_spearmans() -> None:
    random = np.random.default_rng(1)
    weights, effect = random.dirichlet(np.ones(6), 8), random.normal(size=(8, 6))
    agree, rows, rank = words.agreement(weights, effect)
    found = seq2seq.explanation([(weights.astype(np.float32), effect.astype(np.float32))])
    assert rows == found.rows
    assert rank == pytest.approx(found.rank, abs=1e-6)
    assert agree / rows == pytest.approx(found.agree)


def test_the_interval_of_a_share_is_wilsons() -> None:
    low, high = attention_length.wilson(0.5, 100)
    assert (low, high) == pytest.approx((0.4038, 0.5962), abs=1e-4)
    assert attention_length.wilson(1.0, 10)[1] == pytest.approx(1)
    assert attention_length.wilson(1.0, 10)[0] == pytest.approx(0.7225, abs=1e-4)


def test_two_that_are_as_good_are_said_to_be() -> None:
    row = {"first": 1, "last": 1, "count": 9, "exact": 1.0, "bleu": 100.0}
    found = attention_length.table({"a": [row], "b": [row]}, {"a": True, "b": False})
    assert attention_length.finding(found, "exact").endswith("both with attention and without it are right")
    assert "No class of lengths tells the two apart" in attention_length.following(found, "exact")


def test_gradients_by_way_are_told_from_their_numbers() -> None:
    table = attention_gradient.ways("ab", {"attention": np.array([4.0, 1.0]), "recurrent": np.array([0.5, 1.5])})
    assert attention_gradient.finding(table, "x") == (
        "At “a” the loss of “x” pulls 8 times harder through attention than through the states"
    )
    assert "71" in attention_gradient.following(table)  # 5 of 7


def test_over_training_mass_is_that_on_the_truth() -> None:
    weights = np.array([[0.7, 0.2, 0.1], [0.2, 0.2, 0.6]])
    truth = np.array([[True, False], [False, False]])
    table = attention_training.learned([(8, [weights])], [truth])
    assert table["mass"].tolist() == [0.7]
    assert table["sharpness"].iloc[0] == pytest.approx(0.65)
    assert table["chance"].iloc[0] == pytest.approx(1 / 3)


def test_spans_of_truth_and_edits_of_a_link() -> None:
    assert runs(np.array([True, True, False, True])) == [(0, 2), (3, 4)]
    found = change(parsed("r2.4_w6_r2.5_p7.8_w1"))
    assert found == translations.Change(((1, 4),), (7, 8), (0, 5))
    assert turned(["r2.4", "w6"], "w6") == ["r2.4"]
    assert turned(["r2.4", "w6", "p7"], "r2.5") == ["w6", "p7", "r2.5"]
    assert turned(["p7", "w6"], "p7.8") == ["w6", "p7.8"]


@pytest.mark.parametrize("kind", ["characters", "subwords"])
def test_a_long_sentence_is_cut_where_tokens_end(kind: str) -> None:
    text = " ".join(f"word{n}" for n in range(60))
    tokens = seq2seq.Tokens.characters([text]) if kind == "characters" else seq2seq.Tokens.subwords([text], 60)
    kept = translations.cut(tokens, text, 20)
    assert text.startswith(kept)
    assert 10 <= len(tokens.encode(kept)) - 1 <= 20
    assert translations.cut(tokens, kept, 20) == kept


def test_a_typed_date_is_read_with_its_alignment() -> None:
    for one in islice(seq2seq.drawn(11), 60):
        found = seq2seq.reading(one.source)
        assert found is not None
        assert found.target == one.target
        np.testing.assert_array_equal(found.alignment, one.alignment)
    assert seq2seq.reading("31 February 2020") is None
    assert seq2seq.reading("no date at all") is None
    assert seq2seq.reading("Monday, March 5, 2021") is None  # it was a Friday
