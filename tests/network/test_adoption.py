"""Other people's models: what they compute is what ours computes, and what does not fit is said, all of it."""

import json
import string

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from typer.testing import CliRunner

import rnncore
from rnncore.cli import app
from rnncore.network import checkpoint

SYMBOLS = list("\n abcde")
TEXT = "abe a\ndec bad"
MODULES = {"lstm": nn.LSTM, "gru": nn.GRU, "elman": nn.RNN, "elman-relu": nn.RNN}
every_cell = pytest.mark.parametrize("cell", MODULES)


class Model(nn.Module):
    """Embedding, recurrent stack and head, under the names that a layout has for them."""

    def __init__(self, names, cell="lstm", vocab=7, width=5, units=5, tied=False, head_bias=True, **options):
        super().__init__()
        embedding, recurrent, head = names
        if embedding:
            setattr(self, embedding, nn.Embedding(vocab, width))
        more = {"nonlinearity": "relu"} if cell == "elman-relu" else {}
        setattr(self, recurrent, MODULES[cell](width if embedding else vocab, units, **options, **more))
        setattr(self, head, nn.Linear(units, vocab, bias=head_bias))
        self.parts = (getattr(self, embedding) if embedding else None, getattr(self, recurrent), getattr(self, head))
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.normal_(0, 0.7)
        if tied:
            self.parts[2].weight = self.parts[0].weight
        self.double().eval()

    def forward(self, ids):
        embedding, recurrent, head = self.parts
        x = nn.functional.one_hot(ids, head.out_features).double() if embedding is None else embedding(ids)
        return head(recurrent(x)[0])


LAYOUTS = {
    "word_language_model": ("encoder", "rnn", "decoder"),
    "char-rnn.pytorch": ("encoder", "rnn", "decoder"),
    "courses": (None, "lstm", "fc"),
    "any": ("tok_embeddings", "body", "unembed"),
}


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def agree(model, theirs, tolerance=1e-12):
    """Compare logits and, by them, losses: the whole model, not its weights."""
    ids = torch.from_numpy(model.vocabulary.encode(TEXT))
    assert (ids >= 0).all()
    expected = theirs(ids.unsqueeze(1)) if not theirs.parts[1].batch_first else theirs(ids.unsqueeze(0)).transpose(0, 1)
    logits, _ = model(ids.unsqueeze(1))
    torch.testing.assert_close(logits, expected.to(logits.dtype), rtol=tolerance, atol=tolerance)
    losses = nn.functional.cross_entropy(expected[:-1, 0], ids[1:], reduction="none").detach().numpy()
    np.testing.assert_allclose(rnncore.record(model, TEXT).loss[:-1], losses, rtol=1e-5)


# Modules


