"""The reader's numbers: what is packed, in which order units come, what the headline says."""

import base64
import json
import re
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import rnncore
from viz_app.components.reader import Chosen, Reading, parse
from viz_app.components.reader.packing import hundredths, pack, tame
from viz_app.components.reader.patterns import ALONG, LINE_START, correlations, finding, number, patterns
from viz_app.components.reader.ranking import SORTS, colour_scale, order, saturation, variance

TEXT = 'The Fox said "no (not now)"\n  and went 12 miles\n\tHome again, at 7\n' * 6
PATTERNS = patterns(TEXT)


def unpack(packed: dict[str, str]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed["data"]), np.dtype(packed["type"]).newbyteorder("<"))


@pytest.fixture(scope="module")
def reading(network: Callable[..., rnncore.LanguageModel]) -> Reading:
    model = network("lstm", TEXT + "é", units=40, layers=2).float()
    return Reading(rnncore.record(model, TEXT + "ü"), 1)


# ---- packing


@given(arrays.arrays(st.sampled_from(["int8", "int16", "int32", "float32"]), arrays.array_shapes(max_dims=3)))
def test_packing_loses_nothing(array: np.ndarray) -> None:
    assert pack(array)["type"] == array.dtype.name
    np.testing.assert_array_equal(unpack(pack(array)), array.ravel())


@given(arrays.arrays("float32", (3, 5), elements=st.floats(-2e4, 2e4, width=32)))
def test_hundredths_are_the_shown_digits(values: np.ndarray) -> None:
    packed = hundredths(values)
    shown = [[float(f"{value:.2f}") for value in row] for row in values.astype(np.float64)]
    np.testing.assert_allclose(packed / 100, shown, rtol=0, atol=1e-9)
    np.testing.assert_allclose(packed / 100, values, atol=0.005001)
    needed = [kind for kind in ("int8", "int16", "int32") if np.abs(packed.astype(int)).max() <= np.iinfo(kind).max]
    assert packed.dtype == needed[0]


def test_values_that_are_no_numbers_do_not_reach_the_browser() -> None:
    wild = np.array([np.nan, np.inf, -np.inf, 0.5, 1e30], dtype=np.float32)
    assert (hundredths(tame(wild)) / 100).tolist() == [0, 1e7, -1e7, 0.5, 1e7]
    assert np.shares_memory(tame(wild[3:4]), wild)


# ---- orders and colours


@given(arrays.arrays("float32", (20, 7), elements=st.floats(-1, 1, width=32)))
def test_sort_orders_are_those_of_plain_loops(values: np.ndarray) -> None:
    expected = [float(np.var(values[:, unit].astype(np.float64))) for unit in range(7)]
    np.testing.assert_allclose(variance(values), expected, atol=1e-9)
    left_right = [sum(value < -0.8 or value > 0.8 for value in values[:, u].astype(np.float64)) / 20 for u in range(7)]
    found = saturation(values, (-1.0, 1.0))
    on_the_edge = np.isclose(np.abs(values), 0.8, atol=1e-6).any(axis=0)
    np.testing.assert_allclose(found[~on_the_edge], np.array(left_right)[~on_the_edge])
    assert order(found).tolist() == sorted(range(7), key=lambda unit: (-found[unit], unit))


def test_saturation_follows_the_range() -> None:
    column = np.array([[0.05], [0.5], [0.85], [1.0]])
    assert saturation(column, (0.0, 1.0)) == 0.5
    assert saturation(column, (-1.0, 1.0)) == 0.5  # a tenth of this range is 0.2
    assert saturation(np.array([[-3.0], [0.0], [1.0], [1.2]]), None) == 0.5  # tanh 1 = 0.76, tanh 1.2 = 0.83


def test_one_colour_scale_for_a_layer() -> None:
    values = np.random.default_rng(0).normal(0, 2, (500, 20))
    values[:, 3] *= 100  # one unit that counts does not wash out the others
    assert colour_scale(values, (0.0, 1.0)) == (0.0, 1.0)
    low, high = colour_scale(values, None)
    assert low == -high
    within = (np.abs(values) <= high).mean(axis=0)
    assert (within >= 0.99).mean() == pytest.approx(0.9, abs=0.051)
    assert 4 < high < 8
    assert colour_scale(np.zeros((5, 2)), None) == (-1.0, 1.0)


# ---- headlines


