"""The scan over all steps at once against the loop over time."""

import pytest
import torch

from rnncore.network.scan import scan


def loop(a, b, h):
    hs = []
    for a_t, b_t in zip(a, b, strict=True):
        h = a_t * h + b_t
        hs.append(h)
    return torch.stack(hs)


def problem(time, *, gates=torch.rand, seed=0):
    generator = torch.Generator().manual_seed(seed)
    double = {"dtype": torch.float64, "generator": generator}
    a = gates(time, 2, 3, **double)
    return [v.requires_grad_() for v in (a, torch.randn(time, 2, 3, **double), torch.randn(2, 3, **double))]


@pytest.mark.parametrize("wide", [1, 10_000], ids=["loop", "scan"])
@pytest.mark.parametrize("time", [1, 2, 3, 4, 5, 7, 8, 63, 64, 65, 100])
def test_values_and_gradients_are_the_loops(time, wide, monkeypatch):
    monkeypatch.setattr("rnncore.network.scan.WIDE", wide)
    given = problem(time)
    weights = torch.randn(time, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    one, other = scan(*given), loop(*given)
    torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14)
    found, expected = (torch.autograd.grad((hs * weights).sum(), given) for hs in (one, other))
    for mine, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-11, atol=1e-13)


def test_second_derivatives_by_finite_differences():
    assert torch.autograd.gradgradcheck(scan, problem(5))


def test_gates_that_are_shut_or_open_or_all_but_shut():
    """Where products underflow, and logarithms of gates would be infinite."""

    def gates(*shape, generator, **options):
        few = torch.tensor([0.0, 1.0, 1e-200, 1 - 1e-16], dtype=torch.float64)
        return few[torch.randint(4, shape, generator=generator)]

    given = problem(200, gates=gates)
    one, other = scan(*given), loop(*given)
    torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
    found, expected = (torch.autograd.grad(hs.sum(), given) for hs in (one, other))
    for mine, theirs in zip(found, expected, strict=True):
        assert mine.isfinite().all()
        torch.testing.assert_close(mine, theirs, rtol=1e-11, atol=1e-11)


def test_a_long_memory_is_kept_in_single_precision():
    """10,000 steps with gates near 1: the error stays that of float32's own sums."""
    a, b, h = (value.detach() for value in problem(10_000, gates=lambda *s, **o: 1 - 1e-4 * torch.rand(*s, **o)))
    exact, single = loop(a, b, h), scan(a.float(), b.float(), h.float())
    assert (single - exact).abs().max() < 1e-4 * exact.abs().max()


def test_the_start_state_matters_and_only_as_far_as_the_gates_let_it():
    a, b, h = problem(9)
    difference = scan(a, b, h) - scan(a, b, torch.zeros_like(h))
    torch.testing.assert_close(difference, a.cumprod(0) * h, rtol=1e-12, atol=1e-14)
