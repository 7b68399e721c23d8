"""The page Gradients, Depth, as a visitor uses it."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

Visit = Callable[..., Page]
LONG = 240_000  # plotly is the largest thing that the dashboard loads


def test_from_the_start_through_a_training(visit: Visit) -> None:
    page = visit("/depth?depth=20&seeds=1&kinds=plain,residual")
    title = page.get_by_role("heading", level=1)
    expect(title).to_contain_text("From the last of 20 layers to the first", timeout=LONG)
    expect(page.locator(".st-key-figure-layers .js-plotly-plot .lines path").first).to_be_attached(timeout=LONG)
    expect(page.locator(".st-key-figure-paths .js-plotly-plot .bars path").first).to_be_attached(timeout=LONG)

    page.get_by_role("button", name="Train them").click()
    expect(page.locator(".st-key-figure-loss .js-plotly-plot .lines path").first).to_be_attached(timeout=LONG)
    expect(page).to_have_url(re.compile("trained=1"))
    expect(page.locator(".st-key-figure-loss")).to_contain_text(
        "has learned the digits after 100 updates, not the plain"
    )
    expect(title).to_contain_text("After 100 updates")

    page.locator(".st-key-_update").get_by_role("slider").press("Home")
    expect(title).not_to_contain_text("After")
    expect(page).to_have_url(re.compile("update=0"))


def test_a_training_can_be_stopped(visit: Visit) -> None:
    page = visit("/depth?trained=1&depth=100&seeds=5")
    expect(page.get_by_text(re.compile("15 small trainings: about .* left"))).to_be_visible(timeout=LONG)
    page.get_by_test_id("stMain").get_by_role("button", name="Stop", exact=True).click(timeout=LONG)
    expect(page.get_by_text("Stopped: 15 small trainings")).to_be_visible(timeout=LONG)
    expect(page.get_by_role("button", name="Go on")).to_be_visible()


def test_it_fits_a_phone_in_the_dark(visit: Visit) -> None:
    page = visit("/depth?depth=10&seeds=1", width=390, height=844, color_scheme="dark")
    expect(page.locator(".st-key-figure-paths .js-plotly-plot .bars path").first).to_be_attached(timeout=LONG)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
