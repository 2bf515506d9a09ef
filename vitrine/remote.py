"""A Vitrine server from a script: the same requests, computed there, in the name of whoever made the token.

    server = vitrine.connect("https://vitrine.example.org", token)
    pictures = server.visualize("starter-vit@blocks.6.mlp.hidden:0-7")    # waits, and gives a vitrine.Result
    job = server.submit("background", model="starter-vit")                # does not wait
    job.status, job.wait(), job.cancel()
    server.search("starter-vit block 6")                                  # a DataFrame of what was computed

What comes back is checked before it is read, and nothing in it is ever executed.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable
from functools import wraps
from http.client import HTTPException, HTTPMessage
from ipaddress import ip_address
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, build_opener
from urllib.request import Request as Call

import pandas as pd

from cache.blob import Blob, DamagedBlob
from engine.core.errors import BadRequest, Unavailable, VitrineError
from engine.core.request import Progress, Request
from engine.core.request import Result as StoredResult
from vitrine import experiments
from vitrine.progress import bar
from vitrine.results import Result

ENDED = ("done", "failed", "cancelled")
TIMEOUT, PAUSE, LONGEST_PAUSE = 60.0, 0.3, 3.0
_UPLOAD = re.compile(r"\b(?:up|dir|voc)-[0-9a-f]{16}\b")
"""How requests name files of somebody's own: images, directions, lists of words."""


