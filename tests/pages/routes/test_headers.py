"""Each answer says what a browser may do with it."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import streamlit
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from pages.routes import headers, served


def test_every_answer_carries_them_also_a_refusal(configured) -> None:
    configured(operating={"frame_ancestors": ["https://huggingface.co"]})
    app = Starlette(routes=served.routes(), middleware=served.MIDDLEWARE)
    for path in ("/api/health", "/api/unheard-of", "/_stcore/metrics"):
        answer = TestClient(app, client=("10.0.0.1", 1)).get(path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["content-security-policy"].endswith("frame-ancestors 'self' https://huggingface.co")


def test_scripts_are_named_and_neither_inline_nor_evaluated_ones_run() -> None:
    scripts = dict(part.split(" ", 1) for part in headers.policy().split("; "))["script-src"]
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    inline = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert inline, "Streamlit's page has a script of its own in it"
    for script in inline:
        assert f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in scripts
    assert "'unsafe-inline'" not in scripts and "'unsafe-eval'" not in scripts


def test_a_page_has_what_draws_charts_fetched_ahead_and_other_answers_do_not() -> None:
    async def page(_request: Request) -> HTMLResponse:
        return HTMLResponse("<p>A page</p>")

    app = Starlette(routes=[Route("/", page), *served.routes()], middleware=served.MIDDLEWARE)
    asked = TestClient(app, client=("127.0.0.1", 1), base_url="http://localhost")
    link = asked.get("/").headers["link"]
    file = re.fullmatch(r"<\./(static/js/PlotlyChart\.\S+\.js)>; rel=prefetch", link)
    assert file and (Path(streamlit.__file__).parent / "static" / file[1]).is_file()
    assert "link" not in asked.get("/api/health").headers
