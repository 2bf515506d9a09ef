"""The hub: asked once within seconds, and what to do where it does not answer."""

from __future__ import annotations

import http.server
import socket
import threading

import pytest
from huggingface_hub import constants
from safetensors.torch import save

from engine.core.errors import Unavailable
from engine.models import catalog
from engine.models import hub as hub_of_models
from tests.engine.models.marked import TINY, tiny


def test_without_network_one_sentence_says_how_to_get_the_weights(hub, patience):
    with pytest.raises(Unavailable, match=rf"hub cannot be reached.*hf download timm/{TINY}.*models\.toml") as error:
        catalog.load(f"timm/{TINY}", "cpu")
    assert "\n" not in str(error.value)
    assert patience == [hub_of_models.SECONDS_TO_ANSWER], "asked once, and not waited for"


def test_a_hub_that_never_answers_is_given_up_within_seconds_and_not_asked_again_at_once(hub, monkeypatch, patience):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        for _ in range(2):
            with pytest.raises(Unavailable, match="cannot be reached"):
                catalog.load(f"timm/{TINY}", "cpu")
    assert patience == [hub_of_models.SECONDS_TO_ANSWER] and hub_of_models.SECONDS_TO_ANSWER <= 5


def test_weights_are_downloaded_from_a_hub_that_answers(hub, monkeypatch):
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
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(constants, "ENDPOINT", address)
        files = address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", files)
        model = catalog.load(f"timm/{TINY}", "cpu")
    finally:
        server.shutdown()
        server.server_close()
    assert all((tensor == 0.5).all() for tensor in model.module.parameters())
    assert ("GET", f"/timm/{TINY}/resolve/main/model.safetensors") in asked
    assert catalog.find(f"timm/{TINY}").available  # and now without the hub
