"""Models that are fetched because somebody asked: watched from anywhere, by whom it may be."""

from __future__ import annotations

import time

import pytest
from huggingface_hub import constants

from engine.core.errors import BadRequest, Forbidden
from engine.models import catalog
from engine.models.downloads import Download, Downloads
from engine.people.person import Person
from tests.engine.models.marked import TINY

NAME = f"timm/{TINY}"
ANN, VIC = Person("ann", role="member"), Person("vic", role="viewer")


def ended(downloads: Downloads, name: str) -> Download:
    deadline = time.monotonic() + 20
    while (found := downloads.of(name)) is None or not found.ended:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def test_a_member_has_a_model_fetched_and_sees_how_large_it_is(serving):
    downloads = Downloads()
    name = downloads.start(NAME, ANN).model
    done = ended(downloads, name)
    assert done.error is None and done.total > 1000 and catalog.find(NAME).available


def test_a_viewer_does_not_nor_does_anybody_for_what_there_is_not(serving, configured):
    downloads = Downloads()
    with pytest.raises(Forbidden, match="You may not fetch models from the hub here: that is for members"):
        downloads.start(NAME, VIC)
    with pytest.raises(BadRequest, match="There is no model"):
        downloads.start("timm/no_such_model", ANN)
    configured(limits={"downloads": "nobody"})
    with pytest.raises(Forbidden, match="nothing is fetched"):
        downloads.start(NAME, ANN)
    assert serving == []


def test_what_went_wrong_is_said_until_somebody_asks_again(hub):
    downloads = Downloads()
    name = downloads.start(NAME, ANN).model
    assert "hub cannot be reached" in str(ended(downloads, name).error)


def test_two_who_ask_share_one_download(serving, monkeypatch):
    downloads = Downloads()
    with downloads._one:  # as if another were on its way
        first, second = downloads.start(NAME, ANN), downloads.start(NAME, Person("bob"))
        assert first is second
    ended(downloads, first.model)
    assert len([path for command, path in serving if command == "GET"]) == 1


def test_it_says_how_much_has_come_and_ends_with_the_chunk_after_it_was_cancelled(serving, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    downloads, more = Downloads(), Download.more

    def cancelled_after_one(self: Download, count: int) -> None:
        more(self, count)
        if count:
            downloads.cancel(self.model, ANN)

    monkeypatch.setattr(Download, "more", cancelled_after_one)
    done = ended(downloads, downloads.start(NAME, ANN).model)
    assert (done.stopped, done.error, done.came) == (True, None, 1000) and done.total > 2000
    assert not catalog.find(NAME).available
    monkeypatch.setattr(Download, "more", more)
    again = ended(downloads, downloads.start(NAME, ANN).model)
    assert (again.stopped, again.came) == (False, again.total) and catalog.find(NAME).available


def test_one_that_waits_is_cancelled_before_anything_is_fetched(serving):
    downloads = Downloads()
    with downloads._one:  # as if another were on its way
        name = downloads.start(NAME, ANN).model
        downloads.cancel(name, ANN)
    assert ended(downloads, name).stopped and not [each for each in serving if each[0] == "GET"]


def test_nobody_but_who_asked_and_operators_cancels(serving):
    downloads = Downloads()
    with downloads._one:
        name = downloads.start(NAME, ANN).model
        with pytest.raises(Forbidden, match="for another person"):
            downloads.cancel(name, Person("bob", role="member"))
        assert not downloads.of(name).stopped
        downloads.cancel(name, Person("root", role="operator"))
    assert ended(downloads, name).stopped
    downloads.cancel(name, Person("bob", role="member"))  # what has ended cannot be stopped, and that is no error
