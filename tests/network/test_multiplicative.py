"""The multiplicative LSTM's own backward pass; that it is its equations is tested with all twins, in test_unroll.py."""

import pytest
import torch

import rnncore
from rnncore.network import fused
from rnncore.network.model import next_symbol_loss
from rnncore.network.unroll import unroll


@pytest.fixture
def layer():
    """Wide enough that rounding averages out as in a real model, with fresh weights."""
    cell = rnncore.cells()["mlstm"](16, 64)
    cell.initialise(torch.Generator().manual_seed(0))
    return cell


@pytest.fixture
def xs():
    return torch.randn(40, 4, 16, generator=torch.Generator().manual_seed(1))


def gradients(layer, xs, run=fused.run, precision=torch.float32):
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
        hs, _ = run(layer, xs, layer.start(4))
    names = dict(layer.named_parameters())
    return hs, dict(zip(names, torch.autograd.grad(hs.float().square().sum(), list(names.values())), strict=True))


def test_in_bfloat16_it_is_as_near_as_its_products_are(layer, xs):
    """Gradients within a few of bfloat16's 2^-8, at every weight's own size; states stay in float32."""
    exact, expected = gradients(layer, xs)
    hs, found = gradients(layer, xs, precision=torch.bfloat16)
    assert hs.dtype == torch.float32
    assert (hs - exact).norm() < 0.01 * exact.norm()
    for name, value in found.items():
        assert value.dtype == torch.float32
        assert (value - expected[name]).norm() < 0.02 * expected[name].norm(), name


def test_in_bfloat16_a_weight_norm_keeps_what_bfloat16_would_round_away(layer, xs):
    """Weights and gains that change by less than one step of bfloat16 still have their gradient in float32."""
    _, before = gradients(layer, xs, precision=torch.bfloat16)
    with torch.no_grad():
        layer.weight_hh.mul_(3.0)  # weight norm takes the size away, and so the gradient falls by three
    _, after = gradients(layer, xs, precision=torch.bfloat16)
    torch.testing.assert_close(
        after["gain_hh"], before["gain_hh"], rtol=2e-2, atol=2e-2 * float(before["gain_hh"].std())
    )
    ratio = before["weight_hh"].norm() / after["weight_hh"].norm()
    assert ratio == pytest.approx(3, rel=0.02)


def test_without_gradients_nothing_differs(layer, xs):
    hs, end = fused.run(layer, xs, layer.start(4))
    with torch.no_grad():
        again, last = fused.run(layer, xs, layer.start(4))
    assert torch.equal(hs, again)
    assert torch.equal(end.c, last.c)
    assert torch.equal(end.h, hs[-1])


def test_two_windows_are_one(layer, xs):
    whole, end = fused.run(layer, xs, layer.start(4))
    first, middle = fused.run(layer, xs[:17], layer.start(4))
    second, last = fused.run(layer, xs[17:], middle)
    torch.testing.assert_close(torch.cat([first, second]), whole)
    torch.testing.assert_close(last.c, end.c)


def test_it_learns_as_the_equations_do(monkeypatch):
    """Ten updates of a model, with and without the twin."""

    def losses():
        model = rnncore.build("mlstm", vocabulary=rnncore.Vocabulary.bytes(), units=8, embedding=4, layers=1).double()
        optimizer, found = torch.optim.Adam(model.parameters(), 0.01), []
        ids = torch.randint(97, 101, (12, 3), generator=torch.Generator().manual_seed(0))
        for _ in range(10):
            logits, _ = model(ids[:-1])
            loss = next_symbol_loss(logits, ids[1:]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            found.append(float(loss.detach()))
        return found

    mine = losses()
    monkeypatch.setattr(fused, "run", unroll)
    assert mine == pytest.approx(losses(), rel=1e-9)
    assert mine[-1] < mine[0]
