"""The page Gradients, Flow, as a visitor uses it."""

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest
from playwright.sync_api import Download, Page, expect

import rnncore
from viz_app import figures

Visit = Callable[..., Page]
LONG = 240_000  # plotly is the largest thing that the dashboard loads
LABELS = {"shakespeare-elman": "tanh RNN", "shakespeare-gru": "GRU", "shakespeare-lstm": "LSTM"}


def ready(page: Page) -> Page:
    expect(page.locator(".st-key-figure-flow .js-plotly-plot .lines path").first).to_be_attached(timeout=LONG)
    expect(page.get_by_role("slider", name="Target step: choose")).to_be_visible(timeout=LONG)
    expect(page.locator(".st-key-figure-flow").get_by_role("button", name="SVG")).to_be_visible(timeout=LONG)
    return page


@pytest.fixture
def flow(visit: Visit) -> Page:
    return ready(visit("/gradients"))


def take(page: Page, kind: str) -> Download:
    with page.expect_download() as download:
        page.locator(".st-key-figure-flow").get_by_role("button", name=kind).click()
    assert download.value.suggested_filename == f"gradient-flow.{kind.lower()}"
    return download.value


def table(page: Page) -> pd.DataFrame:
    return pd.read_csv(take(page, "CSV").path(), keep_default_na=False, na_values=[""])


def computed(text: str, target: int) -> pd.DataFrame:
    """The same table from the library alone."""
    tables = []
    for name, label in LABELS.items():
        recording = rnncore.record(rnncore.load(name), text, gradients=True, target=target)
        tables.append(figures.decay(recording.gradient, target, recording.tokens, model=name, label=label))
    return pd.concat(tables, ignore_index=True)


def shown(page: Page) -> str:
    """The passage, as the page shows it."""
    marked = {"↵\n": "\n", "→\t": "\t"}
    spans = page.locator(".text[role=slider] span").all_text_contents()
    return "".join(marked.get(span, span) for span in spans)


def test_numbers_and_title_are_those_of_the_models_and_downloads_need_no_network(flow: Page, tmp_path: Path) -> None:
    text = shown(flow)
    expected = computed(text, len(text) - 2)
    pd.testing.assert_frame_equal(table(flow), expected, check_dtype=False, rtol=1e-9)
    expect(flow.get_by_role("heading", level=1)).to_have_text(figures.finding(expected, 40))

    picture = Path(take(flow, "PNG").path()).read_bytes()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(picture) > 20_000

    svg = ElementTree.parse(take(flow, "SVG").path()).getroot()
    assert svg.tag == "{http://www.w3.org/2000/svg}svg"
    words = "".join(svg.itertext())
    assert "Size of the total gradient" in words
    assert "font/woff2;base64" in words
    assert all(f"{label}" in words for label in LABELS.values())

    html = tmp_path / "figure.html"
    take(flow, "HTML").save_as(html)
    assert not re.search(r'<(script|link|img)[^>]+(src|href)="(https?:)?//', html.read_text("utf-8"))
    context = flow.context.browser.new_context(offline=True)
    alone = context.new_page()
    alone.goto(html.as_uri())
    expect(alone.locator(".js-plotly-plot .lines path").first).to_be_attached()
    expect(alone.locator(".js-plotly-plot .gtitle")).to_contain_text("Size of the total gradient")
    context.close()


