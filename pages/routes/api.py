"""`/api/v1`: what scripts may ask in a person's name, with a token: submit, status, cancel, fetch, search.

A token says who asks, and nothing else does: no cookie counts here, so that no page of somebody else's can ask through a browser.
What the person may and how much is checked by the engine, as for pages. Requests and answers are JSON; a result comes as the blob
that the store keeps, which `vitrine.connect` checks, or as a ZIP of files.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import wraps
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from engine.core.errors import BadRequest
from engine.core.experiments import find, parse_request
from engine.core.request import one_request
from engine.people import audit
from engine.people.person import Person
from engine.sharing import history, names, tokens
from engine.sharing.history import PAGE, WHOSE, Line, Wanted, Whose
from pages.common import serve
from pages.routes import answers

MOST_BYTES = 1 << 20
MOST_LINES = 200
NO_TOKEN = "Say who asks: “Authorization: Bearer” and a token, which the page “API tokens” makes."
LOADING = "The engine is loading. Try again in a few seconds."
_FACTS = ("status", "position", "waiting", "step", "total", "message", "error", "warning", "eta", "kept")

Asked = Callable[[Request, Person], Response]


def for_token(answer: Asked) -> Callable[[Request], Awaitable[Response]]:
    """A route that answers whoever shows a token; the work is done beside the loop that serves pages."""

    @wraps(answer)
    async def route(request: Request) -> Response:
        request.state.body = await _body(request)

        def work() -> Response:
            try:
                person = _person(request)
            except BadRequest as error:
                return JSONResponse({"error": str(error)}, 401, {**answers.NO_STORE, "WWW-Authenticate": "Bearer"})
            if not serve.is_ready():
                return answers.refused(LOADING, 503)
            with one_request():
                return answer(request, person)

        return await run_in_threadpool(work)

    return route


async def _body(request: Request) -> bytes:
    """What was sent, which is never much. Raises BadRequest for more."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise BadRequest("This is too long for a request.")
    return body


def _person(request: Request) -> Person:
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not text:
        raise BadRequest(NO_TOKEN)
    return tokens.person_of(tokens.find(text.strip()))


@for_token
def me(request: Request, person: Person) -> Response:
    """Whom the token speaks for, and what they may."""
    return answers.told({"name": person.name, "role": person.role})


@for_token
def submit(request: Request, person: Person) -> Response:
    """`{"request": ...}`, a request as `request.json` of an export has it: asked for as on a page."""
    from engine.evaluation.applies import check_applies
    from engine.jobs.scheduler import jobs

    try:
        given = json.loads(request.state.body)["request"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadRequest("Send JSON: {“request”: {“experiment”: ..., ...}}.") from None
    asked = parse_request(given if isinstance(given, dict) else {})
    if find(asked.experiment).part:
        raise BadRequest(f"“{asked.experiment}” is a step of other requests. Submit one that it belongs to.")
    # Whoever is refused below has no model loaded before.
    if person.is_at_least("member") and jobs().result(asked.key()) is None:
        check_applies(asked)
    job = jobs().submit(asked, person)
    return _told(job.id, person, 202)


@for_token
def status(request: Request, person: Person) -> Response:
    """How a job stands. Ask again until it is `done`, `failed` or `cancelled`."""
    return _told(request.path_params["key"], person)


@for_token
def cancel(request: Request, person: Person) -> Response:
    """Take back this person's interest in a job; it goes on where somebody else wants it."""
    from engine.jobs.scheduler import jobs

    key = request.path_params["key"]
    jobs().cancel(key, person)
    return _told(key, person)


def _told(key: str, person: Person, code: int = 200) -> Response:
    from engine.jobs.scheduler import jobs

    snapshot = jobs().snapshot(key)
    facts = {name: getattr(snapshot, name) for name in _FACTS}
    facts |= {name: person.may_read(facts[name] or "") or facts[name] for name in ("message", "error", "warning")}
    return answers.told({"key": key, **facts}, code if snapshot.active else 200)


@for_token
def result(request: Request, person: Person) -> Response:
    """A result: the blob that the store keeps; with `?as=zip` pictures, numbers and the request as files."""
    from engine.jobs.scheduler import jobs

    key = request.path_params["key"]
    found = jobs().result(key)
    audit.note(person, "read", "done" if found else "absent", key=key)
    if found is None:
        return answers.refused("This result is not stored here. Submit its request.", 404)
    if request.query_params.get("as") == "zip":
        from engine.core.export import to_zip

        return Response(to_zip(found), media_type="application/zip", headers=answers.NO_STORE)
    data = found.to_blob().to_bytes()
    headers = {**answers.NO_STORE, "X-Vitrine-Key": found.key}
    return Response(data, media_type="application/octet-stream", headers=headers)


@for_token
def search(request: Request, person: Person) -> Response:
    """Lines of the history: `words`, `experiment`, `model`, `whose` (mine, group, all), and from which to which (`start`,
    `most`)."""
    asked = request.query_params
    whose: Whose = next((each for each in WHOSE if each == asked.get("whose")), "mine")
    wanted = Wanted(asked.get("words", "")[:500], asked.get("experiment", ""), asked.get("model", ""), whose)
    found = history.search(
        wanted, person, _whole(asked.get("start"), 0), min(_whole(asked.get("most"), PAGE), MOST_LINES)
    )
    audit.note(person, "search", "done", whose=whose)
    return answers.told({"count": found.count, "lines": [_line(line, person) for line in found.lines]})


def _line(line: Line, person: Person) -> dict[str, Any]:
    """A line as others may read it: a name in place of an id, and no picture."""
    facts = {name: value for name, value in asdict(line).items() if name not in ("picture", "seen", "text")}
    whose = names.shown(line.person, person) if line.person else ""
    facts["error"] = person.may_read(line.error)
    return {**facts, "person": whose, "request": json.loads(line.request), "seconds": line.seconds}


def _whole(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 8 else default


KEY = "{key:str}"
ROUTES = [
    Route("/api/v1/me", me),
    Route("/api/v1/jobs", submit, methods=["POST"]),
    Route(f"/api/v1/jobs/{KEY}", status),
    Route(f"/api/v1/jobs/{KEY}", cancel, methods=["DELETE"]),
    Route(f"/api/v1/results/{KEY}", result),
    Route("/api/v1/history", search),
]
