"""The memory horizon of networks whose memory is known."""

import numpy as np
import pytest
import torch

import rnncore
from rnncore.gradients import horizon

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


def test_a_short_text_is_refused():
    with pytest.raises(rnncore.RecordingError, match="needs 602 symbols; this text has 4"):
        horizon(delay_line(2), "abcd")


def test_progress_reaches_its_end():
    seen = []
    horizon(delay_line(2), periodic(2), longest=5, positions=10, progress=lambda *done: seen.append(done))
    assert seen[-1][0] == seen[-1][1] == len(seen)