def test_patterns_mark_the_characters_they_name() -> None:
    def marked(name: str, count: int = 66) -> str:
        return "".join(TEXT[t] if PATTERNS[name][t] else "·" for t in range(count))

    first = 'The Fox said "no (not now)"\n  and went 12 miles\n\tHome again, at 7'
    assert TEXT.startswith(first)
    assert marked("capital letters", 28).replace("·", "") == "TF"
    assert marked("characters inside brackets", 28).replace("·", "") == "(not now"
    assert marked("characters inside double quotes", 28).replace("·", "") == '"no (not now)'
    assert marked("spaces that indent a line").replace("·", "") == "  \t"
    assert marked("first letters of words").replace("·", "") == "TFsnnnawmHaa"
    assert marked("digits").replace("·", "") == "127"
    assert PATTERNS[ALONG][:30].tolist() == [*range(28), 0, 1]


def test_correlations_are_numpys() -> None:
    values = np.random.default_rng(1).normal(size=(len(TEXT), 5)).astype(np.float32)
    values[:, 3] = 0.25
    found = correlations(values, PATTERNS)
    for row, mark in enumerate(PATTERNS.values()):
        for unit in (0, 1, 2, 4):
            assert found[row, unit] == pytest.approx(np.corrcoef(mark, values[:, unit])[0, 1], abs=1e-6)
    assert (found[:, 3] == 0).all()


@pytest.mark.parametrize("name", [name for name in PATTERNS if name != ALONG])
@pytest.mark.parametrize(("sign", "word"), [(1, "higher"), (-1, "lower")])
def test_a_planted_pattern_is_found(name: str, sign: int, word: str) -> None:
    noise = np.random.default_rng(2).normal(0, 0.05, len(TEXT))
    said = finding(41, sign * (PATTERNS[name] - 0.3) + noise, "cell state", PATTERNS, True)
    assert said.headline == f"Unit 41’s cell state is {word} on {name}"


def test_a_climb_along_the_line_is_found() -> None:
    climb = PATTERNS[ALONG] / 30
    assert finding(7, climb, "hidden state", PATTERNS, True).headline.endswith("rises along the line")
    assert finding(7, -climb, "hidden state", PATTERNS, True).headline.endswith("falls along the line")


@given(
    seed=st.integers(0, 10_000), signed=st.booleans(), strength=st.floats(0, 1), which=st.integers(0, len(PATTERNS) - 1)
)
def test_the_sentence_is_true_to_the_numbers(seed: int, signed: bool, strength: float, which: int) -> None:
    rng = np.random.default_rng(seed)
    name = list(PATTERNS)[which]
    values = strength * PATTERNS[name] / PATTERNS[name].max() + (1 - strength) * rng.random(len(TEXT))
    said = finding(3, values, "input gate", PATTERNS, signed)
    all_r = correlations(values[:, None], PATTERNS)[:, 0]
    best = int(np.abs(all_r).argmax())
    name, mark = list(PATTERNS)[best], list(PATTERNS.values())[best]
    inside = mark < LINE_START if name == ALONG else mark > 0
    numbers = [float(token.replace("−", "-")) for token in re.findall(r"[+−]?\d\.\d\d", said.numbers)]
    expected = [values[inside].mean(), values[~inside].mean(), all_r[best]]
    np.testing.assert_allclose(numbers, expected, atol=0.00501)
    r = abs(all_r[best])
    assert ("no simple pattern" in said.headline) == (r < 0.3)
    assert ("somewhat" in said.headline) == (0.3 <= r < 0.6)
    if r >= 0.3 and name != ALONG:
        assert (" higher on " in said.headline) == (expected[0] > expected[1])
        assert name in said.headline


def test_a_unit_that_does_not_move_is_said_to_stand_still() -> None:
    said = finding(0, np.full(len(TEXT), 0.5), "forget gate", PATTERNS, False)
    assert said[:2] == ("Unit 0’s forget gate hardly moves", "On this text it stays between 0.50 and 0.50.")


def test_a_short_text_has_a_sentence_too() -> None:
    said = finding(2, np.array([0.0, 1.0]), "hidden state", patterns("ab"), True)
    assert said.headline == "Unit 2’s hidden state averages +0.50"


def test_numbers_as_the_page_writes_them() -> None:
    assert [number(v, True) for v in (0.756, -0.4, 0.001, -0.001)] == ["+0.76", "−0.40", "0.00", "0.00"]
    assert number(0.756, False) == "0.76"


# ---- a reading as it is sent


