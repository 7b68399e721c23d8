"""``rnncore gradients``: the flow by its short name, and races."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

import rnncore
from rnncore.cli import app
from rnncore.gradients.race import read

ROOT = Path(rnncore.__file__).parents[1]
SHORT = ["--cells", "lstm,elman", "--lengths", "3,6", "--seeds", "1", "--units", "4", "--updates", "60", "--batch", "8"]
SHORT += ["--learning-rates", "0.02"]


def call(*arguments):
    return CliRunner().invoke(app, ["gradients", *map(str, arguments)], prog_name="rnncore")


@pytest.fixture
def model(tmp_path, network):
    import torch

    from rnncore.network import checkpoint

    checkpoint.save(network("lstm", dtype=torch.float32), tmp_path / "small")
    return tmp_path / "small"


# ---- the short name ----


@pytest.mark.parametrize("options", [[], ["--json"], ["--csv"], ["--target", "2"]])
def test_gradients_is_short_for_gradients_flow(model, options):
    short, whole = call(model, "abcab", *options), call("flow", model, "abcab", *options)
    assert short.exit_code == whole.exit_code == 0, short.output
    assert short.stdout == whole.stdout != ""
    first = call(*options, model, "abcab")
    assert first.stdout == short.stdout


def test_help_names_both_commands():
    said = call("--help").output
    assert "flow" in said
    assert "race" in said
    for command in ("flow", "race"):
        assert "Example: rnncore gradients" in call(command, "--help").output


def test_a_text_called_race_is_still_a_text(model):
    result = call(model, "race")
    assert result.exit_code == 0
    assert "never seen 'r'" in result.stderr


# ---- races ----


def test_a_race_prints_a_row_for_each_cell(tmp_path):
    result = call("race", *SHORT, "--learning-rates", "0.05", "--out", tmp_path / "race.csv")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["cell", "units", "weights", "3", "6", "solves"]
    assert [line.split()[0] for line in lines[1:3]] == ["lstm", "elman"]
    _, laps = read(tmp_path / "race.csv")
    ended = [lap for lap in laps if lap.finished]
    told = result.stderr.splitlines()
    assert len(told) == len(ended)
    for line, lap in zip(told, ended, strict=True):
        assert line.startswith(
            f"{lap.cell}, length {lap.length}, seed 0, rate 0.05: {'solved' if lap.solved else 'not solved'}"
        )
    for line in told[:-1]:
        assert "left" in line


def test_json_holds_settings_results_and_reach():
    result = call("race", *SHORT, "--json")
    said = json.loads(result.stdout)
    assert said["settings"]["lengths"] == [3, 6]
    assert said["settings"]["updates"] == 60
    assert {row["cell"] for row in said["results"]} == {"lstm", "elman"}
    for row in said["results"]:
        assert row["runs"] == 1
        if row["solved"]:
            assert said["reach"][row["cell"]] >= row["length"]


def test_the_same_command_goes_on(tmp_path):
    whole, parts = tmp_path / "whole.csv", tmp_path / "parts.csv"
    expected = call("race", *SHORT, "--json", "--out", whole).stdout
    lines = whole.read_text().splitlines(keepends=True)
    parts.write_text("".join(lines[:3]) + "lstm,4,1")  # after the first lap the power went
    result = call("race", *SHORT, "--json", "--out", parts)
    assert result.stdout == expected
    assert read(parts) == read(whole)
    finished = call("race", *SHORT, "--json", "--out", whole)
    assert finished.stdout == expected
    assert read(whole) == read(parts)


def test_a_file_of_another_race_is_refused(tmp_path):
    call("race", *SHORT, "--out", tmp_path / "race.csv")
    before = (tmp_path / "race.csv").read_bytes()
    result = call("race", *SHORT, "--clip", "0.5", "--out", tmp_path / "race.csv")
    assert result.exit_code == 1
    assert "a race of other settings" in result.stderr
    assert (tmp_path / "race.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "said", "code"),
    [
        (["--lengths", "ten"], "no list of numbers", 2),
        (["--cells", "lstn"], "no cell 'lstn'; known:", 1),
        (["--task", "xor"], "no task 'xor'; known: adding, copy, temporal-order", 1),
        (["--task", "temporal-order", "--lengths", "5"], "at least 10, not 5", 1),
        (["--learning-rates", "0"], "above 0", 1),
        (["--out", "no/such/folder.csv"], "cannot write", 1),
    ],
)
def test_what_is_no_race_is_told_in_a_sentence(options, said, code):
    result = call("race", *SHORT, *options)
    assert result.exit_code == code
    assert said in " ".join(result.stderr.replace("│", " ").split())


def test_ctrl_c_prints_what_is_finished_and_keeps_it(tmp_path):
    out = tmp_path / "race.csv"
    options = [
        "--cells",
        "lstm",
        "--lengths",
        "3,400",
        "--seeds",
        "1",
        "--units",
        "4",
        "--batch",
        "4",
        "--updates",
        "9000",
    ]
    options += ["--learning-rates", "0.03", "--out", str(out)]
    code = "from rnncore.cli import main; main()"
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", code, "gradients", "race", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        deadline = time.monotonic() + 240
        while not (out.exists() and ",True,True," in out.read_text()):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        printed, told = process.communicate(timeout=120)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert "Traceback" not in told
    assert "the same command goes on" in told
    row = next(line.split() for line in printed.splitlines() if line.startswith("lstm"))
    assert row[3:6] == ["1", "of", "1"]
    assert row[-2:] == ["-", "3"]
    _, laps = read(out)
    assert [lap.length for lap in laps if lap.finished] == [3]
