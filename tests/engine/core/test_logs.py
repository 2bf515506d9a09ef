"""One line an event, in text or JSON, whatever stands in it."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from engine.core import logs


def line(layout: logs.Layout, message: str, exc_info: object = None, /, **named: object) -> str:
    record = logging.LogRecord("engine.test", logging.INFO, "", 1, message, (), exc_info)  # type: ignore[arg-type]
    record.created = 0.5
    record.__dict__.update(logs.facts(**named))
    return logs.Lines(layout).format(record)


def test_a_line_of_text_has_its_time_and_its_facts() -> None:
    assert line("text", "request", status=200, path="/a/b", peer=None) == (
        "1970-01-01T00:00:00.500+00:00 INFO    engine.test request status=200 path=/a/b"
    )


def test_a_line_of_json_has_them_by_name() -> None:
    told = json.loads(line("json", "request", status=200))
    assert told == {
        "time": "1970-01-01T00:00:00.500+00:00",
        "level": "info",
        "logger": "engine.test",
        "message": "request",
        "status": 200,
    }


@pytest.mark.parametrize("layout", ["text", "json"])
def test_nobody_can_write_a_second_line_or_another_time(layout: logs.Layout) -> None:
    hostile = 'a\n1970-01-01 ERROR forged="x" \x1b[31m\r'
    written = line(layout, hostile, path=hostile, time="never", message="other")
    assert "\n" not in written and "\r" not in written
    if layout == "json":
        told = json.loads(written)
        assert told["time"].startswith("1970") and told["message"] == hostile
    assert "\x1b" not in written, "nor colour the operator's terminal"


def test_what_is_written_inside_a_request_carries_its_id_and_so_does_what_a_person_reads() -> None:
    with logs.about(id="abcd", session="s"), logs.about(session="t"):
        assert line("text", "said").endswith("said id=abcd session=t")
        assert logs.this_id() == "abcd"
    assert "id=" not in line("text", "said") and logs.this_id() != logs.this_id()


def test_the_trace_of_an_error_is_written() -> None:
    try:
        raise ValueError("why")
    except ValueError:
        error = sys.exc_info()
    assert line("text", "failed", error).splitlines()[-1] == "ValueError: why"
    assert json.loads(line("json", "failed", error))["trace"].endswith("ValueError: why")


@pytest.fixture
def loggers() -> Iterator[None]:
    """What `set_up` changes is put back."""
    named = {name: logging.getLogger(name) for name in ("", *logs.OURS, "streamlit.some", "uvicorn.access")}
    before = {name: (each.handlers[:], each.level, each.propagate) for name, each in named.items()}
    yield
    for name, (handlers, level, propagate) in before.items():
        named[name].handlers[:], named[name].propagate = handlers, propagate
        named[name].setLevel(level)
    logs.COUNTS.lines.clear()


def test_libraries_write_in_the_same_layout_and_errors_are_counted(
    loggers: None, capsys: pytest.CaptureFixture
) -> None:
    theirs = logging.getLogger("streamlit.some")
    theirs.addHandler(logging.StreamHandler())
    theirs.propagate = False
    logs.set_up("json")
    theirs.error("theirs")
    logging.getLogger("uvicorn.access").error("GET /")
    logging.getLogger("engine.jobs").info("ours")
    logging.getLogger("somebody.else").info("not wanted")
    written = [json.loads(each)["message"] for each in capsys.readouterr().err.splitlines() if each.startswith("{")]
    assert written == ["theirs", "ours"]
    assert logs.COUNTS.lines == {"error": 1}
