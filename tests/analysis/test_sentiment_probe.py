"""Probes against scikit-learn and scipy, brute force and published figures."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from rnncore.analysis import sentiment_probe as probes


@pytest.fixture
def problem():
    """Return training and validation states, of which three columns tell the label."""
    random = np.random.default_rng(0)
    X = random.normal(size=(400, 12)).astype(np.float32)
    y = (X[:, :3] @ [1.5, -1.0, 0.5] + random.normal(size=400) > 0).astype(np.int64)
    return X[:300], y[:300], X[300:], y[300:]


def test_the_probe_is_scikit_learns(problem):
    """Of columns brought to one scale; its weights are for the columns as they are."""
    X, y, V, v = problem

    def fitted(C):
        logistic = LogisticRegression(l1_ratio=1, solver="liblinear", C=C, random_state=0)
        return make_pipeline(StandardScaler(), logistic).fit(X.astype(float), y)

    fits = {C: fitted(C) for C in probes.PENALTIES}
    scores = {C: fit.score(V, v) for C, fit in fits.items()}
    found = probes.linear(*problem)
    tried = [C for C in fits if C <= 4 * found.C]
    first = min(C for C in tried if scores[C] == max(scores[C] for C in tried))
    assert 4 < len(tried) < len(fits)
    assert (found.C, len(found.weights)) == (first, 12)
    np.testing.assert_allclose(found.weights, fits[first][1].coef_[0] / fits[first][0].scale_, rtol=1e-9)
    np.testing.assert_array_equal(found.scores(V) > 0, fits[first].predict(V) == 1)
    assert probes.accuracy(found.scores(V), v) == scores[first]
    assert len(set(scores.values())) > 1


def test_the_probe_is_where_the_penalised_loss_is_least(problem):
    """Optimality written out: |slope| = 1 on the units in use, and no more on the others; and no scale matters."""
    X, y, V, v = problem
    found = probes.linear(X, y, V, v, [0.05])
    centred = (X - X.mean(0)) / X.std(0)
    slope = 0.05 * centred.T.astype(float) @ (probes.sigmoid(found.scores(X)) - y)
    scale = np.geomspace(0.01, 1000, 12).astype(np.float32)
    again = probes.linear(X * scale + 5, y, V * scale + 5, v, [0.05])
    np.testing.assert_allclose(again.weights * scale, found.weights, atol=1e-3)
    used = found.weights != 0
    assert 0 < used.sum() < len(used)
    np.testing.assert_allclose(slope[used], -np.sign(found.weights[used]), atol=0.02)
    assert (np.abs(slope[~used]) < 1.02).all()


def test_auc_is_scikit_learns_with_ties():
    random = np.random.default_rng(1)
    X, y = random.integers(0, 6, (100, 70)).astype(np.float32), random.integers(0, 2, 100)
    np.testing.assert_allclose(probes.aucs(X, y), [roc_auc_score(y, column) for column in X.T], rtol=1e-12)
    assert (probes.aucs(X, np.ones(100, np.int64)) == 0.5).all()


@pytest.mark.parametrize("polarity", [1, -1])
@pytest.mark.parametrize("levels", [5, 10_000])
def test_the_threshold_is_the_best_there_is(polarity, levels):
    random = np.random.default_rng(levels)
    values = random.integers(0, levels, 60).astype(np.float32)
    y = (polarity * (values / levels - 0.6) + random.normal(0, 0.3, 60) > 0).astype(np.int64)
    X = np.stack([random.normal(size=60).astype(np.float32), values], 1)
    unit = probes.one_unit(X, y, X, y)
    assert (unit.column, unit.polarity) == (1, polarity)
    cuts = [*(np.unique(values) + 1e-3), values.min() - 1]
    best = max(np.mean((polarity * (values - cut) > 0) == (y == 1)) for cut in cuts)
    assert probes.accuracy(unit.scores(X), y) == best


def test_calibration_gives_back_the_true_probabilities():
    random = np.random.default_rng(2)
    scores = random.normal(3, 40, 20_000)
    labels = (random.random(20_000) < probes.sigmoid(0.05 * scores - 0.4)).astype(np.int64)
    slope, intercept = probes.calibration(scores, labels)
    assert slope == pytest.approx(0.05, rel=0.05)
    assert intercept == pytest.approx(-0.4, abs=0.05)
    assert probes.calibration_error(probes.sigmoid(slope * scores + intercept), labels) < 0.02
    assert probes.calibration_error(np.full(20_000, 0.9), labels) == pytest.approx(0.9 - labels.mean())


@pytest.mark.parametrize(("right", "count"), [(0, 10), (7, 10), (850, 1000), (30, 30)])
def test_the_interval_is_wilsons(right, count):
    expected = binomtest(right, count).proportion_ci(method="wilson")
    assert probes.interval(right, count) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_the_difference_is_newcombes():
    """His table II, method 10: 56/70 and 48/80."""
    assert probes.difference((56, 70), (48, 80)) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    assert probes.difference((9, 10), (3, 10)) == pytest.approx((0.6, 0.1705, 0.8090), abs=5e-5)
