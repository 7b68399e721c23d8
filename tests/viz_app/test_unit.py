"""The page Cells, Unit: what it claims is in the dictionary, what it draws is counted by hand, for any model."""

import base64
import json
import math
import string
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from streamlit.testing.v1 import AppTest

import rnncore
from rnncore import analysis
from rnncore.analysis import VERDICTS, Dictionary, saturation_of
from rnncore.analysis.cause import Removal
from rnncore.analysis.saturation import keep
from rnncore.network import checkpoint
from tests.analysis import planted
from tests.viz_app.conftest import opened
from viz_app.components.theme import LIGHT
from viz_app.figures import unit, unit_values
from viz_app.views.unit import passages, removal

TEXT = 'She said "to be, or not to be" (that is all).\nHe wrote: "no".\n' * 12
LONG = TEXT * 5
MODEL = "shakespeare-lstm"
ROW: dict[str, Any] = {
    "layer": 0,
    "unit": 5,
    "signal": "c",
    "feature": "quotes",
    "title": "inside quotation marks",
    "kind": "discrete",
    "strength": 0.9,
    "auc": 0.95,
    "r2": math.nan,
    "least": 0.86,
    "rank": 0.9,
    "control": 0.12,
    "untrained": 0.4,
    "effect": 0.2,
    "low": 0.15,
    "high": 0.25,
    "inside": 0.21,
    "outside": 0.01,
    "random": 0.003,
    "verdict": "verified",
}


def script() -> None:
    from viz_app.views import unit

    unit.page()


@pytest.fixture
def page(pretrained: Path) -> Callable[..., AppTest]:
    """Open the page on a model whose weights are large enough to do something."""
    model = rnncore.load(pretrained / MODEL)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(0, 1.2, generator=generator)
    checkpoint.save(model, pretrained / MODEL)
    return partial(opened, script, TEXT)


def write(pretrained: Path, **changed: Any) -> None:
    """Lay a dictionary of two units beside the LSTM."""
    row = ROW | changed
    other = ROW | {"unit": 2, "feature": "vowel", "title": "a vowel", "strength": 0.3, "verdict": "unexplained"}
    other |= dict.fromkeys(("effect", "low", "high", "inside", "outside", "random"), math.nan)
    names = [("quotes", "inside quotation marks", 0.4), ("vowel", "a vowel", 0.7), ("url", "inside a web address", 0.0)]
    labels = pd.DataFrame([{"feature": a, "title": b, "untrained": c, "kind": "discrete"} for a, b, c in names])
    found = [("quotes", "c", row["strength"]), ("vowel", "h", 0.25), ("url", "i", math.nan)]
    own = [{"layer": 0, "unit": 5, "feature": a, "signal": b, "strength": c, "rank": c} for a, b, c in found]
    units, evidence = pd.DataFrame([row, other]), pd.DataFrame(own)
    weights = rnncore.load(pretrained / MODEL).fingerprint
    Dictionary(MODEL, weights, units, labels, evidence).save(pretrained / MODEL / "units")


def said(test: AppTest) -> str:
    return " ".join(element.value for element in test.markdown)


def figure(test: AppTest, trace: Callable[[dict], bool]) -> dict:
    """Return the one figure that has such a trace."""
    specs = [json.loads(element.proto.spec) for element in test.get("plotly_chart")]
    (found,) = (spec for spec in specs if any(map(trace, spec["data"])))
    return found


def numbers(array: Any) -> np.ndarray:
    if isinstance(array, dict):
        return np.frombuffer(base64.b64decode(array["bdata"]), array["dtype"])
    return np.array(array)


def excerpts(test: AppTest, key: str) -> list[dict]:
    found = [
        json.loads(e.proto.json) for e in test.get("bidi_component") if e.proto.component_name.endswith("excerpts")
    ]
    (rows,) = (one["rows"] for one in found if key in one["label"])
    return rows


def signals() -> dict[str, np.ndarray]:
    recording = rnncore.record(rnncore.load(MODEL), TEXT)
    return {symbol: recording[symbol, 0][:, 5] for symbol in recording.signals}


# ---- the claim -----------------------------------------------------------------------------------------------


def test_a_verified_unit_is_what_the_page_opens_on(page: Callable[..., AppTest], pretrained: Path) -> None:
    write(pretrained)
    test = page()
    assert test.title[0].value == (
        "Unit 5 of layer 1 is high on “inside quotation marks”\\: AUC 0.950 on unseen text, and the model relies on it"
    )
    assert "**Verified**" in said(test)
    assert "Five of five checks hold" in said(test)
    for figures in (
        "0.950",
        "0.930",
        "0.700",
        "0.560",
        "+0.2000 (+0.1500 to +0.2500); without a typical unit 0.0030",
    ):
        assert figures in said(test).replace("\\", "")  # as AUC: unseen, least, untrained, shifted; removal


