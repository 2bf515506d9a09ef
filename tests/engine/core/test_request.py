"""One request, one key: what changes it, what does not, and what is said of a request that does not fit."""

from __future__ import annotations

import itertools
import re
import threading
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
import pytest
from pydantic import Field, field_validator

from cache.blob import Blob
from engine.core.errors import BadRequest
from engine.core.request import Request, Result, build, once, one_request


class Asked(Request):
    """A request of every kind of field."""

    experiment: ClassVar[str] = "asked"
    version: ClassVar[int] = 1
    reads: ClassVar[dict[str, str]] = {"data": "one"}
    name: str = "n"
    count: int = Field(default=3, ge=1, le=9)
    share: float = Field(default=0.5, gt=0, lt=1, allow_inf_nan=False)
    kind: Literal["a", "b"] = "a"
    units: tuple[int, ...] = Field(default=(1, 2), min_length=1, max_length=3)

    @field_validator("name")
    @classmethod
    def _named(cls, name: str) -> str:
        if name == "nobody":
            raise ValueError("There is nobody of that name.")
        return name

    def fingerprints(self) -> dict[str, str]:
        return self.reads


class Newer(Asked):
    """The same, computed by newer code."""

    version: ClassVar[int] = 2


class Elsewhere(Asked):
    """The same, on other data."""

    reads: ClassVar[dict[str, str]] = {"data": "other"}


class Other(Asked):
    """Another experiment with the same fields."""

    experiment: ClassVar[str] = "other"


def test_equal_requests_have_one_key_however_they_were_written() -> None:
    key = Asked().key()
    assert re.fullmatch(r"[a-z2-7]{26}", key)
    assert Asked(units=[1, 2], count=3).key() == key == Asked.model_validate({"units": (1, 2), "name": "n"}).key()
    assert Asked().key() == "c3jgh4er3irphvfxarp4hdxvse", "keys of stored results must never change"


def test_every_field_the_version_the_experiment_and_what_is_read_change_the_key() -> None:
    changes: list[dict[str, Any]] = [{"name": "m"}, {"count": 4}, {"share": 0.25}, {"kind": "b"}, {"units": (2, 1)}]
    keys = [
        Asked().key(),
        Newer().key(),
        Elsewhere().key(),
        Other().key(),
        *(Asked(**change).key() for change in changes),
    ]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"count": 0}, "count: write 1 or more."),
        ({"count": 10}, "count: write 9 or less."),
        ({"share": 0}, "share: write more than 0.0."),
        ({"share": 1}, "share: write less than 1.0."),
        ({"share": float("nan")}, "share: write a number."),
        ({"kind": "c"}, "kind: write one of 'a' or 'b'."),
        ({"units": ()}, "units: give 1 or more."),
        ({"units": (1, 2, 3, 4)}, "units: give 3 or fewer."),
        ({"steps": 4}, "steps: there is no such setting here."),
        ({"name": "nobody"}, "name: There is nobody of that name."),
    ],
)
def test_what_does_not_fit_is_one_sentence_that_says_what_to_write(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        build(Asked, **fields)
    assert str(refusal.value) == said


def test_a_result_goes_into_a_blob_and_back_and_its_key_is_no_part_of_it() -> None:
    arrays, tables = {"a": np.arange(3, dtype=np.float16)}, {"t": pd.DataFrame({"x": [1.5, None]})}
    result = Result({"experiment": "asked"}, arrays, tables, {"precision": "bfloat16"}, key="k.bfloat16")
    again = Result.from_blob(Blob.from_bytes(result.to_blob().to_bytes()))
    assert again.request == result.request and again.facts == result.facts and again.key == ""
    assert again.arrays["a"].dtype == np.float16 and (again.arrays["a"] == arrays["a"]).all()
    pd.testing.assert_frame_equal(again.tables["t"], tables["t"])
    assert again.precision == "bfloat16" and Result({}).precision == ""


def test_outside_of_a_request_everything_is_made_each_time() -> None:
    count = itertools.count()
    assert [once("a", lambda: next(count)) for _ in range(3)] == [0, 1, 2]


def test_inside_a_request_and_those_within_it_each_key_is_made_once() -> None:
    count = itertools.count()
    with one_request():
        first = once("a", lambda: next(count))
        with one_request():
            assert once("a", lambda: next(count)) == first
            assert once("b", lambda: next(count)) == 1
        assert once("b", lambda: next(count)) == 1, "the inner one's end is not the request's"
    with one_request():
        assert once("a", lambda: next(count)) == 2


def test_a_request_that_fails_keeps_nothing_and_what_could_not_be_made_is_tried_again() -> None:
    with pytest.raises(ValueError), one_request():
        with pytest.raises(KeyError):
            once("a", lambda: {}["gone"])
        assert once("a", lambda: 1) == 1
        raise ValueError
    assert once("a", lambda: 2) == 2


def test_another_threads_request_has_its_own() -> None:
    seen = []
    with one_request():
        once("a", lambda: "mine")
        thread = threading.Thread(target=lambda: seen.append(once("a", lambda: "theirs")))
        thread.start()
        thread.join()
    assert seen == ["theirs"]


def test_a_request_knows_the_uploads_that_it_names_wherever_they_stand() -> None:
    photo, vector = "up-0123456789abcdef", "dir-fedcba9876543210"
    assert Asked(name=f"(3*{vector}-2*120)").uploads == (vector,)
    assert Asked(name=f"match:{photo} {photo} uploaded/00112233445566aa").uploads == (
        photo,
        "uploaded/00112233445566aa",
    )
    for other in ("17", "up-0123", f"look{photo}", f"{photo}0", "upload"):
        assert Asked(name=other).uploads == ()
