"""Norms of Jacobians over many steps against finite differences, closed forms and the products themselves."""

import numpy as np
import pytest
import torch

import rnncore
from rnncore.cells import Cell, State, silent
from rnncore.gradients import bound, jacobian_norms, singular_values

TEXT = "abcdeab"


class Linear(Cell):
    """Not registered: it has no name."""

    rows = ("h",)

    def step(self, x, s, tap):
        return State(h=tap("h", s.h @ self.weight_hh.T))


def differences(model, text, k, eps=1e-6):
    """Return ds_t/ds_k for all t >= k, by nudging each value of the full state after step k, [time, state, state]."""
    xs = model.embed(torch.from_numpy(model.vocabulary.encode(text))).detach()

    def walk(states, rest):
        found = [torch.cat([value for state in states for value in state.values()])]
        for x in rest:
            after = []
            for cell, before in zip(model.layers, states, strict=True):
                after.append(cell.step(x, before, silent))
                x = after[-1].h
            states = after
            found.append(torch.cat([value for state in states for value in state.values()]))
        return torch.stack(found), states

    with torch.no_grad():
        _, states = walk(model.start(), xs[: k + 1])
        columns = []
        for layer, state in enumerate(states):
            for symbol in state:
                for unit in range(state[symbol].shape[0]):
                    ends = []
                    for sign in (1, -1):
                        nudged = [one.map(torch.clone) for one in states]
                        nudged[layer][symbol][unit] += sign * eps
                        ends.append(walk(nudged, xs[k + 1 :])[0])
                    columns.append((ends[0] - ends[1]) / (2 * eps))
    return torch.stack(columns, -1)


@pytest.mark.parametrize("cell", rnncore.cells())
def test_every_cell_against_finite_differences(network, cell):
    model, k = network(cell, layers=2, units=2), 2
    moved = differences(model, TEXT, k)
    for norm, order in (("spectral", 2), ("frobenius", "fro")):
        found = jacobian_norms(model, TEXT, norm=norm)
        np.testing.assert_allclose(found[k:, k], torch.linalg.matrix_norm(moved, order), rtol=1e-5, atol=1e-8)
        assert (found.norms[np.triu_indices(len(TEXT), 1)] == 0).all()
        assert not found.error.any()


def test_an_orthogonal_map():
    made = Linear(1, 6).double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        made.weight_hh.copy_(0.5 * torch.linalg.qr(torch.randn(6, 6, generator=generator, dtype=torch.float64)).Q)
    norms = jacobian_norms(made, 200).norms
    t, k = np.tril_indices(200)
    np.testing.assert_allclose(norms[t, k], 0.5 ** (t - k), rtol=1e-9)
    np.testing.assert_allclose(singular_values(made, 3), 0.5, rtol=1e-12)


def test_the_cells_path_is_the_product_of_the_forget_gates(network):
    model = network("lstm", layers=1, units=5)
    forget = rnncore.record(model, TEXT)["f", 0].astype(float)
    found = jacobian_norms(model, TEXT, path="c", layer=0)
    for t in range(len(TEXT)):
        for k in range(t + 1):
            assert found[t, k] == pytest.approx(forget[k + 1 : t + 1].prod(0).max(), rel=1e-5)


def test_the_cells_path_of_a_large_network_is_exact(network):
    """Random directions would take the many forget gates near 1 for a growth that none of them can give."""
    model = network("lstm", layers=1, units=150)
    forget = rnncore.record(model, TEXT)["f", 0].astype(float)
    for norm, measure in (("spectral", np.max), ("frobenius", np.linalg.norm)):
        found = jacobian_norms(model, TEXT, norm=norm, path="c")
        assert (found.error == 0).all()
        for k in range(len(TEXT)):
            for t in range(k, len(TEXT)):
                assert found[t, k] == pytest.approx(measure(forget[k + 1 : t + 1].prod(0)), rel=1e-5)
    assert (jacobian_norms(model, TEXT, path="h").error > 0).any()  # h mixes all units


def test_h_alone_tells_a_false_story(network):
    """An open forget gate: the full state keeps what the product of the h-to-h blocks has lost."""
    model = network("lstm", layers=1)
    (layer,) = model.layers
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.mul_(0.3)
        layer.bias_ih[4:8] = 3
    text = "abcde" * 3
    full, h = jacobian_norms(model, text), jacobian_norms(model, text, path="h")
    assert full[-1, 2] > 0.3
    assert h[-1, 2] < 1e-9


