"""Responses, averaged again from whole recordings, and clusters that were planted."""

import numpy as np
import pandas as pd
import pytest
import torch

import rnncore
from rnncore.analysis import co_clusters, loudest, response, response_of

TEXT = "".join(np.random.default_rng(0).choice(list("abcde "), 400))


@pytest.fixture(autouse=True)
def short_pieces(monkeypatch):
    monkeypatch.setattr(
        "rnncore.analysis.pieces.record_pieces", lambda *a, **k: rnncore.record_pieces(*a, **k, length=37)
    )


@pytest.mark.parametrize(("ngram", "signal", "layer"), [("a", "h", -1), ("bc", "c", 0), ("aa", "f", 1)])
def test_the_change_from_the_step_before(network, ngram, signal, layer):
    model, seen = network("lstm", "abcde "), []
    values = rnncore.record(model, TEXT)[signal, layer].astype(float)
    n, before, after = len(ngram), 3, 5
    rows, ends = [], []
    for start in range(len(TEXT)):
        if TEXT[start : start + n] == ngram and start >= before and start + n + after <= len(TEXT):
            base = values[start - 1]
            rows.append([values[t] - base for t in range(start - before, start + n + after)])
            ends.append(start + n - 1)
    found = response(
        model, TEXT, ngram, layer=layer, signal=signal, before=3, after=5, progress=lambda *done: seen.append(done)
    )
    assert list(found.positions) == ends
    assert found.occurrences == len(ends) > 5
    assert list(found.offsets) == list(range(-before - n + 1, after + 1))
    np.testing.assert_allclose(found.mean, np.mean(rows, 0), atol=1e-6)
    for share, band in zip((9, 25, 50, 75, 91), found.quantiles, strict=True):
        np.testing.assert_allclose(band, np.percentile(rows, share, axis=0), atol=1e-6)
    assert (found.mean[list(found.offsets).index(-n)] == 0).all()
    table = found.of_unit(2)
    assert list(table) == ["offset", "mean", "q9", "q25", "q50", "q75", "q91"]
    np.testing.assert_array_equal(table["q75"], found.quantiles[3, :, 2])
    assert seen[-1] == (len(TEXT), len(TEXT))


def test_of_many_occurrences_a_random_part(network):
    model = network("gru", "abcde ")
    every, part, again = (response(model, TEXT, "a", before=1, most=most) for most in (1000, 7, 7))
    assert len(part.positions) == 7
    assert part.occurrences == every.occurrences == len(every.positions)
    assert set(part.positions) < set(every.positions)
    np.testing.assert_array_equal(part.positions, again.positions)


def test_words_are_tokens_of_a_model_of_words():
    model = rnncore.build("gru", vocabulary=rnncore.Vocabulary.words(["the", "cat", "sat", "<unk>"]), units=4)
    text = "the cat sat the dog sat " * 20
    assert response(model, text, "the cat", before=2, after=2).occurrences == 19
    found = co_clusters(model, text, words=4, clusters=2)
    assert set(found.words) == {"the ", "cat ", "sat ", "dog "}


def test_words_of_several_subwords_last_from_the_first_to_the_last_of_these():
    vocabulary = rnncore.Vocabulary("subwords", (" ca", "t", "the", " sa", " "))
    model = rnncore.build("gru", vocabulary=vocabulary, units=4)
    assert vocabulary.tokenize("the cat sat") == ("the", " ca", "t", " sa", "t")
    found = co_clusters(model, "the cat sat " * 20, words=3, clusters=2)
    states = rnncore.record(model, "the cat sat " * 20)["h", -1]
    assert set(found.words) == {"the", "cat", "sat"}
    cats = [6 * k + 2 for k in range(20)]  # the step of each last "t", of "the cat sat " in six subwords
    change = np.mean([states[step] - states[step - 2] for step in cats], axis=0)
    np.testing.assert_allclose(found.response[found.words.index("cat")], change, atol=1e-6)


