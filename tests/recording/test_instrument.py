"""Anyone's module against a network unrolled here, step by step in plain operations, and against its own output."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils.rnn import PackedSequence, pack_sequence

import rnncore

KINDS = {
    "lstm": (nn.LSTM, {}),
    "projected lstm": (nn.LSTM, {"proj_size": 2}),
    "gru": (nn.GRU, {}),
    "tanh": (nn.RNN, {}),
    "relu": (nn.RNN, {"nonlinearity": "relu"}),
}
LAYOUTS = ("one", "batch", "batch first", "packed", "packed in any order")
INPUT, UNITS, TIME, LENGTHS = 3, 4, 5, (3, 5, 1, 3)

every_kind = pytest.mark.parametrize("kind", KINDS)
# oneDNN says that it leaves projections to another kernel.
quiet = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
pytestmark = quiet


def make(kind, dtype=torch.float64, seed=0, training=False, **options):
    """Return a module with random weights, biases too."""
    cls, more = KINDS[kind]
    module = cls(INPUT, UNITS, **{"num_layers": 2, **more, **options}).to(dtype).train(training)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.7)
    return module


def inputs_of(layout, dtype=torch.float64, seed=1):
    """Return inputs as their owner has them."""
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=generator).to(dtype)  # noqa: E731
    if layout == "one":
        return draw(TIME, INPUT)
    if layout.startswith("packed"):
        lengths = sorted(LENGTHS, reverse=True) if layout == "packed" else LENGTHS
        return pack_sequence([draw(time, INPUT) for time in lengths], enforce_sorted=layout == "packed")
    return draw(2, TIME, INPUT) if layout == "batch first" else draw(TIME, 2, INPUT)


def state_of(module, layout, dtype=torch.float64, seed=2):
    """Return a random start state for the module."""
    generator = torch.Generator().manual_seed(seed)
    rows = module.num_layers * (2 if module.bidirectional else 1)
    sizes = {"one": ()}.get(layout, (len(LENGTHS),) if "packed" in layout else (2,))
    h = torch.randn(rows, *sizes, module.proj_size or UNITS, generator=generator).to(dtype)
    return (h, torch.randn(rows, *sizes, UNITS, generator=generator).to(dtype)) if module.mode == "LSTM" else h


# The oracle: each sequence for itself, one step after the other


def one_step(module, suffix, x, h, c):
    """Return every signal of one step of one layer, its equations written out."""
    W, U = getattr(module, f"weight_ih{suffix}"), getattr(module, f"weight_hh{suffix}")
    a, b = W @ x, U @ h
    if module.bias:
        a, b = a + getattr(module, f"bias_ih{suffix}"), b + getattr(module, f"bias_hh{suffix}")
    if module.mode == "LSTM":
        i, f, g, o = (a + b).split(UNITS)
        i, f, g, o = 1 / (1 + (-i).exp()), 1 / (1 + (-f).exp()), g.tanh(), 1 / (1 + (-o).exp())
        c = f * c + i * g
        h = o * c.tanh()
        return {"i": i, "f": f, "g": g, "o": o, "c": c, "h": getattr(module, f"weight_hr{suffix}") @ h
                if module.proj_size else h}  # fmt: skip
    if module.mode == "GRU":
        (ar, az, an), (br, bz, bn) = a.split(UNITS), b.split(UNITS)
        r, z = 1 / (1 + (-ar - br).exp()), 1 / (1 + (-az - bz).exp())
        n = (an + r * bn).tanh()
        return {"r": r, "z": z, "n": n, "h": (1 - z) * n + z * h}
    return {"h": (a + b).tanh() if module.nonlinearity == "tanh" else (a + b).clamp(min=0)}


def unrolled(module, x, h0, c0, masks):
    """Return every signal {(symbol, row, time): value} of one sequence, and the output of the last layer by time."""
    kept, directions = {}, 2 if module.bidirectional else 1
    for layer in range(module.num_layers):
        outputs = [[] for _ in x]
        for direction in range(directions):
            row = layer * directions + direction
            h, c = h0[row], c0[row]
            for time in range(len(x)) if direction == 0 else reversed(range(len(x))):
                signals = one_step(module, f"_l{layer}" + "_reverse" * direction, x[time], h, c)
                h, c = signals["h"], signals.get("c")
                kept |= {(symbol, row, time): value for symbol, value in signals.items()}
                outputs[time].append(h)
        x = [torch.cat(parts) for parts in outputs]
        if layer < module.num_layers - 1 and masks is not None:
            x = [value * mask for value, mask in zip(x, masks[layer], strict=True)]
    return kept, x


def masks_of(module, layout, lengths):
    """Return dropout's masks for each sequence, layer and step, drawn as torch draws them."""
    if not (module.training and module.dropout):
        return [None] * len(lengths)
    width = (module.proj_size or UNITS) * (2 if module.bidirectional else 1)
    keep, drawn = 1 - module.dropout, []
    for _ in range(module.num_layers - 1):
        if "packed" not in layout:
            whole = torch.empty(TIME, len(lengths), width, dtype=torch.float64).bernoulli_(keep) / keep
            drawn.append([list(whole[:, number]) for number in range(len(lengths))])
            continue
        rows = iter(torch.empty(sum(lengths), width, dtype=torch.float64).bernoulli_(keep) / keep)
        longest_first = sorted(range(len(lengths)), key=lambda number: -lengths[number])
        mine = [[] for _ in lengths]
        for time in range(max(lengths)):
            for number in longest_first:
                if time < lengths[number]:
                    mine[number].append(next(rows))
        drawn.append(mine)
    return [[layer[number] for layer in drawn] for number in range(len(lengths))]


