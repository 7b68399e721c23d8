"""The page Cells, Errors, as a visitor uses it."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

Visit = Callable[..., Page]
LONG = 240_000  # plotly is the largest thing that the dashboard loads


def test_from_the_ladder_to_an_error_and_to_brackets(visit: Visit) -> None:
    page = visit("/errors?model=linux-lstm&corpus=text&text=stdlib:json/decoder.py")
    title = page.get_by_role("heading", level=1)
    expect(title).to_contain_text("errors", timeout=LONG)
    expect(page.locator(".st-key-figure-ladder .js-plotly-plot .bars path").first).to_be_attached(timeout=LONG)
    page.locator(".st-key-text .text span").nth(8).hover()
    expect(page.locator(".st-key-text .readout")).to_contain_text("given")

    page.get_by_role("radio", name="punctuation").click()
    expect(page).to_have_url(re.compile("kind=punctuation"))
    expect(page.locator(".st-key-examples .row .in").first).to_be_visible()

    page.get_by_role("radio", name="Closing brackets").click()
    page.get_by_role("radio", name="( )").click()
    expect(title).to_contain_text("20-gram", timeout=LONG)
    expect(page.locator(".st-key-figure-closing .js-plotly-plot .lines path").first).to_be_attached(timeout=LONG)


def test_it_fits_a_phone_in_the_dark(visit: Visit) -> None:
    link = "/errors?model=linux-lstm&corpus=text&text=stdlib:json/decoder.py"
    page = visit(link, width=390, height=844, color_scheme="dark")
    expect(page.locator(".st-key-figure-ladder .bars path").first).to_be_attached(timeout=LONG)
    assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= 390
