"""Figures of the page Gradient flow draw the numbers they are given, and their sentences are true to them."""

import base64
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from viz_app import figures
from viz_app.components.pairs import TINY, packed
from viz_app.figures import horizon, jacobian, spectrum, words
from viz_app.figures.parts import asked, concentrated, peak, through_time, whole_text

PALETTE = SimpleNamespace(
    paper="#FFFFFF", line="#E3E1DB", line2="#BDBAB1", ink="#1A1C20", soft="#555A63", accent="#0B6A62"
)
COLOURS = {"one": "#C65800", "two": "#295F82"}
TOKENS = tuple("abcdefghij")


def parts(total: np.ndarray, direct: np.ndarray | None = None, signal: str = "c", model: str = "one") -> pd.DataFrame:
    """A table of one layer."""
    log10 = {(signal, "total"): total[None]} | ({} if direct is None else {(signal, "direct"): direct[None]})
    label = {"one": "LSTM", "two": "GRU"}[model]
    return figures.parts(log10, len(total) - 1, TOKENS, model=model, label=label)


# Numbers of any size


@pytest.mark.parametrize(
    ("log10", "text"),
    [
        (-400.5, "3×10⁻⁴⁰¹"),
        (-400.01, "10⁻⁴⁰⁰"),
        (-3, "1×10⁻³"),
        (0, "1"),
        (-np.inf, "no path"),
        (500.3, "2×10⁵⁰⁰"),
        (np.inf, "infinity"),
    ],
)
def test_a_number_too_small_for_float64_is_told_as_it_is(log10: float, text: str) -> None:
    assert words.from_log10(log10) == text


def test_parts_are_relative_to_the_total_at_the_target_and_leave_out_what_has_no_path() -> None:
    total, direct = np.linspace(-900, -2, 10), np.full(10, -np.inf)
    direct[-1] = -3
    table = parts(total, direct)
    rows = table[table["part"] == "total"]
    np.testing.assert_allclose(rows["log10_relative"], total[::-1] + 2)
    assert rows["relative"].iloc[0] == 1
    assert rows["gradient"].iloc[-1] == 0  # too small for a plain number; its logarithm is kept
    assert rows["log10"].iloc[-1] == -900
    assert not table["underflow"].any()
    beside = table[table["part"] == "direct"]
    assert list(beside["distance"]) == [0]
    assert beside["relative"].iloc[0] == pytest.approx(0.1)


def test_direct_is_dotted_and_its_values_are_told_by_their_logarithm() -> None:
    table = pd.concat(
        [parts(np.linspace(-9, 0, 10), np.linspace(-10, -1, 10)), parts(np.linspace(-9, 0, 10), signal="h")]
    )
    drawing = figures.flow(table, PALETTE, COLOURS, cursor=2, reach=9, low=-12)
    lines = {trace.name: trace for trace in drawing.data if trace.mode == "lines+markers"}
    dashes = [trace.line.dash for trace in lines.values()]
    assert dashes == ["solid", "1px,4px", "4px,4px"]
    direct = next(trace for name, trace in lines.items() if name.endswith("direct"))
    assert direct.customdata[-1] == "1×10⁻¹⁰"


def test_the_whole_texts_sentence_is_the_mean_ratio_of_direct_to_total() -> None:
    table = pd.concat(
        [parts(np.zeros(10), np.full(10, -1.0)), parts(np.zeros(10), np.log10(np.full(10, 0.5)), "h", "two")]
    )
    said = whole_text(table)
    assert said == (
        "Beside the whole gradient, what the same step asks is 10\u202f% as large at the LSTM’s cell and 50\u202f% as "
        "large at the GRU"
    )
    larger = whole_text(parts(np.zeros(10), np.log10(np.full(10, 2.0))))
    assert "2 times as large" in larger
    assert larger.endswith("where it is larger, what comes through time pulls the other way")


def test_where_a_gradient_comes_through_time_is_counted_by_step() -> None:
    said = through_time(parts(np.zeros(10), np.array([-2.0] * 7 + [-0.5] * 2 + [0.5])))
    assert "at 70\u202f% of the steps the total is over ten times the direct part" in said
    assert "at 10\u202f% it is the smaller of the two" in said


def test_half_of_what_is_asked_counts_from_the_target() -> None:
    shares = np.array([4.0, 1, 1, 1, 1, 1, 1, 2, 3, 4])[:, None][:, 0]
    table = parts(np.log10(shares), signal="U")
    assert asked(table) == "Of the summed norms of dL/dU, half comes from the last four steps in the LSTM"  # 10 of 19
    assert "75\u202f% comes from the last nine steps" in asked(table, 0.75)  # 14 of 19 at eight, 15 at nine
    assert asked(table.iloc[:0]) == "The loss asks for no change of these weights"