@every_cell
@pytest.mark.parametrize("one_hot", [False, True])
@pytest.mark.parametrize(
    "options", [{}, {"num_layers": 3, "dropout": 0.3}, {"bias": False, "num_layers": 2}, {"batch_first": True}]
)
def test_adopted_modules_compute_the_same(cell, one_hot, options):
    theirs = Model((None if one_hot else "embedding", "rnn", "head"), cell, units=6, **options)
    before = {name: value.clone() for name, value in theirs.state_dict().items()}
    model = rnncore.adopt(*theirs.parts, SYMBOLS)
    agree(model, theirs)
    assert (model.name, model.config.cell, model.config.layers) == ("adopted", cell, options.get("num_layers", 1))
    assert model.config.dropout == options.get("dropout", 0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert all(torch.equal(value, before[name]) for name, value in theirs.state_dict().items())


@every_cell
def test_an_adopted_model_is_saved_loaded_recorded_and_writes(cell, tmp_path):
    theirs = Model(("embedding", "rnn", "head"), cell, bias=False, head_bias=False)
    model = rnncore.adopt(*theirs.parts, rnncore.Vocabulary("characters", tuple(SYMBOLS)), name="mine")
    checkpoint.save(model, tmp_path / "mine")
    loaded = rnncore.load(tmp_path / "mine")
    agree(loaded, theirs, 1e-4)
    assert loaded.name == "mine"
    assert rnncore.record(loaded, TEXT, gradients=True).gradient["h"].max() > 0
    assert len(rnncore.generate(loaded, length=9, seed=1)) == 9


def test_all_that_does_not_fit_is_listed():
    lstm = nn.LSTM(4, 6, num_layers=2, bidirectional=True, proj_size=2)
    with pytest.raises(rnncore.Error) as caught:
        rnncore.adopt(nn.Embedding(8, 3, max_norm=1.0), lstm, nn.Linear(5, 7), SYMBOLS[1:])
    assert str(caught.value).splitlines() == [
        "these modules make no language model:",
        "- the embedding has max_norm, which changes it as it is read; clip its rows, then set None",
        "- the recurrent layers read in both directions; to predict the next symbol is to read forwards",
        "- the LSTM has a projection (proj_size), which no cell has here; record_module can record it",
        "- the embedding gives 3 values, the first recurrent layer reads 4",
        "- the embedding has 8 symbols, the head 7",
        "- the vocabulary has 6 symbols, the head scores 7",
    ]


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ((nn.Embedding(7, 3), nn.LSTM(3, 4), nn.Linear(5, 7)), "head reads 5 values, the last recurrent layer gives"),
        ((None, nn.GRU(6, 4), nn.Linear(4, 7)), r"reads one-hot vectors of 6, but the head scores 7 symbols"),
        ((None, nn.LSTMCell(7, 4), nn.Linear(4, 7)), r"nn.GRU or nn.RNN, .*; came NoneType, LSTMCell, Linear"),
        ((nn.Linear(7, 3), nn.LSTM(3, 4), nn.Sequential()), "; came Linear, LSTM, Sequential"),
    ],
)  # fmt: skip
def test_modules_that_do_not_fit(parts, sentence):
    with pytest.raises(rnncore.Error, match=sentence):
        rnncore.adopt(*parts, SYMBOLS)


# Files


@pytest.mark.parametrize("layout", LAYOUTS)
@every_cell
@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
def test_layouts_are_found_by_names_and_shapes(layout, cell, suffix, tmp_path):
    theirs = Model(LAYOUTS[layout], cell, num_layers=2)
    path = tmp_path / f"weights{suffix}"
    save_file(theirs.state_dict(), path) if suffix == ".safetensors" else torch.save(theirs.state_dict(), path)
    model = rnncore.import_checkpoint(path, SYMBOLS, relu=cell == "elman-relu")
    agree(model, theirs)
    assert model.name == "weights"


@pytest.mark.parametrize("wrap", ["state_dict", "model_state_dict", "model"])
def test_tensors_among_other_things(wrap, tmp_path):
    """As courses save their CharRNN: sizes, symbols and tensors in one dictionary; here from several GPUs, too."""
    theirs = Model(LAYOUTS["courses"], num_layers=2)
    tensors = {f"module.{name}": value for name, value in theirs.state_dict().items()}
    torch.save({"n_hidden": 5, "n_layers": 2, wrap: tensors, "tokens": tuple(SYMBOLS)}, tmp_path / "a.net")
    agree(rnncore.import_checkpoint(tmp_path / "a.net"), theirs)


@pytest.mark.parametrize("kept", [{c: i for i, c in enumerate(SYMBOLS)}, dict(enumerate(SYMBOLS))])
def test_symbols_kept_as_a_mapping(kept, tmp_path):
    theirs = Model(LAYOUTS["any"])
    torch.save({"weights": theirs.state_dict(), "args": {"vocab": kept}}, tmp_path / "a.pt")
    agree(rnncore.import_checkpoint(tmp_path / "a.pt"), theirs)


@pytest.mark.parametrize(
    "options", [{"tied": True}, {"tied": True, "head_bias": False}, {"head_bias": False, "units": 6}]
)
def test_heads_without_bias_and_tied(options, tmp_path):
    theirs = Model(LAYOUTS["any"], **options)
    torch.save(theirs.state_dict(), tmp_path / "a.pt")
    agree(rnncore.import_checkpoint(tmp_path / "a.pt", SYMBOLS), theirs)


def test_which_matrix_is_which_is_not_guessed(tmp_path):
    torch.save(Model(LAYOUTS["any"], head_bias=False).state_dict(), tmp_path / "a.pt")
    with pytest.raises(
        rnncore.Error, match=r"found tok_embeddings.weight \[7, 5\], unembed.weight \[7, 5\]. From Python"
    ):
        rnncore.import_checkpoint(tmp_path / "a.pt", SYMBOLS)


