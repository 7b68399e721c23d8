"""The loop over time, its listeners, and the model's plain path against its fast one."""

import json
import math

import pytest
import torch

import rnncore
from rnncore.network import checkpoint, fused
from rnncore.network.model import drop, next_symbol_loss
from rnncore.network.unroll import unroll

every_cell = pytest.mark.parametrize("cell", rnncore.cells())
every_twin = pytest.mark.parametrize("cell", [*fused.twins, *fused.unrolled])


def random(generator, *shape):
    return torch.randn(*shape, generator=generator, dtype=torch.float64, requires_grad=True)


@every_twin
@pytest.mark.parametrize("training", [False, True])
def test_a_twin_is_its_equations(cell, training, network):
    """Values, and the gradient of every parameter, input and start state."""
    layer = network(cell, units=5, embedding=3).layers[0].train(training)
    generator = torch.Generator().manual_seed(1)
    xs = random(generator, 8, 2, 3)
    start = layer.start(2).map(lambda zero: random(generator, *zero.shape))
    weights = [torch.randn(8, 2, 5, generator=generator, dtype=torch.float64) for _ in range(3)]

    def outcome(run):
        hs, end = run(layer, xs, start)
        loss = sum((value * weight).sum() for value, weight in zip([hs, *end.values()], weights, strict=False))
        wanted = {**dict(layer.named_parameters()), "x": xs, **start}
        return {"hs": hs, **end, **{f"d{k}": v for k, v in zip(wanted, grads(loss, wanted), strict=True)}}

    def grads(loss, wanted):
        return torch.autograd.grad(loss, list(wanted.values()))

    equations = outcome(unroll)
    for name, value in outcome(fused.run).items():
        torch.testing.assert_close(value, equations[name], rtol=1e-10, atol=1e-12, msg=lambda m, n=name: f"{n}: {m}")
        assert value.abs().max() > 0, name


@every_twin
def test_a_twin_is_taken(cell, network, monkeypatch):
    """The comparison above would be empty if the twin ran the equations."""
    layer = network(cell).layers[0]
    monkeypatch.setattr(type(layer), "step", None)
    fused.run(layer, torch.zeros(4, 1, 3).double(), layer.start(1))


@every_cell
def test_a_listener_hears_every_signal_in_order_and_may_change_it(cell, network):
    layer = network(cell, units=2).layers[0]
    xs, heard = torch.randn(3, 3, dtype=torch.float64), []

    def stop(time, symbol, value):
        heard.append((time, symbol))
        return torch.full_like(value, 0.25) if (time, symbol) == (2, "h") else value

    hs, end = unroll(layer, xs, layer.start(), stop)
    assert heard == [(time, symbol) for time in range(3) for symbol in layer.signals()]
    assert torch.equal(hs[2], torch.full((2,), 0.25).double())
    assert torch.equal(end.h, hs[2])
    assert torch.equal(hs[:2], unroll(layer, xs, layer.start())[0][:2])


# The model


@every_cell
def test_the_model_is_a_stack_of_layers(cell, network):
    """Embed, each layer over the one below, and a linear head; from a random start state."""
    model = network(cell, layers=3)
    generator = torch.Generator().manual_seed(2)
    ids = torch.randint(0, 5, (7, 2), generator=generator)
    starts = [state.map(lambda zero: random(generator, *zero.shape)) for state in model.start(2)]
    x, ends = model.embedding.weight[ids], []
    for layer, start in zip(model.cells, starts, strict=True):
        x, end = unroll(layer, x, start)
        ends.append(end)
    logits, states = model(ids, starts)
    torch.testing.assert_close(logits, x @ model.head.weight.T + model.head.bias)
    for mine, theirs in zip(ends, states, strict=True):
        for symbol in mine:
            torch.testing.assert_close(theirs[symbol], mine[symbol])


def test_tied_weights_are_learned_from_reading_and_from_scoring(network):
    """One matrix is embedding and head; its gradient is the sum of what each alone would get."""
    tied = network("gru", units=6, embedding=6, tied=True)
    apart = network("gru", units=6, embedding=6)
    apart.load_state_dict(tied.state_dict())
    assert tied.parameter_count == apart.parameter_count - apart.head.weight.numel()
    ids = torch.tensor([[0, 1], [2, 3], [4, 0], [1, 1]])
    for model in (tied, apart):
        next_symbol_loss(model(ids[:-1])[0], ids[1:]).mean().backward()
    torch.testing.assert_close(tied(ids)[0], apart(ids)[0])
    torch.testing.assert_close(tied.embedding.weight.grad, apart.embedding.weight.grad + apart.head.weight.grad)
    assert apart.head.weight.grad.abs().sum() > 0
    assert apart.embedding.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("shape", [{"embedding": 5}, {"embedding": 6, "bidirectional": True}])
