"""A model that reads both ways: what it has read and what not, against stacks run by hand and by torch.nn."""

import json
import math
from dataclasses import asdict
from importlib import import_module

import numpy as np
import pytest
import torch

import rnncore
import rnncore.gradients
from rnncore.network import checkpoint
from rnncore.network.generate import generate_many, stream
from rnncore.network.intervene import by_layer
from rnncore.recording.record import record_pieces
from rnncore.training.corpora import Corpus

every_cell = pytest.mark.parametrize("cell", rnncore.cells())
recording_module = import_module("rnncore.recording.record")
TEXT = "abéeacadbea"  # é is none of its symbols


def walk(model, text, tap=lambda place, value: value):
    """Return the logits [time, vocab] and every signal by (symbol, layer, step), by loops of our own."""
    ids, depth, kept, tops = model.vocabulary.encode(text), model.config.layers, {}, {}
    steps = range(len(ids))
    xs = [model.embedding.weight[id_] if id_ >= 0 else torch.zeros_like(model.embedding.weight[0]) for id_ in ids]
    for first, order in ((0, steps), (depth, reversed(steps))):
        states = [cell.start() for cell in model.layers[first : first + depth]]
        tops[first] = dict.fromkeys(range(len(ids) + 2), states[-1].h)
        for step in order:
            x = xs[step]
            for layer in range(first, first + depth):

                def hear(symbol, value, place=(layer, step)):
                    kept[symbol, *place] = value = tap((symbol, *place), value)
                    return value

                states[layer - first] = model.layers[layer].step(x, states[layer - first], hear)
                x = states[layer - first].h
            tops[first][step] = x
    W, b = model.head.weight, model.head.bias
    return torch.stack([W @ torch.cat([tops[0][t], tops[depth][t + 2]]) + b for t in steps]), kept


def both_ways(network, cell, **sizes):
    return network(cell, bidirectional=True, **sizes)


# What it computes


@pytest.mark.parametrize(("cell", "module"), [("lstm", torch.nn.LSTM), ("gru", torch.nn.GRU), ("elman", torch.nn.RNN)])
def test_each_prediction_is_that_of_two_torch_stacks(cell, module, network):
    """One reads what precedes the symbol; the other, turned round, what follows it. Each symbol by itself."""
    model = both_ways(network, cell, layers=3)
    ids = torch.randint(0, 5, (9, 2), generator=torch.Generator().manual_seed(1))
    stacks = []
    for cells in (model.cells, model.backward_cells):
        stack = module(3, 4, num_layers=3).double()
        for layer, own in enumerate(cells):
            for name, parameter in own.named_parameters():
                getattr(stack, f"{name}_l{layer}").data.copy_(parameter)
        stacks.append(lambda x, stack=stack: stack(x)[0][-1] if len(x) else torch.zeros(2, 4).double())
    logits, _ = model(ids)
    for t in range(9):
        x = model.embedding.weight[ids]
        h = torch.cat([stacks[0](x[: t + 1]), stacks[1](x[t + 2 :].flip(0))], -1)
        torch.testing.assert_close(logits[t], h @ model.head.weight.T + model.head.bias)


@every_cell
def test_a_symbol_is_predicted_without_being_read(cell, network):
    """To the last bit, in a deep stack; with and without a graph, which take other paths."""
    model = both_ways(network, cell, layers=3)
    ids = torch.randint(0, 5, (9, 2), generator=torch.Generator().manual_seed(2))
    for graph in (True, False):
        with torch.set_grad_enabled(graph):
            logits, _ = model(ids)
            for t in (0, 3, 7):
                other = ids.clone()
                other[t + 1] = (ids[t + 1] + 1) % 5
                assert torch.equal(model(other)[0][t], logits[t])


