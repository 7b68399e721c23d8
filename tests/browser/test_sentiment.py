"""The page Sentiment, as a visitor uses it."""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from rnncore import analysis
from rnncore.network import checkpoint
from tests.analysis import planted_sentiment as planted

Visit = Callable[..., Page]
LONG = 240_000
LINK = "/sentiment?model=planted&review=film+good+plot+bad+good+film&seed=2"


@pytest.fixture(scope="module", autouse=True)
def model(runs: Path) -> Iterator[None]:
    """Put a model with a planted unit where the server finds it."""
    network = planted.model()
    found = analysis.sentiment(network, planted.texts()[0], rival_texts=120, draws=1)
    found = replace(found, steering=analysis.steer(network, found, samples=8, length=8, controls=2))
    checkpoint.save(network, runs / "planted", training={"data": {"name": "planted"}})
    found.save(runs / "planted" / "sentiment")
    yield
    shutil.rmtree(runs / "planted")


def test_pointer_and_keys_show_the_same_step_on_text_and_curve(visit: Visit) -> None:
    page = visit(LINK)
    spans = page.locator(".st-key-course .text span")
    expect(spans).to_have_count(6, timeout=LONG)
    spans.nth(3).hover()
    expect(page.locator(".st-key-course .readout")).to_have_text(re.compile("bad.*−"))
    rule = page.locator(".st-key-course .rule")
    expect(rule).not_to_have_class(re.compile("hidden"))
    before = rule.get_attribute("x1")
    page.locator(".st-key-course .text").press("ArrowRight")
    expect(spans.nth(4)).to_have_class(re.compile("cursor"))
    assert rule.get_attribute("x1") != before
    page.locator(".st-key-course svg .curve").hover(position={"x": 1, "y": 1}, force=True)
    expect(spans.nth(0)).to_have_class(re.compile("cursor"))


def test_a_review_is_typed_and_changed(visit: Visit) -> None:
    page = visit(LINK)
    page.get_by_role("button", name=re.compile("film good plot")).click(timeout=LONG)
    page.get_by_label("Your own").fill("plot bad <b onmouseover=alert(1)>film</b>")
    page.get_by_role("button", name="Read this review").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("negative", timeout=LONG)
    expect(page.locator("b[onmouseover]")).to_have_count(0)
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_label("Change a word").fill("plot good film")
    page.get_by_role("button", name="Read both").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("says positive, not negative", timeout=LONG)
    expect(page.locator(".st-key-course .curve.before")).to_have_count(1, timeout=LONG)
    expect(page).to_have_url(re.compile(r"edited=plot"))
    page.get_by_role("button", name="Unpin").click()
    expect(page.locator(".st-key-course .curve.before")).to_have_count(0, timeout=LONG)


def test_the_same_review_is_read_off_all_units(visit: Visit) -> None:
    page = visit(LINK)
    expect(page.get_by_role("heading", level=1)).to_contain_text("The unit", timeout=LONG)
    page.get_by_role("radio", name="All units").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("All units together", timeout=LONG)
    expect(page).to_have_url(re.compile(r"read=all"))
    expect(page.locator(".st-key-course .text span")).to_have_count(6, timeout=LONG)


def test_the_unit_is_held_from_end_to_end(visit: Visit) -> None:
    page = visit(LINK)
    verdicts = page.locator(".st-key-samples .verdict.known")
    expect(verdicts).to_have_count(4, timeout=LONG)
    written = page.locator(".st-key-samples .text")
    high = written.nth(0).inner_text()
    assert high.count("good") > high.count("bad")
    handle = page.get_by_role("slider", name=re.compile("From negative to positive"))
    handle.press("Home")
    expect(page).to_have_url(re.compile(r"at=-2\.0"), timeout=LONG)
    expect(written.nth(0)).not_to_have_text(high, timeout=LONG)
    expect(verdicts).to_have_count(4, timeout=LONG)
    low = written.nth(0).inner_text()
    assert low.count("bad") > low.count("good")


def test_a_file_is_scored(visit: Visit) -> None:
    page = visit(f"{LINK}&view=file")
    box = page.locator("input[type=file]")
    content = b"text\ngood film\nbad film\n"
    box.set_input_files({"name": "mine.csv", "mimeType": "text/csv", "buffer": content}, timeout=LONG)
    with page.expect_download(timeout=LONG) as download:
        page.get_by_role("button", name="Download scores").click(timeout=LONG)
    rows = Path(download.value.path()).read_text().splitlines()
    assert rows[0].startswith("text,value,verdict,by_unit")
    assert [row.split(",")[2] for row in rows[1:]] == ["positive", "negative"]


def test_it_fits_a_phone_in_the_dark(visit: Visit) -> None:
    page = visit(f"{LINK}&view=evidence", width=390, height=844, color_scheme="dark")
    expect(page.locator(".js-plotly-plot")).to_have_count(3, timeout=LONG)
    assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= 390
