"""Training: it learns, it resumes to the bit, and it stops with a sentence that says what to do."""

import dataclasses
import errno
import importlib
import itertools
import math
import os
import random
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import rnncore
from rnncore import CheckpointError, Recording, Run, TrainConfig, TrainingError
from rnncore.network import checkpoint
from rnncore.training.corpora import Corpus
from rnncore.training.trainer import Split, Trainer, evaluate, learning_rate

loop = importlib.import_module("rnncore.training.train")  # the package shows the function of that name
run_module = importlib.import_module("rnncore.training.run")

every_cell = pytest.mark.parametrize("cell", rnncore.cells())
TEXT = Corpus("rhyme", "one two three\nbuckle my shoe\n" * 60)


@pytest.fixture(autouse=True)
def short_samples(monkeypatch):
    monkeypatch.setattr(loop, "SAMPLE_LENGTH", 20)


@pytest.fixture
def config(tmp_path):
    return TrainConfig(
        folder=tmp_path / "run", layers=2, units=8, embedding=4, dropout=0.3, steps=16, batch=3, length=10, warmup=4,
        validate_every=5, test=0.1,
    )  # fmt: skip


def change(config, **fields):
    return dataclasses.replace(config, **fields)


def train(config, corpus=TEXT, **options):
    return list(rnncore.train(config, corpus, **options))


def weights(folder):
    return checkpoint.load(folder).state_dict()


def assert_same_weights(one, two):
    assert one.keys() == two.keys()
    for name in one:
        assert torch.equal(one[name], two[name]), name


# It learns


def couplets(pairs):
    """Return text of 'ab' and 'cd' in random order: log(2) / 2 nats a symbol, no less."""
    generator = random.Random(0)
    return Corpus("couplets", "".join(generator.choice(["ab", "cd"]) for _ in range(pairs)))


@every_cell
def test_the_loss_falls_to_the_entropy_of_the_text(cell, config):
    config = change(config, cell=cell, layers=1, units=16, dropout=0.0, steps=120, batch=16, length=20,
                    learning_rate=0.02, validate_every=40, validation=0.2)  # fmt: skip
    progress = train(config, couplets(6000))
    entropy = math.log(2) / 2
    assert progress[0].loss > math.log(4) - 0.1
    best = min(step.validation for step in progress if step.validation is not None)
    assert entropy - 0.02 < best < entropy + 0.03
    written = rnncore.generate(rnncore.load(config.folder), "ab", length=50, top_p=0.9, seed=0)
    assert {written[i : i + 2] for i in range(0, 50, 2)} == {"ab", "cd"}


@every_cell
def test_bfloat16_learns_too(cell, config):
    progress = train(change(config, cell=cell, precision="bfloat16", steps=30, learning_rate=0.02))
    assert progress[-1].loss < progress[0].loss - 0.2
    assert all(tensor.dtype == torch.float32 for tensor in weights(config.folder).values())


def test_bytes(config):
    assert train(change(config, vocabulary="bytes", steps=2), Corpus("é", "日本é" * 200))[-1].validation > 0
    assert rnncore.load(config.folder).vocabulary == rnncore.Vocabulary.bytes()


# What a step reports


def test_progress_is_what_was_done(config):
    config = change(config, clip=0.5)
    progress = train(config)
    assert [step.step for step in progress] == list(range(1, 17))
    assert [step.learning_rate for step in progress] == [learning_rate(i, config) for i in range(16)]
    assert all(step.clipped == (step.gradient_norm > 0.5) for step in progress)
    assert any(step.clipped for step in progress)  # so the norm reported is that before clipping
    assert [step.step for step in progress if step.validation is not None] == [5, 10, 15, 16]
    assert [step.step for step in progress if step.sample is not None] == [1, 2, 4, 8, 16]
    assert all(one.seconds < two.seconds for one, two in itertools.pairwise(progress))
    history = Run(config.folder).history
    assert history["loss"].tolist() == [step.loss for step in progress]
    assert history["gradient_norm"].tolist() == [step.gradient_norm for step in progress]
    assert Run(config.folder).samples == [(step.step, step.sample) for step in progress if step.sample]