def test_a_model_without_recurrent_weights_is_told_by_its_others() -> None:
    table = pd.concat([parts(np.zeros(10), signal="U"), parts(np.zeros(10), signal="W", model="two")])
    assert asked(table) == (
        "Of the summed norms of dL/dU, half comes from the last five steps in the LSTM; of the summed norms of dL/dW, "
        "where U has no share, half comes from the last five steps in the GRU"
    )


def test_few_steps_may_hold_half_of_what_is_asked() -> None:
    shares = np.ones(10)
    shares[4] = 9
    assert concentrated(parts(np.log10(shares), signal="x")) == (
        "One of 10 steps holds half of the summed norms, at the LSTM’s input."
    )
    assert concentrated(parts(np.zeros(10), signal="x")).startswith("Five of 10 steps hold")


def test_the_peak_is_the_step_with_the_largest_gradient() -> None:
    logs = np.zeros(10)
    logs[3] = 1
    said = peak(parts(logs, signal="x"))
    assert said == "The loss of the text pulls hardest at the LSTM’s input at step 3, “d”: 10 times the typical pull"
    assert "Nothing" in peak(parts(logs).iloc[:0])


def test_training_takes_every_model_from_a_share_to_another() -> None:
    before, after = parts(np.linspace(-9, 0, 10)), parts(np.linspace(-0.9, 0, 10))
    said = figures.changes([(before, after)], 5)
    assert said == "Five characters back, training takes the LSTM’s cell from 10⁻⁵ to 32\u202f% of the gradient"
    assert "leaves the LSTM’s cell at 32" in figures.changes([(after, after)], 5)
    assert figures.paces([(before, after)], 9) == (
        "From 0 to 9 characters back, the LSTM’s cell loses a factor of ten every 1.0 at this step and loses a factor "
        "of ten every 10 at the end."
    )


def test_a_probe_too_short_for_the_distance_says_so() -> None:
    short = parts(np.zeros(1))
    assert figures.changes([(short, short)], 5) == "This text does not reach that far back"
    assert figures.change(short, short, 0, 9, 5) == "This text does not reach that far back"
    assert figures.changes([(short, short)], 0).startswith("At the target itself, training leaves")
    assert figures.paces([(short, short)], 1) == "Nothing can be said about its fall."


def test_the_pace_is_the_fall_over_the_distance_shown() -> None:
    table = pd.concat([parts(np.linspace(-0.9, 0, 10)), parts(np.linspace(-9, 0, 10), signal="h", model="two")])
    said = figures.pace(table, 9)
    assert said == (
        "From 0 to 9 characters back, the LSTM’s cell loses a factor of ten every 10 and the GRU loses a factor of "
        "ten every 1.0."
    )


# Products of Jacobians


def norms(factor: float, time: int = 21) -> np.ndarray:
    steps = np.arange(time)
    return np.tril(factor ** (steps[:, None] - steps[None, :]).clip(0))


def test_ways_are_geometric_means_along_the_diagonals_and_the_bound_is_its_power() -> None:
    random = np.tril(np.random.default_rng(0).lognormal(size=(6, 6)))
    table = jacobian.ways({"": random}, bound=3.0)
    full = table[table["way"] == jacobian.FULL].set_index("lag")["log10"]
    assert full[2] == pytest.approx(np.log10([random[2, 0], random[3, 1], random[4, 2], random[5, 3]]).mean())
    bound = table[table["way"] == jacobian.BOUND].set_index("lag")["log10"]
    assert bound[4] == pytest.approx(4 * np.log10(3))


def test_the_highways_sentence_has_every_way() -> None:
    table = jacobian.ways({"": norms(0.9), "c": norms(0.85), "h": norms(0.1)})
    said = jacobian.highway(table, "LSTM", 10)
    assert said == (
        "Ten steps on, a difference in the LSTM’s state keeps 35\u202f% of its size; through c alone 20\u202f% and "
        "through h alone 10⁻¹⁰"
    )
    assert "a picture of h alone misses" in jacobian.path_conclusion(table, 10)
    grown = jacobian.ways({"": norms(2.0)})
    assert "has grown 32 times" in jacobian.highway(grown, "tanh RNN", 5)


def test_a_bound_above_one_proves_nothing_and_one_below_proves_vanishing() -> None:
    loose = jacobian.path_conclusion(jacobian.ways({"": norms(0.5)}, bound=2.0), 10)
    assert loose.startswith("At 10 steps the bound allows 1×10³, 1×10⁶ times the 0.1\u202f% measured.")
    assert "cannot say" in loose
    assert "the gradient vanishes" in jacobian.path_conclusion(jacobian.ways({"": norms(0.5)}, bound=0.9), 10)
    dead = np.eye(21)  # rectifiers that are all shut: a product of exactly 0
    gone = jacobian.path_conclusion(jacobian.ways({"": dead}, bound=2.0), 10)
    assert gone.startswith("At 10 steps the bound allows 1×10³, beside less than 10⁻³⁰⁸ measured.")


