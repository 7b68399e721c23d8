"""Along a text the unit's value is that of the text up to there; what each word did adds up to the whole."""

import numpy as np
import pandas as pd
import pytest

import rnncore
from rnncore.analysis import Sentiment, Words, along, final_states, held_at, sentiment, steered
from rnncore.training.reviews import prepare
from tests.analysis import planted_sentiment as planted

TEXT = "“Well-made” — isn't it 😀 café?<br />It is not."


def findings(model, layer, unit, signal="c"):
    """Return findings about a model of random weights; what they say is random too."""
    random = np.random.default_rng(1)
    count = len(model.layers) * model.config.units
    places = {"layer": np.arange(count) // model.config.units, "unit": np.arange(count) % model.config.units}
    numbers = {name: random.normal(size=count) for name in ("auc", "weight", "low", "middle", "high")}
    none, words = pd.DataFrame(), Words(pd.DataFrame({"word": ["not", "it"], "weight": [-1.0, 0.5]}), 0.25)
    return Sentiment(
        model.name,
        model.fingerprint,
        "texts",
        ("no", "yes"),
        signal,
        layer,
        unit,
        polarity=-1,
        threshold=0.1,
        slope=-2.0,
        offset=0.3,
        C=1.0,
        intercept=0.2,
        probe_slope=1.5,
        probe_offset=-0.1,
        probe_overlap=0.5,
        probe_calibration_error=0.1,
        overlap=0.5,
        calibration_error=0.1,
        units=pd.DataFrame({**places, **numbers}),
        accuracy=none,
        histogram=none,
        probe_histogram=none,
        by_units=none,
        by_labels=none,
        words=words,
    )


@pytest.fixture(scope="module")
def model():
    """Return a byte model of two layers with random weights."""
    return rnncore.build("lstm", vocabulary=rnncore.Vocabulary.bytes(), layers=2, units=5, seed=3)


def test_the_value_after_a_character_is_that_of_the_text_up_to_it(model):
    found = findings(model, layer=1, unit=2)
    read = along(model, found, TEXT)
    assert "".join(read.characters) == prepare(TEXT)[2:]
    assert "😀" in read.characters
    for step in (0, 1, 12, read.characters.index("😀"), len(read.characters) - 1):
        so_far = "\n " + "".join(read.characters[: step + 1])
        assert read.values[step] == pytest.approx(rnncore.record(model, so_far)["c", 1][-1, 2], abs=1e-6)
    assert read.start == pytest.approx(rnncore.record(model, "\n ")["c", 1][-1, 2], abs=1e-6)


def test_it_is_judged_as_final_states_are(model):
    found = findings(model, layer=0, unit=4)
    read = along(model, found, TEXT)
    expected = found.judged(final_states(model, [TEXT]), [TEXT])
    pd.testing.assert_frame_equal(read.judged, expected, atol=1e-6)
    assert read.values[-1] == pytest.approx(expected.loc[0, "value"], abs=1e-6)


def test_all_units_say_together_what_their_probe_says_of_the_text_had_it_ended_there(model):
    found = findings(model, layer=0, unit=4)
    read = along(model, found, TEXT, read="all units")
    for step in (0, 3, read.characters.index("😀"), len(read.characters) - 2, len(read.characters) - 1):
        text = "".join(read.characters[: step + 1])
        so_far = rnncore.record(model, prepare(text) if step < len(read.characters) - 1 else prepare(TEXT))["c"][:, -1]
        judged = found.judged(so_far.reshape(1, -1), [TEXT])
        assert 1 / (1 + np.exp(-read.values[step])) == pytest.approx(judged.loc[0, "by_all_units"], abs=1e-6)
    assert (read.values != along(model, found, TEXT).values).any()


def test_long_texts_are_read_as_one(model):
    """Pieces carry the state on, and progress says how far they are."""
    found, reports = findings(model, layer=1, unit=0), []
    text = "one word after the other " * 30
    read = along(model, found, text, progress=lambda done, total: reports.append((done, total)))
    whole = rnncore.record(model, prepare(text))["c", 1][2:, 0]
    np.testing.assert_allclose(read.values, whole, atol=1e-6)
    assert reports[-1] == (len(prepare(text)), len(prepare(text)))
    assert len(reports) == -(-len(prepare(text)) // 256)


def test_what_words_did_adds_up(model):
    read = along(model, findings(model, layer=1, unit=2), TEXT)
    words = read.words()
    assert list(words["word"]) == ["Well-made", "isn't", "it", "café", "It", "is", "not"]
    assert words["change"].sum() == pytest.approx(read.values[-1] - read.start)
    np.testing.assert_array_equal(words["first"][1:], words["last"][:-1] + 1)
    for row in words.itertuples():
        assert row.word in "".join(read.characters[row.first : row.last + 1])
        assert row.after == read.values[row.last]
    assert words.loc[0, "before"] == read.start


@pytest.mark.parametrize("text", ["", "  ", "—", "😀", "<b>x</b>"])
def test_texts_without_words(model, text):
    read = along(model, findings(model, layer=0, unit=0), text)
    assert len(read.words()) == (2 + 1 if "b" in text else 0)
    assert len(read.values) == len(read.characters) >= 1


def test_a_model_of_words():
    """Its unit is that of the whole text whose last word was read; each word is a step."""
    data, _ = planted.texts()
    found = sentiment(planted.model(), data, rival_texts=0, draws=1)
    read = along(planted.model(), found, "film good plot bad")
    assert read.characters == ("film ", "good ", "plot ", "bad ")
    assert np.sign(read.values[[1, 2, 3]]).tolist() == [1, 1, -1]
    words = read.words()
    assert words.loc[words["change"].abs().idxmax(), "word"] == "bad"
    assert read.judged.loc[0, "verdict"] == "negative"
    words = along(planted.model(), found, "plot/good film bad").words()
    assert list(words["word"]) == ["good", "film", "bad"]
    assert list(words["first"]) == list(words["last"]) == [0, 1, 2]


def test_texts_written_with_the_unit_held():
    data, _ = planted.texts()
    model, reports = planted.model(), []
    found = sentiment(model, data, rival_texts=0, draws=1)
    options = {"samples": 5, "length": 20, "prompt": "film", "seed": 2}
    high = steered(model, found, 1.0, **options, progress=lambda done, total: reports.append((done, total)))
    assert reports == [(k, 20) for k in range(1, 21)]
    hold = rnncore.Clamp(0, "h", 0, held_at(found, 1.0))
    alone = rnncore.generate(model, "\n film", length=20, seed=4, interventions=[hold])
    assert high.loc[2, "text"] == alone
    np.testing.assert_array_equal(high["by_words"], found.words.probability(list(high["text"])))
    low, free = (steered(model, found, setting, **options) for setting in (-1.0, None))
    praise = [int((texts["text"].str.count("good") - texts["text"].str.count("bad")).sum()) for texts in (low, high)]
    assert praise[0] < -20 < 20 < praise[1]
    assert free.loc[0, "text"] == rnncore.generate(model, "\n film", length=20, seed=2)


def test_a_model_of_subwords_reads_the_first_word_with_the_space_that_opens_every_text():
    vocabulary = rnncore.Vocabulary("subwords", ("\n", " ", " I", " like", "I", "l", "i", "k", "e"))
    model = rnncore.build("min-lstm", vocabulary=vocabulary, layers=2, units=5, seed=3)
    found = findings(model, layer=1, unit=2, signal="h")
    read = along(model, found, "I like")
    assert read.characters == (" I", " like", " ")
    assert list(read.words()["word"]) == ["I", "like"]
    assert read.start == pytest.approx(rnncore.record(model, "\n")["h", 1][-1, 2], abs=1e-6)
    written = steered(model, found, None, samples=2, length=5, seed=1)
    assert list(written["text"]) == [rnncore.generate(model, "\n", length=5, seed=1 + k) for k in range(2)]