def test_the_norm_and_the_update_by_hand(config):
    """One AdamW step with clipping, on a network of our own loop."""
    config = change(config, dropout=0.0, clip=0.1, steps=1, warmup=0, learning_rate=0.01)
    (step,) = train(config)
    vocabulary = rnncore.Vocabulary.characters(TEXT.text)
    model = rnncore.LanguageModel(config.model, vocabulary).initialise(0)
    ids = torch.from_numpy(vocabulary.encode(TEXT.text))
    inputs, targets, _ = Trainer(config, model, Split.of(ids, config)).window(0)
    loss = torch.nn.functional.cross_entropy(model(inputs)[0].flatten(0, 1), targets.flatten())
    loss.backward()
    norm = math.sqrt(sum(float(p.grad.square().sum()) for p in model.parameters()))
    assert step.loss == pytest.approx(loss.item(), rel=1e-5)
    assert step.gradient_norm == pytest.approx(norm, rel=1e-4)
    assert step.clipped
    after = weights(config.folder)
    for name, p in model.named_parameters():
        gradient = p.grad * 0.1 / norm
        expected = p.detach() * (1 - 0.01 * config.weight_decay) - 0.01 * gradient / (gradient.abs() + 1e-8)
        torch.testing.assert_close(after[name], expected, rtol=1e-3, atol=1e-4)


def test_no_clipping_at_zero(config):
    assert not any(step.clipped for step in train(change(config, clip=0.0)))


def test_learning_rate(config):
    config = change(config, steps=1000, warmup=100, learning_rate=1.0)
    rates = [learning_rate(step, config) for step in range(1000)]
    assert rates[0] == pytest.approx(0.01)
    assert rates[49] == pytest.approx(0.5)
    assert max(rates) == rates[99] == rates[100] == 1.0
    assert rates[550] == pytest.approx(0.505)
    assert all(one >= two for one, two in itertools.pairwise(rates[100:]))
    assert 0.01 <= rates[-1] < 0.0101


# What is read


def trainer(config, length):
    ids = torch.arange(length)  # every place its own symbol, so that a window shows where it was cut
    model = rnncore.build("elman", vocabulary=rnncore.Vocabulary.bytes(), units=1, layers=1)
    return Trainer(config, model, Split(ids, ids, ids)), ids


@pytest.mark.parametrize("length", [21, 100, 301, 1234])
def test_streams_are_consecutive_and_cover_the_text(config, length):
    made, ids = trainer(config, length)
    read, before = set(), None
    for step in range(2000):
        inputs, targets, fresh = made.window(step)
        assert inputs.shape == targets.shape == (made.length, 3)
        assert torch.equal(targets, inputs + 1)
        assert fresh or step > 0
        if not fresh:
            assert torch.equal(inputs[0], before + 1)
        before = inputs[-1]
        read |= set(targets.flatten().tolist())
    assert read == set(ids.tolist()[1:])


def test_the_state_is_carried_from_window_to_window(config):
    """Two windows' states are those of reading both at once, and a new epoch starts from zero."""
    config = change(config, dropout=0.0, learning_rate=1e-30, weight_decay=0.0)
    vocabulary = rnncore.Vocabulary.characters(TEXT.text)
    model = rnncore.LanguageModel(config.model, vocabulary).initialise(0)
    ids = torch.from_numpy(vocabulary.encode(TEXT.text))[:200]
    made = Trainer(config, model, Split(ids, ids, ids))
    windows = [made.window(step) for step in range(7)]
    assert [fresh for *_, fresh in windows] == [True, False, False, False, False, False, True]
    for _ in range(2):
        made.update()
    _, whole = model(torch.cat([windows[0][0], windows[1][0]]))
    torch.testing.assert_close(made.carried[-1].c, whole[-1].c)
    for _ in range(5):
        made.update()
    torch.testing.assert_close(made.carried[-1].c, model(windows[6][0])[1][-1].c)


def test_the_split_is_in_the_order_of_the_text(config):
    ids = torch.arange(1000)
    split = Split.of(ids, change(config, validation=0.2, test=0.1))
    assert torch.equal(torch.cat([split.train, split.validation, split.test]), ids)
    assert [len(part) for part in (split.train, split.validation, split.test)] == pytest.approx([700, 200, 100], abs=1)


def test_held_out_text_is_never_trained_on(config):
    """Whatever the held-out part says, the weights are the same."""
    head = TEXT.text[: int(len(TEXT.text) * 0.8)]
    tails = [TEXT.text[len(head) :], TEXT.text[len(head) :][::-1]]
    for name, tail in zip("ab", tails, strict=True):
        train(change(config, folder=config.folder / name, steps=5), Corpus("text", head + tail))
    assert_same_weights(weights(config.folder / "a"), weights(config.folder / "b"))
    assert Run(config.folder / "a").metrics["validation"] != Run(config.folder / "b").metrics["validation"]


