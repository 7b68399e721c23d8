"""Scores against their equations in numpy, the softmax over the source, and what is refused."""

import numpy as np
import pytest
import torch

from rnncore import Error
from rnncore.seq2seq import SCORES, Seq2SeqConfig
from rnncore.seq2seq.attention import find

SOURCE, BATCH, QUERY, MEMORY, UNITS = 5, 3, 4, 6, 7


def numpy_scores(name, weights, q, h, covered):
    """The papers' scores, one pair of vectors at a time."""
    found = np.zeros((SOURCE, BATCH))
    for j in range(SOURCE):
        for b in range(BATCH):
            s, k = q[b], h[j, b]
            if name == "dot":
                found[j, b] = s @ k
            elif name == "general":
                found[j, b] = s @ (weights["W.weight"] @ k)
            else:
                both = np.concatenate([weights["W.weight"], weights["U.weight"]], 1) @ np.concatenate([s, k])
                inside = both + weights["U.bias"]
                if "w.weight" in weights:
                    inside = inside + weights["w.weight"][:, 0] * covered[j, b]
                found[j, b] = weights["v.weight"][0] @ np.tanh(inside)
    return found


@pytest.mark.parametrize(
    ("name", "coverage"), [*((name, False) for name in SCORES), ("additive", True), ("concat", True)]
)
def test_a_score_is_that_of_its_paper(name, coverage):
    torch.manual_seed(1)
    memory_width = QUERY if name == "dot" else MEMORY
    attention = find(name)(QUERY, memory_width, UNITS, coverage).double()
    q, h = torch.randn(BATCH, QUERY).double(), torch.randn(SOURCE, BATCH, memory_width).double()
    covered = torch.rand(SOURCE, BATCH).double()
    found = attention.score(q, attention.keys(h), covered)
    weights = {key: value.numpy() for key, value in attention.state_dict().items()}
    np.testing.assert_allclose(
        found.detach(), numpy_scores(name, weights, q.numpy(), h.numpy(), covered.numpy()), atol=1e-12
    )


@pytest.mark.parametrize("name", SCORES)
def test_weights_are_a_distribution_over_what_is_no_padding(name):
    torch.manual_seed(2)
    attention = find(name)(QUERY, QUERY, UNITS, False).double()
    q, h = torch.randn(BATCH, QUERY).double(), torch.randn(SOURCE, BATCH, QUERY).double()
    mask = torch.tensor([[True] * 3, [True] * 3, [True, True, False], [True, False, False], [False, True, False]])
    weights = attention.weights(q, attention.keys(h), mask, torch.zeros(SOURCE, BATCH).double())
    assert (weights[~mask] == 0).all()
    assert (weights[mask] > 0).all()
    np.testing.assert_allclose(weights.sum(0).detach(), 1)


def test_what_cannot_be_is_a_sentence():
    with pytest.raises(Error, match="no attention 'bilinear'; known: additive, dot, general, concat"):
        Seq2SeqConfig(attention="bilinear")
    with pytest.raises(Error, match=r"the dot score needs encoder and decoder of one width; .* 4 units .* 6"):
        find("dot")(4, 6, 4, False)
    for name in ("dot", "general"):
        with pytest.raises(Error, match="coverage enters additive and concat"):
            find(name)(4, 4, 4, True)
    with pytest.raises(Error, match="nothing to feed or to cover"):
        Seq2SeqConfig(attention="none", input_feeding=True)
    with pytest.raises(Error, match="units must be at least 1"):
        Seq2SeqConfig(units=0)
    with pytest.raises(Error, match="no cell 'lstn'"):
        Seq2SeqConfig(cell="lstn")
    with pytest.raises(Error, match="dropout"):
        Seq2SeqConfig(dropout=1.0)