def reference(module, inputs, state, layout, weights):
    """Return for each sequence its signals and the norms of its gradients; the loss is that of :func:`loss_with`."""
    if isinstance(inputs, PackedSequence):
        lengths = sorted(LENGTHS, reverse=True) if layout == "packed" else LENGTHS
        flat = nn.utils.rnn.pad_packed_sequence(inputs)[0]
        xs = [list(flat[:time, number]) for number, time in enumerate(lengths)]
    else:
        xs = [list(inputs)] if layout == "one" else [list(x) for x in inputs.movedim(int(layout == "batch"), 0)]
    rows, h_width = module.num_layers * (2 if module.bidirectional else 1), module.proj_size or UNITS
    if state is None:
        h, c = (torch.zeros(rows, len(xs), w, dtype=torch.float64) for w in (h_width, UNITS))
    else:
        h, c = state if module.mode == "LSTM" else (state, state)
        h, c = h.reshape(rows, len(xs), -1), c.reshape(rows, len(xs), -1)
    masks = masks_of(module, layout, [len(x) for x in xs])
    found = []
    for number, x in enumerate(xs):
        kept, output = unrolled(module, x, h[:, number], c[:, number], masks[number])
        loss = sum((weights[:, time] @ value.unsqueeze(1)).sin().sum() for time, value in enumerate(output))
        states = [key for key in kept if key[0] in "hc"]
        slopes = torch.autograd.grad(loss, [kept[key] for key in states], allow_unused=True)
        norms = {key: 0.0 if s is None else float(s.norm()) for key, s in zip(states, slopes, strict=True)}
        found.append(({key: value.detach().numpy() for key, value in kept.items()}, norms))
    return found


def loss_with(weights, layout, seen):
    """Return a loss on the output as its owner has it; every step and unit has its own weight."""

    def loss(output, state):
        seen.append((output, state))
        padded = nn.utils.rnn.pad_packed_sequence(output)[0] if isinstance(output, PackedSequence) else output
        padded = padded.unsqueeze(1) if layout == "one" else padded
        padded = padded.transpose(0, 1) if layout == "batch first" else padded
        return torch.einsum("wtu,tbu->wtb", weights.to(padded.dtype), padded).sin().sum()

    return loss


def tensors(value):
    """Return the tensors in what a module returns."""
    if isinstance(value, PackedSequence):
        return [value.data]
    return [value] if isinstance(value, torch.Tensor) else [t for part in value for t in tensors(part)]


def compare(recordings, expected, tolerance, gradients=True):
    recordings = recordings if isinstance(recordings, tuple) else (recordings,)
    for recording, (kept, norms) in zip(recordings, expected, strict=True):
        assert recording.time == 1 + max(time for _, _, time in kept)
        assert set(recording.signals) == {symbol for symbol, _, _ in kept}
        for (symbol, row, time), value in kept.items():
            np.testing.assert_allclose(recording[symbol, row][time], value, rtol=tolerance, atol=tolerance)
        assert bool(recording.gradient) == gradients
        for state, found in recording.gradient.items():
            assert found.dtype == np.float64
            for row, time in np.ndindex(found.shape):
                assert found[row, time] == pytest.approx(norms[state, row, time], rel=tolerance, abs=tolerance)


