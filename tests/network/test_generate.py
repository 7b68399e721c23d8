"""Writing: reproducible, true about what the model thought, and within top-k and top-p."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import rnncore
from rnncore.network.generate import stream
from rnncore.network.sampling import Sampling, narrow, softmax

every_cell = pytest.mark.parametrize("cell", rnncore.cells())
scores = arrays(np.float64, st.integers(1, 12), elements=st.floats(-50, 50))


@every_cell
def test_a_seed_is_a_text(cell, network):
    model = network(cell)
    before = torch.get_rng_state()
    texts = [rnncore.generate(model, "ab", length=40, seed=seed) for seed in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]
    assert len(texts[0]) == 40
    assert torch.equal(torch.get_rng_state(), before)
    assert rnncore.generate(model, length=40) != rnncore.generate(model, length=40)


@every_cell
def test_what_is_written_is_what_the_model_thought(cell, network):
    """Probabilities, entropy and alternatives, from the whole text read at once."""
    model, prompt = network(cell), "bad"
    written = list(stream(model, prompt, length=12, temperature=0.8, top_k=4, seed=3, alternatives=3))
    text = "".join(step.token for step in written)
    assert text == rnncore.generate(model, prompt, length=12, temperature=0.8, top_k=4, seed=3)
    ids = torch.from_numpy(model.vocabulary.encode(prompt + text))
    logits = model(ids[:-1].unsqueeze(1))[0][len(prompt) - 1 :, 0]
    for step, p in zip(written, logits.softmax(-1).detach(), strict=True):
        assert step.probability == pytest.approx(p[model.vocabulary.symbols.index(step.token)].item())
        assert step.entropy == pytest.approx(-(p * p.log()).sum().item())
        best = sorted(zip(model.vocabulary.symbols, p.tolist(), strict=True), key=lambda pair: -pair[1])[:3]
        assert [token for token, _ in step.alternatives] == [token for token, _ in best]
        assert [q for _, q in step.alternatives] == pytest.approx([q for _, q in best])


def test_temperature_zero_is_greedy(network):
    model = network("lstm")
    written = list(stream(model, "c", length=20, temperature=0, alternatives=1))
    assert all(step.token == step.alternatives[0][0] for step in written)
    assert len({rnncore.generate(model, "c", length=20, temperature=0, seed=s) for s in range(3)}) == 1


def test_a_low_temperature_comes_close_to_greedy(network):
    model = network("lstm")
    greedy = rnncore.generate(model, "c", length=20, temperature=0)
    assert rnncore.generate(model, "c", length=20, temperature=1e-4, seed=0) == greedy
    assert rnncore.generate(model, "c", length=20, temperature=5e-324, seed=0) == greedy


def test_sampling_follows_the_distribution(network):
    """First symbols of many texts, against the model's own probabilities."""
    model = network("gru", text="abc")
    first = next(stream(model, "a", length=1, alternatives=3, seed=0))
    counts = {token: 0 for token, _ in first.alternatives}
    for seed in range(250):
        counts[rnncore.generate(model, "a", length=1, seed=seed)] += 1
    for token, p in first.alternatives:
        assert counts[token] / 250 == pytest.approx(p, abs=0.1)


def test_unseen_characters_and_empty_prompts(network):
    model = network("lstm", text="ab\n")
    assert len(rnncore.generate(model, "日本", length=5, seed=0)) == 5
    assert rnncore.generate(model, "", length=9, seed=0) == rnncore.generate(model, "\n", length=9, seed=0)
    without = network("lstm", text="ab")
    assert rnncore.generate(without, length=9, seed=0) == rnncore.generate(without, "a", length=9, seed=0)
    assert rnncore.generate(model, "a", length=0) == ""


def test_white_space_is_no_prompt_to_a_model_of_words():
    """It has no symbols for it: the model starts as without a prompt, from the end of a line where it knows that."""
    for words in (("one", "two"), ("one", "<eos>")):
        model = rnncore.build("gru", vocabulary=rnncore.Vocabulary.words(words), layers=1, units=3, seed=1)
        first = "\n" if "<eos>" in words else "one"
        expected = rnncore.generate(model, first, length=6, seed=2)
        assert rnncore.generate(model, " ", length=6, seed=2) == expected
        assert rnncore.generate_many(model, ["\t ", first], length=6, seed=2)[0] == expected


def test_bytes_are_joined_to_text():
    model = rnncore.build("gru", vocabulary=rnncore.Vocabulary.bytes(), units=4)
    written = list(stream(model, "é", length=30, seed=0))
    raw = "".join(step.token for step in written).encode("latin-1")
    assert len(raw) == 30
    assert rnncore.generate(model, "é", length=30, seed=0) == raw.decode("utf-8", "replace")


def test_a_stream_can_be_left_at_any_time(network):
    model = network("elman")
    some = list(itertools.islice(stream(model, "a", length=10**9, seed=4), 5))
    assert "".join(step.token for step in some) == rnncore.generate(model, "a", length=5, seed=4)


# What temperature, top-k and top-p do to a distribution


