"""The names that people outside call: they stay, take what they took, and say what they do."""

import inspect
import subprocess
import sys

import pytest

import rnncore

# Every public function with its parameters; those after * by name only. New ones may come at the end.
SIGNATURES = {
    "available": [],
    "load": ["name"],
    "build": ["cell", "*vocabulary", "*layers", "*units", "*seed"],
    "cells": [],
    "record": ["model", "text", "*gradients", "*target", "*top", "*progress"],
    "record_module": ["module", "inputs", "state", "*loss"],
    "adopt": ["embedding", "recurrent", "head", "vocabulary", "name"],
    "import_checkpoint": ["path", "vocabulary", "*words", "*order", "*relu", "*name"],
    "score": ["model", "text"],
    "generate": ["model", "prompt", "*length", "*temperature", "*top_k", "*top_p", "*seed"],
    "generate_many": ["model", "prompts", "*length", "*temperature", "*top_k", "*top_p", "*seed", "*interventions"],
    "record_pieces": ["model", "text", "*length", "*top", "*signals", "*interventions"],
    "unit_signals": ["model", "recording", "layer", "unit"],
    "Clamp": ["layer", "signal", "unit", "value", "*time"],
    "Ablate": ["layer", "signal", "unit", "mean", "*time"],
    "Patch": ["layer", "signal", "unit", "recording", "offset", "*time"],
    "train": ["config", "corpus", "resume"],
    "Run": ["folder"],
    "Gate": ["symbol", "meaning", "low", "high"],
    "ModelConfig": ["cell", "layers", "units", "embedding", "dropout"],
    "TrainConfig": [
        "folder", "cell", "layers", "units", "embedding", "dropout", "vocabulary", "steps", "batch", "length",
        "learning_rate", "warmup", "weight_decay", "clip", "seed", "validate_every", "probe_every", "probe",
        "validation", "test", "device", "precision",
    ],
}  # fmt: skip

ATTRIBUTES = {
    "Cell": "name title states gates rows signals ranges step start initialise project parameter_count",
    "LanguageModel": "embed forward start layers parameter_count",
    "Progress": "step steps loss validation gradient_norm clipped learning_rate sample seconds tokens_per_second probe",
    "Recording": "signals time layers units save load model cell states symbols tokens values ids loss rank top_ids "
    "top_probability gradient target layer_names",
    "Run": "history samples probes config metrics",
    "Vocabulary": "symbols kind tokenize encode decode unknown characters bytes words",
}

NAMES = sorted({*SIGNATURES, *ATTRIBUTES})


@pytest.mark.parametrize("name", SIGNATURES)
def test_what_it_takes(name):
    parameters = inspect.signature(getattr(rnncore, name)).parameters
    names = [("*" if p.kind is p.KEYWORD_ONLY else "") + p.name for p in parameters.values()]
    expected = SIGNATURES[name]
    assert [n for n in names if n in expected] == expected
    positional = [n for n in expected if not n.startswith("*")]
    assert names[: len(positional)] == positional
    assert all(p.default is not p.empty for n, p in zip(names, parameters.values(), strict=True) if n not in expected)


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_what_it_has(name):
    owner = getattr(rnncore, name)
    had = {*dir(owner), *getattr(owner, "__annotations__", ()), *getattr(owner, "__dataclass_fields__", ())}
    assert set(ATTRIBUTES[name].split()) <= had


def test_all_names_are_there_sorted_and_described():
    assert set(NAMES) <= set(rnncore.__all__)
    assert sorted(rnncore.__all__) == list(rnncore.__all__)
    for name in rnncore.__all__:
        assert inspect.getdoc(getattr(rnncore, name)), name


def test_every_error_for_people_is_one_error():
    errors = [name for name in rnncore.__all__ if name.endswith("Error") and name != "Error"]
    assert {"CheckpointError", "CorpusError", "RecordingError", "TrainingError", "VocabularyError"} <= set(errors)
    assert all(issubclass(getattr(rnncore, name), rnncore.Error) for name in errors)


def test_the_cells_that_are_there():
    assert {"elman", "elman-relu", "gru", "lstm"} <= set(rnncore.cells())


def test_names_are_found_in_any_order_and_torch_comes_late():
    """In a process of its own: nothing here is imported yet."""
    code = """
import sys
import rnncore
assert "torch" not in sys.modules
assert rnncore.__version__
import rnncore.cells.lstm
assert callable(rnncore.cells) and "lstm" in rnncore.cells()
from rnncore import record, train, cells
assert all(map(callable, (record, train, cells)))
try:
    rnncore.recrod
except AttributeError as error:
    assert "recrod" in str(error)
else:
    raise SystemExit("a name that is not there was found")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_gradients_are_at_hand_without_an_import_of_their_own():
    assert {"flow", "jacobian_norms", "lyapunov", "horizon"} <= set(rnncore.gradients.__all__)
