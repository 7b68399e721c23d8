"""The page Gradients, Depth: its figures and sentences are those of the measurements, and its link is obeyed."""

import base64
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from rnncore import gradients
from rnncore.gradients import DepthConfig
from viz_app import stacks
from viz_app.components.theme import LIGHT
from viz_app.figures import depth, paths

COLOURS = {"plain": "#111111", "residual": "#222222", "dense": "#333333"}
SMALL = DepthConfig(depth=5, seeds=1)


def script() -> None:
    from viz_app import state
    from viz_app.views import depth

    state.turn("depth")
    depth.page()


@pytest.fixture
def app() -> AppTest:
    st.cache_resource.clear()
    test = AppTest.from_function(script, default_timeout=120)
    test.query_params.update({"depth": "5", "seeds": "1"})
    return test


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make trainings of the page ten updates long."""
    whole = gradients.train_stacks

    def train(config: DepthConfig):
        return whole(replace(config, updates=min(config.updates, 10), every=5))

    monkeypatch.setattr(gradients, "train_stacks", train)


def charts(test: AppTest) -> list[dict]:
    return [json.loads(element.proto.spec) for element in test.get("plotly_chart")]


def drawn(chart: dict, name: str) -> np.ndarray:
    y = next(trace["y"] for trace in chart["data"] if trace.get("name") == name)
    return np.frombuffer(base64.b64decode(y["bdata"]), y["dtype"])


def said(test: AppTest) -> str:
    return " ".join(element.value for element in test.markdown)


# ---- the page ------------------------------------------------------------------------------------------------


def test_it_opens_on_the_gradients_at_the_start(app: AppTest) -> None:
    app.run()
    assert not app.exception
    found = {one.kind: one for one in gradients.train_stacks(replace(SMALL, updates=0))}
    layers, by_length = charts(app)
    for kind, one in found.items():
        np.testing.assert_allclose(drawn(layers, kind), (one.outputs / one.outputs[-1]), rtol=1e-9)
    np.testing.assert_allclose(drawn(by_length, "gradient"), found["residual"].paths["share"], rtol=1e-9)
    assert app.title[0].value.startswith("From the last of 5 layers to the first, the gradient")
    assert "in the plain stack" in app.title[0].value
    assert "one seed each, so no band" in said(app)
    assert app.button[-1].label != "Stop"


def test_the_link_chooses_everything(app: AppTest) -> None:
    app.query_params.update({"kinds": "residual,plain", "activation": "relu", "start": "he", "of": "weights"})
    app.query_params.update({"absolute": "1", "seeds": "2"})
    app.run()
    assert not app.exception
    config = DepthConfig(("plain", "residual"), 5, activation="relu", gain=2**0.5, seeds=2, updates=0)
    found = [one.weights for one in gradients.train_stacks(config) if one.kind == "residual"]
    np.testing.assert_allclose(drawn(charts(app)[0], "residual"), np.sqrt(found[0] * found[1]), rtol=1e-9)
    assert "dense" not in {trace.get("name") for trace in charts(app)[0]["data"]}
    assert "the very same numbers" in said(app)


@pytest.mark.usefixtures("short")
def test_training_on_a_button_and_a_slider_through_it(app: AppTest) -> None:
    app.run()
    app.button(key="_train").click().run()
    assert not app.exception
    assert len(charts(app)) == 3
    assert "After 10 updates" in app.title[0].value
    assert "None has learned the digits after 10 updates" in said(app)
    app.select_slider(key="_update").set_value(5).run()
    assert app.query_params["update"] == "5"
    assert "After 5 updates" in app.title[0].value
    found = stacks.measured(SMALL, lambda done, total: None)
    one = next(one for one in found if (one.kind, one.update) == ("dense", 5))
    curves = [trace for trace in charts(app)[0]["data"] if trace.get("name") == "dense"]
    assert len(curves) == 2  # grey, at the start; and now
    np.testing.assert_allclose(
        np.frombuffer(base64.b64decode(curves[1]["y"]["bdata"])), one.outputs / one.outputs[-1], rtol=1e-9
    )


@pytest.mark.usefixtures("short")
def test_a_link_to_a_trained_comparison_trains_it(app: AppTest) -> None:
    app.query_params.update({"trained": "1", "update": "5"})
    app.run()
    assert not app.exception
    assert "After 5 updates" in app.title[0].value


def test_the_first_sight_is_that_of_one_seed_and_the_rest_follows(app: AppTest, monkeypatch) -> None:
    asked = []

    def measured(config: DepthConfig, progress) -> tuple[gradients.Measurement, ...]:
        asked.append((config.seeds, config.updates))
        calls = []
        found = whole(config, lambda *done: calls.append(done))
        assert calls == [(number, len(found)) for number in range(1, len(found) + 1)]
        return found

    whole = stacks.measured
    monkeypatch.setattr(stacks, "measured", measured)
    app.query_params["seeds"] = "2"
    app.run()
    assert not app.exception
    assert asked == [(1, 0), (2, 0)]
    assert "two seeds each" in said(app)
    app.run()
    assert len(asked) == 2  # another visitor, or another look, computes nothing


def test_without_a_residual_stack_there_are_no_paths(app: AppTest) -> None:
    app.query_params["kinds"] = "plain"
    app.run()
    assert not app.exception
    assert len(charts(app)) == 1
    app.button[-1].click().run()
    assert app.query_params["kinds"] == "plain,residual"
    assert len(charts(app)) == 2


@pytest.mark.parametrize(
    "wrong",
    [{"depth": "7"}, {"kinds": "highway"}, {"activation": "gelu"}, {"seeds": "90"}, {"start": "x"}, {"of": "h"}],
)
def test_a_wrong_link_is_refused_with_a_sentence(app: AppTest, wrong: dict[str, str]) -> None:
    app.query_params.update(wrong)
    app.query_params.update({"kinds": "plain"} if "kinds" not in wrong else {})
    app.query_params.update({"depth": "5"} if "depth" not in wrong else {})
    app.run()
    assert not app.exception
    assert next(iter(wrong.values())) in app.warning[0].value


# ---- figures and sentences -----------------------------------------------------------------------------------


def gradient_table() -> pd.DataFrame:
    """Two seeds, three layers; the second seed's gradients fall ten times as fast, and one is zero."""
    rows = []
    for kind, ratio in (("plain", 1e-3), ("residual", 4.0)):
        for seed, factor in enumerate((1.0, 0.1)):
            for layer in range(3):
                rows.append((kind, seed, 0, layer, 7.0 * (ratio * factor) ** (2 - layer)))
    return pd.DataFrame(rows, columns=["kind", "seed", "update", "layer", "outputs"])


