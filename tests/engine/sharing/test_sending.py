"""Word by webhook and e-mail: to the operator's address alone, signed, tried a few times, and never in anybody's way."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from pydantic import ValidationError

from engine.core.settings.sharing import Sharing
from engine.sharing import names, notices, sending
from engine.sharing.recording import line_of
from tests.engine.sharing.conftest import ANNA
from tests.engine.sharing.test_history import VIT

LONG = replace(line_of("k1", VIT, 200.0), person=ANNA.id, started=100.0, seen=False)


class Hook(HTTPServer):
    """A server that takes what is posted, and first answers what it was told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[int] = []
        self.taken: list[tuple[str, dict[str, str], bytes]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook?to=us"


class Handler(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, dict(self.headers), body))
        status = self.server.answers.pop(0) if self.server.answers else 204
        self.send_response(status)
        if status == 302:
            self.send_header("Location", self.server.url.replace("hook", "elsewhere"))
        self.end_headers()

    def log_message(self, *rest: object) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def sender(monkeypatch: pytest.MonkeyPatch) -> sending.Sender:
    made = sending.Sender(pauses=(0.0, 0.01, 0.01))
    monkeypatch.setattr(sending, "sender", lambda: made)
    return made


def test_what_is_done_is_posted_once_and_signed(hook: Hook, sender: sending.Sender, configured: Callable) -> None:
    configured(sharing={"webhook": hook.url, "webhook_secret": "s3cret", "address": "https://v.example.org"})
    names.remember(ANNA)
    notices.tell([LONG])
    sender.settle()
    ((path, headers, body),) = hook.taken
    facts = json.loads(body)
    assert path == "/hook?to=us" and headers["Content-Type"] == "application/json"
    assert headers[sending.SIGNATURE] == sending.signature(body, "s3cret") != sending.signature(body, "other")
    assert facts["event"] == "job.done" and facts["seconds"] == 100.0 and facts["person"] == "Anna"
    assert facts["link"] == "https://v.example.org/result?r=k1"
    assert ANNA.id not in body.decode()


def test_what_is_sent_does_not_say_where_things_lie(tmp_path: Path) -> None:
    lost = replace(LONG, status="failed", error=f"There is no file at {tmp_path}/secret/weights.npy. Name another.")
    said = json.loads(sending.body(lost))["error"]
    assert str(tmp_path) not in said and said.startswith("There is no file at …/") and "Name another." in said


def test_it_is_tried_again_and_then_given_up(
    hook: Hook, sender: sending.Sender, configured: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    configured(sharing={"webhook": hook.url})
    hook.answers = [500, 503]
    notices.tell([LONG])
    sender.settle()
    assert len(hook.taken) == 3 and "was not sent" not in caplog.text
    hook.answers = [500] * 9
    notices.tell([LONG])
    sender.settle()
    assert len(hook.taken) == 6 and "was not sent: the webhook answered 500" in caplog.text


def test_a_redirection_is_not_followed(hook: Hook, sender: sending.Sender, configured: Callable) -> None:
    configured(sharing={"webhook": hook.url})
    hook.answers = [302] * 9
    notices.tell([LONG])
    sender.settle()
    assert {path for path, *_ in hook.taken} == {"/hook?to=us"}


def test_what_was_short_or_seen_or_is_not_set_up_is_not_told(
    hook: Hook, sender: sending.Sender, configured: Callable
) -> None:
    configured(sharing={"webhook": hook.url, "notify_after_seconds": 60.0})
    notices.tell([replace(LONG, started=150.0), replace(LONG, seen=True), replace(LONG, started=None)])
    configured()
    notices.tell([LONG])
    sender.settle()
    assert hook.taken == []


def test_too_many_are_dropped_and_nobody_waits(caplog: pytest.LogCaptureFixture) -> None:
    slow, gate = sending.Sender(), threading.Event()
    for _ in range(sending.MOST_WAITING + 5):
        slow.take("It", lambda: gate.wait(30) and None)
    assert "too much is waiting" in caplog.text
    gate.set()


class Mail(socketserver.ThreadingTCPServer):
    """An SMTP server that takes one message."""

    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), MailHandler)
        self.taken: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class MailHandler(socketserver.StreamRequestHandler):
    server: Mail

    def handle(self) -> None:
        self.say("220 here")
        while line := self.rfile.readline().decode().strip():
            if line.upper() == "DATA":
                self.say("354 go on")
                lines = [*iter(lambda: self.rfile.readline().decode().rstrip("\r\n"), ".")]
                self.server.taken.append("\n".join(lines))
            self.say("221 bye" if line.upper() == "QUIT" else "250 fine")

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


def test_a_person_who_wants_it_gets_an_email(sender: sending.Sender, configured: Callable) -> None:
    server = Mail()
    place = f"127.0.0.1:{server.server_address[1]}"
    configured(sharing={"mail_server": place, "mail_from": "vitrine@example.org", "address": "https://v.example.org"})
    notices.tell([LONG])
    sender.settle()
    assert server.taken == []
    names.prefer(ANNA, notices.BY_MAIL, "yes")
    notices.tell([LONG])
    sender.settle()
    assert server.taken == []  # nobody vouches for an address of hers
    names.remember(replace(ANNA, address="anna@example.org"))
    notices.tell([replace(LONG, title="A title\r\nBcc: everyone@example.org")])
    sender.settle()
    (message,) = server.taken
    server.shutdown()
    server.server_close()
    assert "To: anna@example.org" in message and "https://v.example.org/result?r=k1" in message
    assert not any(line.startswith("Bcc") for line in message.partition("\n\n")[0].splitlines())


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/a", "https://user@example.org", "no address"])
def test_only_web_addresses_can_be_configured(url: str) -> None:
    with pytest.raises(ValidationError, match="webhook"):
        Sharing.model_validate({"webhook": url})
