"""Home and what all pages share: the way in, the controls, the link, the sizes and modes."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

import rnncore

Visit = Callable[..., Page]


def test_home_shows_a_unit_and_every_model(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "See what a recurrent network remembers, and when it forgets"
    )
    for name in rnncore.available():
        expect(page.locator(".card-head", has_text=name)).to_be_visible()
    letters = page.locator(".text span")
    expect(letters.first).to_be_visible()
    letters.nth(3).hover()
    expect(page.locator("output")).to_have_text(re.compile(r"^\S [+−]\d+\.\d\d$"))


def test_home_loads_no_plotly(visit: Visit) -> None:
    page = visit("/")
    expect(page.locator(".text span").first).to_be_visible()
    loaded = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    assert not [name for name in loaded if "plotly" in name.lower()]


def test_the_unit_on_home_opens_in_cells_with_its_state_in_the_link(page: Page) -> None:
    page.get_by_role("link", name="Open this unit").click()
    expect(page).to_have_url(re.compile(r"/cells\?.*unit=\d+"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Unit")


def test_a_card_opens_its_model_in_cells(page: Page) -> None:
    page.get_by_role("link", name="Look inside").first.click()
    expect(page).to_have_url(re.compile(f"/cells.*model={rnncore.available()[0]}"))


def test_it_fits_a_phone_in_the_dark(visit: Visit) -> None:
    page = visit("/", width=390, height=844, color_scheme="dark")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("Copy link")).to_be_visible()
    assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= 390


def test_copy_link_copies_the_address(visit: Visit) -> None:
    page = visit("/cells?unit=3&signal=h", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "/cells?" in copied
    assert "unit=3" in copied
    assert "signal=h" in copied


def test_without_a_clipboard_the_link_is_shown(visit: Visit) -> None:
    page = visit("/cells")
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject() }")
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_label("The link to this page")).to_have_value(re.compile(r"^http.*/cells"))


def test_the_projector_has_large_type_and_stays(visit: Visit) -> None:
    page = visit("/")
    page.get_by_text("Projector").click()
    expect(page.locator("html")).to_have_css("font-size", "24px")
    page.get_by_role("link", name="Open this unit").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Unit")
    expect(page.locator("html")).to_have_css("font-size", "24px")


def test_a_passage_of_ones_own_is_read_kept_and_linked(visit: Visit) -> None:
    page = visit("/cells")
    page.get_by_role("button", name="Written by").click()
    field = page.get_by_label("A passage of your own")
    field.fill("x")
    page.get_by_role("button", name="Read this passage").click()
    expect(page.get_by_text("One character has no next one")).to_be_visible()
    expect(field).to_have_value("x")
    field.fill("To be, or not to be: <b>that</b> is the question. ☃")
    page.get_by_role("button", name="Read this passage").click()
    expect(page).to_have_url(re.compile(r"text=mine"))
    expect(page.get_by_text("shakespeare-lstm has never seen")).to_be_visible()
    again = visit(page.url.removeprefix(page.url.split("/cells")[0]))
    expect(again.get_by_role("button", name="“To be, or not to be")).to_be_visible()


def test_a_million_characters_are_cut_with_a_sentence(visit: Visit) -> None:
    page = visit("/cells")
    page.get_by_role("button", name="Written by").click()
    page.get_by_label("A passage of your own").fill("All work and no play. " * 48_000)
    page.get_by_role("button", name="Read this passage").click()
    expect(page.get_by_text("the first 20,000 are kept")).to_be_visible()
    expect(page.get_by_text("characters 1 to 2,000 of 20,000")).to_be_visible()


def test_a_binary_file_is_refused_with_a_sentence(visit: Visit) -> None:
    page = visit("/cells")
    page.get_by_role("button", name="Written by").click()
    files = page.locator("input[type=file]")
    files.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": b"\x89PNG\0\0"})
    expect(page.get_by_text("This is a binary file")).to_be_visible()