def test_all_that_is_missing_is_listed(tmp_path):
    theirs = Model(LAYOUTS["any"], bidirectional=True)
    theirs.norm = nn.LayerNorm(5)
    torch.save(theirs.state_dict(), tmp_path / "a.pt")
    with pytest.raises(rnncore.Error) as caught:
        rnncore.import_checkpoint(tmp_path / "a.pt")
    assert str(caught.value).splitlines() == [
        f"{tmp_path / 'a.pt'} does not fit:",
        "- these tensors have no place in embedding, recurrent stack and head: norm.weight, norm.bias",
        "- the recurrent layers read in both directions; to predict the next symbol is to read forwards",
        "- its 7 symbols are not known; give a vocabulary: a list, or the training text",
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({}, "nn.RNN, with names such as rnn.weight_ih_l0; found none among its contents"),
        ({"a.weight": torch.zeros(2, 2)}, "found none among a.weight"),
        (torch.zeros(3), "found none"),
        ({**nn.LSTM(2, 2).state_dict()}, r"expected a head \[symbols, 2\] with its bias .*; found none"),
        ({f"{owner}.{k}": v for owner in "ab" for k, v in nn.LSTM(2, 2).state_dict().items()}, "found 'a', 'b'"),
        ({"a.weight_ih_l0": torch.zeros(10, 2), "a.weight_hh_l0": torch.zeros(10, 5)}, "has 10 rows for 5 units"),
        ({"a.weight_ih_l0": torch.zeros(4, 2)}, "found 'a'"),
        ({**nn.LSTM(2, 2, 2).state_dict(), "bias_hh_l1": torch.zeros(3), "w": torch.zeros(2, 2)},
         r"bias_hh_l1 is \[3\], expected \[8\]"),
        ({k: v for k, v in [*nn.LSTM(2, 2, 2).state_dict().items(), ("w", torch.zeros(2, 2))] if k != "weight_hh_l1"},
         r"weight_hh_l1 is missing, expected \[8, 2\]"),
    ],
)  # fmt: skip
def test_files_that_are_no_language_model(content, sentence, tmp_path):
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(rnncore.Error, match=sentence):
        rnncore.import_checkpoint(tmp_path / "a.pt", ["a", "b"])


