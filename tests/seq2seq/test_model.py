"""The translator: both orders of looking and stepping against numpy, padding, gradients by finite differences."""

import numpy as np
import pytest
import torch

import rnncore
from rnncore.seq2seq.tokens import PAD
from rnncore.seq2seq.train import evaluate

SHAPES = [
    {"attention": "none", "cell": "lstm", "decoder_layers": 2},
    {"attention": "additive", "coverage": True, "encoder_layers": 2},
    {"attention": "dot", "bidirectional": False, "input_feeding": True},
    {"attention": "general", "cell": "lstm", "input_feeding": True, "decoder_layers": 2},
    {"attention": "concat", "cell": "elman", "coverage": True},
]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def gru(weights, prefix, x, h):
    """Cho (2014), as torch has it, written out."""
    W, U = weights[f"{prefix}.weight_ih"], weights[f"{prefix}.weight_hh"]
    b, d = weights[f"{prefix}.bias_ih"], weights[f"{prefix}.bias_hh"]
    (xr, xz, xn), (hr, hz, hn) = np.split(W @ x + b, 3), np.split(U @ h + d, 3)
    r, z = sigmoid(xr + hr), sigmoid(xz + hz)
    n = np.tanh(xn + r * hn)
    return (1 - z) * n + z * h


def by_hand(model, source, target):
    """Logits and weights of a translator with one layer of GRU on either side, in numpy, sentence by sentence."""
    w = {name: value.numpy() for name, value in model.state_dict().items()}
    units = model.config.units
    h, forward, backward = np.zeros(units), [], []
    for token in source:
        h = gru(w, "encoder.0", w["source_embedding.weight"][token], h)
        forward.append(h)
    h = np.zeros(units)
    for token in source[::-1]:
        h = gru(w, "backward_encoder.0", w["source_embedding.weight"][token], h)
        backward.insert(0, h)
    memory = np.concatenate([np.stack(forward), np.stack(backward)], 1)
    s = np.tanh(w["bridge.weight"] @ np.concatenate([forward[-1], backward[0]]) + w["bridge.bias"])
    before, fed = model.config.attention == "additive", np.zeros(units)
    logits, maps = [], []

    def look(q):
        if model.config.attention == "general":
            scores = memory @ w["attention.W.weight"].T @ q
        else:
            inside = w["attention.W.weight"] @ q + memory @ w["attention.U.weight"].T + w["attention.U.bias"]
            scores = np.tanh(inside) @ w["attention.v.weight"][0]
        weights = np.exp(scores) / np.exp(scores).sum()
        maps.append(weights)
        return weights @ memory

    for token in target:
        x = w["target_embedding.weight"][token]
        if before:
            context = look(s)
            s = gru(w, "decoder.0", np.concatenate([x, context]), s)
        else:
            s = gru(w, "decoder.0", np.concatenate([x, fed]), s)
            context = look(s)
        fed = np.tanh(w["read.weight"] @ np.concatenate([s, context]) + w["read.bias"])
        logits.append(w["head.weight"] @ fed + w["head.bias"])
    return np.stack(logits), np.stack(maps)


@pytest.mark.parametrize("shape", [{"attention": "additive"}, {"attention": "general", "input_feeding": True}])
def test_steps_are_those_of_bahdanau_and_of_luong(translator, shape):
    model = translator(**shape)
    source, target = [4, 6, 5, 8, 3], [2, 5, 4, 6]
    logits, maps = model(torch.tensor(source)[:, None], torch.tensor(target)[:, None])
    expected, weights = by_hand(model, source, target)
    np.testing.assert_allclose(logits[:, 0].detach(), expected, atol=1e-12)
    np.testing.assert_allclose(maps[..., 0].detach(), weights, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_padding_changes_nothing(translator, shape):
    model = translator(**shape)
    generator = torch.Generator().manual_seed(3)
    source, target = (torch.randint(4, 7, (time, 3), generator=generator) for time in (6, 4))
    source[4:, 1] = PAD
    logits, maps = model(source, target)
    alone, own = model(source[:4, 1:2], target[:, 1:2])
    torch.testing.assert_close(logits[:, 1:2], alone, atol=1e-12, rtol=0)
    torch.testing.assert_close(maps[:, :4, 1:2], own, atol=1e-12, rtol=0)
    assert (maps[:, 4:, 1] == 0).all()
    if shape["attention"] != "none":
        torch.testing.assert_close(maps.sum(1), torch.ones(4, 3).double())


@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_are_those_of_finite_differences(translator, shape):
    model = translator(**{**shape, "units": 3, "embedding": 2})
    source, target = torch.tensor([[4, 5], [6, 7], [3, PAD]]), torch.tensor([[2, 2], [4, 6]])
    names = [name for name, weight in model.named_parameters() if weight.requires_grad]
    weights = tuple(weight.detach().clone().requires_grad_() for weight in model.parameters())

    def loss(*values):
        logits, _ = torch.func.functional_call(model, dict(zip(names, values, strict=True)), (source, target))
        return (logits.log_softmax(-1)[..., 4]).sum()

    assert torch.autograd.gradcheck(loss, weights, fast_mode=True)


def test_forced_weights_are_what_is_read(translator):
    model = translator()
    read = model.encode(torch.tensor([[4], [5], [3]]))
    row = torch.tensor([[0.0], [1.0], [0.0]]).double()
    y = torch.tensor([2])
    _, weights, _ = model.step(y, model.start(read), read, forced=row)
    torch.testing.assert_close(weights, row)
    other = model.step(y, model.start(read), read)[0]
    assert not torch.allclose(model.step(y, model.start(read), read, forced=row)[0], other)
    kept = torch.full((3, 1), torch.nan).double()
    torch.testing.assert_close(model.step(y, model.start(read), read, forced=kept)[0], other)


def test_evaluation_does_not_depend_on_how_pairs_are_batched(translator):
    model = translator().float()
    pairs = [("abc", "xy"), ("a", "zzz"), ("edcba", "x"), ("bb", "yx")]
    assert evaluate(model, pairs, many=4) == pytest.approx(evaluate(model, pairs, many=1), abs=1e-6)


@pytest.mark.parametrize("cell", sorted(rnncore.cells()))
def test_every_cell_can_translate(translator, cell):
    model = translator(cell=cell)
    logits, weights = model(torch.tensor([[4], [5], [3]]), torch.tensor([[2], [4]]))
    assert logits.shape == (2, 1, 7)
    assert torch.isfinite(logits).all()
    torch.testing.assert_close(weights.sum(1), torch.ones(2, 1).double())
