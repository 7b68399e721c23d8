"""The page Cells, Saturation, as a visitor uses it."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

Visit = Callable[..., Page]
LONG = 240_000  # plotly is the largest thing that the dashboard loads


def test_a_dot_is_a_unit_that_opens_on_cells(visit: Visit) -> None:
    page = visit("/saturation?model=shakespeare-lstm&corpus=sample")
    expect(page.get_by_role("heading", level=1)).to_contain_text("is nearly always", timeout=LONG)
    dots = page.locator(".st-key-figure-f .js-plotly-plot .scatterlayer .points path")
    expect(dots.nth(300)).to_be_attached(timeout=LONG)
    assert dots.count() == 512
    figure = page.locator(".st-key-figure-f .js-plotly-plot").first
    figure.scroll_into_view_if_needed()
    box = dots.nth(0).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"/cells\?(?=.*signal=f)(?=.*layer=1)"), timeout=LONG)
    expect(page.locator(".reader .headline")).to_contain_text("Unit", timeout=LONG)


def test_it_fits_a_phone_in_the_dark(visit: Visit) -> None:
    page = visit("/saturation?model=shakespeare-gru&corpus=sample", width=390, height=844, color_scheme="dark")
    expect(page.locator(".st-key-figure-z .points path").first).to_be_attached(timeout=LONG)
    assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= 390