def test_the_title_is_true_to_the_verdict() -> None:
    says = {
        "verified": "is high on it: AUC 0.950 on unseen text, and the model relies on it",
        "correlated only": "but the model is not shown to rely on it",
        "untrained too": "but so do units of untrained models",
        "unexplained": "No feature explains unit 5",
        "chance": "no nearer to any feature than chance",
    }
    assert set(says) == set(VERDICTS)
    for verdict, words in says.items():
        title = unit.title("unit 5", ROW | {"verdict": verdict}, "is high on it", "AUC 0.950")
        assert words in title
        assert ("the model relies on it" in title) == (verdict == "verified")


def test_a_unit_that_is_not_verified_is_not_called_so(page: Callable[..., AppTest], pretrained: Path) -> None:
    write(pretrained, verdict="untrained too", untrained=0.88)
    test = page(layer="1", unit="5")
    assert "so do units of untrained models" in test.title[0].value
    assert f"**Untrained too**: it {VERDICTS['untrained too']}" in said(test)
    assert "**Not shown: Best unit of untrained models**" in said(test)


def test_every_feature_that_occurs_is_a_bar_beside_the_untrained(
    page: Callable[..., AppTest], pretrained: Path
) -> None:
    write(pretrained)
    drawn = figure(page(), lambda trace: trace.get("y") == ["quotes", "vowel"])
    bars, marks = drawn["data"]
    assert numbers(bars["x"]).tolist() == [0.9, 0.25]
    assert numbers(marks["x"]).tolist() == [0.4, 0.7]
    colours = bars["marker"]["color"]
    assert colours == [LIGHT.accent, LIGHT.line2]


def test_without_a_dictionary_it_says_how_to_make_one(page: Callable[..., AppTest], pretrained: Path) -> None:
    test = page(layer="1", unit="5")
    assert test.title[0].value == "Unit 5 of layer 1 has not been judged"
    assert f"--out {pretrained / MODEL / 'units'}" in test.code[0].value
    button = next(one for one in test.button if one.label == "Judge this unit now")
    button.click().run()
    assert test.query_params["judge"] == "1"
    assert "It cannot be judged here" in test.info[0].value  # 744 characters are too few
    assert "Choose a longer corpus" in test.info[0].value


