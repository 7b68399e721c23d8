"""Clipping: the cliff of one unit, and one training twice."""

import math

import numpy as np
import pytest

import rnncore
from rnncore import TrainConfig
from rnncore.gradients.clipping import OneUnit, clipping, read, updates
from rnncore.training import corpora


def test_the_cliffs_gradient_is_its_slope():
    net, eps = OneUnit(steps=50), 1e-7
    for w, b in ((5.5, -2.6), (4.9, -2.5), (3.0, -1.0)):
        slopes = [
            (net.loss(w + eps, b) - net.loss(w - eps, b)) / (2 * eps),
            (net.loss(w, b + eps) - net.loss(w, b - eps)) / (2 * eps),
        ]
        np.testing.assert_allclose(net.gradient(w, b), slopes, rtol=1e-4, atol=1e-9)


def test_one_step_by_hand():
    net, s = OneUnit(steps=1, start=0.0, goal=0.7), 0.5
    out = 1 / (1 + math.exp(-(3 * s - 1)))
    assert net.loss(3, -1) == pytest.approx((out - 0.7) ** 2)
    assert net.gradient(3, -1) == pytest.approx(
        (2 * (out - 0.7) * out * (1 - out) * s, 2 * (out - 0.7) * out * (1 - out))
    )


def test_descent_is_thrown_off_the_cliff_and_clipping_keeps_it():
    net = OneUnit()
    free = net.descend(5.5, -2.6, learning_rate=0.5, updates=100)
    held = net.descend(5.5, -2.6, learning_rate=0.5, updates=100, clip=0.1)
    assert free["gradient_norm"].max() > 1000
    assert free["w"].abs().max() > 1000
    assert held["clipped"].any()
    assert held["w"].abs().max() < 10
    assert held["loss"].iloc[-1] < 1e-3 < free["loss"].iloc[-1]
    moved = np.hypot(held["w"].diff(), held["b"].diff())[1:]
    expected = 0.5 * np.minimum(held["gradient_norm"], 0.1)[:-1]
    np.testing.assert_allclose(moved, expected, rtol=1e-9)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("".join(np.random.default_rng(0).choice(list("ab c"), 1500)))
    return corpora.load(path)


def test_one_training_twice(corpus, tmp_path):
    config = TrainConfig(
        tmp_path / "unused", cell="elman", layers=1, units=16, steps=30, batch=4, length=20, learning_rate=0.05, seed=3
    )
    found = clipping(config, corpus, (0.2, 0.0))
    held, free = (found.history[found.history["clip"] == clip].reset_index() for clip in (0.2, 0.0))
    assert len(held) == len(free) == 30
    assert held["loss"][0] == free["loss"][0]
    assert held["gradient_norm"][0] == free["gradient_norm"][0] > 0.2
    assert (held["loss"] != free["loss"]).any()
    assert (found.history["update_norm"] > 0).all()
    assert not (tmp_path / "unused").exists()
    taken = [update.step for update in updates(config, corpus, (0.2, 0.0))]
    assert taken == [step for step in range(1, 31) for _ in range(2)], "step by step, side by side"
    again = clipping(config, corpus, (0.0,))
    np.testing.assert_array_equal(again.history["loss"], free["loss"])


def test_the_step_of_the_explosion():
    import pandas as pd

    from rnncore.gradients.clipping import _exploded

    def history(*losses, norm=1.0):
        return pd.DataFrame({"step": range(1, len(losses) + 1), "loss": losses, "gradient_norm": norm})

    guess = math.log(10)
    assert _exploded(history(guess + 2, guess - 0.5, guess + 0.5, guess + 1.5, 1.0), 10) == 4
    assert _exploded(history(guess, 1.0, math.inf), 10) == 3
    assert _exploded(history(guess + 3, guess - 0.1, guess), 10) is None
    assert _exploded(history(4.7, 900.0, 5e5), 96) == 2, "it never was better than a guess"
    assert _exploded(history(guess + 3, guess + 3.9, guess + 2), 10) is None
    assert _exploded(history(1.0, 1.0, norm=[1.0, math.inf]), 10) == 2


def test_no_steps():
    with pytest.raises(rnncore.Error, match="at least 1, not 0"):
        OneUnit(steps=0)


def test_updates_are_kept(corpus, tmp_path):
    config = TrainConfig(tmp_path, cell="gru", layers=1, units=4, steps=5, batch=4, length=10)
    told = [vars(update) for update in updates(config, corpus, (0.2, 0.0), keep=tmp_path / "updates.csv")]
    settings, found = read(tmp_path / "updates.csv")
    assert settings["cell"] == "gru"
    assert settings["clips"] == [0.2, 0.0]
    assert settings["symbols"] == found.symbols == len(set(corpus.text))
    assert found.history.to_dict("records") == told
    assert found.exploded == {0.2: None, 0.0: None}
    (tmp_path / "race.csv").write_text("# {}\na,b\n1,2\n")
    with pytest.raises(rnncore.Error, match="holds no training"):
        read(tmp_path / "race.csv")


def test_who_has_left_the_numbers_takes_no_more_steps(corpus, tmp_path):
    config = TrainConfig(
        tmp_path, cell="elman-relu", layers=1, units=32, steps=40, batch=4, length=40, learning_rate=1.0, warmup=0
    )
    found = clipping(config, corpus, (0.0,))
    gone = ~np.isfinite(found.history[["loss", "gradient_norm"]]).all(axis=1)
    assert gone.sum() == 1
    assert gone.iloc[-1]
    assert len(found.history) < 40
    assert found.exploded[0.0] is not None


def test_who_has_no_finite_gradient_takes_no_more_steps(corpus, tmp_path, monkeypatch):
    """Training by itself skips such a step; here that would be a kind of clipping."""
    norms = iter([1.0, math.inf, 1.0])
    monkeypatch.setattr("rnncore.training.trainer.Trainer.update", lambda self: (1.0, next(norms), 0.1))
    config = TrainConfig(tmp_path, cell="elman", layers=1, units=4, steps=3, batch=4, length=10)
    found = clipping(config, corpus, (0.0,))
    assert found.history["step"].tolist() == [1, 2]
    assert found.exploded == {0.0: 2}


def test_an_update_of_gradient_descent_is_as_long_as_the_gradient_or_the_threshold(corpus, tmp_path):
    config = TrainConfig(
        tmp_path,
        cell="elman",
        layers=1,
        units=8,
        steps=12,
        batch=4,
        length=10,
        learning_rate=0.5,
        dropout=0.0,
        warmup=0,
    )
    history = clipping(config, corpus, (0.2, 0.0), optimizer="sgd").history
    rate = 0.5 * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * (history["step"] - 1) / 12)))
    length = history["gradient_norm"].where(history["clip"] == 0, history["gradient_norm"].clip(upper=0.2))
    np.testing.assert_allclose(history["update_norm"], rate * length, rtol=1e-3)
    with pytest.raises(rnncore.Error, match="adamw or sgd, not 'adam'"):
        clipping(config, corpus, optimizer="adam")