def test_curves_are_geometric_means_with_their_range() -> None:
    table = depth.curves(gradient_table(), "outputs", relative=True).set_index(["kind", "layer"])
    np.testing.assert_allclose(table.loc[("plain", 0), ["gradient", "low", "high"]].to_numpy(float), [1e-7, 1e-8, 1e-6])
    assert table.loc[("plain", 0), "back"] == 2
    absolute = depth.curves(gradient_table(), "outputs", relative=False).set_index(["kind", "layer"])
    assert absolute.loc[("residual", 1), "gradient"] == pytest.approx(7 * np.sqrt(4 * 0.4))


def test_what_becomes_of_the_gradient() -> None:
    table = depth.curves(gradient_table(), "outputs", relative=True)
    found = depth.finding(table, 0)
    assert found == (
        "From the last of 2 layers to the first, the gradient shrinks to 10⁻⁷ in the plain stack "
        "and stays at 1.6 times its size in the residual"
    )
    dead = gradient_table().assign(outputs=lambda table: table["outputs"].where(table["layer"] == 2, 0.0))
    assert "dies out in the plain stack" in depth.finding(depth.curves(dead, "outputs", relative=True), 0)
    assert depth.changed(12.3) == "grows to 12 times"
    assert depth.changed(3e8) == "grows to 10⁸ times"
    grown = gradient_table().assign(outputs=lambda table: table["outputs"].where(table["layer"] > 0, 70.0))
    found = depth.finding(depth.curves(grown, "outputs", relative=True), 0)
    assert found.endswith("the gradient grows to 10 times in the plain stack and to 10 times in the residual")


