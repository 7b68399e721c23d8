"""The command that opens the dashboard."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from rnncore.errors import Error


def dashboard(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8501,
    address: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 is every one.")] = "127.0.0.1",
) -> None:
    """Open the dashboard in the browser."""
    found = find_spec("viz_app")
    if found is None or found.origin is None:
        raise Error("the dashboard is not installed here; run this from the repository's folder, or `make app`")
    page = Path(found.origin).with_name("app.py")
    for name in ("RNNCORE_DATA", "RNNCORE_PRETRAINED"):
        if os.environ.get(name):
            os.environ[name] = str(Path(os.environ[name]).expanduser().resolve())
    os.chdir(page.parent.parent)  # where .streamlit/config.toml lies
    command = [sys.executable, "-m", "streamlit", "run", str(page)]
    command += ["--server.port", str(port), "--server.address", address]
    if os.name == "posix":  # become the server, so that signals reach it
        os.execv(sys.executable, command)
    raise typer.Exit(subprocess.call(command))
