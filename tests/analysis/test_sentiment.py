"""A unit known to hold the label is found, judged on texts that did not help to find it, and steers what is written."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

import rnncore
from rnncore.analysis import Sentiment, Words, held_at, labelled, sentiment, steer, steered, strength
from rnncore.analysis.sentiment_texts import HELD_OUT, TRAIN, VALIDATION
from tests.analysis import planted_sentiment as planted


@pytest.fixture(scope="module")
def data():
    return planted.texts()[0]


@pytest.fixture(scope="module")
def found(data):
    return sentiment(planted.model(), data, rival_texts=120, draws=2)


def accuracy(found, by, read, data="planted"):
    table = found.accuracy
    (row,) = table[(table["by"] == by) & (table["read"] == read) & (table["data"] == data)].to_dict("records")
    return row["accuracy"]


@pytest.mark.parametrize("polarity", [1, -1])
def test_the_planted_unit_is_found(polarity):
    """With its sign; and its accuracy is how often a text's last judging word is its label's, counted in the texts."""
    data, last = planted.texts()
    found = sentiment(planted.model(polarity), data, rival_texts=0, draws=1)
    assert (found.layer, found.unit, found.signal, found.polarity) == (0, 0, "h", polarity)
    assert -0.9 < found.threshold < 0.9
    assert accuracy(found, "trained", "one unit") == last[data.at(HELD_OUT)].mean()
    assert accuracy(found, "trained", "without the unit") < 0.6
    probability = found.reading().probability(np.array([-0.95, 0.95]) * polarity)
    share = last[data.at(VALIDATION)].mean()
    assert probability == pytest.approx([1 - share, share], abs=0.04)


def test_held_out_labels_choose_nothing(data, found):
    """Permuted, they change what is measured, and nothing that was chosen."""
    held = data.at(HELD_OUT)
    labels = data.labels.copy()
    labels[held] = 1 - labels[held]
    other = sentiment(planted.model(), replace(data, labels=labels), rival_texts=0, draws=1)
    for name in ("layer", "unit", "polarity", "threshold", "slope", "offset", "C", "intercept", "probe_slope"):
        assert getattr(other, name) == getattr(found, name), name
    pd.testing.assert_frame_equal(other.units, found.units)
    pd.testing.assert_frame_equal(other.words.weights, found.words.weights)
    assert accuracy(other, "trained", "one unit") == pytest.approx(1 - accuracy(found, "trained", "one unit"))


@pytest.mark.parametrize("part", [TRAIN, VALIDATION])
def test_the_other_labels_do_choose(part, data, found):
    """Else the test above could not fail."""
    labels = data.labels.copy()
    labels[data.at(part)] = np.random.default_rng(0).permutation(labels[data.at(part)])
    other = sentiment(planted.model(), replace(data, labels=labels), rival_texts=0, draws=1)
    name = "units" if part == TRAIN else "threshold"
    assert str(getattr(other, name)) != str(getattr(found, name))


def test_rivals(data, found):
    """An untrained model of the shape knows less; and so do words, of which each counts once."""
    assert accuracy(found, "untrained", "one unit") < accuracy(found, "trained", "one unit")
    assert 0.65 < accuracy(found, "words", "words") < accuracy(found, "trained", "one unit")
    rows = found.accuracy.set_index(["by", "read"])
    assert rows.loc[("untrained", "all units"), "labels"] == 40
    assert (rows["low"] < rows["accuracy"]).all()
    assert (rows["accuracy"] <= rows["high"]).all()
    assert rows.loc[("trained", "all units"), "texts"] == len(data.at(HELD_OUT))


def test_transfer(data, found):
    """What was learned here judges other texts, which have a probe of their own beside it."""
    other, last = planted.texts(120, seed=5)
    other = replace(other, name="others")
    both = sentiment(planted.model(), data, transfer=[other], rival_texts=0, draws=1)
    rows = both.accuracy[both.accuracy["data"] == "others"].set_index(["read", "fitted"])["accuracy"]
    right = last[other.at(HELD_OUT)].mean()
    assert rows["one unit", "planted"] == rows["one unit", "others"] == rows["the same unit", "others"] == right
    assert {("all units", "planted"), ("all units", "others"), ("words", "planted"), ("words", "others")} <= set(
        rows.index
    )


def test_histogram_and_overlap(data, found):
    last = planted.texts()[1]
    held = data.at(HELD_OUT)
    assert found.histogram["zero"].sum() == (data.labels[held] == 0).sum()
    assert found.histogram["one"].sum() == (data.labels[held] == 1).sum()
    assert 0 < found.overlap < 4 * (1 - last[held].mean())
    table = found.histogram
    assert table.loc[table["left"] > 0.5, "one"].sum() > 5 * table.loc[table["left"] > 0.5, "zero"].sum()


def test_curves(found):
    units = found.by_units.set_index("units")
    assert list(units.index) == [1, 2]
    assert units.loc[1, "accuracy"] == pytest.approx(accuracy(found, "trained", "one unit"), abs=0.03)
    table = found.by_labels
    assert sorted(table["labels"].unique()) == [11, 33, 100, 134]
    assert set(table["read"]) == {"all units", "one unit", "words"}
    assert (table["low"] <= table["accuracy"]).all()
    assert (table["accuracy"] <= table["high"]).all()
    most = table[table["labels"] == 134].set_index("read")["accuracy"]
    assert most["one unit"] == accuracy(found, "trained", "one unit")


def test_it_is_kept_on_disk(found, tmp_path):
    found.save(tmp_path / "before")
    assert not len(Sentiment.load(tmp_path / "before").steering)
    found = replace(found, steering=steer(planted.model(), found, samples=2, length=3, settings=(1,), controls=1))
    found.save(tmp_path)
    again = Sentiment.load(tmp_path)
    for name, value in vars(found).items():
        if isinstance(value, pd.DataFrame):
            pd.testing.assert_frame_equal(getattr(again, name), value)
        elif name != "words":
            assert getattr(again, name) == value
    texts = ["good film", "bad plot", "film", "", "good bad bad unheard"]
    np.testing.assert_array_equal(again.words.probability(texts), found.words.probability(texts))
    (tmp_path / "units.parquet").unlink()
    with pytest.raises(
        rnncore.Error, match="holds no findings, or damaged or outdated ones; run `rnncore sentiment MODEL --out"
    ):
        Sentiment.load(tmp_path)


def test_it_is_about_these_weights(found):
    model = planted.model()
    assert found.about(model) is found
    with torch.no_grad():
        model.head.bias[0] += 1
    with pytest.raises(rnncore.Error, match="about other weights than planted's; run `rnncore sentiment` again"):
        found.about(model)


def test_findings_without_a_fingerprint_are_outdated(found, tmp_path):
    found.save(tmp_path)
    kept = json.loads((tmp_path / "sentiment.json").read_text("utf-8"))
    del kept["weights"]
    (tmp_path / "sentiment.json").write_text(json.dumps(kept), "utf-8")
    with pytest.raises(rnncore.Error, match="outdated ones; run `rnncore sentiment"):
        Sentiment.load(tmp_path)


def test_the_numbers_are_written_last(found, tmp_path, monkeypatch):
    """By their file it is seen that findings changed: the tables must be there by then."""
    written = []
    monkeypatch.setattr("rnncore.analysis.sentiment_found.write_atomically", lambda path, _: written.append(path.name))
    monkeypatch.setattr("rnncore.analysis.sentiment_found.write_json", lambda path, _: written.append(path.name))
    found.save(tmp_path)
    assert written[-1] == "sentiment.json"
    assert len(written) == 9


def test_new_texts_are_judged(found):
    texts = ["bad good", "good bad", "good good good"]
    table = found.judged(rnncore.analysis.final_states(planted.model(), texts), texts)
    assert list(table["verdict"]) == ["positive", "negative", "positive"]
    assert (table["by_unit"] > 0.5).tolist() == [True, False, True]
    np.testing.assert_allclose(table["by_words"], found.words.probability(texts))
    assert table.loc[2, "by_words"] > 0.5


def test_all_units_read_what_their_probe_says(found, data):
    """The reading is calibrated: its sign is the probe's, and its histogram that of held-out texts."""
    states = rnncore.analysis.final_states(planted.model(), data.texts)
    reading, held = found.reading("all units"), data.at(HELD_OUT)
    values = reading.values(states[held].reshape(len(held), 1, -1).transpose(1, 0, 2))
    judged = found.judged(states[held], [data.texts[k] for k in held])
    np.testing.assert_allclose(reading.probability(values), judged["by_all_units"], atol=1e-6)
    assert ((values > 0) == (data.labels[held] == 1)).mean() == pytest.approx(
        accuracy(found, "trained", "all units"), abs=0.03
    )
    assert reading.histogram["one"].sum() == (data.labels[held] == 1).sum()
    assert 0 <= reading.calibration_error < 0.2
    alone = found.reading()
    np.testing.assert_allclose(alone.values(states[None]), states[:, found.unit])
    np.testing.assert_allclose(alone.probability(alone.values(states[None])[held]), judged["by_unit"])
    with pytest.raises(rnncore.Error, match="read off 'one unit' or 'all units', not 'two'"):
        found.reading("two")


