"""Figures draw the numbers they are given, and their sentences are true to them."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viz_app import figures
from viz_app.figures import words
from viz_app.figures.decay import COLUMNS, TINY

PALETTE = SimpleNamespace(
    paper="#FFFFFF", line="#E3E1DB", line2="#BDBAB1", ink="#1A1C20", soft="#555A63", accent="#0B6A62"
)
COLOURS = {"one": "#C65800", "two": "#295F82"}


def falling(decades: float, time: int = 121) -> np.ndarray:
    """Norms [layer, time] that fall by ``decades`` powers of ten over 100 steps back from the last."""
    back = np.arange(time)[::-1]
    return np.stack([10.0 ** (-decades * back / 100)] * 2)


def table(**models: dict[str, np.ndarray]) -> pd.DataFrame:
    titles = {"one": "LSTM", "two": "tanh RNN"}
    tables = []
    for model, norms in models.items():
        time = next(iter(norms.values())).shape[1]
        tables.append(figures.decay(norms, time - 1, ["a"] * time, model=model, label=titles.get(model, model)))
    return pd.concat(tables)


# Words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.07, "7\u202f%"),
        (0.004, "0.4\u202f%"),
        (1.4, "140\u202f%"),
        (3e-9, "10⁻⁹"),
        (4e-9, "10⁻⁸"),
        (0, "0"),
        (25, "2\u202f500\u202f%"),
    ],
)
def test_a_share_is_percent_or_the_nearest_power(value: float, text: str) -> None:
    assert words.share(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(3.2e-9, "3×10⁻⁹"), (0.5, "0.5"), (-0.25, "\u22120.25"), (120, "120"), (2e5, "2×10⁵")]
)
def test_scientific(value: float, text: str) -> None:
    assert words.scientific(value) == text


def test_numbers_have_a_true_minus_and_names_have_words() -> None:
    assert figures.number(-0.5, signed=True) == "\u22120.50"
    assert figures.number(0.5, signed=True) == "+0.50"
    assert [words.count(number) for number in (1, 12, 40, 43, 1000)] == ["one", "twelve", "forty", "43", "1\u202f000"]
    assert words.power(-8) == "10⁻⁸"


# The table


def test_decay_counts_back_from_the_target_and_divides_by_its_value() -> None:
    norms = np.array([[9.0, 9.0, 9.0, 9.0], [1.0, 2.0, 4.0, 7.0]])
    rows = figures.decay({"h": norms}, 2, "abcd", model="one", label="LSTM")
    assert tuple(rows.columns) == COLUMNS
    assert rows["distance"].tolist() == [0, 1, 2]
    assert rows["character"].tolist() == ["c", "b", "a"]
    assert rows["gradient"].tolist() == [4.0, 2.0, 1.0]
    assert rows["relative"].tolist() == [1.0, 0.5, 0.25]
    assert rows["layer"].unique().tolist() == [1]


def test_what_float64_cannot_hold_is_underflow_and_a_dead_target_is_no_number() -> None:
    rows = figures.decay({"h": np.array([[0.0, TINY / 2, TINY, 1.0]])}, 3, "abcd")
    assert rows["underflow"].tolist() == [False, False, True, True]
    dead = figures.decay({"h": np.array([[1.0, 0.0]])}, 1, "ab")
    assert dead["relative"].isna().all()


# The sentence


def test_the_finding_says_the_largest_first_and_speaks_of_the_cell() -> None:
    rows = table(two={"h": falling(20)}, one={"h": falling(9), "c": falling(2.9)})
    assert figures.finding(rows, 40) == (
        "Forty characters back, the LSTM’s cell still carries 7\u202f% of the gradient; the tanh RNN 10⁻⁸"
    )


def test_the_finding_does_not_flatter() -> None:
    close = figures.finding(table(one={"h": falling(3)}, two={"h": falling(3.5)}), 40)
    assert "still" not in close
    grown = figures.finding(table(one={"h": falling(-1)}), 100)
    assert grown == "100 characters back, the LSTM carries 1\u202f000\u202f% of the gradient"
    swapped = figures.finding(table(one={"h": falling(20)}, two={"h": falling(1)}), 40)
    assert swapped.startswith("Forty characters back, the tanh RNN still carries 40\u202f%")


def test_the_finding_of_an_underflow_and_of_a_text_too_short() -> None:
    with np.errstate(under="ignore"):
        rows = table(one={"h": falling(1)}, two={"h": falling(400)})
    assert figures.finding(rows, 100).endswith("; the tanh RNN nothing that float64 can hold")
    assert figures.finding(rows, 121) == "This text does not reach that far back"


def test_models_without_a_title_of_their_own_are_called_by_name() -> None:
    assert "shakespeare-lstm’s cell carries" in figures.finding(table(**{"shakespeare-lstm": {"c": falling(9)}}), 40)


def test_the_sentence_about_training_has_both_numbers() -> None:
    then, now = table(one={"h": falling(9), "c": falling(9)}), table(one={"h": falling(9), "c": falling(2.9)})
    assert figures.change(then, now, 0, 2000, 40) == (
        "The LSTM’s cell: 10⁻⁴ forty characters back before training, 7\u202f% after 2\u202f000 steps"
    )
    assert figures.change(now, now, 2000, 2000, 1) == (
        "The LSTM’s cell: 94\u202f% one character back after 2\u202f000 steps"
    )


def facts(**columns: list) -> pd.DataFrame:
    same = {"parameters": [1000, 1010], "data": ["plays"] * 2, "sha256": ["1"] * 2, "steps": [20] * 2}
    same |= {"seed": [0] * 2, "learning_rate": [0.1] * 2}
    return pd.DataFrame(same | columns)


def test_a_fair_comparison_says_what_is_the_same() -> None:
    assert figures.matched(facts()) == (
        "Same text, number of weights (1\u202f005, within 1.0\u202f%), training data (plays), number of steps (20) "
        "and seed; one run each, so no band."
    )
    assert "and seed, learning rates 0.1 to 0.2; one run" in figures.matched(facts(learning_rate=[0.1, 0.2]))


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"parameters": [870_000, 4_200_000]}, "Not matched: 870 thousand to 4.20 million weights. Same text"),
        ({"sha256": ["1", "2"]}, "Not matched: different training data."),
        ({"sha256": ["1", None]}, "Not matched: training data not known for all."),
        ({"steps": [20, 40]}, "Not matched: different lengths of training."),
        ({"seed": [0, 1]}, "Not matched: different seeds."),
        ({"seed": [0, None]}, "Not matched: seeds not known for all."),
    ],
)
def test_an_unfair_comparison_says_so_first(columns: dict, sentence: str) -> None:
    assert figures.matched(facts(**columns)).startswith(sentence)


# The figure


def lines(fig: go.Figure) -> dict[str, go.Scatter]:
    return {trace.name.split(",")[0] + trace.line.dash: trace for trace in fig.data if trace.mode == "lines+markers"}


def test_curves_are_the_numbers_colour_the_model_and_dash_the_signal() -> None:
    rows = table(one={"h": falling(9), "c": falling(3)}, two={"h": falling(10)})
    fig = figures.flow(rows, PALETTE, COLOURS, cursor=40, reach=100)
    drawn = lines(fig)
    assert set(drawn) == {"LSTMsolid", "LSTM4px,4px", "tanh RNNsolid"}
    np.testing.assert_array_equal(drawn["LSTMsolid"].x, np.arange(101))
    np.testing.assert_allclose(drawn["LSTMsolid"].y, 10.0 ** (-0.03 * np.arange(101)))
    np.testing.assert_allclose(drawn["LSTM4px,4px"].y, 10.0 ** (-0.09 * np.arange(101)))
    assert {name: trace.line.color for name, trace in drawn.items()} == {
        "LSTMsolid": COLOURS["one"],
        "LSTM4px,4px": COLOURS["one"],
        "tanh RNNsolid": COLOURS["two"],
    }
    assert fig.layout.yaxis.type == "log"
    assert tuple(fig.layout.yaxis.range) == (-12, 0)
    assert "10⁻⁸" in fig.layout.yaxis.ticktext


def test_absolute_values_are_drawn_as_they_are() -> None:
    fig = figures.flow(table(one={"h": 1e-3 * falling(3)}), PALETTE, COLOURS, cursor=40, reach=100, relative=False)
    np.testing.assert_allclose(lines(fig)["LSTMsolid"].y[0], 1e-3)
    assert fig.layout.yaxis.range[1] == -3


def test_a_curve_that_leaves_the_axis_is_marked_with_words_where_it_leaves() -> None:
    rows = table(one={"h": falling(3)}, two={"h": falling(21)})
    words_ = [note.text for note in figures.flow(rows, PALETTE, COLOURS, cursor=40, reach=100).layout.annotations]
    marks = [text for text in words_ if "leaves" in text]
    assert len(marks) == 1
    assert "tanh RNN" in marks[0]
    assert marks[0].split("axis at ")[1].startswith("58")  # 0.21 * 57 = 11.97 is the last above 10⁻¹²
    assert "underflow" not in marks[0]


def test_underflow_says_underflow_and_has_no_points() -> None:
    norms = falling(3)
    norms[:, :31] = 0.0
    fig = figures.flow(table(one={"h": norms}), PALETTE, COLOURS, cursor=95, reach=100)
    curve = lines(fig)["LSTMsolid"]
    assert np.isnan(np.asarray(curve.y, float)[90:]).all()
    assert any("underflows at 90" in note.text for note in fig.layout.annotations)


def test_an_axis_reaches_over_what_grows_and_can_be_shared() -> None:
    rows = table(one={"h": falling(-2)})
    assert 2 < figures.flow(rows, PALETTE, COLOURS, cursor=40, reach=100).layout.yaxis.range[1] < 2.2
    assert figures.flow(rows, PALETTE, COLOURS, cursor=40, reach=100, high=3.5).layout.yaxis.range[1] == 3.5


def test_a_dip_that_comes_back_is_no_exit() -> None:
    norms = falling(3)
    norms[:, 60] = 1e-20
    fig = figures.flow(table(one={"h": norms}), PALETTE, COLOURS, cursor=40, reach=100)
    assert not any("leaves" in note.text for note in fig.layout.annotations)


def test_the_cursor_writes_the_values_at_its_distance() -> None:
    rows = table(one={"c": falling(2.9)}, two={"h": falling(20)})
    fig = figures.flow(rows, PALETTE, COLOURS, cursor=40, reach=100)
    texts = [note.text for note in fig.layout.annotations]
    assert {"<b>40</b>", "7\u202f%", "10⁻⁸"} <= set(texts)
    dots = next(trace for trace in fig.data if trace.mode == "markers")
    np.testing.assert_allclose(dots.y, [10**-1.16, 1e-8])


def test_ghosts_are_grey_and_behind() -> None:
    rows = table(one={"h": falling(3)})
    fig = figures.flow(rows, PALETTE, COLOURS, cursor=40, reach=100, ghosts=table(one={"h": falling(6)}))
    assert fig.data[0].line.color == PALETTE.line2
    assert fig.data[0].y[100] == pytest.approx(1e-6)


def test_style_has_no_box_and_grows_with_the_projector() -> None:
    plain, large = (figures.style(go.Figure(), PALETTE, size) for size in (16, 24))
    assert plain.layout.showlegend is False
    assert plain.layout.xaxis.mirror is None
    assert large.layout.font.size == 1.5 * plain.layout.font.size
    assert large.layout.height == 1.5 * plain.layout.height


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0.01, 0.1))
def test_names_never_touch_keep_their_order_and_move_only_if_they_must(places: list[float], gap: float) -> None:
    moved = figures.apart(places, gap)
    ordered = np.sort(moved)
    assert (np.diff(ordered) >= gap - 1e-9).all()
    order = np.argsort(places, kind="stable")
    assert (np.diff(np.asarray(moved)[order]) > 0).all()
    inside = np.asarray(figures.apart(places, gap, 0, 1))
    assert inside.min() >= -1e-9
    assert inside.max() <= max(1, gap * (len(places) - 1)) + 1e-9
    if (np.diff(np.sort(places)) >= gap).all():
        np.testing.assert_allclose(moved, places, atol=1e-9)
