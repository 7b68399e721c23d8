"""Clipping: paths are cut at the window's edge, sentences come from the numbers, trainings run in jobs."""

import math
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from rnncore import TrainConfig
from rnncore.gradients import OneUnit
from rnncore.gradients.clipping import read, updates
from rnncore.training import corpora
from viz_app import clipped, jobs, launch
from viz_app.clipped import Setting
from viz_app.components import theme
from viz_app.figures import cliff, window
from viz_app.figures import clipping as drawing
from viz_app.figures.window import Window

WINDOW: Window = ((4.0, 7.0), (-3.5, -2.0))
SHOWN: Window = ((4.4, 6.2), (-3.2, -2.2))


def script() -> None:
    from viz_app import state
    from viz_app.views import clipping

    state.turn("clipping")
    clipping.page()


def words(app: AppTest) -> str:
    kinds = (app.title, app.markdown, app.warning, app.error)
    return " ".join(element.value for kind in kinds for element in kind).replace("\\", "")


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("RNNCORE_RUNS", str(tmp_path / "runs"))
    yield
    for job in jobs.every(races=True):
        jobs.stop(job)
    for child in launch.children:
        child.wait(60)


# ---- the cliff ----


def paths(w: float = 5.5, b: float = -2.6, rate: float = 0.5, clip: float = 0.1) -> list[cliff.Descent]:
    net = OneUnit()
    free = net.descend(w, b, learning_rate=rate, updates=20)
    held = net.descend(w, b, learning_rate=rate, updates=20, clip=clip)
    return [cliff.Descent(free, "not clipped", "#ff0000"), cliff.Descent(held, "clipped", "#0000ff")]


def test_frames_are_the_paths_as_far_as_they_have_come() -> None:
    free, held = paths()
    loss = np.linspace(0, 0.5, 30).reshape(5, 6)
    for fig in (
        cliff.surface(loss, WINDOW, [free, held], theme.LIGHT),
        cliff.above(loss, WINDOW, [free, held], theme.LIGHT),
    ):
        assert [frame.name for frame in fig.frames] == [str(update) for update in range(21)]
        for update, frame in enumerate(fig.frames):
            np.testing.assert_allclose(frame.data[2].x, held.rows["w"][: update + 1])
            np.testing.assert_allclose(frame.data[3].y, [held.rows["b"][update]])
            assert list(frame.traces) == [1, 2, 3, 4]
        assert [len(slider.steps) for slider in fig.layout.sliders] == ([] if fig.data[0].type == "heatmap" else [21])
        for frame in fig.frames:
            for trace in frame.data:
                x = np.asarray(trace.x, float)
                assert np.nanmin(x) >= 4 - 1e-9
                assert np.nanmax(x) <= 7 + 1e-9, "nothing is drawn outside the window"


def test_a_step_is_cut_where_it_crosses_the_edge() -> None:
    rows = pd.DataFrame({"update": [0, 1, 2], "w": [5.0, 9.0, 5.0], "b": [-3.0, -3.0, -2.2], "loss": [0.3, 0.1, 0.2]})
    line, head = window.cut(rows, WINDOW, 1)
    assert line["w"].dropna().tolist() == [5.0, 7.0]
    assert line["b"].dropna().tolist() == [-3.0, -3.0]
    assert line["loss"].dropna().tolist() == [0.3, 0.3 + window.FLIGHT], "it flies off"
    assert (head["w"], head["b"]) == (7.0, -3.0)
    whole, head = window.cut(rows, WINDOW, 2)
    assert whole["w"].isna().tolist() == [False, False, True, False, False]
    assert whole["w"].iloc[3] == pytest.approx(7)
    assert whole["b"].iloc[3] == pytest.approx(-2.6)
    assert head["w"] == 5.0
    assert window.leaves(rows, WINDOW) == 1
    beside = pd.DataFrame({"update": [0, 1], "w": [8.0, 8.0], "b": [-3.0, -2.5], "loss": [0.0, 0.0]})
    assert window.cut(beside, WINDOW, 1)[0]["w"].isna().all()