def test_the_spread_of_pairs_tells_whether_the_text_matters() -> None:
    uneven = norms(0.9)
    uneven[10, 5] = 1e-7
    assert "what is read in between matters" in jacobian.spread(uneven, 5)
    assert "much the same" in jacobian.spread(norms(0.9), 5)
    assert "no pair" in jacobian.spread(np.zeros((5, 5)), 2).lower()


def test_an_estimate_says_so() -> None:
    assert jacobian.estimated(np.zeros((3, 3)), "spectral").startswith("Exact")
    error = np.tril(np.full((3, 3), 0.2), -1)
    assert jacobian.estimated(error, "frobenius").endswith("standard error 20\u202f%.")
    spectral = jacobian.estimated(error, "spectral")
    assert "an estimate, typical standard error 20\u202f%" in spectral
    assert "bracket" not in spectral


def test_the_map_is_packed_row_by_row_and_what_is_too_small_is_told_apart() -> None:
    values = np.array([[1.0, 0, 0], [1e-3, 1, 0], [0, 1e-300, 10]])
    sent = np.frombuffer(base64.b64decode(packed(values)), "<i2")
    np.testing.assert_array_equal(sent, [0, -300, 0, TINY, -30000, 100])


def test_the_curves_leave_out_what_is_off_the_axis() -> None:
    table = jacobian.ways({"": norms(0.5)}, bound=10.0)
    drawing = jacobian.by_lag(table, PALETTE, {jacobian.FULL: "#C65800"}, lag=3, low=-3, high=3)
    full, bound = drawing.data
    assert len(full.x) == 10  # 0.5**9 is the last above 10⁻³
    assert list(bound.x) == [0, 1, 2, 3]
    assert bound.line.dash == "2px,4px"
    notes = [note.text for note in drawing.layout.annotations]
    assert notes[:2] == ["▼ full state leaves the axis at 10", "▲ bound leaves the axis at 4"]


# Spectra


def exponents(first: float, error: float, model: str = "one") -> pd.DataFrame:
    label = {"one": "LSTM", "two": "tanh RNN"}[model]
    return spectrum.exponents(np.array([first, first - 1]), np.array([error, error]), model, label)


def test_the_spectrums_sentences_are_half_lives_and_a_verdict() -> None:
    table = pd.concat([exponents(-0.1, 0.01), exponents(-0.5, 0.01, "two")])
    assert spectrum.slowest(table) == (
        "A small difference halves every 6.9 steps in the LSTM and every 1.4 steps in the tanh RNN"
    )
    assert spectrum.spectrum_conclusion(table).startswith("All exponents are below 0")
    chaos = pd.concat([exponents(-0.1, 0.01), exponents(0.05, 0.01, "two")])
    assert "doubles every 14 steps in the tanh RNN" in spectrum.slowest(chaos)
    assert spectrum.spectrum_conclusion(chaos).startswith("In the tanh RNN the largest exponent is above 0")
    assert "within two standard errors of 0" in spectrum.spectrum_conclusion(exponents(0.01, 0.02))
    assert "within two standard errors of 0" in spectrum.spectrum_conclusion(exponents(-0.1, np.nan))


def test_exponents_are_drawn_with_their_standard_errors_and_zero() -> None:
    drawing = spectrum.lyapunov(exponents(-0.1, 0.02), PALETTE, COLOURS)
    assert list(drawing.data[0].y) == [-0.1, -1.1]
    assert list(drawing.data[0].error_y.array) == [0.02, 0.02]
    low, high = drawing.layout.yaxis.range
    assert low < -1.12
    assert high > 0


def test_exponents_that_are_lost_at_once_are_told_and_not_drawn() -> None:
    table = spectrum.exponents(np.array([-0.1, -np.inf]), np.array([0.1, np.nan]), "one", "LSTM")
    assert len(spectrum.lyapunov(table, PALETTE, COLOURS).data[0].y) == 1
    gone = spectrum.exponents(np.array([-np.inf]), np.array([np.nan]), "one", "LSTM")
    assert spectrum.slowest(gone) == "A small difference is lost at once in the LSTM"


@pytest.mark.parametrize("exponent", [0.0, 3e-8, -3e-8])
def test_an_exponent_of_nought_neither_halves_nor_doubles(exponent: float) -> None:
    table = spectrum.exponents(np.array([exponent]), np.array([0.0]), "one", "LSTM")
    assert spectrum.slowest(table) == "A small difference neither grows nor fades in the LSTM"


