"""Beams against looking at every translation there is; prefixes, forced rows, votes."""

import itertools

import numpy as np
import pytest
import torch

import rnncore
from rnncore import Error
from rnncore.seq2seq import Fusion, beam, write
from rnncore.seq2seq.tokens import BEGIN, END

LONGEST = 4


def every_translation(model, source, votes=None):
    """Yield (tokens, log probability) of all that end, or are as long as can be; each scored by one forward pass."""
    allowed = [END, *range(4, len(model.target))]
    for length in range(1, LONGEST + 1):
        for tokens in itertools.product(allowed, repeat=length):
            if END in tokens[:-1] or (tokens[-1] != END):
                continue
            fed = torch.tensor([BEGIN, *tokens[:-1]])[:, None]
            logits, _ = model(torch.tensor(source)[:, None], fed)
            logits = logits[:, 0].clone()
            logits[:, [0, 1, 2]] = -torch.inf
            likely = logits.log_softmax(-1)
            total = sum(float(likely[t, token].detach()) for t, token in enumerate(tokens))
            yield tokens, total + (votes(tokens) if votes else 0)


@pytest.mark.parametrize("penalty", [0.0, 1.0])
@pytest.mark.parametrize("shape", [{"attention": "additive"}, {"attention": "none", "cell": "lstm"}])
def test_a_wide_beam_finds_what_looking_at_everything_finds(translator, shape, penalty):
    for seed in range(3):
        model, source = translator(seed, **shape), [5, 7, 4, END]
        found = beam(model, source, width=200, length_penalty=penalty, longest=LONGEST).hypotheses
        ranked = sorted(every_translation(model, source), key=lambda pair: -pair[1] / len(pair[0]) ** penalty)
        for hypothesis, (tokens, total) in zip(found, ranked[:5], strict=False):
            assert hypothesis.ids == tokens
            assert float(hypothesis.log_probability.sum()) == pytest.approx(total, abs=1e-5)
            assert hypothesis.score == pytest.approx(total / len(tokens) ** penalty, abs=1e-9)
            assert hypothesis.finished


def test_a_beam_of_one_is_greedy_and_wider_ones_are_no_worse(translator):
    for seed in range(4):
        model, source = translator(seed), np.array([4, 8, 6, END])
        greedy = beam(model, source, width=1, length_penalty=0, longest=12)
        line = write(model, [source], longest=12)[0]
        assert list(greedy.best.ids) == line
        wide = beam(model, source, width=6, length_penalty=0, longest=12).best
        assert wide.score >= greedy.best.score - 1e-9


def test_the_tree_holds_every_hypothesis_with_its_score(translator):
    model = translator(2)
    found = beam(model, [4, 5, END], width=3, longest=6)
    assert found.nodes[0].token == BEGIN
    for hypothesis in found.hypotheses:
        for place, token in zip(hypothesis.nodes, hypothesis.ids, strict=True):
            assert found.nodes[place].token == token
            assert found.nodes[place].kept
        last = found.nodes[hypothesis.nodes[-1]]
        assert last.log_probability == pytest.approx(float(hypothesis.log_probability.sum()), abs=1e-5)
    children = {}
    for node in found.nodes[1:]:
        children.setdefault(node.parent, []).append(node)
        assert node.log_probability <= found.nodes[node.parent].log_probability
    assert any(not node.kept for node in found.nodes)
    assert all(found.nodes[parent].kept for parent in children)


def test_a_hypothesis_tells_where_it_looked_and_what_else_it_might_have_written(translator):
    model = translator(1)
    source = [4, 5, 6, END]
    best = beam(model, source, width=2, longest=5).best
    fed = torch.tensor([BEGIN, *best.ids[:-1]])[:, None]
    logits, maps = model(torch.tensor(source)[:, None], fed)
    np.testing.assert_allclose(best.attention, maps[..., 0].detach(), atol=1e-6)
    logits[..., [0, 1, 2]] = -torch.inf
    top = logits[:, 0].softmax(-1).topk(best.alternatives.shape[1])
    np.testing.assert_array_equal(best.alternatives[:, :4], top.indices[:, :4])
    np.testing.assert_allclose(best.probability, top.values.detach(), atol=1e-6)


