"""Queries by pattern, answered again by trying every cell and every run."""

import numpy as np
import pytest
import torch

import rnncore
from rnncore.analysis import Brush, On, fitting, index, nearest

TEXT = "".join(np.random.default_rng(0).choice(list("abcde"), 301))


@pytest.fixture(autouse=True)
def short_pieces(monkeypatch):
    monkeypatch.setattr(
        "rnncore.analysis.pieces.record_pieces", lambda *a, **k: rnncore.record_pieces(*a, **k, length=16)
    )


def is_on(value, threshold, below):
    return value <= threshold if below else value >= threshold


# Cells that fit a brush


@pytest.mark.parametrize("below", [False, True])
@pytest.mark.parametrize(("before", "after"), [(0, 0), (1, 0), (2, 1)])
def test_cells_are_on_inside_and_off_around(below, before, after):
    values = np.random.default_rng(1).normal(size=(2, 12, 200)).astype(np.float32)
    threshold, brush = 0.2 if below else -0.2, Brush(4, 7, before, after)
    expected = {}
    for layer in range(2):
        for unit in range(200):
            cell = values[layer, :, unit]
            inside = [cell[t] for t in range(4, 7)]
            outside = [cell[t] for t in (*range(4 - before, 4), *range(7, 7 + after))]
            if all(is_on(v, threshold, below) for v in inside) and not any(is_on(v, threshold, below) for v in outside):
                expected[layer, unit] = min(abs(v - threshold) for v in inside + outside)
    found = fitting(values, brush, On(threshold, below))
    assert dict(zip(zip(found["layer"], found["unit"], strict=True), found["margin"], strict=True)) == pytest.approx(
        expected, abs=1e-6
    )
    assert len(found) > 3
    assert found["margin"].is_monotonic_decreasing


@pytest.mark.parametrize("below", [False, True])
def test_a_relative_threshold_is_reached_at_that_share_of_steps(below):
    values = np.random.default_rng(2).normal(size=(2, 1000, 5)) * np.arange(1, 6) + np.arange(5)
    on = On.relative(values, 0.1, below=below)
    np.testing.assert_allclose((on.excess(values) >= 0).mean(1), 0.1, atol=0.002)
    with pytest.raises(rnncore.Error, match="between 0 and 1"):
        On.relative(values, 1.0)


@pytest.mark.parametrize("brush", [Brush(0, 13), Brush(1, 3, before=2), Brush(9, 12, after=1)])
def test_a_brush_beyond_the_recording_is_refused(brush):
    with pytest.raises(rnncore.Error, match="is not within the 12 steps"):
        fitting(np.zeros((1, 12, 2)), brush, On(0.5))


@pytest.mark.parametrize("bounds", [(3, 3), (-1, 2), (0, 1, -1)])
def test_a_brush_is_a_range(bounds):
    with pytest.raises(rnncore.Error, match="from a step to a later one"):
        Brush(*bounds)


# The index of a corpus


@pytest.mark.parametrize("below", [False, True])
def test_the_index_knows_which_cells_are_on(network, below):
    model, seen = network("lstm"), []
    values = rnncore.record(model, TEXT)["c"]
    on = On.relative(values, 0.3, below=below)
    found = index(model, TEXT, on, signal="c", progress=lambda *done: seen.append(done))
    for layer in range(2):
        for unit in range(4):
            expected = is_on(values[layer, :, unit], np.asarray(on.threshold, np.float32)[layer, unit], below)
            np.testing.assert_array_equal(found.of(layer, unit), expected)
    assert found.bits.nbytes == 8 * 38
    assert seen[-1] == (301, 301)


def candidates(on, cells, least, shortest):
    """Every longest run on which at least k of the cells are on."""
    active, found = sum(on[cell].astype(int) for cell in cells), set()
    for k in range(least, len(cells) + 1):
        for a in range(len(active)):
            if active[a] >= k and (a == 0 or active[a - 1] < k):
                b = a
                while b < len(active) and active[b] >= k:
                    b += 1
                if b - a >= shortest:
                    found.add((a, b))
    return found


def fits(on, a, b, brush):
    around = [*range(max(0, a - brush.before), a), *range(b, min(len(on), b + brush.after))]
    return all(on[t] for t in range(a, b)) and not any(on[t] for t in around)


