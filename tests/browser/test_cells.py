"""The page Cells, Text, as a visitor uses it."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect

import rnncore
from rnncore import pretrained
from rnncore.analysis import Dictionary

Visit = Callable[..., Page]
MODEL = "shakespeare-lstm"
PASSAGE = "<script>document.title = 'owned'</script>\n\tTwo  spaces, a tab & an “é”.\n" * 2


def colours(page: Page) -> list[str]:
    return page.locator(".reader .text").evaluate("box => [...box.children].map(span => span.style.backgroundColor)")


def table(page: Page) -> list[dict[str, str]]:
    """Return the rows of the page's CSV."""
    if not page.locator("[data-take=csv]").is_visible():
        page.locator(".reader .take summary").click()
    with page.expect_download() as download:
        page.locator("[data-take=csv]").click()
    with Path(download.value.path()).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def ready(page: Page) -> Page:
    expect(page.locator(".reader .headline")).to_contain_text("Unit")
    return page


@pytest.fixture
def cells(visit: Visit) -> Page:
    """Return the page on the LSTM's last layer, unit 5's cell state."""
    return ready(visit(f"/cells?model={MODEL}&layer=2&unit=5&signal=c&sort=unit&t=40"))


def test_every_number_is_the_recorded_one(cells: Page) -> None:
    rows = table(cells)
    recording = rnncore.record(rnncore.load(MODEL), "".join(row["token"] for row in rows))
    for row in (0, 40, recording.time - 2):
        taken = rows[row]
        for symbol in recording.signals:
            assert float(taken[symbol]) == pytest.approx(recording[symbol, -1][row, 5], abs=0.00501)
        assert float(taken["loss_nats"]) == pytest.approx(recording.loss[row], abs=1e-3)
        assert int(taken["rank"]) == recording.rank[row]
    shown = cells.locator(".strip .value").all_text_contents()
    for symbol, value in zip(recording.signals, shown, strict=True):
        assert float(value.replace("−", "-")) == pytest.approx(recording[symbol, -1][40, 5], abs=0.00501)
    spot = cells.locator(".reader .text span").nth(52)
    spot.hover()
    tip = cells.locator(".tip")
    expect(tip).to_be_visible()
    value, nats = re.findall(r"[+−]?\d+\.\d+", tip.locator("div").first.inner_text())
    assert float(value.replace("−", "-")) == pytest.approx(recording["c", -1][52, 5], abs=0.00501)
    assert float(nats) == pytest.approx(recording.loss[52], abs=0.00101)
    chances = [float(chance) for chance in cells.locator(".guess .chance").all_inner_texts()[:5]]
    np.testing.assert_allclose(chances, recording.top_probability[52], atol=0.00101)


def test_arrows_flip_through_units_and_the_link_follows(cells: Page) -> None:
    before, headline = colours(cells), cells.locator(".headline").inner_text()
    cells.keyboard.press("ArrowRight")
    expect(cells.locator(".reader .unit")).to_have_value("6")
    assert colours(cells) != before
    cells.keyboard.press("ArrowRight")
    cells.keyboard.press("ArrowLeft")
    cells.keyboard.press("ArrowLeft")
    assert colours(cells) == before
    assert cells.locator(".headline").inner_text() == headline
    for _ in range(4):
        cells.keyboard.press("ArrowRight")
    expect(cells).to_have_url(re.compile("unit=9"))


def test_flipping_goes_on_beyond_the_first_bank(cells: Page) -> None:
    for _ in range(90):
        cells.keyboard.press("ArrowRight")
    expect(cells.locator(".reader .unit")).to_have_value("95")
    expect(cells.locator(".reader .text.waiting")).to_have_count(0)
    expect(cells.locator(".headline")).to_contain_text("Unit 95")
    cells.locator(".slide").fill("255")
    expect(cells.locator(".headline")).to_contain_text("Unit 255")


