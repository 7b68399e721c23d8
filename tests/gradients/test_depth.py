"""Depth: stacks against numpy and finite differences, paths against every path there is, and against closed forms."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.stats import binom
from sklearn.datasets import load_digits

import rnncore
from rnncore.gradients import (
    DepthConfig,
    FeedForward,
    effective_lengths,
    layer_gradients,
    path_gradients,
    path_vectors,
    sample_paths,
    train_stacks,
)

KINDS, EPS = ("plain", "residual", "dense"), 1e-6
f = {"tanh": np.tanh, "relu": lambda x: np.maximum(x, 0), "linear": lambda x: x}
slope = {"tanh": lambda x: 1 - np.tanh(x) ** 2, "relu": lambda x: (x > 0) * 1.0, "linear": np.ones_like}


def examples(count=5, seed=1):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(count, 64)), generator.integers(10, size=count)


def tensors(xs, targets):
    return torch.from_numpy(xs), torch.from_numpy(targets)


def build(kind, depth=4, width=6, activation="tanh", gain=0.9, growth=3):
    stack = FeedForward(kind, depth, width, activation, growth).initialise(torch.Generator().manual_seed(3), gain)
    with torch.no_grad():
        for number, layer in enumerate((stack.stem, *stack.layers, stack.head)):
            layer.bias.normal_(generator=torch.Generator().manual_seed(number))
    return stack


def arrays(stack):
    """Weights and biases: stem, layers, head."""
    return [
        (map_.weight.detach().numpy(), map_.bias.detach().numpy()) for map_ in (stack.stem, *stack.layers, stack.head)
    ]


def oracle(kind, activation, maps, xs, nudge=None):
    """Logits by the textbook's formulas; ``nudge`` = (layer, change) is added to what a layer wrote."""
    act, (stem, *layers, head) = f[activation], maps
    extra = dict([nudge] if nudge else [])
    x = xs @ stem[0].T + stem[1] + extra.get(0, 0)
    if kind == "plain":
        h = act(x)
        for number, (W, b) in enumerate(layers, 1):
            h = act(h @ W.T + b + extra.get(number, 0))
        return h @ head[0].T + head[1]
    written = [x]
    for number, (W, b) in enumerate(layers, 1):
        read = sum(written) if kind == "residual" else np.concatenate(written, 1)
        written.append(act(read) @ W.T + b + extra.get(number, 0))
    last = sum(written) if kind == "residual" else np.concatenate(written, 1)
    return act(last) @ head[0].T + head[1]


def losses(logits, targets):
    """Cross-entropy of every example, in nats."""
    return np.log(np.exp(logits).sum(1)) - logits[np.arange(len(targets)), targets]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", f)
