"""Interventions against a loop of our own, what they must leave alone, and what they refuse."""

import numpy as np
import pytest
import torch

import rnncore
from rnncore import Ablate, Clamp, Patch
from rnncore.network.generate import stream

every_cell = pytest.mark.parametrize("cell", rnncore.cells())
TEXT, OTHER = "abeacadbea", "dbbaecdaceab"
LAYERS = 3


@pytest.fixture(scope="module")
def make(network):
    """Return a function that makes a network in float64, to compare values, or in float32, as a recording is."""
    return lambda cell, **options: network(cell, **{"layers": LAYERS, **options})


def walk(model, ids, edit):
    """Return the logits [time, vocab] and every signal by (layer, symbol); time outside, layers inside.

    ``edit(layer, symbol, time)`` gives a mask [unit] and values to put there, or None.
    """
    states, logits, kept = model.start(), [], {}
    for time, id_ in enumerate(ids):
        x = model.embedding.weight[id_]
        for layer, cell in enumerate(model.layers):

            def hear(symbol, value, layer=layer, time=time):
                put = edit(layer, symbol, time)
                if put is not None:
                    value = torch.where(torch.tensor(put[0]), torch.tensor(put[1]).to(value), value)
                kept.setdefault((layer, symbol), []).append(value)
                return value

            states[layer] = cell.step(x, states[layer], hear)
            x = states[layer].h
        logits.append(model.head(x))
    return torch.stack(logits), {place: torch.stack(values).detach().numpy() for place, values in kept.items()}


def mask(*units):
    return np.isin(np.arange(4), units)


def agree(recording, kept):
    for (layer, symbol), values in kept.items():
        np.testing.assert_allclose(recording[symbol, layer], values, rtol=1e-5, atol=1e-6, err_msg=f"{symbol}{layer}")


def same(one, other, until=None):
    """Both recordings are equal, bit for bit, before step ``until``."""
    assert one.signals == other.signals
    for symbol in one.signals:
        np.testing.assert_array_equal(one[symbol][:, :until], other[symbol][:, :until], err_msg=symbol)
    for name in ("loss", "rank", "top_ids", "top_probability"):
        np.testing.assert_array_equal(getattr(one, name)[:until], getattr(other, name)[:until])


# What they do


KINDS = 8


def kind(number, layer, symbol, other):
    """Return an intervention of one of eight kinds, and what it puts where, by a mask and values at each step."""
    source = other[symbol, layer]
    return [
        (Clamp(layer, symbol, 1, 0.25), lambda t: (mask(1), 0.25)),
        (Clamp(layer, symbol, 2, 0), lambda t: (mask(2), 0.0)),
        (Clamp(layer, symbol, None, -0.5, time=4), lambda t: (mask(0, 1, 2, 3), -0.5) if t == 4 else None),
        (
            Ablate(layer - LAYERS, symbol, [0, 3], time=slice(2, 5)),
            lambda t: (mask(0, 3), 0.0) if 2 <= t < 5 else None,
        ),
        (Ablate(layer, symbol, slice(1, 3), mean=other), lambda t: (mask(1, 2), source.mean(0, dtype=np.float64))),
        (
            Patch(layer, symbol, np.int64(2), other, time=slice(3, None)),
            lambda t: (mask(2), source[t]) if t >= 3 else None,
        ),
        (
            Patch(layer, symbol, range(2), other, offset=6),
            lambda t: (mask(0, 1), source[t + 6]) if t + 6 < len(OTHER) else None,
        ),
        (
            Patch(layer, symbol, None, other, offset=-8),
            lambda t: (mask(0, 1, 2, 3), source[t - 8]) if t >= 8 else None,
        ),
    ][number]


@every_cell
def test_each_kind_and_each_signal_by_a_loop_of_our_own(cell, make):
    model = make(cell)
    other = rnncore.record(make(cell, seed=5), OTHER)
    ids, signals = model.vocabulary.encode(TEXT), model.layers[0].signals()
    for number in range(max(KINDS, len(signals))):
        layer, symbol = number % LAYERS, signals[number % len(signals)]
        intervention, put = kind(number % KINDS, layer, symbol, other)
        recording = rnncore.record(model, TEXT, interventions=[intervention])
        logits, kept = walk(
            model, ids, lambda *at, put=put, place=(layer, symbol): put(at[2]) if at[:2] == place else None
        )
        agree(recording, kept)
        losses = -logits.log_softmax(-1)[range(len(ids) - 1), ids[1:]].detach()
        np.testing.assert_allclose(recording.loss[:-1], losses, rtol=1e-5)
        score = rnncore.score(model, TEXT, interventions=[intervention])
        assert score == pytest.approx(-float(losses.sum()), rel=1e-7, nan_ok=True)


