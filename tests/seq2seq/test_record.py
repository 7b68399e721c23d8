"""A recording is what the translator does; its gradients are autograd's, and the two ways add up."""

import numpy as np
import pytest
import torch

from rnncore import RecordingError
from rnncore.seq2seq import record
from rnncore.seq2seq.tokens import BEGIN, END

SOURCE, TARGET = [4, 7, 5, END], [5, 4, 6, END]
SHAPES = [
    {"attention": "none"},
    {"attention": "additive", "coverage": True, "encoder_layers": 2},
    {"attention": "general", "cell": "lstm", "input_feeding": True, "decoder_layers": 2, "bidirectional": False},
]


def loss_of(model, of=None):
    """Return the loss with the source's vectors as a leaf, by way of the model's own forward pass."""
    vectors = model.source_embedding(torch.tensor(SOURCE)[:, None]).detach().requires_grad_()
    model.source_embedding.forward = lambda ids: vectors
    logits, maps = model(torch.tensor(SOURCE)[:, None], torch.tensor([BEGIN, *TARGET[:-1]])[:, None])
    del model.source_embedding.forward
    loss = -logits[:, 0].log_softmax(-1)[range(len(TARGET)), TARGET]
    return vectors, loss, (loss.sum() if of is None else loss[of]), maps


@pytest.mark.parametrize("shape", SHAPES)
def test_a_recording_is_what_the_model_does(translator, shape):
    model = translator(2, **shape)
    found = record(model, SOURCE, TARGET)
    _, loss, _, maps = loss_of(model)
    np.testing.assert_allclose(found.loss, loss.detach(), atol=1e-6)
    np.testing.assert_allclose(found.attention, maps[..., 0].detach(), atol=1e-6)
    assert found.source == ("a", "d", "b", "</s>")
    assert found.target == ("y", "x", "z", "</s>")
    cells = len(model.forward_cells) + len(model.backward_cells)
    for symbol, values in found.encoder.items():
        assert values.shape == (cells, 4, 6), symbol
    for symbol, values in found.decoder.items():
        assert values.shape == (len(model.decoder), 4, 6), symbol
    read = model.encode(torch.tensor(SOURCE)[:, None])
    width = 6 * (1 + model.config.bidirectional)
    top = [found.encoder["h"][len(model.forward_cells) - 1]]
    if model.config.bidirectional:
        top.append(found.encoder["h"][-1])
    np.testing.assert_allclose(np.concatenate(top, 1), read.memory[:, 0].detach(), atol=1e-6)
    assert read.memory.shape[-1] == width
    assert found.gradient is None


@pytest.mark.parametrize("of", [None, -2])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_two_ways_of_the_gradient_are_those_of_autograd(translator, shape, of):
    model = translator(3, **shape)
    found = record(model, SOURCE, TARGET, gradients=True, of=of).gradient
    vectors, _, loss, _ = loss_of(model, of)
    (total,) = torch.autograd.grad(loss, vectors)
    # Each way alone: the other one cut where the decoder meets the encoder.
    remember, alone = model.remember, {}
    for way in ("attention", "recurrent"):

        def cut(memory, mask, end, way=way):
            return remember(memory, mask, end.detach()) if way == "attention" else remember(memory.detach(), mask, end)

        model.remember = cut
        leaf, _, part, _ = loss_of(model, of)
        grad = torch.autograd.grad(part, leaf, allow_unused=True)[0]
        alone[way] = torch.zeros_like(total) if grad is None else grad
        del model.remember
        np.testing.assert_allclose(getattr(found, way), alone[way].norm(dim=-1)[:, 0], atol=1e-12)
    torch.testing.assert_close(alone["attention"] + alone["recurrent"], total)
    if shape["attention"] == "none":
        assert (found.attention == 0).all()
    else:
        assert found.attention.max() > 0
    assert found.target == (None if of is None else 2)


def test_state_gradients_are_totals_by_finite_differences(translator):
    model = translator(1, attention="additive")
    found = record(model, SOURCE, TARGET, gradients=True, of=3).gradient
    step, size, numbers = 1e-6, 6, []
    for unit in range(size):  # move h of the decoder after its second step, and see the loss of the fourth token
        values = []
        for sign in (1, -1):
            read = model.encode(torch.tensor(SOURCE)[:, None])
            at = model.start(read)
            for time, y in enumerate([BEGIN, *TARGET[:-1]]):
                nudge = torch.zeros(size).double()
                nudge[unit] = sign * step * (time == 1)

                def tap(symbol, value, nudge=nudge):
                    return value + nudge if symbol == "h" else value

                r, _, at = model.step(torch.tensor([y]), at, read, taps=[tap])
            values.append(-float(model.head(r)[0].log_softmax(-1)[TARGET[3]].detach()))
        numbers.append((values[0] - values[1]) / (2 * step))
    assert found.decoder["h"][0, 1] == pytest.approx(np.linalg.norm(numbers), rel=1e-6)
    assert found.decoder["h"].shape == (1, 4)
    assert found.encoder["h"].shape == (2, 4)
    assert (found.encoder["h"] > 0).all()


def test_what_cannot_be_recorded_is_a_sentence(translator):
    model = translator()
    with pytest.raises(RecordingError, match="at least one token each"):
        record(model, [], TARGET)
    with pytest.raises(RecordingError, match="no target token 4; the target has 4"):
        record(model, SOURCE, TARGET, gradients=True, of=4)
