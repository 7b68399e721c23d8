"""Gradients through time against autograd on the unrolled net, finite differences and closed forms."""

import math

import numpy as np
import pytest
import torch

import rnncore
from rnncore.cells import silent
from rnncore.gradients import flow
from rnncore.network.model import next_symbol_loss

TEXT = "abcdeabdc"


def unrolled(model, text, target):
    """The whole net at once, every state of every step a leaf that keeps its gradient; returns the loss and these."""
    ids = torch.from_numpy(model.vocabulary.encode(text))
    xs, taps, inputs = list(model.embed(ids).detach()), [], []
    for cell in model.layers:
        state, kept, given = cell.start(), [], []
        for t, x in enumerate(xs):
            x = x + 0 if x.requires_grad else x.clone().requires_grad_()  # a node of this layer's own
            x.retain_grad()
            given.append(x)
            heard = {}

            def tap(symbol, value, heard=heard, cell=cell):
                if symbol in cell.states:
                    value.retain_grad()
                    heard[symbol] = value
                return value

            state = cell.step(x, state, tap)
            kept.append(heard)
            xs[t] = state.h
        taps.append(kept)
        inputs.append(given)
    losses = next_symbol_loss(model.head(torch.stack(xs))[:-1], ids[1:])
    return (losses.mean() if target is None else losses[target]), taps, inputs


