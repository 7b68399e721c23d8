"""The link, the models and the texts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as any_
from streamlit.testing.v1 import AppTest

from viz_app import address, state, texts


def ran(script: Callable[..., None], *args: Any, **link: str) -> AppTest:
    test = AppTest.from_function(script, default_timeout=60, args=args)
    for key, value in link.items():
        test.query_params[key] = value
    test.run()
    assert not test.exception
    return test


def ask(key: str, default: object, bounds: dict) -> None:
    import streamlit as st

    from viz_app import state

    state.turn("a page")
    st.session_state["got"] = state.link(key, default, **bounds)


@pytest.mark.parametrize(
    ("raw", "default", "bounds", "value"),
    [
        ("417", 3, {"low": 0, "high": 511}, 417),
        ("0.5", 1.0, {"low": 0, "high": 2}, 0.5),
        ("gru", "lstm", {"choices": ("lstm", "gru")}, "gru"),
        ("1", False, {}, True),
        ("12", None, {"low": 0}, 12),
    ],
)
def test_a_link_gives_its_value_in_the_type_of_the_default(raw: str, default: Any, bounds: dict, value: Any) -> None:
    test = ran(ask, "unit", default, bounds, unit=raw)
    assert test.session_state["got"] == value
    assert type(test.session_state["got"]) is type(value)
    assert not test.warning


@pytest.mark.parametrize(
    ("raw", "default", "bounds", "sentence"),
    [
        ("900", 3, {"low": 0, "high": 511}, "This link asks for unit 900; it goes from 0 to 511. Showing 3."),
        ("-1", 3, {"low": 0}, "This link asks for unit \\-1; it is at least 0. Showing 3."),
        ("six", 3, {}, "This link asks for unit six; that is no whole number. Showing 3."),
        ("nan", 0.5, {}, "This link asks for unit nan; that is no number. Showing 0.5."),
        ("q", "c", {"choices": ("c", "h")}, "This link asks for unit q; there is only c, h. Showing c."),
        ("maybe", True, {}, "This link asks for unit maybe; it is 0 or 1. Showing 1."),
    ],
)
def test_a_bad_link_falls_back_and_says_so(raw: str, default: Any, bounds: dict, sentence: str) -> None:
    test = ran(ask, "unit", default, bounds, unit=raw)
    assert test.session_state["got"] == default
    assert [warning.value for warning in test.warning] == [sentence]
    assert "unit" not in test.query_params


def test_a_selection_made_for_another_model_falls_back_silently() -> None:
    def script() -> None:
        import streamlit as st

        from viz_app import state

        state.turn("a page")
        if "first" not in st.session_state:
            st.session_state["first"] = state.link("unit", 0, low=0, high=511)
            state.set_link(unit=400)
        else:
            st.session_state["second"] = state.link("unit", 7, low=0, high=255)

    test = ran(script).run()
    assert test.session_state["second"] == 7
    assert not test.warning


def test_a_page_without_a_selection_continues_with_the_last() -> None:
    def script() -> None:
        import streamlit as st

        from viz_app import state

        page = st.session_state.get("next", "cells")
        state.turn(page)
        default = 5 if page == "cells" else 9
        st.session_state["got"] = state.link("unit", default, low=0, high=511)

    test = ran(script)
    assert test.session_state["got"] == 5
    test.session_state["next"] = "inside"
    assert test.run().session_state["got"] == 5, "even a default holds, so that pages agree"
    test.session_state["next"] = "cells"
    test.query_params["unit"] = "77"
    assert test.run().session_state["got"] == 77, "a link that selects something is taken at its word"


def test_defaults_stay_out_of_the_link() -> None:
    def script() -> None:
        from viz_app import state

        state.turn("a page")
        state.link("unit", 5)
        state.link("sort", "variance")
        state.set_link(unit=5, sort="unit", t=None)

    test = ran(script, unit="5", t="3")
    assert dict(test.query_params) == {"sort": "unit"}


@given(any_.text(max_size=200))
def test_a_strangers_words_bring_no_markup(words: str) -> None:
    shown = address.plain(words)
    assert len(shown) <= 80
    assert "\n" not in shown
    for sign in "*_`[]<$:":
        assert shown.count(sign) == shown.count(f"\\{sign}")


def test_models_are_the_pretrained_ones_then_the_visitors_runs(pretrained: Path, tmp_path: Path) -> None:
    (pretrained / "shakespeare-gru").rename(tmp_path / "elsewhere")
    runs = tmp_path / "runs"
    runs.mkdir()
    (tmp_path / "elsewhere").rename(runs / "mine")
    (runs / "without-weights").mkdir()
    assert state.models() == ["shakespeare-elman", "shakespeare-lstm", "mine"]
    assert state.model("mine").config.cell == "gru"


def test_new_weights_are_not_hidden_by_a_cache(pretrained: Path) -> None:
    before = state.record("shakespeare-lstm", "To be")
    assert state.record("shakespeare-lstm", "To be") is before
    other = pretrained / "shakespeare-gru"
    for name in ("model.safetensors", "config.json"):
        (pretrained / "shakespeare-lstm" / name).write_bytes((other / name).read_bytes())
    assert state.record("shakespeare-lstm", "To be").cell == "gru"


def test_the_sample_is_the_models_own_and_always_the_same(pretrained: Path) -> None:
    import streamlit as st

    first = state.sample("shakespeare-lstm")
    st.cache_resource.clear()
    assert state.sample("shakespeare-lstm") == first
    assert len(first) == texts.SAMPLE


# ---- texts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "no text yet"),
        (" \n ", "no text yet"),
        ("x", "at least two"),
        (b"", "no text yet"),
        (b"\x89PNG\r\n\x1a\n\0\0", "binary file"),
        ("é\nü".encode("latin-1"), "not text in UTF-8 (see line 1)"),
    ],
)
def test_what_is_no_text_is_refused_with_a_sentence(content: str | bytes, sentence: str) -> None:
    with pytest.raises(texts.TextError, match=sentence.replace("(", r"\(").replace(")", r"\)")):
        texts.cleaned(content)


def test_a_long_text_is_cut_and_says_so() -> None:
    kept, sentence = texts.cleaned("word " * 1_000_000)
    assert len(kept) == texts.LIMIT
    assert sentence == "The text has 5,000,000 characters; the first 20,000 are kept."


def test_line_ends_and_byte_order_mark_are_plain() -> None:
    assert texts.cleaned("\ufeffone\r\ntwo\rthree".encode())[0] == "one\ntwo\nthree"


@given(any_.text(any_.characters(codec="utf-8"), min_size=2, max_size=300))
def test_a_kept_text_comes_back_from_disk(text: str) -> None:
    assert texts.stored(texts.store(text)) == text


@pytest.mark.parametrize("key", ["", "../../../etc/passwd", "0123456789abcdef", "ABCDEF0123456789"])
def test_a_text_that_is_not_here_is_said(key: str) -> None:
    with pytest.raises(texts.TextError, match="not on this machine"):
        texts.stored(key)


def test_a_full_disk_loses_the_cache_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    from rnncore.network import checkpoint

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "write_atomically", full)
    assert texts.sample("a-model", "stamp", lambda length: "x" * length) == "x" * texts.SAMPLE
    assert len(texts.store("To be")) == 16


@given(any_.integers(2, 9_000))
def test_windows_cover_a_text_once_and_none_is_a_single_character(length: int) -> None:
    whole = "".join(chr(97 + k % 26) for k in range(length))
    windows = [texts.window("id", "title", whole, part + 1) for part in range(texts.parts(whole))]
    assert "".join(window.text for window in windows) == whole
    assert all(1 < len(window.text) <= texts.WINDOW + 1 for window in windows)
    assert all(whole.startswith(window.text, window.start) for window in windows)


def test_a_part_of_a_text_says_which() -> None:
    assert texts.window("id", "title", "x" * 100, 1).window == ""
    assert texts.window("id", "title", "x" * 5_000, 2).window == "characters 2,001 to 4,000 of 5,000"