def test_the_finding_of_the_cliff_is_made_from_the_paths() -> None:
    free, held = paths()
    out = window.leaves(free.rows, WINDOW)
    sentence = cliff.finding(free.rows, held.rows, 0.1, WINDOW)
    assert sentence.startswith(f"At update {out} a gradient of norm 5\u202f4")
    assert "clipped at 0.1, descent ends at a loss of" in sentence
    near = paths(6.5, -2.2, 0.1)
    assert cliff.finding(near[0].rows, near[1].rows, 0.1, WINDOW).startswith("From this start nothing explodes")


def drifting(step: float) -> pd.DataFrame:
    """A path that leaves the window to the left, in steps of one size."""
    ws = 4.1 - step * np.arange(3)
    return pd.DataFrame({"update": range(3), "w": ws, "b": -3.0, "loss": 0.2, "gradient_norm": 0.5, "clipped": False})


def test_only_a_jump_is_a_throw() -> None:
    drift, jump = drifting(0.06), drifting(0.9)
    assert window.leaves(drift, WINDOW) == 2
    assert cliff.finding(drift, drift, 0.1, WINDOW).startswith(
        "No update jumps: without clipping descent drifts out of the picture at update 2 and the loss ends at 0.2"
    )
    assert cliff.finding(jump, drift, 0.1, WINDOW).startswith("At update 1 a gradient of norm 0.5 throws w from 4.10")


def test_the_conclusion_of_the_cliff_is_made_from_the_gradients() -> None:
    free, held = (path.rows for path in paths())
    said = cliff.conclusion(free, held, 0.5, 0.1, WINDOW)
    most = free["gradient_norm"].iloc[:-1].max()
    assert f"one of up to {most:,.0f}".replace(",", "\u202f") in said
    assert "which throws it" in said
    assert f"Clipping cuts {held['clipped'].iloc[:-1].sum()} of 20 updates, none is longer than 0.05" in said
    assert said.endswith("and the path stays in the picture.")
    free, held = (path.rows for path in paths(6.5, -2.2, 0.1, clip=9.0))
    said = cliff.conclusion(free, held, 0.1, 9.0, WINDOW)
    assert "it is nowhere thrown" in said
    assert "meets none above 9: clipping changes nothing here" in said


@pytest.mark.parametrize("size", [16, 24])
def test_norms_show_the_threshold(size: float) -> None:
    fig = cliff.norms(paths(), 0.1, theme.DARK, size=size)
    assert fig.layout.shapes[0].y0 == 0.1
    norms = paths()[0].rows["gradient_norm"]
    assert (norms[13:] == 0).all(), "far out nothing pulls any more, which a logarithm cannot show"
    np.testing.assert_array_equal(fig.data[0].y, norms[:13])
    assert fig.layout.yaxis.type == "log"


def test_it_opens_on_the_cliff() -> None:
    app = AppTest.from_function(script, default_timeout=300).run()
    assert not app.exception
    net = OneUnit()
    free = net.descend(5.5, -2.6, learning_rate=0.5, updates=60)
    held = net.descend(5.5, -2.6, learning_rate=0.5, updates=60, clip=0.1)
    assert app.title[0].value.replace("\\", "") == cliff.finding(free, held, 0.1, SHOWN)
    assert "How to read it." in words(app)


@pytest.mark.parametrize("w", ["4.4", "5.25", "6.2"])
@pytest.mark.parametrize("b", ["-3.2", "-2.2"])
@pytest.mark.parametrize(("rate", "clip"), [("0.1", "1"), ("2", "0.02")])
def test_every_start_can_be_shown(w: str, b: str, rate: str, clip: str) -> None:
    app = AppTest.from_function(script, default_timeout=300)
    app.query_params.update({"w": w, "b": b, "rate": rate, "clip": clip})
    app.run()
    assert not app.exception
    assert not app.warning


