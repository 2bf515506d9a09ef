"""A stored result: how it came about, what it shows, and beside it the same made with the present version, where that differs."""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import partial

import streamlit as st

from engine.core.errors import BadRequest
from engine.core.experiments import experiments, parse_request
from engine.core.request import Request, Result
from engine.people.person import Person
from engine.sharing import history, holding, names, notices
from engine.sharing.bundle import IMPORTED
from engine.sharing.history import Line
from engine.sharing.recording import line_of
from pages.common import errors, job_panel, results, sharing, words
from pages.common.batch import Batch
from pages.common.experiments import drawings, opening
from pages.common.experiments.places import SCRIPTS
from pages.common.keeping import kinds

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
SIDE, MOST_PICTURES = 256, 16
GONE = (
    "This result is not stored here: the link is mistyped, or the result made room for others, or was never finished."
)
UNMAKEABLE = "What it was made of (a model or images) is not here any more, so it cannot be made again."


def draw(key: str, person: Person) -> None:
    """The page of the result under this key."""
    known = key.partition(".")[0] if _KEY.fullmatch(key) else ""
    found = results.find(key) if known else None
    line = history.of_result(known) if known else None
    failed = history.failure(known, person) if known and found is None else None
    if failed is not None and (line is None or failed.person == person.id):
        _failed(failed, person)
        return
    if found is None and line is None:
        st.title("Result", anchor=False)
        errors.hint(f"{GONE} The history has what was computed lately.", "link_off")
        return
    facts = dict(found.request) if found is not None else dict(json.loads(line.request if line else "{}"))
    told = line or line_of(key, facts, 0.0)
    _title(told)
    if found is not None:
        st.caption(made(found, line, key, person))
    request = _request(facts)
    with st.container(horizontal=True, vertical_alignment="center"):
        if request is not None:
            _opens(request)
        if found is not None:
            keeps = partial(kinds.view, told.title, {"r": key}, [key])
            sharing.link_and_zip({"r": key}, [key], "res", "vitrine", keeps=keeps)
    _shown(key, found, request, person)


def _title(told: Line) -> None:
    kind, _, what = told.title.partition(": ")
    st.title(errors.escape(kind), anchor=False)
    if what:
        st.markdown(errors.code(what))  # an address of a unit looks like one of e-mail, and would become a link


def _failed(line: Line, person: Person) -> None:
    """What was asked for and failed: whose it was, when, why, and a way to make it again."""
    notices.see(person, [line.key])
    _title(line)
    st.caption(f"Asked for by {errors.escape(names.shown(line.person, person))} · {words.ago(line.ended)}")
    request = _request(dict(json.loads(line.request)))
    now = _key(request)
    if now is None or _made_anew(now) is None:
        why = errors.public(line.error) or "The server's log says why."
        st.error(f"It failed. {errors.escape(why)}", icon=":material/error:")
    if request is None or now is None:
        errors.hint(UNMAKEABLE, "history")
        return
    _opens(request)
    _again(request, now, person)


def made(found: Result, line: Line | None, key: str, person: Person) -> str:
    """Who made it, when, how long that took, and with what; as much as is known."""
    parts = []
    if line is not None:
        parts += [_whose(line, person)]
        when = datetime.fromtimestamp(holding.stored_at(found.key or key) or line.ended)
        parts += [f"{'stored ' if line.started is None else ''}{when:%Y-%m-%d %H:%M}"]
        parts += [f"in {words.duration(line.seconds)}"] if line.seconds is not None else []
    elif key.startswith(IMPORTED):
        parts.append("Imported with a collection; not computed here")
    device = str(found.facts.get("device", "")) or (line.device if line is not None else "")
    parts += [f"on {errors.escape(device)}"] if device else []
    parts += [errors.escape(found.precision)] if found.precision else []
    version = found.request.get("version")
    parts += [f"definition {errors.escape(str(version))}"] if version else []
    parts += [f"Vitrine {errors.escape(line.vitrine)}"] if line is not None and line.vitrine else []
    return " · ".join(parts)


def _whose(line: Line, person: Person) -> str:
    """Who had it made, or asked for it when it was there already; where it came from, if nobody did."""
    if not line.person:
        return "Came with Vitrine, from a command line or with an import"
    who = errors.escape(names.shown(line.person, person))
    return f"Asked for by {who}" if line.started is None else f"Made by {who}"


def _request(facts: dict) -> Request | None:
    """The same request as the present version makes it; None where it is not known any more."""
    try:
        return parse_request(facts)
    except BadRequest:
        return None


def _opens(request: Request) -> None:
    entry = experiments()[request.experiment]
    opens = opening.of_request(request)
    st.page_link(
        opens.script or SCRIPTS[entry.page],
        label="Open on its page",
        icon=":material/arrow_forward:",
        query_params=opens.link,
        width="content",
    )


def _shown(key: str, found: Result | None, request: Request | None, person: Person) -> None:
    """The result as it was; where its definition has changed since, or it is gone, what the present version makes of it."""
    now = _key(request)
    if found is not None and (request is None or now == key.partition(".")[0]):
        _draw(found, "res")
        return
    was = int(found.request.get("version", 0)) if found is not None else 0
    if request is None or now is None:
        errors.hint(UNMAKEABLE, "history")
        return
    left, right = st.columns(2, gap="large") if found is not None else (None, st.container())
    if left is not None and found is not None:
        with left:
            st.header("As it was", anchor=False)
            st.caption(f"By definition {was}")
            _draw(found, "res_was")
    with right:
        st.header("With the present version", anchor=False)
        st.caption(f"By definition {request.version}. {errors.escape(request.changed_since(was)) if was else ''}")
        _again(request, now, person)


def _draw(result: Result, key: str) -> None:
    """A result's pictures, large; and what its experiment draws, or else all that it holds."""
    name = next((name for name, array in result.arrays.items() if drawings.is_images(array)), None)
    if name is None or str(result.request.get("experiment")) in drawings.DRAWINGS:
        drawings.draw(result, key)
        return
    count = min(len(result.arrays[name]), MOST_PICTURES)
    with st.container(horizontal=True, gap="small"):
        for number in range(count):
            data = results.picture(result.key, name, number, 2 * SIDE)
            st.image(data, width=SIDE, output_format="PNG", alt=f"{name} {number}")
    more = st.expander("Tables and arrays", icon=":material/table_chart:", key=f"{key}_all", on_change="rerun")
    if more.open:
        with more:
            drawings.draw(result, key)


def _key(request: Request | None) -> str | None:
    from engine.core.errors import VitrineError

    try:
        return None if request is None else request.key()
    except VitrineError:
        return None


def _made_anew(key: str) -> Batch | None:
    """What the button that makes it again has begun."""
    return st.session_state.get(f"result_{key}")


def _again(request: Request, key: str, person: Person) -> None:
    """The result of the present version, or a button that makes it."""
    result = results.find(key)
    if result is not None:
        _draw(result, "res_now")
        return
    batch = _made_anew(key)
    if batch is not None:
        job_panel.draw(batch, {key: "Made again"}, f"result-{key}")
    elif st.button("Run again", type="primary", icon=":material/replay:", key="res_again"):
        st.session_state[f"result_{key}"] = Batch.of([request], person)
        st.rerun()