def test_one_unit_is_judged_on_request(pretrained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unit 0 was made to know whether it is inside brackets, and unit 3 to know nothing."""
    monkeypatch.setattr(sys.modules["rnncore.analysis.sample"], "UNTRAINED_UNITS", 20)  # few, for speed
    monkeypatch.setattr(analysis, "suiting", lambda language: [planted.INSIDE, analysis.matching("a", "letter a")])
    checkpoint.save(planted.model(), pretrained / "planted", training={"data": {"name": "none"}})
    text = planted.text(6000)
    test = opened(script, text, model="planted", layer="1", unit="0", judge="1")
    assert test.title[0].value.startswith("Unit 0 of layer 1 is high on “matches ")
    assert test.title[0].value.endswith("and the model relies on it")
    assert VERDICTS["verified"] in said(test)
    assert "Judged just now on 6\u202f000 characters" in said(test)
    test.query_params["unit"] = "3"
    test.run()
    assert test.title[0].value == "Unit 3 of layer 1 is no nearer to any feature than chance brings some unit"


# ---- what is measured ----------------------------------------------------------------------------------------


def test_histograms_are_split_by_the_concept(page: Callable[..., AppTest], pretrained: Path) -> None:
    write(pretrained)
    drawn = figure(page(), lambda trace: trace.get("line", {}).get("shape") == "hvh")
    inside = analysis.find_feature("quotes")(TEXT) == 1
    lines = iter(drawn["data"])
    for symbol, values in signals().items():
        low, high = {"c": np.quantile(values, (0.005, 0.995)), "h": (-1, 1), "g": (-1, 1)}.get(symbol, (0, 1))
        edges = np.linspace(low, high, 41)
        for group in (~inside, inside):
            expected = np.histogram(np.clip(values[group], low, high), edges)[0] / group.sum()
            np.testing.assert_allclose(numbers(next(lines)["y"]), expected, atol=1e-9)
    assert next(lines, None) is None


def test_snippets_are_marked_at_their_value(page: Callable[..., AppTest]) -> None:
    test = page(layer="1", unit="5", signal="h")
    rows, values = excerpts(test, "Passages by value"), signals()["h"]
    assert rows[0]["head"].replace("−", "-") == f"{values.max():+.2f}"
    assert rows[-1]["note"].startswith("lowest")
    for row in rows:
        step = int(row["note"].rpartition("at ")[2].replace("\u202f", ""))
        assert float(row["head"].replace("−", "-")) == pytest.approx(values[step], abs=0.006)
        assert row["tokens"][row["start"]] == TEXT[step]
        assert row["end"] == row["start"] + 1
        assert row["levels"][row["start"]] == pytest.approx(50 + 50 * values[step], abs=1)


@pytest.mark.parametrize("ngram", ["be", '"'])
def test_the_response_is_the_mean_change(page: Callable[..., AppTest], ngram: str) -> None:
    test = page(layer="1", unit="5", signal="c", ngram=ngram)
    c, n = signals()["c"].astype(float), len(ngram)
    starts = [t for t in range(10, len(TEXT) - n - 19) if TEXT[t : t + n] == ngram]
    expected = np.mean([[c[t + k] - c[t - 1] for k in range(-10, n + 20)] for t in starts], 0)
    drawn = figure(test, lambda trace: trace.get("fill") == "toself")
    np.testing.assert_allclose(numbers(drawn["data"][2]["y"]), expected, atol=1e-5)
    assert f"over {len(starts)} occurrences" in said(test)


def test_it_opens_on_the_character_that_changes_it_most(page: Callable[..., AppTest]) -> None:
    test = page(layer="1", unit="5", signal="c")
    steps = np.diff(signals()["c"].astype(float))
    after = np.array(list(TEXT[1:]))
    means = {token: steps[after == token].mean() for token in set(TEXT) if (after == token).sum() >= 20}
    strongest = max(means, key=lambda token: abs(means[token]))
    assert test.text_input[0].value == strongest.replace("\n", "↵").replace(" ", "␣")


def test_what_does_not_occur_is_a_sentence(page: Callable[..., AppTest]) -> None:
    test = page(layer="1", unit="5", ngram="xyz")
    assert "does not occur" in test.info[-1].value


def test_line_breaks_are_typed_as_arrows(page: Callable[..., AppTest]) -> None:
    test = page(layer="1", unit="5")
    test.text_input[0].set_value("↵H").run()
    assert test.query_params["ngram"] == "\nH"
    assert test.text_input[0].value == "↵H"


def test_the_unit_is_taken_out(pretrained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "LENGTH", 60)
    write(pretrained)
    test = opened(script, LONG, layer="1", unit="5", remove="resample")
    model, label = rnncore.load(MODEL), analysis.find_feature("quotes")(LONG)
    taken = Removal(model, LONG)
    effect = taken.effect(taken.rise([(0, 5)], "resample"), label)
    bars = [json.loads(e.proto.spec)["data"] for e in test.get("plotly_chart") if "rise of the loss" in e.proto.spec][
        -1
    ]
    expected = [effect.inside.value, effect.outside.value, effect.difference.value]
    np.testing.assert_allclose([bar["x"][0] for bar in bars], expected, atol=1e-9)
    whole, without = ("".join(row["tokens"]) for row in excerpts(test, "writes"))
    options = {"length": 60, "temperature": 0.8, "seed": 1}
    assert whole == rnncore.generate(model, **options)
    assert without == rnncore.generate(model, **options, interventions=taken.interventions([(0, 5)], "resample"))


def test_saturation_on_the_text_and_over_training(page: Callable[..., AppTest], pretrained: Path) -> None:
    recording = rnncore.record(rnncore.load(MODEL), TEXT)
    tables = [saturation_of(recording).assign(step=step) for step in (0, 10)]
    keep(pd.concat(tables), pretrained / MODEL)
    test = page(layer="1", unit="5")
    forget = signals()["f"]
    drawn = figure(test, lambda trace: "at step" in (trace.get("hovertemplate") or ""))
    for trace in drawn["data"]:
        if trace["hovertemplate"].startswith("f"):
            share = (forget > 0.9).mean() if trace.get("yaxis") == "y" else (forget < 0.1).mean()
            np.testing.assert_allclose(numbers(trace["y"]), [share] * 2, atol=0.006)


# ---- every kind of model, and of link ------------------------------------------------------------------------


def test_a_cell_without_gates(page: Callable[..., AppTest]) -> None:
    test = page(model="shakespeare-elman")
    assert not test.error
    assert "has no gate with two ends" in said(test)
    assert figure(test, lambda trace: trace.get("line", {}).get("shape") == "hvh")


def test_a_model_that_reads_both_ways_is_not_scored(pretrained: Path) -> None:
    vocabulary = rnncore.Vocabulary.characters(string.printable)
    model = rnncore.build("gru", vocabulary=vocabulary, layers=2, units=6, embedding=5, seed=2, bidirectional=True)
    checkpoint.save(model, pretrained / "both", training={"data": {"name": "none"}})
    test = opened(script, TEXT, model="both", layer="3", unit="2", remove="mean")
    assert not test.error
    assert test.title[0].value == "Unit 2 of layer 1 backward has not been judged"
    assert "reads both ways" in test.info[0].value
    assert "does not write" in said(test)
    assert excerpts(test, "Passages by value")


@pytest.mark.parametrize("cell", ["irnn", "slstm"])
def test_cells_with_other_signals_have_the_page(pretrained: Path, cell: str) -> None:
    vocabulary = rnncore.Vocabulary.characters(string.printable)
    model = rnncore.build(cell, vocabulary=vocabulary, layers=1, units=3, embedding=4, seed=1)
    checkpoint.save(model, pretrained / "any", training={"data": {"name": "none"}})
    test = opened(script, TEXT, model="any")
    assert not test.error
    assert test.get("plotly_chart")


def test_a_wrong_link_is_refused_with_a_sentence(page: Callable[..., AppTest]) -> None:
    def refused(test: AppTest) -> set[str]:
        return {element.value.split()[4] for element in test.warning if element.value.startswith("This link asks for")}

    test = page(layer="3", unit="8", signal="q", judge="yes", remove="mean", seed="x")
    assert refused(test) == {"layer", "unit", "signal", "judge", "seed"}
    test.query_params["remove"] = "all"
    test.run()
    assert not test.exception
    assert "remove" in refused(test)


# ---- sentences -----------------------------------------------------------------------------------------------


def test_what_the_removal_shows_is_said_with_its_sign() -> None:
    inside, outside = unit.Bar("inside", 0.2, 0.1, 0.3), unit.Bar("outside", 0.0, -0.1, 0.1)
    said = unit.loss_finding([inside, outside, unit.Bar("difference", 0.2, 0.1, 0.3)])
    assert said == "Taking the unit out costs 0.2000 nats more inside its concept than outside"
    assert "less inside" in unit.loss_finding([inside, outside, unit.Bar("difference", -0.2, -0.3, -0.1)])
    assert "not shown" in unit.loss_finding([inside, outside, unit.Bar("difference", 0.1, -0.1, 0.3)])
    assert unit.loss_finding([unit.Bar("all", -0.1, -0.2, -0.05)]) == "Taking the unit out spares 0.1000 nats a symbol"


def test_texts_part_at_their_first_difference() -> None:
    assert unit.same("abcd", "abxd") == 2
    assert unit.same("abc", "abc") == 3
    assert "very same" in unit.parting(3, 3)
    assert "from character 3 on" in unit.parting(2, 3)


def test_a_histogram_counts_all_steps() -> None:
    values = np.array([-3.0, 0.0, 0.1, 0.9, 3.0])
    table = unit_values.histogram(values, np.array([1, 1, 0, np.nan, 0]), (-1, 1))
    assert table["inside"].sum() == pytest.approx(1)
    assert table["outside"].sum() == pytest.approx(1)
    assert table["inside"].iloc[0] == 0.5
    assert table["outside"].iloc[-1] == 0.5
    assert unit_values.histogram(values, None, (-1, 1))["all"].sum() == pytest.approx(1)


def test_tally_counts_what_was_made() -> None:
    assert unit.tally([True, True, False, None]) == "Two of four checks hold; one not made"
    assert unit.tally([False, False]) == "None of two checks hold"


def test_a_passage_is_opened_at_its_character_or_at_none() -> None:
    characters, letters = rnncore.Vocabulary.bytes(), rnncore.Vocabulary.characters("ab\r\n")
    for shift in range(3):  # the passage starts at any byte of a character
        tokens = characters.tokenize("a" * shift + "€" * 900 + "b" + "é" * 2000)
        step = shift + 3 * 900
        text, t = passages.passage(characters, tokens, step)
        assert t is not None
        assert "\ufffd" not in text.partition("b")[0]
        assert characters.tokenize(text)[t] == "b"
    text, t = passages.passage(letters, tuple("ab" * 900), 1200)
    assert (t, text[1000]) == (1000, "a")
    assert passages.passage(letters, tuple("ab\r\n" * 400), 1200) == ("ab\n" * 350, None)