def test_weights_that_cannot_be_tied(shape, network):
    with pytest.raises(rnncore.Error, match="tied weights need an embedding as wide as the units"):
        network("gru", units=6, tied=True, **shape)


@every_cell
def test_reading_in_pieces_is_reading_at_once(cell, network):
    model, ids = network(cell), torch.tensor([[0], [1], [2], [3], [4], [0], [2]])
    whole, end = model(ids)
    pieces, states = [], None
    for first, last in [(0, 1), (1, 4), (4, 7)]:
        part, states = model(ids[first:last], states)
        pieces.append(part)
    torch.testing.assert_close(torch.cat(pieces), whole)
    torch.testing.assert_close(states[-1].h, end[-1].h)


def test_an_unseen_symbol_is_a_zero_vector_and_infinitely_unlikely(network):
    model = network("gru")
    assert torch.equal(model.embed(torch.tensor([-1])), torch.zeros(1, 3).double())
    loss = next_symbol_loss(torch.zeros(2, 5), torch.tensor([-1, 3]))
    torch.testing.assert_close(loss, torch.tensor([float("inf"), math.log(5)]))


def test_dropout_is_seeded_scaled_and_off_without_a_generator(network):
    x = torch.ones(200, 200)
    one, same = (drop(x, 0.25, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one, same)
    torch.testing.assert_close(one.unique(), torch.tensor([0.0, 4 / 3]))
    assert one.mean() == pytest.approx(1, abs=0.02)
    assert torch.equal(drop(x, 0.25, None), x)
    model, ids = network("lstm", dropout=0.5), torch.tensor([[0], [1]])
    assert torch.equal(model(ids)[0], model(ids)[0])
    assert not torch.equal(model(ids)[0], model(ids, None, torch.Generator().manual_seed(0))[0])


@every_cell
def test_build_is_a_function_of_its_seed(cell):
    vocabulary = rnncore.Vocabulary.characters("abc")
    one, same, other = (rnncore.build(cell, vocabulary=vocabulary, units=4, seed=s) for s in (0, 0, 1))
    assert not one.training
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(one.embedding.weight, other.embedding.weight)
    assert not torch.equal(one.head.weight, other.head.weight)


@every_cell
def test_parameter_count_by_the_formula(cell):
    """A cell's own count is held to its formula in tests/cells."""
    layer, vocab, embedding, units = rnncore.cells()[cell], 3, 5, 7
    model = rnncore.build(
        cell, vocabulary=rnncore.Vocabulary.characters("abc"), layers=2, units=units, embedding=embedding
    )
    layers = layer(embedding, units).parameter_count + layer(units, units).parameter_count
    assert model.parameter_count == vocab * embedding + layers + units * vocab + vocab


def test_where_weights_start_is_part_of_the_model(tmp_path):
    """Asked for in ``build`` or in a training, it is drawn and kept; a checkpoint from before knows nothing of it."""
    vocabulary, start = rnncore.Vocabulary.characters("abc"), {"recurrent_init": "identity", "forget_bias": 3.0}
    model = rnncore.build("lstm", vocabulary=vocabulary, units=4, **start)
    assert model.config == rnncore.TrainConfig(tmp_path, units=4, dropout=0.0, **start).model
    for layer in model.layers:
        assert torch.equal(layer.weight_hh, torch.eye(4).repeat(4, 1))
        assert (layer.bias_ih[4:8] == 3).all()
    checkpoint.save(model, tmp_path)
    assert rnncore.load(tmp_path).config == model.config
    config = json.loads((tmp_path / "config.json").read_text())
    for name in start:
        del config["model"][name]
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert rnncore.load(tmp_path).config.forget_bias is None
    slow = rnncore.build("lstm", vocabulary=vocabulary, units=4, chrono=100.0)
    assert slow.config == rnncore.TrainConfig(tmp_path, units=4, dropout=0.0, chrono=100.0).model
    assert (slow.layers[0].bias_ih[:4] == -slow.layers[0].bias_ih[4:8]).all()
    checkpoint.save(slow, tmp_path)
    assert rnncore.load(tmp_path).config.chrono == 100


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        ({"layers": 0}, "layers must be at least 1, not 0"),
        ({"units": -3}, "units must be at least 1, not -3"),
        ({"dropout": 1.0}, "dropout is a probability below 1, not 1.0"),
        ({"cell": "ltsm"}, "no cell 'ltsm'; known: elman"),
        ({"cell": "gru", "forget_bias": 2.0}, "gru has no forget gate f to give a bias to; leave forget_bias out"),
        ({"recurrent_init": "eye"}, "recurrent_init is orthogonal, identity, uniform, not 'eye'"),
    ],
)
def test_impossible_shapes(sizes, sentence):
    with pytest.raises(rnncore.Error, match=sentence):
        rnncore.ModelConfig(**sizes)
