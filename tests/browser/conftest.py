"""The dashboard in a real browser: one server, one Chromium, and a check that no page complains or calls out."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Request, expect, sync_playwright

import rnncore

ROOT = Path(__file__).parents[2]

expect.set_options(timeout=60_000)  # the machine may be busy training


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Try a failed test once more: on a busy machine a click can fall between two drawings of a page."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=1))


# Streamlit looks for its server below the page's address before it looks at the root.
_LOOKING = ("/_stcore/health", "/_stcore/host-config")


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which the server looks for the visitors' own models; it is not there yet."""
    return tmp_path_factory.mktemp("dashboard") / "runs"


@pytest.fixture(scope="session")
def server(runs: Path) -> Iterator[str]:
    """Start the dashboard on a free port, with empty folders for caches and runs; yield its address."""
    if not rnncore.available():
        pytest.fail("the browser tests look at the pretrained models, and pretrained/ holds none")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = runs.parent
    environment = {
        **os.environ,
        "RNNCORE_RUNS": str(runs),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "streamlit", "run", "viz_app/app.py"]
    options = ["--server.headless=true", f"--server.port={port}", "--server.fileWatcherType=none"]
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen([*command, *options], cwd=ROOT, env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, process)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended before it answered"
        try:
            with urlopen(f"{address}/_stcore/health", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the server did not answer within two minutes")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium: Debian's, or the one that playwright has installed."""
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        except Error as error:
            if os.environ.get("RNNCORE_BROWSER") == "required":
                raise
            pytest.skip(f"no Chromium: {error.message.splitlines()[0]}")
        yield chromium
        chromium.close()


@pytest.fixture
def visit(server: str, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Return a function that opens an address in a tab of its own; at the end no tab may have complained.

    ``visit("/cells?unit=3", width=390, height=844, color_scheme="dark")``: keywords other than the size are
    those of playwright's ``new_context``.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def console(message: ConsoleMessage) -> None:
        looking = message.location.get("url", "").endswith(_LOOKING)
        if message.type == "error" and not looking:
            complaints.append(f"console: {message.text} ({message.location.get('url')})")

    def request(sent: Request) -> None:
        if not sent.url.startswith((server, server.replace("http", "ws"), "data:", "blob:")):
            complaints.append(f"request to an outside host: {sent.url}")

    def open_(path: str = "/", *, width: int = 1440, height: int = 900, **options: object) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, base_url=server, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", console)
        page.on("request", request)
        page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))
        page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def page(visit: Callable[..., Page]) -> Page:
    """Return a tab of laptop size at Home."""
    return visit("/")
