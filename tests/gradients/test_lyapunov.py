"""Lyapunov exponents against closed forms."""

import math

import numpy as np
import pytest
import torch
from scipy.special import digamma

import rnncore
from rnncore.cells import Cell, State
from rnncore.gradients import lyapunov

# Maps whose exponents are known. They are not registered: they have no name.


class Linear(Cell):
    rows = ("h",)

    def step(self, x, s, tap):
        return State(h=tap("h", s.h @ self.weight_hh.T))


class Given(Cell):
    """The input is the Jacobian."""

    rows = ("h",)

    def step(self, x, s, tap):
        return State(h=tap("h", (x.unflatten(-1, (self.units, self.units)) @ s.h.unsqueeze(-1)).squeeze(-1)))


class Random(Cell):
    """x' = g W tanh(x)."""

    rows = ("h",)

    def step(self, x, s, tap):
        return State(h=tap("h", torch.tanh(s.h) @ self.weight_hh.T))


def matrix(cell, W):
    made = cell(1, len(W)).double()
    with torch.no_grad():
        made.weight_hh.copy_(W)
    return made


def gaussian(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_an_orthogonal_map_scales_all_directions_alike():
    W = 0.8 * torch.linalg.qr(gaussian(6, 6)).Q
    found = lyapunov(matrix(Linear, W), 30)
    np.testing.assert_allclose(found, math.log(0.8), atol=1e-12)
    np.testing.assert_allclose(found.standard_errors, 0, atol=1e-12)
    assert (found.warmup, found.steps) == (3, 27)


def test_a_constant_map_has_the_logarithms_of_its_eigenvalues():
    basis = gaussian(5, 5)
    eigenvalues = torch.tensor([2.0, 1.0, 0.5, 0.25, 0.1], dtype=torch.float64)
    W = basis @ torch.diag(eigenvalues) @ torch.linalg.inv(basis)
    found = lyapunov(matrix(Linear, W), 400, warmup=150)
    np.testing.assert_allclose(found, np.log(eigenvalues.numpy()), atol=1e-6)


def test_independent_gaussian_jacobians():
    N, s, T = 8, 1.3, 2500
    inputs = s / math.sqrt(N) * gaussian(T, N * N)
    found = lyapunov(Given(N * N, N), inputs)
    expected = [0.5 * (math.log(2 * s**2 / N) + digamma((N - i) / 2)) for i in range(N)]
    errors = np.abs(np.asarray(found) - expected) / found.standard_errors
    assert (errors < 4).all(), errors
    assert (found.standard_errors < 0.03).all()


@pytest.mark.parametrize(("g", "published"), [(1.5, 0.052), (2, 0.151), (3, 0.305)])
def test_the_random_network_of_sompolinsky(g, published):
    """Sizes of N = 500 as in the literature; from one network to the next the figure varies by 0.005 or so."""
    N = 500
    W = g / math.sqrt(N) * gaussian(N, N, seed=1)
    found = lyapunov(matrix(Random, W), 700, exponents=1, warmup=200, start=gaussian(N))
    assert found[0] == pytest.approx(published, abs=0.015)


def test_a_fixed_point_of_an_lstm_has_the_eigenvalues_of_its_jacobian(network):
    model = network("lstm", layers=2)
    inputs = torch.zeros(400, 3, dtype=torch.float64)
    with torch.no_grad():
        for cell in model.layers:
            cell.weight_hh.mul_(0.4)
        states = [cell.start() for cell in model.layers]

        def step(flat):
            parts, x, after = flat.split(4), torch.zeros(3, dtype=torch.float64), []
            for k, cell in enumerate(model.layers):
                i, f, g, o = (cell.weight_ih @ x + cell.bias_ih + cell.weight_hh @ parts[2 * k] + cell.bias_hh).split(4)
                c = torch.sigmoid(f) * parts[2 * k + 1] + torch.sigmoid(i) * torch.tanh(g)
                x = torch.sigmoid(o) * torch.tanh(c)
                after += [x, c]
            return torch.cat(after)

        flat = torch.cat([value for state in states for value in state.values()])
        for _ in range(2000):
            flat = step(flat)
    jacobian = torch.autograd.functional.jacobian(step, flat)
    expected = torch.linalg.eigvals(jacobian).abs().log().sort(descending=True).values
    found = lyapunov(model, inputs, warmup=200)
    assert len(found) == 16
    # complex pairs turn: their exponents are means over the turn
    np.testing.assert_allclose(found, expected, atol=0.03)
    np.testing.assert_allclose(np.asarray(found).sum(), expected.sum(), atol=1e-6)


@pytest.mark.parametrize("cell", rnncore.cells())
def test_every_cell_on_a_text(network, cell):
    """The exponents' sum is the mean logarithm of the Jacobians' volume, however they were found."""
    from torch.func import jacrev

    from rnncore.gradients.steps import Stack

    model, text = network(cell, layers=2, units=2), "abcdeedcbaabc"
    found = lyapunov(model, text, warmup=1)
    stack = Stack.of(model, text)
    state, volumes = stack.start(), []
    for x in stack.xs:
        jacobian = jacrev(lambda s, x=x: stack.step(x, s))(state)
        volumes.append(torch.linalg.slogdet(jacobian).logabsdet)
        state = stack.step(x, state)
    volume = float(torch.stack(volumes[1:]).mean())
    assert (found[:-1] >= found[1:]).all()
    assert len(found) == stack.size
    if volume > -50:  # else some direction is lost altogether, and how much of it is left is rounding
        assert found.exponents.sum() == pytest.approx(volume, rel=1e-6)


def test_the_first_exponents_are_those_of_the_whole(network):
    model = network("gru", layers=1)
    whole, first = lyapunov(model, "abcde" * 30), lyapunov(model, "abcde" * 30, exponents=2)
    np.testing.assert_allclose(first, whole[:2], atol=0.01)


def test_dimension():
    from rnncore.gradients.lyapunov import Spectrum

    exponents = np.array([0.5, 0.1, -0.2, -1.0])
    assert Spectrum(exponents, exponents, 0, 1).dimension == pytest.approx(3.4)
    assert Spectrum(-np.ones(3), exponents, 0, 1).dimension == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"inputs": ""}, "no step to take"),
        ({"inputs": 5, "warmup": 5}, "leaves none of 5"),
        ({"inputs": 5, "exponents": 99}, "1 to 16"),
        ({"inputs": torch.zeros(4, 9)}, r"expected \[time, 3\]"),
    ],
)
def test_what_cannot_be_measured_is_said(network, arguments, said):
    with pytest.raises(rnncore.Error, match=said):
        lyapunov(network("lstm", layers=2), **arguments)


def test_a_cell_reads_no_text(network):
    with pytest.raises(rnncore.Error, match="read by a language model"):
        lyapunov(network("lstm").layers[0], "abc")
