"""Race: what comes with the product is shown at once, a race of one's own runs in jobs, and the figures hold it."""

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from rnncore.gradients import RaceConfig, race, reach, solved
from rnncore.gradients.race import read
from viz_app import jobs, launch, memory_race
from viz_app.components import theme
from viz_app.figures import memory_race as drawing

LABELS = {"elman": "tanh RNN", "lstm": "LSTM"}
SMALL = RaceConfig("adding", ("elman", "lstm"), (2, 4), seeds=2, units=4, updates=100, batch=8, learning_rates=(0.02,))


def script() -> None:
    from viz_app import state
    from viz_app.views import race

    state.turn("race")
    race.page()


def words(app: AppTest) -> str:
    kinds = (app.title, app.markdown, app.warning, app.error)
    html = [element.proto.body for element in app.get("html")]
    return " ".join([element.value for kind in kinds for element in kind] + html).replace("\\", "")


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("RNNCORE_RUNS", str(tmp_path / "runs"))
    yield
    for job in jobs.every(races=True):
        jobs.stop(job)
    for child in launch.children:
        child.wait(60)


def until_over(config: RaceConfig, seconds: float = 240) -> dict[str, jobs.Job]:
    deadline = time.monotonic() + seconds
    while any(job.active for job in memory_race.members(config).values()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return memory_race.members(config)


# ---- what comes with the product ----


def test_the_shipped_race_is_whole_and_shows_what_it_is_for() -> None:
    config, laps = read(memory_race.SHIPPED / "race-adding.csv")
    far = reach(config, laps)
    assert config.seeds >= 3
    assert far["lstm"] > far["elman"]
    for cell in config.cells:
        for seed in range(config.seeds):
            ended = {lap.length: lap.solved for lap in laps if (lap.cell, lap.seed) == (cell, seed) and lap.finished}
            first = next((length for length in config.lengths if not ended.get(length)), None)
            assert first is None or first in ended, "every training has ended"
    weights = {lap.weights for lap in laps}
    assert max(weights) / min(weights) < 1.05


def test_it_opens_on_the_shipped_race() -> None:
    app = AppTest.from_function(script, default_timeout=300).run()
    assert not app.exception
    config, laps = read(memory_race.SHIPPED / "race-adding.csv")
    titles = memory_race.titles(config)
    finding = drawing.finding(reach(config, laps), titles, config.lengths, config.seeds)
    assert app.title[0].value.replace("\\", "") == finding
    said = words(app)
    assert drawing.conclusion(solved(config, laps), titles, config.seeds) in said
    assert f"batches of {config.batch}" in said
    assert "and where that fails at" in said
    assert "How to read it." in said
    assert memory_race.command(config) in said


@pytest.mark.parametrize("link", [{"race": "0badf00d"}, {"length": "17"}, {"race": "", "length": "many"}])
def test_links_that_ask_for_what_is_not_there(link: dict[str, str]) -> None:
    app = AppTest.from_function(script, default_timeout=300)
    app.query_params.update(link)
    app.run()
    assert not app.exception
    assert "This link asks for" in words(app)


def test_the_command_says_all_that_is_not_a_default() -> None:
    assert memory_race.command(SMALL) == (
        "rnncore gradients race --task adding --cells elman,lstm --lengths 2,4 --seeds 2 --units 4 --updates 100 "
        "--batch 8 --learning-rates 0.02"
    )


# ---- a race of one's own ----


def test_a_race_runs_in_jobs_and_is_that_of_the_core(runs: None) -> None:
    memory_race.start(SMALL)
    assert jobs.every() == [], "its jobs are no entries of the page Train"
    assert {job.status for job in until_over(SMALL).values()} == {"finished"}
    ran = memory_race.laps(SMALL)
    expected = list(race(SMALL))
    assert sorted(ran, key=str) != []
    for cell in SMALL.cells:
        assert [lap for lap in ran if lap.cell == cell] == [lap for lap in expected if lap.cell == cell]
    name = memory_race.name(SMALL)
    assert memory_race.known()[name] == SMALL
    app = AppTest.from_function(script, default_timeout=300)
    app.query_params["race"] = name
    app.run()
    assert not app.exception
    finding = drawing.finding(reach(SMALL, expected), LABELS, SMALL.lengths, 2)
    assert app.title[0].value.replace("\\", "") == finding
    memory_race.start(SMALL)
    assert not any(job.active for job in memory_race.members(SMALL).values()), "what is there is left as it is"


def test_stopped_it_goes_on_where_it_was() -> None:
    long = replace(SMALL, cells=("lstm",), lengths=(2, 200), seeds=1, updates=4000)
    memory_race.start(long)
    deadline = time.monotonic() + 240
    while not any(lap.finished for lap in memory_race.laps(long)):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    app = AppTest.from_function(script, default_timeout=300)
    app.query_params["race"] = memory_race.name(long)
    app.run()
    assert not app.exception
    assert app.title[0].value.startswith("So far the LSTM")
    app.button(key="_memory_stop").click().run()
    (job,) = until_over(long).values()
    assert job.status == "stopped"
    first = memory_race.laps(long)[0]
    app.run()
    assert "stopped before its end" in words(app)
    memory_race.start(long)
    assert memory_race.members(long)["lstm"].active
    again = memory_race.laps(long)[0]
    assert (again, again.seconds) == (first, first.seconds)


def test_the_form_starts_a_race_and_refuses_too_large_a_one() -> None:
    with pytest.raises(jobs.JobError, match="too many"):
        memory_race.start(replace(SMALL, lengths=tuple(range(2, 100))))
    app = AppTest.from_function(script, default_timeout=300).run()
    app.multiselect(key="_memory_cells").set_value(["lstm"]).run()
    app.number_input(key="_memory_updates").set_value(50).run()
    app.number_input(key="_memory_units").set_value(4).run()
    assert "At most" in words(app)
    app.button(key="_memory_start").click().run()
    assert not app.exception
    (config,) = [one for one in memory_race.known().values() if one.updates == 50]
    assert (config.cells, config.lengths, config.seeds) == (("lstm",), (10, 20, 30), 2)
    assert app.query_params["race"] == memory_race.name(config)


# ---- the figures ----


def test_a_tile_is_filled_by_the_share_that_solved_it() -> None:
    rows = [("elman", 10, 2, 1, 300.0), ("lstm", 10, 2, 2, 200.0), ("lstm", 20, 2, 2, 900.0)]
    table = pd.DataFrame(rows, columns=["cell", "length", "runs", "solved", "median_updates"])
    fig = drawing.tiles(table, theme.LIGHT, theme.LIGHT.apart(LABELS), LABELS, [10, 20], 2)
    said = [one.text for one in fig.layout.annotations]
    assert said == ["tanh RNN", "1 of 2", "–", "LSTM", "2 of 2", "2 of 2"]
    filled = [shape.x1 - shape.x0 for shape in fig.layout.shapes if shape.opacity]
    whole = next(shape.x1 - shape.x0 for shape in fig.layout.shapes if not shape.opacity)
    np.testing.assert_allclose(filled, [whole / 2, whole, whole])
    assert list(fig.data[0].customdata) == [10, 20, 10, 20]


def test_curves_are_single_trainings_that_end_in_a_dot_or_a_cross() -> None:
    laps = pd.DataFrame([vars(lap) for lap in race(replace(SMALL, lengths=(4,)))])
    fig = drawing.curves(laps, theme.DARK, theme.DARK.apart(LABELS), LABELS, updates=100)
    assert len(fig.data) == 4
    runs = [laps[(laps["cell"] == cell) & (laps["seed"] == seed)] for cell in SMALL.cells for seed in (0, 1)]
    for trace, rows in zip(fig.data, runs, strict=True):
        np.testing.assert_array_equal(trace.y, rows["loss"])
        assert trace.marker.symbol[-1] == ("circle" if rows["solved"].iloc[-1] else "x")
        assert trace.marker.size[-1] > 0
    levels = [shape.y0 for shape in fig.layout.shapes]
    np.testing.assert_allclose(levels, [1 / 6, 1 / 60])


def test_curves_of_what_left_the_numbers() -> None:
    laps = pd.DataFrame([vars(lap) for lap in race(replace(SMALL, lengths=(4,), seeds=1))])
    laps.loc[laps.index[-1], "loss"] = math.inf
    drawing.curves(laps, theme.DARK, theme.DARK.apart(LABELS), LABELS, updates=100)


@pytest.mark.parametrize(
    ("far", "seeds", "sentence"),
    [
        ((50, 400), 3, "The tanh RNN solves up to 50 steps; the LSTM up to 400 steps, from each of three seeds"),
        ((20, 0), 2, "The LSTM solves not even 10 steps; the tanh RNN up to 20 steps, from each of two seeds"),
        ((20, 20), 1, "The tanh RNN and the LSTM solve up to 20 steps, from one seed"),
        ((20,), 2, "The tanh RNN solves up to 20 steps, from each of two seeds; the LSTM has not run yet"),
        ((), 2, "The tanh RNN and the LSTM have not run yet"),
    ],
)
def test_the_finding(far: tuple[int, ...], seeds: int, sentence: str) -> None:
    assert drawing.finding(dict(zip(LABELS, far, strict=False)), LABELS, [10, 20], seeds) == sentence


def test_a_cell_that_has_not_run_has_not_failed() -> None:
    laps = list(race(replace(SMALL, updates=50, learning_rates=(1e-9,))))
    first = [lap for lap in laps if lap.cell == "elman"]
    assert memory_race.standing(SMALL, laps, solved(SMALL, laps)) == {"elman": 0, "lstm": 0}
    assert memory_race.standing(SMALL, first, solved(SMALL, first)) == {"elman": 0}
    won = [replace(lap, seed=0, solved=True, finished=True) for lap in first[:1]]  # one seed of two
    assert memory_race.standing(SMALL, won, solved(SMALL, won)) == {}


def test_the_conclusion_is_about_speed_and_chance() -> None:
    rows = [("elman", 10, 2, 2, 300.0), ("elman", 20, 2, 1, 500.0), ("lstm", 10, 2, 2, 200.0), ("lstm", 20, 2, 2, 90.0)]
    table = pd.DataFrame(rows, columns=["cell", "length", "runs", "solved", "median_updates"])
    assert drawing.conclusion(table, LABELS, 2) == (
        "Over 10 steps, which all of them solve from every seed, it takes the LSTM 200 and the tanh RNN 300 updates at "
        "the median. From some seeds only: the tanh RNN over 20 steps 1 of 2; there chance decides."
    )
    assert drawing.conclusion(table.iloc[1:], LABELS, 2).startswith("No length is solved by all of them")


def test_curves_of_nothing_but_infinity() -> None:
    laps = pd.DataFrame([vars(lap) for lap in race(replace(SMALL, lengths=(4,), seeds=1))]).assign(loss=math.inf)
    fig = drawing.curves(laps, theme.DARK, theme.DARK.apart(LABELS), LABELS, updates=100)
    assert np.isfinite(fig.layout.yaxis.range).all()


def test_numbers_of_weights_are_called_equal_only_if_they_are_alike() -> None:
    from viz_app.components.memory_race import _matched

    rows = {"cell": [*LABELS], "units": [9, 4], "weights": [1000, 1010], "length": 10}
    assert "; number of weights (1\u202f005, within 1.0\u202f%). Not the units: 9 (tanh RNN)" in _matched(
        SMALL, pd.DataFrame(rows), LABELS
    )
    apart = pd.DataFrame({**rows, "weights": [1000, 1300]})
    assert "Not matched: 1\u202f000 to 1\u202f300 weights; the units: 9 (tanh RNN)" in _matched(SMALL, apart, LABELS)


@pytest.mark.parametrize("whole", [{"task": "adding", "momentum": 1}, {"task": "adding", "seeds": "many"}, 3, None])
def test_files_and_jobs_of_other_versions_are_left_out(
    whole: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "race-old.csv").write_text('# {"momentum": 1}\na,b\n1,2\n')
    monkeypatch.setattr(memory_race, "SHIPPED", tmp_path)
    launch.prepare(jobs.folder() / "memory-0badf00d-lstm", {"kind": "memory", "race": "0badf00d", "whole": whole})
    assert memory_race.known() == {}
    assert memory_race.laps(SMALL) == []


def test_a_race_that_comes_with_the_product_needs_no_jobs() -> None:
    config, laps = read(memory_race.SHIPPED / "race-adding.csv")
    memory_race.start(config)
    assert jobs.every(races=True) == []
    assert memory_race.laps(config) == laps


def test_a_table_of_nothing_is_empty() -> None:
    assert solved(SMALL, []).empty
