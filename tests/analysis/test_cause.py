"""Removals against plain recordings with clamped units, intervals against closed forms, and planted units."""

import numpy as np
import pytest

import rnncore
from rnncore import Clamp, Error
from rnncore.analysis import Removal, closed, labels, writing
from rnncore.analysis.cause import Effect, Estimate
from tests.analysis import planted


@pytest.fixture(scope="module")
def removal():
    return Removal(planted.model(), planted.text(12_000))


@pytest.fixture(scope="module")
def inside():
    return labels([planted.INSIDE], rnncore.Vocabulary.characters(planted.SYMBOLS), planted.text(12_000))[0]


@pytest.mark.parametrize("cell", ["elman", "lstm", "gru"])
@pytest.mark.parametrize("how", ["zero", "mean"])
def test_a_rise_is_the_difference_of_two_recordings(network, cell, how):
    model = network(cell, units=3, layers=2)
    text = "".join(np.random.default_rng(0).choice(list("abcde"), 1212))
    removal = Removal(model, text)
    streams = [text[start : start + 202] for start in range(0, 1212, 202)]
    whole = [rnncore.record(model, stream) for stream in streams]
    units, clamps = [(0, 1), (1, 0), (1, 2)], []
    for layer, unit in units:
        mean = np.mean([recording["h", layer][:, unit] for recording in whole]) if how == "mean" else 0
        clamps.append(Clamp(layer, "h", unit, float(mean)))
    rise = removal.rise(units, how)
    assert rise.shape == (6, 202)
    for stream, (text_of_it, before) in enumerate(zip(streams, whole, strict=True)):
        after = rnncore.record(model, text_of_it, interventions=clamps)
        np.testing.assert_allclose(rise[stream, 100:-1], (after.loss - before.loss)[100:-1], atol=2e-5)
    assert np.isnan(rise[:, :100]).all()
    assert np.isnan(rise[:, -1]).all()


def test_resampling_keeps_the_values_and_loses_their_timing(removal):
    patch = removal.interventions([(0, 0)], "resample")[0]
    drawn = patch.values(0, np.array([0]))[:, 0]
    h = removal.h[0][..., 0].numpy()
    np.testing.assert_allclose(np.sort(drawn), np.sort(h.ravel()))
    assert abs(np.corrcoef(drawn, h.ravel())[0, 1]) < 0.05


def test_the_unit_that_is_read_matters_and_the_one_that_is_not_does_not(removal, inside):
    for how in ("zero", "mean", "resample"):
        effect = removal.effect(removal.rise([(0, 0)], how), inside)
        assert effect.causal, how
        assert effect.outside.low > 0.05  # inside, b remains the better guess
        redundant = removal.effect(removal.rise([(0, 1)], how), inside)
        assert redundant.difference == pytest.approx((0, 0, 0), abs=1e-6)
        assert not redundant.causal


def test_a_group_is_taken_out_at_once(removal):
    alone, with_unread, with_noise = (removal.rise(units) for units in ([(0, 0)], [(0, 1), (0, 0)], [(0, 0), (0, 2)]))
    np.testing.assert_array_equal(alone, with_unread)
    assert np.nanmean(alone) > 0.05
    assert np.nanmean(np.abs(with_noise - alone)) > 1e-4


def test_the_effect_is_a_difference_of_means_with_an_honest_interval():
    """For independent steps the bootstrap over blocks agrees with the two-sample formula; it covers the truth."""
    random = np.random.default_rng(0)
    made = Removal(planted.model(), planted.text(1200))
    covered = 0
    for seed in range(40):
        rise = random.standard_normal((20, 250)).astype(np.float32)
        label = (random.random(5000) < 0.3).astype(np.float32)
        rise += 0.1 * label.reshape(20, 250)
        effect = made.effect(rise, label, draws=500, seed=seed)
        inside, outside = rise.ravel()[label == 1], rise.ravel()[label == 0]
        assert effect.difference.value == pytest.approx(inside.mean() - outside.mean(), abs=1e-5)
        assert (effect.steps, effect.all_steps) == (len(inside), 5000)
        error = np.sqrt(inside.var() / len(inside) + outside.var() / len(outside))
        width = (effect.difference.high - effect.difference.low) / (2 * 1.96)
        assert width == pytest.approx(error, rel=0.35)
        covered += effect.difference.low <= 0.1 <= effect.difference.high
    assert covered >= 33  # of 40, 38 expected