@every_kind
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(
    ("bias", "training", "given", "layers"),
    [(True, True, False, 3), (True, False, True, 1), (False, True, True, 2), (False, False, False, 2)],
)
def test_every_signal_and_gradient(kind, layout, bidirectional, bias, training, given, layers):
    dropout = 0.4 if layers > 1 else 0.0
    module = make(kind, bidirectional=bidirectional, bias=bias, training=training, num_layers=layers,
                  batch_first=layout == "batch first", dropout=dropout)  # fmt: skip
    inputs = inputs_of(layout)
    state = state_of(module, layout) if given else None
    width = (module.proj_size or UNITS) * (2 if bidirectional else 1)
    weights = torch.randn(2, TIME, width, dtype=torch.float64, generator=torch.Generator().manual_seed(3))

    torch.manual_seed(5)
    expected = reference(module, inputs, state, layout, weights)
    torch.manual_seed(5)
    seen = []
    full = rnncore.record_module(module, inputs, state, loss=loss_with(weights, layout, seen))
    plain = rnncore.record_module(module, inputs, state)
    compare(full, expected, 1e-9)
    compare(plain, expected, 1e-9, gradients=False)
    for ours, its_own in zip(tensors(seen[0]), tensors(module(inputs, state)), strict=True):
        assert ours.shape == its_own.shape
        torch.testing.assert_close(ours, its_own, rtol=1e-12, atol=1e-12)


@every_kind
@pytest.mark.parametrize("layout", LAYOUTS)
def test_float32(kind, layout):
    """The values are those of a float32 pass; gradients go through time in float64, the loss's own slope does not."""
    module = make(kind, torch.float32, training=True, dropout=0.3, bidirectional=True,
                  batch_first=layout == "batch first")  # fmt: skip
    inputs = inputs_of(layout, torch.float32)
    weights = torch.randn(2, TIME, 2 * (module.proj_size or UNITS), dtype=torch.float64)
    wide = copy.deepcopy(module).double()
    double = inputs._replace(data=inputs.data.double()) if isinstance(inputs, PackedSequence) else inputs.double()
    torch.manual_seed(5)
    expected = reference(wide, double, None, layout, weights)
    torch.manual_seed(5)
    seen = []
    full = rnncore.record_module(module, inputs, loss=loss_with(weights, layout, seen))
    plain = rnncore.record_module(module, inputs)
    compare(full, expected, 2e-4)
    compare(plain, expected, 1e-5, gradients=False)
    for ours, its_own in zip(tensors(seen[0]), tensors(module(inputs)), strict=True):
        assert ours.dtype == torch.float32
        torch.testing.assert_close(ours, its_own, rtol=2e-4, atol=1e-5)  # kernels add up in orders of their own
    for recording in plain if isinstance(plain, tuple) else (plain,):
        assert {recording[symbol].dtype for symbol in recording.signals} == {np.dtype(np.float32)}


@pytest.mark.cuda
@every_kind
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_on_a_gpu(kind, layout, dtype):
    module = make(kind, dtype, bidirectional=True, num_layers=3, batch_first=layout == "batch first")
    inputs, state = inputs_of(layout, dtype), state_of(module, layout, dtype)
    weights = torch.randn(2, TIME, 2 * (module.proj_size or UNITS), dtype=torch.float64)
    here = rnncore.record_module(module, inputs, state, loss=loss_with(weights, layout, []))
    seen, module, inputs = [], module.cuda(), inputs.to("cuda")
    state = tuple(s.cuda() for s in state) if isinstance(state, tuple) else state.cuda()
    there = rnncore.record_module(module, inputs, state, loss=loss_with(weights.cuda(), layout, seen))
    plain = rnncore.record_module(module, inputs, state)
    tolerance = 1e-9 if dtype == torch.float64 else 1e-4
    for ours, its_own in zip(tensors(seen[0]), tensors(module(inputs, state)), strict=True):
        torch.testing.assert_close(ours, its_own, rtol=tolerance, atol=tolerance)
    as_one = lambda found: found if isinstance(found, tuple) else (found,)  # noqa: E731
    for a, b, c in zip(as_one(here), as_one(there), as_one(plain), strict=True):
        for symbol in a.signals:
            np.testing.assert_allclose(b[symbol], a[symbol], rtol=tolerance, atol=tolerance)
            np.testing.assert_allclose(c[symbol], a[symbol], rtol=tolerance, atol=tolerance)
        for symbol, norms in a.gradient.items():
            np.testing.assert_allclose(b.gradient[symbol], norms, rtol=tolerance, atol=tolerance)