def test_a_link_opens_what_was_seen(cells: Page, visit: Visit) -> None:
    cells.locator(".signals button", has_text="f").click()
    cells.locator(".reader .sort").select_option("saturation")
    cells.locator(".reader .text span").nth(77).click()
    cells.keyboard.press("ArrowRight")
    expect(cells).to_have_url(re.compile(r"(?=.*signal=f)(?=.*sort=saturation)(?=.*t=78)"))
    other = ready(visit(cells.url))
    expect(other.locator(".signals [aria-pressed=true]")).to_have_text("f")
    expect(other.locator(".strip")).to_have_attribute("aria-label", cells.locator(".strip").get_attribute("aria-label"))
    assert colours(other) == colours(cells)


def test_the_cursor_moves_by_key_is_locked_by_click_and_freed_by_escape(cells: Page) -> None:
    spans, cursor = cells.locator(".reader .text span"), cells.locator(".reader .text .cursor")

    def at() -> int:
        return cursor.evaluate("span => [...span.parentElement.children].indexOf(span)")

    spans.nth(30).hover()
    assert at() == 30
    spans.nth(31).click()
    spans.nth(35).hover()
    assert at() == 31
    cells.keyboard.press("ArrowLeft")
    assert at() == 30
    expect(cells.locator(".reader .unit")).to_have_value("5")
    cells.keyboard.press("Escape")
    spans.nth(36).hover()
    assert at() == 36


def test_a_unit_that_does_not_exist_is_refused_with_a_sentence(cells: Page, visit: Visit) -> None:
    cells.locator(".reader .unit").fill("900")
    cells.keyboard.press("Enter")
    expect(cells.locator(".reader .notes")).to_have_text(re.compile("no unit 900.*0 to 255.*Showing 255"))
    expect(ready(visit(f"/cells?model={MODEL}&unit=900")).get_by_text("This link asks for unit 900")).to_be_visible()


def test_a_passage_of_ones_own_is_only_ever_text(visit: Visit) -> None:
    page = ready(visit(f"/cells?model={MODEL}"))
    page.get_by_test_id("stPopover").first.get_by_role("button").click()
    page.get_by_label("A passage of your own").fill(PASSAGE)
    page.get_by_role("button", name="Read this passage").click()
    expect(page.locator(".reader .text")).to_contain_text("<script>document.title")
    assert page.locator(".reader .text script").count() == 0
    assert page.title() != "owned"
    box = page.locator(".reader .text")
    expect(box).to_contain_text("↵\n→\tTwo··spaces, a tab")
    assert box.locator(".unseen").all_inner_texts().count("é") == 2
    assert "".join(row["token"] for row in table(page)) == PASSAGE


def test_the_coloured_text_can_be_taken_home(cells: Page) -> None:
    taken = {}
    for kind in ("png", "svg", "html"):
        if not cells.locator(f"[data-take={kind}]").is_visible():
            cells.locator(".reader .take summary").click()
        with cells.expect_download() as download:
            cells.locator(f"[data-take={kind}]").click()
        taken[kind] = Path(download.value.path()).read_bytes()
        assert download.value.suggested_filename == f"{MODEL}-layer-2-unit-5-c.{kind}"
    assert taken["png"].startswith(b"\x89PNG")
    assert len(taken["png"]) > 20_000
    headline, used = cells.locator(".headline").inner_text(), set(colours(cells))
    for kind in ("svg", "html"):
        assert headline in taken[kind].decode()
        flat = re.sub(r"\s", "", taken[kind].decode())
        assert sum(re.sub(r"\s", "", colour) in flat for colour in used) == len(used)


def test_dark_is_followed(visit: Visit) -> None:
    light, dark = (
        ready(visit(f"/cells?model={MODEL}&layer=2&unit=5&t=40", color_scheme=scheme)) for scheme in ("light", "dark")
    )
    paper = [
        page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor") for page in (light, dark)
    ]
    assert paper == ["rgb(255, 255, 255)", "rgb(20, 23, 27)"]
    assert colours(light) != colours(dark)


def test_a_phone_needs_no_sideways_scrolling(visit: Visit) -> None:
    page = ready(visit(f"/cells?model={MODEL}", width=390, height=844))
    assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= 390
    assert page.locator(".reader").evaluate("reader => reader.scrollWidth") <= 390
    small = page.locator(".reader button:visible").evaluate_all("all => all.filter(b => b.offsetHeight < 44).length")
    assert small == 0