@pytest.mark.parametrize("cell", ["gru", "lstm-peephole", "slstm"])
def test_every_other_symbol_counts(cell, network):
    model = both_ways(network, cell)
    ids = torch.randint(0, 5, (6, 1), generator=torch.Generator().manual_seed(3))
    logits, _ = model(ids)
    for step in range(6):
        other = ids.clone()
        other[step] = (ids[step] + 1) % 5
        moved = (model(other)[0] != logits).any(-1)[:, 0]
        assert [t for t in range(6) if not moved[t]] == [t for t in range(6) if t + 1 == step]


@every_cell
def test_its_probabilities_of_a_symbol_given_all_others_make_one(cell, network):
    """Each is measured in a text of its own: were the symbol read, the sum would be something else."""
    model = both_ways(network, cell)
    for t in (0, 5, 9):
        p = [math.exp(-rnncore.record(model, f"{TEXT[: t + 1]}{s}{TEXT[t + 2 :]}").loss[t]) for s in "abcde"]
        assert sum(p) == pytest.approx(1, abs=1e-6)


def test_windows_carry_the_forward_states_only(network):
    """What follows the window is not known: the backward stack starts anew at its end."""
    model = both_ways(network, "lstm")
    ids = torch.randint(0, 5, (8, 2), generator=torch.Generator().manual_seed(4))
    whole, _ = model(ids)
    _, states = model(ids[:5])
    second, _ = model(ids[5:], states)
    torch.testing.assert_close(second, whole[5:])
    assert len(states) == 4
    assert all(not state[symbol].any() for state in states[2:] for symbol in state)


# What is recorded