class _NoRedirection(HTTPRedirectHandler):
    """A token goes to the server that it was made for, and nowhere else."""

    def redirect_request(
        self, req: Call, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        raise Unavailable(f"The server sent us on to {newurl[:200]}. Use that address, if you trust it.")


class Job:
    """A request on the server. `key` names it and its result."""

    def __init__(self, server: Server, key: str, title: str) -> None:
        self.server, self.key, self.title = server, key, title

    @property
    def status(self) -> dict[str, Any]:
        """How it stands: `status` (queued, running, done, failed, cancelled), `position` in the queue, `step` of `total`,
        `message`, `eta` in seconds."""
        return self.server.ask("GET", f"jobs/{self.key}")

    def wait(self, timeout: float | None = None) -> Result:
        """Wait until it is done, under a progress bar, and give its result. Raises VitrineError where it failed or was
        cancelled, Unavailable after `timeout` seconds."""
        until = None if timeout is None else time.monotonic() + timeout
        pause = PAUSE
        with bar(self.title) as shown:
            while (now := self.status)["status"] not in ENDED:
                waiting = f"number {now['position']} in the queue" if now["position"] else now["message"]
                shown.show(Progress(now["step"], now["total"], waiting or ""))
                if until is not None and time.monotonic() > until:
                    raise Unavailable(f"It is not done after {timeout:g} seconds. Wait again, or cancel it.")
                time.sleep(pause)
                pause = min(1.2 * pause, LONGEST_PAUSE)
        if now["status"] != "done":
            raise VitrineError(now["error"] or f"It was {now['status']}.")
        return self.server.fetch(self.key)

    def cancel(self) -> dict[str, Any]:
        """Stop wanting it. It goes on where somebody else wants it too."""
        return self.server.ask("DELETE", f"jobs/{self.key}")

    def __repr__(self) -> str:
        return f"<{self.title} on {self.server.url}, key {self.key}>"


class Server:
    """A Vitrine server, asked in a person's name. Every experiment is a method, as it is a function of `vitrine`."""

    def __init__(self, url: str, token: str, insecure: bool = False) -> None:
        self.url = _checked(url, insecure)
        self._token = token
        self._opener: OpenerDirector = build_opener(_NoRedirection)
        self.me: dict[str, str] = self.ask("GET", "me")
        """Whose token it is, and which role it has."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        kind = experiments.kinds().get(name)
        if kind is None:
            raise AttributeError(f"there is no experiment {name!r}; dir(server) lists them")

        def function(typed: str) -> Callable[..., Any]:
            return experiments.function(name, kind, lambda request: self._job(request, typed).wait())

        @wraps(function(""))
        def experiment(*args: Any, **fields: Any) -> Any:
            return function(_typed([*args, *fields.values()]))(*args, **fields)

        return experiment

    def __dir__(self) -> list[str]:
        return sorted([*super().__dir__(), *experiments.kinds()])

    def __repr__(self) -> str:
        return f"<Vitrine at {self.url}, {self.me['name'] or 'a visitor'}, {self.me['role']}>"

    def submit(self, experiment: str, **fields: Any) -> Job:
        """Ask for an experiment by its name, with the fields of its request, and do not wait. Raises VitrineError where the
        server refuses."""
        kind = experiments.kinds().get(experiment.replace("-", "_"))
        if kind is None:
            raise BadRequest(
                f"There is no experiment “{experiment[:80]}”. Choose one of {', '.join(experiments.kinds())}."
            )
        return self._job(experiments.request(kind, fields), _typed(fields.values()))

    def _job(self, request: Request, typed: str) -> Job:
        text = request.canonical()
        if {*_UPLOAD.findall(text)} - {*_UPLOAD.findall(typed)}:
            raise BadRequest(
                "Files of your own are not sent. Upload them on a page of the server, and write here the names that they have on "
                "its page “Privacy and your data”, like up-0123456789abcdef."
            )
        told = self.ask("POST", "jobs", {"request": json.loads(text)})
        return Job(self, told["key"], request.experiment)

    def fetch(self, key: str) -> Result:
        """A stored result. Raises BadRequest where there is none of this key, RefusedFile where it arrives damaged."""
        data, headers = self._call("GET", f"results/{quote(key, safe='')}")
        try:
            result = StoredResult.from_blob(Blob.from_bytes(data))
        except (DamagedBlob, KeyError, TypeError) as error:
            raise Unavailable(f"The result arrived damaged ({error}). Fetch it again.") from error
        result.key = headers.get("X-Vitrine-Key") or key
        return Result.of(result)

    def fetch_zip(self, key: str) -> bytes:
        """A stored result as a ZIP file of pictures, numbers and its request."""
        return self._call("GET", f"results/{quote(key, safe='')}?as=zip")[0]

    def search(
        self, words: str = "", *, experiment: str = "", model: str = "", whose: str = "mine", most: int = 100
    ) -> pd.DataFrame:
        """What was computed, the newest first: by words of model, layer, kind and person; `whose`: mine, group or all."""
        asked = urlencode({"words": words, "experiment": experiment, "model": model, "whose": whose, "most": most})
        lines = self.ask("GET", f"history?{asked}")["lines"]
        columns = ("key", "title", "experiment", "model", "site", "person", "status", "ended", "seconds", "request")
        return pd.DataFrame([[line[name] for name in columns] for line in lines], columns=list(columns))

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What the server answers to one call of its interface (docs/sharing.md). Raises VitrineError with its sentence."""
        try:
            return json.loads(self._call(method, path, body)[0])
        except ValueError:
            raise Unavailable(f"{self.url} did not answer as a Vitrine server does. Check the address.") from None

    def _call(self, method: str, path: str, body: Any = None) -> tuple[bytes, HTTPMessage]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        call = Call(f"{self.url}/api/v1/{path}", data, headers, method=method)
        try:
            with self._opener.open(call, timeout=TIMEOUT) as answer:
                return answer.read(), answer.headers
        except HTTPError as error:
            raise _refusal(error) from None
        except (URLError, HTTPException, TimeoutError, OSError) as error:
            reason = getattr(error, "reason", None) or error
            raise Unavailable(f"{self.url} cannot be reached ({reason}). Try again.") from None


def connect(url: str, token: str, insecure: bool = False) -> Server:
    """A Vitrine server, asked in the name of whoever made the token on its page “API tokens”.

    Raises BadRequest for an address that would show the token to others on the way (http to another machine), unless it is
    `insecure` on purpose; VitrineError where the server does not take the token.
    """
    return Server(url, token, insecure)


def _typed(values: Iterable[Any]) -> str:
    """What a person wrote of these values, and not what a file of theirs became."""
    return json.dumps([*values], default=lambda value: "", skipkeys=True)


def _checked(url: str, insecure: bool) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise BadRequest(f"“{url[:80]}” is not the address of a server. Write it like https://vitrine.example.org.")
    if parts.scheme == "http" and not insecure and not _is_here(parts.hostname):
        raise BadRequest("Over http everybody on the way can read the token. Use https, or say insecure=True.")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _refusal(error: HTTPError) -> VitrineError:
    """What the server says in a sentence, as the kind of error that it is here."""
    try:
        sentence = str(json.loads(error.read(1 << 16))["error"])
    except (ValueError, KeyError, TypeError, OSError):
        sentence = f"The server answered {error.code} ({error.reason})."
    return Unavailable(sentence) if error.code >= 500 else BadRequest(sentence)
