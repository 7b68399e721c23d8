"""Architectures: cells side by side; a race is started, watched, and found again under its link."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

Visit = Callable[..., Page]


def fill(page: Page, label: str, value: str) -> None:
    page.get_by_label(label, exact=True).fill(value)
    page.get_by_label(label, exact=True).press("Enter")


def test_it_opens_on_equations_and_costs(visit: Visit) -> None:
    page = visit("/architectures")
    expect(page.get_by_role("heading", level=1)).to_contain_text("the LSTM has 33")
    expect(page.locator(".portrait .drawing svg")).to_have_count(3)
    expect(page.locator(".portrait .equation")).to_have_count(1 + 4 + 6)
    expect(page.locator(".facts td").filter(has_text="4 H (X + H) + 8 H")).to_be_visible()
    page.get_by_role("button", name="Measure the speed").click()
    expect(page.locator(".facts th").filter(has_text="steps a second")).to_be_visible()
    expect(page).to_have_url(re.compile("measured=1"))


def test_a_race_from_start_to_results_and_after_a_reload(visit: Visit) -> None:
    page = visit("/architectures?cells=elman,min-gru&units=16")
    fill(page, "Seeds", "1")
    fill(page, "Steps", "30")
    page.get_by_role("button", name="Race tanh RNN and minGRU").click()
    expect(page).to_have_url(re.compile("race=[0-9a-f]{8}"))
    expect(page.get_by_text(re.compile("steps.*trainings at work"))).to_be_visible()
    other = visit("/bring")  # meanwhile others are served
    expect(other.get_by_role("heading", level=1)).to_be_visible()
    ahead = page.get_by_role("heading", name=re.compile("After 30 steps the (tanh RNN|minGRU) is ahead"))
    expect(ahead).to_be_visible(timeout=180_000)
    expect(page.locator(".js-plotly-plot")).to_have_count(3, timeout=180_000)
    said = ahead.inner_text()
    page.reload()
    expect(page.get_by_role("heading", name=said)).to_be_visible()
    expect(page.get_by_text("The same for all: text, order of reading, 30 steps")).to_be_visible()
    page.get_by_role("link", name="Inside the minGRU").click()
    expect(page).to_have_url(re.compile("/inside.*model=race-"))
    expect(page.locator(".drawing svg")).to_be_visible()


def test_it_fits_a_phone_in_the_dark(visit: Visit) -> None:
    page = visit("/architectures?cells=slstm,lstm-fgr", width=390, height=844, color_scheme="dark")
    expect(page.locator(".portrait .drawing svg")).to_have_count(2)
    assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= 390