@every_cell
def test_evaluate_on_one_stream_is_the_score(cell, network):
    model, text = network(cell), "abcdeedcba" * 50
    ids = torch.from_numpy(model.vocabulary.encode(text))
    expected = -rnncore.score(model, text) / (len(text) - 1)
    for window in (1, 7, 1000):
        assert evaluate(model, ids, streams=1, window=window) == pytest.approx(expected, rel=1e-9)


def test_evaluate_on_many_streams_starts_each_without_memory(network):
    model = network("lstm")
    ids = torch.randint(0, 5, (4001,), generator=torch.Generator().manual_seed(0))
    parts = [evaluate(model, ids[first : first + 1001]) for first in range(0, 4000, 1000)]
    assert evaluate(model, ids, streams=4) == pytest.approx(sum(parts) / 4)


# What is kept


def test_the_best_checkpoint_is_kept_with_its_figures(config, monkeypatch):
    figures = iter([2.0, 1.0, 3.0, 4.0])  # as if step 10 were the best
    monkeypatch.setattr(loop, "evaluate", lambda *a, **k: next(figures, None) or evaluate(*a, **k))
    assert [step.validation for step in train(config) if step.validation] == [2.0, 1.0, 3.0, 4.0]
    half = change(config, folder=config.folder / "half")
    next(step for step in rnncore.train(half, TEXT) if step.step == 10)  # left there: its state is that of step 10
    metrics, run = Run(config.folder).metrics, Run(config.folder)
    assert metrics["best_step"] == 10
    model = rnncore.load(config.folder)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, state_of(half.folder)[f"model/{name}"]), name
    ids = torch.from_numpy(model.vocabulary.encode(TEXT.text))
    split = Split.of(ids, config)
    assert metrics["validation"] == pytest.approx(evaluate(model, split.validation))
    assert metrics["test"] == pytest.approx(evaluate(model, split.test))
    assert metrics["parameters"] == model.parameter_count
    written = checkpoint.read_config(config.folder)["training"]
    assert written["data"] == run.config["data"] == {"name": "rhyme", "sha256": TEXT.sha256}
    assert written["config"]["units"] == 8
    assert model.name == "run"


def test_probes_stand_at_the_promised_steps(config):
    config = change(config, probe="one two", probe_every=6, steps=13)
    progress = train(config)
    expected = [0, 1, 2, 4, 6, 8, 12, 13]
    probes = Run(config.folder).probes
    assert [step for step, _ in probes] == expected
    assert [step.step for step in progress if step.probe] == expected[1:]
    for _, path in probes:
        probe = Recording.load(path)
        assert "".join(probe.tokens) == "one two"
        assert probe.target == len("one two") - 2
        assert probe.gradient["c"].shape == (2, 7)
    last = rnncore.record(rnncore.load(config.folder), "one two", gradients=True, target=-1)
    if Run(config.folder).metrics["best_step"] == 13:
        torch.testing.assert_close(torch.tensor(last["c"]), torch.tensor(probe["c"]))


def test_no_probes_unless_asked(config):
    assert train(change(config, probe="one two", steps=2))[-1].probe is None
    assert Run(config.folder).probes == []


# Killed and resumed


