"""Passages of each unit, chosen again from a whole recording."""

import numpy as np
import pytest

import rnncore
from rnncore.analysis import snippets, snippets_of

TEXT = "".join(np.random.default_rng(3).choice(["abc", "dd", "ea", "bbb", "cde abc cde "], 400))
BEFORE, AFTER = 6, 3


@pytest.fixture(autouse=True)
def short_pieces(monkeypatch):
    monkeypatch.setattr(
        "rnncore.analysis.pieces.record_pieces", lambda *a, **k: rnncore.record_pieces(*a, **k, length=200)
    )


def greedy(values, largest):
    """The best step of each stretch, best first, without overlaps and without equal readings."""
    width, stretches = BEFORE + AFTER + 1, []
    pick = np.argmax if largest else np.argmin
    for first in range(0, len(values), width):
        stretches.append(first + int(pick(values[first : first + width])))
    stretches.sort(key=lambda step: values[step], reverse=largest)
    chosen = []
    for step in stretches:
        clear = all(abs(step - other) >= width for other in chosen)
        new = all(TEXT[max(0, step - 11) : step + 1] != TEXT[max(0, other - 11) : other + 1] for other in chosen)
        if clear and new:
            chosen.append(step)
    return chosen[:4]


@pytest.mark.parametrize(("layer", "signal"), [(-1, "h"), (0, "c")])
def test_the_highest_and_lowest_passages(network, layer, signal):
    model, seen = network("lstm", "abcde "), []
    values = rnncore.record(model, TEXT)[signal, layer]
    table = snippets(
        model,
        TEXT,
        layer=layer,
        signal=signal,
        count=4,
        before=BEFORE,
        after=AFTER,
        progress=lambda *done: seen.append(done),
    )
    for row in table.itertuples():
        assert row.value == values[row.step, row.unit]
        assert row.first == max(0, row.step - BEFORE)
        assert row.text == TEXT[row.first : row.step + AFTER + 1]
    for unit in range(4):
        mine = table[table["unit"] == unit]
        assert list(mine["band"].unique()) == ["top", "99 to 90 %", "60 to 40 %", "10 to 1 %", "bottom"]
        top, bottom = (mine[mine["band"] == band]["step"] for band in ("top", "bottom"))
        assert list(top) == greedy(values[:, unit], True)
        assert list(bottom) == greedy(values[:, unit], False)
        assert top.iloc[0] == values[:, unit].argmax()
        for band, low, high in (("99 to 90 %", 0.9, 0.99), ("60 to 40 %", 0.4, 0.6)):
            part = mine[mine["band"] == band]
            edges = np.quantile(values[:, unit], (low, high))
            assert part["value"].between(*edges).all()
            assert list(part["rank"]) == [0, 1, 2, 3]
            assert (np.diff(np.sort(part["step"])) >= BEFORE + AFTER + 1).all()
    assert seen[-1] == (len(TEXT), len(TEXT))


def test_a_repeated_passage_is_shown_once(network):
    text = "abcde" * 100
    table = snippets(network("gru"), text, units=[1], count=5, before=3, after=2)
    settled = table[(table["band"] == "top") & (table["step"] > 60)]
    assert len(settled) <= 5  # there are five different readings
    ends = [text[step - 11 : step + 1] for step in settled["step"]]
    assert len(set(ends)) == len(ends)


def test_some_units_and_bands(network):
    model = network("gru", "abcde ")
    table = snippets(model, TEXT, units=[3, 1], bands={"middle": (0.45, 0.55)}, count=2)
    assert list(table["unit"].unique()) == [3, 1]
    assert list(table["band"].unique()) == ["top", "middle", "bottom"]
    every = snippets(model, TEXT, bands={}, count=2)
    top = table[(table["unit"] == 3) & (table["band"] == "top")]["step"]
    assert list(top) == list(every[(every["unit"] == 3) & (every["band"] == "top")]["step"])


def test_passages_of_bytes_are_text():
    model = rnncore.build("gru", vocabulary=rnncore.Vocabulary.bytes(), units=4)
    table = snippets(model, "Grüße aus Köln " * 30, before=20, after=20, count=1)
    assert table["text"].str.contains("Köln").all()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"units": [4]}, "no unit 4; the layer has units 0 to 3"),
        ({"count": 0}, "at least 1 passage"),
        ({"layer": 5}, "no layer 5"),
        ({"signal": "q"}, "no signal 'q'"),
    ],
)
def test_what_is_not_there_is_said(network, options, sentence):
    with pytest.raises(rnncore.Error, match=sentence):
        snippets(network("gru", "abcde "), TEXT, **options)


def test_of_one_unit_whose_values_are_known(network):
    model = network("lstm", "abcde ")
    values = rnncore.record(model, TEXT)["c", 0][:, 2]
    found = snippets_of(values, model, model.vocabulary.tokenize(TEXT), count=4, before=BEFORE, after=AFTER)
    assert list(found) == ["band", "rank", "step", "value", "first", "text"]
    for row in found.itertuples():
        assert row.value == values[row.step]
        assert row.text == TEXT[row.first : row.step + AFTER + 1]
    steps = {band: rows["step"].tolist() for band, rows in found.groupby("band", sort=False)}
    assert list(steps) == ["top", "99 to 90 %", "60 to 40 %", "10 to 1 %", "bottom"]
    assert steps["top"][0] == values.argmax()
    assert steps["bottom"][0] == values.argmin()
    low, high = np.quantile(values, (0.4, 0.6))
    assert all(low <= values[step] <= high for step in steps["60 to 40 %"])
    for own in steps.values():
        assert all(abs(a - b) >= BEFORE + AFTER + 1 for a in own for b in own if a != b)
    same = snippets(model, TEXT, layer=0, signal="c", units=[2], count=1, before=BEFORE, after=AFTER)
    assert same["step"].iloc[[0, -1]].tolist() == [steps["top"][0], steps["bottom"][0]]