def test_a_click_on_the_curves_moves_the_cursor_and_one_on_a_character_the_target(flow: Page) -> None:
    text = shown(flow)
    box = flow.locator(".st-key-figure-flow .nsewdrag").bounding_box()
    place = {"x": box["width"] * 0.7, "y": box["height"] * 0.2}
    flow.locator(".st-key-figure-flow .nsewdrag").hover(position=place)
    expect(
        flow.locator(".st-key-figure-flow .hoverlayer .hovertext, .st-key-figure-flow .hoverlayer .legend")
    ).not_to_have_count(0)
    flow.locator(".st-key-figure-flow .nsewdrag").click(position=place)
    expect(flow).to_have_url(re.compile("back=70"))
    expect(flow.get_by_role("heading", level=1)).to_contain_text("Seventy characters back")

    title = flow.get_by_role("heading", level=1)
    before = title.inner_text()
    flow.locator(".text[role=slider] span").nth(123).click()
    expect(flow).to_have_url(re.compile("target=123"))
    expect(title).not_to_have_text(before)
    expect(title).to_have_text(figures.finding(computed(text, 123), 70))
    expect(flow.locator(".text[role=slider] span.target")).to_have_attribute("data-step", "123")
    flow.get_by_role("slider", name="Target step: choose").press("ArrowLeft")
    expect(flow).to_have_url(re.compile("target=122"))


def test_the_slider_goes_through_the_training(visit: Visit) -> None:
    page = visit("/gradients?view=training")
    panel = page.locator(".st-key-figure-training-shakespeare-lstm")
    expect(panel).to_contain_text("before training", timeout=LONG)
    page.locator(".st-key-_step").get_by_role("slider").press("End")
    expect(panel).not_to_contain_text("before training")
    expect(panel).to_contain_text(re.compile(r"The LSTM’s cell: .* back after [\d\u202f]+ steps"))


def test_the_map_tells_the_pair_under_the_pointer_and_a_click_aims_at_it(visit: Visit) -> None:
    page = visit("/gradients?view=map&span=50&back=10&models=shakespeare-lstm")
    plane = page.locator(".plane")
    expect(plane).to_be_visible(timeout=LONG)
    readout = page.locator(".readout")
    expect(readout).to_have_text(re.compile(r"^From step 39, .*, to step 49, .*, 10 later: \S+$"))
    box = plane.bounding_box()
    middle = {"x": box["width"] * 10.5 / 50, "y": box["height"] * 30.5 / 50}
    plane.hover(position=middle)
    expect(readout).to_have_text(re.compile(r"^From step 10, .*, to step 30, .*, 20 later: \S+$"))
    plane.click(position=middle)
    expect(page).to_have_url(re.compile(r"target=30"))
    expect(page).to_have_url(re.compile(r"back=20"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Twenty steps on")
    plane.press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"back=21"))


def test_every_view_is_a_link_and_a_click(visit: Visit) -> None:
    page = ready(visit("/gradients?models=shakespeare-gru"))
    page.get_by_role("radio", name="Every pair of steps").click()
    expect(page).to_have_url(re.compile("view=map"))
    expect(page.locator(".plane")).to_be_visible(timeout=LONG)
    page.get_by_role("radio", name="Spectrum").click()
    expect(page.locator(".st-key-figure-lyapunov .js-plotly-plot .point").first).to_be_attached(timeout=LONG)
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile("A small difference (halves|doubles)"))
    page.get_by_role("radio", name="Flow").click()
    ready(page)


def test_what_takes_its_time_can_be_stopped(visit: Visit) -> None:
    page = visit("/gradients?view=horizon&longest=300")
    expect(page.get_by_text(re.compile("Memory horizon, .*: about .* left"))).to_be_visible(timeout=LONG)
    page.get_by_test_id("stMain").get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("Stopped: Memory horizon")).to_be_visible(timeout=LONG)
    expect(page.get_by_role("button", name="Go on")).to_be_visible()


def test_the_lstms_highway_is_one_click_away(visit: Visit) -> None:
    page = ready(visit("/gradients"))
    page.locator(".st-key-five_clicks [class*=st-key-pick_scene]", has_text="highway").get_by_role("link").click()
    expect(page).to_have_url(re.compile("view=map"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("through c alone", timeout=LONG)


def test_it_fits_a_phone_in_the_dark(visit: Visit) -> None:
    page = ready(visit("/gradients", width=390, height=844, color_scheme="dark"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert (
        page.locator(".st-key-figure-flow .js-plotly-plot").evaluate("chart => chart._fullLayout.paper_bgcolor")
        == "#14171B"
    )