def test_a_bank_holds_what_was_recorded(reading: Reading) -> None:
    units = [7, 0, 39]
    bank = json.loads(json.dumps(reading.bank(units)))
    assert bank["units"] == units
    for symbol in reading.recording.signals:
        sent = unpack(bank["values"][symbol]).reshape(3, -1) / 100
        np.testing.assert_allclose(sent, reading.recording[symbol, 1][:, units].T, atol=0.005001)
        assert bank["findings"][symbol][0][0] == reading.finding(7, symbol).headline


def test_the_opening_is_json_and_complete(reading: Reading) -> None:
    recording, opening = reading.recording, json.loads(json.dumps(reading.opening(), allow_nan=False))
    assert "".join(opening["tokens"]) == TEXT + "ü"
    assert opening["unseen"] == [len(TEXT)]
    np.testing.assert_array_equal(unpack(opening["loss"]), recording.loss)
    np.testing.assert_array_equal(unpack(opening["guesses"]), recording.top_ids.ravel())
    for sort in set(SORTS) - {"unit"}:
        orders = unpack(opening["order"][sort]).reshape(6, 40)
        scores = unpack(opening["scores"][sort]).reshape(6, 40)
        for row, symbol in enumerate(recording.signals):
            assert sorted(orders[row]) == list(range(40))
            assert (np.diff(scores[row][orders[row]]) <= 0).all()
            assert orders[row].tolist() == reading.order(symbol, sort).tolist()
    ranges = {signal["symbol"]: (signal["low"], signal["high"], signal["signed"]) for signal in opening["signals"]}
    assert ranges["f"] == (0, 1, False)
    assert ranges["h"] == ranges["g"] == (-1, 1, True)
    assert ranges["c"][0] == -ranges["c"][1]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("unit", [0, 17, 39])
def test_the_first_bank_has_the_chosen_unit(reading: Reading, sort: str, unit: int) -> None:
    bank = reading.first_bank(unit, "f", sort)
    assert unit in bank
    assert len(set(bank)) == len(bank) == min(reading.bank_size, 40)


def test_banks_stay_small_for_long_texts(network: Callable[..., rnncore.LanguageModel]) -> None:
    model = network("gru", "ab", units=600)
    long = Reading(rnncore.record(model.float(), "ab" * 500), 0)
    sent = sum(len(array["data"]) for array in long.bank(long.first_bank(5, "h", "unit"))["values"].values())
    assert sent <= 2**19 * 4 / 3 + 100
    assert long.bank_size < 600


def test_readings_are_told_apart(network: Callable[..., rnncore.LanguageModel]) -> None:
    model = network("gru", "ab\n", layers=2).float()
    one, other = rnncore.record(model, "ab" * 9), rnncore.record(model, "ba" * 9)
    prints = [Reading(one, 0), Reading(one, 1), Reading(other, 0)]
    assert len({reading.fingerprint for reading in prints}) == 3
    assert Reading(one, 0).fingerprint == prints[0].fingerprint


@pytest.mark.parametrize("cell", sorted(rnncore.cells()))
def test_every_cell_can_be_read(cell: str, network: Callable[..., rnncore.LanguageModel]) -> None:
    reading = Reading(rnncore.record(network(cell, TEXT).float(), TEXT), 0)
    assert reading.memory in reading.recording.states
    json.dumps({**reading.opening(), **reading.bank(reading.first_bank(3, reading.memory, "pattern"))}, allow_nan=False)


# ---- what the browser reports


def test_a_report_is_read(reading: Reading) -> None:
    said = {"of": reading.fingerprint, "unit": 3, "signal": "f", "sort": "unit", "t": 9, "want": [4, 5]}
    report = parse(said, reading)
    assert report is not None
    assert report.chosen == Chosen(3, "f", "unit", 9)
    assert report.want == (4, 5)
    assert parse({**said, "of": "another"}, reading) is None


@given(
    st.sampled_from(["unit", "signal", "sort", "t", "want"]),
    st.one_of(
        st.none(),
        st.text(),
        st.integers(-(2**70), -1),
        st.integers(10**6, 2**70),
        st.lists(st.integers(50, 90), min_size=1),
    ),
)
def test_an_impossible_report_is_ignored(reading: Reading, key: str, value: object) -> None:
    said = {"of": reading.fingerprint, "unit": 3, "signal": "f", "sort": "unit", "t": 9, "want": []}
    report = parse({**said, key: value}, reading)
    if report is not None:  # such as the unit "7", or no units in want
        assert 0 <= report.chosen.unit < 40
        assert 0 <= report.chosen.t < reading.recording.time
        assert report.chosen.signal in reading.signals
        assert all(0 <= unit < 40 for unit in report.want)
    assert parse(value, reading) is None