def test_start_rate_and_threshold_are_in_the_link() -> None:
    app = AppTest.from_function(script, default_timeout=300).run()
    app.number_input(key="_cliff_w").set_value(5.2).run()
    app.selectbox(key="_choose_clip").set_value(0.2).run()
    assert app.query_params["w"] == "5.2"
    assert app.query_params["clip"] == "0.2"
    assert "clipped at 0.2" in app.title[0].value.replace("\\", "")


@pytest.mark.parametrize(
    "link",
    [
        {"w": "9"},
        {"b": "deep"},
        {"rate": "3"},
        {"clip": "nan"},
        {"view": "cave"},
        {"view": "training", "run": "0badf00d"},
    ],
)
def test_links_that_ask_for_what_is_not_there(link: dict[str, str]) -> None:
    app = AppTest.from_function(script, default_timeout=300)
    app.query_params.update(link)
    app.run()
    assert not app.exception
    assert "This link asks for" in words(app)


# ---- one training twice ----


def test_the_shipped_training_explodes_without_clipping_only() -> None:
    settings, found = read(clipped.SHIPPED)
    setting = Setting()
    assert {name: settings[name] for name in setting.config} == setting.config
    assert settings["clips"] == setting.clips
    assert found.exploded[0.0] is not None
    assert found.exploded[setting.clip] is None
    held = found.history[found.history["clip"] == setting.clip]
    free = found.history[found.history["clip"] == 0.0]
    assert held["loss"].iloc[0] == free["loss"].iloc[0]
    assert held["loss"].tail(20).mean() < 0.75 * held["loss"].iloc[0]
    assert held["seconds"].max() < 90


def test_the_shipped_training_is_what_the_core_does() -> None:
    """Its first steps, again: the figures are no invention; the last digits are the machine's."""
    setting = Setting()
    config = TrainConfig(Path("unused"), **setting.config)
    kept = read(clipped.SHIPPED)[1].history
    steps = updates(config, corpora.load(clipped.TEXT), setting.clips, setting.optimizer)
    again = pd.DataFrame([vars(next(steps)) for _ in range(6)])
    if kept["loss"].iloc[0] != pytest.approx(again["loss"].iloc[0], rel=1e-3):
        pytest.skip("another Python, so another standard library to learn")
    np.testing.assert_allclose(again["loss"], kept["loss"][:6], rtol=0.02)


def test_the_other_view_opens_on_the_shipped_training() -> None:
    app = AppTest.from_function(script, default_timeout=300)
    app.query_params["view"] = "training"
    app.run()
    assert not app.exception
    _, found = read(clipped.SHIPPED)
    assert app.title[0].value.replace("\\", "") == drawing.finding(found.history, found.exploded, Setting().clip)
    assert "Without clipping the training explodes" in app.title[0].value


def test_a_training_of_ones_own_runs_in_a_job() -> None:
    app = AppTest.from_function(script, default_timeout=300)
    app.query_params["view"] = "training"
    app.run()
    app.selectbox(key="_clip_cell").set_value("gru").run()
    app.number_input(key="_clip_steps").set_value(20).run()
    app.number_input(key="_clip_length").set_value(10).run()
    app.button(key="_clip_start").click().run()
    assert not app.exception
    setting = Setting("gru", steps=20, length=10)
    assert app.query_params["run"] == setting.id
    job = clipped.job(setting)
    assert job is not None
    deadline = time.monotonic() + 240
    while job.active:
        assert time.monotonic() < deadline
        time.sleep(0.2)
        job = clipped.job(setting)
    assert (job.status, job.error) == ("finished", None)
    found = clipped.comparison(setting)
    assert found is not None
    assert len(found.history) == 40
    assert jobs.every() == [], "it is no entry of the page Train"
    app.run()
    assert not app.exception
    assert app.title[0].value.startswith("Neither explodes in 20 steps")
    assert clipped.known() == {Setting().id: Setting(), setting.id: setting}