# Steering


def test_a_unit_that_chooses_words_steers(found):
    """The model writes "good" with exp(2h) against exp(-2h): nearly always so where h is held high."""
    table = steer(planted.model(), found, samples=40, length=12, settings=(-1, 0, 1), controls=2, seed=3)
    assert list(table["held"]) == ["nothing"] + ["best units"] * 3 + ["random units"] * 3
    assert (table["samples"] == 40).all()
    assert list(table["units"]) == [0] + [1] * 6
    unit = table[table["held"] == "best units"].set_index("setting")
    assert unit.loc[-1, "ones"] < 0.1
    assert unit.loc[1, "ones"] > 0.6
    assert unit.loc[1, "value"] > 0 > unit.loc[-1, "value"]
    free = table.loc[0, "ones"]
    for _, row in table.iterrows():
        assert row["effect"] == pytest.approx(row["ones"] - free)
        assert row["least"] <= row["effect"] <= row["most"]
        assert row["low"] <= row["ones"] <= row["high"]
    ends = strength(table).set_index("held")
    assert ends.loc["best units", "strength"] == pytest.approx(unit.loc[1, "ones"] - unit.loc[-1, "ones"])
    assert ends.loc["best units", "low"] > 0.4
    assert ends.loc["random units", "low"] < 0 < ends.loc["random units", "high"]


