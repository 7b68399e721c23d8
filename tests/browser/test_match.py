"""The page Cells, Match, as a visitor uses it."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

Visit = Callable[..., Page]
LONG = 240_000
LINK = "/match?model=shakespeare-lstm&corpus=sample&before=0&after=0"


def test_brush_by_word_by_drag_and_by_key_and_open_what_was_found(visit: Visit) -> None:
    page = visit(f"{LINK}&from=30&to=36")
    spans = page.locator(".st-key-brush .text span")
    expect(spans.first).to_be_attached(timeout=LONG)
    words = spans.all_inner_texts()
    letter = next(t for t in range(40, 300) if words[t].isalpha() and words[t + 1].isalpha() and words[t + 2].isalpha())
    spans.nth(letter).click()
    expect(page).to_have_url(re.compile(r"from=\d+.*to=\d+|to=\d+.*from=\d+"))
    brushed = "".join(page.locator(".st-key-brush .text .in").all_inner_texts())
    assert brushed.isalpha()
    assert len(brushed) >= 3

    spans.nth(letter).hover()
    page.mouse.down()
    spans.nth(letter + 2).hover()
    page.mouse.up()
    expect(page).to_have_url(re.compile(f"(?=.*from={letter}(&|$))(?=.*to={letter + 3}(&|$))"), timeout=LONG)
    page.locator(".st-key-brush .text").press("Shift+ArrowRight")
    expect(page).to_have_url(re.compile(f"to={letter + 4}(&|$)"), timeout=LONG)

    found = page.locator(".st-key-passages .row")
    expect(found.first).to_be_visible(timeout=LONG)
    expect(found.first.locator(".in").first).to_be_visible()
    found.first.click()
    expect(page).to_have_url(re.compile(r"/cells\?.*text=mine"), timeout=LONG)
    expect(page.locator(".reader .headline")).to_contain_text("Unit", timeout=LONG)


def test_a_cell_opens_on_cells_at_the_range(visit: Visit) -> None:
    page = visit(f"{LINK}&from=30&to=33&level=share&share=30")
    row = page.locator(".st-key-cells .row").first
    head = row.locator(".about").inner_text()
    row.click()
    unit = re.search(r"unit (\d+)", head)[1]
    expect(page).to_have_url(re.compile(rf"/cells\?(?=.*unit={unit}(&|$))(?=.*t=30(&|$))"), timeout=LONG)


def test_it_fits_a_phone_in_the_dark(visit: Visit) -> None:
    page = visit(LINK, width=390, height=844, color_scheme="dark")
    expect(page.locator(".st-key-passages .row").first).to_be_visible(timeout=LONG)
    assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= 390
