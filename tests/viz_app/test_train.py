"""The page Train, and the figures of a training."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import rnncore
from rnncore.training.corpora import Corpus
from viz_app import jobs, launch
from viz_app.components import theme
from viz_app.figures import training

TEXT = "the cat sat on the mat. " * 100


def app() -> AppTest:
    def script() -> None:
        from viz_app import state
        from viz_app.views import train

        state.turn("train")
        train.page()

    return AppTest.from_function(script, default_timeout=120)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models that came with the product, with one really trained in it."""
    folder = tmp_path_factory.mktemp("pretrained")
    config = rnncore.TrainConfig(
        folder / "cats-gru", "gru", 1, 12, 8, steps=40, batch=4, length=16, validate_every=10, clip=0.5
    )
    for _ in rnncore.train(config, Corpus("cats", TEXT)):
        pass
    return folder


@pytest.fixture(autouse=True)
def folders(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("RNNCORE_PRETRAINED", str(trained))
    monkeypatch.setenv("RNNCORE_RUNS", str(tmp_path / "runs"))
    yield
    for job in jobs.every():
        jobs.stop(job)
    for child in launch.children:
        child.wait(60)


def words(at: AppTest) -> str:
    return " ".join(element.value for element in (*at.title, *at.markdown, *at.error, *at.warning))


def test_it_opens_on_a_training_that_is_over(trained: Path) -> None:
    at = app().run()
    assert not at.exception
    run = rnncore.Run(trained / "cats-gru")
    assert "in 40 steps" in at.title[0].value
    assert f"{run.history['validation'].min():.3f} nats" in words(at)
    assert f"{int(run.history['clipped'].sum())} of 40 steps were clipped" in words(at)
    assert at.code[0].value == dict(run.samples)[40]


def test_the_slider_goes_back_to_what_it_wrote_then(trained: Path) -> None:
    at = app().run()
    at.select_slider[0].set_value(4).run()
    assert not at.exception
    assert at.code[0].value == dict(rnncore.Run(trained / "cats-gru").samples)[4]
    assert at.query_params["step"] == "4"
    assert "in 4 steps" in at.title[0].value


def test_a_link_to_a_step_that_is_not_there_is_a_sentence() -> None:
    at = app()
    at.query_params["step"] = "7"
    assert "This link asks for step 7" in words(at.run())


def test_without_any_training_there_is_a_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNCORE_PRETRAINED", str(tmp_path))
    at = app().run()
    assert not at.exception
    assert "Train a small model" in at.title[0].value
    assert at.button(key="_train_start")


def asked_for(text: str, steps: int = 30, vocabulary: str = "characters") -> AppTest:
    at = app().run()
    at.selectbox(key="_train_text").set_value("mine").run()
    at.text_area(key="_train_pasted").set_value(text)
    at.number_input(key="_train_steps").set_value(steps)
    at.number_input(key="_train_units").set_value(8)
    at.number_input(key="_train_batch").set_value(4)
    at.selectbox(key="_train_vocabulary").set_value(vocabulary)
    at.text_input(key="_train_name").set_value("mine")
    return at.button(key="_train_start").click().run()


@pytest.mark.parametrize("vocabulary", ["characters", "subwords"])
def test_a_training_of_ones_own_text_from_start_to_end(vocabulary: str) -> None:
    at = asked_for(TEXT, vocabulary=vocabulary)
    assert not at.exception
    assert at.query_params["run"] == "mine"
    deadline = time.monotonic() + 90
    while jobs.find("mine").active and time.monotonic() < deadline:
        time.sleep(0.2)
    assert jobs.find("mine").status == "finished", jobs.find("mine").error
    at.run()
    assert not at.exception
    assert "in 30 steps" in at.title[0].value
    model = rnncore.load(jobs.find("mine").folder)
    assert (model.name, model.vocabulary.kind) == ("mine", vocabulary)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", "There is no text yet"), (" \n ", "There is no text yet"), ("a", "too short"), ("ab" * 5, "too short")],
)
def test_a_text_that_will_not_do_is_a_sentence_and_stays(text: str, sentence: str) -> None:
    at = asked_for(text)
    assert not at.exception
    assert sentence in words(at)
    assert at.text_area(key="_train_pasted").value == text
    assert jobs.every() == []


def test_five_megabytes_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    at = asked_for(TEXT * 2_100, steps=10)
    assert not at.exception
    assert (jobs.find("mine").folder / "text.txt").stat().st_size == len(TEXT) * 2_100 > 5_000_000


def test_a_name_that_is_taken_is_a_sentence() -> None:
    at = app().run()
    at.text_input(key="_train_name").set_value("cats-gru")
    at.button(key="_train_start").click().run()
    assert "There is a model called cats-gru already" in words(at).replace("\\", "")


# ---- figures -------------------------------------------------------------------------------------------------


def history(steps: int) -> pd.DataFrame:
    random = np.random.default_rng(0)
    norm = random.uniform(0.1, 2, steps)
    validation = np.where(np.arange(1, steps + 1) % 10 == 0, 2.0, np.nan)
    table = {"step": np.arange(1, steps + 1), "loss": random.uniform(1, 4, steps), "validation": validation}
    return pd.DataFrame({**table, "gradient_norm": norm, "clipped": norm > 1})


def test_loss_shows_every_step_up_to_the_cursor() -> None:
    table = history(100)
    fig = training.loss(table, theme.LIGHT, "#C65800", steps=100, step=60)
    line, checked = fig.data
    np.testing.assert_array_equal(line.x, table["step"][:60])
    np.testing.assert_array_equal(line.y, table["loss"][:60])
    assert list(checked.x) == [10, 20, 30, 40, 50, 60]
    assert fig.layout.shapes[0].x0 == 60


def test_every_clipped_step_has_a_dot_above_the_threshold() -> None:
    table = history(100)
    fig = training.gradient_norm(table, theme.LIGHT, "#C65800", clip=1.0, steps=100)
    np.testing.assert_array_equal(fig.data[1].x, table["step"][table["clipped"]])
    assert min(fig.data[1].y) > 1
    assert fig.layout.shapes[0].y0 == 1


def test_a_long_training_is_drawn_in_groups_that_lose_no_peak() -> None:
    table = history(12_345)
    rows = training.grouped(table)
    assert len(rows) <= training.MOST
    assert rows["gradient_norm"].max() == table["gradient_norm"].max()
    assert rows["step"].iloc[-1] == 12_345
    assert rows["validation"].notna().all()


def test_without_clipping_there_is_no_threshold() -> None:
    table = history(5).assign(clipped=False)
    assert not training.gradient_norm(table, theme.DARK, "#C65800", clip=0.0, steps=5).layout.shapes


def test_a_first_step_alone_can_be_drawn() -> None:
    table = history(1)
    training.loss(table, theme.LIGHT, "#C65800", steps=10)
    training.gradient_norm(table, theme.LIGHT, "#C65800", clip=0.25, steps=10)