def reader_of_letters(letters):
    """A network whose unit k is 1 just after the k-th letter, else 0."""
    vocabulary, width = rnncore.Vocabulary.characters(letters), len(set(letters))
    model = rnncore.build("elman-relu", vocabulary=vocabulary, layers=1, units=width + 1, embedding=width)
    (cell,) = model.layers
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.embedding.weight.copy_(torch.eye(width))
        cell.weight_ih[:width] = torch.eye(width)
    return model


def test_words_with_the_same_ending_go_together():
    random, seen = np.random.default_rng(0), []
    words = [stem + "xyz"[k % 3] for k, stem in enumerate("ab ba cd dc ad da bd db ca".split())]
    text = " " + " ".join(random.choice(words, 500))
    model = reader_of_letters("abcdxyz ")
    found = co_clusters(model, text, words=9, clusters=3, progress=lambda *done: seen.append(done))
    unit = {symbol: k for k, symbol in enumerate(model.vocabulary.symbols)}
    assert sorted(found.words) == sorted(words)
    for word, count, row, cluster in zip(found.words, found.counts, found.response, found.word_cluster, strict=True):
        expected = np.zeros(9)
        expected[unit[word[-1]]], expected[unit[" "]] = 1, -1
        np.testing.assert_allclose(row, expected, atol=1e-6)
        assert count == text.split().count(word)
        assert found.unit_cluster[unit[word[-1]]] == cluster
    assert len(set(found.word_cluster)) == 3
    assert found.unit_cluster[8] == -1  # never moves
    assert seen[-1] == (len(text), len(text))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"ngram": "zz"}, "'zz' does not occur in this text with 10 steps before"),
        ({"ngram": ""}, "at least one token"),
        ({"ngram": "a", "before": 0}, "at least 1 step before"),
        ({"ngram": "a", "layer": 2}, "no layer 2; untrained has layers 0 to 1"),
        ({"ngram": "a", "signal": "q"}, "no signal 'q'"),
    ],
)
def test_what_cannot_be_averaged_is_said(network, options, sentence):
    with pytest.raises(rnncore.Error, match=sentence):
        response(network("gru", "abcde "), TEXT, **options)


def test_too_few_words_are_said(network):
    with pytest.raises(rnncore.Error, match="6 clusters of 2 words and 4 units"):
        co_clusters(network("gru"), "a b a b")
    with pytest.raises(rnncore.Error, match="clusters of 0 words"):
        co_clusters(network("gru"), "  ")


def test_of_one_unit_whose_values_are_known(network):
    model = network("lstm", "abcde ")
    values, tokens = rnncore.record(model, TEXT)["c", 0], model.vocabulary.tokenize(TEXT)
    whole = response(model, TEXT, "bc", layer=0, signal="c", before=3, after=5)
    one = response_of(values[:, 2], model, tokens, "bc", before=3, after=5)
    pd.testing.assert_frame_equal(one.of_unit(0), whole.of_unit(2), atol=1e-6)
    assert (one.ngram, one.occurrences) == (whole.ngram, whole.occurrences)
    with pytest.raises(rnncore.Error, match="does not occur"):
        response_of(values[:, 2], model, tokens, "abcabc", before=3, after=5)


def test_the_loudest_tokens_are_those_that_change_most():
    tokens = list("xaxbxaxbxc")
    values = np.cumsum([0, 1, 0, -3, 0, 2, 0, -3, 0, 50.0])
    found = loudest(values, tokens, fewest=2)
    assert found["token"].tolist() == ["b", "a", "x"]  # c is read but once
    assert found["mean"].tolist() == [-3, 1.5, 0]
    assert found["occurrences"].tolist() == [2, 2, 4]
    assert loudest(values[:2], tokens[:2])["token"].tolist() == ["a"]
    assert loudest(values[:1], tokens[:1]).empty
