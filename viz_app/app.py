"""The dashboard: its doors, its style, and what happens when a page fails. Run by ``streamlit run``."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).parent
sys.path[:] = [str(ROOT.parent), *(path for path in sys.path if path not in (str(ROOT), str(ROOT.parent)))]

from viz_app import opening, state  # noqa: E402
from viz_app.components import theme  # noqa: E402

# Doors of the navigation, each with its pages: file in views/, title. A page whose file is not there is left out.
DOORS = {
    "": {"home": "Home"},
    "Cells": {
        "cells": "Text",
        "inside": "Inside the cell",
        "unit": "Unit",
        "match": "Match",
        "saturation": "Saturation",
        "errors": "Errors",
    },
    "Gradients": {"gradients": "Flow", "clipping": "Clipping", "race": "Race", "depth": "Depth"},
    "Sentiment": {"sentiment": "Sentiment"},
    "Attention": {"attention": "Attention"},
    "Models": {"architectures": "Architectures", "train": "Train", "generate": "Generate", "bring": "Bring your own"},
}


def main() -> None:
    """Show the page that the address names."""
    opening.follow()
    st.set_page_config("rnncore", str(ROOT / "static" / "icon.png"), layout="wide")
    pages = {
        door: [
            st.Page(_page(name), title=title, url_path=name, default=name == "home")
            for name, title in views.items()
            if find_spec(f"viz_app.views.{name}")
        ]
        for door, views in DOORS.items()
    }
    page = st.navigation(pages, position="top")
    st.session_state["_pages"] = {page.url_path or "home": page for door in pages.values() for page in door}
    state.turn(page.url_path or "home", carry=page.url_path != "")
    st.logo(str(ROOT / "static" / f"logo-{'dark' if theme.dark() else 'light'}.svg"), size="large")
    st.html(theme.css(projector=state.projector()))
    page.run()


def _page(name: str) -> Callable[[], None]:
    """Return a page that is imported when it is opened, and that never shows a traceback."""

    def run() -> None:
        try:
            import_module(f"viz_app.views.{name}").page()
        except Exception as error:
            import rnncore

            if not isinstance(error, rnncore.Error):
                logging.getLogger("rnncore").exception("The page %r failed", name)
            st.error(_sentence(error, rnncore.Error))

    run.__name__ = name
    return run


def _sentence(error: Exception, readable: type[Exception]) -> str:
    if isinstance(error, readable):
        sentence = str(error)
        return state.plain(sentence[:1].upper() + sentence[1:], 600) + "."
    return "Something failed that should not. Reload the page; the terminal where rnncore runs says what it was."


main()