def test_the_comparison_that_comes_with_the_product_cannot_be_hidden_by_a_job() -> None:
    clipped.start(Setting())
    assert jobs.every(races=True) == []
    path = jobs.folder() / f"clipping-{Setting().id}"
    launch.prepare(path, {"kind": "clipping", "race": Setting().id, "setting": asdict(Setting())})
    assert clipped.job(Setting()) is None
    assert clipped.comparison(Setting()) is not None


@pytest.mark.parametrize(
    "request_",
    [
        {"setting": {"cell": "gru", "momentum": 0.9}},
        {"setting": {"cell": "gru"}},
        {"setting": 3},
        {},
    ],
)
def test_jobs_of_other_versions_are_left_out(request_: dict) -> None:
    launch.prepare(jobs.folder() / "clipping-0badf00d", {"kind": "clipping", "race": "0badf00d", **request_})
    assert clipped.known() == {Setting().id: Setting()}


def test_the_conclusion_of_the_trainings() -> None:
    table = history([3.0, 2.0, 9.0], [3.0, 2.0, 1.5])
    assert "No gradient of the clipped training was above 3" in drawing.conclusion(table.replace(1.0, 3.0), 3.0)
    norms = [0.5, 0.9, 4.0]
    held = (table["clip"] == 1.0).to_numpy()
    table.loc[held, "gradient_norm"] = norms
    table.loc[~held, "update_norm"] = [0.1, 0.7, math.inf]
    assert drawing.conclusion(table, 1.0) == (
        "The first gradient above 1 comes at step 3; from then on the two differ. Clipping cuts 1 of 3 gradients, the "
        "largest of norm 4. The longest update without it moves all weights together by 0.7, with it by 0.1."
    )


def history(free: list[float], held: list[float]) -> pd.DataFrame:
    rows = [(0.0, free), (1.0, held)]
    return pd.concat(
        pd.DataFrame({"clip": clip, "step": range(1, len(one) + 1), "loss": one}).assign(
            gradient_norm=2.0, update_norm=0.1
        )
        for clip, one in rows
    )


@pytest.mark.parametrize(
    ("free", "held", "exploded", "said"),
    [
        (
            [3.0, 2.0, 9.0],
            [3.0, 2.0, 1.5],
            {0.0: 3, 1.0: None},
            "explodes at step 3; its gradients come to a norm of 2 and its loss to 9 nats. Clipped at 1",
        ),
        (
            [3.0, math.inf],
            [3.0, 2.0],
            {0.0: 2, 1.0: None},
            "its loss beyond all numbers. Clipped at 1, it ends at 2.50 nats",
        ),
        ([3.0, 2.0], [3.0, 2.0], {0.0: None, 1.0: None}, "Neither explodes in 2 steps"),
        ([3.0, 9.0], [3.0, 9.0], {0.0: 2, 1.0: 2}, "Even clipped it explodes, at step 2"),
        ([3.0, 2.0], [3.0, 9.0], {0.0: None, 1.0: 2}, "Here the clipped training is the one that explodes"),
    ],
)
def test_the_finding_of_the_trainings(free: list[float], held: list[float], exploded: dict, said: str) -> None:
    assert said in drawing.finding(history(free, held), exploded, 1.0)


@pytest.mark.parametrize("column", ["loss", "gradient_norm", "update_norm"])
def test_curves_hold_the_numbers_and_mark_the_explosion(column: str) -> None:
    table = history([3.0, 2.0, 900.0], [3.0, 2.0, 1.5])
    look = {"colours": {0.0: "#ff0000", 1.0: "#0000ff"}, "steps": 3, "exploded": {0.0: 3, 1.0: None}, "guess": None}
    if column == "loss":
        look["guess"] = 4.0
    fig = drawing.curve(table, column, theme.LIGHT, **look)
    np.testing.assert_array_equal(fig.data[1].y, table[table["clip"] == 1.0][column])
    if column == "loss":
        assert fig.data[0].y[-1] == 80.0, "the axis ends at twenty blind guesses"
        assert fig.data[0].customdata[-1] == 900.0
        assert any("explodes at step 3, up to 900 nats" in one.text for one in fig.layout.annotations)
