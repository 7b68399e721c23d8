"""Take README's pictures anew: start the dashboard, open its pages in headless Chromium, keep what is seen.

make pictures
"""

import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
PICTURES = {
    "cells": ("cells?model=shakespeare-lstm&layer=1&unit=174", "light"),
    "cells-dark": ("cells?model=linux-lstm", "dark"),
    "unit": ("unit?model=linux-lstm&layer=1&unit=116", "light"),
    "attention": ("attention", "light"),
    "sentiment": ("sentiment?review=ferry", "light"),
    "inside": ("inside?model=shakespeare-lstm&t=40", "light"),
    "gradients": ("gradients", "light"),
    "architectures": ("architectures", "light"),
    "saturation": ("saturation?model=linux-lstm", "light"),
    "clipping": ("clipping", "light"),
    "depth": ("depth", "dark"),
}


def main() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = HERE.parent / "viz_app" / "app.py"
    options = ["--server.port", str(port), "--server.headless", "true"]
    server = subprocess.Popen([sys.executable, "-m", "streamlit", "run", str(app), *options], cwd=HERE.parent)
    try:
        _wait(f"http://127.0.0.1:{port}/_stcore/health")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            for name, (address, theme) in PICTURES.items():
                view = {"width": 1440, "height": 900}
                page = browser.new_page(viewport=view, color_scheme=theme, reduced_motion="reduce")
                page.goto(f"http://127.0.0.1:{port}/{address}")
                _settle(page)
                page.screenshot(path=HERE / "pictures" / f"{name}.png")
                print(name)
                page.close()
    finally:
        server.terminate()
        server.wait()


def _wait(address: str) -> None:
    for _ in range(120):
        try:
            urllib.request.urlopen(address)
            return
        except OSError:
            time.sleep(0.5)
    raise SystemExit("the dashboard did not start")


def _settle(page: Page) -> None:
    """Wait until the page has drawn all it has to draw."""
    page.wait_for_selector("h1", timeout=60_000)
    page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')", timeout=60_000)
    page.wait_for_timeout(2_000)


if __name__ == "__main__":
    (HERE / "pictures").mkdir(exist_ok=True)
    main()
