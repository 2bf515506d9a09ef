"""What travels: text and bytes that come out as they went in, and nothing else is taken."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

from cache.blob import Blob, DamagedBlob
from engine.core.errors import BadRequest, RefusedFile
from engine.core.request import Made, Progress
from engine.jobs.executors.wire import Task, as_bytes, checked, progress_of, read_message, write_message
from tests.engine.jobs.executors.tiny import Tiny

REQUEST = Tiny(name="a")


def blob(precision: str = "float32", **prints: str) -> bytes:
    facts = {"request": json.loads(REQUEST.canonical()), "facts": {"precision": precision, "fingerprints": prints}}
    return Blob({"x": np.ones(3)}, {}, facts).to_bytes()


def test_a_task_comes_out_as_it_went_in() -> None:
    task = Task.of(REQUEST, "float32")
    assert Task.from_text(task.as_text()) == task and task.key == REQUEST.key()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"request": 3}', '{"request": "", "key": "", "fingerprints": []}'])
def test_what_is_no_task_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="not a request that was sent"):
        Task.from_text(text)


def test_a_task_with_a_key_of_another_request_is_refused() -> None:
    fields = json.loads(Task.of(REQUEST).as_text()) | {"key": Tiny(name="b").key()}
    with pytest.raises(BadRequest, match="does not have the key"):
        Task.from_text(json.dumps(fields))


def test_a_result_is_taken_under_the_key_of_what_is_inside_it() -> None:
    assert checked(f"{REQUEST.key()}.float32", blob()).arrays["x"].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("place", "data"),
    [
        (f"{Tiny(name='b').key()}.float32", blob()),
        (f"{REQUEST.key()}.float32", blob(weights="others")),
        (f"{REQUEST.key()}.bfloat16", blob()),
        (f"{REQUEST.key()}", blob()),
        ("../../etc/passwd", blob()),
    ],
    ids=["another request", "other weights", "another precision", "no precision", "a path"],
)
def test_a_result_of_something_else_is_never_taken_under_a_key(place: str, data: bytes) -> None:
    with pytest.raises(RefusedFile, match="of another request, or of other weights"):
        checked(place, data)


@pytest.mark.parametrize("data", [b"", b"VITRBLOB", blob()[:-1], blob() + b"x", blob().replace(b"tiny", b"tidy")])
def test_a_damaged_result_is_refused(data: bytes) -> None:
    with pytest.raises(RefusedFile, match="damaged"):
        checked(f"{REQUEST.key()}.float32", data)


def test_a_result_that_does_not_say_what_it_was_made_of_is_refused() -> None:
    silent = Blob({}, {}, {"request": json.loads(REQUEST.canonical()), "facts": {}}).to_bytes()
    with pytest.raises(RefusedFile, match="does not say what it was made of"):
        checked(f"{REQUEST.key()}.float32", silent)


def test_a_report_comes_out_as_it_went_in() -> None:
    picture = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    told = Progress(1, 2, "counting", b"png", (0.5, 1.0), {"7": Made(picture, 1.5, True), "8": Made(picture)})
    back = progress_of(as_bytes(told))
    assert (back.step, back.total, back.message, back.preview, back.curve) == (1, 2, "counting", b"png", (0.5, 1.0))
    assert (back.made["7"].activation, back.made["7"].kept, back.made["8"].activation) == (1.5, True, None)
    assert np.array_equal(back.made["8"].picture, picture)


def test_what_is_no_report_is_damaged() -> None:
    for data in (b"", Blob({}, {}, {}).to_bytes(), Blob({}, {}, {"step": 1, "made": 3}).to_bytes()):
        with pytest.raises(DamagedBlob):
            progress_of(data)


def test_messages_are_read_one_by_one_and_one_that_breaks_off_is_the_end() -> None:
    stream = io.BytesIO()
    write_message(stream, {"told": "begins"})
    write_message(stream, {"told": "result"}, b"bytes")
    whole = stream.getvalue()
    stream.seek(0)
    assert read_message(stream) == ({"told": "begins"}, b"")
    assert read_message(stream) == ({"told": "result"}, b"bytes")
    assert read_message(stream) is None
    for end in (5, len(whole) - 2):
        broken = io.BytesIO(whole[:end])
        while (message := read_message(broken)) is not None:
            assert message == ({"told": "begins"}, b"")
