"""The page Cells, Unit, as a visitor uses it."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

Visit = Callable[..., Page]
LONG = 240_000


def test_type_an_ngram_take_the_unit_out_and_open_a_passage(visit: Visit) -> None:
    page = visit("/unit?model=shakespeare-lstm&layer=1&unit=174&corpus=sample")
    title = page.get_by_role("heading", level=1)
    expect(title).to_contain_text("Unit 174 of layer 1", timeout=LONG)
    field = page.get_by_label("Some characters")
    expect(field).to_be_visible(timeout=LONG)
    field.fill("th")
    field.press("Enter")
    expect(page).to_have_url(re.compile("ngram=th"), timeout=LONG)
    expect(page.locator(".st-key-figure-response")).to_contain_text("Reading “th” changes", timeout=LONG)
    page.get_by_role("radio", name="Hold it at its mean").click()
    expect(page).to_have_url(re.compile("remove=mean"), timeout=LONG)
    expect(page.locator(".st-key-written .row").nth(1)).to_contain_text("without it", timeout=LONG)
    page.locator(".st-key-snippets .row").first.click()
    expect(page).to_have_url(re.compile(r"/cells\?(?=.*unit=174(&|$))(?=.*text=mine)"), timeout=LONG)


def test_it_fits_a_phone_in_the_dark(visit: Visit) -> None:
    page = visit("/unit?model=shakespeare-gru&corpus=sample", width=390, height=844, color_scheme="dark")
    expect(page.locator(".st-key-snippets .row").first).to_be_visible(timeout=LONG)
    assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= 390
