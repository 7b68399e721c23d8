"""The ladder of errors, and the advantage at closing brackets."""

import numpy as np
import pandas as pd
import pytest

import rnncore
from rnncore.analysis import closing, ladder, log_probabilities, ngrams
from rnncore.analysis.errors import TYPES


def expected_rung(text, t, train, p, by_order, windows, rare):
    """One character's place on the ladder, by looking at it."""

    def lettered(character):
        return character.isalnum() or character == "_"

    if not p < 0.5:
        return None, None
    for n in sorted(by_order):
        if np.exp(by_order[n][t]) > 0.5:
            return "n-gram", n
    if lettered(text[t]):
        start = end = t
        while start and lettered(text[start - 1]):
            start -= 1
        while end < len(text) and lettered(text[end]):
            end += 1
        word = text[start:end]
        for n in sorted(windows):
            if t > start and word in text[max(0, start - n) : start]:
                return "n-long memory", n
        padded = f" {''.join(c if lettered(c) else ' ' for c in train)} ".split(" ")
        if padded.count(word) <= rare:
            return "rare word", padded.count(word)
    if t and text[t - 1] in " \t\n\r\"'`":
        return "word model", None
    if not lettered(text[t]) and not text[t].isspace():
        return "punctuation", None
    return "rest", int(p * 10) / 10


def babble(length, seed):
    random = np.random.default_rng(seed)
    words = ["".join(random.choice(list("abc_1"), random.integers(1, 5))) for _ in range(40)]
    gaps = [" ", " ", " ", "\n", ", ", ' "', "()", "'"]
    return "".join(random.choice(words) + random.choice(gaps) for _ in range(length))


@pytest.mark.parametrize("seed", range(3))
def test_every_character_stands_on_its_rung(seed):
    train, text = babble(300, seed), babble(150, seed) + babble(150, seed + 100)
    p = np.random.default_rng(seed).uniform(0.001, 1, len(text)) ** 2
    log_p = np.log(p)
    log_p[0] = np.nan
    models, windows = ngrams(train, (1, 2, 3), symbols=train + text), (10, 60, 200)
    found = ladder(text, log_p, train, models=models, windows=windows, rare=2)
    by_order = models.by_order(text)
    p = np.exp(log_p)
    expected = [expected_rung(text, t, train, p[t], by_order, windows, 2) for t in range(len(text))]
    table = found.characters
    assert [None if pd.isna(kind) else kind for kind in table["type"]] == [kind for kind, _ in expected]
    details = [np.nan if detail is None else detail for _, detail in expected]
    np.testing.assert_allclose(table["detail"], details)
    assert {kind for kind, _ in expected} == {None, *TYPES}
    assert "".join(table["character"]) == text

    wrong = [(kind, detail, p[t]) for t, (kind, detail) in enumerate(expected) if kind]
    assert found.shares["errors"].sum() == len(wrong)
    assert found.shares["share"].sum() == pytest.approx(1)
    assert list(found.shares["type"]) == sorted(found.shares["type"], key=TYPES.index)
    for row in found.shares.itertuples():
        mine = [q for kind, detail, q in wrong if kind == row.type and (detail is None or detail == row.detail)]
        assert row.errors == len(mine)
        assert row.nats == pytest.approx(np.log(mine).sum() / np.log([q for _, _, q in wrong]).sum())


def test_nine_orders_by_default_and_progress_to_the_end():
    train, text, seen = babble(200, 0), babble(20, 1), []
    log_p = np.full(len(text), np.log(0.1))
    found = ladder(text, log_p, train, progress=lambda *done: seen.append(done))
    models = ngrams(train, range(1, 10), symbols=train + text)
    pd.testing.assert_frame_equal(found.characters, ladder(text, log_p, train, models=models).characters)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (18, 18)


def test_a_model_without_errors_has_none():
    found = ladder("abab", np.log(np.full(4, 0.9)), "ab" * 20)
    assert found.shares.empty
    assert found.characters["type"].isna().all()


def test_what_was_impossible_has_no_share_of_the_loss():
    found = ladder("ab%", np.array([np.nan, np.log(0.25), -np.inf]), "ab" * 20 + "c" * 40)
    assert found.shares["errors"].sum() >= 1
    assert np.isfinite(found.shares["nats"]).all()


def test_a_probability_a_character():
    with pytest.raises(rnncore.Error, match="each of the 3 characters, got 2"):
        ladder("abc", np.zeros(2), "abc")


def test_a_networks_probabilities_are_those_it_scores_with(network, monkeypatch):
    monkeypatch.setattr(
        "rnncore.analysis.pieces.record_pieces", lambda *a, **k: rnncore.record_pieces(*a, **k, length=7)
    )
    model, text, seen = network("lstm"), "abcdeedcba" * 3, []
    found = log_probabilities(model, text, lambda *done: seen.append(done))
    assert np.isnan(found[0])
    assert found[1:].sum() == pytest.approx(rnncore.score(model, text), rel=1e-5)
    assert found[11] == pytest.approx(rnncore.score(model, text[:12]) - rnncore.score(model, text[:11]), rel=1e-4)
    assert seen[-1] == (30, 30)


# Closing brackets


def pairs_by_counting(text, opening, closing):
    pairs = []
    for b in range(len(text)):
        if text[b] == closing:
            depth = 1
            for a in range(b - 1, -1, -1):
                depth += (text[a] == closing) - (text[a] == opening)
                if depth == 0:
                    pairs.append((a, b))
                    break
    return pairs


@pytest.mark.parametrize("brackets", ["{}", "[]", "^$"])
def test_brackets_are_matched(brackets):
    text = "".join(np.random.default_rng(0).choice([*brackets, "x", "y", "}"], 300))
    random = np.random.default_rng(1)
    network, ngram = np.log(random.uniform(0, 1, (2, len(text))))
    found = closing(text, network, ngram, brackets=brackets, edges=(1, 3, 8), resamples=50)
    expected = pairs_by_counting(text, *brackets)
    assert list(zip(found.pairs["opening"], found.pairs["closing"], strict=True)) == expected
    assert found.by_distance["pairs"].sum() == len(expected)
    for row in found.by_distance.itertuples():
        inside = [b for a, b in expected if row.first <= b - a <= row.last]
        assert row.pairs == len(inside)
        assert row.network == pytest.approx(np.exp(network[inside]).mean())
        assert row.advantage == pytest.approx((np.exp(network[inside]) - np.exp(ngram[inside])).mean())


def test_the_interval_is_as_wide_as_it_should_be():
    random, text = np.random.default_rng(0), "{}" * 400
    network, ngram = np.log(random.uniform(0.2, 0.9, len(text))), np.full(len(text), np.log(0.5))
    (row,) = closing(text, network, ngram).by_distance.itertuples()
    difference = np.exp(network[1::2]) - 0.5
    assert row.low < row.advantage < row.high
    assert row.high - row.low == pytest.approx(2 * 1.96 * difference.std() / 20, rel=0.1)


@pytest.mark.parametrize(
    ("text", "brackets", "sentence"),
    [("}{", "{}", "no { is closed by } in this text"), ("ab", "||", "two different"), ("ab", "(", "two different")],
)
def test_no_brackets_are_said(text, brackets, sentence):
    with pytest.raises(rnncore.Error, match=sentence):
        closing(text, np.zeros(2), np.zeros(2), brackets=brackets)


def test_probabilities_must_fit_the_text():
    with pytest.raises(rnncore.Error, match="expected 2 probabilities of each model, got 3 and 3"):
        closing("{}", np.zeros(3), np.zeros(3))
