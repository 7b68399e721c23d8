"""The race: equal terms for all, and a winner that is known."""

import math
from dataclasses import replace

import pytest

import rnncore
from rnncore.gradients import Lap, RaceConfig, journal, race, reach, solved
from rnncore.gradients.race import EVERY, read
from rnncore.gradients.standings import left, pace

SHORT = RaceConfig(cells=("lstm", "elman"), lengths=(4, 24), seeds=1, units=12, updates=500, learning_rates=(2e-2,))


@pytest.fixture(scope="module")
def laps():
    """A memory of 4 steps, and one of 24: in 500 updates learned by an LSTM, but not by a tanh network."""
    return list(race(SHORT))


def test_short_memories_are_learned(laps):
    table = solved(SHORT, laps).set_index(["cell", "length"])
    assert table["solved"].to_dict() == {("lstm", 4): 1, ("lstm", 24): 1, ("elman", 4): 1, ("elman", 24): 0}
    assert table.loc[("elman", 24), "loss"] > 0.1, "it has learned the mean alone"
    assert reach(SHORT, laps) == {"lstm": 24, "elman": 4}


def test_terms_are_equal(laps):
    weights = {lap.weights for lap in laps}
    assert max(weights) / min(weights) < 1.06  # of 12 units; one more of the tanh network's would be 4 %
    assert {lap.baseline for lap in laps} == {1 / 6}
    for lap in laps:
        assert lap.solved == (lap.loss < 1 / 60)


def test_a_cell_that_fails_is_not_sent_further():
    sizes = {"seeds": 2, "units": 4, "updates": 2, "batch": 4, "learning_rates": (0.1,)}
    config = RaceConfig("temporal-order", ("min-gru",), (10, 20, 30), **sizes)
    laps = list(race(config))
    assert [(lap.seed, lap.length, lap.finished, lap.solved) for lap in laps] == [
        (0, 10, True, False),
        (1, 10, True, False),
    ]
    table = solved(config, laps)
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
        ({"lengths": (50, 25)}, "lengths grow"),
        ({"lengths": (1, 50)}, "Adding needs a length of at least 2, not 1"),
        ({"clip": 0.0}, "above 0, not 0.0015 and 0"),
    ],
)
def test_what_is_no_race(options, said):
    with pytest.raises(rnncore.Error, match=said):
        RaceConfig(**options)


# ---- a race that is kept ----

KEPT = RaceConfig(
    "adding", ("lstm", "elman"), (2, 4), seeds=2, units=3, updates=EVERY + 10, batch=4, learning_rates=(0.01,)
)


def test_a_race_that_was_broken_off_goes_on(tmp_path):
    whole = list(race(KEPT))
    assert list(race(KEPT, tmp_path / "a.csv")) == whole
    assert read(tmp_path / "a.csv") == (KEPT, whole)
    running = race(KEPT, tmp_path / "b.csv")
    first = [next(running) for _ in range(3)]  # the second training is under way
    running.close()
    assert [lap.finished for lap in first] == [False, True, False]
    again = list(race(KEPT, tmp_path / "b.csv"))
    assert again == whole
    assert again[1].seconds == first[1].seconds, "what had ended was not trained again"
    assert (tmp_path / "b.csv").read_text().count("\n") == len(whole) + 2


def test_every_lap_is_on_disk_when_it_is_told(tmp_path):
    for number, _ in enumerate(race(KEPT, tmp_path / "race.csv"), 1):
        assert len(read(tmp_path / "race.csv")[1]) == number


def test_a_row_that_was_cut_off_is_left_out(tmp_path):
    laps = list(race(KEPT, tmp_path / "race.csv"))
    text = (tmp_path / "race.csv").read_text()
    (tmp_path / "race.csv").write_text(text[:-5])
    assert read(tmp_path / "race.csv")[1] == laps[:-1]


def test_files_that_hold_no_race(tmp_path):
    list(race(KEPT, tmp_path / "race.csv"))
    with pytest.raises(rnncore.Error, match="other settings"):
        next(race(replace(KEPT, batch=5), tmp_path / "race.csv"))
    (tmp_path / "text.csv").write_text("a,b\n1,2\n")
    with pytest.raises(rnncore.Error, match="no file of figures"):
        read(tmp_path / "text.csv")
    journal.begin(tmp_path / "other.csv", {"cell": "lstm"}, ["step"], [{"step": 1}])
    with pytest.raises(rnncore.Error, match="holds no race"):
        read(tmp_path / "other.csv")
    with pytest.raises(rnncore.Error, match="cannot read"):
        read(tmp_path / "none.csv")


