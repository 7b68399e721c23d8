"""The loop's inside: the windows it reads, the state it carries, the rate it learns at, what it measures."""

import itertools
from dataclasses import replace as change

import pytest
import torch

import rnncore
from rnncore.training.trainer import Split, Trainer, evaluate, learning_rate
from tests.training.rhyme import TEXT, every_cell


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


@every_cell
def test_some_streams_begin_anew(cell, config):
    """Which ones is drawn for each step, whole streams in all layers alike; the others go on."""
    vocabulary = rnncore.Vocabulary.characters(TEXT.text)
    config = change(config, cell=cell, batch=40, fresh=0.25)
    model = rnncore.LanguageModel(config.model, vocabulary).initialise(0)
    ids = torch.arange(200) % len(vocabulary)
    made = Trainer(config, model, Split(ids, ids, ids))
    start = model.start(40)
    made.carried, shares = [state.map(lambda value: torch.full_like(value, 7.0)) for state in start], []
    for made.step in range(30):
        states = made._begun_anew()
        anew = (states[0].h != 7).all(1)
        for state, fresh in zip(states, start, strict=True):
            for symbol, value in state.items():
                assert torch.equal(value[anew], fresh[symbol][anew])
                assert (value[~anew] == 7).all()
        assert all(torch.equal(one.h, two.h) for one, two in zip(states, made._begun_anew(), strict=True))
        shares.append(float(anew.float().mean()))
    assert sum(shares) / 30 == pytest.approx(0.25, abs=0.05)
    assert len(set(shares)) > 3


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_every_step_drops_others(dropout, config):
    """One symbol over and over, each step an epoch, weights that stay: only dropout can tell the steps apart."""
    config = change(config, dropout=dropout, learning_rate=1e-30, weight_decay=0.0)
    model = rnncore.LanguageModel(config.model, rnncore.Vocabulary.characters("ab")).initialise(0)
    ids = torch.zeros(31, dtype=torch.int64)
    made = Trainer(config, model, Split(ids, ids, ids))
    losses = {made.update()[0] for _ in range(6)}
    assert len(losses) == (6 if dropout else 1)


def test_the_split_is_in_the_order_of_the_text(config):
    ids = torch.arange(1000)
    split = Split.of(ids, change(config, validation=0.2, test=0.1))
    assert torch.equal(torch.cat([split.train, split.validation, split.test]), ids)
    assert [len(part) for part in (split.train, split.validation, split.test)] == pytest.approx([700, 200, 100], abs=1)


def test_every_passage_is_split(config):
    split = Split.of(torch.arange(1059), change(config, validation=0.2, test=0.1, passages=10, length=20))
    assert len(split.train) == 700
    assert split.test.tolist() == [k for k in range(1000) if k % 100 >= 90]
    assert split.validation.tolist() == [k for k in range(1000) if 70 <= k % 100 < 90]


@every_cell
def test_evaluate_on_one_stream_is_the_score(cell, network):
    model, text = network(cell), "abcdeedcba" * 8
    ids = torch.from_numpy(model.vocabulary.encode(text))
    expected = -rnncore.score(model, text) / (len(text) - 1)
    for window in (1, 7, 1000):
        assert evaluate(model, ids, streams=1, window=window) == pytest.approx(expected, rel=1e-9)


def test_evaluate_on_many_streams_starts_each_without_memory(network):
    model = network("lstm")
    ids = torch.randint(0, 5, (4001,), generator=torch.Generator().manual_seed(0))
    parts = [evaluate(model, ids[first : first + 1001]) for first in range(0, 4000, 1000)]
    assert evaluate(model, ids, streams=4) == pytest.approx(sum(parts) / 4)


def test_learning_rate(config):
    config = change(config, steps=1000, warmup=100, learning_rate=1.0)
    rates = [learning_rate(step, config) for step in range(1000)]
    assert rates[0] == pytest.approx(0.01)
    assert rates[49] == pytest.approx(0.5)
    assert max(rates) == rates[99] == rates[100] == 1.0
    assert rates[550] == pytest.approx(0.505)
    assert all(one >= two for one, two in itertools.pairwise(rates[100:]))
    assert 0.01 <= rates[-1] < 0.0101


def test_learning_rate_falls_in_a_line(config):
    config = change(config, steps=1000, warmup=100, learning_rate=1.0, decay="linear")
    rates = [learning_rate(step, config) for step in range(1000)]
    assert rates[99] == rates[100] == 1.0
    assert rates[550] == pytest.approx(0.505)
    falls = [one - two for one, two in itertools.pairwise(rates[100:])]
    assert falls == pytest.approx([0.99 / 900] * 899)
    with pytest.raises(rnncore.Error, match="decay is cosine or linear, not 'steps'"):
        change(config, decay="steps")


def test_taken_up_again_it_ends_with_the_same_weights(config):
    """The multiplicative LSTM's own backward pass, bfloat16 and the linear decay, to the last bit."""
    config = change(config, cell="mlstm", precision="bfloat16", decay="linear", steps=8, warmup=2, layers=1)
    vocabulary = rnncore.Vocabulary.characters(TEXT.text)
    ids = torch.from_numpy(vocabulary.encode(TEXT.text))[:400]

    def made():
        return Trainer(config, rnncore.LanguageModel(config.model, vocabulary).initialise(0), Split(ids, ids, ids))

    whole, first, second = made(), made(), made()
    losses = [whole.update() for _ in range(8)]
    again = [first.update() for _ in range(3)]
    second.restore(first.state())
    again += [second.update() for _ in range(5)]
    assert again == losses
    assert losses[-1][0] < losses[0][0]
    for name, value in whole.state().items():
        assert torch.equal(second.state()[name], value), name
