"""Sparse probes: scikit-learn, the conditions of an optimum, and labels that were planted."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import rnncore
from rnncore.analysis import States, balanced, probe, states
from rnncore.analysis.sparse import path, solve


def data(samples=300, columns=8, classes=2, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(samples, columns))
    X = (X - X.mean(0)) / X.std(0)
    scores = X @ random.normal(size=(columns, classes)) * 0.7 + random.gumbel(size=(samples, classes))
    return X, scores.argmax(1)


# The solver


@pytest.mark.parametrize("penalty", [0.2, 0.05, 0.005])
def test_the_lasso_is_scikit_learns(penalty):
    """With two classes W is (-w, w) / 2 times scikit-learn's w, so |W_g| is |w| / sqrt 2."""
    X, y = data()
    W, b = solve(X, np.eye(2)[y], np.arange(8), penalty, np.zeros((8, 2)), np.zeros(2), 1e-7)
    C = np.sqrt(2) / (penalty * len(X))
    theirs = LogisticRegression(l1_ratio=1, solver="saga", C=C, tol=1e-8, max_iter=20_000).fit(X, y)
    np.testing.assert_allclose(W[:, 1] - W[:, 0], theirs.coef_[0], atol=2e-4)
    np.testing.assert_allclose(b[1] - b[0], theirs.intercept_[0], atol=2e-4)


@pytest.mark.parametrize("classes", [2, 4])
def test_every_solution_of_the_path_is_an_optimum(classes):
    """A used group's slope is lambda against its weights, an unused one's is at most lambda."""
    X, y = data(columns=12, classes=classes)
    groups, Y, used = np.arange(12) % 5, np.eye(classes)[y], []
    for penalty, W in path(X, y, groups, steps=16, tolerance=1e-7):
        b = np.zeros(classes)
        for _ in range(200):  # the path keeps b to itself
            z = np.exp(X @ W + b)
            b -= (z / z.sum(1, keepdims=True) - Y).mean(0)
        slope = X.T @ (z / z.sum(1, keepdims=True) - Y) / len(X)
        for g in range(5):
            size = np.linalg.norm(W[groups == g])
            if size:
                np.testing.assert_allclose(-slope[groups == g], penalty * W[groups == g] / size, atol=2e-4)
            assert np.linalg.norm(slope[groups == g]) <= penalty * 1.01
        used.append(sum(bool(W[groups == g].any()) for g in range(5)))
    assert used[0] >= 1
    assert used[-1] > used[0]


# States


def test_states_are_those_of_the_recording(network, monkeypatch):
    monkeypatch.setattr(
        "rnncore.analysis.pieces.record_pieces", lambda *a, **k: rnncore.record_pieces(*a, **k, length=7)
    )
    model, text, seen = network("lstm"), "abcdeedcba" * 5, []
    steps = np.array([0, 6, 7, 20, 49])
    found = states(model, text, steps, signals=("c", "f"), layers=[1, 0], progress=lambda *done: seen.append(done))
    recording = rnncore.record(model, text)
    for k, column in enumerate(found.columns.itertuples()):
        np.testing.assert_array_equal(found.values[:, k], recording[column.signal][column.layer, steps, column.unit])
    assert len(found.columns) == found.values.shape[1] == 16
    assert seen[-1] == (50, 50)
    for wrong in ([3, 3], [0, 50], [-1, 2], []):
        with pytest.raises(rnncore.Error, match="ascending steps from 0 to 49"):
            states(model, text, np.array(wrong, int))


def test_balanced_steps_have_each_label_as_often():
    labels = np.array(["a"] * 500 + ["b"] * 30 + ["a"] * 100)
    steps = balanced(labels, 40)
    assert (np.diff(steps) > 0).all()
    assert (labels[steps] == "a").sum() == (labels[steps] == "b").sum() == 20
    assert len(balanced(labels, 1000)) == 60


# Probes


def some_states(X, signals=("h",)):
    units = X.shape[1] // len(signals)
    product = pd.MultiIndex.from_product([signals, [0], range(units)], names=["signal", "layer", "unit"])
    return States(X.astype(np.float32), product.to_frame(index=False), np.arange(len(X)))