class Evil:
    """Would leave a trace if it were opened."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return open, (str(self.trace), "w")


def test_nothing_in_a_file_is_run(tmp_path):
    torch.save({"model": Evil(tmp_path / "trace")}, tmp_path / "evil.pt")
    with pytest.raises(rnncore.CheckpointError, match=r"holds more than tensors.*torch.save\(model.state_dict\(\)"):
        rnncore.import_checkpoint(tmp_path / "evil.pt", SYMBOLS)
    torch.save(Model(LAYOUTS["any"]), tmp_path / "whole.pt")
    with pytest.raises(rnncore.CheckpointError, match="holds more than tensors"):
        rnncore.import_checkpoint(tmp_path / "whole.pt", SYMBOLS)
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_damaged_files(suffix, tmp_path):
    path = tmp_path / f"a{suffix}"
    with pytest.raises(rnncore.CheckpointError, match="no checkpoint at"):
        rnncore.import_checkpoint(path, SYMBOLS)
    tensors = Model(LAYOUTS["any"]).state_dict()
    save_file(tensors, path) if suffix == ".safetensors" else torch.save(tensors, path)
    whole = path.read_bytes()
    for content in (b"", b"junk", b"\x80\x02junk", whole[:50], whole[: len(whole) // 2], whole[:-1]):
        path.write_bytes(content)
        with pytest.raises(rnncore.CheckpointError):
            rnncore.import_checkpoint(path, SYMBOLS)


# Vocabularies


def imported(tmp_path, size, vocabulary, **options):
    torch.save(Model(LAYOUTS["any"], vocab=size).state_dict(), tmp_path / "a.pt")
    return rnncore.import_checkpoint(tmp_path / "a.pt", vocabulary, **options).vocabulary


def written(path, text):
    path.write_bytes(text.encode())
    return path


def test_vocabularies_from_files(tmp_path):
    text = written(tmp_path / "text.txt", "bad dad\r\nbe\n")
    assert imported(tmp_path, 7, text).symbols == ("\n", "\r", " ", "a", "b", "d", "e")
    assert imported(tmp_path, 7, str(text), order="appearance").symbols == ("b", "a", "d", " ", "\r", "\n", "e")
    more = written(tmp_path / "more.txt", "cad\n")
    assert imported(tmp_path, 8, [text, more]).symbols == ("\n", "\r", " ", "a", "b", "c", "d", "e")
    words = imported(tmp_path, 5, [text, more], words=True)
    assert words == rnncore.Vocabulary.words(["bad", "dad", "<eos>", "be", "cad"])
    assert imported(tmp_path, 4, text, words=True, order="sorted").symbols == ("\n", "bad ", "be ", "dad ")
    assert imported(tmp_path, 3, written(tmp_path / "list.txt", "a\n \nb\n")).symbols == ("a", " ", "b")
    assert imported(tmp_path, 3, written(tmp_path / "list.txt", "the\n<eos>\ncat\n")).symbols == ("the ", "\n", "cat ")
    assert imported(tmp_path, 3, written(tmp_path / "a.json", json.dumps(["a", "\n", "b"]))).symbols == ("a", "\n", "b")
    assert imported(tmp_path, 2, written(tmp_path / "a.json", json.dumps({"a": 1, "b": 0}))).symbols == ("b", "a")
    assert imported(tmp_path, 2, written(tmp_path / "a.json", json.dumps({"1": "a", "0": "b"}))).symbols == ("b", "a")
    assert imported(tmp_path, 100, "printable").symbols == tuple(string.printable)
    assert imported(tmp_path, 256, "bytes") == rnncore.Vocabulary.bytes()


def test_vocabularies_that_do_not_fit(tmp_path):
    with pytest.raises(rnncore.Error, match="the vocabulary has 4 symbols, the head scores 9"):
        imported(tmp_path, 9, written(tmp_path / "text.txt", "abc\n"))
    with pytest.raises(rnncore.Error, match=r"no vocabulary at .*gone"):
        imported(tmp_path, 9, tmp_path / "gone")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(rnncore.Error, match="not text in UTF-8"):
        imported(tmp_path, 9, tmp_path / "binary")
    for junk in ("{", "5", "[1]", '{"a": 0, "b": 2}'):
        with pytest.raises(rnncore.Error, match=r"is no JSON|is neither a list of symbols nor an object"):
            imported(tmp_path, 9, written(tmp_path / "a.json", junk))
    with pytest.raises(rnncore.Error, match="holds each symbol once"):
        imported(tmp_path, 2, ["a", "a"])


# OpenAI's arrays


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def sentiment_logits(arrays, content):
    """Return the logits [time, 256] of the whole model, in numpy, as its equations stand in the paper."""
    w, wx, *wh, wmx, wmh, b, gx, gh, gmx, gmh, out, out_b = (array.astype(np.float64) for array in arrays)
    wh = np.concatenate(wh, axis=1)
    wx, wh, wmx, wmh = (
        gain * matrix / np.sqrt((matrix**2).sum(0)) for matrix, gain in ((wx, gx), (wh, gh), (wmx, gmx), (wmh, gmh))
    )
    h = c = np.zeros(len(wmh))
    logits = []
    for byte in content:
        x = w[byte]
        m = (x @ wmx) * (h @ wmh)
        i, f, o, u = np.split(x @ wx + m @ wh + b, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(u)
        h = sigmoid(o) * np.tanh(c)
        logits.append(h @ out + out_b)
    return np.array(logits)


@pytest.fixture
def arrays(tmp_path):
    random, units, inputs = np.random.default_rng(0), 8, 3
    shapes = [(256, inputs), (inputs, 4 * units), *[(units, units)] * 4, (inputs, units), (units, units), (4 * units,)]
    shapes += [(4 * units,), (4 * units,), (units,), (units,), (units, 256), (256,)]
    made = [random.normal(size=shape).astype(np.float32) for shape in shapes]
    (tmp_path / "model").mkdir()
    for number, array in enumerate(made):
        np.save(tmp_path / "model" / f"{number}.npy", array)
    return made


def test_the_sentiment_neuron(arrays, tmp_path):
    model = rnncore.import_checkpoint(tmp_path / "model", name="sentiment").double()
    text = "\n It was gréat. "
    logits, _ = model(torch.from_numpy(model.vocabulary.encode(text)).unsqueeze(1))
    expected = sentiment_logits(arrays, text.encode())
    assert expected.std(0).min() > 1e-3
    np.testing.assert_allclose(logits[:, 0].detach(), expected, rtol=1e-9, atol=1e-9)
    assert (model.config.cell, model.config.units, model.config.embedding) == ("mlstm", 8, 3)


def test_the_sentiment_neuron_by_one_command(arrays, tmp_path):
    done = CliRunner().invoke(app, ["import", str(tmp_path / "model"), "--out", str(tmp_path / "sentiment")])
    assert done.exit_code == 0, done.output
    assert "sentiment: 1 × 8 Multiplicative LSTM" in done.output
    model = rnncore.load(tmp_path / "sentiment")
    ids = model.vocabulary.encode("good")
    expected = sentiment_logits(arrays, b"good")
    np.testing.assert_allclose(
        model(torch.from_numpy(ids).unsqueeze(1))[0][:, 0].detach(), expected, rtol=1e-4, atol=1e-5
    )


def test_arrays_that_do_not_fit(arrays, tmp_path):
    folder = tmp_path / "model"
    np.save(folder / "8.npy", np.zeros(5, np.float32))
    with pytest.raises(rnncore.Error, match=r"do not fit together as those of OpenAI's model: .* 8.npy \[5\]"):
        rnncore.import_checkpoint(folder)
    (folder / "7.npy").write_bytes(b"junk")
    with pytest.raises(rnncore.CheckpointError, match=r"an array of .* is damaged"):
        rnncore.import_checkpoint(folder)
    (folder / "7.npy").unlink()
    (folder / "3.npy").unlink()
    with pytest.raises(rnncore.CheckpointError, match=r"it lacks 3.npy, 7.npy"):
        rnncore.import_checkpoint(folder)


# The command


def test_import(tmp_path):
    theirs = Model(LAYOUTS["char-rnn.pytorch"], "gru", num_layers=2)
    torch.save(theirs.state_dict(), tmp_path / "a.pt")
    text = written(tmp_path / "train.txt", "".join(SYMBOLS[::-1]) + TEXT)
    out = tmp_path / "mine"
    done = CliRunner().invoke(app, ["import", str(tmp_path / "a.pt"), "--vocabulary", str(text), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "mine: 2 × 5 GRU" in done.output
    agree(rnncore.load(out), theirs, 1e-4)
    assert checkpoint.read_config(out)["training"] == {"imported": "a.pt"}


def test_import_of_words(tmp_path):
    theirs = Model(LAYOUTS["word_language_model"], vocab=4)
    torch.save(theirs.state_dict(), tmp_path / "a.pt")
    texts = [written(tmp_path / "train.txt", "the cat\n"), written(tmp_path / "valid.txt", "the dog\n")]
    files = [word for text in texts for word in ("--vocabulary", str(text))]
    done = CliRunner().invoke(app, ["import", str(tmp_path / "a.pt"), *files, "--words", "--out", str(tmp_path / "b")])
    assert done.exit_code == 0, done.output
    model = rnncore.load(tmp_path / "b")
    assert model.vocabulary.symbols == ("the ", "cat ", "\n", "dog ")
    recording = rnncore.record(model, "the dog\nthe cat\n")
    assert recording.tokens == ("the ", "dog ", "\n", "the ", "cat ", "\n")
    assert np.isfinite(recording.loss[:-1]).all()
    assert rnncore.generate(model, "the cat", length=5, seed=1)


def test_import_says_what_is_missing(tmp_path):
    torch.save(Model(LAYOUTS["any"]).state_dict(), tmp_path / "a.pt")
    done = CliRunner().invoke(app, ["import", str(tmp_path / "a.pt"), "--out", str(tmp_path / "b")])
    assert done.exit_code == 1
    assert "its 7 symbols are not known; give a vocabulary" in done.output
    assert not (tmp_path / "b").exists()
    done = CliRunner().invoke(app, ["import", "a.pt", "--out", "b", "--order", "random"])
    assert "order is sorted or appearance, not 'random'" in done.output