@every_cell
def test_several_at_once_and_the_later_one_holds(cell, make):
    model = make(cell)
    first = model.layers[0].signals()[0]
    several = [Clamp(0, first, [0, 1], 0.5), Clamp(0, first, 1, 0.75, time=slice(3, 6)), Ablate(-1, "h", 2)]

    def edit(layer, symbol, time):
        if (layer, symbol) == (0, first):
            return mask(0, 1), np.array([0.5, 0.75 if 3 <= time < 6 else 0.5, 0, 0])
        return (mask(2), 0.0) if (layer, symbol) == (LAYERS - 1, "h") else None

    agree(rnncore.record(model, TEXT, interventions=several), walk(model, model.vocabulary.encode(TEXT), edit)[1])


@every_cell
def test_a_changed_state_is_what_is_carried(cell, make):
    """Patch every state of the top layer at one step from another text: what follows is the other text's future."""
    model = make(cell)
    states = model.layers[0].states
    donor = rnncore.record(model, "dbbae" + "cad")
    patches = [Patch(layer, symbol, None, donor, time=4) for layer in range(LAYERS) for symbol in states]
    patched = rnncore.record(model, "aaaaa" + "cad", interventions=patches)
    plain = rnncore.record(model, "aaaaa" + "cad")
    for symbol in patched.signals:
        np.testing.assert_allclose(patched[symbol][:, 5:], donor[symbol][:, 5:], rtol=1e-4, atol=1e-6)
        assert not np.allclose(plain[symbol][:, 5:], donor[symbol][:, 5:])


@every_cell
def test_gradients_are_those_of_the_changed_network(cell, network):
    """An ablated unit passes nothing on, and its carried value has a gradient all the same: a finite difference."""
    model, ids = network(cell, units=3), network(cell).vocabulary.encode(TEXT)
    ablate = Ablate(0, "h", 1, time=slice(3, 6))
    recording = rnncore.record(model, TEXT, gradients=True, target=-1, interventions=[ablate])

    def loss(at, unit, nudge):
        def edit(layer, symbol, time):
            value = {}
            if (layer, symbol) == (0, "h") and 3 <= time < 6:
                value[1] = 0.0
            if (layer, symbol, time) == (0, "h", at):
                value[unit] = value.get(unit, base[0, "h"][at, unit]) + nudge
            return (np.isin(range(3), list(value)), [value.get(u, 0.0) for u in range(3)]) if value else None

        return -walk(model, ids, edit)[0][-2].detach().log_softmax(-1)[ids[-1]].item()

    def ablated(layer, symbol, time):
        return (np.isin(range(3), 1), 0.0) if (layer, symbol) == (0, "h") and 3 <= time < 6 else None

    base = walk(model, ids, ablated)[1]
    for time in (2, 3, 5, 8):
        slopes = [(loss(time, unit, 1e-5) - loss(time, unit, -1e-5)) / 2e-5 for unit in range(3)]
        assert recording.gradient["h"][0, time] == pytest.approx(np.linalg.norm(slopes), rel=1e-5, abs=1e-10)


@every_cell
def test_writing_under_a_clamp_is_what_the_changed_network_thinks(cell, make):
    model = make(cell)
    clamp, prompt = Clamp(1, "h", 2, 0.9, time=slice(1, 7)), "bad"
    written = list(stream(model, prompt, length=9, seed=3, interventions=[clamp], alternatives=2))
    text = "".join(step.token for step in written)
    assert text == rnncore.generate(model, prompt, length=9, seed=3, interventions=[clamp])
    ids = model.vocabulary.encode(prompt + text)
    logits, _ = walk(
        model, ids, lambda layer, symbol, t: (mask(2), 0.9) if (layer, symbol) == (1, "h") and 1 <= t < 7 else None
    )
    p = logits.softmax(-1).detach()
    for step, (row, id_) in enumerate(zip(p[len(prompt) - 1 :], ids[len(prompt) :], strict=False)):
        assert written[step].probability == pytest.approx(float(row[id_]), rel=1e-6)


# What they leave alone, bit for bit


