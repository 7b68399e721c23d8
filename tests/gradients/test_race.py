"""The race: equal terms for all, and a winner that is known."""

import pytest

import rnncore
from rnncore.gradients import RaceConfig, race, solved


@pytest.fixture(scope="module")
def laps():
    """A memory of 12 steps: enough for an LSTM, too much for a network that cannot see its state."""
    config = RaceConfig(cells=("lstm", "elman"), lengths=(4, 12), seeds=1, units=12, updates=1500, learning_rate=2e-2)
    return list(race(config))


def test_short_memories_are_learned(laps):
    table = solved(laps).set_index(["cell", "length"])
    assert table.loc[("lstm", 4), "solved"] == 1
    assert table.loc[("lstm", 12), "solved"] == 1
    assert table.loc[("elman", 4), "solved"] == 1


def test_terms_are_equal(laps):
    weights = {lap.weights for lap in laps}
    assert max(weights) / min(weights) < 1.06  # of 12 units; one more of the tanh network's would be 4 %
    assert {lap.baseline for lap in laps} == {1 / 6}
    for lap in laps:
        assert lap.solved == (lap.loss < 1 / 60)


def test_a_cell_that_fails_is_not_sent_further():
    config = RaceConfig("temporal-order", ("min-gru",), (10, 20, 30), seeds=2, units=4, updates=2, batch=4)
    laps = list(race(config))
    assert [(lap.seed, lap.length, lap.finished, lap.solved) for lap in laps] == [
        (0, 10, True, False),
        (1, 10, True, False),
    ]
    table = solved(laps)
    assert table.to_dict("records")[0]["runs"] == 2
    assert table.to_dict("records")[0]["solved"] == 0


def test_a_seed_is_a_race():
    config = RaceConfig("copy", ("gru",), (3,), seeds=1, units=4, updates=3, batch=4)
    assert list(race(config)) == list(race(config))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"task": "xor"}, "no task 'xor'"),
        ({"cells": ("lstn",)}, "no cell 'lstn'"),
        ({"cells": ()}, "at least one cell"),
        ({"updates": 0}, "updates must be at least 1"),
    ],
)
def test_what_is_no_race(options, said):
    with pytest.raises(rnncore.Error, match=said):
        RaceConfig(**options)
