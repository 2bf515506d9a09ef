"""What is opened once in a request: shared by all that happens in it, and by nothing else."""

from __future__ import annotations

import itertools
import threading

import pytest

from engine.core.once import once, one_request


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
