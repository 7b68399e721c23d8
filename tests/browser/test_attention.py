"""The page Attention, as a visitor uses it."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

Visit = Callable[..., Page]
LONG = 240_000
LINK = "/attention?translator=dates-attention&sentence=Friday%2C+March+5%2C+2021"


def test_a_token_lights_its_partners_and_a_click_looks_at_it(visit: Visit) -> None:
    page = visit(LINK)
    rows = page.locator("svg.map .label[data-t]")
    expect(rows.first).to_be_visible(timeout=LONG)
    rows.nth(2).hover()
    expect(rows.nth(2)).to_have_class(re.compile("lit"))
    expect(page.locator("svg.links .label[data-t='2']")).to_have_class(re.compile("lit"))
    partners = page.locator("svg.links .label[data-j].lit").all_inner_texts()
    assert partners == page.locator("svg.map .label[data-j].lit").all_inner_texts() != []
    expect(page.locator("svg.links .edge.lit")).to_have_count(len(partners))
    rows.nth(2).click()
    expect(page).to_have_url(re.compile(r"row=3(&|$)"), timeout=LONG)
    page.locator(".attention").press("ArrowDown")
    expect(page).to_have_url(re.compile(r"row=4(&|$)"), timeout=LONG)


def test_a_sentence_is_typed_and_another_is_drawn(visit: Visit) -> None:
    page = visit(LINK)
    box = page.get_by_label("Sentence")
    expect(box).to_be_visible(timeout=LONG)
    box.fill("12/25/1999")
    box.press("Enter")
    expect(page.locator(".st-key-written .text").first).to_have_text(re.compile(r"\d{4}-\d\d-\d\d"), timeout=LONG)
    expect(page.locator("svg.map .label[data-j]")).to_have_count(11, timeout=LONG)
    page.get_by_role("button", name="Another").click()
    expect(page).not_to_have_url(re.compile(r"sentence=12%2F25%2F1999"), timeout=LONG)
    box.fill("<b onmouseover=alert(1)>☃</b>")
    box.press("Enter")
    expect(page.get_by_text("has never seen")).to_be_visible(timeout=LONG)
    expect(page.locator("b[onmouseover]")).to_have_count(0)


def test_what_if_forces_leaves_out_and_undoes(visit: Visit) -> None:
    page = visit(f"{LINK}&view=whatif&edits=")
    cell = page.locator("svg.map .cell[data-t='3'][data-j='2']")
    expect(cell).to_be_visible(timeout=LONG)
    cell.click()
    expect(page).to_have_url(re.compile(r"edits=r4\.3(&|$)"), timeout=LONG)
    expect(page.locator("svg.map rect.forced")).to_have_count(1, timeout=LONG)
    page.locator("svg.map .label[data-j='7']").click()
    expect(page).to_have_url(re.compile(r"edits=r4\.3_w8(&|$)"), timeout=LONG)
    expect(page.locator("svg.map .label.gone")).to_have_count(1, timeout=LONG)
    other = page.locator(".st-key-choices .step").first.locator("button:not(.own)").first
    token = other.locator("span").inner_text()
    other.click()
    expect(page).to_have_url(re.compile(r"edits=r4\.3_w8_p\d+(&|$)"), timeout=LONG)
    expect(page.locator(".st-key-compared .text").nth(1)).to_have_text(re.compile(f"^{re.escape(token)}"), timeout=LONG)
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page).to_have_url(re.compile(r"edits=r4\.3_w8(&|$)"), timeout=LONG)
    page.get_by_role("button", name="Undo all").click()
    expect(page.locator("svg.map .label.gone")).to_have_count(0, timeout=LONG)


def test_the_beam_goes_on_from_a_token_that_fell_out(visit: Visit) -> None:
    page = visit(f"{LINK}&view=beam&beam=3")
    fallen = page.locator(".st-key-beam .twig.fallen text")
    expect(fallen.first).to_be_visible(timeout=LONG)
    fallen.first.hover()
    expect(page.locator(".st-key-beam .readout")).to_contain_text("fell out of the beam")
    page.locator(".st-key-beam .tree").press("ArrowRight")
    expect(page.locator(".st-key-beam .readout")).to_contain_text("Step 1")
    fallen.first.click()
    expect(page).to_have_url(re.compile(r"(?=.*view=whatif)(?=.*edits=p\d+)"), timeout=LONG)


def test_neighbours_are_found_at_the_press_of_a_button(visit: Visit) -> None:
    page = visit(f"{LINK}&view=neighbours")
    page.get_by_role("button", name="Search").click(timeout=LONG)
    expect(page.locator(".st-key-nearest .name")).to_have_count(12, timeout=LONG)
    page.locator("svg.links .label[data-j='8']").click()
    expect(page).to_have_url(re.compile(r"(?=.*side=encoder)(?=.*column=9)"), timeout=LONG)


def test_it_fits_a_phone_in_the_dark(visit: Visit) -> None:
    page = visit(f"{LINK}&view=whatif", width=390, height=844, color_scheme="dark")
    expect(page.locator("svg.map, .tree svg").first).to_be_visible(timeout=LONG)
    assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= 390