def test_figures_come_back_as_they_were(tmp_path):
    rows = [{"x": 1 / 3, "y": math.inf}, {"x": 1e-300, "y": 2.0}]
    journal.begin(tmp_path / "a.csv", {"lengths": (1, 2)}, ["x", "y"], rows[:1])
    journal.append(tmp_path / "a.csv", rows[1])
    settings, found = journal.read(tmp_path / "a.csv")
    assert settings == {"lengths": [1, 2]}
    assert found.to_dict("records") == rows


# ---- how it stands ----


def lap(cell, length, seed, update, solved, finished=True, seconds=1.0, rate=0.01):
    return Lap(cell, 4, 100, length, seed, rate, update, 0.001 if solved else 0.2, 1 / 6, solved, finished, seconds)


FOUR = RaceConfig(cells=("elman", "lstm"), lengths=(10, 20), seeds=2, updates=100, learning_rates=(0.01,))


def test_what_is_solved_and_how_far_a_cell_reaches():
    laps = [lap("elman", 10, 0, 100, True), lap("elman", 20, 0, 100, False), lap("elman", 10, 1, 100, False)]
    laps += [lap("lstm", 10, seed, 40 + 20 * seed, True) for seed in (0, 1)]
    laps += [lap("lstm", 20, 0, 50, True), lap("lstm", 20, 1, 50, False, finished=False)]
    table = solved(FOUR, laps).set_index(["cell", "length"])
    assert table.loc[("elman", 10), ["runs", "solved", "median_updates"]].tolist() == [2, 1, 100]
    assert table.loc[("elman", 20), ["runs", "solved"]].tolist() == [1, 0]
    assert math.isnan(table.loc[("elman", 20), "median_updates"])
    assert table.loc[("lstm", 10), "median_updates"] == 50
    assert table.loc[("lstm", 20), "runs"] == 1
    assert reach(FOUR, laps) == {"elman": 0, "lstm": 10}, "one seed of two does not do"
    assert reach(FOUR, [*laps, lap("lstm", 20, 1, 90, True)]) == {"elman": 0, "lstm": 20}
    assert solved(FOUR, []).empty
    assert reach(FOUR, []) == {}
    assert reach(FOUR, laps[:3]) == {"elman": 0}, "the other has not run yet"


def test_a_cell_fails_only_where_every_rate_has():
    two = replace(FOUR, learning_rates=(0.01, 0.001))
    first, second = lap("elman", 10, 0, 100, False), lap("elman", 10, 0, 80, True, rate=0.001)
    assert solved(two, [first]).empty, "it has another try"
    assert solved(two, [first, second]).to_dict("records")[0]["median_updates"] == 80
    lost = [lap("elman", 10, 1, 100, False), lap("elman", 10, 1, 100, False, rate=0.001)]
    (row,) = solved(two, [first, second, *lost]).to_dict("records")
    assert (row["runs"], row["solved"]) == (2, 1)
    assert left(replace(two, cells=("elman",)), [first]) == pytest.approx((100 * 10 + 200 * 20 + 200 * 30) / 1000)
    assert left(replace(two, cells=("elman",), seeds=1), [first, second]) > 0
    assert left(replace(two, cells=("elman",), seeds=1), [replace(one, seed=0) for one in lost]) == 0


def test_rates_are_tried_in_turn_until_one_solves():
    config = RaceConfig(cells=("gru",), lengths=(2, 4), seeds=1, units=8, updates=400, learning_rates=(1e-6, 0.03))
    ends = [(lap.length, lap.learning_rate, lap.solved) for lap in race(config) if lap.finished]
    assert ends == [(2, 1e-6, False), (2, 0.03, True), (4, 1e-6, False), (4, 0.03, True)]
    quick = replace(config, learning_rates=(0.03, 1e-6))
    ends = [(lap.length, lap.learning_rate, lap.solved) for lap in race(quick) if lap.finished]
    assert ends == [(2, 0.03, True), (4, 0.03, True)]


def test_the_time_left_is_what_is_left_at_each_cells_speed():
    assert math.isnan(left(FOUR, []))
    assert left(FOUR, [], {"elman": 0.001, "lstm": 0.01}) == pytest.approx((0.001 + 0.01) * 2 * 100 * 30)
    laps = [lap("elman", 10, 0, 50, False, finished=False, seconds=5.0)]  # a hundredth of a second a step
    assert left(FOUR, laps) == pytest.approx(0.01 * (50 * 10 + 100 * 20 + 100 * 30 + 2 * 100 * 30))
    failed = [lap("elman", 10, seed, 100, False, seconds=10.0) for seed in (0, 1)]
    assert left(FOUR, failed) == pytest.approx(0.01 * 2 * 100 * 30), "it is sent no further"
    assert left(replace(FOUR, cells=("elman",)), failed) == 0
    assert pace(FOUR, "elman") > 0