# ---- what is known of the units


@pytest.fixture
def known(visit: Visit) -> Page:
    """Return the page as it opens, on a unit that is verified."""
    page = ready(visit(f"/cells?model={MODEL}"))
    expect(page.locator(".evidence h2")).to_contain_text("The evidence holds")
    return page


def test_the_evidence_follows_the_unit_without_asking(known: Page) -> None:
    expect(known.locator(".verdict")).to_contain_text("Verified:")
    expect(known.locator(".chip[aria-pressed=true]")).to_have_count(1)
    table = evidence_of(MODEL)
    known.context.set_offline(True)
    for _ in range(3):
        known.keyboard.press("ArrowRight")
    unit = int(known.locator(".reader .unit").input_value())
    verdicts = set(table[table["unit"] == unit]["verdict"])
    said = known.locator(".verdict b").inner_text().rstrip(":").lower()
    assert said in verdicts
    expect(known.locator(".check")).to_have_count(5)
    known.locator(".sceptic summary").click()
    expect(known.locator(".sceptic dd").first).to_be_visible()
    known.context.set_offline(False)


def evidence_of(model: str) -> pd.DataFrame:
    return Dictionary.load(pretrained.folder() / model / "units", model).units


def test_an_order_by_label_shows_each_unit_by_its_best_signal(known: Page) -> None:
    known.locator(".reader .sort").select_option("vowel")
    expect(known).to_have_url(re.compile("sort=vowel"))
    expect(known.locator(".place")).to_contain_text("no. 1")
    best = known.locator(".signals [aria-pressed=true]").inner_text()
    expect(known.locator(".place")).to_contain_text(f"here {best}")
    known.locator(".signals button:not([aria-pressed=true])").first.click()
    expect(known.locator(".place")).to_contain_text("is shown")


def test_a_chip_opens_its_unit_in_another_layer_too(known: Page) -> None:
    for chip in known.locator(".chip").all():
        chip.click()
        expect(chip).to_have_attribute("aria-pressed", "true")
        expect(known.locator(".verdict")).to_contain_text(f"Verified: “{chip.inner_text()}”")


def test_a_cell_is_found_and_opened(known: Page) -> None:
    known.get_by_role("button", name="Find a cell for").click()
    known.get_by_label("Something that is known of texts").click()
    known.get_by_role("option", name="white space").click()
    found = known.locator("td button", has_text="Layer")
    expect(found).to_have_count(5)
    layer, unit, signal = re.match(r"Layer (\d), unit (\d+), (\w)", found.nth(1).inner_text()).groups()
    found.nth(1).click()
    expect(known.locator(".reader .unit")).to_have_value(unit)
    expect(known.locator(".signals [aria-pressed=true]")).to_have_text(signal)
    expect(known).to_have_url(re.compile(rf"(?=.*find=whitespace)(?=.*layer={layer})"))
    known.get_by_role("button", name="Close").click()
    expect(found).to_have_count(0)


def test_an_edited_text_is_seen_below_the_pinned_one(known: Page, visit: Visit) -> None:
    known.get_by_role("button", name="Edit").click()
    box = known.get_by_label("Change the text")
    text = box.input_value()
    box.fill(text[:200] + "\n" + text[200:])
    known.get_by_role("button", name="Read", exact=True).click()
    expect(known.locator("h3", has_text="After the change")).to_be_visible()
    expect(known.locator(".versus .text").nth(1).locator(".changed")).to_have_count(1)
    expect(known.locator(".versus .text").nth(0).locator(".changed")).to_have_count(0)
    before = known.locator("h3", has_text="After the change").inner_text()
    other = ready(visit(known.url))
    expect(other.locator("h3", has_text="After the change")).to_have_text(before)
    known.keyboard.press("ArrowRight")
    expect(known.locator("h3", has_text="After the change")).not_to_have_text(before)
    known.get_by_role("button", name="Unpin").click()
    expect(known.locator(".versus")).to_have_count(0)