def test_a_scalar_is_split_at_its_median(removal):
    rise = removal.rise([(0, 0)])
    scalar = np.arange(rise.size, dtype=np.float32)
    effect = removal.effect(rise, scalar)
    above = scalar.reshape(rise.shape) > np.median(scalar)
    flat = np.isnan(rise)
    length = rise.shape[1] // 50 * 50
    keep = ~flat & (np.arange(rise.shape[1]) < length)
    assert effect.inside.value == pytest.approx(rise[keep & above].mean(), abs=1e-5)


def test_written_text_shows_the_removal():
    """Without unit 0 the model writes fewer b inside brackets."""
    removal = Removal(planted.model(), planted.text(1200))

    def b_inside(written):
        inside = planted.INSIDE("(" + written)[1:] == 1
        letters = [(letter == "b") for letter, yes in zip(written, inside, strict=True) if yes and letter in "ab"]
        return sum(letters), len(letters)

    found = writing(removal, [(0, 0)], b_inside, prompt="(", texts=60, length=80)
    assert found.whole.value > 0.9
    assert found.difference.high < 0
    assert found.without.low < found.without.value < found.without.high
    same = writing(removal, [(0, 1)], b_inside, prompt="(", texts=10, length=60)
    assert same.difference == (0, 0, 0)


def test_marks_are_closed_or_not():
    assert closed("(", ")", within=4)("f(x) and (y + z)") == (1, 2)
    assert closed("(", ")", within=4)("f(x) and (y") == (1, 1)
    assert closed('"', '"', within=3)('"a" "abcdef" ') == (1, 2)
    assert closed("/*", "*/", within=9)("/* a */ /* b and more ") == (1, 2)
    assert closed("(", ")")("") == (0, 0)


def test_mistakes_are_sentences(removal):
    with pytest.raises(Error, match="no layer 3; planted has layers 0 to 0"):
        removal.rise([(3, 0)])
    with pytest.raises(Error, match="no unit"):
        removal.rise([(0, 9)])


@pytest.mark.parametrize(
    ("inside", "outside", "difference", "causal"),
    [
        ((0.20, 0.10, 0.30), (0.01, -0.01, 0.03), (0.19, 0.09, 0.29), True),
        ((0.02, -0.01, 0.05), (0.20, 0.10, 0.30), (-0.18, -0.28, -0.08), True),
        ((-0.20, -0.30, -0.10), (0.01, 0.005, 0.02), (-0.21, -0.31, -0.11), False),  # better off without it
        ((0.20, -0.10, 0.50), (0.01, -0.01, 0.03), (0.19, -0.11, 0.49), False),
    ],
)
def test_an_effect_is_a_loss_for_certain(inside, outside, difference, causal):
    effect = Effect(Estimate(*inside), Estimate(*outside), Estimate(*difference), 50, 100, 20)
    assert effect.causal == causal


def test_what_is_found_in_a_few_places_only_is_not_certain():
    sure = Estimate(0.2, 0.1, 0.3), Estimate(0.0, -0.01, 0.01), Estimate(0.2, 0.1, 0.3)
    assert not Effect(*sure, steps=200, all_steps=5000, blocks=4).causal
    assert Effect(*sure, steps=200, all_steps=5000, blocks=5).causal
    model, text = planted.model(), planted.text(6000)
    removal = Removal(model, text)
    label = np.zeros(len(text), np.float32)
    label[400:520] = 1  # within three blocks of one stream
    rise = np.where(np.isnan(removal.rise([(0, 0)])), np.nan, 0.01).astype(np.float32)
    assert removal.effect(rise, label).blocks <= 3
    label[::40] = 1
    assert removal.effect(rise, label).blocks > 20
