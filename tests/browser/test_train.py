"""Train: start, watch, stop, resume, open in the other pages; and go back through a training that is over."""

import re
import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

Visit = Callable[..., Page]


def fill(page: Page, label: str, value: str) -> None:
    page.get_by_label(label, exact=True).fill(value)
    page.get_by_label(label, exact=True).press("Enter")


def heading(page: Page) -> str:
    return page.get_by_role("heading", level=1).inner_text()


def test_start_stop_resume_finish_and_open_in_cells(visit: Visit) -> None:
    page = visit("/train")
    fill(page, "Steps", "600")
    fill(page, "Units a layer", "32")
    fill(page, "Name", f"live-{time.monotonic_ns()}")  # free also when the test is repeated
    page.get_by_role("button", name="Start training").click()
    expect(page).to_have_url(re.compile("run=live"))
    expect(page.get_by_text(re.compile(r"Step \d+ of 600, about .* left"))).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    expect(page.get_by_text(re.compile("What it writes after")).first).to_be_visible()

    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text(re.compile(r"Stopped after \d+ steps"))).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("in 600 steps")).to_be_visible(timeout=180_000)
    expect(page.get_by_role("button", name="Resume")).to_have_count(0)

    page.get_by_role("link", name="Cells").last.click()
    expect(page).to_have_url(re.compile("/cells.*model=live"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("nit")


def test_another_visitor_is_not_blocked(visit: Visit) -> None:
    page = visit("/train")
    fill(page, "Steps", "5000")
    fill(page, "Name", "long")
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    other = visit("/generate?length=100", reduced_motion="reduce")
    expect(other.locator(".text [data-at]")).to_have_count(100)
    # A closed tab stops nothing: whoever opens the link finds it running, and can stop it.
    page.close()
    again = visit("/train?run=long")
    expect(again.get_by_text(re.compile("left$")).first).to_be_visible()
    again.get_by_role("button", name="Stop").click()
    expect(again.get_by_text("Stopped after")).to_be_visible()


def test_a_training_that_is_over_can_be_gone_through(visit: Visit) -> None:
    page = visit("/train?run=shakespeare-lstm")
    expect(page.get_by_role("slider", name="Go through the training")).to_be_visible()
    at_the_end = heading(page)
    slider = page.get_by_role("slider", name="Go through the training")
    slider.focus()
    slider.press("ArrowLeft")
    slider.press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"step=\d+"))
    expect(page.get_by_role("heading", level=1)).not_to_have_text(at_the_end)


def test_it_fits_a_phone_in_the_dark(visit: Visit) -> None:
    page = visit("/train", width=390, height=844, color_scheme="dark")
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= 390
