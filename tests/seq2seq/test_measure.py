"""Measures against closed forms; quality against sacrebleu's own command of the same figures."""

import numpy as np
import pytest
import torch

from rnncore import Error
from rnncore.seq2seq import alignment, by_length, coverage, diagonality, explanation, quality, removal, shape
from rnncore.seq2seq.tokens import BEGIN, END

UNIFORM = np.full((3, 4), 0.25, np.float32)
SHARP = np.eye(4, dtype=np.float32)[:3]


def test_shape_of_a_uniform_and_of_a_sharp_map():
    flat, sharp = shape(UNIFORM), shape(SHARP)
    np.testing.assert_allclose(flat["entropy"], np.log(4), rtol=1e-6)
    np.testing.assert_allclose(flat["entropy_share"], 1, rtol=1e-6)
    np.testing.assert_allclose(flat["sharpness"], 0.25)
    np.testing.assert_allclose(flat["centre"], 1.5)
    np.testing.assert_allclose(sharp["entropy"], 0, atol=1e-6)
    assert sharp["sharpness"].tolist() == [1, 1, 1]
    assert sharp["centre"].tolist() == [0, 1, 2]
    assert diagonality(SHARP) == pytest.approx(1)
    assert diagonality(SHARP[::-1]) == pytest.approx(-1)
    assert np.isnan(diagonality(UNIFORM))
    assert np.isnan(diagonality(SHARP[:1]))
    assert coverage(SHARP).tolist() == [1, 1, 1, 0]


def test_alignment_counts_mass_hits_and_chance():
    truth = np.zeros((2, 3), bool)
    truth[0, 0] = truth[1, [1, 2]] = True
    weights = np.array([[0.6, 0.3, 0.1, 0.0], [0.5, 0.2, 0.2, 0.1], [0.0, 0.0, 0.0, 1.0]], np.float32)
    found = alignment([(weights, truth)])
    assert found.mass == pytest.approx((0.6 + 0.4) / 2)
    assert found.hits == 0.5
    assert found.chance == pytest.approx((1 / 4 + 2 / 4) / 2)
    assert found.rows == 2
    with pytest.raises(Error, match="cannot be that of"):
        alignment([(weights[:1], truth)])
    with pytest.raises(Error, match="nothing to score"):
        alignment([(weights, np.zeros((2, 3), bool))])


def test_quality_has_signatures_and_known_ends():
    same = quality(["the cat sat on the mat .", "a dog runs ."], ["the cat sat on the mat .", "a dog runs ."])
    assert (same.bleu, same.chrf, same.exact) == (pytest.approx(100), pytest.approx(100), 1)
    assert "tok:13a" in same.bleu_signature
    assert "nc:6" in same.chrf_signature
    other = quality(["zzz yyy"], ["the cat"])
    assert other.exact == 0
    assert other.bleu < 20
    # Papineni (2002): one of five 4-grams missing at the end; precisions 6/7, 5/6, 4/5, 3/4, no brevity penalty.
    near = quality(["a b c d e f x"], ["a b c d e f g"])
    assert near.bleu == pytest.approx(100 * (6 / 7 * 5 / 6 * 4 / 5 * 3 / 4) ** 0.25)
    with pytest.raises(Error, match="1 translations are to be compared with 2 references"):
        quality(["a"], ["a", "b"])


def test_quality_by_length_puts_every_sentence_in_one_class():
    sources = ["one", "one two", "one two three four", "a b c d e f g h"]
    table = by_length(sources, ["x", "y", "z", "w"], ["x", "y", "q", "w"], [2, 5])
    assert table[["first", "last", "count"]].to_numpy().tolist() == [[1, 2, 2], [3, 5, 1], [6, 8, 1]]
    assert table["exact"].tolist() == [1, 0, 1]


def test_removal_is_the_rise_of_each_tokens_loss(translator):
    model = translator(1)
    source, target = [4, 5, 6, END], [5, 4, END]
    found = removal(model, source, target)

    def loss(read):
        fed = torch.tensor([BEGIN, *target[:-1]])[:, None]
        logits, _ = model(torch.tensor(read)[:, None], fed)
        return -logits[:, 0].log_softmax(-1).detach()[range(len(target)), target].numpy()

    for place in range(3):
        np.testing.assert_allclose(
            found[:, place], loss(source[:place] + source[place + 1 :]) - loss(source), atol=1e-6
        )
    assert (found[:, 3] == 0).all()
    assert (removal(model, [END], target) == 0).all()


def test_explanation_of_maps_that_agree_and_that_do_not():
    random = np.random.default_rng(0)
    drop = random.random((5, 6)).astype(np.float32)
    agrees = explanation([(drop / drop.sum(1, keepdims=True), drop)])
    assert agrees.rank == pytest.approx(1)
    assert agrees.agree == 1
    assert agrees.rows == 4
    assert agrees.chance == pytest.approx(1 / 5)
    assert explanation([(1 - drop, drop)]).rank == pytest.approx(-1)
    with pytest.raises(Error, match="long enough"):
        explanation([(UNIFORM[:, :2], UNIFORM[:, :2])])