def test_single_steps_are_quantiles_over_steps() -> None:
    values = np.array([[2.0, 0.5], [4.0, 0.1], [3.0, 0.2]])
    table = spectrum.steps(values, "one", "LSTM")
    np.testing.assert_allclose(table["median"], [3, 0.2])
    assert "stretches 50\u202f% of all directions, the strongest 3 times" in spectrum.stretched(table)
    assert "Only the products tell" in spectrum.stretch_conclusion(table)
    shrinking = spectrum.steps(np.array([[0.9, 0.5]] * 9 + [[7.0, 0.5]] * 2), "two", "GRU")
    assert spectrum.stretch_conclusion(shrinking) == (
        "In the GRU the typical of these steps stretches no direction, though in one of ten up to 7 times: a product "
        "of steps that stretch none fades. Other characters may hold steps that do."
    )
    both = spectrum.stretch_conclusion(pd.concat([table, shrinking]))
    assert "stretches some direction in the LSTM" in both
    assert "In the GRU" in both
    drawing = spectrum.single_steps(table, PALETTE, COLOURS)
    np.testing.assert_allclose(drawing.data[2].y, [3, 0.2])


# Horizons


def horizons(**columns: object) -> pd.DataFrame:
    row = {
        "model": "one",
        "label": "LSTM",
        "gradient": 40.0,
        "truncated": 50,
        "swapped": 60,
        "shuffled": 70,
        "longest": 100,
    }
    return pd.DataFrame([row | columns])


def test_the_horizons_sentence_has_both_numbers() -> None:
    table = pd.concat([horizons(), horizons(model="two", label="tanh RNN", gradient=np.nan, truncated=100)])
    assert horizon.longest_memory(table) == (
        "Context is of use for 100 or more characters in the tanh RNN and 50 in the LSTM; the gradient reaches "
        "beyond 100 and 40"
    )


@pytest.mark.parametrize(
    ("gradient", "truncated", "said"),
    [
        (10.0, 80, "still uses characters"),
        (80.0, 10, "sensitivity is not use"),
        (40.0, 50, "In the LSTM the two horizons agree"),
        (np.nan, 100, "Whether they agree in the LSTM is unknown: one or both lie beyond the 100"),
        (np.nan, 90, "is unknown"),
        (90.0, 100, "is unknown"),
        (10.0, 100, "still uses characters"),
        (np.nan, 10, "sensitivity is not use"),
    ],
)
def test_the_horizons_are_compared(gradient: float, truncated: int, said: str) -> None:
    assert said in horizon.horizon_conclusion(horizons(gradient=gradient, truncated=truncated))


def test_several_models_are_told_in_the_plural_and_the_error_beside_the_tolerance() -> None:
    table = pd.concat([horizons(gradient=5.0, error=0.02), horizons(gradient=5.0, label="GRU", error=0.01)])
    assert horizon.horizon_conclusion(table).startswith("The LSTM and the GRU still use characters")
    assert horizon.certainty(table, 0.01).endswith("up to 0.02 nats, no finer than the 0.01 that is asked for.")
    assert "0.004 nats, finer than" in horizon.certainty(horizons(error=0.004), 0.01).replace("4×10⁻³", "0.004")


def test_ring_and_dot_stand_at_the_two_numbers() -> None:
    drawing = horizon.numbers(horizons(), PALETTE, COLOURS)
    marked = next(trace for trace in drawing.data if trace.mode == "markers")
    assert list(marked.x) == [40, 50]
    assert marked.marker.color == ("#FFFFFF", "#C65800")


def test_the_excess_has_a_band_of_two_standard_errors() -> None:
    table = pd.DataFrame(
        {"model": "one", "label": "LSTM", "context": [1, 10], "truncated": [1.0, 0.1], "truncated_error": [0.1, 0.02]}
    )
    drawing = horizon.excess(table, PALETTE, COLOURS, kind="truncated", tolerance=0.01)
    low, high, line = drawing.data
    np.testing.assert_allclose(low.y, [0.8, 0.06])
    np.testing.assert_allclose(high.y, [1.2, 0.14])
    np.testing.assert_allclose(line.y, [1, 0.1])
    assert horizon.kinds_conclusion(table, "truncated") == "With 1 character kept it costs the LSTM 1 nats."


def test_lags_are_a_flow_of_the_full_state() -> None:
    table = horizon.lags(pd.DataFrame({"lag": [0, 1], "gradient": [1.0, 0.5]}), "one", "LSTM")
    drawing = figures.flow(table, PALETTE, COLOURS, cursor=1, reach=1)
    np.testing.assert_allclose(drawing.data[0].y, [1, 0.5])
