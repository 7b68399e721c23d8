"""States at the end of texts: those of a recording, whatever is read beside."""

import numpy as np
import pytest
import torch

import rnncore
from rnncore.analysis import final_states, sentiment_states
from rnncore.training.reviews import prepare

TEXTS = ["ab", "abcde" * 9, "c", "abcab", "edcba", "", "abcde" * 8 + "a"]


@pytest.mark.parametrize("cell", ["lstm", "gru", "mlstm", "elman-layernorm"])
@pytest.mark.parametrize(("batch", "window"), [(1, 256), (3, 7), (100, 256)])
def test_they_are_those_of_a_recording(cell, batch, window, network, monkeypatch):
    monkeypatch.setattr(sentiment_states, "BATCH", batch)
    monkeypatch.setattr(sentiment_states, "WINDOW", window)
    model = network(cell, "abcde \n", dtype=torch.float32)
    reported = []
    states = final_states(model, TEXTS, progress=lambda done, total: reported.append((done, total)))
    signal = "c" if "c" in model.layers[0].states else "h"
    for text, state in zip(TEXTS, states, strict=True):
        expected = rnncore.record(model, prepare(text))[signal][:, -1].ravel()
        np.testing.assert_allclose(state, expected, rtol=1e-4, atol=1e-5)
    symbols = sum(len(prepare(text)) for text in TEXTS)
    assert reported[-1] == (symbols, symbols)


def test_bfloat16_is_near(network):
    model = network("mlstm", "abcde \n", dtype=torch.float32, layers=1, units=32)
    rnncore.LanguageModel.initialise(model, 0)
    exact, rough = final_states(model, TEXTS), final_states(model, TEXTS, precision="bfloat16")
    assert 0 < np.linalg.norm(exact - rough) < 0.02 * np.linalg.norm(exact)
    with pytest.raises(rnncore.Error, match="precision is float32 or bfloat16, not 'half'"):
        final_states(model, TEXTS, precision="half")


def test_what_was_read_is_kept_and_goes_on_where_it_stopped(network, monkeypatch, tmp_path):
    monkeypatch.setattr(sentiment_states, "BATCH", 2)
    model = network("gru", "abcde \n", dtype=torch.float32)
    whole = final_states(model, TEXTS)

    def stop(done, total):
        if done > total / 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        final_states(model, TEXTS, cache=tmp_path, progress=stop)
    (file,) = tmp_path.iterdir()
    read = ~np.isnan(np.load(file)).any(1)
    assert 0 < read.sum() < len(TEXTS)
    np.save(file, np.where(read[:, None], np.full_like(whole, 7), np.float32(np.nan)))
    resumed = final_states(model, TEXTS, cache=tmp_path)
    assert (resumed[read] == 7).all()
    np.testing.assert_array_equal(resumed[~read], whole[~read])


def test_other_weights_and_other_texts_are_read_anew(network, tmp_path):
    model = network("gru", "abcde \n", dtype=torch.float32)
    first = final_states(model, TEXTS, cache=tmp_path)
    with torch.no_grad():
        model.layers[0].bias_hh[0] += 1
    assert not np.array_equal(final_states(model, TEXTS, cache=tmp_path), first)
    final_states(model, TEXTS[:3], cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_model_that_reads_both_ways_is_refused(network):
    with pytest.raises(rnncore.Error, match="no state at a text's end"):
        final_states(network("gru", bidirectional=True), TEXTS)