def shared(weight=0.25):
    """Return a model of 16 units, of which 8 know the planted unit's matter alike and choose words by a share each."""
    vocabulary = planted.model().vocabulary
    model = rnncore.build("elman", vocabulary=vocabulary, layers=1, units=16, embedding=5)
    model.name = "shared"
    (cell,) = model.layers
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.embedding.weight.copy_(torch.eye(5))
        for unit in range(8):
            cell.weight_ih[unit, :2] = torch.tensor([4.0, -4.0])
            cell.weight_hh[unit, unit] = 2
            model.head.weight[:2, unit] = weight * torch.tensor([1.0, -1.0])
        model.head.bias[4] = -20
    return model.eval()


def test_what_units_share_they_steer_together(data):
    """Each of eight chooses words with exp(h / 4): all together with exp(2 h), as the planted unit does alone."""
    model = shared()
    found = sentiment(model, data, rival_texts=0, draws=1)
    assert set(found.best(8)["unit"]) == set(range(8))
    assert found.best(1)["unit"].item() == found.unit
    table = steer(model, found, samples=60, length=12, settings=(-1, 1), controls=2)
    assert list(table["units"]) == [0, 1, 1, 1, 1, 8, 8, 8, 8], "64 are more than half of them"
    assert table.loc[table["units"] == 8, "value"].isna().all()
    ends = strength(table).set_index(["held", "units"])
    assert ends.loc[("best units", 8), "low"] > 0.4
    assert ends.loc[("best units", 8), "low"] > ends.loc[("best units", 1), "high"]
    assert ends.loc[("random units", 8), "strength"] == 0
    text = steered(model, found, 1, units=8, samples=20, length=12)
    assert (text["by_words"] > 0.5).mean() > (steered(model, found, 1, samples=20, length=12)["by_words"] > 0.5).mean()


def test_random_units_write_what_is_written_without_them(found):
    """None of the others chooses words, so holding them changes no text: the very same random numbers are used."""
    table = steer(planted.model(), found, samples=6, length=8, settings=(-2, 2), controls=3)
    random = table[table["held"] == "random units"]
    assert (random["effect"] == 0).all()


@pytest.mark.parametrize("polarity", [1, -1])
def test_one_is_on_the_side_of_label_1_for_every_unit(polarity, data):
    """High for a unit whose high values say label 1, low for others: else units of either sign cancel out."""
    found = sentiment(planted.model(polarity), data, rival_texts=0, draws=1)
    others = found.units.assign(auc=found.units["auc"].where(found.units["unit"] == 0, [0.4, 0.3, 0.7, 0.2]))
    found = replace(found, units=others)
    for _, row in found.units.iterrows():
        ends = ("low", "high") if row["auc"] >= 0.5 else ("high", "low")
        for setting, end in zip((-1, 1), ends, strict=True):
            assert held_at(found, setting, int(row["layer"]), int(row["unit"])) == row[end]
    assert polarity * (held_at(found, 1) - held_at(found, -1)) > 0


