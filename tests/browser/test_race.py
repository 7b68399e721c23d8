"""Race: the shipped race at first sight, another one from the form, live and after a reload."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

Visit = Callable[..., Page]


def fill(page: Page, label: str, value: str) -> None:
    page.get_by_label(label, exact=True).fill(value)
    page.get_by_label(label, exact=True).press("Enter")


def test_it_opens_on_a_real_race(visit: Visit) -> None:
    page = visit("/race")
    expect(page.get_by_role("heading", level=1)).to_contain_text("The tanh RNN solves")
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    page.locator(".st-key-_memory_length").get_by_text("100", exact=True).click()
    expect(page).to_have_url(re.compile("length=100"))
    expect(page.get_by_text("Loss on sequences not seen before, 100 steps")).to_be_visible()


def test_a_race_from_the_form_to_its_end_and_after_a_reload(visit: Visit) -> None:
    page = visit("/race")
    fill(page, "Units of an LSTM", "4")
    fill(page, "Updates at most", "100")
    fill(page, "Seeds", "1")
    page.get_by_role("button", name="Start the race").click()
    expect(page).to_have_url(re.compile("race=[0-9a-f]{8}"))
    finding = page.get_by_role("heading", name=re.compile("^The .* from one seed$"))
    expect(finding).to_be_visible(timeout=180_000)
    said = finding.inner_text()
    page.reload()
    expect(page.get_by_role("heading", name=said)).to_be_visible()
    expect(page.get_by_text("--updates 100")).to_be_visible()


def test_it_fits_a_phone_in_the_dark(visit: Visit) -> None:
    page = visit("/race", width=390, height=844, color_scheme="dark")
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= 390
