"""The command line, in this process where that is enough and in real ones where signals matter."""

import csv
import io
import json
import math
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import typer
from safetensors.numpy import load_file
from typer.testing import CliRunner

import rnncore
from rnncore.cli import app
from rnncore.network import checkpoint
from rnncore.training import corpora
from rnncore.training.corpora import Entry, File

ROOT = Path(rnncore.__file__).parents[1]
POEM = "The fog comes on little cat feet.\nIt sits looking over harbor and city.\n" * 60
TINY = ["--units", "12", "--layers", "1", "--embedding", "6", "--batch", "4", "--length", "20", "--threads", "1"]
PROBED = [*TINY, "--steps", "200", "--validate-every", "60", "--probe", "The fog", "--probe-every", "100"]
COMMANDS = typer.main.get_command(app).commands


def call(*arguments, text=None):
    """Run a command in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=text, prog_name="rnncore")


def document(*arguments, text=None):
    """Run a command that prints one JSON document, and return it."""
    result = call(*arguments, "--json", text=text)
    assert result.exit_code == 0, result.stderr

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(result.stdout, parse_constant=refuse)


def sentence(result, code=1):
    """Return what a failed command said, which is one line and no traceback."""
    assert result.exit_code == code, result.output
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr.strip()


@pytest.fixture(scope="module")
def poem(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "poem.txt"
    path.write_text(POEM, "utf-8")
    return path


@pytest.fixture(scope="module")
def model(poem, tmp_path_factory):
    """A really trained, tiny model: the folder of its run."""
    folder = tmp_path_factory.mktemp("models") / "poem-lstm"
    result = call("train", poem, "--folder", folder, *TINY, "--steps", 60, "--learning-rate", 0.02, "--warmup", 5)
    assert result.exit_code == 0, result.output
    return folder


class Process:
    """``rnncore`` in a process of its own; ``before`` is Python that runs first."""

    def __init__(self, *arguments, before="", **options):
        code = f"{before}\nfrom rnncore.cli import main\nmain()"
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            **options,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def until(self, condition):
        """Wait until ``condition()``, as long as the process lives."""
        ends = time.monotonic() + 300
        while not condition():
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < ends
            time.sleep(0.01)

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        """Wait; return the exit code and what was printed to standard output and error."""
        out, err = self.process.communicate(timeout=300)
        return self.process.returncode, out, err


def lines(path):
    return path.read_text("utf-8").count("\n") if path.exists() else 0


# Help and usage


@pytest.mark.parametrize("name", ["", *COMMANDS, "data get"])
def test_help_answers(name):
    result = call(*name.split(), "--help")
    assert result.exit_code == 0
    assert "Usage: rnncore" in result.output
    assert name in ("",) or "Example:" in result.output


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_the_example_of_the_help_is_accepted(command):
    _, program, name, *arguments = shlex.split(command.epilog)
    assert (program, name) == ("rnncore", command.name)
    command.make_context(name, arguments)


def test_help_does_not_wait_for_torch():
    code = "import sys, atexit\natexit.register(lambda: print('torch' in sys.modules))"
    with Process("train", "--help", before=code) as helping:
        assert helping.end()[1].endswith("False\n")


def test_train_has_every_option_of_the_config():
    options = {parameter.name: parameter for parameter in COMMANDS["train"].params}
    for field in fields(rnncore.TrainConfig):
        assert field.name in options
        if field.name != "folder":
            assert options[field.name].default == field.default


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["score"],
        ["train", "stdlib", "--units", "many"],
        ["score", "m", "text", "--file", "f"],
        ["gradients"],
    ],
)
def test_wrong_usage_exits_with_2(arguments):
    assert call(*arguments).exit_code == 2


# Models and corpora


def test_models(model, monkeypatch):
    monkeypatch.setenv("RNNCORE_PRETRAINED", str(model.parent))
    (row,) = document("models")
    assert row["name"] == "poem-lstm"
    assert row["units"] == 12
    assert row["parameters"] == rnncore.load("poem-lstm").parameter_count
    assert "poem-lstm" in call("models").stdout


def test_a_damaged_model_does_not_hide_the_others(model, tmp_path, monkeypatch):
    (tmp_path / "whole").symlink_to(model)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{")
    monkeypatch.setenv("RNNCORE_PRETRAINED", str(tmp_path))
    result = call("models")
    assert "whole" in result.stdout
    assert "damaged" in sentence(result, code=0)


def test_data_lists_the_catalogue():
    assert {row["name"] for row in document("data")} == set(corpora.catalogue)
    assert all(name in call("data").stdout for name in corpora.catalogue)


def test_data_get(tmp_path, monkeypatch):
    content = POEM.encode()
    name = Entry("fog", "a poem", "free", "here", (File("fog/poem.txt", len(content), address="http://nowhere"),))
    monkeypatch.setattr(corpora, "catalogue", {"fog": name})

    def fetch(address, path, size, sha256):
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        yield size

    monkeypatch.setattr(corpora, "fetch", fetch)
    result = call("data", "get", "fog")
    assert result.exit_code == 0
    assert Path(result.stdout.strip()).read_bytes() == content
    assert "known: fog" in sentence(call("data", "get", "bread"))


# Training


def test_train_prints_json_lines(poem, tmp_path):
    result = call("train", poem, "--folder", tmp_path / "run", *TINY, "--steps", 10, "--validate-every", 3, "--json")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 6, 8, 9, 10]
    assert [row["step"] for row in rows if row["validation"] is not None] == [3, 6, 9, 10]
    assert "Done" in result.stderr


def test_train_prints_samples(poem, tmp_path):
    result = call("train", poem, "--folder", tmp_path / "run", *TINY, "--steps", 2)
    for _, sample in rnncore.Run(tmp_path / "run").samples:
        assert sample in result.stdout
    assert "validation" in result.stderr


def test_train_names_its_folder_after_corpus_and_cell(poem, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call("train", poem, *TINY, "--steps", 1, "--cell", "gru").exit_code == 0
    assert rnncore.load("runs/poem-gru").config.cell == "gru"


def test_killed_and_resumed_is_the_same_as_uninterrupted(poem, tmp_path):
    often = "from rnncore.training import run; run.SAVE_SECONDS = 0.1"
    arguments = ["train", poem, *PROBED, "--folder"]
    killed = tmp_path / "killed" / "run"
    with Process(*arguments, killed, before=often) as doomed, Process(*arguments, tmp_path / "whole" / "run") as whole:
        doomed.until(lambda: (killed / "state/latest.safetensors").exists() and lines(killed / "history.jsonl") > 40)
        doomed.signal(signal.SIGKILL)
        assert doomed.end()[0] == -signal.SIGKILL
        assert 40 < lines(killed / "history.jsonl") < 200
        assert whole.end()[0] == 0
    with Process(*arguments, killed, "--resume") as again:
        code, _, said = again.end()
        assert code == 0, said

    one, other = rnncore.Run(tmp_path / "whole" / "run"), rnncore.Run(killed)
    ends = [load_file(run.folder / "state/latest.safetensors") for run in (one, other)]
    assert ends[0].keys() == ends[1].keys()
    assert all(np.array_equal(ends[0][name], ends[1][name]) for name in ends[0])
    best = [(run.folder / "model.safetensors").read_bytes() for run in (one, other)]
    assert best[0] == best[1]
    assert one.history.drop(columns="seconds").equals(other.history.drop(columns="seconds"))
    assert one.samples == other.samples
    assert [step for step, _ in one.probes] == [step for step, _ in other.probes]
    assert one.metrics["validation"] == other.metrics["validation"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_pauses_between_two_steps(poem, tmp_path, number):
    folder = tmp_path / "run"
    arguments = ["train", str(poem), *TINY, "--steps", "100000", "--folder", str(folder)]
    with Process(*arguments) as training:
        training.until(lambda: lines(folder / "history.jsonl") > 20)
        assert "another process is training" in sentence(call(*arguments, "--resume"))
        training.signal(number)
        code, _, said = training.end()
    assert code == 128 + number
    step = load_file(folder / "state/latest.safetensors")["step"]
    assert rnncore.Run(folder).history["step"].iloc[-1] == step
    assert said.strip().endswith(
        f"Paused at step {step} of 100000. To go on: {shlex.join(['rnncore', *arguments, '--resume'])}"
    )
    assert rnncore.load(folder).parameter_count > 0
    assert "--resume" in sentence(call(*arguments))


def test_a_loss_that_explodes_stops_and_keeps_the_checkpoint(poem, tmp_path):
    # With decay 0.01 this rate multiplies every weight by -99, step after step.
    wild = ["--learning-rate", 1e4, "--warmup", 0, "--validate-every", 1, "--steps", 100]
    said = sentence(call("train", poem, "--folder", tmp_path, *TINY, *wild, "--json"))
    assert "no longer finite" in said
    assert "learning rate below 10000" in said
    weights = rnncore.load(tmp_path).state_dict().values()
    assert all(bool(weight.isfinite().all()) for weight in weights)
    assert math.isfinite(rnncore.Run(tmp_path).metrics["validation"])


@pytest.mark.skipif(sys.platform == "win32", reason="no file size limits there")
def test_a_disk_that_refuses_is_a_sentence(poem, tmp_path):
    import resource

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    with Process("train", poem, *TINY, "--folder", tmp_path / "run", preexec_fn=limit) as training:
        code, _, said = training.end()
    assert code == 1
    assert said.splitlines()[-1].startswith(f"rnncore: cannot write to {tmp_path / 'run'}")
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (["--cell", "lstn"], "no cell 'lstn'"),
        (["--steps", "0"], "steps must be above 0"),
        (["--vocabulary", "words"], "characters, bytes or subwords"),
        (["--batch", "4000"], "too short"),
        (["--dropout", "1.5"], "dropout"),
    ],
)
def test_settings_that_make_no_sense(poem, tmp_path, change, expected):
    assert expected in sentence(call("train", poem, "--folder", tmp_path / "run", *TINY, *change))


@pytest.mark.parametrize(
    ("content", "expected"), [(b"", "empty"), (b"a", "too short"), (b"\x7fELF\0", "binary"), (b"caf\xe9", "UTF-8")]
)
def test_a_file_that_is_no_text(tmp_path, content, expected):
    (tmp_path / "it").write_bytes(content)
    assert expected in sentence(call("train", tmp_path / "it", "--folder", tmp_path / "run"))


def test_another_training_in_the_folder(poem, tmp_path):
    assert call("train", poem, "--folder", tmp_path, *TINY, "--steps", 1).exit_code == 0
    other = call("train", poem, "--folder", tmp_path, *TINY, "--steps", 1, "--seed", 2, "--resume")
    assert "seed was 0, now 2" in sentence(other)
    assert call("train", poem, "--folder", tmp_path, *TINY, "--steps", 1, "--resume").exit_code == 0  # all done


def test_the_probe_may_be_a_file(poem, tmp_path):
    (tmp_path / "probe.txt").write_text("The fog\n", "utf-8")
    probe = ["--probe", tmp_path / "probe.txt", "--probe-every", 5]
    assert call("train", poem, "--folder", tmp_path / "run", *TINY, "--steps", 1, *probe).exit_code == 0
    last = rnncore.Recording.load(rnncore.Run(tmp_path / "run").probes[-1][1])
    assert "".join(last.tokens) == "The fog\n"


# Reading


def test_record_saves(model, tmp_path):
    file = tmp_path / "fog.npz"
    result = call("record", model, "The fog", "--gradients", "--target", -1, "--out", file)
    assert result.exit_code == 0
    assert result.stdout == ""
    recording = rnncore.Recording.load(file)
    assert recording.target == 5
    expected = rnncore.record(rnncore.load(model), "The fog", gradients=True, target=-1)
    assert np.array_equal(recording["c"], expected["c"])
    assert np.array_equal(recording.gradient["c"], expected.gradient["c"])


def test_record_tells(model):
    expected = rnncore.record(rnncore.load(model), "The fog")
    said = document("record", model, "The fog")
    assert said["signals"] == {symbol: [1, 7, 12] for symbol in "ifgoch"}
    assert said["loss"] == [*expected.loss[:-1].tolist(), None]
    assert len(said["top"]) == 7
    assert document("record", model, "The fog", "--target", 2)["gradient"].keys() == {"h", "c"}
    assert "7 symbols" in call("record", model, "The fog").stdout


def test_record_picks_one_unit(model):
    expected = rnncore.record(rnncore.load(model), "The fog")["c", -1][:, 5]
    selection = ["--signal", "c", "--layer", "-1", "--unit", 5]
    assert document("record", model, "The fog", *selection)["values"] == expected.tolist()
    rows = [line.split("\t") for line in call("record", model, "The fog", *selection).stdout.splitlines()]
    assert [row[0] for row in rows] == list(map(repr, "The fog"))
    assert [float(row[1]) for row in rows] == pytest.approx(expected.tolist(), rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["", "--json"], "empty"),
        (["fog", "--signal", "q"], "no signal 'q'"),
        (["fog", "--signal", "c", "--unit", "12"], "no unit 12; poem-lstm has units 0 to 11"),
        (["fog", "--signal", "c", "--layer", "3"], "no layer 3"),
        (["fog", "--target", "9"], "steps 0 to 1"),
        (["f", "--gradients"], "at least two"),
        (["fog", "--out", "no/such/folder.npz"], "cannot write"),
        (["fog" * 2_000_000], "memory"),
    ],
)
def test_recordings_that_cannot_be(model, arguments, expected):
    assert expected in sentence(call("record", model, *arguments))


def test_text_comes_from_the_argument_a_file_or_standard_input(model, poem):
    expected = document("score", model, POEM)
    assert document("score", model, "--file", poem) == expected
    assert document("score", model, text=POEM) == expected
    assert document("score", model, "--file", "-", text=POEM) == expected


def test_score(model):
    nats = rnncore.score(rnncore.load(model), "The fog")
    said = document("score", model, "The fog")
    assert said["nats"] == nats
    assert said["nats_per_character"] == pytest.approx(-nats / 6)
    assert said["bits_per_character"] == pytest.approx(-nats / 6 / math.log(2))
    assert f"{nats:.4f} nats" in call("score", model, "The fog").stdout


def test_score_reads_a_long_text_in_windows(model, monkeypatch):
    text = POEM[:501]
    whole = rnncore.record(rnncore.load(model), text).loss[:-1].astype(float).sum()
    monkeypatch.setattr(sys.modules["rnncore.recording.record"], "WINDOW", 60)
    assert document("score", model, text)["nats"] == pytest.approx(-whole, rel=1e-5)


def test_characters_never_seen_are_named(model):
    said = document("score", model, "The Жfog")
    assert said["nats"] is None
    assert said["unknown"] == ["Ж"]
    result = call("score", model, "The Жfog")
    assert result.stdout.startswith("-inf nats")
    assert "'Ж'" in result.stdout
    for command in ("record", "generate", "gradients"):
        assert "never seen 'Ж'" in call(command, model, "The Жfog").stderr


def test_generate(model):
    options = ["--length", 30, "--seed", 3, "--temperature", 0.7, "--top-k", 5, "--top-p", 0.9]
    choices = {"length": 30, "seed": 3, "temperature": 0.7, "top_k": 5, "top_p": 0.9}
    expected = rnncore.generate(rnncore.load(model), "The", **choices)
    assert call("generate", model, "The", *options).stdout == f"The{expected}\n"
    said = document("generate", model, "The", *options, "--alternatives", 2)
    assert said["text"] == expected
    assert "".join(symbol["token"] for symbol in said["symbols"]) == expected
    assert all(0 < symbol["probability"] <= 1 and len(symbol["alternatives"]) == 2 for symbol in said["symbols"])


def test_generate_refuses_what_makes_no_sense(model):
    assert "temperature" in sentence(call("generate", model, "--temperature", -1))
    assert "top_p" in sentence(call("generate", model, "--top-p", 2))


def test_a_byte_model_reads_and_writes_any_script(tmp_path):
    text = "туман пришёл на мягких кошачьих лапах " * 40
    (tmp_path / "fog.txt").write_text(text, "utf-8")
    run = tmp_path / "run"
    trained = call("train", tmp_path / "fog.txt", "--folder", run, *TINY, "--steps", 3, "--vocabulary", "bytes")
    assert trained.exit_code == 0, trained.output
    said = document("generate", run, "ту", "--length", 40, "--seed", 1)
    assert call("generate", run, "ту", "--length", 40, "--seed", 1).stdout.startswith("ту" + said["text"][:10])
    assert document("score", run, "é")["bits_per_character"] > 0


def test_gradients_by_distance(model):
    text = "The fog comes"
    expected = rnncore.record(rnncore.load(model), text, gradients=True, target=6).gradient
    rows = document("gradients", model, text, "--target", 6)
    assert len(rows) == 2 * 7
    for row in rows:
        assert row["norm"] == expected[row["state"]][row["layer"], 6 - row["distance"]]
    table = list(csv.DictReader(io.StringIO(call("gradients", model, text, "--target", 6, "--csv").stdout)))
    assert [float(row["norm"]) for row in table] == [row["norm"] for row in rows]
    printed = call("gradients", model, text).stdout.splitlines()
    assert [int(line.split()[0]) for line in printed[1:]] == [0, 1, 2, 5, 10, 11]


def test_gradients_of_several_models_and_a_file(model, poem, tmp_path):
    (tmp_path / "other").symlink_to(model)
    (tmp_path / "short.txt").write_text("The fog comes", "utf-8")
    rows = document("gradients", model, tmp_path / "other", "--file", tmp_path / "short.txt")
    assert {row["model"] for row in rows} == {str(model), str(tmp_path / "other")}


def test_gradients_that_underflow_are_said_to(tmp_path):
    forgetful = rnncore.build("elman", vocabulary=rnncore.Vocabulary.characters(POEM), layers=1, units=8)
    forgetful.layers[0].weight_hh.data *= 0.01
    checkpoint.save(forgetful, tmp_path / "forgetful")
    table = call("gradients", tmp_path / "forgetful", POEM[:301]).stdout.splitlines()
    norms = {int(line.split()[0]): line.split()[-1] for line in table[1:]}
    assert 1e-250 < float(norms[100]) < 1e-150  # whose square is below float64's range
    assert norms[200] == norms[299] == "underflow"


@pytest.mark.parametrize("command", ["record", "generate", "score", "gradients"])
def test_a_model_that_is_not_there(command):
    assert "no model 'shakespeare-lstn'" in sentence(call(command, "shakespeare-lstn", "text"))


def test_a_broken_checkpoint(model, tmp_path):
    (tmp_path / "config.json").write_bytes((model / "config.json").read_bytes())
    (tmp_path / "model.safetensors").write_bytes((model / "model.safetensors").read_bytes()[:500])
    assert "truncated or damaged" in sentence(call("score", tmp_path, "fog"))


def test_app_serves_the_dashboard(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def healthy():
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1).status == 200
        except OSError:
            return False

    quiet = "import os; os.environ['STREAMLIT_SERVER_HEADLESS'] = 'true'"
    with Process("app", "--port", port, before=quiet, cwd=tmp_path) as server:
        server.until(healthy)
        server.signal(signal.SIGTERM)
        assert server.end()[0] in (0, -signal.SIGTERM)


def test_clamps_and_ablations_on_the_command_line(model):
    """As the library makes them; where both meet the clamp holds."""
    network = rnncore.load(str(model))
    changes = [rnncore.Ablate(0, "c", None), rnncore.Clamp(-1, "c", 3, 0.5)]
    options = ["--ablate", "0:c:all", "--clamp", "-1:c:3=0.5"]
    nats = document("score", model, "The fog comes", *options)["nats"]
    assert nats == rnncore.score(network, "The fog comes", interventions=changes)
    assert nats != rnncore.score(network, "The fog comes")
    picked = document("record", model, "The fog", "--signal", "c", "--unit", 3, *options)["values"]
    assert picked == [0.5] * 7
    written = document("generate", model, "The", "--length", 20, "--seed", 1, *options)["text"]
    assert written == rnncore.generate(network, "The", length=20, seed=1, interventions=changes)


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        (["--clamp", "0:c3=1"], "'0:c3=1' is no LAYER:SIGNAL:UNIT=VALUE"),
        (["--clamp", "0:c:3"], "is no LAYER:SIGNAL:UNIT=VALUE"),
        (["--clamp", "0:c:3=much"], "'much' is no number to clamp to"),
        (["--ablate", "0:c:x"], "'0:c:x' is no LAYER:SIGNAL:UNIT"),
    ],
)
def test_interventions_that_cannot_be_read(model, option, expected):
    result = call("score", model, "The fog", *option)
    assert result.exit_code == 2
    assert expected in " ".join(result.stderr.replace("│", " ").split())
    assert "there are layers 0 to 0" in sentence(call("score", model, "The fog", "--clamp", "1:c:0=1"))
