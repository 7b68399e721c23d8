"""Inside the cell, in a real browser: each step shows the recording's numbers, by key, button and link."""

import csv
import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

import rnncore

Visit = Callable[..., Page]

UNIT, START = 5, 40
MODELS = ["shakespeare-elman", "shakespeare-gru", "shakespeare-lstm"]


def opened(visit: Visit, model: str, **options: object) -> Page:
    page = visit(f"/inside?model={model}&layer=1&unit={UNIT}&t={START}&text=stdlib:json/__init__.py", **options)
    expect(page.locator(".drawing svg")).to_be_visible()
    expect(page.locator(".step")).to_have_text(re.compile(f"^step {START} of"))
    return page


def recorded(page: Page, model: str) -> rnncore.Recording:
    """Record what the page shows: its text is in the table that the page gives away."""
    with page.expect_download() as download:
        page.get_by_role("button", name="values of every step").click()
    with download.value.path().open(encoding="utf-8-sig", newline="") as file:
        tokens = [row["token"] for row in csv.DictReader(file)]
    return rnncore.record(rnncore.load(model), "".join(tokens))


def shown(page: Page) -> dict[str, float]:
    """Return the results of the equations, by symbol."""
    rows = page.locator(".equation").all()
    symbols = [row.locator(".symbols i").first.inner_text() for row in rows]
    values = [row.locator(".numbers b").inner_text() for row in rows]
    return {symbol: float(value.replace("−", "-")) for symbol, value in zip(symbols, values, strict=True)}


@pytest.mark.parametrize("model", MODELS)
def test_a_step_by_key_shows_the_recordings_numbers(visit: Visit, model: str) -> None:
    page = opened(visit, model)
    recording = recorded(page, model)
    for t, key in ((START + 1, "ArrowRight"), (START + 2, "ArrowRight"), (START + 1, "ArrowLeft")):
        page.keyboard.press(key)
        expect(page.locator(".step")).to_have_text(f"step {t} of {recording.time - 1}")
        values = shown(page)
        assert tuple(values) == recording.signals
        for symbol, value in values.items():
            np.testing.assert_allclose(value, recording[symbol, 0][t, UNIT], atol=0.00501)
        labels = [float(label.replace("−", "-")) for label in page.locator(".drawing .value").all_text_contents()]
        for symbol in recording.states:
            before = recording[symbol, 0][t - 1, UNIT]
            assert min(abs(label - before) for label in labels) <= 0.00501, "the diagram shows the state before"
        best = recording.symbols[recording.top_ids[t, 0]]
        expect(page.locator(".guess .what").first).to_have_text({" ": "␣", "\n": "↵"}.get(best, best))


def test_the_step_stands_in_the_link(visit: Visit) -> None:
    page = opened(visit, "shakespeare-lstm")
    page.get_by_role("button", name="One step forward").click()
    expect(page).to_have_url(re.compile(rf"[?&]t={START + 1}(&|$)"))
    page.reload()
    expect(page.locator(".step")).to_have_text(re.compile(f"^step {START + 1} of"))


def test_a_click_on_a_character_goes_there(visit: Visit) -> None:
    page = opened(visit, "shakespeare-gru")
    page.locator(f'.strip [data-step="{START + 6}"]').click()
    expect(page.locator(".step")).to_have_text(re.compile(f"^step {START + 6} of"))
    expect(page.get_by_role("slider", name="Step in the text")).to_have_attribute("aria-valuenow", str(START + 6))


def test_play_steps_on_and_pauses(visit: Visit) -> None:
    page = opened(visit, "shakespeare-elman")
    page.get_by_role("button", name="Play").click()
    expect(page.locator(".step")).not_to_have_text(re.compile(f"^step {START} of"))
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    reached = page.locator(".step").inner_text()
    page.wait_for_timeout(500)  # three steps' time
    expect(page.locator(".step")).to_have_text(reached)


def test_nothing_plays_where_no_motion_is_wanted(visit: Visit) -> None:
    page = opened(visit, "shakespeare-elman", reduced_motion="reduce")
    expect(page.get_by_role("button", name="Play")).to_be_disabled()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".step")).to_have_text(re.compile(f"^step {START + 1} of"))


def test_the_diagram_can_be_taken_home(visit: Visit) -> None:
    page = opened(visit, "shakespeare-lstm")
    for kind in ("PNG", "SVG", "HTML"):
        with page.expect_download() as download:
            page.get_by_role("button", name=f"diagram as {kind}").click()
        content = download.value.path().read_bytes()
        if kind == "PNG":
            assert content.startswith(b"\x89PNG")
        else:
            assert b"<svg" in content
            assert b"var(--" not in content, "a colour would be lost without the page's style"


def test_a_phone_in_the_dark_shows_the_narrow_drawing_without_sideways_scrolling(visit: Visit) -> None:
    page = opened(visit, "shakespeare-lstm", width=390, height=844, color_scheme="dark")
    expect(page.locator(".drawing svg")).to_have_attribute("viewBox", re.compile(r"^0 0 (4\d\d|5[0-4]\d) "))
    assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= 390


def test_the_text_is_never_markup(visit: Visit) -> None:
    page = visit("/inside?text=stdlib:html/__init__.py&t=400")
    expect(page.locator(".drawing svg")).to_be_visible()
    assert page.locator(".strip > :not(span), .guess script, .finding *").count() == 0
