"""Recordings against an independent loop, hand-made losses, and three ways to a gradient."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import rnncore
from rnncore.network.units import work_alone

CELLS = tuple(rnncore.cells())
every_cell = pytest.mark.parametrize("cell", CELLS)
TEXT = "abeacadbea"


def passing(place, value):
    return value


def walk(model, text, tap=passing):
    """Return the logits [time, vocab] and every signal, by a loop of our own: time outside, layers inside."""
    states, logits, kept = model.start(), [], {}
    for time, id_ in enumerate(model.vocabulary.encode(text)):
        x = model.embedding.weight[id_] if id_ >= 0 else torch.zeros_like(model.embedding.weight[0])
        for layer, cell in enumerate(model.layers):

            def hear(symbol, value, layer=layer, time=time):
                value = tap((symbol, layer, time), value)
                kept[symbol, layer, time] = value
                return value

            states[layer] = cell.step(x, states[layer], hear)
            x = states[layer].h
        logits.append(model.head.weight @ x + model.head.bias)
    return torch.stack(logits), kept


def loss_of(model, text, target, tap=passing):
    """Return the loss of step ``target``, or the mean over all steps, by our own loop."""
    log_p = walk(model, text, tap)[0].log_softmax(-1)
    ids = model.vocabulary.encode(text)
    losses = [-log_p[t, ids[t + 1]] for t in range(len(ids) - 1)]
    return sum(losses) / len(losses) if target is None else losses[target]


# Signals and predictions


@every_cell
def test_every_signal_of_every_layer_at_every_step(cell, network):
    model = network(cell)
    recording = rnncore.record(model, TEXT)
    _, kept = walk(model, TEXT)
    assert recording.signals == model.layers[0].signals()
    assert (recording.layers, recording.time, recording.units) == (2, len(TEXT), 4)
    for (symbol, layer, time), value in kept.items():
        np.testing.assert_allclose(recording[symbol, layer][time], value.detach(), rtol=1e-6, atol=1e-7)
    assert all(recording[symbol].dtype == np.float32 for symbol in recording.signals)


@every_cell
def test_h_is_that_of_the_fast_path(cell, network):
    """The kernels of torch, where the cell has one."""
    model = network(cell)
    recording = rnncore.record(model, TEXT)
    ids = torch.from_numpy(model.vocabulary.encode(TEXT)).unsqueeze(1)
    logits, ends = model(ids)
    for layer, end in enumerate(ends):
        for symbol in recording.states:
            np.testing.assert_allclose(recording[symbol, layer][-1], end[symbol][0].detach(), rtol=1e-6, atol=1e-7)
    log_p = logits[:-1, 0].log_softmax(-1).detach().numpy()
    expected = -log_p[np.arange(len(TEXT) - 1), recording.ids[1:]]
    np.testing.assert_allclose(recording.loss[:-1], expected, rtol=1e-6)


@every_cell
def test_loss_rank_and_guesses_by_hand(cell, network):
    model = network(cell)
    recording = rnncore.record(model, TEXT, top=3)
    scores = walk(model, TEXT)[0].detach().numpy()
    p = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    for t, row in enumerate(p):
        order = np.argsort(-row)
        assert list(recording.top_ids[t]) == list(order[:3])
        np.testing.assert_allclose(recording.top_probability[t], row[order[:3]], rtol=1e-5)
        if t < len(TEXT) - 1:
            id_ = recording.symbols.index(TEXT[t + 1])
            assert recording.loss[t] == pytest.approx(-np.log(row[id_]), rel=1e-5)
            assert recording.rank[t] == list(order).index(id_)
    assert np.isnan(recording.loss[-1])
    assert recording.rank[-1] == -1
    assert recording.tokens == tuple(TEXT)
    assert "".join(recording.symbols[i] for i in recording.ids) == TEXT


def test_more_guesses_than_symbols(network):
    recording = rnncore.record(network("gru"), TEXT, top=100)
    assert recording.top_ids.shape == (len(TEXT), 5)
    np.testing.assert_allclose(recording.top_probability.sum(1), 1, rtol=1e-6)


@every_cell
def test_score_is_minus_the_sum_of_losses(cell, network):
    model = network(cell)
    assert rnncore.score(model, TEXT) == pytest.approx(-rnncore.record(model, TEXT).loss[:-1].sum(), rel=1e-6)


@settings(max_examples=25)
@given(cell=st.sampled_from(CELLS), text=st.text("abcdeé", min_size=1, max_size=25), data=st.data())
def test_a_recording_of_a_prefix_is_the_prefix_of_the_recording(cell, text, data, network):
    model = network(cell)
    cut = data.draw(st.integers(1, len(text)))
    whole, part = rnncore.record(model, text), rnncore.record(model, text[:cut])
    for symbol in whole.signals:
        np.testing.assert_array_equal(part[symbol], whole[symbol][:, :cut])
    for name in ("ids", "top_ids"):
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[:cut])
    np.testing.assert_allclose(part.top_probability, whole.top_probability[:cut], rtol=1e-6)
    np.testing.assert_allclose(part.loss[:-1], whole.loss[: cut - 1], rtol=1e-6)
    np.testing.assert_array_equal(part.rank[:-1], whole.rank[: cut - 1])


# Gradients: of the mean loss, of a step, of the last one


def by_hand(cell, x, states, W, U, b, d):
    """Return the next states of one layer, every equation written out."""
    h = states[0]
    if cell in ("elman", "elman-relu"):
        z = W @ x + b + U @ h + d
        return (z.tanh() if cell == "elman" else z.clamp(min=0),)
    if cell == "lstm":
        i, f, g, o = (W @ x + b + U @ h + d).chunk(4)
        c = f.sigmoid() * states[1] + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c
    (Wr, Wz, Wn), (Ur, Uz, Un) = (W @ x + b).chunk(3), (U @ h + d).chunk(3)
    z = (Wz + Uz).sigmoid()
    return ((1 - z) * (Wn + (Wr + Ur).sigmoid() * Un).tanh() + z * h,)


def norms_by_autograd(cell, model, text, target):
    """Return the norms of dL/dstate [layer, time] of a net unrolled here, by torch.autograd."""
    ids = [model.vocabulary.symbols.index(character) for character in text]
    zero = torch.zeros(model.config.units, dtype=torch.float64)
    states = [(zero,) * len(model.layers[0].states)] * len(model.layers)
    grid, losses = [], []
    for now, following in zip(ids, [*ids[1:], None], strict=True):
        x, row = model.embedding.weight[now], []
        for layer, parameters in enumerate(model.layers):
            states[layer] = by_hand(cell, x, states[layer], *parameters.parameters())
            x = states[layer][0]
            row.append(states[layer])
        grid.append(row)
        if following is not None:
            losses.append(-torch.log_softmax(model.head.weight @ x + model.head.bias, 0)[following])
    loss = torch.stack(losses).mean() if target is None else losses[target]
    flat = [value for row in grid for layer in row for value in layer]
    found = torch.autograd.grad(loss, flat, allow_unused=True)
    norms = [0.0 if gradient is None else float(gradient.norm()) for gradient in found]
    return np.array(norms).reshape(len(text), len(model.layers), -1).transpose(2, 1, 0)


@pytest.mark.parametrize("cell", ["elman", "elman-relu", "lstm", "gru"])
@pytest.mark.parametrize("target", [None, 5, -1])
def test_gradients_are_those_of_a_net_unrolled_by_hand(cell, target, network):
    model = network(cell, layers=3)
    recording = rnncore.record(model, TEXT, gradients=True, target=target)
    expected = dict(zip(recording.states, norms_by_autograd(cell, model, TEXT, target), strict=True))
    for state, norms in recording.gradient.items():
        assert norms.dtype == np.float64
        assert norms.max() > 0
        np.testing.assert_allclose(norms, expected[state], rtol=1e-9, atol=1e-15, err_msg=state)


@every_cell
@pytest.mark.parametrize("target", [None, 1])
def test_gradients_are_finite_differences(cell, target, network):
    """Nudge each unit of h_t or c_t as it is computed, run on from there, and see what becomes of the loss."""
    model, text, nudge = network(cell, units=3), "bad", 1e-5
    recording = rnncore.record(model, text, gradients=True, target=target)

    @torch.no_grad()
    def slope(place, unit):
        step = torch.zeros(3, dtype=torch.float64)
        step[unit] = nudge
        up, down = (
            loss_of(model, text, target, lambda at, value, by=by: value + by if at == place else value)
            for by in (step, -step)
        )
        return float(up - down) / (2 * nudge)

    for state, norms in recording.gradient.items():
        for layer, time in np.ndindex(norms.shape):
            expected = np.linalg.norm([slope((state, layer, time), unit) for unit in range(3)])
            assert norms[layer, time] == pytest.approx(expected, rel=1e-5, abs=1e-9), (state, layer, time)


@every_cell
def test_nothing_after_the_target_matters(cell, network):
    recording = rnncore.record(network(cell), TEXT, gradients=True, target=4)
    assert recording.target == 4
    assert set(recording.gradient) == set(recording.states)
    for state, norms in recording.gradient.items():
        assert (norms[:, 5:] == 0).all()
        # What holds an sLSTM's exponentials down cancels out of its output: rounding alone is left, or nothing.
        assert (norms[:, :5] < 1e-12).all() if (cell, state) == ("slstm", "m") else (norms[:, :5] > 0).all()


@every_cell
def test_gradients_change_nothing_else(cell, network):
    model = network(cell)
    plain, full = rnncore.record(model, TEXT), rnncore.record(model, TEXT, gradients=True, target=-2)
    assert plain.gradient == {}
    assert plain.target is None
    assert full.target == len(TEXT) - 3
    for symbol in plain.signals:
        np.testing.assert_array_equal(plain[symbol], full[symbol])
    np.testing.assert_array_equal(plain.loss, full.loss)


# What a recording leaves alone


@every_cell
@pytest.mark.parametrize("gradients", [False, True])
def test_the_model_and_the_randomness_of_others_stay_as_they_are(cell, gradients, network):
    model = network(cell, dropout=0.5, dtype=torch.float32).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(0)
    state = torch.get_rng_state()
    one = rnncore.record(model, TEXT, gradients=gradients)
    torch.manual_seed(1)
    two = rnncore.record(model, TEXT, gradients=gradients)
    np.testing.assert_array_equal(one["h"], two["h"])
    torch.manual_seed(0)
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name])
        assert parameter.grad is None
        assert parameter.dtype == torch.float32


def test_a_frozen_model_can_be_recorded(network):
    model = network("lstm").requires_grad_(False)
    assert rnncore.record(model, TEXT, gradients=True).gradient["c"].max() > 0
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_progress_reaches_the_end(network):
    seen = []
    rnncore.record(network("gru"), TEXT * 30, progress=lambda done, all_: seen.append((done, all_)))
    assert {all_ for _, all_ in seen} == {2 * 300}
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (600, 600)


# Unseen characters, short texts, bytes


@every_cell
def test_unseen_characters_are_said(cell, network):
    model = network(cell)
    recording = rnncore.record(model, "ab日c")
    assert recording.tokens == ("a", "b", "日", "c")
    assert list(recording.ids) == [0, 1, -1, 2]
    assert recording.loss[1] == np.inf
    assert np.isfinite(recording.loss[[0, 2]]).all()
    assert list(recording.rank)[1] == -1
    _, kept = walk(model, "ab日c")
    np.testing.assert_allclose(recording["h", 0][2], kept["h", 0, 2].detach(), rtol=1e-6)
    assert rnncore.score(model, "ab日c") == -np.inf


def test_gradients_around_unseen_characters(network):
    model = network("lstm")
    assert np.isfinite(rnncore.record(model, "ab日c", gradients=True).gradient["c"]).all()
    assert np.isfinite(rnncore.record(model, "ab日c", gradients=True, target=2).gradient["c"]).all()
    with pytest.raises(rnncore.RecordingError, match="after step 1 was never seen in training; its loss is infinite"):
        rnncore.record(model, "ab日c", gradients=True, target=1)
    with pytest.raises(rnncore.RecordingError, match="never seen any of these characters; their loss is infinite"):
        rnncore.record(model, "日本", gradients=True)


def test_one_character(network):
    recording = rnncore.record(network("lstm"), "a")
    assert recording["c"].shape == (2, 1, 4)
    assert np.isnan(recording.loss).all()
    assert recording.top_ids.shape == (1, 5)


def test_texts_that_are_too_short(network):
    model = network("lstm")
    with pytest.raises(rnncore.RecordingError, match="the text is empty; give at least one character"):
        rnncore.record(model, "")
    with pytest.raises(rnncore.RecordingError, match=r"gradients need a loss, .* give at least two"):
        rnncore.record(model, "a", gradients=True)
    with pytest.raises(rnncore.RecordingError, match="scoring needs at least two characters"):
        rnncore.score(model, "a")


@pytest.mark.parametrize("target", [9, 10, -10, 10**6])
def test_a_target_outside_the_text(target, network):
    with pytest.raises(rnncore.RecordingError, match=rf"target step {target} has no loss; this text has steps 0 to 8"):
        rnncore.record(network("gru"), TEXT, gradients=True, target=target)


def test_bytes(network):
    model = rnncore.build("gru", vocabulary=rnncore.Vocabulary.bytes(), units=4)
    recording = rnncore.record(model, "é日")
    assert recording.time == 5
    assert "".join(recording.tokens).encode("latin-1").decode() == "é日"
    assert np.isfinite(recording.loss[:-1]).all()


# A part of it all


@every_cell
def test_pieces_are_the_recording_cut(cell, network):
    model, text = network(cell, dtype=torch.float32), TEXT * 3
    whole = rnncore.record(model, text, top=2)
    clamp = rnncore.Clamp(0, "h", 1, 0.3, time=slice(12, None))
    changed = rnncore.record(model, text, top=2, interventions=[clamp])
    for expected, interventions in ((whole, []), (changed, [clamp])):
        pieces = list(rnncore.record_pieces(model, text, length=8, top=2, interventions=interventions))
        assert [piece.time for piece in pieces] == [8, 8, 8, 6]
        assert sum((piece.tokens for piece in pieces), ()) == expected.tokens
        for symbol in expected.signals:
            joined = np.concatenate([piece[symbol] for piece in pieces], axis=1)
            np.testing.assert_allclose(joined, expected[symbol], rtol=1e-5, atol=1e-6)
        for name in ("loss", "rank", "ids", "top_ids"):
            joined = np.concatenate([getattr(piece, name) for piece in pieces])
            np.testing.assert_allclose(joined, getattr(expected, name), rtol=1e-5, atol=1e-6)


def test_some_signals_only(network):
    model = network("lstm")
    some, whole = rnncore.record(model, TEXT, signals=["c", "f"]), rnncore.record(model, TEXT)
    assert some.signals == ("f", "c")
    np.testing.assert_array_equal(some["c"], whole["c"])
    assert next(rnncore.record_pieces(model, TEXT, signals=("h",))).signals == ("h",)
    assert rnncore.record(model, TEXT, signals=[]).signals == ()
    for call in (rnncore.record, rnncore.record_pieces):
        with pytest.raises(rnncore.RecordingError, match="no signal 'q' to keep; the lstm has i, f, g, o, c, h"):
            call(model, TEXT, signals=["q"])
    with pytest.raises(rnncore.RecordingError, match="the text is empty"):
        rnncore.record_pieces(model, "")
    with pytest.raises(rnncore.RecordingError, match="a piece has at least one step, not 0"):
        rnncore.record_pieces(model, TEXT, length=0)


@every_cell
def test_one_unit_from_recorded_states(cell, network):
    model = network(cell)
    whole = rnncore.record(model, TEXT)
    states = rnncore.record(model, TEXT, signals=whole.states)
    for layer, unit in ((0, 1), (-1, 3), (1, -4)):
        if not work_alone(type(model.layers[0])):
            with pytest.raises(rnncore.RecordingError, match="cannot be computed one by one"):
                rnncore.unit_signals(model, states, layer, unit)
            continue
        alone = rnncore.unit_signals(model, states, layer, unit)
        assert tuple(alone) == whole.signals
        for symbol, values in alone.items():
            np.testing.assert_allclose(values, whole[symbol, layer][:, unit], rtol=1e-5, atol=1e-6)


def test_one_unit_that_is_not_there(network):
    model = network("lstm")
    recording = rnncore.record(model, TEXT)
    for layer, unit in ((0, 4), (2, 0), (0, -5)):
        with pytest.raises(rnncore.RecordingError, match="has layers 0 to 1, units 0 to 3"):
            rnncore.unit_signals(model, recording, layer, unit)
    with pytest.raises(rnncore.RecordingError, match="does not fit"):
        rnncore.unit_signals(network("gru"), recording, 0, 0)
    with pytest.raises(rnncore.RecordingError, match="no signal 'c' here"):
        rnncore.unit_signals(model, rnncore.record(model, TEXT, signals=["h"]), 0, 0)