def near(grad):
    """What a norm should be; the stabiliser's gradient in sLSTM is exactly 0, but for rounding."""
    return pytest.approx(0.0 if grad is None else float(grad.norm()), rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("target", [3, None])
@pytest.mark.parametrize("cell", rnncore.cells())
def test_total_gradients_are_autograds(network, cell, target):
    model = network(cell, layers=2)
    found = flow(model, TEXT, target)
    loss, taps, inputs = unrolled(model, TEXT, target)
    loss.backward()
    assert found.loss == pytest.approx(float(loss.detach()), rel=1e-12)
    for layer, (kept, given) in enumerate(zip(taps, inputs, strict=True)):
        for t, (heard, x) in enumerate(zip(kept, given, strict=True)):
            assert 10 ** found.inputs[layer, t] == near(x.grad)
            for state, value in heard.items():
                assert 10 ** found.total[state][layer, t] == near(value.grad), (state, layer, t)


@pytest.mark.parametrize("cell", rnncore.cells())
def test_a_weights_shares_add_up_to_its_gradient(network, cell):
    """Each step's share is the gradient of a copy of the weights that is used at this step alone."""
    model = network(cell, layers=1)
    found = flow(model, TEXT, -1)
    (layer,) = model.layers
    ids = torch.from_numpy(model.vocabulary.encode(TEXT))
    copies, state = [], layer.start()
    from torch.func import functional_call

    class Once(torch.nn.Module):
        def __init__(self, cell):
            super().__init__()
            self.cell = cell

        def forward(self, x, s):
            return self.cell.step(x, s, silent)

    once = Once(layer)
    for x in model.embed(ids[:-1]).detach():
        own = {f"cell.{name}": value.detach().clone().requires_grad_() for name, value in layer.named_parameters()}
        copies.append(own)
        state = functional_call(once, own, (x, state))
    next_symbol_loss(model.head(state.h)[None], ids[-1:]).sum().backward()
    for name in found.weights:
        for t, own in enumerate(copies):
            grad = own[f"cell.{name}"].grad
            assert 10 ** found.weights[name][0, t] == near(grad)


@pytest.mark.parametrize("cell", rnncore.cells())
def test_direct_takes_no_step_in_time(network, cell):
    """The gradient when what a state hands to the next step is cut off."""
    model = network(cell, layers=2)
    found = flow(model, TEXT, None)
    ids = torch.from_numpy(model.vocabulary.encode(TEXT))
    states, kept, tops = model.start(), [], []
    for x in model.embed(ids).detach():
        heard = [{} for _ in states]
        after = []
        for layer, before, into in zip(model.layers, states, heard, strict=True):

            def tap(symbol, value, into=into, layer=layer):
                if symbol in layer.states:
                    value = value + 0  # a node of its own
                    value.retain_grad()
                    into[symbol] = value
                return value

            after.append(layer.step(x, before, tap))
            x = after[-1].h
        states = [state.map(lambda value: value.detach()) for state in after]
        kept.append(heard)
        tops.append(x)
    next_symbol_loss(model.head(torch.stack(tops))[:-1], ids[1:]).mean().backward()
    for t, heard in enumerate(kept):
        for layer, into in enumerate(heard):
            for state, value in into.items():
                assert 10 ** found.direct[state][layer, t] == near(value.grad), (state, layer, t)


@pytest.mark.parametrize("cell", rnncore.cells())
def test_finite_differences(network, cell):
    """Nudge each state at one step, the others held fixed there, then the full state after it: the loss moves so."""
    model, t, eps = network(cell, layers=2, units=3), 4, 1e-6
    found = flow(model, TEXT, -1)
    ids = torch.from_numpy(model.vocabulary.encode(TEXT))

    def loss(layer, symbol, unit, by, after=False):
        states = model.start()
        with torch.no_grad():
            for step, x in enumerate(model.embed(ids[:-1])):
                for number, one in enumerate(model.layers):
                    here = step == t and number == layer

                    def tap(name, value, here=here):
                        if here and not after and name == symbol:
                            value = value.clone()
                            value[unit] += by
                        return value

                    states[number] = one.step(x, states[number], tap)
                    if here and after:
                        states[number][symbol][unit] += by
                    x = states[number].h
            return float(next_symbol_loss(model.head(x)[None], ids[-1:]))

    def slopes(*at, **how):
        return [(loss(*at, unit, eps, **how) - loss(*at, unit, -eps, **how)) / (2 * eps) for unit in range(3)]

    for layer, one in enumerate(model.layers):
        for symbol in one.states:
            norm = np.linalg.norm(slopes(layer, symbol))
            assert 10 ** found.total[symbol][layer, t] == pytest.approx(norm, rel=1e-5, abs=1e-9), (layer, symbol)
        norm = np.linalg.norm([slopes(layer, symbol, after=True) for symbol in one.states])
        assert 10 ** found.full[layer, t] == pytest.approx(norm, rel=1e-5), layer


@pytest.mark.parametrize("target", [3, None])
def test_connectivity_is_the_gradient_of_the_desired_tokens_logit(network, target):
    model = network("gru", layers=2)
    ids = torch.from_numpy(model.vocabulary.encode(TEXT))
    xs = model.embed(ids).detach().requires_grad_()
    states, tops = model.start(), []
    for x in xs:
        for layer, cell in enumerate(model.layers):
            states[layer] = cell.step(x, states[layer], silent)
            x = states[layer].h
        tops.append(x)
    logits = model.head(torch.stack(tops))
    desired = [logits[t, ids[t + 1]] for t in range(len(ids) - 1)]
    (torch.stack(desired).mean() if target is None else desired[target]).backward()
    found = flow(model, TEXT, target, of="logit")
    np.testing.assert_allclose(10 ** found.inputs[0], xs.grad.norm(dim=-1), rtol=1e-9)
    assert (found.of, found.loss) == ("logit", flow(model, TEXT, target).loss)


def test_a_model_that_is_sure_is_connected_all_the_same(network):
    """Scores a hundred times as far apart: the loss is flat, the logit's gradient a hundred times as large."""
    model = network("lstm", layers=1)
    ids = torch.from_numpy(model.vocabulary.encode(TEXT))
    before = flow(model, TEXT, 3, of="logit").inputs[0, :4]
    with torch.no_grad():
        model.head.weight.mul_(100)
        model.head.bias.fill_(-1000)
        model.head.bias[ids[4]] = 1000
    assert np.isinf(flow(model, TEXT, 3).inputs).all()
    np.testing.assert_allclose(flow(model, TEXT, 3, of="logit").inputs[0, :4], before + 2, rtol=1e-9)
    with pytest.raises(rnncore.Error, match="loss or logit, not 'entropy'"):
        flow(model, TEXT, of="entropy")


def test_ids_are_read_as_the_text_is(network):
    model = network("lstm", layers=2)
    ids = torch.from_numpy(model.vocabulary.encode("abxcd"))
    text, cut = flow(model, "abxcd", 3), flow(model, ids, 3)
    np.testing.assert_array_equal(cut.inputs, text.inputs)
    assert cut.tokens == ("a", "b", "\ufffd", "c", "d")
    with pytest.raises(rnncore.Error, match="ids are -1 to 4, not 0 to 5"):
        flow(model, torch.tensor([0, 5, 1]))


def test_far_below_what_float64_holds(network):
    """With a small recurrent weight the gradient of a one-unit net is a product of known factors."""
    model = network("elman", "ab", units=1, layers=1)
    (layer,) = model.layers
    with torch.no_grad():
        layer.weight_hh.fill_(1e-5)
    text = "ab" * 60
    found = flow(model, text, -1)
    ids = torch.from_numpy(model.vocabulary.encode(text))
    h, hs = torch.zeros(1, dtype=torch.float64), []
    with torch.no_grad():
        for x in model.embed(ids[:-1]):
            h = torch.tanh(layer.weight_ih @ x + layer.bias_ih + layer.weight_hh @ h + layer.bias_hh)
            hs.append(float(h[0]))
    factors = [math.log10(1e-5 * (1 - value**2)) for value in hs]
    for lag in (1, 30, 100):
        fall = sum(factors[-lag:])
        assert found.total["h"][0, -2 - lag] - found.total["h"][0, -2] == pytest.approx(fall, abs=1e-6)
    assert found.total["h"][0, 0] < -550
    assert found.norm("h")[0, 0] == 0
    assert found.underflows("h")[0, 0]
    assert not found.underflows("h")[0, -2]


def test_nothing_flows_from_before_the_target_to_after_it(network):
    found = flow(network("gru", layers=1), TEXT, 3)
    assert np.isinf(found.total["h"][0, 4:]).all()
    assert np.isfinite(found.total["h"][0, :4]).all()
    assert np.isfinite(found.direct["h"][0]).tolist() == [t == 3 for t in range(len(TEXT))]


def test_it_is_what_a_recording_tells(network):
    model = network("lstm", layers=2)
    found, recording = flow(model, TEXT, 5), rnncore.record(model, TEXT, gradients=True, target=5)
    for state in ("h", "c"):
        np.testing.assert_allclose(found.norm(state), recording.gradient[state], rtol=1e-9)


@pytest.mark.parametrize(("text", "target", "said"), [("a", -1, "at least two"), ("abc", 2, "steps 0 to 1")])
def test_what_has_no_loss(network, text, target, said):
    with pytest.raises(rnncore.RecordingError, match=said):
        flow(network("lstm"), text, target)
