"""Bring your own: what another program saved is opened, and computes what it computed; bad input is a list."""

import io
import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save as safetensors
from streamlit.testing.v1 import AppTest
from torch import nn

import rnncore
from viz_app import brought, jobs, state
from viz_app.brought import File, Reading

SYMBOLS = list("abcdefg \n")


class CharRNN(nn.Module):
    """What a course would train."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Embedding(len(SYMBOLS), 5)
        self.rnn = nn.LSTM(5, 6, num_layers=2)
        self.decoder = nn.Linear(6, len(SYMBOLS))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.rnn(self.encoder(ids))[0])


@pytest.fixture
def theirs() -> CharRNN:
    torch.manual_seed(3)
    return CharRNN().eval()


def pt(content: object) -> File:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return File("weights.pt", buffer.getvalue())


LIST = File("vocabulary.json", json.dumps(SYMBOLS).encode())


@pytest.mark.parametrize("kind", ["pt", "safetensors"])
def test_it_scores_as_the_module_does(kind: str, theirs: CharRNN, pretrained: Path) -> None:
    tensors = theirs.state_dict()
    file = pt(tensors) if kind == "pt" else File("weights.safetensors", safetensors(dict(tensors)))
    brought.open_checkpoint("course", file, [LIST], Reading("file"))
    assert brought.every() == ["course"]
    assert "course" in state.models()
    text = "bad cafe\ndeaf"
    ids = torch.tensor([SYMBOLS.index(letter) for letter in text])
    with torch.no_grad():
        logp = torch.log_softmax(theirs(ids[:-1]), -1)
    expected = logp[torch.arange(len(ids) - 1), ids[1:]].sum().item()
    assert rnncore.score(rnncore.load(jobs.folder() / "course"), text) == pytest.approx(expected, abs=1e-4)
    brought.delete("course")
    assert brought.every() == []


def test_a_checkpoint_of_our_own_is_taken_with_its_config(pretrained: Path) -> None:
    folder = pretrained / "shakespeare-gru"
    files = [File(name, (folder / name).read_bytes()) for name in ("model.safetensors", "config.json")]
    brought.open_checkpoint("copy", files[0], files[1:], Reading("file"))
    ours, copy = rnncore.load(folder), rnncore.load(jobs.folder() / "copy")
    assert copy.name == "copy"
    assert rnncore.score(copy, "To be") == rnncore.score(ours, "To be")


def test_the_example_is_the_model_it_was_made_from(pretrained: Path) -> None:
    ours = rnncore.load(pretrained / "shakespeare-lstm")
    weights, vocabulary = brought.plain_checkpoint(ours)
    copy = brought.open_checkpoint("example", weights, [vocabulary], Reading("file"))
    assert rnncore.score(copy, "To be") == pytest.approx(rnncore.score(ours, "To be"))


def test_all_that_is_missing_is_listed_without_a_path(theirs: CharRNN, pretrained: Path) -> None:
    tensors = {name: tensor for name, tensor in theirs.state_dict().items() if name != "rnn.weight_ih_l1"}
    with pytest.raises(rnncore.Error) as raised:
        brought.open_checkpoint("bad", pt(tensors), [File("v.json", b'["a", "b"]')], Reading("file"))
    heading, listed = brought.problems(raised.value)
    assert heading == "weights.pt does not fit"
    assert any("weight_ih_l1 is missing" in line for line in listed)
    assert any("vocabulary has 2 symbols" in line for line in listed)
    assert brought.every() == []


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("run",)


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (File("w.pt", b"not a checkpoint"), "damaged"),
        (File("w.safetensors", b"\0" * 50), "damaged"),
        (File("w.pt", b""), "damaged"),
        (File("../../w.pt", pickle.dumps(Evil())), "w.pt"),
        (pt({"state": Evil()}), "more than tensors"),
    ],
)
def test_what_is_no_checkpoint_is_a_sentence_and_runs_nothing(
    file: File, sentence: str, pretrained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(rnncore.Error, match=sentence):
        brought.open_checkpoint("bad", file, [LIST], Reading("file"))
    assert capsys.readouterr().out == ""
    assert not (jobs.folder() / "bad").exists()


@pytest.mark.parametrize("name", ["", "../up", "shakespeare-lstm"])
def test_a_name_that_will_not_do(name: str, theirs: CharRNN, pretrained: Path) -> None:
    with pytest.raises(jobs.JobError):
        brought.open_checkpoint(name, pt(theirs.state_dict()), [LIST], Reading("file"))


# ---- the page ----


def script() -> None:
    from viz_app import state
    from viz_app.views import bring

    state.turn("bring")
    bring.page()


def words(app: AppTest) -> str:
    return " ".join(one.value for kind in (app.title, app.markdown, app.error, app.warning) for one in kind)


def test_an_example_is_opened_by_one_click(pretrained: Path) -> None:
    app = AppTest.from_function(script, default_timeout=120).run()
    assert not app.exception
    assert "Bring your own network" in app.title[0].value
    app.button(key="_bring_example").click().run()
    assert not app.exception
    assert app.query_params["brought"] in ("example-1", ["example-1"])
    assert "example-1 is open: 2 × 8 LSTM" in app.title[0].value


def test_without_a_file_it_says_so_and_a_bad_link_too(pretrained: Path) -> None:
    app = AppTest.from_function(script, default_timeout=120)
    app.query_params["brought"] = "nobody"
    app.run()
    assert not app.exception
    assert "asks for brought nobody" in words(app)
    app.text_input(key="_bring_name").set_value("mine").run()
    app.button(key="_bring_open").click().run()
    assert "There are no weights yet" in app.error[0].value
    assert app.text_input(key="_bring_name").value == "mine"
