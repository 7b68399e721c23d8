"""Training: it learns, tells what it does, and keeps what it promises."""

import importlib
import itertools
import math
import random
from dataclasses import replace as change

import pytest
import torch
from safetensors.torch import load_file

import rnncore
from rnncore import Recording, Run
from rnncore.network import checkpoint
from rnncore.training.corpora import Corpus
from rnncore.training.trainer import Split, Trainer, evaluate, learning_rate
from tests.training.rhyme import TEXT, assert_same_weights, every_cell, train, weights

loop = importlib.import_module("rnncore.training.train")  # the package shows the function of that name


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
    written = rnncore.generate(rnncore.load(config.folder), "ab", length=50, top_p=0.7, seed=0)
    assert {written[i : i + 2] for i in range(0, 50, 2)} == {"ab", "cd"}


@pytest.mark.parametrize("cell", ["elman", "gru", "lstm", "mlstm", "slstm"])
def test_bfloat16_learns_too(cell, config):
    progress = train(change(config, cell=cell, precision="bfloat16", steps=30, learning_rate=0.02))
    assert progress[-1].loss < progress[0].loss - 0.1
    assert all(tensor.dtype == torch.float32 for tensor in weights(config.folder).values())


def test_bytes(config):
    assert train(change(config, vocabulary="bytes", steps=2), Corpus("é", "日本é" * 200))[-1].validation > 0
    assert rnncore.load(config.folder).vocabulary == rnncore.Vocabulary.bytes()


def test_subwords(config):
    text = "the cat sat, the cats that sat. " * 200
    assert train(change(config, vocabulary="subwords", subwords=20, steps=2), Corpus("cats", text))[-1].validation > 0
    assert rnncore.load(config.folder).vocabulary == rnncore.Vocabulary.subwords(text, 20)


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


def test_held_out_text_is_never_trained_on(config):
    """Whatever the held-out part says, the weights are the same."""
    head = TEXT.text[: int(len(TEXT.text) * 0.8)]
    tails = [TEXT.text[len(head) :], TEXT.text[len(head) :][::-1]]
    for name, tail in zip("ab", tails, strict=True):
        train(change(config, folder=config.folder / name, steps=5), Corpus("text", head + tail))
    assert_same_weights(weights(config.folder / "a"), weights(config.folder / "b"))
    assert Run(config.folder / "a").metrics["validation"] != Run(config.folder / "b").metrics["validation"]


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
    state = load_file(half.folder / "state" / "latest.safetensors")
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, state[f"model/{name}"]), name
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


# On a GPU


@pytest.mark.cuda
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_cuda_learns(precision, config):
    config = change(config, device="cuda", precision=precision, layers=1, dropout=0.0, steps=120, batch=16, length=20,
                    learning_rate=0.02, validate_every=40)  # fmt: skip
    assert train(config, couplets(6000))[-1].validation < math.log(2) / 2 + 0.05
    assert rnncore.generate(rnncore.load(config.folder), "ab", length=4, seed=0)