def test_random_directions_come_near_the_products(network):
    model = network("lstm", layers=1, units=24, embedding=8)
    text = "abcdeedcba" * 2
    exact = jacobian_norms(model, text, norm="frobenius")
    t, k = np.tril_indices(len(text), -1)
    many = [jacobian_norms(model, text, norm="frobenius", probes=8, seed=seed) for seed in range(30)]
    mean = np.sqrt(np.mean([found[t, k] ** 2 for found in many], 0))
    np.testing.assert_allclose(mean, exact[t, k], rtol=0.2)
    off = np.stack([np.abs(found[t, k] / exact[t, k] - 1) / found.error[t, k] for found in many])
    assert (off < 1).mean() > 0.55
    assert (off < 3).mean() > 0.95


def test_the_largest_singular_value_from_many_directions(network):
    model = network("gru", layers=2, units=20, embedding=8)
    text = "abcdeedcba"
    exact, found = jacobian_norms(model, text), jacobian_norms(model, text, probes=200)
    t, k = np.tril_indices(len(text), -1)
    off = np.abs(exact[t, k] / found[t, k] - 1) / found.error[t, k]
    assert (off < 1.2).all()
    assert (np.diagonal(found.norms) == 1).all()


def falling(base, units=24):
    """A linear map whose singular values are ``base`` ** k, in directions of their own, as its first power has them."""
    made, generator = Linear(1, units).double(), torch.Generator().manual_seed(1)
    U, V = (torch.linalg.qr(torch.randn(units, units, generator=generator, dtype=torch.float64)).Q for _ in "UV")
    with torch.no_grad():
        made.weight_hh.copy_(U @ torch.diag(base ** torch.arange(units, dtype=torch.float64)) @ V.T)
    return made


@pytest.mark.parametrize("base", [1e-6, 0.3, 0.7, 0.9])
@pytest.mark.parametrize("norm", ["spectral", "frobenius"])
def test_four_directions_and_what_they_do_not_know(norm, base):
    """How often the norm is within one standard error of the estimate, and within two; 1e-6 is a product of rank 1."""
    exact = base ** np.arange(24)
    exact = 1.0 if norm == "spectral" else np.linalg.norm(exact)
    found = jacobian_norms(falling(base), 300, norm=norm, probes=4)
    norms, error = np.diagonal(found.norms, -1), np.diagonal(found.error, -1)  # the same product from fresh directions
    off = np.abs(norms - exact) / (error * exact)
    assert (off < 1).mean() > 0.55
    assert (off < 2).mean() > 0.85
    assert np.median(error) < 0.6, "wide enough to hold anything says nothing"


def test_every_start_has_directions_of_its_own():
    """Else all pairs were wrong together, and no mean over them would help."""
    found = jacobian_norms(falling(1e-6), 30, probes=4)
    assert np.diagonal(found.norms, -1).std() > 0.2


def test_far_below_what_float32_holds(network):
    model = network("elman", layers=1)
    with torch.no_grad():
        model.layers[0].weight_hh.mul_(1e-4)
    text = "abcde" * 4
    exact, found = (jacobian_norms(model, text, norm="frobenius", probes=probes) for probes in (None, 64))
    assert exact[-1, 0] < 1e-60
    assert found[-1, 0] == pytest.approx(exact[-1, 0], rel=0.5)


def test_one_layer_of_two(network):
    model = network("gru", layers=2, units=3)
    first, second, both = (jacobian_norms(model, TEXT, layer=layer) for layer in (0, 1, None))
    assert first.shape == second.shape == both.shape == (7, 7)
    assert (both[3:, 1] >= first[3:, 1] * (1 - 1e-9)).all()
    assert (both[3:, 1] >= second[3:, 1] * (1 - 1e-9)).all()


def test_pascanus_bound_holds_and_other_cells_have_none(network):
    model = network("elman", layers=1, units=6)
    norms, factor = jacobian_norms(model, TEXT), bound(model)
    assert factor == pytest.approx(np.linalg.svd(model.layers[0].weight_hh.detach().numpy())[1].max())
    t, k = np.tril_indices(len(TEXT))
    assert (norms[t, k] <= factor ** (t - k) * (1 + 1e-9)).all()
    with pytest.raises(rnncore.Error, match=r"lstm is not of the form"):
        bound(network("lstm"))
    with pytest.raises(rnncore.Error, match="no layer 7; this network has 1"):
        bound(model, 7)


def test_single_steps(network):
    model = network("lstm", layers=2, units=3)
    values, norms = singular_values(model, TEXT), jacobian_norms(model, TEXT)
    assert values.shape == (7, 12)
    np.testing.assert_allclose(values[1:, 0], np.diagonal(norms.norms, -1), rtol=1e-9)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"norm": "nuclear"}, "spectral or frobenius"),
        ({"path": "q"}, "has c, h"),
        ({"layer": 7}, "no layer 7"),
        ({"probes": 1}, "at least 2"),
    ],
)
def test_what_there_is_not(network, options, said):
    with pytest.raises(rnncore.Error, match=said):
        jacobian_norms(network("lstm"), TEXT, **options)
