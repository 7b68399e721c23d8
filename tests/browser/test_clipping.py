"""Clipping: both paths play in the browser without a rerun; the training is shown, and another one started."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

Visit = Callable[..., Page]

POINTS = "() => [...document.querySelectorAll('.js-plotly-plot')].map((gd) => gd._fullData.at(-2).x.length)"


def test_the_paths_play(visit: Visit) -> None:
    page = visit("/clipping")
    expect(page.get_by_role("heading", level=1)).to_contain_text("throws w from")
    expect(page.locator(".js-plotly-plot")).to_have_count(3)
    page.wait_for_function(f"({POINTS})()[0] == 61 && ({POINTS})()[1] == 61")
    page.get_by_label("Start w").fill("5.40")
    page.get_by_label("Start w").press("Enter")
    expect(page).to_have_url(re.compile(r"w=5\.4"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("At update")
    page.wait_for_timeout(3000)  # the figures are drawn anew, and still play together
    expect(page.locator(".updatemenu-button")).to_have_count(1)
    page.locator(".updatemenu-button").click()  # there is one, and it moves both
    page.wait_for_function(f"({POINTS})()[0] < 30 && ({POINTS})()[1] < 30")


def test_the_training_and_another_one(visit: Visit) -> None:
    page = visit("/clipping?view=training")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Without clipping the training explodes")
    expect(page.locator(".js-plotly-plot")).to_have_count(3)
    for label, value in (("Steps", "20"), ("Characters a step", "10")):
        page.get_by_label(label, exact=True).fill(value)
        page.get_by_label(label, exact=True).press("Enter")
    page.get_by_role("button", name="Train it twice").click()
    expect(page).to_have_url(re.compile("run=[0-9a-f]{8}"))
    expect(page.get_by_role("heading", name=re.compile("in 20 steps|at step"))).to_be_visible(timeout=180_000)


def test_it_fits_a_phone_in_the_dark(visit: Visit) -> None:
    page = visit("/clipping?view=training", width=390, height=844, color_scheme="dark")
    expect(page.locator(".js-plotly-plot")).to_have_count(3)
    assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= 390
