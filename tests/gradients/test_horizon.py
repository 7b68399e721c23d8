"""The memory horizon of networks whose memory is known."""

import numpy as np
import pytest
import torch

import rnncore
from rnncore.cells import silent
from rnncore.gradients import horizon
from rnncore.gradients.horizon import _elsewhere

SYMBOLS = "abcd"


def delay_line(lag):
    """A ReLU network that shifts its input along a chain of ``lag`` cells and predicts what stands at its end."""
    width = len(SYMBOLS)
    model = rnncore.build(
        "elman-relu",
        vocabulary=rnncore.Vocabulary.characters(SYMBOLS),
        layers=1,
        units=width * lag,
        embedding=width,
    )
    (cell,) = model.layers
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.embedding.weight.copy_(torch.eye(width))
        cell.weight_ih[:width] = torch.eye(width)
        cell.weight_hh[width:, :-width] = torch.eye(width * (lag - 1))
        model.head.weight[:, -width:] = 6 * torch.eye(width)
    return model


def periodic(lag, length=400, seed=0):
    """Random symbols, each repeated exactly ``lag`` steps later."""
    letters = list(np.random.default_rng(seed).choice(list(SYMBOLS), lag))
    return "".join(letters * (length // lag + 1))[:length]


@pytest.mark.parametrize("lag", [3, 7])
def test_a_delay_line_remembers_exactly_so_far(lag):
    found = horizon(delay_line(lag), periodic(lag), longest=20, positions=150)
    lengths = found.by_context["context"]
    enough = int(lengths[lengths >= lag].iloc[0])
    assert (found.truncated, found.swapped) == (enough, enough)
    assert found.gradient == lag
    assert (found.by_lag["gradient"][:lag] > 0.5).all()
    short = found.by_context[lengths < lag]
    assert (short["truncated"] > 0.5).all()
    assert (short["swapped"] > 0.5).all()
    assert found.by_context["truncated"].iloc[-1] == 0


def test_order_does_not_matter_to_a_network_that_counts():
    """A leaky sum of what was read forgets slowly, and shuffling the far past changes little of it."""
    model = delay_line(1)
    (cell,) = model.layers
    with torch.no_grad():
        cell.weight_hh.copy_(0.98 * torch.eye(4))
    text = (
        "".join(np.random.default_rng(1).choice(list("aaab"), 500))
        + "cd"
        + "".join(np.random.default_rng(2).choice(list("ccdd"), 500))
    )
    found = horizon(model, text, longest=100, positions=300, tolerance=0.05)
    context = found.by_context.set_index("context")
    assert context["shuffled"].abs().iloc[2] < context["swapped"].abs().iloc[2] / 3


def test_a_gradient_that_never_fades_has_no_horizon():
    model = delay_line(1)
    with torch.no_grad():
        model.layers[0].weight_hh.copy_(torch.eye(4))
    assert horizon(model, periodic(5), longest=30, positions=10).gradient is None


BYTES = "grün, ß und 3 € für Ä, öfter"


def of_bytes(cell):
    """A random model of one layer that reads bytes, in float64."""
    model = rnncore.build(cell, vocabulary=rnncore.Vocabulary.bytes(), layers=1, units=4, embedding=3).double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.7, generator=generator)
    return model


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_gradient_is_that_of_the_state_as_the_next_step_reads_it(cell):
    """At all places of a text, each state of each lag a leaf: h and c side by side, so that c counts once."""
    model, longest = of_bytes(cell), 6
    found = horizon(model, BYTES, longest=longest, positions=10, targets=1000)
    (layer,), data = model.layers, torch.tensor(list(BYTES.encode()))
    logs = []
    for end in range(longest + 1, len(data)):
        xs, norms = model.embed(data[end - longest - 1 : end]).detach(), []
        for lag in range(longest + 1):
            state = layer.start()
            for t, x in enumerate(xs):
                state = layer.step(x, state, silent)
                if t == longest - lag:
                    leaf = state = state.map(lambda value: value.detach().requires_grad_())
            loss = -torch.log_softmax(model.head(state.h), -1)[data[end]]
            grads = torch.autograd.grad(loss, list(leaf.values()), materialize_grads=True)
            norms.append(float(torch.cat(grads).norm()))
        logs.append(np.log(np.array(norms) / norms[0]))
    np.testing.assert_allclose(found.by_lag["gradient"], np.exp(np.mean(logs, 0)), rtol=1e-9)


def test_every_place_counts_once_and_unknown_symbols_are_no_targets():
    text = ("abcadxbcdabdcbaxdbc" * 2)[:31]
    model = of_bytes("gru")
    model.vocabulary = rnncore.Vocabulary.characters(SYMBOLS)
    longest = 8
    found = horizon(model, text, longest=longest, positions=1000, targets=1)
    known = [end for end in range(longest + 1, len(text)) if text[end] != "x"]

    def loss(end, context):
        (layer,) = model.layers
        state = layer.start()
        for symbol in text[end - context : end]:
            x = torch.zeros(3).double() if symbol == "x" else model.embedding.weight[SYMBOLS.index(symbol)]
            state = layer.step(x, state, silent)
        return -float(torch.log_softmax(model.head(state.h), -1)[SYMBOLS.index(text[end])])

    for row in found.by_context.itertuples():
        with torch.no_grad():
            excess = [loss(end, row.context) - loss(end, longest) for end in known]
        assert row.truncated == pytest.approx(np.mean(excess), rel=1e-9, abs=1e-12)
        assert row.truncated_error == pytest.approx(np.std(excess, ddof=1) / len(excess) ** 0.5, rel=1e-6, abs=1e-12)


def test_the_standard_error_is_how_far_one_draw_of_places_is_from_the_next():
    text = "".join(np.random.default_rng(5).choice(list(SYMBOLS), 3000))
    model = delay_line(3)
    draws = [horizon(model, text, longest=5, positions=60, targets=1, seed=seed).by_context for seed in range(60)]
    for kind in ("truncated", "swapped", "shuffled"):
        spread = np.std([draw[kind][0] for draw in draws], ddof=1)
        assert spread == pytest.approx(np.mean([draw[f"{kind}_error"][0] for draw in draws]), rel=0.35)


def test_another_passage_shares_no_place_with_the_context_and_its_symbol():
    random = np.random.default_rng(0)
    for length in (16, 20, 60):
        ends = np.repeat(np.arange(6, length), 300)
        starts = _elsewhere(ends, 5, length, random)
        assert (starts >= 0).all()
        assert (starts + 5 <= length).all()
        assert ((starts + 5 <= ends - 5) | (starts > ends)).all()
        if length == 60:
            assert {*starts[ends == 30]} == {*range(21), *range(31, 56)}, "every such passage can be drawn"


def test_only_the_last_step_is_scored():
    """Logits of every step of every place would fill the memory with a vocabulary of words."""
    scored, model = [], delay_line(2)
    model.head.register_forward_hook(lambda head, given, logits: scored.append(logits.numel()))
    horizon(model, periodic(2), longest=20, positions=50, targets=1)
    assert max(scored) == 50 * len(SYMBOLS)


def test_a_short_text_is_refused():
    with pytest.raises(rnncore.RecordingError, match="needs 901 symbols; this text has 4"):
        horizon(delay_line(2), "abcd")
    found = horizon(delay_line(2), "abcd", longest=1)
    assert found.by_context["context"].tolist() == [1]


def test_characters_never_seen_are_refused_in_a_sentence():
    with pytest.raises(rnncore.RecordingError, match="after the first 11 the model has seen 0 before"):
        horizon(delay_line(2), "xyz" * 20, longest=10)


def test_progress_reaches_its_end():
    seen = []
    horizon(delay_line(2), periodic(2), longest=5, positions=10, progress=lambda *done: seen.append(done))
    assert seen[-1][0] == seen[-1][1] == len(seen)
