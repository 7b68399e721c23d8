"""The dashboard as a whole: every page opens, and nothing a visitor does shows a traceback."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import viz_app
from viz_app.views import home

ROOT = Path(viz_app.__file__).parent
VIEWS = sorted(path.stem for path in (ROOT / "views").glob("*.py") if path.stem != "__init__")


def app() -> AppTest:
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)


def opened(view: str, **link: str) -> AppTest:
    """Run one page alone, opened with a link."""

    def script(view: str) -> None:
        from importlib import import_module

        from viz_app import state

        state.turn(view)
        import_module(f"viz_app.views.{view}").page()

    test = AppTest.from_function(script, default_timeout=120, args=(view,))
    for key, value in link.items():
        test.query_params[key] = value
    return test.run()


def words(test: AppTest) -> str:
    """Return all that is written on the page."""
    kinds = (test.title, test.subheader, test.markdown, test.warning, test.error)
    html = [element.proto.body for element in test.get("html")]
    return "\n".join([element.value for kind in kinds for element in kind] + html)


@pytest.mark.parametrize("view", VIEWS)
def test_every_page_opens_without_a_click(view: str, pretrained: Path) -> None:
    test = opened(view)
    assert not test.exception
    assert not test.error


@pytest.mark.parametrize("view", VIEWS)
def test_no_link_breaks_a_page(view: str, pretrained: Path) -> None:
    keys = ("model", "text", "part", "layer", "signal", "unit", "t", "target", "sort", "size")
    for value in ("-1", "999999999999999999999", "nan", "<script>alert(1)</script>", "", "mine:../../etc/passwd"):
        test = opened(view, **dict.fromkeys(keys, value))
        assert not test.exception
        assert not test.error


def test_a_link_to_a_missing_unit_says_what_is_shown_instead(pretrained: Path) -> None:
    test = opened("cells", model="shakespeare-lstn", layer="9")
    said = "\n".join(warning.value for warning in test.warning)
    assert "asks for model shakespeare\\-lstn" in said
    assert "Showing shakespeare\\-lstm" in said
    assert re.search(r"asks for layer 9; it goes from 1 to 2\. Showing [12]\.", said)


def test_home_tells_each_model_with_its_measured_loss(pretrained: Path) -> None:
    test = app().run()
    assert not test.exception
    assert "Three models" in words(test)
    for cell in ("elman", "gru", "lstm"):
        assert f"shakespeare-{cell}" in words(test)
    assert words(test).count("<b>1.500</b>") == 3


def test_without_models_home_says_what_to_do(pretrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNCORE_PRETRAINED", str(tmp_path / "nothing"))
    test = app().run()
    assert not test.exception
    assert "There is no model to look into yet" in words(test)
    assert "Train a small one" in words(test)


def test_a_broken_model_is_a_card_and_a_sentence(pretrained: Path) -> None:
    weights = pretrained / "shakespeare-gru" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    (pretrained / "shakespeare-elman" / "config.json").write_text("{not json")
    test = app().run()
    assert not test.exception
    assert words(test).count("Cannot be opened") == 2
    for name in ("shakespeare-gru", "shakespeare-elman"):
        test = opened("cells", model=name)
        assert not test.exception
        assert "cannot be opened" in test.error[0].value
        assert test.selectbox[0].options == ["shakespeare-elman", "shakespeare-gru", "shakespeare-lstm"]


def test_with_only_broken_models_home_still_stands(pretrained: Path) -> None:
    for weights in pretrained.glob("*/model.safetensors"):
        weights.unlink()
    test = app().run()
    assert not test.exception
    assert words(test).count("Cannot be opened") == 3


def test_a_failing_page_shows_a_sentence_and_no_inside(pretrained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(home, "page", fail)
    test = app().run()
    assert not test.exception
    assert "Something failed that should not" in test.error[0].value
    assert "secret" not in words(test)


def test_home_stands_before_torch_is_loaded() -> None:
    """Torch takes seconds to import; the first visitor should not look at an empty page meanwhile."""
    code = "import sys, viz_app.views.home; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT.parent, check=False).returncode == 0