@pytest.mark.parametrize("brush", [Brush(0, 3), Brush(5, 7, 1, 1), Brush(0, 2, 0, 2)])
@pytest.mark.parametrize("shortest", [1, 2])
def test_matches_are_the_best_of_all_runs(network, brush, shortest):
    model, cells = network("lstm", layers=2, units=6), [(0, 1), (1, 2), (1, 5)]
    corpus = index(model, TEXT, On(0.1))
    on = {(layer, unit): corpus.of(layer, unit) for layer in range(2) for unit in range(6)}
    ranked = []
    for a, b in candidates(on, cells, 2, shortest):
        shared = sum(fits(on[cell], a, b, brush) for cell in cells)
        extra = sum(fits(on[cell], a, b, brush) for cell in on if cell not in cells)
        if shared:
            ranked.append((-shared, extra, abs(b - a - brush.end + brush.start), a, b))
    expected = []
    for shared, extra, _, a, b in sorted(ranked):
        if all(b <= start or end <= a for start, end, _, _ in expected):
            expected.append((a, b, -shared, extra))
    feature = np.arange(len(TEXT)) % 7
    found = corpus.matches(cells, brush, shortest=shortest, context=5, feature=feature)
    columns = found[["start", "end", "shared", "extra"]]
    assert list(columns.itertuples(index=False, name=None)) == expected[:50]
    assert len(expected) > 5
    for row in found.itertuples():
        assert row.first == max(0, row.start - 5)
        assert "".join(row.tokens) == TEXT[row.first : row.end + 5]
        np.testing.assert_array_equal(row.feature, feature[row.first : row.end + 5])
    few = corpus.matches(cells, brush, shortest=shortest, count=3)
    assert list(few["start"]) == [a for a, *_ in expected[:3]]


def counter_of_brackets():
    """A ReLU network whose unit 0 adds up the brackets that are open; unit 1 is on after an x."""
    model = rnncore.build(
        "elman-relu", vocabulary=rnncore.Vocabulary.characters("()xy"), layers=1, units=3, embedding=4
    )
    (cell,) = model.layers
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.embedding.weight.copy_(torch.eye(4))
        cell.weight_ih[0] = torch.tensor([1.0, -1.0, 0.0, 0.0])
        cell.weight_ih[1, 2] = 1
        cell.weight_hh[0, 0] = 1
    return model


def test_a_brushed_bracket_finds_the_other_brackets():
    text = "yy(yyyy)yyyxyyy(yxyy)yy" * 10 + "y"
    model = counter_of_brackets()
    values, brush = rnncore.record(model, text)["h"], Brush(2, 7, 1, 1)
    cells = fitting(values, brush, On(0.5))
    assert list(cells.itertuples(index=False, name=None)) == [(0, 0, 0.5)]
    found = index(model, text, On(0.5)).matches([(0, 0)], brush)
    assert {text[a:b] for a, b in zip(found["start"], found["end"], strict=True)} == {"(yyyy", "(yxyy"}
    assert len(found) == 20
    assert list(found["extra"].unique()) == [0]


def test_where_nothing_matches_there_is_nothing():
    found = index(counter_of_brackets(), "yyyyyyyy", On(0.5)).matches([(0, 0)], Brush(0, 2), feature=np.zeros(8))
    assert found.empty
    assert list(found) == ["start", "end", "shared", "extra", "first", "tokens", "feature"]


def test_what_does_not_fit_is_said(network):
    model = network("gru")
    corpus = index(model, TEXT, On(0.1))
    for cells in ([], [(2, 0)], [(0, 4)], [(0, -1)]):
        with pytest.raises(rnncore.Error, match="a layer below 2 and a unit below 4"):
            corpus.matches(cells, Brush(0, 2))
    with pytest.raises(rnncore.Error, match="each of the 301 steps, not 3"):
        corpus.matches([(0, 0)], Brush(0, 2), feature=np.zeros(3))
    with pytest.raises(rnncore.Error, match=r"thresholds are \[2, 4\]"):
        index(model, TEXT, On(np.zeros((2, 3))))


# Nearest states


@pytest.mark.parametrize("length", [1, 4, 20])
@pytest.mark.parametrize("cells", [None, [(0, 1), (1, 3), (1, 0)]])
def test_the_nearest_passages_by_cosine(network, length, cells):
    model, seen = network("lstm"), []
    query = rnncore.record(model, TEXT[:80])
    values = rnncore.record(model, TEXT)["c"].astype(float)
    chosen = cells or [(layer, unit) for layer in range(2) for unit in range(4)]
    states = np.stack([values[cell[0], :, cell[1]] for cell in chosen], 1)
    usual = states[:80].mean(0)
    means = [states[t : t + length].mean(0) - usual for t in range(len(TEXT) - length + 1)]
    q = means[30]
    cosine = np.array([m @ q / np.linalg.norm(m) / np.linalg.norm(q) for m in means])
    expected = []
    for t in np.argsort(-cosine):
        if all(abs(t - other) >= length for other in expected):
            expected.append(int(t))
    found = nearest(
        model,
        TEXT,
        query,
        Brush(30, 30 + length),
        signal="c",
        cells=cells,
        count=8,
        feature=np.arange(301),
        progress=lambda *done: seen.append(done),
    )
    np.testing.assert_allclose(found["cosine"], cosine[expected[:8]], atol=1e-5)
    assert found["start"][0] == 30
    assert (found["end"] - found["start"] == length).all()
    assert [row.feature[0] for row in found.itertuples()] == list(found["first"])
    assert seen[-1] == (301, 301)


def test_a_query_of_another_model_is_refused(network):
    query = rnncore.record(network("gru", units=5), TEXT[:20])
    with pytest.raises(rnncore.Error, match="not one of a recording of"):
        nearest(network("gru"), TEXT, query, Brush(0, 3))