@given(scores)
def test_without_limits_nothing_changes(score):
    np.testing.assert_allclose(narrow(score, 1.0, None, None), softmax(score), atol=1e-15)


@given(scores, st.floats(0.01, 10), st.integers(1, 15))
def test_top_k_keeps_the_k_likeliest(score, temperature, k):
    p = narrow(score, temperature, k, None)
    assert p.sum() == pytest.approx(1)
    assert (p > 0).sum() <= k
    kept = np.sort(score)[::-1][:k]
    assert score[p > 0].min() >= kept.min()
    full = softmax(score / temperature)
    np.testing.assert_allclose(p[p > 0], full[p > 0] / full[p > 0].sum())


@given(scores, st.floats(0.05, 10), st.floats(0.01, 1))
def test_top_p_keeps_the_fewest_that_hold_p(score, temperature, share):
    p, full = narrow(score, temperature, None, share), softmax(score / temperature)
    kept = np.sort(full[p > 0])
    assert p.sum() == pytest.approx(1)
    assert kept.sum() >= share - 1e-9
    assert kept[1:].sum() < share + 1e-9
    assert kept.min() >= full[p == 0].max(initial=0)


@given(scores, st.floats(1e-300, 1e300), st.none() | st.integers(1, 15), st.none() | st.floats(1e-9, 1))
def test_the_likeliest_always_stays(score, temperature, k, share):
    p = narrow(score, temperature, k, share)
    assert p.sum() == pytest.approx(1)
    assert p[np.argmax(score)] == p.max() > 0
    assert narrow(score, 0, k, share)[np.argmax(score)] == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"length": -1}, "length is a number of symbols, not -1"),
        ({"length": 3, "temperature": -0.1}, "temperature is 0"),
        ({"length": 3, "temperature": float("nan")}, "temperature is 0"),
        ({"length": 3, "temperature": float("inf")}, "temperature is 0"),
        ({"length": 3, "top_k": 0}, "top_k is at least 1, not 0"),
        ({"length": 3, "top_p": 0.0}, "top_p is a probability above 0, at most 1, not 0.0"),
        ({"length": 3, "top_p": 1.5}, "top_p is a probability above 0, at most 1, not 1.5"),
    ],
)
def test_options_out_of_range(options, sentence, network):
    with pytest.raises(rnncore.Error, match=sentence):
        stream(network("elman"), "a", **options)  # at once, not at the first symbol


def test_broken_weights_are_said(network):
    model = network("elman")
    torch.nn.init.constant_(model.head.bias, float("nan"))
    with pytest.raises(rnncore.Error, match="no longer finite"):
        rnncore.generate(model, "a", length=1)


# Several texts side by side


@every_cell
def test_many_texts_are_what_each_would_be(cell, network):
    model = network(cell)
    prompts = ["ab", "cad", "ab", ""]
    texts = rnncore.generate_many(model, prompts, length=15, temperature=0.9, top_k=4, seed=5)
    expected = [
        rnncore.generate(model, prompt, length=15, temperature=0.9, top_k=4, seed=5 + number)
        for number, prompt in enumerate(prompts)
    ]
    assert texts == expected
    assert texts[0] != texts[2]


@pytest.mark.parametrize("cell", ["lstm", "gru", "mlstm"])
def test_many_texts_under_a_clamp(cell, network):
    model, clamp = network(cell), rnncore.Clamp(-1, "h", 1, 0.8)
    texts = rnncore.generate_many(model, ["ab", "c"], length=12, seed=2, interventions=[clamp])
    for number, prompt in enumerate(["ab", "c"]):
        assert texts[number] == rnncore.generate(model, prompt, length=12, seed=2 + number, interventions=[clamp])
    assert texts != rnncore.generate_many(model, ["ab", "c"], length=12, seed=2)
    timed = [rnncore.Clamp(-1, "h", 1, 0.8, time=slice(1, 4))]
    assert len(rnncore.generate_many(model, ["ab", "cd"], length=3, seed=2, interventions=timed)) == 2
    with pytest.raises(rnncore.Error, match="prompts of one length; write the texts one by one"):
        rnncore.generate_many(model, ["ab", "c"], length=3, interventions=timed)


def test_no_texts_and_no_length(network):
    model = network("lstm")
    assert rnncore.generate_many(model, [], length=5) == []
    assert rnncore.generate_many(model, ["a", "b"], length=0) == ["", ""]
    with pytest.raises(rnncore.Error, match="length is a number of symbols, not -1"):
        rnncore.generate_many(model, ["a"], length=-1)


@given(arrays(np.float64, (3, 6), elements=st.floats(-20, 20)), st.integers(0, 1000), st.floats(0.1, 3))
def test_a_choice_is_that_of_numpy(score, seed, temperature):
    """Drawn by our own sum, for the same random number, it is what ``random.choice`` draws."""
    randoms = [np.random.default_rng(seed + k) for k in range(3)]
    chosen = Sampling(1, temperature).choose(score, randoms, "model")
    for k, row in enumerate(score):
        p = np.exp((row - row.max()) / temperature)
        assert chosen[k] == np.random.default_rng(seed + k).choice(6, p=p / p.sum())