@every_cell
def test_a_recording_is_both_walks(cell, network, monkeypatch):
    """Every signal, loss and guess; in pieces, too, which the backward stack reads from the text's end."""
    monkeypatch.setattr(recording_module, "PIECE", 4)
    model = both_ways(network, cell)
    recording = rnncore.record(model, TEXT)
    with torch.no_grad():
        logits, kept = walk(model, TEXT)
    assert recording.layer_names == ("0 forward", "1 forward", "0 backward", "1 backward")
    assert len(kept) == len(recording.signals) * 4 * len(TEXT)
    for (symbol, layer, step), value in kept.items():
        np.testing.assert_allclose(recording[symbol, layer][step], value, rtol=1e-5, atol=1e-6)
    losses = [math.inf if i < 0 else -row[i] for row, i in zip(logits.log_softmax(-1), recording.ids[1:], strict=False)]
    np.testing.assert_allclose(recording.loss[:-1], torch.tensor(losses), rtol=1e-5)
    for length in (1, 3, 99):
        pieces = list(record_pieces(model, TEXT, length=length))
        assert all(piece.layer_names == recording.layer_names for piece in pieces)
        for symbol in recording.signals:
            joined = np.concatenate([piece[symbol] for piece in pieces], 1)
            np.testing.assert_allclose(joined, recording[symbol], rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(np.concatenate([piece.loss for piece in pieces]), recording.loss, rtol=1e-6)


@pytest.mark.parametrize("piece", [1, 3, 1024])
def test_the_score_is_the_pseudo_log_likelihood_of_the_whole_text(piece, network, monkeypatch):
    monkeypatch.setattr(recording_module, "PIECE", piece)
    model, text, seen = both_ways(network, "gru"), TEXT.replace("é", "c"), []
    log_p = walk(model, text)[0].detach().log_softmax(-1)
    expected = sum(float(log_p[t, model.vocabulary.symbols.index(text[t + 1])]) for t in range(len(text) - 1))
    assert rnncore.score(model, text, progress=lambda *done: seen.append(done)) == pytest.approx(expected)
    assert seen[-1] == (10, 10)


@pytest.mark.parametrize(("cell", "target"), [*((cell, 4) for cell in rnncore.cells()), ("lstm", None), ("gru", None)])
def test_gradients_are_those_of_the_net_written_out(cell, target, network):
    """By torch.autograd, every state of every layer of both directions; something is changed on the way as well."""
    model, text = both_ways(network, cell), TEXT.replace("é", "c")
    hold = rnncore.Clamp(3, "h", 1, 0.25, time=slice(6, 8))

    def held(place, value):
        if place[:2] == ("h", 3) and place[2] in (6, 7):
            value = value.clone()
            value[..., 1] = 0.25
        return value

    recording = rnncore.record(model, text, gradients=True, target=target, interventions=[hold])
    logits, kept = walk(model, text, held)
    losses = -logits.log_softmax(-1)[torch.arange(10), model.vocabulary.encode(text)[1:]]
    loss = losses.mean() if target is None else losses[target]
    places = [place for place in kept if place[0] in recording.states]
    found = torch.autograd.grad(loss, [kept[place] for place in places], materialize_grads=True)
    for (symbol, layer, step), gradient in zip(places, found, strict=True):
        expected = float(gradient.norm())
        assert recording.gradient[symbol][layer, step] == pytest.approx(expected, rel=1e-9, abs=1e-14)
    if target is not None:  # forward from the past alone, backward from the future alone
        grown = recording.gradient["h"]
        assert not grown[:2, target + 1 :].any()
        assert not grown[2:, : target + 2].any()


@pytest.mark.parametrize("cell", ["lstm", "min-gru", "gru-cho"])
@pytest.mark.parametrize("piece", [4, 1024])
def test_interventions_in_the_layers_that_read_backward(cell, piece, network, monkeypatch):
    """Steps are those of the text. What is read before the change, from the text's end, stays to the bit."""
    monkeypatch.setattr(recording_module, "PIECE", piece)
    model, text = both_ways(network, cell), TEXT.replace("é", "c")
    source = rnncore.record(model, "deadbeef")
    changes = [rnncore.Clamp(2, "h", 0, 0.5, time=5), rnncore.Patch(3, "h", [1, 2], source, offset=1)]
    patch = torch.from_numpy(source["h", 3].astype(np.float64))

    def tap(place, value):
        value = value.clone()
        if place == ("h", 2, 5):
            value[..., 0] = 0.5
        if place[:2] == ("h", 3) and place[2] < 7:
            value[..., [1, 2]] = patch[place[2] + 1, [1, 2]]
        return value

    plain, recording = rnncore.record(model, text), rnncore.record(model, text, interventions=changes)
    logits, kept = walk(model, text, tap)
    for (symbol, layer, step), value in kept.items():
        np.testing.assert_allclose(recording[symbol, layer][step], value.detach(), rtol=1e-5, atol=1e-6)
    for symbol in plain.signals:
        np.testing.assert_array_equal(recording[symbol][:2], plain[symbol][:2])
        np.testing.assert_array_equal(recording[symbol, 2][6:], plain[symbol, 2][6:])
        np.testing.assert_array_equal(recording[symbol, 3][7:], plain[symbol, 3][7:])
    ids = torch.from_numpy(model.vocabulary.encode(text))
    losses = -logits.log_softmax(-1)[torch.arange(10), ids[1:]]
    np.testing.assert_allclose(recording.loss[:-1], losses.detach(), rtol=1e-5)
    score = rnncore.score(model, text, interventions=changes)
    assert score == pytest.approx(-float(losses.sum().detach()), rel=1e-6)
    made = by_layer(model.layers, changes)
    for graph in (True, False):
        with torch.set_grad_enabled(graph):
            torch.testing.assert_close(model(ids[:, None], changes=made)[0][:, 0], logits)


# What it is for


def test_it_is_kept_and_read_back_as_what_it_is(network, tmp_path):
    model = both_ways(network, "gru", dtype=torch.float32)
    checkpoint.save(model, tmp_path / "both")
    assert rnncore.score(rnncore.load(tmp_path / "both"), "abcab") == rnncore.score(model, "abcab")
    old = network("gru", dtype=torch.float32)
    checkpoint.save(old, tmp_path / "old")
    config = json.loads((tmp_path / "old" / "config.json").read_text())
    del config["model"]["bidirectional"]  # as it was written before there was such a model
    (tmp_path / "old" / "config.json").write_text(json.dumps(config))
    assert rnncore.score(rnncore.load(tmp_path / "old"), "abcab") == rnncore.score(old, "abcab")


@pytest.mark.parametrize(
    ("do", "sentence"),
    [
        (lambda model: rnncore.generate(model, length=3), "it cannot write on"),
        (lambda model: stream(model, length=3), "it cannot write on"),
        (lambda model: generate_many(model, ["a"], length=3), "it cannot write on"),
        (lambda model: rnncore.gradients.flow(model, "abcab"), "record\\(gradients=True\\) gives its total gradients"),
        (lambda model: rnncore.gradients.horizon(model, "abcab" * 9, longest=4), "its context lies on both sides"),
        (lambda model: rnncore.gradients.jacobian_norms(model, "abcab"), "its states follow no single order of time"),
        (lambda model: rnncore.gradients.lyapunov(model, "abcab"), "its states follow no single order of time"),
    ],
)
def test_what_it_cannot_do_it_says(do, sentence, network):
    with pytest.raises(rnncore.Error, match=f"reads both ways and fills gaps; {sentence}"):
        do(both_ways(network, "gru"))


def announced(pairs):
    """Return brackets of three kinds in random order: only its end tells how one begins."""
    return "".join(np.random.default_rng(0).choice(["(-)", "[-]", "{-}"], pairs))


TINY = {"cell": "gru", "layers": 1, "units": 12, "embedding": 6, "dropout": 0.0, "warmup": 5, "learning_rate": 0.03}
TINY |= {"batch": 8, "length": 24, "steps": 80, "validate_every": 80}


def test_it_learns_what_only_the_end_announces(tmp_path):
    text, best = announced(500), {}
    for bidirectional in (False, True):
        config = rnncore.TrainConfig(tmp_path / str(bidirectional), **TINY, bidirectional=bidirectional)
        last = list(rnncore.train(config, Corpus("brackets", text)))[-1]
        best[bidirectional] = last.validation
        assert (last.sample is None) is bidirectional
    assert best[False] > 0.95 * math.log(3) / 3  # one symbol of three is a guess among three, for all who read forward
    assert best[True] < 0.1
    model = rnncore.load(tmp_path / "True")
    recording = rnncore.record(model, "(-)[-]{-}(-)")
    assert all(model.vocabulary.symbols[recording.top_ids[t, 0]] == recording.tokens[t + 1] for t in range(10))


def test_a_training_that_was_stopped_ends_with_the_same_weights(tmp_path):
    """Also one that began before there were models that read both ways: it reads forward."""
    corpus = Corpus("brackets", announced(100))
    for bidirectional in (True, False):
        options = {**TINY, "steps": 5, "bidirectional": bidirectional}
        configs = [rnncore.TrainConfig(tmp_path / f"{name}-{bidirectional}", **options) for name in ("whole", "parts")]
        list(rnncore.train(configs[0], corpus))
        training = rnncore.train(configs[1], corpus)
        next(training), next(training)
        training.close()
        if not bidirectional:
            run = json.loads((configs[1].folder / "run.json").read_text())
            assert run["config"].pop("bidirectional") is False
            (configs[1].folder / "run.json").write_text(json.dumps(run))
        list(rnncore.train(configs[1], corpus, resume=True))
        whole, parts = (rnncore.load(config.folder).state_dict() for config in configs)
        assert all(torch.equal(whole[name], parts[name]) for name in whole)
    with pytest.raises(rnncore.TrainingError, match="bidirectional was False, now True"):
        next(rnncore.train(rnncore.TrainConfig(**asdict(configs[1]) | {"bidirectional": True}), corpus, resume=True))
