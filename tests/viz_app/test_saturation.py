"""The page Cells, Saturation: every dot is the share of steps that a count by hand gives."""

import base64
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from streamlit.testing.v1 import AppTest

import rnncore
from rnncore.analysis.saturation import keep
from rnncore.network import checkpoint
from tests.viz_app.conftest import opened
from viz_app.components.theme import LIGHT
from viz_app.figures import saturation
from viz_app.figures.words import share

TEXT = "to be, or not to be: that is the question. " * 8
SHARES = {0: 0.0, 4: 0.2, 16: 0.5, 4096: 0.8}
MEANINGS = {"i": "input gate", "f": "forget gate", "g": "candidate"}


def script() -> None:
    from viz_app.views import saturation

    saturation.page()


@pytest.fixture
def page(pretrained: Path) -> Callable[..., AppTest]:
    """Open the page on a model whose gates do saturate."""
    model = rnncore.load(pretrained / "shakespeare-lstm")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(0, 1.5, generator=generator)
    checkpoint.save(model, pretrained / "shakespeare-lstm")

    return partial(opened, script, TEXT)


def points(test: AppTest, place: int) -> list[dict]:
    """Return the dots of one gate's figure: one trace a layer."""
    chart = json.loads(test.get("plotly_chart")[place].proto.spec)
    return [trace for trace in chart["data"] if trace["mode"] == "markers"]


def numbers(array: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(array["bdata"]), array["dtype"])


def test_every_dot_is_counted(page: Callable[..., AppTest]) -> None:
    test = page()
    recording = rnncore.record(rnncore.load("shakespeare-lstm"), TEXT)
    for place, (gate, low, high) in enumerate([("i", 0.1, 0.9), ("f", 0.1, 0.9), ("g", -0.8, 0.8), ("o", 0.1, 0.9)]):
        for layer, trace in enumerate(points(test, place)):
            np.testing.assert_allclose(numbers(trace["x"]), (recording[gate, layer] < low).mean(0), atol=1e-6)
            np.testing.assert_allclose(numbers(trace["y"]), (recording[gate, layer] > high).mean(0), atol=1e-6)
            assert trace["customdata"] == [[layer, unit] for unit in range(8)]
    assert "344 characters" in " ".join(element.value for element in test.markdown)


def test_the_link_rings_a_unit(page: Callable[..., AppTest]) -> None:
    test = page(layer="1", unit="5")
    sizes = points(test, 0)[0]["marker"]["size"]
    assert [size == max(sizes) for size in sizes] == [unit == 5 for unit in range(8)]
    recording = rnncore.record(rnncore.load("shakespeare-lstm"), TEXT)
    low, high = (share((there[:, 5]).mean()) for there in (recording["f", 0] < 0.1, recording["f", 0] > 0.9))
    assert f"forget gate $f$: low {low}, high {high}" in " ".join(element.value for element in test.markdown)


def test_it_opens_on_the_unit_that_keeps_most(page: Callable[..., AppTest]) -> None:
    test = page()
    f = rnncore.record(rnncore.load("shakespeare-lstm"), TEXT)["f"]
    layer, unit = np.unravel_index((f > 0.9).mean(1).argmax(), (2, 8))
    assert any(element.value == f"**Layer {layer + 1}, unit {unit}**" for element in test.markdown)


def test_a_cell_without_gates_is_told_so(page: Callable[..., AppTest]) -> None:
    test = page(model="shakespeare-elman")
    assert test.title[0].value.endswith("has no gates that could saturate")
    assert not test.get("plotly_chart")


@pytest.mark.parametrize("wrong", [{"unit": "8"}, {"layer": "3"}, {"corpus": "held-out"}])
def test_a_wrong_link_is_refused_with_a_sentence(page: Callable[..., AppTest], wrong: dict[str, str]) -> None:
    assert "This link asks for" in page(**wrong).warning[0].value


# ---- over training -------------------------------------------------------------------------------------------


def trained(pretrained: Path) -> pd.DataFrame:
    """Lay the recordings of a training beside the LSTM; return their saturation."""
    folder, tables = pretrained / "shakespeare-lstm" / "probes", []
    folder.mkdir()
    model = rnncore.load("shakespeare-lstm")
    for step in (0, 8, 64):
        with torch.no_grad():
            for weight in model.parameters():
                weight.mul_(1.0 if step else 0.05).mul_(1.5 if step == 64 else 1)
        recording = rnncore.record(model, TEXT[:90])
        recording.save(folder / f"step-{step:06d}.npz")
        tables.append(rnncore.analysis.saturation_of(recording).assign(step=step))
    return pd.concat(tables)


def test_over_training_the_lines_are_means_over_units(page: Callable[..., AppTest], pretrained: Path) -> None:
    table = trained(pretrained)
    test = page(view="training", step="8")
    assert not test.error
    assert "ends up shut or open" in test.title[0].value
    charts = [json.loads(chart.proto.spec)["data"] for chart in test.get("plotly_chart")]
    for layer in (0, 1):
        for trace in charts[layer]:
            gate, end = trace["hovertemplate"][0], "right" if trace.get("yaxis", "y") == "y" else "left"
            rows = table[(table["signal"] == gate) & (table["layer"] == layer)]
            np.testing.assert_allclose(numbers(trace["y"]), rows.groupby("step")[end].mean(), atol=1e-9)
    now = table[(table["step"] == 8) & (table["signal"] == "f")]
    dots = [trace for trace in charts[3] if trace["mode"] == "markers"]
    for layer, trace in enumerate(dots):
        np.testing.assert_allclose(numbers(trace["x"]), now[now["layer"] == layer]["left"], atol=1e-6)