def test_a_prefix_is_how_the_translation_begins(translator):
    model = translator(3)
    found = beam(model, [4, 5, END], width=3, longest=6, prefix=[6, 4])
    assert all(hypothesis.ids[:2] == (6, 4) for hypothesis in found.hypotheses)
    free = beam(model, [4, 5, END], width=3, longest=6).best
    again = beam(model, [4, 5, END], width=3, longest=6, prefix=free.ids[:1]).best
    assert again.ids == free.ids
    assert again.score == pytest.approx(free.score)


def test_a_forced_row_is_read_and_later_rows_are_its_own(translator):
    model = translator(0)
    found = beam(model, [4, 5, END], width=2, longest=4, forced={0: [0.0, 1.0, 0.0]}).best
    np.testing.assert_allclose(found.attention[0], [0, 1, 0])
    np.testing.assert_allclose(found.attention.sum(1), 1, atol=1e-6)
    free = beam(model, [4, 5, END], width=2, longest=4).best
    assert not np.allclose(found.log_probability[:1], free.log_probability[:1])


def test_sampling_follows_its_seed_and_its_temperature(translator):
    model, sources = translator(0), [np.array([4, 5, END])] * 400
    draws = [
        write(model, sources, temperature=1.0, longest=3, generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2)
    ]
    assert draws[0] == draws[1] != draws[2]
    read = model.encode(torch.tensor([[4], [5], [END]]))
    logits = model.head(model.step(torch.tensor([BEGIN]), model.start(read), read)[0])[0].detach()
    logits[[0, 1, 2]] = -torch.inf
    expected = logits.softmax(-1).numpy()
    seen = np.bincount([line[0] for line in draws[0]], minlength=len(expected)) / 400
    assert np.abs(seen - expected).max() < 4 * 0.5 / 20  # four standard errors at most
    cold = write(model, sources[:5], temperature=0.01, longest=3, generator=torch.Generator().manual_seed(0))
    assert cold == write(model, sources[:5], longest=3)


def test_a_language_model_votes(translator):
    model, source = translator(1), [4, 6, END]
    language = rnncore.build(
        "gru", vocabulary=rnncore.Vocabulary.characters("\nxyz"), units=5, layers=1, seed=4
    ).double()

    def votes(tokens):
        text = "\n" + "".join("\n" if token == END else model.target.symbols[token] for token in tokens)
        return 0.7 * rnncore.score(language, text)

    found = beam(model, source, width=200, length_penalty=0, longest=LONGEST, fusion=Fusion(language, 0.7)).hypotheses
    ranked = sorted(every_translation(model, source, votes), key=lambda pair: -pair[1])
    for hypothesis, (tokens, total) in zip(found, ranked[:5], strict=False):
        assert hypothesis.ids == tokens
        assert hypothesis.score == pytest.approx(total, abs=1e-5)
    assert [one.ids for one in found] != [one.ids for one in beam(model, source, width=200, longest=LONGEST).hypotheses]
    stranger = rnncore.build("gru", vocabulary=rnncore.Vocabulary.characters("\nxy"), units=5)
    with pytest.raises(Error, match="does not know 1 of the translator's tokens, such as 'z'"):
        beam(model, source, fusion=Fusion(stranger))


def test_what_cannot_be_searched_is_a_sentence(translator):
    model = translator()
    with pytest.raises(Error, match="1 or more hypotheses"):
        beam(model, [4, END], width=0)
    with pytest.raises(Error, match="at least one token"):
        beam(model, [])
    with pytest.raises(Error, match="step 1 is to read with 2 weights; the source has 3 tokens"):
        beam(model, [4, 5, END], forced={1: [0.5, 0.5]})
