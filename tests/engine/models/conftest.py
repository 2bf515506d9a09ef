"""A person's models, and the hub's cache, for the tests of models."""

from __future__ import annotations

import http.server
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants
from safetensors.torch import save

from engine.models import hub as hub_of_models
from tests.engine.models.marked import TINY, tiny


@pytest.fixture
def folder(tmp_path, configured) -> Path:
    """A folder whose models.toml and `models` are a person's own for one test."""
    configured(models_toml="models.toml")
    return tmp_path


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Path:
    """An empty hub cache, and a hub that may be asked (nobody answers at its address)."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(hub_of_models, "_silent_until", 0.0)
    return tmp_path / "hub"


@pytest.fixture
def patience(monkeypatch) -> list[float]:
    """How many seconds each question to the hub was given."""
    given: list[float] = []
    ask = urllib.request.urlopen

    def noted(request, timeout):
        given.append(timeout)
        return ask(request, timeout=timeout)

    monkeypatch.setattr(hub_of_models.urllib.request, "urlopen", noted)
    return given


@pytest.fixture
def serving(hub, monkeypatch) -> Iterator[list[tuple[str, str]]]:
    """A hub that has one small model; gives what it was asked, as it comes."""
    content, asked = save(tiny(0.5)), []

    class Hub(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            asked.append((self.command, self.path))
            known = self.path in ("/", f"/timm/{TINY}/resolve/main/model.safetensors")
            body = content if known and self.path != "/" else b""
            self.send_response(200 if known else 404)
            for key, value in {"ETag": '"e7a6"', "X-Repo-Commit": "c0ffee", "Content-Length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET = answer

        def log_message(self, format, *args) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")
    yield asked
    server.shutdown()
    server.server_close()
