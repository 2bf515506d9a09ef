"""The report of all claims as whoever gets the file opens it: from disk, without a server and without the internet."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.conftest import ROOT

COMMAND = [sys.executable, "-m", "engine", "report", "--models", "starter-vit", "starter-cnn", "--out"]


def test_the_report_opens_from_disk_whole_and_asks_nobody_for_anything(page: Page, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    settings = {"VITRINE_CACHE": str(tmp_path / "cache"), "VITRINE_SHIPPED_RESULTS": "true"}
    subprocess.run([*COMMAND, str(out)], cwd=ROOT, env=os.environ | settings, check=True, capture_output=True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(out.as_uri())
    expect(page.locator("section")).to_have_count(7)
    figures = page.locator("section svg")
    assert figures.count() >= 7 and all(each.bounding_box()["width"] > 200 for each in figures.all())
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
