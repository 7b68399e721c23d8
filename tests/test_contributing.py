"""CONTRIBUTING's cell is a cell, and its oracle agrees with it."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

import rnncore
from rnncore.cells import base, find
from rnncore.cells.equations import trace

ROOT = Path(__file__).parent.parent


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@pytest.fixture
def example(monkeypatch):
    """Register the cell as its file would, and return its oracle."""
    monkeypatch.setattr(base, "_registry", dict(base._registry))
    file, oracle = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    names = {"np": np, "sigmoid": sigmoid, "__name__": "rnncore.cells.update_gate"}
    exec(file, {"__name__": "rnncore.cells.update_gate"})
    exec(oracle, names)
    return names["update_gate"]


def test_the_example_does_what_its_oracle_says(example, network):
    cell = network("update-gate", layers=1).cells[0]
    x, h = torch.randn(2, 5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x = x[:, :3]
    heard = {}
    cell.step(x, base.State(h=h), lambda symbol, value: heard.setdefault(symbol, value))
    expected = example(x.numpy(), {"h": h.numpy()}, *(p.detach().numpy() for p in cell.parameters()))
    assert tuple(heard) == tuple(expected)
    for symbol, value in expected.items():
        np.testing.assert_allclose(heard[symbol].detach(), value, rtol=1e-12)


def test_the_example_is_known_everywhere(example, network):
    recording = rnncore.record(network("update-gate", dtype=torch.float32), "abcabc", gradients=True)
    assert recording.signals == ("z", "n", "h")
    assert (recording.gradient["h"] > 0).any()
    assert r"(1 - z_t) \odot n_t" in trace(find("update-gate"))[-1].latex()
