"""How long a step to the next unit takes, from the key to the painted colours, and how soon pages are there.

    python benchmarks/unit_flip.py [--presses 200] [--visits 5]

It starts the dashboard, opens Cells on 2,000 characters in Chromium and presses the right arrow. A step ends
when the browser has painted: the first task after the next frame. Targets, on two cores: 150 ms at the 95th
percentile, and 2 s to the first paint of a page.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

import rnncore

ROOT = Path(__file__).parents[1]
TEXT = "text=stdlib:json/decoder.py"  # its first window has 2,000 characters

WATCH = """() => {
    window.steps = [];
    window.addEventListener("keydown", (event) => requestAnimationFrame(() => {
        const painted = new MessageChannel();
        painted.port1.onmessage = () => window.steps.push(performance.now() - event.timeStamp);
        painted.port2.postMessage(null);
    }), true);
}"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presses", type=int, default=200, help="steps to time")
    parser.add_argument("--visits", type=int, default=5, help="visits to each page after the first")
    options = parser.parse_args()
    with dashboard() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, path in (("Home", "/"), ("Cells", "/cells")):
            times = np.array([visit(browser, address + path) for _ in range(1 + options.visits)])
            for row, what in enumerate(("first paint", "heading there")):
                report(f"{name}, {what}, first visit", times[:1, row], 2000 if row == 0 else None)
                report(f"{name}, {what}, later visits", times[1:, row], 2000 if row == 0 else None)
        report(
            "next unit, 2,000 characters",
            flips(browser, f"{address}/cells?{TEXT}&sort=unit&unit=0", options.presses),
            150,
        )
        browser.close()


def report(what: str, times: np.ndarray, target: float | None) -> None:
    """Print one line: median and 95th percentile in ms, beside the target for the latter."""
    median, high = np.percentile(times, (50, 95))
    goal = f"  target {target:.0f}: {'met' if high < target else 'missed'}" if target else ""
    print(f"{what:<40} median {median:7.0f} ms   p95 {high:7.0f} ms{goal}", flush=True)


def visit(browser: Browser, address: str) -> tuple[float, float]:
    """Return the ms until a new visitor's browser paints first, and until the page's heading stands there."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    begun = time.perf_counter()
    page.goto(address, wait_until="commit", timeout=120_000)
    page.locator("h1").first.wait_for(timeout=120_000)
    heading = (time.perf_counter() - begun) * 1000
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    context.close()
    return paint, heading


def flips(browser: Browser, address: str, presses: int) -> np.ndarray:
    """Return the ms from each press of the right arrow to the next unit's colours, painted."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(address, timeout=120_000)
    page.locator(".reader .text span").first.wait_for(state="attached", timeout=120_000)
    count = page.locator(".reader .text span").count()
    if count != 2000:
        raise SystemExit(f"expected 2,000 characters on the page, found {count}")
    page.evaluate(WATCH)
    for press in range(1, presses + 1):
        page.keyboard.press("ArrowRight")
        page.wait_for_function("count => window.steps.length === count", arg=press)
        _coloured(page, press)
        page.wait_for_timeout(60)
    return np.array(page.evaluate("window.steps"))


def _coloured(page: Page, unit: int) -> None:
    """Make sure that the step led to the next unit and that its values were there."""
    shown = page.locator(".reader .headline").inner_text()
    if f"Unit {unit}’" not in shown:
        raise SystemExit(f"expected unit {unit}, the page says: {shown}")


@contextmanager
def dashboard() -> Iterator[str]:
    """Run the dashboard with empty caches; yield its address."""
    if not rnncore.available():
        raise SystemExit("pretrained/ holds no model to look at")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "XDG_CACHE_HOME": folder, "RNNCORE_RUNS": f"{folder}/runs"}
        command = [sys.executable, "-m", "streamlit", "run", "viz_app/app.py", f"--server.port={port}"]
        command += ["--server.headless=true", "--server.fileWatcherType=none"]
        server = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            for _ in range(600):
                try:
                    urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=30)


if __name__ == "__main__":
    main()
