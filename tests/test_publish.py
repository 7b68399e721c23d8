"""Publishing a run as a pretrained model, with a tiny real one."""

import importlib.util
import json
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

import rnncore
from rnncore.analysis import saturation_over_training
from rnncore.training import corpora
from rnncore.training.trainer import Split, evaluate

ROOT = Path(rnncore.__file__).parents[1]
POEM = "The fog comes on little cat feet.\nIt sits looking over harbor and city.\n" * 60
BASELINE = "guessing=3.2"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("publish", ROOT / "pretrained" / "publish.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    (folder / "poem.txt").write_text(POEM, "utf-8")
    config = rnncore.TrainConfig(
        folder / "run",
        layers=1,
        units=12,
        embedding=6,
        batch=4,
        length=20,
        steps=40,
        learning_rate=0.02,
        warmup=3,
        validate_every=7,
        test=0.1,
        probe="The fog comes",
        probe_every=2,
    )
    for _ in rnncore.train(config, corpora.load(folder / "poem.txt")):
        pass
    return config


def publish(script, run, into, *options):
    import typer

    app = typer.Typer()
    app.command()(script.publish)
    arguments = [run.folder, "fog-lstm", "--into", into, "--corpus", run.folder.parent / "poem.txt", *options]
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture(scope="module")
def published(script, run, tmp_path_factory):
    into = tmp_path_factory.mktemp("pretrained")
    rows = [{"cell": "lstm", "learning_rate": rate, "validation": loss} for rate, loss in ((0.02, 2.5), (0.2, None))]
    (into / "table.json").write_text(json.dumps(rows))
    result = publish(script, run, into, "--sweep", into / "table.json", "--baseline", BASELINE)
    assert result.exit_code == 0, result.output
    return into / "fog-lstm"


def test_weights_are_the_run_s_in_half_precision(run, published, monkeypatch):
    monkeypatch.setenv("RNNCORE_PRETRAINED", str(published.parent))
    assert rnncore.available() == ["fog-lstm"]
    model, trained = rnncore.load("fog-lstm"), rnncore.load(run.folder)
    assert model.name == "fog-lstm"
    for name, weight in trained.state_dict().items():
        assert torch.equal(model.state_dict()[name], weight.half().float())


def test_figures_are_those_of_the_stored_weights(run, published):
    figures = rnncore.Run(published).metrics
    model = rnncore.load(published)
    split = Split.of(torch.from_numpy(model.vocabulary.encode(POEM)), run)
    for part in ("validation", "test"):
        nats = evaluate(model, getattr(split, part))
        assert figures[part] == pytest.approx(nats, rel=1e-6)
        assert figures[f"{part}_bits_per_character"] == pytest.approx(nats / math.log(2), rel=1e-6)
    assert figures["parameters"] == model.parameter_count
    assert (figures["steps"], figures["tokens_seen"]) == (40, 40 * 4 * 20)
    assert figures["best_step"] == rnncore.Run(run.folder).metrics["best_step"]


def test_the_training_can_still_be_looked_at(run, published):
    full, kept = rnncore.Run(run.folder), rnncore.Run(published)
    assert kept.history.equals(full.history)
    assert kept.samples == full.samples
    assert kept.config["data"]["sha256"] == corpora.load(run.folder.parent / "poem.txt").sha256
    steps = [step for step, _ in kept.probes]
    assert (steps[0], steps[-1]) == (0, 40)
    assert 10 <= len(steps) <= 16
    whole = dict(full.probes)
    for step, file in kept.probes:
        one, other = rnncore.Recording.load(file), rnncore.Recording.load(whole[step])
        assert one.signals == ()
        assert one.gradient["c"].dtype == np.float64
        assert np.array_equal(one.gradient["c"], other.gradient["c"])
        assert np.array_equal(one.top_ids, other.top_ids)
        assert np.array_equal(one.loss, other.loss, equal_nan=True)


def test_saturation_is_kept_to_hundredths(script, run, published):
    whole = saturation_over_training(rnncore.Run(run.folder))
    kept = saturation_over_training(rnncore.Run(published))
    steps = kept["step"].unique().tolist()
    assert steps == script.doubling(whole["step"].unique().tolist(), script.PROBES)
    assert len(kept) == len(steps) * 4 * 12
    expected = whole[whole["step"].isin(steps)].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, expected, atol=0.00501, rtol=0, check_dtype=False)
    assert kept["right"].max() > 0.1