def test_a_gradient_of_zero_is_left_out_of_the_figure() -> None:
    table = gradient_table()
    table.loc[(table["kind"] == "plain") & (table["layer"] == 0), "outputs"] = 0.0
    fig = depth.layers(depth.curves(table, "outputs", relative=True), 0, LIGHT, COLOURS)
    assert {note.text for note in fig.layout.annotations} == {"residual"}
    assert np.isfinite(fig.layout.yaxis.range).all()


def history(**losses: tuple[float, float]) -> pd.DataFrame:
    rows = [(kind, seed, 9, loss) for kind, pair in losses.items() for seed, loss in enumerate(pair)]
    rows += [(kind, seed, 0, 2.3) for kind, pair in losses.items() for seed in (0, 1)]
    return pd.DataFrame(rows, columns=["kind", "seed", "update", "loss"])


def test_who_has_learned() -> None:
    assert depth.learned(history(plain=(2.3, 2.3), dense=(0.2, 0.4), residual=(0.1, 0.1)), 2.3) == (
        "The residual (0.10) and the dense (0.30) have learned the digits after 9 updates, not the plain (2.30)"
    )
    assert depth.learned(history(plain=(0.1, 2.0)), 2.3).startswith("None has learned the digits")  # one seed did not


def test_the_loss_is_a_mean_with_a_band() -> None:
    fig = depth.learning(history(plain=(1.0, 2.0)).sort_values("update"), 9, LIGHT, COLOURS, guess=2.3)
    low, high, mean = (list(trace.y) for trace in fig.data)
    assert (low[-1], high[-1], mean[-1]) == (1.0, 2.0, 1.5)


def test_the_sentences_about_paths() -> None:
    n, a = 10, 0.25
    length = np.arange(n + 1)
    paths_ = np.array([1, 10, 45, 120, 210, 252, 210, 120, 45, 10, 1]) / 1024
    share = paths_ * a**length
    share /= share.sum()
    table = pd.DataFrame(
        {"length": length, "paths": paths_, "share": share, "path_norm": a**length, "path_share": share}
    )
    table = paths.over_seeds(table)
    first, last = gradients.effective_lengths(table["share"].to_numpy())
    inside = table["share"][first : last + 1].sum()
    assert paths.carried(table, first, last) == (
        f"{100 * inside:.0f}\u202f% of the gradient comes along paths through 0 to 4 of 10 layers, "
        "38\u202f% of all paths"
    )
    pulling = table.assign(share=[0.0, 0.5, 0.7, *[0.0] * 7, -0.2])
    assert paths.carried(pulling, 1, 2).startswith("120\u202f% of the gradient comes along paths through 1 to 2")
    assert paths.carried(pulling, 1, 2).endswith("; the others pull against it")
    said = paths.conclusion(table)
    assert "about 5 layers" in said
    assert "through 2.0 on average" in said  # n a / (1 + a)
    assert "it shrinks to 10⁻⁶" in said
    assert "bundle of shallow ones" in said
    equal = table.assign(share=table["paths"], path_norm=1.0)
    assert "as much as their number" in paths.conclusion(equal)
    fig = paths.paths(table, LIGHT, "#222222")
    np.testing.assert_allclose(fig.data[0].y, share)
    np.testing.assert_allclose(fig.data[2].y, paths_)
