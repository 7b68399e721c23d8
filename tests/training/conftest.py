"""A training small enough to be run dozens of times."""

from importlib import import_module
from pathlib import Path

import pytest

import rnncore


@pytest.fixture(autouse=True)
def short_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("rnncore.training.train"), "SAMPLE_LENGTH", 20)


@pytest.fixture
def config(tmp_path: Path) -> rnncore.TrainConfig:
    return rnncore.TrainConfig(
        folder=tmp_path / "run", layers=2, units=8, embedding=4, dropout=0.3, steps=16, batch=3, length=10, warmup=4,
        validate_every=5, test=0.1,
    )  # fmt: skip
