"""Writing with some characters chosen by a person."""

import pytest
import torch

import rnncore
from rnncore import Vocabulary
from rnncore.network.generate import stream
from viz_app.components import writing
from viz_app.whatif import Choice, Sampling, surprise, write

MODEL = rnncore.build("gru", vocabulary=Vocabulary.characters("abcdefgh \n"), layers=1, units=12, seed=3)


@pytest.mark.parametrize("prompt", ["", "abc", "\n", "zürich"])
@pytest.mark.parametrize("sampling", [Sampling(), Sampling(0.0), Sampling(1.2, top_k=4, top_p=0.9, seed=7)])
def test_without_choices_it_is_what_generate_writes(prompt: str, sampling: Sampling) -> None:
    written = write(MODEL, prompt, 60, sampling)
    expected = rnncore.generate(
        MODEL,
        prompt,
        length=60,
        temperature=sampling.temperature,
        top_k=sampling.top_k or None,
        top_p=sampling.top_p,
        seed=sampling.seed,
    )
    assert "".join(step.token for step in written) == expected


def test_more_of_it_begins_with_the_same() -> None:
    choices = [Choice(3, write(MODEL, "a", 20, Sampling())[3].alternatives[1][0])]
    assert write(MODEL, "a", 40, Sampling(), choices)[:20] == write(MODEL, "a", 20, Sampling(), choices)


@pytest.mark.parametrize("prompt", ["", "ab"])
def test_a_choice_changes_what_follows_and_nothing_before(prompt: str) -> None:
    plain = write(MODEL, prompt, 50, Sampling())
    other, p = plain[10].alternatives[3]
    changed = write(MODEL, prompt, 50, Sampling(), [Choice(10, other)])
    assert changed[:10] == plain[:10]
    assert (changed[10].token, changed[10].probability) == (other, p)
    assert changed[10].alternatives == plain[10].alternatives
    assert len(changed) == 50
    # What follows is the model's own answer to the changed text.
    text = "".join(step.token for step in changed)
    (follow,) = stream(MODEL, (prompt or "\n") + text[:30], length=1)
    assert dict(follow.alternatives) == pytest.approx(dict(changed[30].alternatives), rel=1e-3)


def test_a_choice_that_was_not_offered_is_a_sentence() -> None:
    unlikely = write(MODEL, "", 5, Sampling(0.0))[2]
    never = next(symbol for symbol in MODEL.vocabulary.symbols if symbol not in dict(unlikely.alternatives))
    with pytest.raises(rnncore.Error, match="not among the likeliest"):
        write(MODEL, "", 5, Sampling(0.0), [Choice(2, never)])


def test_a_choice_beyond_the_text_is_left_out() -> None:
    assert write(MODEL, "", 5, Sampling(), [Choice(99, "a")]) == write(MODEL, "", 5, Sampling())


@pytest.mark.parametrize(
    "vocabulary", [Vocabulary.bytes(), Vocabulary("subwords", ("\n", "a", "b", "ab", "aba", " a", " ", "bb"))]
)
def test_a_model_goes_on_from_the_symbols_it_wrote_however_their_text_would_be_cut(vocabulary: Vocabulary) -> None:
    """From a lone byte of several, and from "a" and "b" where "ab" is a symbol."""
    model = rnncore.build("elman", vocabulary=vocabulary, layers=1, units=8, seed=0)
    plain = write(model, "", 40, Sampling())
    at, token = next(
        (at, token)
        for at, step in enumerate(plain)
        for token, _ in step.alternatives
        if vocabulary.tokenize(vocabulary.join([*(s.token for s in plain[:at]), token]))
        != (*(s.token for s in plain[:at]), token)
    )
    written = write(model, "", 60, Sampling(), [Choice(at, token)])
    tokens = [step.token for step in written]
    assert tokens[: at + 1] == [*(step.token for step in plain[:at]), token]
    ids = [vocabulary.symbols.index(symbol) for symbol in ("\n", *tokens)]
    with torch.no_grad():
        logits = model(torch.tensor(ids)[:, None])[0][:, 0]
    p = logits.log_softmax(-1)[range(len(tokens)), ids[1:]].exp()
    assert [step.probability for step in written] == pytest.approx(p.tolist(), rel=1e-3)


def test_surprise_is_the_mean_of_minus_log_p() -> None:
    written = write(MODEL, "ab", 30, Sampling())
    text = "ab" + "".join(step.token for step in written)
    total = -rnncore.score(MODEL, text) + rnncore.score(MODEL, "ab")
    assert surprise(written) == pytest.approx(total / 30, rel=1e-4)


def test_what_the_browser_gets_is_what_was_written() -> None:
    written = write(MODEL, "aXb", 30, Sampling(), [])
    packed = writing.packed("aXb", written, MODEL.vocabulary)
    assert packed["prompt"] == [["a", True], ["X", False], ["b", True]]
    assert "".join(packed["tokens"]) == "".join(step.token for step in written)
    for step, flat in zip(written, packed["likeliest"], strict=True):
        tokens, shares = [packed["symbols"][place] for place in flat[::2]], flat[1::2]
        assert tokens == [token for token, _ in step.alternatives]
        assert sum(shares) <= 1 + 1e-3
        assert shares == sorted(shares, reverse=True)
