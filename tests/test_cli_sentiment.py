"""The command that looks for the unit that tells two kinds of text apart."""

import csv
import io
import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from rnncore.cli import app
from rnncore.network import checkpoint
from tests.analysis import planted_sentiment as planted


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with the planted model and a table of texts."""
    folder = tmp_path_factory.mktemp("planted")
    checkpoint.save(planted.model(), folder / "model")
    data, _ = planted.texts()
    labels = [data.classes[label] for label in data.labels]
    pd.DataFrame({"text": data.texts, "label": labels}).to_csv(folder / "texts.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def found(folder):
    """Return what the command prints, and keep what it found beside the model."""
    options = ["--samples", 12, "--length", 10, "--rival-texts", 200, "--cache", folder / "cache", "--json"]
    result = call(
        "sentiment", folder / "model", "--texts", folder / "texts.csv", *options, "--out", folder / "model/sentiment"
    )
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="rnncore")


def test_it_finds_the_unit(found):
    assert (found["layer"], found["unit"], found["polarity"], found["classes"]) == (0, 0, 1, ["negative", "positive"])
    rows = {(row["by"], row["read"]): row for row in found["accuracy"]}
    assert rows["trained", "one unit"]["accuracy"] > 0.8
    assert ("untrained", "one unit") in rows
    assert [row["held"] for row in found["strength"]] == ["best units", "random units"]
    assert len(found["steering"]) == 11
    assert {row["labels"] for row in found["by_labels"]} >= {11, 33, 100}


def test_what_was_read_is_kept(found, folder):
    assert len(list((folder / "cache").iterdir())) == 2


def test_it_tells_people(folder, found):
    result = call(
        *("sentiment", folder / "model", "--texts", folder / "texts.csv", "--samples", 0, "--rival-texts", 0),
        *("--cache", folder / "cache", "--threads", 1),
    )
    assert result.exit_code == 0, result.output
    assert "unit 0 of layer 0, its h; above" in result.stdout
    assert "without the unit" in result.stdout


def test_new_texts_are_scored(folder, found):
    (folder / "new.csv").write_text("id,review\n1,good film\n2,bad plot\n", "utf-8")
    result = call("sentiment", folder / "model", "--score", folder / "new.csv")
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["verdict"] for row in rows] == ["positive", "negative"]
    assert float(rows[0]["by_unit"]) > 0.5 > float(rows[1]["by_unit"])
    as_json = json.loads(call("sentiment", folder / "model", "--score", folder / "new.csv", "--json").stdout)
    assert [row["verdict"] for row in as_json] == ["positive", "negative"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--texts", "nowhere.csv"], "no file nowhere.csv; expected a CSV file"),
        (["--texts", "texts.csv", "--label", "mood"], "no column 'mood'; it has 'text', 'label'"),
        (["--texts", "texts.csv", "--positive", "good"], "no label 'good'; it has negative, positive"),
        (["--texts", "texts.csv", "--precision", "half"], "precision is float32 or bfloat16, not 'half'"),
        (["--score", "texts.csv", "--out", "nothing"], "nothing holds no findings, or damaged or outdated ones; run"),
        (["--score", "nowhere.csv", "--out", "model/sentiment"], "no file nowhere.csv"),
    ],
)
def test_what_will_not_do_is_said_in_a_line(folder, found, options, sentence, monkeypatch):
    monkeypatch.chdir(folder)
    result = call("sentiment", "model", *options)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
