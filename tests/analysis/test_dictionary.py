"""Verdicts on planted units and on random networks; files, and the command."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

import rnncore
from rnncore import CorpusError, Error
from rnncore.analysis import (
    VERDICTS,
    Dictionary,
    dictionary,
    held_out,
    labels,
    language_of,
    matching,
    sample,
    scores,
    suiting,
)
from rnncore.analysis.dictionary import untrained_bar
from rnncore.cli import app
from rnncore.network import checkpoint
from rnncore.training import TrainConfig, corpora
from rnncore.training.trainer import Split
from tests.analysis import planted


@pytest.fixture(scope="module")
def found():
    steps = []
    features = [planted.INSIDE, matching("a", "letter a"), matching(r"\(", "opening")]
    result = dictionary(
        planted.model(),
        planted.text(40_000),
        features,
        positions=6000,
        removed=6000,
        progress=lambda *report: steps.append(report),
    )
    assert {what for what, _, _ in steps} >= {"reading", "scoring", "removing units"}
    assert steps[-1][1] == steps[-1][2]
    return result


def test_planted_units_get_the_verdicts_they_deserve(found):
    units = found.units.set_index("unit")
    assert units.loc[0, "verdict"] == "verified"
    assert units.loc[1, "verdict"] == "correlated only"  # it tells as much, and nobody listens
    assert units.loc[2, "verdict"] == "chance"
    assert units.loc[3, "verdict"] == "chance"
    for unit in (0, 1):
        assert units.loc[unit, "feature"] == "inside"
        assert units.loc[unit, "auc"] > 0.99
        assert units.loc[unit, "least"] > 0.98
        assert units.loc[unit, "rank"] > units.loc[unit, "control"] > 0
        assert units.loc[unit, "strength"] > units.loc[unit, "untrained"]
    assert units.loc[0, "low"] > 0 or units.loc[0, "high"] < 0
    assert units.loc[1, ["effect", "low", "high"]].tolist() == pytest.approx([0, 0, 0], abs=1e-6)
    assert found.shares["verified"] == found.shares["correlated only"] == 0.2
    assert sum(found.shares.values()) == pytest.approx(1)


def test_labels_tell_their_best_unit(found):
    row = found.labels.set_index("feature").loc["inside"]
    assert row["verified"] == 1
    assert row["unit"] in (0, 1)
    assert found.labels["feature"].tolist() == ["inside", "letter a", "opening"]


def test_evidence_holds_every_unit_for_every_feature(found):
    units = found.units.set_index("unit")
    evidence = found.evidence.set_index(["feature", "unit"])
    assert len(evidence) == len(found.units) * 3
    for unit in (0, 1):
        row = evidence.loc[("inside", unit)]
        assert (row["signal"], row["strength"]) == (units.loc[unit, "signal"], units.loc[unit, "strength"])
        assert row["rank"] == pytest.approx(units.loc[unit, "rank"])
    assert evidence.loc["inside", "strength"].nlargest(2).index.sort_values().tolist() == [0, 1]


def test_files_hold_the_table(found, tmp_path):
    found.save(tmp_path / "new" / "folder")
    for table in (
        pd.read_parquet(tmp_path / "new" / "folder" / "units.parquet"),
        pd.read_csv(tmp_path / "new" / "folder" / "units.csv"),
    ):
        assert table["verdict"].tolist() == found.units["verdict"].tolist()
        np.testing.assert_allclose(table["strength"], found.units["strength"])
    again = Dictionary.load(tmp_path / "new" / "folder", "planted")
    for name in ("units", "labels", "evidence"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(found, name), check_dtype=False)
    assert again.weights == found.weights == planted.model().fingerprint
    assert again.weights != rnncore.analysis.untrained(planted.model()).fingerprint
    with pytest.raises(Error, match="holds no dictionary; `rnncore units planted"):
        Dictionary.load(tmp_path, "planted")
    (tmp_path / "file").write_text("")
    with pytest.raises(Error, match="cannot write into"):
        found.save(tmp_path / "file")


def test_a_random_network_has_no_verified_units():
    """It reads characters, and some of its units tell white space well; that is no discovery."""
    text = corpora.standard_library(30_000).text[:24_000]
    model = rnncore.build("gru", vocabulary=rnncore.Vocabulary.characters(text), units=12, layers=1, seed=11)
    found = dictionary(model, text, suiting("python"), positions=4000, removed=3000, shifts=30)
    assert found.shares["verified"] == 0
    assert set(found.units["verdict"]) <= set(VERDICTS)
    assert found.labels.set_index("feature").loc["whitespace", "untrained"] > 0.9  # the units have something to tell
    assert (found.units["verdict"] != "chance").any()


def test_no_features_is_a_sentence():
    with pytest.raises(Error, match="at least one feature"):
        dictionary(planted.model(), planted.text(3000), [])


@pytest.mark.parametrize("kind", ["characters", "bytes", "subwords"])
def test_held_out_text_is_what_training_left_out(tmp_path, kind):
    path = tmp_path / "poem.txt"
    path.write_text("Ein Kätzchen saß im Grünen.\n" * 100)
    corpus = corpora.load(path)
    config = {"validation": 0.06, "test": 0.03, "vocabulary": kind, "subwords": 30}
    vocabulary = TrainConfig(tmp_path, **config).symbols(corpus.text)
    model = rnncore.build("elman", vocabulary=vocabulary, units=2)
    description = {"config": config, "data": {"name": str(path), "sha256": corpus.sha256}}
    checkpoint.save(model, tmp_path / "own", description)
    kept = held_out(tmp_path / "own")
    ids = torch.from_numpy(vocabulary.encode(corpus.text))
    split = Split.of(ids, TrainConfig(tmp_path, **config))
    cut = 3 if kind == "bytes" else 0  # a character that the cut went through belongs to neither
    lost = len(split.validation) + len(split.test) - len(vocabulary.encode(kept.text))
    assert 0 <= lost <= cut
    assert 0 <= len(corpus.text) - len(kept.training + kept.text) <= cut
    assert corpus.text.startswith(kept.training)
    assert corpus.text.endswith(kept.text)
    assert kept.language == "prose"
    checkpoint.save(model, tmp_path / "other", {**description, "data": {"name": str(path), "sha256": "0"}})
    with pytest.raises(CorpusError, match="is not the text that"):
        held_out(tmp_path / "other")
    checkpoint.save(model, tmp_path / "none", {})
    with pytest.raises(CorpusError, match="give it a text"):
        held_out(tmp_path / "none")


def test_what_is_held_out_of_every_passage_was_not_trained_on(tmp_path):
    path = tmp_path / "poem.txt"
    path.write_text("".join(map(chr, range(0x4E00, 0x4E00 + 1059))))  # no character comes twice
    corpus = corpora.load(path)
    vocabulary = rnncore.Vocabulary.characters(corpus.text)
    config = {"validation": 0.2, "test": 0.1, "passages": 10, "length": 20, "vocabulary": "characters"}
    description = {"config": config, "data": {"name": str(path), "sha256": corpus.sha256}}
    checkpoint.save(rnncore.build("elman", vocabulary=vocabulary, units=2), tmp_path / "own", description)
    kept = held_out(tmp_path / "own")
    split = Split.of(torch.from_numpy(vocabulary.encode(corpus.text)), TrainConfig(tmp_path, **config))
    assert kept.training == vocabulary.decode(split.train.tolist())
    assert set(kept.text) == set(vocabulary.decode([*split.validation.tolist(), *split.test.tolist()]))
    assert len(kept.text) == len(split.validation) + len(split.test)


def test_the_language_is_told_from_the_name():
    assert [language_of(name) for name in ("linux", "latex", "a.py", "b.tex", "x.h", "letter.txt")] == [
        *("c", "latex", "python", "latex", "c", "prose")
    ]


def test_the_command_writes_tables_and_speaks_json(tmp_path):
    checkpoint.save(planted.model(), tmp_path / "planted")
    (tmp_path / "text.txt").write_text(planted.text(12_000))
    arguments = ["units", str(tmp_path / "planted"), "--text", str(tmp_path / "text.txt"), "--pattern", r"\([^)]*"]
    arguments += ["--positions", "2000", "--removed", "2000", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["units"][0]["verdict"] == "verified"
    assert document["units"][2]["effect"] is None
    assert sum(document["shares"].values()) == pytest.approx(1)
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == ["evidence.parquet", "labels.csv", "units.csv", "units.parquet"]
    shown = CliRunner().invoke(app, arguments)
    assert "verified: tells its label on unseen text" in shown.stdout
    assert "correlated only\n" in shown.stdout


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--feature", "quote"], "did you mean 'quotes'"),
        (["--pattern", "("], "no regular expression"),
        (["--language", "basic"], "no kind of text 'basic'"),
        (["--most", "30"], "at least 1,200 symbols"),
        (["--column", "labels.csv"], "FILE:COLUMN"),
    ],
)
def test_mistakes_on_the_command_line_are_sentences(tmp_path, more, sentence):
    checkpoint.save(planted.model(), tmp_path / "planted")
    (tmp_path / "text.txt").write_text(planted.text(3000))
    arguments = ["units", str(tmp_path / "planted"), "--text", str(tmp_path / "text.txt")]
    result = CliRunner().invoke(app, [*arguments, *more])
    assert result.exit_code in (1, 2)
    assert sentence in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize(("unit", "verdict"), [(0, "verified"), (3, "chance")])
def test_one_unit_is_judged_alone(unit, verdict):
    features, steps = [planted.INSIDE, matching("a", "letter a")], []
    result = dictionary(
        planted.model(),
        planted.text(15_000),
        features,
        positions=6000,
        removed=6000,
        only=(0, unit),
        progress=lambda *report: steps.append(report),
    )
    assert result.units[["layer", "unit", "verdict"]].values.tolist() == [[0, unit, verdict]]
    assert result.evidence["feature"].tolist() == ["inside", "letter a"]
    assert ("removing units" in {what for what, _, _ in steps}) == (verdict != "chance")
    assert result.labels["untrained"].max() > 0


def test_a_unit_that_there_is_not_is_a_sentence():
    with pytest.raises(Error, match="has no unit 5 in layer 0"):
        dictionary(planted.model(), planted.text(2400), [planted.INSIDE], positions=600, only=(0, 5))


def test_untrained_models_are_asked_for_rare_labels_too():
    """A label too rare at a quarter of the positions is scored at all of them: no unit beats what was not measured."""
    model, text = planted.model(), planted.text(24_000)
    features = [matching("x", "letter x"), matching(r"\(", "opening")]
    y = labels(features, model.vocabulary, text)
    few = scores(sample(model, text, positions=9000 // 4), features, y, shifts=0)
    assert np.isnan(few.rank).any((0, 2)).tolist() == [False, True]
    wanted, options = np.array([True, True]), {"positions": 9000, "seed": 0, "stage": lambda what: None}
    assert (untrained_bar(model, text, features, y, wanted, **options) > 0).all()
    assert np.isnan(untrained_bar(model, text, features, y, ~wanted, **options)).all()
