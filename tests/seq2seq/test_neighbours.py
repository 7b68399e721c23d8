"""Neighbours: a state's own sentence is the nearest; projections of what lies in a plane keep it."""

import numpy as np
import pytest
import torch

from rnncore import Error
from rnncore.seq2seq import nearest, project, record, states

PAIRS = [("abc", "xy"), ("a", "zzz"), ("edcba", "x"), ("bb", "yx"), ("ce", "zy")]


@pytest.mark.parametrize("side", ["encoder", "decoder"])
def test_states_are_those_of_a_recording_and_the_nearest_is_their_own(translator, side):
    model, seen = translator(1).float(), []
    kept = states(model, PAIRS, side, many=2, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(2, 5), (4, 5), (5, 5)]
    ids = [(model.source.encode(source), model.target.encode(target)) for source, target in PAIRS]
    assert len(kept.values) == sum(len(pair[side == "decoder"]) for pair in ids)
    found = record(model, *ids[2])
    values = found.decoder["h"][-1] if side == "decoder" else np.concatenate(found.encoder["h"], 1)
    own = kept.values[kept.pair == 2]
    np.testing.assert_allclose(own, values, atol=1e-5)
    table, near = nearest(model, kept, values[1], count=3)
    assert table.loc[0, "similarity"] == pytest.approx(1, abs=1e-5)
    assert (table.loc[0, "pair"], table.loc[0, "step"]) == (2, 1)
    assert table.loc[0, "token"] == ("d" if side == "encoder" else "</s>")
    assert table.loc[0, "before"] == ("e" if side == "encoder" else "x")
    assert table["pair"].is_unique
    assert table["similarity"].is_monotonic_decreasing
    assert near.shape == (3, kept.values.shape[1])


def test_what_lies_in_a_plane_is_projected_onto_it():
    flat = torch.randn(20, 2, generator=torch.Generator().manual_seed(0)).numpy()
    turned = (flat @ np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))[0][:2]).astype(np.float32)
    points = project(turned)
    distances = [np.linalg.norm(v[:, None] - v[None], axis=-1) for v in (flat, points)]
    np.testing.assert_allclose(distances[0], distances[1], atol=1e-5)
    groups = np.repeat([[0.0] * 6, [50.0] * 6], 10, 0).astype(np.float32) + turned[:20]
    apart = project(groups, "t-sne")
    centres = apart[:10].mean(0), apart[10:].mean(0)
    spread = max(np.linalg.norm(part - part.mean(0), axis=1).mean() for part in (apart[:10], apart[10:]))
    assert np.linalg.norm(centres[0] - centres[1]) > 2 * spread


def test_what_cannot_be_projected_is_a_sentence(translator):
    with pytest.raises(Error, match="at least 3"):
        project(np.zeros((2, 4), np.float32))
    with pytest.raises(Error, match="at least one pair"):
        states(translator(), [], "encoder")