def test_steering_a_model_of_the_other_sign(data):
    model = planted.model(-1)
    found = sentiment(model, data, rival_texts=0, draws=1)
    table = steer(model, found, samples=20, length=12, settings=(-1, 1), controls=1)
    ends = strength(table).set_index("held")
    assert ends.loc["best units", "low"] > 0.2


# Words


def test_words_are_counted_once(data):
    words = Words.learn(data)
    assert set(words.weights["word"]) == {"good", "bad", "film", "plot"}
    weight = words.weights.set_index("word")["weight"]
    expected = 1 / (1 + np.exp(-(words.intercept + weight["good"] + weight["film"])))
    assert words.probability(["good film Good", "film, GOOD!"]) == pytest.approx([expected] * 2)
    assert words.probability([""]) == pytest.approx([1 / (1 + np.exp(-words.intercept))])


# Texts


def table(tmp_path, text, name="mine.csv"):
    (tmp_path / name).write_text(text, "utf-8")
    return tmp_path / name


def rows(count, labels=("no", "yes"), header="text,label"):
    return "\n".join([header, *(f'"text, number {k}",{labels[k % len(labels)]}' for k in range(count))])


def test_a_table_of_ones_own(tmp_path):
    data = labelled(table(tmp_path, rows(200)))
    assert data.classes == ("no", "yes")
    assert data.texts[3] == "text, number 3"
    assert list(data.labels[:4]) == [0, 1, 0, 1]
    assert np.bincount(data.parts).tolist() == [120, 40, 40]
    assert (labelled(tmp_path / "mine.csv").parts == data.parts).all()
    assert (labelled(tmp_path / "mine.csv", seed=1).parts != data.parts).any()


def test_one_label_of_several(tmp_path):
    path = table(tmp_path, rows(300, ("sad", "glad", "mad"), "Sentence,mood"))
    data = labelled(path, label="mood", positive="glad")
    assert data.classes == ("not glad", "glad")
    assert data.labels.sum() == 100


def test_few_are_drawn_from_every_part(data):
    few = data.few(100)
    assert len(few.texts) == pytest.approx(100, abs=2)
    assert np.bincount(few.parts).min() > 30
    known = dict(zip(data.texts, data.parts, strict=True))
    assert len(set(few.texts)) > 50
    assert all(text in known for text in few.texts)
    assert len(data.few(10_000).texts) == len(data.texts)


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        (rows(200, ("a", "b", "c")), {}, "3 different labels .a, b, c.; two are needed, or say which"),
        (rows(200, ("a",)), {}, "1 different labels .a.; two are needed"),
        (rows(200), {"positive": "maybe"}, "no label 'maybe'; it has no, yes"),
        (rows(200), {"text": "words"}, "no column 'words'; it has 'text', 'label'"),
        (rows(200, header="a,b"), {}, "no column text or sentence or review; it has 'a', 'b'"),
        (rows(20), {}, "10 texts of each label are needed; one part has"),
        ("text,label\nfine,yes\n,no\n", {}, "no text in row 2; fill it in or delete the row"),
        ("text,label\nfine,yes\ndull,\n", {}, "no label in row 2"),
        ("text,label\n", {}, "no rows below"),
        ('text,label\n"open,1\n', {}, "is no CSV file"),
        ("text,label\ngood, even fine,yes\nbad, really,no\n", {}, "rows of more fields than columns; put texts with"),
        ("", {}, "is empty"),
    ],
)
def test_a_table_that_will_not_do_is_said(text, options, sentence, tmp_path):
    with pytest.raises(rnncore.Error, match=sentence):
        labelled(table(tmp_path, text), **options)


def test_a_table_that_is_not_there_or_no_text(tmp_path):
    with pytest.raises(rnncore.Error, match=r"no file .*nowhere\.csv; expected a CSV file"):
        labelled(tmp_path / "nowhere.csv")
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\r\n\x00")
    with pytest.raises(rnncore.Error, match="binary file"):
        labelled(tmp_path / "picture.csv")
    with pytest.raises(rnncore.Error, match="is a folder"):
        labelled(tmp_path)