def test_the_slider_moves_through_the_training(page: Callable[..., AppTest], pretrained: Path) -> None:
    trained(pretrained)
    test = page(view="training")
    assert test.select_slider[0].value == 64
    test.select_slider[0].set_value(8).run()
    assert test.query_params["step"] == "8"
    assert "as it was after 8 steps" in " ".join(element.value for element in test.markdown)
    assert "This link asks for step 9" in page(view="training", step="9").warning[0].value


def test_what_was_not_recorded_is_said(page: Callable[..., AppTest]) -> None:
    test = page(view="training")
    assert test.title[0].value == "How the gates of shakespeare-lstm came to saturate was not recorded"
    assert "--probe-every" in test.info[0].value
    assert not test.get("plotly_chart")
    assert not [button for button in test.button if button.label.startswith("Show")]


def test_another_model_is_offered_that_was_recorded(page: Callable[..., AppTest], pretrained: Path) -> None:
    trained(pretrained)
    run = rnncore.Run(pretrained / "shakespeare-lstm")
    keep(rnncore.analysis.saturation_over_training(run), run.folder)
    test = page(model="shakespeare-gru", view="training")
    next(button for button in test.button if button.label == "Show shakespeare-lstm").click().run()
    assert "model" not in test.query_params  # it is the one to open with
    assert len(test.get("plotly_chart")) == 2 + 4


def test_a_damaged_table_is_called_so_until_it_is_mended(page: Callable[..., AppTest], pretrained: Path) -> None:
    table = trained(pretrained)
    file = pretrained / "shakespeare-lstm" / "saturation.parquet"
    file.write_bytes(b"half a table")
    test = page(view="training")
    assert test.title[0].value == "How the gates of shakespeare-lstm came to saturate cannot be shown"
    assert "is damaged" in test.info[0].value
    assert not [button for button in test.button if button.label.startswith("Show")]
    keep(table.assign(left=0.5), file.parent)
    mended = test.run()
    assert "came to saturate" not in mended.title[0].value
    keep(table.assign(left=0.25), file.parent)
    lines = json.loads(mended.run().get("plotly_chart")[0].proto.spec)["data"]
    assert {0.25} == {share for line in lines if line.get("yaxis") == "y2" for share in numbers(line["y"])}


# ---- figures and sentences -----------------------------------------------------------------------------------


def table() -> pd.DataFrame:
    """Two layers of ten units: in the second, three forget gates are always high and one always low."""
    rows = []
    for layer in (0, 1):
        for unit in range(10):
            keeps, drops = layer == 1 and unit < 3, layer == 1 and unit == 9
            rows.append(("f", layer, unit, 0.95 if drops else 0.1, 0.97 if keeps else 0.02))
            rows.append(("g", layer, unit, 1.0, 0.0))
    return pd.DataFrame(rows, columns=["signal", "layer", "unit", "left", "right"])


def test_the_summary_counts_units_and_weighs_shares() -> None:
    rows = saturation.summary(table()).set_index(["signal", "layer"])
    assert rows.loc[("f", 1), ["units", "always_left", "always_right"]].tolist() == [10, 1, 3]
    assert rows.loc[("f", 1), "left"] == pytest.approx((9 * 0.1 + 0.95) / 10)
    assert rows.loc[("g", 0), "always_left"] == 10


def test_the_finding_speaks_of_a_gate_and_not_of_a_candidate() -> None:
    found = saturation.summary(table())
    assert saturation.finding(found, MEANINGS) == (
        "The forget gate is nearly always high in none of the 10 units of layer 1 and three of the 10 units of layer 2"
    )
    assert saturation.headline(found, "f", MEANINGS) == "Forget gate f: always high 3, low 1"
    quiet = found.assign(always_left=0, always_right=0)
    assert saturation.finding(quiet, MEANINGS).startswith(
        "No gate stays at an end; the forget gate of layer 2 comes nearest, at one 49"
    )
    assert saturation.headline(quiet, "f", MEANINGS) == "Forget gate f: none stays at an end"


def test_over_training_the_sentence_tells_which_gate_and_when() -> None:
    steps = pd.concat([table().assign(step=step, left=share / 2, right=share / 4) for step, share in SHARES.items()])
    means = saturation.means_by_step(steps)
    assert saturation.training_finding(means, MEANINGS) == (
        "The forget gate of layer 1 ends up shut or open 60\u202f% of the time; half of that was reached by step 16 of "
        "4\u202f096"
    )
    assert "layer 2 from 0 to 60\u202f% of the time" in saturation.training_conclusion(means)
    flat = saturation.means_by_step(table().assign(step=0))
    assert "it began at" in saturation.training_finding(flat, MEANINGS)


def test_the_conclusion_says_which_layer_is_sharper_and_who_keeps() -> None:
    said = saturation.conclusion(saturation.summary(table()), MEANINGS)
    assert said.startswith("Layer 2 decides most sharply: there gates are at an end")
    assert "Three units keep what they hold" in said
    assert "one forgets it" in said


def test_the_ring_is_on_its_unit_only() -> None:
    fig = saturation.scatter(table(), "f", LIGHT, "#123456", ring=(1, 4))
    dots = [trace for trace in fig.data if trace.mode == "markers"]
    assert [max(trace.marker.size) > min(trace.marker.size) for trace in dots] == [False, True]
    assert int(np.argmax(dots[1].marker.size)) == 4