def test_a_stack_is_what_the_papers_say(kind, activation):
    stack, (xs, _) = build(kind, activation=activation), examples()
    expected = oracle(kind, activation, arrays(stack), xs)
    np.testing.assert_allclose(stack(torch.from_numpy(xs)).detach(), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", f)
def test_gradients_by_layer_are_finite_differences(kind, activation):
    stack, (xs, targets) = build(kind, activation=activation), examples()
    maps = arrays(stack)
    outputs, weights = layer_gradients(stack, *tensors(xs, targets))

    def difference(change):
        ends = [losses(oracle(kind, activation, *change(sign * EPS)), targets) for sign in (1, -1)]
        return (ends[0] - ends[1]) / (2 * EPS)

    for layer, (W, b) in enumerate(maps[:-1]):
        units = np.eye(len(b))
        by_unit = [difference(lambda eps, unit=unit, layer=layer: (maps, xs, (layer, eps * unit))) for unit in units]
        assert outputs[layer] == pytest.approx(math.sqrt(np.mean(np.sum(np.square(by_unit), 0))), rel=1e-6)
        total = 0.0
        for place in np.ndindex(W.shape):

            def change(eps, place=place, layer=layer, W=W, b=b):
                moved = W.copy()
                moved[place] += eps
                return [*maps[:layer], (moved, b), *maps[layer + 1 :]], xs

            total += difference(change).mean() ** 2
        assert weights[layer] == pytest.approx(math.sqrt(total), rel=1e-6)


def orthogonal(stack, a):
    """Make every layer a times a rotation of its own, without bias."""
    for number, layer in enumerate(stack.layers):
        Q, _ = torch.linalg.qr(
            torch.randn(layer.weight.shape, generator=torch.Generator().manual_seed(number), dtype=torch.float64)
        )
        layer.weight.data, layer.bias.data = a * Q, torch.zeros_like(layer.bias)
    return stack


def identity(stack, a):
    """Make every layer a times the identity, without bias."""
    for layer in stack.layers:
        layer.weight.data, layer.bias.data = a * torch.eye(len(layer.bias)).double(), torch.zeros_like(layer.bias)
    return stack


@pytest.mark.parametrize("a", [0.5, 1.0, 1e-3, 20.0])
def test_rotations_decay_or_explode_by_the_closed_form(a):
    outputs, _ = layer_gradients(orthogonal(build("plain", 80, activation="linear"), a), *tensors(*examples()))
    np.testing.assert_allclose(np.log(outputs[:-1] / outputs[1:]), math.log(a), rtol=1e-9, atol=1e-9)
    if a == 1e-3:
        assert 0 < outputs[0] < 1e-230  # whose square is no number any more


def test_the_identity_added_to_the_skip():
    stack = identity(build("residual", 20, activation="linear"), 0.3)
    outputs, _ = layer_gradients(stack, *tensors(*examples()))
    np.testing.assert_allclose(outputs[:-1] / outputs[1:], 1.3)


# ---- paths ---------------------------------------------------------------------------------------------------


def every_path(stack, activation, xs, targets):
    """The gradient at x_0 along each of the 2ⁿ paths: (length, [example, unit])."""
    (W_in, b_in), *layers, (W_out, b_out) = arrays(stack)
    states = [xs @ W_in.T + b_in]
    for W, b in layers:
        states.append(states[-1] + f[activation](states[-1]) @ W.T + b)
    logits = f[activation](states[-1]) @ W_out.T + b_out
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    end = ((p - np.eye(10)[targets]) @ W_out) * slope[activation](states[-1])
    for taken in itertools.product((False, True), repeat=len(layers)):
        g = end
        for take, (W, _), x in reversed(list(zip(taken, layers, states[:-1], strict=True))):
            g = g @ W * slope[activation](x) if take else g
        yield sum(taken), g


@pytest.mark.parametrize("activation", f)
def test_path_vectors_are_the_sum_over_every_path(activation):
    stack, (xs, targets) = build("residual", 6, activation=activation), examples()
    expected = np.zeros((7, 5, 6))
    for length, g in every_path(stack, activation, xs, targets):
        expected[length] += g
    np.testing.assert_allclose(path_vectors(stack, *tensors(xs, targets)), expected, rtol=1e-9, atol=1e-12)


def test_all_lengths_together_are_autograds_gradient():
    stack, (xs, targets) = build("residual", 54, 16), tensors(*examples())
    states, _, logits = stack.trace(xs)
    (expected,) = torch.autograd.grad(torch.nn.functional.cross_entropy(logits, targets, reduction="sum"), states[0])
    np.testing.assert_allclose(path_vectors(stack, xs, targets).sum(0), expected, rtol=1e-9, atol=1e-12)


def test_sampled_paths_are_paths_all_of_them_equally_often():
    stack, (xs, targets) = build("residual", 5), examples(1)
    sizes = {length: [] for length in range(6)}
    for length, g in every_path(stack, "tanh", xs, targets):
        sizes[length].append(np.linalg.norm(g))
    drawn = sample_paths(stack, *tensors(xs, targets), 2000, torch.Generator().manual_seed(0)).numpy()
    for length, known in sizes.items():
        apart = np.abs(drawn[length][:, None] - known)
        assert apart.min(1).max() < 1e-12
        often = np.bincount(apart.argmin(1), minlength=len(known)) / 2000
        np.testing.assert_allclose(often, 1 / len(known), atol=0.045)  # four standard errors of the largest


def test_examples_of_sampled_paths_are_drawn_from_all():
    stack, (xs, targets) = build("residual", 3), examples(4)
    ends = next(np.linalg.norm(g, axis=1) for length, g in every_path(stack, "tanh", xs, targets) if length == 0)
    drawn = sample_paths(stack, *tensors(xs, targets), 50, torch.Generator().manual_seed(0))[0].numpy()
    assert set(np.round(drawn, 9)) == set(np.round(ends, 9))


@pytest.mark.parametrize("a", [1.0, 0.4])
def test_paths_that_pull_the_same_way_are_binomial(a):
    stack, n = identity(build("residual", 30, activation="linear"), a), 30
    table = path_gradients(stack, *tensors(*examples()))
    np.testing.assert_allclose(table["paths"], binom.pmf(range(n + 1), n, 0.5), rtol=1e-9)
    np.testing.assert_allclose(table["share"], binom.pmf(range(n + 1), n, a / (1 + a)), rtol=1e-9, atol=1e-300)


@pytest.mark.parametrize("a", [1.0, 0.4])
def test_single_paths_of_rotations(a):
    stack, n = orthogonal(build("residual", 30, activation="linear"), a), 30
    table = path_gradients(stack, *tensors(*examples(1)))
    np.testing.assert_allclose(table["path_norm"], table["path_norm"][0] * a ** np.arange(n + 1.0))
    np.testing.assert_allclose(table["path_share"], binom.pmf(range(n + 1), n, a / (1 + a)), rtol=1e-9, atol=1e-300)
    assert table["share"].sum() == pytest.approx(1)
    # Rotated at random, vectors add up by their squares: so a path of length k counts as a^(2k), not as a^k.
    squares = (path_vectors(stack, *tensors(*examples(1))) ** 2).sum((1, 2))
    mean = float(squares @ torch.arange(n + 1.0).double() / squares.sum())
    assert mean == pytest.approx(n * a**2 / (1 + a**2), rel=0.15)


def test_the_middle_of_a_distribution():
    share = binom.pmf(range(55), 54, 0.5)
    assert effective_lengths(share) == tuple(int(binom.ppf(q, 54, 0.5)) for q in (0.05, 0.95))
    assert effective_lengths(np.array([1.0, 0, 0])) == (0, 0)
    assert effective_lengths(np.array([0.3, 0.9, -0.2])) == (0, 1)


# ---- training ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained():
    return list(train_stacks(DepthConfig(depth=54, width=16, seeds=2, updates=100, every=50, learning_rate=2e-3)))


def test_residual_and_dense_learn_where_plain_does_not(trained):
    ends = {(one.kind, one.seed): one for one in trained if one.update == 100}
    for seed in (0, 1):
        assert ends["plain", seed].loss > 2
        assert ends["plain", seed].outputs[0] < 1e-3 * ends["plain", seed].outputs[-1]
        for kind in ("residual", "dense"):
            assert ends[kind, seed].loss < 1.2
            assert ends[kind, seed].accuracy > 0.5


def test_terms_are_equal(trained):
    assert [one.update for one in trained[:3]] == [0, 50, 100]
    weights = {one.kind: one.parameters for one in trained}
    assert weights["plain"] == weights["residual"]
    assert weights["dense"] == pytest.approx(weights["plain"], rel=0.01)
    starts = {(one.kind, one.seed): one for one in trained if one.update == 0}
    assert starts["residual", 0].loss != starts["residual", 1].loss
    assert (starts["residual", 0].paths is not None, starts["dense", 0].paths) == (True, None)


@pytest.mark.parametrize("depth", [1, 10, 54])
def test_a_dense_stack_is_matched_in_weights(depth):
    plain, _, dense = train_stacks(DepthConfig(depth=depth, width=32, seeds=1, updates=0))
    assert dense.parameters == pytest.approx(plain.parameters, rel=0.015)


def test_a_start_is_measured_on_digits_held_out():
    (one,) = train_stacks(DepthConfig(("residual",), depth=3, width=8, seeds=1, updates=0))
    stack = FeedForward("residual", 3, 8).initialise(torch.Generator().manual_seed(0), 3**-0.5)
    pixels, targets = load_digits(return_X_y=True)
    found = losses(oracle("residual", "tanh", arrays(stack), pixels / 8 - 1), targets)
    assert 1437 * one.training + 360 * one.loss == pytest.approx(found.sum())
    assert one.loss != pytest.approx(one.training)


def test_a_seed_is_a_training():
    config = DepthConfig(("plain", "dense"), depth=3, width=8, seeds=2, updates=3, every=2)
    first, second = list(train_stacks(config)), list(train_stacks(config))
    assert [(one.kind, one.seed, one.update, one.loss) for one in first] == [
        (one.kind, one.seed, one.update, one.loss) for one in second
    ]
    assert [one.update for one in first[:3]] == [0, 2, 3]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"kinds": ()}, "at least one kind of plain, residual, dense"),
        ({"kinds": ("highway",)}, "no kind 'highway'; known: plain, residual, dense"),
        ({"activation": "gelu"}, "no activation 'gelu'"),
        ({"depth": 0}, "depth must be at least 1, not 0"),
        ({"updates": -1}, "updates must be at least 0"),
    ],
)
def test_what_is_no_comparison(options, said):
    with pytest.raises(rnncore.Error, match=said):
        DepthConfig(**options)


def test_only_residual_stacks_are_many_paths():
    with pytest.raises(rnncore.Error, match="this one is dense"):
        path_vectors(build("dense"), *tensors(*examples()))
