"""Driving the real app: finding a browser, a server that can be restarted, and waiting for a page to settle."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
HOW_TO_GET_ONE = (
    "No Chromium was found, so the browser tests were skipped. Install one (Debian: apt-get install chromium; "
    "anywhere: .venv/bin/playwright install chromium), or name one in the environment variable CHROMIUM."
)
FLAGS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
START_SECONDS = 90


def find_chromium(playwright: Playwright) -> str | None:
    """Path of a Chromium: the one that CHROMIUM names, one on the PATH, or Playwright's own. None without."""
    named = [os.environ["CHROMIUM"]] if os.environ.get("CHROMIUM") else []
    for candidate in (*named, *NAMES, playwright.chromium.executable_path):
        if found := shutil.which(candidate):
            return found
    return None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class AppServer:
    """`streamlit run app.py` in its own process, on its own port, with its own cache folder.

    Killing or restarting it keeps port and cache folder, so that a page's address stays good.
    """

    def __init__(self, root: Path, cache: Path, log: Path) -> None:
        self.root, self.cache, self.log = root, cache, log
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.options: dict[str, object] = {}
        """Further options of Streamlit."""
        self.environment: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it is healthy. Raises RuntimeError, with what the server printed, when it does not."""
        options = {"server.port": self.port, "server.headless": "true", "browser.serverAddress": "localhost"}
        flags = [f"--{name}={value}" for name, value in {**options, **self.options}.items()]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app.py", *flags],
                cwd=self.root,
                env={**os.environ, "VITRINE_CACHE": str(self.cache), **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.healthy():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"The app did not start.\n{self.printed()}")
            time.sleep(0.1)

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/api/health", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self) -> None:
        """Ask it to end, as Ctrl-C and service managers do; insist after 20 seconds."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it the hard way: nothing in it gets to clean up."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def printed(self) -> str:
        """What the server printed so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


def settled(page: Page, seconds: float = 30) -> Page:
    """Wait until the page is connected and its script has run to the end. Gives the page back."""
    idle = page.locator(
        "[data-testid=stApp][data-test-connection-state=CONNECTED][data-test-script-state=notRunning]",
    )
    deadline = time.monotonic() + seconds
    while True:
        idle.wait_for(state="attached", timeout=max(1, (deadline - time.monotonic()) * 1000))
        page.wait_for_timeout(200)  # Streamlit says "notRunning" for a moment between two runs.
        if idle.count():
            return page


def visit(page: Page, url: str, seconds: float = 30) -> Page:
    """Open an address and wait until the page has settled."""
    page.goto(url)
    return settled(page, seconds)
