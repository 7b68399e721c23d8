"""The models that come with the product: whole, described, and as good as their cards say."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

import rnncore
from rnncore import seq2seq
from rnncore.analysis import VERDICTS, Dictionary, Sentiment, strength
from rnncore.network import checkpoint
from rnncore.seq2seq.train import evaluate
from viz_app import evidence
from viz_app.claims import figure

FOLDER = Path(__file__).parent.parent / "pretrained"
README = (FOLDER.parent / "README.md").read_text("utf-8")
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/config.json"))
TRANSLATORS = ["dates-attention", "dates-bottleneck", "multi30k-de-en", "multi30k-de-en-bottleneck"]
EXPECTED = ["latex-lstm", "linux-lstm", "reviews-minlstm", "shakespeare-elman", "shakespeare-gru", "shakespeare-lstm"]
EXPECTED += ["warpeace-lstm"]

every_model = pytest.mark.parametrize("name", NAMES)
every_translator = pytest.mark.parametrize("name", seq2seq.available())


@pytest.fixture(autouse=True)
def our_own(monkeypatch):
    monkeypatch.delenv("RNNCORE_PRETRAINED", raising=False)


def metrics(name):
    return json.loads((FOLDER / name / "metrics.json").read_text("utf-8"))


def test_captions_are_translated_better_than_published():
    quality, without = (metrics(f"multi30k-de-en{end}")["test_quality"] for end in ("", "-bottleneck"))
    assert quality["bleu"] >= 36.5
    assert f"**{quality['bleu']:.1f}**" in README
    assert f"**{without['bleu']:.1f}**" in README


def test_attention_gives_the_more_the_longer_the_caption():
    classes = zip(*(metrics(f"multi30k-de-en{end}")["test_by_length"] for end in ("", "-bottleneck")), strict=True)
    gaps = [with_it["bleu"] - without["bleu"] for with_it, without in classes]
    assert min(gaps) > 5
    assert max(gaps[:3]) < min(gaps[3:])


def test_these_are_there():
    assert set(EXPECTED) <= set(NAMES) == set(rnncore.available())
    assert set(TRANSLATORS) <= set(seq2seq.available())


def test_they_are_small_enough_to_carry():
    size = sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file())
    assert size <= 100e6


@every_model
def test_it_says_where_it_is_from(name):
    training = checkpoint.read_config(FOLDER / name)["training"]
    assert training["command"].startswith("rnncore train ")
    assert training["data"]["name"] == {"reviews": "imdb"}.get(name.split("-")[0], name.split("-")[0])
    assert len(bytes.fromhex(training["data"]["sha256"])) == 32
    assert f"{metrics(name)['validation']:.4f}" in (FOLDER / name / "CARD.md").read_text("utf-8")


@every_model
def test_its_loss_on_a_sentence_of_ours_is_what_it_was(name):
    golden, model = metrics(name)["golden"], rnncore.load(name)
    nats = -rnncore.score(model, golden["text"]) / (len(model.vocabulary.tokenize(golden["text"])) - 1)
    assert nats == pytest.approx(golden["nats"], abs=1e-3)
    assert nats < 0.7 * math.log(len(model.vocabulary))
    assert not model.vocabulary.unknown(golden["text"])


@every_model
def test_its_history_is_there_for_the_pages(name):
    run, model = rnncore.Run(FOLDER / name), rnncore.load(name)
    assert metrics(name)["parameters"] == model.parameter_count
    assert run.history["validation"].min() == pytest.approx(metrics(name)["validation"], abs=0.05)
    assert len(run.samples) > 5
    steps = [step for step, _ in run.probes]
    assert steps[0] == 0
    for _, path in (run.probes[0], run.probes[-1]):
        probe = rnncore.Recording.load(path)
        assert probe.model == name
        assert set(probe.gradient) == set(probe.states)
        assert all(np.isfinite(norms).all() for norms in probe.gradient.values())


def test_the_three_can_be_compared():
    trio = [name for name in EXPECTED if name.startswith("shakespeare")]
    counts = [rnncore.load(name).parameter_count for name in trio]
    assert max(counts) <= 1.02 * min(counts)
    trainings = [checkpoint.read_config(FOLDER / name)["training"] for name in trio]
    same = ("steps", "batch", "length", "layers", "seed", "validation")
    assert len({training["data"]["sha256"] for training in trainings}) == 1
    assert all(len({training["config"][key] for training in trainings}) == 1 for key in same)
    assert metrics("shakespeare-lstm")["validation"] <= 1.47


@every_model
def test_its_dictionary_holds_every_unit_and_readme_tells_what_it_says(name):
    found, model = Dictionary.load(FOLDER / name / "units", name), rnncore.load(name)
    units = found.units
    assert len(units) == len(model.layers) * model.config.units
    assert not units[["layer", "unit"]].duplicated().any()
    assert len(found.evidence) == len(units) * len(found.labels)
    counts = [int((units["verdict"] == verdict).sum()) for verdict in VERDICTS]
    assert f"| `{name}` | {len(units)} | {' | '.join(map(str, counts))} |" in README
    verified = units[units["verdict"] == "verified"]
    assert (verified["low"] > 0).sum() + (verified["high"] < 0).sum() == len(verified)
    assert (verified[["low", "high"]].abs().min(axis=1) > verified["random"]).all()
    assert (verified["strength"] > verified["untrained"]).all()


@every_model
def test_readme_tells_each_label_s_most_convincing_cell(name):
    told = re.findall(rf"^\| (.*?) \| `{name}` \| (\d:\w+:\d+) \| (?:AUC|R²) (.*?) \| (.*?) \| (.*?) \|$", README, re.M)
    found = []
    for cell in evidence.verified(Dictionary.load(FOLDER / name / "units", name)).itertuples():
        discrete = cell.kind == "discrete"
        score, floor = figure(cell.strength, discrete, cell.r2), figure(cell.untrained, discrete)
        rise = f"{cell.effect:+.3f} ({cell.low:+.3f} to {cell.high:+.3f})"
        found.append((cell.title, f"{cell.layer}:{cell.signal}:{cell.unit}", f"{score:.3f}", f"{floor:.3f}", rise))
    assert found
    assert sorted(told) == sorted(found)


def test_quotes_lines_brackets_and_comments_have_a_cell_with_proof():
    tables = [Dictionary.load(FOLDER / name / "units", name).units for name in ("linux-lstm", "shakespeare-lstm")]
    proven = {title for table in tables for title in table.loc[table["verdict"] == "verified", "title"]}
    assert {"inside a string", "inside a comment", "depth of curly brackets"} <= proven
    assert "position in the line, from 0 to 1" in proven


def test_the_best_units_tell_reviews_apart_and_steer():
    """And README says how well: figures of held-out reviews, which the model never read."""
    found = Sentiment.load(FOLDER / "reviews-minlstm" / "sentiment").about(rnncore.load("reviews-minlstm"))
    ours = found.accuracy[found.accuracy["fitted"] == "imdb"].set_index(["data", "by", "read"]).sort_index()
    table, floor = ours.loc["imdb"], ours.loc[("imdb", "untrained")]
    assert table["texts"].max() > 4900
    assert table.loc[("trained", "one unit"), "low"] > floor.loc["one unit", "high"]
    assert table.loc[("trained", "all units"), "low"] > floor.loc["all units", "high"]
    assert ours.loc[("sst", "trained", "all units"), "low"] > 0.5
    for data in ("imdb", "sst"):
        for read in ("all units", "one unit"):
            assert f"{100 * ours.loc[(data, 'trained', read), 'accuracy']:.1f} %" in README, (data, read)
    moved = strength(found.steering).set_index(["held", "units"]).sort_index()
    assert moved.loc[("best units", 1), "low"] > 0
    for units in (8, 64):
        best, random = moved.loc[("best units", units)], moved.loc[("random units", units)]
        assert best["low"] > max(0, random["high"])
        assert f"{100 * best['strength']:+.0f} ({100 * best['low']:+.0f} to {100 * best['high']:+.0f})" in README


@every_translator
def test_a_translator_is_the_one_of_its_card(name):
    figures, model = metrics(name), seq2seq.load(name)
    assert figures["parameters"] == model.parameter_count
    assert evaluate(model, [(*pair,) for pair in figures["golden"]["pairs"]]) == pytest.approx(
        figures["golden"]["nats"], rel=1e-2, abs=1e-6
    )
    assert rnncore.Run(FOLDER / name).attention[-1][0] == figures["steps"]
    quality = figures["test_quality"]
    row = f"{figures['test']:.4f} | {quality['bleu']:.2f} | {quality['chrf']:.2f} | {quality['exact']:.2%}"
    assert row in (FOLDER / name / "CARD.md").read_text("utf-8")


@pytest.mark.parametrize("name", [name for name in TRANSLATORS if name.startswith("dates")])
def test_dates_are_still_translated(name):
    some = seq2seq.dates(seed=0)[1][:60]
    written = [line for line, _ in seq2seq.translations(seq2seq.load(name), [one.source for one in some], width=1)]
    right = sum(line == one.target for line, one in zip(written, some, strict=True))
    assert right >= 59
    assert metrics(name)["test_quality"]["exact"] >= 0.995