def rows(folder):
    """Return what a run kept, but for the clock."""
    run = Run(folder)
    return run.history.drop(columns="seconds").to_dict("list"), run.samples, [step for step, _ in run.probes]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """Train once without a break; return the folder and its config."""
    config = TrainConfig(
        folder=tmp_path_factory.mktemp("whole") / "run", layers=2, units=8, embedding=4, dropout=0.3, steps=16,
        batch=3, length=10, warmup=4, validate_every=5, probe="one two", probe_every=6, seed=3,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(loop, "SAMPLE_LENGTH", 20)
        train(config, Corpus("rhyme", TEXT.text[:500]))  # several epochs
    return config


def assert_equal_runs(folder, config):
    one, two = (state_of(path) for path in (folder, config.folder))
    assert_same_weights(one, two)
    assert_same_weights(weights(folder), weights(config.folder))
    mine, theirs = rows(folder), rows(config.folder)
    assert str(mine) == str(theirs)  # nan equals nan
    metrics, expected = Run(folder).metrics, Run(config.folder).metrics
    assert {**metrics, "seconds": 0} == {**expected, "seconds": 0}


def state_of(folder):
    return load_file(folder / "state" / "latest.safetensors")


@pytest.mark.parametrize("stops", [[1], [5], [12], [15], [3, 4, 11]], ids=str)
def test_stopped_and_resumed_is_uninterrupted(stops, uninterrupted, tmp_path):
    config, corpus = change(uninterrupted, folder=tmp_path / "run"), Corpus("rhyme", TEXT.text[:500])
    for stop in [*stops, None]:
        torch.manual_seed(stop or 0)  # whatever else draws random numbers
        steps = rnncore.train(config, corpus, resume=True)
        for progress in steps:
            if progress.step == stop:
                break
        steps.close()
        assert rnncore.load(config.folder).parameter_count  # there is a checkpoint to look at, however early
    assert_equal_runs(config.folder, uninterrupted)


@pytest.mark.parametrize("saved", [0, 2, 9])
@pytest.mark.parametrize("killed", [3, 10, 14])
def test_killed_and_resumed_is_uninterrupted(saved, killed, uninterrupted, tmp_path, monkeypatch):
    """What lay on the disk at that moment, the state some steps old, is carried on by another process."""
    config, corpus = change(uninterrupted, folder=tmp_path / "killed" / "run"), Corpus("rhyme", TEXT.text[:500])
    monkeypatch.setattr(run_module, "SAVE_SECONDS", math.inf)
    steps = rnncore.train(config, corpus)
    for progress in steps:
        monkeypatch.setattr(run_module, "SAVE_SECONDS", -1.0 if progress.step + 1 == saved else math.inf)
        if progress.step == killed:
            break
    shutil.copytree(config.folder, tmp_path / "left" / "run")
    with (tmp_path / "left" / "run" / "history.jsonl").open("a") as file:
        file.write('{"step": 15, "lo')  # a line cut short
    after = change(config, folder=tmp_path / "left" / "run")
    train(after, corpus, resume=True)
    assert_equal_runs(after.folder, uninterrupted)
    steps.close()


@pytest.mark.parametrize("moment", ["held_out", "keep_metrics"])
def test_killed_at_the_very_end(moment, uninterrupted, tmp_path, monkeypatch):
    config, corpus = change(uninterrupted, folder=tmp_path / "run"), Corpus("rhyme", TEXT.text[:500])
    monkeypatch.setattr(run_module, "SAVE_SECONDS", -1.0)

    def kill(*_, **figures):
        if moment == "held_out" or "seconds" in figures:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        owner = loop if moment == "held_out" else run_module.RunWriter
        keep = run_module.RunWriter.keep_metrics
        patched.setattr(owner, moment, lambda *a, **k: kill(*a, **k) or keep(*a, **k))
        with pytest.raises(KeyboardInterrupt):
            train(config, corpus)
    train(config, corpus, resume=True)
    assert_equal_runs(config.folder, uninterrupted)


def test_resuming_a_finished_run_changes_nothing(uninterrupted, tmp_path):
    shutil.copytree(uninterrupted.folder, tmp_path / "run")
    assert train(change(uninterrupted, folder=tmp_path / "run"), Corpus("rhyme", TEXT.text[:500]), resume=True) == []
    assert_equal_runs(tmp_path / "run", uninterrupted)


def test_the_randomness_of_others_is_left_alone(config):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    train(config)
    assert torch.equal(torch.get_rng_state(), before)


# What stops it


def test_a_folder_in_use(config):
    steps = rnncore.train(config, TEXT)
    next(steps)
    with pytest.raises(TrainingError, match=r"another process is training in .*run; wait for it, or choose another"):
        train(config, resume=True)
    assert next(steps).step == 2
    steps.close()
    assert train(config, resume=True)[-1].step == 16


def test_a_folder_that_holds_another_training(config):
    train(change(config, steps=2))
    files = {path: path.stat().st_mtime_ns for path in config.folder.rglob("*") if path.is_file()}
    with pytest.raises(TrainingError, match="holds a training already; add --resume to go on, or choose another"):
        train(change(config, steps=2))
    with pytest.raises(TrainingError, match=r"different training \(steps was 2, now 9\); choose another folder"):
        train(change(config, steps=9), resume=True)
    with pytest.raises(TrainingError, match=r"different training \(units was 8, now 9; seed was 0, now 1\)"):
        train(change(config, steps=2, units=9, seed=1), resume=True)
    with pytest.raises(TrainingError, match=r"different training \(name was 'rhyme', now 'x'; sha256 was '"):
        train(change(config, steps=2), Corpus("x", TEXT.text + "."), resume=True)
    lock = config.folder / "state" / "lock"
    assert {path: path.stat().st_mtime_ns for path in files if path != lock} == {
        path: time for path, time in files.items() if path != lock
    }


def test_a_damaged_state(config):
    steps = rnncore.train(config, TEXT)
    next(steps)
    steps.close()
    path = config.folder / "state" / "latest.safetensors"
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], whole[:-1], b"", whole.replace(b"adamw/head.bias", b"adamw/head.bios")):
        path.write_bytes(broken)
        with pytest.raises(TrainingError, match=r"latest.safetensors is damaged .*; delete .* to start anew"):
            train(config, resume=True)
    path.write_bytes(whole)
    assert train(config, resume=True)[-1].step == 16


