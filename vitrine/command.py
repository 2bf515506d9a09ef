"""The command `vitrine`: what `python -m engine` does in a checkout, and `vitrine app`, which starts the dashboard."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from vitrine.house import HOUSE


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command line; returns the exit code, as `engine.cli.main` does."""
    given = list(sys.argv[1:] if argv is None else argv)
    if given[:1] == ["app"]:
        return _app(given[1:])
    from engine.cli import main as carry_out

    return carry_out(given)


def _app(options: Sequence[str]) -> int:
    """Become the server of the dashboard; options are Streamlit's (`--server.port 8600`)."""
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(HOUSE), os.environ.get("PYTHONPATH"))))
    settings = ["--server.headless", "true", "--browser.serverAddress", "localhost"]
    command = [sys.executable, "-m", "streamlit", "run", str(HOUSE / "app.py"), *settings, *options]
    os.execv(sys.executable, command)
