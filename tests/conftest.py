"""What all tests share: annotated shapes are checked, and in CI nothing is skipped."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

if TYPE_CHECKING:
    import torch

    from rnncore import LanguageModel

# Threads of small networks only wait for each other, for minutes where other processes want the cores too.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# From here on every call into rnncore is held to its annotations, shapes included; an int may pass for a float.
if os.environ.get("RNNCORE_SHAPES") != "unchecked":
    install_import_hook("rnncore", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")

# Several browsers and trainings share the machine; time says nothing about a property.
settings.register_profile("default", deadline=None)
settings.load_profile("default")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests for a GPU where there is none."""
    import torch

    if torch.cuda.is_available():
        return
    out = [item for item in items if item.get_closest_marker("cuda")]
    items[:] = [item for item in items if item not in out]
    if out:
        config.hook.pytest_deselected(items=out)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test fails the run: a test that never runs proves nothing."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the person's own cache folder out of the tests."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def network() -> Callable[..., "LanguageModel"]:
    """Return a function that makes a small model of one cell, every parameter random, in float64."""
    import torch

    import rnncore

    def make(cell: str, text: str = "abcde", *, seed: int = 0, dtype: "torch.dtype" = torch.float64, **sizes):
        vocabulary = rnncore.Vocabulary.characters(text)
        model = rnncore.build(cell, vocabulary=vocabulary, **{"units": 4, "embedding": 3, **sizes}).to(dtype)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.normal_(0, 0.7, generator=generator)
        return model

    return make