@pytest.mark.parametrize("clip", [0.0, 1.0])
def test_a_loss_that_is_no_longer_finite(clip, config):
    config = change(config, clip=clip, steps=400, learning_rate=1e30, warmup=200, validate_every=1)
    with pytest.raises(TrainingError, match="no longer finite at step") as caught:
        train(config)
    sentence = str(caught.value)
    assert "a learning rate below 1e+30" in sentence
    assert ("clipping below 1" if clip else "clipping (it is off; try 1)") in sentence
    assert f"kept in {config.folder}" in sentence
    model = rnncore.load(config.folder)
    assert all(parameter.isfinite().all() for parameter in model.parameters())
    assert math.isfinite(rnncore.score(model, "one two"))


def test_a_loss_that_is_never_finite(config):
    """Not even the first validation succeeds: nothing is kept, and the sentence does not say so."""
    config = change(config, cell="elman-relu", learning_rate=1e20, warmup=0, clip=0.0, validate_every=1)
    with pytest.raises(
        TrainingError, match=r"validation loss is no longer finite at step 1\..* There was no checkpoint"
    ):
        train(config)
    with pytest.raises(CheckpointError):
        rnncore.load(config.folder)


def test_a_full_disk(config, monkeypatch):
    steps = rnncore.train(change(config, validate_every=3), TEXT)
    for _ in range(4):
        next(steps)
    shutil.copytree(config.folder, config.folder.parent / "left" / "run")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(rnncore.Error, match=r"(disk is full|No space left)") as caught:
            list(steps)
    assert str(config.folder) in str(caught.value)
    assert not list(config.folder.rglob(".*"))
    assert rnncore.load(config.folder).parameter_count
    left = change(config, validate_every=3)
    assert train(left, resume=True)[-1].step == 16  # space was freed


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"steps": 0}, "steps must be above 0, not 0"),
        ({"learning_rate": -1.0}, "learning_rate must be above 0"),
        ({"learning_rate": math.nan}, "learning_rate must be above 0, not nan"),
        ({"clip": -1.0}, "clip must be 0 or more"),
        ({"validation": 0.0}, "validation and test are shares"),
        ({"validation": 0.6, "test": 0.5}, "validation and test are shares"),
        ({"precision": "float8"}, "precision is float32 or bfloat16, not 'float8'"),
        ({"vocabulary": "words"}, "vocabulary is characters or bytes, not 'words'"),
        ({"device": "tpu"}, "device is cpu or cuda, not 'tpu'"),
        ({"cell": "lstn"}, "no cell 'lstn'; known: elman"),
        ({"units": 0}, "units must be at least 1"),
        ({"dropout": 1.5}, "dropout is a probability"),
    ],
)
def test_impossible_configs(fields, sentence, config):
    with pytest.raises(rnncore.Error, match=sentence):
        train(change(config, **fields))
    assert not config.folder.exists()


def test_no_cuda_is_said(config, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TrainingError, match="no CUDA device here; use device 'cpu'"):
        change(config, device="cuda")


@pytest.mark.parametrize("text", ["", "a", "ab" * 3])
def test_texts_too_short_leave_no_folder(text, config):
    with pytest.raises(rnncore.Error, match=r"(empty|too short)"):
        train(config, Corpus("short", text))
    assert not config.folder.exists()


@pytest.mark.parametrize("probe", ["o", "o日", "日本"])
def test_an_impossible_probe_leaves_no_folder(probe, config):
    with pytest.raises(rnncore.Error, match=r"(at least two|never seen)"):
        train(change(config, probe=probe, probe_every=2))
    assert not config.folder.exists()


def test_a_folder_that_cannot_be_made(config, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TrainingError, match=r"cannot write to .*: Not a directory"):
        train(change(config, folder=Path(tmp_path / "file" / "run")))


# On a GPU


@pytest.mark.cuda
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_cuda_learns(precision, config):
    config = change(config, device="cuda", precision=precision, layers=1, dropout=0.0, steps=120, batch=16, length=20,
                    learning_rate=0.02, validate_every=40)  # fmt: skip
    assert train(config, couplets(6000))[-1].validation < math.log(2) / 2 + 0.05
    assert rnncore.generate(rnncore.load(config.folder), "ab", length=4, seed=0)
