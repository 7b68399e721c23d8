"""The promise: a new cell is one new file, and everything works for it with nothing else edited."""

import dataclasses
import importlib
import json
import sys

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

import rnncore
from rnncore.cells import base
from rnncore.cells.equations import trace
from rnncore.network import checkpoint, fused
from rnncore.training.corpora import Corpus

FILE = '''
"""Leaky integrator: each unit keeps a learned share of what it has."""

import torch

from rnncore.cells.base import Cell, Gate, State, sigmoid, tanh


class Leaky(Cell):
    """A tanh network whose units forget at a pace of their own."""

    name, title = "leaky", "Leaky RNN"
    gates = (Gate("a", "share kept", 0, 1), Gate("n", "candidate", -1, 1))
    rows = ("n",)

    def __init__(self, inputs, units):
        super().__init__(inputs, units)
        self.pace = torch.nn.Parameter(torch.zeros(units))

    def step(self, x, s, tap):
        Wx, Uh = self.project(x, s.h)
        a = tap("a", sigmoid(self.pace))
        n = tap("n", tanh(Wx.n + Uh.n))
        return State(h=tap("h", a * s.h + (1 - a) * n))
'''
TEXT = Corpus("rhyme", "one two three\nbuckle my shoe\n" * 40)


@pytest.fixture(scope="module")
def leaky(tmp_path_factory):
    """Put the file into the folder of cells, and take everything back afterwards."""
    folder = tmp_path_factory.mktemp("cells")
    (folder / "leaky.py").write_text(FILE, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(base, "_registry", dict(base._registry))
        package = sys.modules["rnncore.cells"]
        patched.setattr(package, "__path__", [*package.__path__, str(folder)])
        importlib.import_module("rnncore.cells.leaky")
        yield rnncore.cells()["leaky"]
        sys.modules.pop("rnncore.cells.leaky")
        del package.leaky
    assert "leaky" not in rnncore.cells()


@pytest.fixture(scope="module")
def config(leaky, tmp_path_factory):
    """A finished training of the new cell, with samples and probes."""
    config = rnncore.TrainConfig(
        folder=tmp_path_factory.mktemp("runs") / "my-leaky", cell="leaky", layers=2, units=12, embedding=6, steps=60,
        batch=4, length=15, learning_rate=0.02, warmup=5, validate_every=20, probe="one two", probe_every=20,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys.modules["rnncore.training.train"], "SAMPLE_LENGTH", 20)
        list(rnncore.train(config, TEXT))
    return config


def test_it_is_known(leaky):
    assert leaky.signals() == ("a", "n", "h")
    assert leaky.ranges() == {"a": (0, 1), "n": (-1, 1), "h": (-1, 1)}
    assert leaky(5, 7).parameter_count == 7 * (5 + 7 + 2) + 7
    assert "leaky" not in fused.twins


def test_it_is_trained_saved_and_loaded(config):
    run, model = rnncore.Run(config.folder), rnncore.load(config.folder)
    assert run.history["loss"].iloc[-1] < run.history["loss"].iloc[0] - 0.5
    assert model.config.cell == "leaky"
    assert any((cell.pace != 0).all() for cell in model.layers)  # its own parameter was learned and kept
    assert [step for step, _ in run.probes] == [0, 1, 2, 4, 8, 16, 20, 32, 40, 60]
    assert rnncore.Recording.load(run.probes[-1][1]).gradient["h"].shape == (2, 7)


def test_it_resumes_to_the_bit(config, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["rnncore.training.train"], "SAMPLE_LENGTH", 20)
    again = dataclasses.replace(config, folder=tmp_path / "my-leaky")
    steps = rnncore.train(again, TEXT)
    next(steps)
    steps.close()
    list(rnncore.train(again, TEXT, resume=True))
    whole, stopped = (checkpoint.load(c.folder).state_dict() for c in (config, again))
    assert all(torch.equal(whole[name], stopped[name]) for name in whole)


def test_it_is_recorded_and_differentiated(leaky, network):
    model, text = network("leaky", units=3), "abcd"
    recording = rnncore.record(model, text, gradients=True, target=2)
    cell, h = model.layers[0], np.zeros(3)
    W, U, b, d, pace = (
        getattr(cell, name).detach().numpy() for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "pace")
    )
    for time, id_ in enumerate(recording.ids):
        a = 1 / (1 + np.exp(-pace))
        h = a * h + (1 - a) * np.tanh(W @ model.embedding.weight[id_].detach().numpy() + b + U @ h + d)
        np.testing.assert_allclose(recording["h", 0][time], h, rtol=1e-6)
    nudge = 1e-5

    def loss(by):
        states, x = model.start(), None
        for time, id_ in enumerate(recording.ids[:3]):
            x = model.embedding.weight[id_]
            for layer, one in enumerate(model.layers):
                here = (layer, time) == (0, 1)
                states[layer] = one.step(x, states[layer], lambda s, v, on=here: v + by if on and s == "h" else v)
                x = states[layer].h
        return -model.head(x).log_softmax(-1)[recording.ids[3]].item()

    slopes = [(loss(nudge * unit) - loss(-nudge * unit)) / (2 * nudge) for unit in torch.eye(3, dtype=torch.float64)]
    assert recording.gradient["h"][0, 1] == pytest.approx(np.linalg.norm(slopes), rel=1e-6)


def test_it_writes_and_scores(config):
    model = rnncore.load(config.folder)
    assert rnncore.generate(model, "one", length=30, seed=1) == rnncore.generate(model, "one", length=30, seed=1)
    assert rnncore.score(model, "one two three") > rnncore.score(model, "eht owt eno")


def test_its_equations_are_typeset(leaky):
    assert [line.latex() for line in trace(leaky)][1:] == [
        r"n_t = \tanh(W x_t + b + U h_{t-1} + d)",
        r"h_t = a_t \odot h_{t-1} + (1 - a_t) \odot n_t",
    ]


# On the pages


@pytest.fixture
def shown(config, tmp_path, monkeypatch):
    """Return a function that opens a page on the finished training, and gives what a component was sent."""
    monkeypatch.setenv("RNNCORE_PRETRAINED", str(config.folder.parent))
    monkeypatch.setenv("RNNCORE_RUNS", str(tmp_path / "runs"))
    st.cache_resource.clear()

    def open_page(door, component):
        def script(door):
            import importlib

            from viz_app import state

            state.turn(door)
            importlib.import_module(f"viz_app.views.{door}").page()

        app = AppTest.from_function(script, default_timeout=60, kwargs={"door": door})
        app.query_params.update({"model": "my-leaky", "text": "stdlib:json/__init__.py"})
        app.run()
        assert not app.exception
        assert not app.error
        return [json.loads(e.proto.json) for e in app.get("bidi_component") if e.proto.component_name == component]

    yield open_page
    st.cache_resource.clear()


def test_it_is_shown_step_by_step(shown):
    (sent,) = shown("inside", "rnncore.inside")
    assert sent["scene"]["title"].startswith("my-leaky")
    assert [line["symbol"] for line in sent["scene"]["equations"]] == ["a", "n", "h"]


def test_its_units_are_shown_over_a_text(shown):
    (sent,) = shown("cells", "rnncore.reader")
    assert "my-leaky" in json.dumps(sent)


@pytest.mark.parametrize("door", ["home", "gradients", "generate", "train"])
def test_the_other_pages_take_it_as_it_is(door, shown):
    shown(door, "")