@pytest.mark.cuda
def test_dropout_on_a_gpu_leaves_its_generator_alone():
    module, inputs = make("lstm", torch.float32, training=True, dropout=0.5).cuda(), torch.randn(TIME, INPUT).cuda()
    before = torch.cuda.get_rng_state()
    one = rnncore.record_module(module, inputs)
    assert torch.equal(torch.cuda.get_rng_state(), before)
    np.testing.assert_array_equal(rnncore.record_module(module, inputs)["h"], one["h"])


# What it says of what it read


def test_without_a_vocabulary_there_are_no_words():
    recording = rnncore.record_module(make("lstm", bidirectional=True), inputs_of("one"))
    assert recording.tokens == ("0", "1", "2", "3", "4")
    assert recording.layer_names == ("0 forward", "0 backward", "1 forward", "1 backward")
    assert recording.model == "LSTM(3, 4, num_layers=2, bidirectional=True)"
    assert recording.cell == "lstm"
    assert recording.states == ("h", "c")
    assert recording.symbols == ()
    assert recording.top_ids.shape == (TIME, 0)
    assert np.isnan(recording.loss).all()
    assert (recording.ids == -1).all()
    assert rnncore.record_module(make("gru"), inputs_of("one")).layer_names == ("0", "1")
    assert rnncore.record_module(make("relu"), inputs_of("one")).cell == "elman-relu"


@every_kind
def test_saved_and_loaded(kind, tmp_path):
    module = make(kind, bidirectional=True)
    for recording in rnncore.record_module(module, inputs_of("packed"), loss=lambda output, state: output.data.sum()):
        recording.save(tmp_path / "a.npz")
        loaded = rnncore.Recording.load(tmp_path / "a.npz")
        assert loaded.layer_names == recording.layer_names
        for symbol in recording.signals:
            np.testing.assert_array_equal(loaded[symbol], recording[symbol])
        for symbol, norms in recording.gradient.items():
            np.testing.assert_array_equal(loaded.gradient[symbol], norms)


# The loss


def test_a_loss_on_the_final_state_of_one_sequence():
    """Nothing else in the batch matters to it, nor the steps beyond each sequence's end."""
    module = make("lstm")
    recordings = rnncore.record_module(
        module, inputs_of("packed in any order"), loss=lambda _, state: state[1][-1, 3].sum()
    )
    assert [recording.gradient["c"].max() > 0 for recording in recordings] == [False, False, False, True]
    assert [recording.time for recording in recordings] == list(LENGTHS)
    assert recordings[3].gradient["c"][-1, -1] == pytest.approx(UNITS**0.5, rel=1e-12)


def test_gradients_far_below_float32():
    module = make("tanh", torch.float32)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.mul_(0.2 if "hh" in name else 1)
    recording = rnncore.record_module(module, torch.randn(120, INPUT), loss=lambda output, _: output[-1].sum())
    assert 0 < recording.gradient["h"][-1, 0] < 1e-46


def test_the_loss_may_use_modules_and_their_gradients_stay():
    module, head = make("gru", training=True), nn.Linear(UNITS, 2).double()
    recording = rnncore.record_module(
        module,
        inputs_of("batch"),
        loss=lambda output, _: nn.functional.cross_entropy(head(output[-1]), torch.tensor([0, 1])),
    )
    assert recording[0].gradient["h"].max() > 0
    assert all(parameter.grad is None for parameter in (*module.parameters(), *head.parameters()))


@pytest.mark.parametrize(
    ("loss", "sentence"),
    [
        (lambda output, state: output, r"one number computed from the module's output; this is a tensor \[5, 4\]"),
        (
            lambda output, state: torch.tensor(1.0),
            r"one number computed from the module's output; this is a tensor \[\]",
        ),
        (lambda output, state: 3.0, "one number computed from the module's output; this is a float"),
        (lambda output, state: output.sum() / 0, "the loss is -?inf; gradients need a finite one"),
    ],
)
def test_losses_that_are_none(loss, sentence):
    with pytest.raises(rnncore.RecordingError, match=sentence):
        rnncore.record_module(make("gru"), inputs_of("one"), loss=loss)


# What it leaves alone


