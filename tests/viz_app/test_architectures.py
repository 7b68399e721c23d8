"""Architectures: what cells cost and how they differ is right, and a race is fair, resumable and shown."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import rnncore
from viz_app import costs, jobs, launch, race, worker
from viz_app.components import theme
from viz_app.components.portrait import picture
from viz_app.differences import differences
from viz_app.figures import race as drawing
from viz_app.race import Settings
from viz_app.views.architectures import finding

CELLS = rnncore.cells()
every = pytest.mark.parametrize("name", list(CELLS))


# ---- what they cost ----


@every
def test_products_are_those_of_the_layer(name: str) -> None:
    X, H = 5, 7
    layer = CELLS[name](X, H)
    matrices = sum(parameter.numel() for parameter in layer.parameters() if parameter.ndim == 2)
    assert costs.multiply_adds(CELLS[name], X, H) == matrices, "each matrix is applied once a step"


def test_speed_is_a_number_of_steps() -> None:
    reading, learning = costs.measure(CELLS["gru"], 4, 4, seconds=0.01)
    assert reading > learning > 0


def test_the_finding_is_made_from_the_numbers() -> None:
    rows = [("lstm", "LSTM", 400), ("gru", "GRU", 300), ("elman", "tanh RNN", 100)]
    table = pd.DataFrame(rows, columns=["cell", "title", "weights"]).assign(lstm=400)
    assert (
        finding(table, 8)
        == "With 8 units the LSTM has 400 weights a layer; the GRU 75\u202f% and the tanh RNN 25\u202f% of that"
    )


# ---- how they differ ----


@every
def test_every_cell_but_the_lstm_differs(name: str) -> None:
    assert bool(differences(CELLS[name])) == (name != "lstm")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("gru", "No input gate, forget gate or output gate."),
        ("gru", "n sees r as well."),
        ("lstm-peephole", "i and f see the previous c as well."),
        ("lstm-peephole", "o sees the new c as well."),
        ("lstm-fgr", "Its gates i, f and o are kept for the next step."),
        ("lstm-coupled", "c = f·c+(1−f)·g; the LSTM has c = f·c+i·g."),
        ("lstm-niaf", "The candidate g is not squashed."),
        ("lstm-nfg", "No forget gate."),
        ("min-lstm", "i is 1−f, no layer of its own."),
        ("mlstm", "i, f, o and u see m in place of h."),
        ("slstm", "It carries m and n beside h and c."),
        ("elman", "No gates: nothing decides what stays."),
        ("irnn", "Its recurrent weights start at the identity."),
        ("lstm-layernorm", "Layer normalisation in it."),
    ],
)
def test_what_differs_is_read_off_the_equations(name: str, sentence: str) -> None:
    assert sentence in differences(CELLS[name])


@every
def test_a_portrait_has_every_equation_and_no_numbers(name: str) -> None:
    data = picture(CELLS[name])
    assert [line["symbol"] for line in data["equations"]] == list(CELLS[name].signals())
    assert {net["value"] for net in data["drawings"]["narrow"]["nets"]} <= set(range(-1, len(data["names"])))


@every
def test_no_two_cells_of_a_comparison_share_a_colour(name: str) -> None:
    names = [name, *(other for other in CELLS if other != name)][:8]
    for palette in (theme.LIGHT, theme.DARK):
        assert len(set(palette.apart(names).values())) == len(names)


def script() -> None:
    from viz_app import state
    from viz_app.views import architectures

    state.turn("architectures")
    architectures.page()


def words(app: AppTest) -> str:
    kinds = (app.title, app.subheader, app.markdown, app.warning, app.error)
    html = [element.proto.body for element in app.get("html")]
    return " ".join([element.value for kind in kinds for element in kind] + html).replace("\\", "")


# ---- the race ----

TEXT = "the cat sat on the mat, and the dog on the cat. " * 60


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Return a race that is over in seconds; leave no process behind."""
    monkeypatch.setenv("RNNCORE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("RNNCORE_PRETRAINED", str(tmp_path / "none"))
    (tmp_path / "cats.txt").write_text(TEXT)
    yield Settings(("elman", "lstm"), units=6, seeds=2, steps=20, text=str(tmp_path / "cats.txt"))
    for job in jobs.every(races=True):
        jobs.stop(job)
    for child in launch.children:
        child.wait(60)


def until_over(settings: Settings, seconds: float = 240) -> dict[tuple[str, int], jobs.Job]:
    deadline = time.monotonic() + seconds
    while any(job.active for job in race.members(settings).values()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return race.members(settings)


@every
def test_matched_models_have_the_lstms_weights(name: str) -> None:
    settings = Settings((name,), units=32)
    target = race.size("lstm", 32, 90)
    number = race.units(settings, name, 90)
    apart = [abs(race.size(name, units, 90) - target) for units in (number - 1, number, number + 1)]
    assert apart[1] == min(apart)
    assert race.units(Settings((name,), units=32, matched=False), name, 90) == 32


def test_the_same_settings_are_the_same_race() -> None:
    assert Settings().id == Settings().id
    assert len({Settings().id, Settings(units=32).id, Settings(seeds=3).id, Settings(cells=("gru", "lstm")).id}) == 4


def test_from_start_to_results_and_by_its_link(small: Settings) -> None:
    race.start(small)
    assert race.known() == [small]
    assert race.find(small.id) == small
    assert jobs.every() == [], "the trainings of a race are no entries of the page Train"
    runs = until_over(small)
    assert {job.status for job in runs.values()} == {"finished"}, [job.error for job in runs.values()]
    assert len(runs) == 4
    configs = [{**job.run.config["config"]} for job in runs.values()]
    differ = {key for key in configs[0] if len({str(config[key]) for config in configs}) > 1}
    assert differ == {"folder", "cell", "units", "seed"}, "all else is matched"
    history = race.table(runs)
    results = race.results(small, runs, history)
    assert list(results["cell"]) == ["elman", "lstm"]
    for row in results.itertuples():
        losses = [job.run.history["validation"].min() for (cell, _), job in runs.items() if cell == row.cell]
        assert (row.low, row.high) == (min(losses), max(losses))
        assert row.loss == pytest.approx(np.mean(losses))
        assert row.weights == rnncore.load(runs[row.cell, 0].folder).parameter_count
    assert race.left(small, history, [1, 1], 2) == 0
    race.start(small)  # everything is there already
    assert not any(job.active for job in race.members(small).values())
    app = AppTest.from_function(script, default_timeout=300)  # whoever opens the link later
    app.query_params["race"] = small.id
    app.run()
    assert not app.exception
    said = words(app)
    assert "After 20 steps the" in said
    assert "Not the units:" in said
    assert "two seeds each" in said
    assert f"{results['loss'].min():.3f}" in said
    assert "Gradient flow of the trained models" in said


def test_stopped_it_goes_on_where_it_was(small: Settings) -> None:
    long = Settings(("gru",), units=6, seeds=1, steps=400, text=small.text)
    race.start(long)
    while race.table(race.members(long)).empty:
        time.sleep(0.1)
    for job in race.members(long).values():
        jobs.stop(job)
    (job,) = until_over(long).values()
    assert job.status == "stopped"
    race.start(long)
    assert race.members(long)["gru", 0].active


def test_too_many_are_refused(small: Settings) -> None:
    with pytest.raises(jobs.JobError, match="too many"):
        race.start(Settings(tuple(list(CELLS)[:6]), seeds=5, text=small.text))


def test_as_many_at_once_as_there_are_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "CORES", 2)
    monkeypatch.setattr(worker, "AT_ONCE", 1)
    monkeypatch.setattr(worker, "alive", lambda folder: True)
    requests = {"a": {"cores": 1}, "b": {"cores": 1}, "c": {"cores": 1}, "d": {}}
    for place, (name, request) in enumerate(requests.items()):
        (tmp_path / name).mkdir()
        worker.write(tmp_path / name / "job.json", {**request, "asked": place})
    assert [worker.has_turn(tmp_path / name) for name in requests] == [True, True, False, False]
    monkeypatch.setattr(worker, "alive", lambda folder: folder.name == "c")
    assert [worker.has_turn(tmp_path / name) for name in ("c", "d")] == [True, False]
    monkeypatch.setattr(worker, "alive", lambda folder: False)
    assert worker.has_turn(tmp_path / "d")


def history() -> pd.DataFrame:
    rows = [
        {"cell": cell, "seed": seed, "step": step, "seconds": step / 10, "validation": loss + seed / 10 - step / 100}
        for cell, loss in (("lstm", 2.0), ("gru", 3.0))
        for seed in (0, 1)
        for step in (10, 20)
    ]
    return pd.DataFrame([*rows, {"cell": "gru", "seed": 0, "step": 21, "seconds": 2.1, "validation": np.nan}])


@pytest.mark.parametrize("by", ["step", "seconds"])
def test_lines_are_means_and_bands_the_seeds(by: str) -> None:
    labels = {"lstm": "LSTM", "gru": "GRU"}
    fig = drawing.learning(history(), theme.LIGHT, theme.LIGHT.apart(labels), labels, by=by)
    low, high, line = fig.data[:3]
    np.testing.assert_allclose(line.y, [1.95, 1.85])
    np.testing.assert_allclose(low.y, [1.9, 1.8])
    np.testing.assert_allclose(high.y, [2.0, 1.9])
    assert list(line.x) == ([10, 20] if by == "step" else [1, 2])
    assert high.fill == "tonexty"


def results(*rows: tuple[str, float, float, float, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["cell", "loss", "low", "high", "seeds"]).assign(step=1200)


def test_who_is_ahead_says_whether_it_may_be_chance() -> None:
    labels = {"lstm": "LSTM", "gru": "GRU", "elman": "tanh RNN"}
    clear = drawing.ahead(results(("lstm", 1.5, 1.4, 1.6, 2), ("gru", 2.0, 1.9, 2.1, 2)), labels)
    assert clear.startswith("After 1\u202f200 steps the LSTM is ahead with 1.500 nats; the GRU 2.000")
    assert clear.endswith("no other’s best seed reaches its worst")
    near = drawing.ahead(results(("lstm", 1.5, 1.4, 1.6, 2), ("gru", 1.6, 1.5, 1.7, 2)), labels)
    assert near.endswith("the GRU is within its seeds’ spread")
    one = drawing.ahead(results(("lstm", 1.5, 1.5, 1.5, 1), ("gru", 1.6, 1.6, 1.6, 1)), labels)
    assert "may be chance" in one


# ---- the page ----


def test_it_opens_on_three_cells_and_offers_a_race(pretrained: Path) -> None:
    app = AppTest.from_function(script, default_timeout=300).run()
    assert not app.exception
    assert "With 64 units the LSTM has 33\u202f280 weights" in app.title[0].value
    portraits = [one for one in app.get("bidi_component") if one.proto.component_name == "rnncore.portrait"]
    assert len(portraits) == 3
    assert "Race tanh RNN, GRU and LSTM" in app.button(key="_race_start").label.replace("\\", "")
    assert "Six trainings" in words(app)


def test_a_link_to_other_cells_and_to_none(pretrained: Path) -> None:
    app = AppTest.from_function(script, default_timeout=300)
    app.query_params.update({"cells": "slstm,nonsense,lstm-fgr", "units": "32", "race": "0badf00d"})
    app.run()
    assert not app.exception
    said = words(app)
    assert "sLSTM" in said
    assert "This link asks for nonsense; known are elman," in said
    assert "This link asks for race 0badf00d, which was not run on this machine" in said