def test_a_planted_unit_is_found_and_is_selective():
    random, seen = np.random.default_rng(0), []
    X, types = random.normal(size=(1000, 12)), random.integers(0, 200, 1000)
    y = X[:, 7] > 0.3
    found = probe(
        some_states(X), y, types, sizes=(1, 12), controls=2, resamples=2, progress=lambda *done: seen.append(done)
    )
    first = found.ranking.iloc[0]
    assert (first["layer"], first["unit"], first["signal"], first["frequency"]) == (0, 7, "h", 1)
    table = found.by_size.set_index("units")
    assert table.loc[1, "accuracy"] > 0.97
    assert table.loc[1, "control"] < 0.75
    assert table.loc[1, "selectivity"] == table.loc[1, "accuracy"] - table.loc[1, "control"] > 0.25
    assert table.loc[1, "stability"] == pytest.approx(1)
    assert np.isnan(table.loc[12, "stability"])
    assert found.majority == pytest.approx(max(np.mean(y[700:]), 1 - np.mean(y[700:])))
    assert seen == [(k, 5) for k in range(1, 6)]


def test_a_state_that_names_the_token_is_not_selective():
    random = np.random.default_rng(1)
    types = random.integers(0, 12, 2000)
    labels = random.permutation(12)[types] < 6  # a label of the type, which any such state can be made to give
    found = probe(some_states(np.eye(12)[types]), labels, types, sizes=(12,), controls=2, resamples=1).by_size
    assert found["accuracy"][0] == found["control"][0] == 1
    assert found["selectivity"][0] == 0


def test_labels_of_chance_are_not_read():
    random = np.random.default_rng(2)
    X, y = random.normal(size=(1200, 60)), random.integers(0, 2, 1200)
    found = probe(some_states(X), y, random.integers(0, 100, 1200), sizes=(1, 4)).by_size
    assert (found["accuracy"] < 0.58).all()
    assert (found["selectivity"].abs() < 0.1).all()
    assert (found["stability"] < 0.8).all()


def test_signals_of_a_unit_are_taken_together():
    """The label is the sign of f1 + c1; each single column of other units is but noise."""
    random = np.random.default_rng(3)
    X = random.normal(size=(1500, 16))  # c of 8 units, then f of 8 units
    y = np.where(X[:, 1] + X[:, 9] > 0, "open", "shut")
    held = some_states(X, ("c", "f"))
    grouped = probe(held, y, random.integers(0, 99, 1500), grouped=True, sizes=(1,), controls=1, resamples=2)
    assert list(grouped.ranking) == ["layer", "unit", "frequency"]
    assert grouped.ranking["unit"][0] == 1
    assert grouped.by_size["accuracy"][0] > 0.97
    single = probe(held, y, random.integers(0, 99, 1500), sizes=(1, 2), controls=1, resamples=2)
    assert set(zip(single.ranking["unit"], single.ranking["signal"], strict=True)) == {(1, "c"), (1, "f")}
    assert single.by_size["accuracy"][0] < 0.85
    assert single.by_size["accuracy"][1] > 0.97


def test_several_classes():
    random = np.random.default_rng(4)
    X = random.normal(size=(1500, 10))
    y = np.digitize(X[:, 2], [-0.5, 0.5]) + 10
    found = probe(some_states(X), y, random.integers(0, 99, 1500), sizes=(1,), controls=1, resamples=1)
    assert found.ranking["unit"][0] == 2
    assert found.by_size["accuracy"][0] > 0.95


def test_what_cannot_be_probed_is_said():
    held, y, types = some_states(np.random.default_rng(0).normal(size=(20, 3))), np.arange(20) % 2, np.zeros(20)
    with pytest.raises(rnncore.Error, match="20 samples with 19 labels"):
        probe(held, y[1:], types)
    with pytest.raises(rnncore.Error, match="every label among the samples"):
        probe(held, np.arange(20) > 16, types, sizes=(1,))
    with pytest.raises(rnncore.Error, match="from 1 to 3, the number of columns"):
        probe(held, y, types, sizes=(4,))