@every_kind
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("loss", [None, lambda output, state: output.sum()])
def test_the_module_and_the_randomness_of_others_stay(kind, training, loss):
    module = make(kind, training=training, dropout=0.5).requires_grad_(training)
    module.weight_ih_l0.grad = torch.ones_like(module.weight_ih_l0)
    before = {
        name: (parameter, parameter.clone(), parameter.data_ptr()) for name, parameter in module.named_parameters()
    }
    inputs = inputs_of("one").requires_grad_()
    names, random = set(vars(module)), torch.get_rng_state()
    rnncore.record_module(module, inputs, loss=loss)
    assert torch.equal(torch.get_rng_state(), random)
    assert module.training == training
    assert set(vars(module)) == names
    assert inputs.grad is None
    assert torch.equal(module.weight_ih_l0.grad, torch.ones_like(module.weight_ih_l0))
    for name, parameter in module.named_parameters():
        one, value, place = before[name]
        assert parameter is one
        assert torch.equal(parameter, value)
        assert (parameter.data_ptr(), parameter.requires_grad) == (place, training)
        assert name == "weight_ih_l0" or parameter.grad is None


def test_what_is_recorded_is_the_next_pass():
    module, inputs = make("lstm", training=True, dropout=0.5), inputs_of("one")
    recording = rnncore.record_module(module, inputs)
    np.testing.assert_allclose(recording["h", -1], module(inputs)[0].detach(), rtol=1e-12)
    assert not np.allclose(recording["h", -1], module(inputs)[0].detach())


def test_where_gradients_are_off():
    with torch.no_grad():
        recording = rnncore.record_module(make("lstm"), inputs_of("one"), loss=lambda output, _: output.sum())
    assert recording.gradient["c"].min() > 0


def test_weights_that_are_computed():
    """A weight norm, as torch's parametrisations lay it over a module."""
    module = weight_norm(make("lstm"), "weight_hh_l0")
    with torch.no_grad():
        module.parametrizations.weight_hh_l0.original0.mul_(1.5)
    recording = rnncore.record_module(module, inputs_of("one"))
    expected, _ = unrolled(module, list(inputs_of("one")), *torch.zeros(2, 2, UNITS, dtype=torch.float64), None)
    for (symbol, row, time), value in expected.items():
        np.testing.assert_allclose(recording[symbol, row][time], value.detach(), rtol=1e-9, atol=1e-12)


# What does not fit


@pytest.mark.parametrize(
    ("inputs", "state", "sentence"),
    [
        (torch.zeros(5, 2), None, r"expected inputs \[time, 3\] or \[time, batch, 3\] .*; these are \[5, 2\]"),
        (torch.zeros(3), None, r"these are \[3\]"),
        (torch.zeros(0, 3), None, r"at least one step; these are \[0, 3\]"),
        (torch.zeros(5, 3).double(), None, r"the inputs are torch.float64 on cpu, the module is torch.float32 on cpu"),
        (torch.zeros(5, 3).long(), None, r"the inputs are torch.int64"),
        (torch.zeros(5, 3), torch.zeros(2, 4), r"expected the start state \(h, c\), not a 1-tuple"),
        (torch.zeros(5, 3), (torch.zeros(2, 4), torch.zeros(1, 4)), r"start state c as .* \[2, 4\]; .*\[1, 4\]"),
        (torch.zeros(5, 1, 3), (torch.zeros(2, 4),) * 2, r"start state h as torch.float32 \[2, 1, 4\]; .* \[2, 4\]"),
        (torch.zeros(5, 3), (torch.zeros(2, 4).double(),) * 2, r"state h as torch.float32 .*; this is torch.float64"),
    ],
)  # fmt: skip
def test_inputs_that_do_not_fit(inputs, state, sentence):
    with pytest.raises(rnncore.RecordingError, match=sentence):
        rnncore.record_module(make("lstm", torch.float32), inputs, state)


def test_no_recurrent_module():
    with pytest.raises(rnncore.RecordingError, match=r"expected a torch.nn.RNN, nn.LSTM or nn.GRU; this is a Linear$"):
        rnncore.record_module(nn.Linear(3, 4), inputs_of("one"))
    with pytest.raises(rnncore.RecordingError, match=r"this is a Sequential; it holds '1.0': give that, with its own"):
        rnncore.record_module(nn.Sequential(nn.Linear(3, 3), nn.Sequential(make("gru"))), inputs_of("one"))


# The lines of README


def test_the_lines_of_readme():
    import torch

    import rnncore

    lstm = torch.nn.LSTM(input_size=10, hidden_size=20, num_layers=2)
    text = torch.randn(50, 10)
    recording = rnncore.record_module(lstm, text, loss=lambda output, state: output[-1].square().sum())

    assert recording["f", -1].shape == (50, 20)
    assert recording.gradient["c"].shape == (2, 50)
