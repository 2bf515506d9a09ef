"""Sending word of what is done: a JSON POST to the operator's address, signed, or an e-mail.

Invariant: nothing here holds up a job or the history. A thread of its own sends; each message is tried a few times and then given
up with a line in the log. Only the address in the settings is asked, and no redirection is followed. What is sent does not say
where things lie on the server's disk.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import logging
import queue
import smtplib
import ssl
import threading
import time
from collections.abc import Callable
from email.message import EmailMessage
from functools import cache
from urllib.parse import urlsplit

from engine.core.config import settings
from engine.core.paths import without_folders
from engine.sharing import names
from engine.sharing.history import Line

log = logging.getLogger(__name__)

PAUSES = (0.0, 2.0, 10.0, 60.0)
"""Seconds before each try."""
MOST_WAITING = 200
TIMEOUT = 10.0
SIGNATURE = "X-Vitrine-Signature"


class Sender:
    """The thread that sends. Where too much waits, what is new is dropped with a line in the log."""

    def __init__(self, pauses: tuple[float, ...] = PAUSES) -> None:
        self._waiting: queue.Queue[tuple[str, Callable[[], None]]] = queue.Queue(MOST_WAITING)
        self._pauses = pauses
        threading.Thread(target=self._send, name="notices", daemon=True).start()

    def take(self, what: str, send: Callable[[], None]) -> None:
        """Send this, sometime soon. Never waits."""
        try:
            self._waiting.put_nowait((what, send))
        except queue.Full:
            log.warning("%s was not sent: too much is waiting", what)

    def settle(self) -> None:
        """Wait until everything was sent or given up."""
        self._waiting.join()

    def _send(self) -> None:
        while True:
            what, send = self._waiting.get()
            try:
                self._try(what, send)
            except Exception:
                log.exception("%s was not sent", what)
            finally:
                self._waiting.task_done()

    def _try(self, what: str, send: Callable[[], None]) -> None:
        reason: Exception | None = None
        for pause in self._pauses:
            time.sleep(pause)
            try:
                return send()
            except (OSError, http.client.HTTPException, smtplib.SMTPException) as error:
                reason = error
        log.warning("%s was not sent: %s", what, reason)


@cache
def sender() -> Sender:
    """The one sender of this process."""
    return Sender()


def by_webhook(line: Line) -> None:
    """POST this line to the operator's address, soon."""
    sender().take("A notice by webhook", lambda: post(settings().sharing.webhook, body(line)))


def by_mail(line: Line, to: str) -> None:
    """Send this line to a person, soon."""
    sender().take("A notice by e-mail", lambda: mail(line, to))


def body(line: Line) -> bytes:
    """What is posted: what ended, how, for whom (a name, no id) and where it can be opened."""
    facts = {
        "event": f"job.{line.status}",
        "title": line.title,
        "experiment": line.experiment,
        "model": line.model,
        "site": line.site,
        "key": line.key,
        "person": names.name_of(line.person),
        "seconds": None if line.seconds is None else round(line.seconds, 3),
        "ended": round(line.ended, 3),
        "error": without_folders(line.error),
        "link": link(line),
    }
    return json.dumps(facts, sort_keys=True).encode()


def link(line: Line) -> str:
    """Where the result can be opened; empty where the settings do not say what the server is called."""
    address = settings().sharing.address.rstrip("/")
    return f"{address}/result?r={line.key}" if address else ""


def signature(data: bytes, secret: str) -> str:
    """HMAC-SHA256 of what is posted, so that whoever takes it knows that it came from here."""
    return "sha256=" + hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()


def post(url: str, data: bytes) -> None:
    """POST JSON to an address. Raises OSError or HTTPException where it is not taken."""
    parts = urlsplit(url)
    kind = {"https": http.client.HTTPSConnection, "http": http.client.HTTPConnection}.get(parts.scheme)
    if kind is None or not parts.hostname:
        raise OSError("the address of the webhook is none of http or https")
    headers = {"Content-Type": "application/json", "User-Agent": "vitrine"}
    if secret := settings().sharing.webhook_secret:
        headers[SIGNATURE] = signature(data, secret)
    connection = kind(parts.hostname, parts.port, timeout=TIMEOUT)
    try:
        connection.request("POST", parts.path + (f"?{parts.query}" if parts.query else "") or "/", data, headers)
        answer = connection.getresponse()
        if not 200 <= answer.status < 300:
            raise OSError(f"the webhook answered {answer.status}")
    finally:
        connection.close()


def mail(line: Line, to: str) -> None:
    """Send an e-mail. Raises OSError or SMTPException where it is not taken."""
    chosen = settings().sharing
    host, _, port = chosen.mail_server.partition(":")
    message = EmailMessage()
    how = "is done" if line.status == "done" else "failed"
    message["Subject"] = " ".join(f"{line.title} {how}".split())
    message["From"], message["To"] = chosen.mail_from, to
    said = (f"{line.title} {how}.", without_folders(line.error), link(line))
    message.set_content("\n".join(filter(None, said)) + "\n")
    with smtplib.SMTP(host, int(port or 25), timeout=TIMEOUT) as server:
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        if chosen.mail_user:
            server.login(chosen.mail_user, chosen.mail_password)
        server.send_message(message)
