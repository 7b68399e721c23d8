"""Scores against scikit-learn and SciPy, on signals with ties, labels with gaps, and a model read step by step."""

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter
from scipy.stats import spearmanr
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mutual_info_score, r2_score, roc_auc_score

import rnncore
from rnncore import Error, RecordingError
from rnncore.analysis import Feature, Sample, column_of, sample, scores
from rnncore.analysis.fits import isotonic
from rnncore.analysis.scores import BINS

FEATURES = (
    Feature("flag", "flag", "discrete", len),
    Feature("gaps", "a flag with gaps", "discrete", len),
    Feature("level", "level", "scalar", len),
    Feature("count", "a count with gaps", "scalar", len),
)


def made(columns, time=6000, positions=1800, seed=0):
    """Return a sample of made-up signals [column, time], and where its parts are in the text."""
    random = np.random.default_rng(seed)
    places = np.sort(random.choice(time, positions, replace=False))
    symbols = (0, *(time * sixth // 6 for sixth in (3, 4, 5, 6)))
    bounds = tuple(int(bound) for bound in np.searchsorted(places, symbols))
    table = pd.DataFrame({"layer": 0, "signal": "h", "unit": range(len(columns))})
    return Sample("made", table, columns[:, places].astype(np.float32), places, bounds, symbols)


def slow(random, *shape, memory=0.98):
    """Return noise that changes slowly along its last axis."""
    return lfilter([1], [1, -memory], random.standard_normal(shape))


@pytest.fixture(scope="module")
def case():
    random = np.random.default_rng(1)
    time = 6000
    hidden = slow(random, time)
    columns = np.stack(
        [
            hidden + 2 * random.standard_normal(time),
            -np.tanh(hidden / 3) + 0.1 * random.standard_normal(time),
            np.maximum(hidden, 0),  # half of all values are equal
            np.round(hidden),
            random.standard_normal(time),
        ]
    )
    labels = np.stack([hidden > 1, hidden > 1, hidden + random.standard_normal(time), np.round(hidden)])
    labels = labels.astype(np.float32)
    labels[1, random.random(time) < 0.3] = np.nan
    labels[3, random.random(time) < 0.5] = np.nan
    drawn = made(columns, time)
    return drawn, labels, scores(drawn, FEATURES, labels, shifts=9)


def known(drawn, labels, feature, part):
    """Return labels, and the signals [column, position], where a feature is defined in a part."""
    place = drawn.parts[part]
    y = labels[feature, drawn.positions[place]]
    return y[~np.isnan(y)], drawn.values[:, place][:, ~np.isnan(y)]


@pytest.mark.parametrize("part", range(4))
def test_rank_correlations_are_those_of_scikit_learn_and_scipy(case, part):
    drawn, labels, found = case
    for feature in (0, 1):
        y, x = known(drawn, labels, feature, part)
        expected = [2 * roc_auc_score(y, row) - 1 for row in x]
        np.testing.assert_allclose(found.rank[part, feature], expected, atol=1e-5)
    for feature in (2, 3):
        y, x = known(drawn, labels, feature, part)
        expected = [spearmanr(y, row).statistic for row in x]
        np.testing.assert_allclose(found.rank[part, feature], expected, atol=1e-5)


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("feature", [2, 3])
def test_fits_are_those_of_scikit_learn(case, part, feature):
    """The line to rounding; the monotone function exactly on the bins, and near that of the values themselves."""
    drawn, labels, found = case
    y0, x0 = known(drawn, labels, feature, 0)
    y, x = known(drawn, labels, feature, part)
    for column in range(len(x)):
        line = LinearRegression().fit(x0[column][:, None], y0)
        assert found.linear[part, feature, column] == pytest.approx(
            r2_score(y, line.predict(x[column][:, None])), abs=1e-4
        )
        whole = np.sort(drawn.values[column, drawn.parts[0]])
        edges = whole[np.arange(1, BINS) * len(whole) // BINS]
        rising = bool(found.rank[0, feature, column] >= 0)
        steps = IsotonicRegression(increasing=rising, out_of_bounds="clip")
        binned = [np.searchsorted(edges, values[column], side="right") for values in (x0, x)]
        expected = r2_score(y, steps.fit(binned[0], y0).predict(binned[1]))
        assert found.monotone[part, feature, column] == pytest.approx(expected, abs=0.02)
        fine = r2_score(y, steps.fit(x0[column], y0).predict(x[column]))
        assert found.monotone[part, feature, column] == pytest.approx(fine, abs=0.05)


def test_mutual_information_is_that_of_scikit_learn_less_the_bias(case):
    drawn, labels, found = case
    unseen = slice(drawn.bounds[1], None)
    y = labels[0, drawn.positions[unseen]]
    for column in range(len(drawn.values)):
        whole = np.sort(drawn.values[column, drawn.parts[0]])
        edges = whole[np.arange(1, BINS) * len(whole) // BINS]
        bins = np.searchsorted(edges, drawn.values[column, unseen], side="right")
        cells = len(set(zip(bins, y, strict=True)))
        bias = (cells - len(set(bins)) - len(set(y)) + 1) / (2 * len(y))
        assert found.information[0, column] == pytest.approx(mutual_info_score(bins, y) - bias, abs=1e-4)
    assert found.information[0, 4] < 0.03 < found.information[0, 0]


def test_isotonic_regression_is_scikit_learns():
    random = np.random.default_rng(0)
    count = random.integers(0, 4, (5, 20)).astype(float)
    total = count * random.standard_normal((5, 20))
    for n, s, fit in zip(count, total, isotonic(count, total), strict=True):
        there = n > 0
        model = IsotonicRegression().fit(np.arange(20)[there], s[there] / n[there], n[there])
        np.testing.assert_allclose(fit[there], model.predict(np.arange(20)[there]), atol=1e-9)
        assert (np.diff(fit) >= -1e-9).all()


def test_control_is_seldom_exceeded_by_chance_even_by_slow_signals():
    """Of 60 features that have nothing to do with 30 signals, 1 in 10 may exceed the largest of 9 shifts."""
    random = np.random.default_rng(5)
    exceeded, iid = 0, 0
    for trial in range(3):
        drawn = made(slow(random, 30, 6000), seed=trial)
        labels = np.concatenate([slow(random, 10, 6000) > 0, slow(random, 10, 6000)]).astype(np.float32)
        kinds = ["discrete"] * 10 + ["scalar"] * 10
        features = [Feature(str(number), "", kind, len) for number, kind in enumerate(kinds)]
        found = scores(drawn, features, labels, shifts=9, seed=trial)
        exceeded += int(found.above_control.any(1).sum())
        iid += int((np.abs(found.rank[1:].mean(0)) > 4.5 / np.sqrt(900)).any(1).sum())
    assert exceeded <= 14  # 6 expected
    assert iid > 30  # independent shuffling would have called most of them real


def test_a_planted_signal_is_far_above_the_control(case):
    _, _, found = case
    table = found.table
    best = table[(table["feature"] == "flag") & (table["unit"] == 1)].iloc[0]
    assert best["above_control"]
    assert best["auc"] < 0.1
    assert best["strength"] > 0.8  # the direction was learned on part 0
    assert best["least"] <= best["strength"]
    noise = table[table["unit"] == 4]
    assert not noise["above_control"].any()


def test_too_few_steps_give_no_score():
    random = np.random.default_rng(0)
    labels = np.zeros((2, 6000), np.float32)
    labels[0, :3] = 1
    features = (Feature("rare", "", "discrete", len), Feature("constant", "", "scalar", len))
    found = scores(made(random.standard_normal((3, 6000))), features, labels, shifts=3)
    for values in (found.rank, found.strength, found.information):
        assert np.isnan(values).all()
    assert not found.above_control.any()


@pytest.mark.parametrize("cell", ["lstm", "gru", "min-lstm"])
def test_a_sample_holds_what_a_recording_of_each_stream_holds(network, cell):
    text = "abcde" * 13 + "edcba"
    text = (text * 40)[:2405]
    model = network(cell, units=3, layers=2)
    steps = []
    drawn = sample(model, text, positions=600, progress=lambda *report: steps.append(report))
    assert drawn.symbols == (0, 1200, 1600, 2000, 2400)
    assert steps[-1] == (2400, 2400)
    for stream in range(6):
        recording = rnncore.record(model, text[stream * 400 : (stream + 1) * 400])
        own = (drawn.positions >= stream * 400) & (drawn.positions < (stream + 1) * 400)
        places = drawn.positions[own] - stream * 400
        assert own.sum() == 100
        assert places.min() >= 100
        for signal in recording.signals:
            for layer in (0, 1):
                row = column_of(drawn, layer, signal, 2)
                np.testing.assert_allclose(drawn.values[row, own], recording[signal, layer][places, 2], atol=1e-5)
    assert len(drawn.values) == 2 * 3 * len(recording.signals)


def test_mistakes_are_sentences(network):
    model = network("lstm")
    with pytest.raises(RecordingError, match=r"at least 1,200 symbols; this text has 3"):
        sample(model, "abc")
    with pytest.raises(RecordingError, match="the lstm has i, f, g, o, c, h"):
        sample(model, "abc" * 500, signals=["z"])
    drawn = sample(model, "abc" * 500, signals=["h"])
    with pytest.raises(Error, match="no signal 'c' of layer 0, unit 1"):
        column_of(drawn, 0, "c", 1)
    with pytest.raises(Error, match="expected 4 features at 1500 symbols"):
        scores(drawn, FEATURES, np.zeros((1, 1500), np.float32))
