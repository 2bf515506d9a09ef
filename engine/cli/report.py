"""`report`: the paper's claims about two models in one file."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from engine.claims.claim import UNTOLD, Claim, Part, Verdict
from engine.claims.cost import in_words
from engine.claims.order import CLAIMS, REAL, STARTER, parts
from engine.claims.report import Told, to_html
from engine.claims.subject import Subject
from engine.cli.answer import Answer, table
from engine.cli.asking import ask, data_name
from engine.core import config
from engine.core.errors import BadRequest, VitrineError
from engine.core.paths import brief, readable, typed_path, whole
from engine.core.request import Result
from engine.jobs.runner import Runner


def report(arguments: Namespace) -> Answer:
    """Compute what is missing, say how each claim stands, and write all of it as one HTML file."""
    subject = subject_of(arguments)
    place = file_to_write(arguments.out)
    needed = parts(subject)
    results, failures = computed(needed)
    told = [
        Told(
            claim,
            verdict_of(claim, subject, results, failures),
            claim.figure(subject, results),
            tuple(claim.strips(subject, results)),
        )
        for claim in CLAIMS
    ]
    requests = [part.request for name, part in needed.items() if name in results]
    facts = [{"experiment": one.experiment, "version": one.version, **one.model_dump(mode="json")} for one in requests]
    try:
        write(place, to_html(subject, told, facts, date.today()))
    except OSError as error:
        raise _refused(place, error.strerror or str(error)) from error
    rows = [
        (number, each.claim.title, each.verdict.shown or None, each.verdict.word) for number, each in enumerate(told, 1)
    ]
    claims = [
        {
            "claim": each.claim.name,
            "verdict": each.verdict.word,
            "sentence": each.verdict.sentence,
            "value": each.verdict.number and each.verdict.number.value,
            "interval": each.verdict.number and [each.verdict.number.low, each.verdict.number.high],
            "of": each.verdict.unit or None,
        }
        for each in told
    ]
    keys = [one.key() for one in requests]
    answer = {"models": [*subject.sides.values()], "clip": subject.clip or None, "data": subject.data, "claims": claims}
    text = table(("", "claim", "here", "verdict"), rows)
    return Answer({**answer, "keys": keys, "out": readable(str(place))}, f"{text}\nWritten: {readable(str(place))}")


def file_to_write(text: str) -> Path:
    """Where the report goes: refused before the work, not after it. Raises BadRequest for a folder, and for a file that cannot be
    made."""
    place = typed_path(text)
    if not place.name or place.is_dir():
        raise _refused(place, "it is a folder")
    folder = place.absolute().parent
    if not folder.is_dir():
        raise _refused(place, "its folder is not there")
    if not os.access(place if place.exists() else folder, os.W_OK):
        raise _refused(place, "no permission")
    return place


def write(place: Path, text: str) -> None:
    """The whole file or nothing: written beside, then put in its place. Where that cannot be (a pipe, a folder that takes no
    further file) it is written as it comes. Raises OSError."""
    place = place.resolve()
    if place.exists() and not (place.is_file() and os.access(place.parent, os.W_OK)):
        place.write_text(text, encoding="utf-8")
        return
    with whole(place) as partial:
        partial.write_text(text, encoding="utf-8")


def _refused(place: Path, reason: str) -> BadRequest:
    return BadRequest(f"{brief(str(place))} cannot be written: {reason}. Name a file with --out.")


def subject_of(arguments: Namespace) -> Subject:
    """What is asked about. A pair that comes with Vitrine brings its CLIP and its images, unless others are named. Raises
    BadRequest for more than two models."""
    models = list(dict.fromkeys(arguments.models))
    if len(models) > 2:
        raise BadRequest("Claims are about two models: name a vision transformer and a CNN. A CLIP goes to --clip.")
    known = next((pair for pair in (STARTER, REAL) if {pair.a, pair.b} == {*models}), None)
    clip = arguments.clip if arguments.clip is not None else known.clip if known else ""
    data = arguments.data or (known.data if known else STARTER.data)
    return Subject(models[0], "".join(models[1:]), clip, data_name(data))


def computed(needed: Mapping[str, Part]) -> tuple[dict[str, Result], dict[str, str]]:
    """The results by their parts' names, and why others could not be had. What is missing is told before it is computed."""
    runner = Runner(config.store())
    missing = {name for name, part in needed.items() if runner.find(part.request.key()) is None}
    if missing:
        cost = in_words([needed[name] for name in needed if name in missing])
        say(f"{len(missing)} of {len(needed)} measurements are to be computed first: {cost}.")
    results, failures, done = dict[str, Result](), dict[str, str](), 0
    for name, part in needed.items():
        if name in missing:
            done += 1
            say(f"{done} of {len(missing)}: {part.what}")
        try:
            results[name], _ = ask(part.request)
        except VitrineError as error:
            failures[name] = str(error)
            say(f"{part.what}: {error}")
    return results, failures


def verdict_of(claim: Claim, subject: Subject, results: Mapping[str, Result], failures: Mapping[str, str]) -> Verdict:
    """What comes of a claim; where one of its measurements failed, that it cannot be told, and why."""
    told = claim.verdict(subject, results)
    if told is not None:
        return told
    why = dict.fromkeys(failures[part.name] for part in claim.parts(subject) if part.name in failures)
    return Verdict(UNTOLD, f"It could not be measured: {' '.join(why)}")


def say(text: str) -> None:
    print(f"vitrine: {text}", file=sys.stderr)