@every_cell
def test_without_effect_nothing_changes(cell, make):
    model = make(cell, dtype=torch.float32)
    plain = rnncore.record(model, TEXT)
    none = [
        Clamp(0, "h", 1, 0.3, time=slice(len(TEXT), None)),
        Ablate(1, "h", None, time=slice(5, 5)),
        Ablate(1, "h", slice(2, 2)),
        Patch(1, "h", None, plain, offset=100),
    ]
    for interventions in ([], none, [Patch(layer, "h", None, plain) for layer in range(LAYERS)]):
        same(rnncore.record(model, TEXT, interventions=interventions), plain)
        assert rnncore.score(model, TEXT, interventions=interventions) == rnncore.score(model, TEXT)
    for prompt in ("a", "abc"):
        written = [list(stream(model, prompt, length=6, seed=1, interventions=given)) for given in (none, [])]
        assert written[0] == written[1]


@every_cell
@pytest.mark.parametrize("time", [0, 1, 6])
def test_what_comes_before_is_untouched(cell, time, make):
    """Earlier steps, layers below, and what the same step computes before the change."""
    model = make(cell, dtype=torch.float32)
    plain, signals, followed = rnncore.record(model, TEXT), model.layers[0].signals(), []
    for number, symbol in enumerate(signals):
        changed = rnncore.record(model, TEXT, interventions=[Clamp(1, symbol, 3, 0.123, time=slice(time, time + 2))])
        same(changed, plain, until=time)
        for other in signals:
            np.testing.assert_array_equal(changed[other, 0], plain[other, 0])
        for other in signals[:number]:
            np.testing.assert_array_equal(changed[other, 1][time], plain[other, 1][time])
        np.testing.assert_array_equal(changed[symbol, 1][time, :3], plain[symbol, 1][time, :3])
        np.testing.assert_array_equal(changed[symbol, 1][time : time + 2, 3], np.float32(0.123))
        followed.append(not np.array_equal(changed["h", 2][time:], plain["h", 2][time:]))
    assert all(followed) or (cell == "slstm" and sum(followed) == len(signals) - 1)  # its m cancels out of h


def test_the_recording_taken_from_stays_as_it_is(make):
    model = make("lstm")
    donor = rnncore.record(model, OTHER)
    before = donor["c"].copy()
    rnncore.record(model, TEXT, interventions=[Patch(0, "c", 1, donor), Ablate(0, "c", 1, mean=donor)])
    np.testing.assert_array_equal(donor["c"], before)


# What they refuse


@pytest.mark.parametrize(
    ("make_it", "sentence"),
    [
        (lambda _: Clamp(3, "h", 0, 1.0), "no layer 3 to change; there are layers 0 to 2"),
        (lambda _: Clamp(-4, "h", 0, 1.0), "no layer -4 to change; there are layers 0 to 2"),
        (lambda _: Ablate(0, "z", 0), "no signal 'z' to change; the lstm has i, f, g, o, c, h"),
        (lambda _: Ablate(0, "c", 4), "no unit 4 to change; layer 0 has units 0 to 3"),
        (lambda _: Ablate(-1, "c", [1, -5]), r"no unit \[1, -5\] to change; layer 2 has units 0 to 3"),
        (lambda _: Ablate(0, "c", 1, time=-1), "time is a step from 0 on .*, not -1"),
        (lambda _: Ablate(0, "c", 1, time=slice(0, 9, 2)), r"time is a step .*, not slice\(0, 9, 2\)"),
        (lambda _: Ablate(0, "c", 1, time=slice(-3, None)), "time is a step"),
        (
            lambda network: Patch(2, "h", 1, rnncore.record(network("lstm"), "ab")),
            "has 2 layers of 4 units, .* layer 2",
        ),
        (lambda network: Patch(0, "h", 3, rnncore.record(network("lstm", units=3), "ab")), "of 3 units, .* unit 3"),
        (lambda network: Ablate(0, "c", 1, mean=rnncore.record(network("gru"), "ab")), "no signal 'c' here; recorded"),
    ],
)
def test_what_does_not_fit(make_it, sentence, network):
    model = network("lstm", layers=LAYERS)
    calls = [
        lambda given: rnncore.record(model, TEXT, interventions=given),
        lambda given: rnncore.score(model, TEXT, interventions=given),
        lambda given: stream(model, "a", length=2, interventions=given),  # at once, not at the first symbol
    ]
    for call in calls:
        with pytest.raises(rnncore.Error, match=sentence):
            call([make_it(network)])


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_a_clamp_is_finite(value):
    with pytest.raises(rnncore.Error, match="finite value"):
        Clamp(0, "h", 0, value)


def test_they_are_frozen():
    with pytest.raises(AttributeError):
        Clamp(0, "h", 0, 1.0).value = 2.0
