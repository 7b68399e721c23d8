"""Generate: the text, what else it might have been, and taking it home."""

import csv
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Page, expect

import rnncore

Visit = Callable[..., Page]
LINK = "/generate?model=shakespeare-lstm&prompt=ROMEO%3A%0A&seed=4&length=200&temperature=0.7"


def taken(page: Page, kind: str) -> Path:
    """Press a download button; return the file."""
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Download the text as {kind}").click()
    return Path(download.value.path())


def text(page: Page) -> str:
    return taken(page, "TXT").read_bytes().decode()


@pytest.fixture
def page(visit: Visit) -> Page:
    page = visit(LINK, reduced_motion="reduce")
    expect(page.locator(".text [data-at]")).to_have_count(200)
    return page


def test_a_link_gives_the_very_text_that_rnncore_generates(page: Page) -> None:
    model = rnncore.load("shakespeare-lstm")
    written = rnncore.generate(model, "ROMEO:\n", length=200, temperature=0.7, seed=4)
    assert text(page) == "ROMEO:\n" + written
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("nats of surprise a character")


def test_text_appears_as_it_is_written(visit: Visit) -> None:
    page = visit("/generate?length=1500")
    expect(page.locator(".text[aria-busy=true] [data-at]").nth(5)).to_be_visible()
    expect(page.locator(".text[aria-busy=false] [data-at]")).to_have_count(1500)


def test_a_character_opens_its_alternatives_and_one_of_them_rewrites_the_text(page: Page) -> None:
    before = text(page)
    page.locator(".text [data-at='50']").click()
    rows = page.locator(".card button")
    expect(rows.first).to_be_visible()
    shares = page.locator(".card .fill").evaluate_all("all => all.map(bar => parseFloat(bar.style.width))")
    assert sum(shares) <= 100.01
    token = page.locator(".card button:enabled .token").first.inner_text()
    page.locator(".card button:enabled").first.click()
    expect(page).to_have_url(re.compile(r"choices=50\.\d+"))
    expect(page.locator(".text .chosen")).to_have_count(1)
    expect(page.locator(".text [data-at]")).to_have_count(200)
    after = text(page)
    place = len("ROMEO:\n") + 50
    assert after[:place] == before[:place]
    assert after[place] == {"␣": " ", "↵": "\n"}.get(token, token) != before[place]


def test_the_keyboard_does_it_all(page: Page) -> None:
    page.locator(".text").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".text .cursor")).to_have_attribute("data-at", "1")
    page.keyboard.press("ArrowDown")
    if page.locator(".card .marked.written").count():
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"choices=1\.\d+"))
    page.keyboard.press("Escape")
    expect(page.locator(".card")).to_be_hidden()


def test_continue_keeps_what_is_there_and_again_does_not(page: Page) -> None:
    before = text(page)
    page.get_by_role("button", name="Continue").click()
    expect(page.locator(".text [data-at]")).to_have_count(600)
    assert text(page).startswith(before)
    page.get_by_role("button", name="Again").click()
    expect(page).to_have_url(re.compile("seed=5"))
    expect(page.locator(".text")).not_to_contain_text(before[7:27])
    expect(page.locator(".text [data-at]")).to_have_count(600)


def test_what_is_taken_home_is_what_is_shown(page: Page) -> None:
    with taken(page, "CSV").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert "".join(row["token"] for row in rows) == text(page)
    assert all(0 < float(row["probability"]) <= 1 for row in rows[7:])
    svg = ElementTree.parse(taken(page, "SVG")).getroot()
    letters = "".join(node.text or "" for node in svg.iter("{http://www.w3.org/2000/svg}text"))
    assert letters.startswith("ROMEO:")
    assert taken(page, "PNG").read_bytes().startswith(b"\x89PNG")
    html = taken(page, "HTML").read_text("utf-8")
    assert "http" not in html
    assert html.count("<span") == 200


def test_what_the_model_has_never_seen_is_marked_and_nothing_runs(visit: Visit) -> None:
    page = visit("/generate?model=shakespeare-lstm&length=50&prompt=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E%C3%A9")
    expect(page.locator(".text .unseen").last).to_have_text("é")
    expect(page.get_by_text("has never seen")).to_be_visible()
    expect(page.locator(".text img")).to_have_count(0)


def test_on_a_phone_in_the_dark_a_tap_opens_the_alternatives_within_the_page(visit: Visit) -> None:
    page = visit(LINK, width=390, height=844, color_scheme="dark", has_touch=True, reduced_motion="reduce")
    page.locator(".text [data-at='40']").tap()
    expect(page.locator(".card")).to_be_visible()
    box = page.locator(".card").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert all(row.bounding_box()["height"] >= 44 for row in page.locator(".card button").all())
