"""The page Cells, Saturation: every dot is the share of steps that a count by hand gives."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from streamlit.testing.v1 import AppTest

import rnncore
from rnncore.network import checkpoint
from viz_app.components.theme import LIGHT
from viz_app.figures import saturation
from viz_app.figures.words import share

TEXT = "to be, or not to be: that is the question. " * 8
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

    def open_page(**link: str) -> AppTest:
        test = AppTest.from_function(script, default_timeout=60)
        test.session_state["_texts"] = {"0" * 16: TEXT}
        asked = {"model": "shakespeare-lstm", "text": "mine:" + "0" * 16, "corpus": "text", **link}
        test.query_params.update(asked)
        test.run()
        assert not test.exception
        return test

    return open_page


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
