"""The tasks are what their papers say, and their baselines are what the best guess without memory gets."""

import math

import pytest
import torch

import rnncore
from rnncore.training.tasks import TASKS, find


def drawn(name, length, batch=4000, seed=0):
    return find(name).sample(length, batch, torch.Generator().manual_seed(seed))


def test_adding():
    xs, targets = drawn("adding", 30)
    marks = xs[..., 1]
    assert xs.shape == (30, 4000, 2)
    assert ((marks == 0) | (marks == 1)).all()
    assert (marks[:15].sum(0) == 1).all()
    assert (marks[15:].sum(0) == 1).all()
    assert torch.equal(targets[0], torch.stack([x[m == 1].sum() for x, m in zip(xs[..., 0].T, marks.T, strict=True)]))
    assert find("adding").loss(torch.ones(1, 4000, 1), targets) == pytest.approx(1 / 6, rel=0.05)
    assert find("adding").baseline(30) == 1 / 6


@pytest.mark.parametrize(("length", "published"), [(100, 0.1733), (500, 0.0400)])
def test_copy(length, published):
    xs, targets = drawn("copy", length, batch=50)
    ids = xs.argmax(-1)
    assert ids.shape == targets.shape == (length + 20, 50)
    assert torch.equal(ids[:10], targets[-10:])
    assert (ids[:10] < 8).all()
    assert (ids[10 : 9 + length] == 8).all()
    assert (ids[9 + length] == 9).all()
    assert (ids[10 + length :] == 8).all()
    assert (targets[:-10] == 8).all()
    task, guess = find("copy"), torch.full((length + 20, 50, 9), -1e9)
    guess[:-10, :, 8] = 0
    guess[-10:, :, :8] = 0
    assert float(task.loss(guess, targets)) == pytest.approx(task.baseline(length), rel=1e-5)
    assert task.baseline(length) == pytest.approx(published, abs=5e-5)


def test_temporal_order():
    xs, targets = drawn("temporal-order", 50)
    ids = xs.argmax(-1)
    for column in range(200):
        places = (ids[:, column] >= 4).nonzero().squeeze(1)
        assert len(places) == 2
        first, second = places.tolist()
        assert 5 <= first < 10
        assert 25 <= second < 30
        marks = (ids[places, column] - 4).tolist()
        assert targets[0, column] == 2 * marks[0] + marks[1]
    task = find("temporal-order")
    assert float(task.loss(torch.zeros(1, 4000, 4), targets)) == pytest.approx(math.log(4)) == task.baseline(50)
    assert (targets[0].bincount(minlength=4) > 900).all()


@pytest.mark.parametrize("name", TASKS)
def test_a_seed_is_a_batch(name):
    one, same, other = (drawn(name, 40, 5, seed) for seed in (0, 0, 1))
    assert torch.equal(one.xs, same.xs)
    assert not torch.equal(one.xs, other.xs)


def test_too_short_and_unknown():
    with pytest.raises(rnncore.Error, match="at least 10, not 5"):
        drawn("temporal-order", 5)
    with pytest.raises(rnncore.Error, match="no task 'xor'; known: adding, copy, temporal-order"):
        find("xor")