def test_a_run_of_a_cell_without_gates_keeps_no_saturation(script, run, tmp_path):
    for name in ("run.json", "probes"):
        (tmp_path / name).symlink_to(run.folder / name)
    described = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").unlink()
    described["config"]["cell"] = "elman"
    (tmp_path / "run.json").write_text(json.dumps(described))
    script.keep_saturation(rnncore.Run(tmp_path), tmp_path)
    assert not (tmp_path / "saturation.parquet").exists()


def test_the_card_tells_what_it_is(run, published):
    card = (published / "CARD.md").read_text("utf-8")
    figures = rnncore.Run(published).metrics
    samples = rnncore.Run(run.folder).samples
    expected = [
        "# fog-lstm",
        f"{figures['parameters']:,} parameters",
        f"| validation | {figures['validation']:.4f} |",
        f"| test | {figures['test']:.4f} |",
        "| guessing, validation | 3.2000 |",
        "rnncore train poem.txt --layers 1 --units 12",
        "--learning-rate 0.02",
        "| **0.02** |",
        "| 0.2 |  | not finite |",
        corpora.load(run.folder.parent / "poem.txt").sha256,
        "training 80%, validation 10%, test 10%",
        "Step 1:",
        "Step 40:",
        f"    {samples[-1][1].splitlines()[0]}",
    ]
    assert [text for text in expected if text not in card] == []
    assert str(run.folder.parent) not in card


def test_publishing_again_replaces_all(script, run, published):
    (published / "left-over").touch()
    assert publish(script, run, published.parent, "--baseline", BASELINE).exit_code == 0
    assert not (published / "left-over").exists()
    assert [path.name for path in published.parent.iterdir() if path.is_dir()] == ["fog-lstm"]


@pytest.mark.parametrize("missing", ["history.jsonl", "config.json"])
def test_a_folder_that_is_no_run_is_a_sentence(script, run, tmp_path, missing):
    for file in run.folder.glob("*.*"):
        if file.name != missing:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(rnncore.CheckpointError):
        script.make(rnncore.Run(tmp_path), tmp_path / "new", None, [], [])


def test_another_text_is_refused(script, run, tmp_path):
    (tmp_path / "other.txt").write_text("Not that poem.\n" * 100)
    with pytest.raises(rnncore.CheckpointError, match="same text"):
        script.make(rnncore.Run(run.folder), tmp_path / "new", str(tmp_path / "other.txt"), [], [])
    assert not (tmp_path / "new").exists()


def test_a_folder_of_runs_is_a_sweep(script, run):
    (row,) = script.read_sweep(run.folder.parent)
    assert row == {
        "cell": "lstm",
        "learning_rate": 0.02,
        "steps": 40,
        "validation": rnncore.Run(run.folder).metrics["validation"],
    }


def test_history_is_thinned_but_keeps_validations(script):
    history = [{"step": step, "validation": 1.0 if step % 50 == 0 else None} for step in range(1, 20_001)]
    kept = script.thinned(history)
    assert len(kept) <= script.HISTORY
    assert (kept[0], kept[-1]) == (history[0], history[-1])
    assert [row for row in kept if row["validation"]] == [row for row in history if row["validation"]]
    assert script.thinned(history[:30]) == history[:30]


@pytest.mark.parametrize("last", [40, 3000, 100_000])
def test_probes_are_kept_at_doubling_steps(script, last):
    steps = sorted({0, last, *range(0, last, max(1, last // 50)), *(2**k for k in range(17) if 2**k < last)})
    kept = script.doubling(steps, 16)
    assert set(kept) <= set(steps)
    assert (kept[0], kept[-1]) == (0, last)
    assert 12 <= len(kept) <= 16
    assert all(later <= 4 * max(1, earlier) for earlier, later in pairwise(kept))


def test_probes_fit_their_space(script, run, tmp_path, monkeypatch):
    monkeypatch.setattr(script, "PROBE_BYTES", 25_000)
    script.keep_probes(rnncore.Run(run.folder), tmp_path / "probes")
    files = list((tmp_path / "probes").iterdir())
    assert len(files) >= 2
    assert sum(file.stat().st_size for file in files) <= 25_000
