"""A line of the history for each job that ends, for whoever wanted it, whatever else goes wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import ClassVar

import numpy as np
import pytest

from engine.concepts.words import WordsRequest
from engine.core import config
from engine.core.config import store
from engine.core.errors import Unavailable
from engine.core.images import to_png
from engine.core.request import Context, Request, Result
from engine.data import belongings, uploads
from engine.jobs.endings import Ending
from engine.jobs.keys import here, stored_key
from engine.jobs.records import Job
from engine.jobs.scheduler import Jobs
from engine.people.person import LOCAL, SERVER, Person
from engine.sharing import collections, history, notices, recording
from engine.sharing.database import database
from engine.sharing.history import Wanted
from tests.engine.jobs.playing import STAGE, Play, Quick, Stage
from tests.engine.sharing.conftest import ANNA, BEN, CARA, stored, unit
from tests.engine.sharing.test_history import plant


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    opened = Jobs(config.store())
    for name in ("jobs", "started"):
        monkeypatch.setattr(f"engine.jobs.scheduler.{name}", lambda: opened)
    recording.recorder()
    STAGE.__init__()
    yield opened
    for gate in STAGE.gates.values():
        gate.set()
    opened.close()


@pytest.fixture
def stage() -> Stage:
    return STAGE


def lines(person: Person = ANNA) -> list[history.Line]:
    recording.recorder().settle()
    return history.search(Wanted(), person).lines


def test_a_job_that_ends_is_in_the_history_of_each_person_who_wanted_it(jobs: Jobs, stage: Stage) -> None:
    stage.gate("a")
    job = jobs.submit(Play(name="a"), ANNA)
    stage.wait_for("a")
    jobs.submit(Play(name="a"), BEN)
    stage.gate("a").set()
    jobs.wait(job, 30)
    (hers,), (his,) = lines(ANNA), lines(BEN)
    assert (hers.key, hers.status, hers.experiment, hers.computed_in) == (job.id, "done", "play", here())
    assert hers.started is not None and hers.device and hers.vitrine and his.key == job.id
    assert lines(CARA) == []


def test_one_who_cancelled_has_no_line_and_the_other_keeps_theirs(jobs: Jobs, stage: Stage) -> None:
    stage.gate("a")
    job = jobs.submit(Play(name="a"), ANNA)
    stage.wait_for("a")
    jobs.submit(Play(name="a"), BEN)
    assert jobs.cancel(job, ANNA) is False
    stage.gate("a").set()
    assert jobs.wait(job, 30).status == "done"
    assert lines(ANNA) == [] and [line.key for line in lines(BEN)] == [job.id]


def test_what_failed_says_why_and_is_news_too(jobs: Jobs) -> None:
    jobs.wait(jobs.submit(Play(name="a", act="bug"), ANNA), 30)
    (line,) = lines()
    assert line.status == "failed" and line.error and [each.key for each in notices.unseen(ANNA)] == [line.key]


def test_what_the_server_makes_by_itself_is_nobodys_news(jobs: Jobs) -> None:
    jobs.wait(jobs.submit(Play(name="a"), SERVER), 30)
    recording.recorder().settle()
    assert history.search(Wanted(whose="all"), ANNA).count == 0


def test_asking_for_what_is_there_is_a_line_and_no_news(jobs: Jobs) -> None:
    jobs.wait(jobs.submit(Play(name="a"), ANNA), 30)
    jobs._records.clear()
    jobs.submit(Play(name="a"), BEN)
    (line,) = lines(BEN)
    assert line.started is None and notices.unseen(BEN) == []


def kept(key: str, **facts: str) -> str:
    """A result in the store that says this of itself; gives the place where it is."""
    place = stored_key(key)
    about = {"precision": "float32", **facts}
    config.store().put(place, Result({"experiment": "play", "version": 1}, facts=about).to_blob())
    return place


def ended(key: str, started: float | None) -> history.Line:
    """Anna's line of a job that ended now with the result under this key."""
    recording.record(Ending(key, Play(name=key), (ANNA,), "done", time.time(), started))
    return next(line for line in lines() if line.key == key)


def test_a_result_says_itself_where_it_was_computed(jobs: Jobs) -> None:
    begun = time.time()
    for key in ("k1", "k2"):
        kept(key, device="a worker's card")
    computed, found = ended("k1", begun), ended("k2", None)
    assert computed.device == found.device == "a worker's card"
    assert computed.vitrine and computed.seconds is not None and not found.vitrine


def test_of_what_was_found_nobody_says_that_it_was_computed_here(jobs: Jobs) -> None:
    """Whether it was there when it was asked for, or came while the job waited for its turn."""
    kept("k1")
    kept("k2")
    for line in (ended("k1", None), ended("k2", time.time())):
        assert (line.device, line.vitrine, line.started, line.computed_in) == ("", "", None, "float32")


def test_of_what_a_cluster_computed_only_the_result_says_where(jobs: Jobs, configured: Callable[..., None]) -> None:
    begun = time.time()
    configured(cluster={"executor": "dask"})
    for key, facts in {"k1": {"device": "a worker's card"}, "k2": {}}.items():
        kept(key, **facts)
        line = ended(key, begun)
        assert (line.device, line.vitrine) == (facts.get("device", ""), "") and line.seconds is not None


def test_news_is_news_until_it_was_looked_at(jobs: Jobs) -> None:
    keys = [jobs.wait(jobs.submit(Play(name=name), ANNA), 30) and Play(name=name).key() for name in "ab"]
    assert {line.key for line in lines()} == {line.key for line in notices.unseen(ANNA)} == set(keys)
    notices.see(BEN)
    notices.see(ANNA, [keys[0]])
    assert [line.key for line in notices.unseen(ANNA)] == [keys[1]]
    notices.see(ANNA)
    assert notices.unseen(ANNA) == []


def test_what_a_page_had_in_a_moment_is_a_line_and_no_news(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs.wait(jobs.submit(Quick(name="a"), ANNA), 30)
    (line,) = lines()
    assert line.status == "done" and line.started is not None and notices.unseen(ANNA) == []
    monkeypatch.setattr(recording, "A_MOMENT", 0.0)
    jobs.wait(jobs.submit(Quick(name="b"), ANNA), 30)
    lines()
    assert [each.key for each in notices.unseen(ANNA)] == [Quick(name="b").key()], "this one took long after all"


def test_a_step_of_something_else_is_no_news_and_a_short_one_that_became_long_is() -> None:
    def ending(request: Request, short: bool) -> Ending:
        return Ending(request.key(), request, (ANNA,), "done", time.time(), time.time() - 1.0, short=short)

    recording.record(ending(WordsRequest(reader="starter-clip"), False))
    assert notices.unseen(ANNA) == []
    recording.record(ending(Quick(name="c"), False))
    assert [each.key for each in notices.unseen(ANNA)] == [Quick(name="c").key()]


def test_a_result_that_a_collection_waits_for_is_pinned_when_its_job_ends(jobs: Jobs) -> None:
    key = Play(name="a").key()
    mine = collections.create(ANNA, "Mine")
    collections.add(mine.id, ANNA, [unit(1, results=(key,))])
    jobs.wait(jobs.submit(Play(name="a"), BEN), 30)
    lines()
    assert {place.partition(".")[0] for place in config.store().pins(mine.id)} == {key}


def test_a_history_that_cannot_be_written_costs_nobody_a_result(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(lines: object) -> None:
        raise Unavailable("The disk is full.")

    monkeypatch.setattr(history, "write", broken)
    assert jobs.wait(jobs.submit(Play(name="a"), ANNA), 30).status == "done"
    recording.recorder().settle()
    monkeypatch.undo()
    assert lines() == []
    config.settings()


def test_what_the_store_got_another_way_is_added_once_and_of_nobody() -> None:
    stored("a" * 26)
    stored("b" * 26, model="starter-cnn")
    recording.catch_up()
    recording.catch_up()
    stored("c" * 26)
    recording.catch_up()
    found = history.search(Wanted(whose="all"), LOCAL)
    assert sorted(line.key for line in found.lines) == ["a" * 26, "b" * 26, "c" * 26]
    assert {line.person for line in found.lines} == {""} and store().stats()["entries"] == 3


def test_a_picture_of_the_result_stands_in_its_line(jobs: Jobs) -> None:
    place = stored("d" * 26)
    made = recording._made(place, None)
    assert made["computed_in"] and made["picture"][:4] == b"RIFF"


def test_with_an_upload_go_the_lines_and_small_pictures_of_what_was_made_of_it() -> None:
    recording.recorder()
    digest = uploads.keep_image(to_png(np.zeros((8, 8, 3), np.uint8)), "cat.png", ANNA)
    asked = {"experiment": "photo", "version": 1, "model": "starter-vit"}
    for person, key, image in ((ANNA, "k1", f"up-{digest}"), (BEN, "k1", f"up-{digest}"), (BEN, "k2", "17")):
        plant(person, key, {**asked, "image": image}, 10.0, picture=b"webp")
    belongings.remove(ANNA, "images", digest)
    assert lines(ANNA) == [] and [line.key for line in lines(BEN)] == ["k2"]
    assert [row["key"] for row in database().read("SELECT key FROM thumbnails")] == ["k2"]


def test_what_is_being_made_of_an_upload_stops_when_it_goes(jobs: Jobs, stage: Stage) -> None:
    name = upload()
    stage.gate(name)
    runs, waits = jobs.submit(Play(name=name), ANNA), jobs.submit(Play(name=f"{name} again"), BEN)
    other = jobs.submit(Play(name="other"), BEN)
    stage.wait_for(name)
    belongings.remove(ANNA, "images", name.removeprefix("up-"))
    assert [jobs.wait(job, 30).status for job in (runs, waits, other)] == ["cancelled", "cancelled", "done"]
    assert stage.ran == [name, "other"]


def deaf_to_its_upload_going(jobs: Jobs, stage: Stage) -> tuple[str, threading.Event, Job]:
    """An upload that is gone, and a job on it that does not hear of it: it runs until the gate is open."""
    name = upload()
    gate = stage.gate(name)
    job = jobs.submit(Deaf(name=name), ANNA)
    stage.wait_for(name)
    belongings.remove(ANNA, "images", name.removeprefix("up-"))
    recording.recorder().settle()
    return name, gate, job


def test_what_was_done_before_it_could_stop_goes_with_the_upload(jobs: Jobs, stage: Stage) -> None:
    _, gate, job = deaf_to_its_upload_going(jobs, stage)
    gate.set()
    assert jobs.wait(job, 30).status == "done"
    assert lines() == [] and jobs.result(job.id) is None


def test_an_upload_that_is_there_again_keeps_what_is_made_of_it(jobs: Jobs, stage: Stage) -> None:
    name, gate, job = deaf_to_its_upload_going(jobs, stage)
    assert upload() == name
    gate.set()
    assert jobs.wait(job, 30).status == "done"
    recording.recorder().settle()
    assert jobs.result(job.id) is not None


def upload() -> str:
    """Anna uploads an image; how requests refer to it."""
    return f"up-{uploads.keep_image(to_png(np.zeros((8, 8, 3), np.uint8)), 'cat.png', ANNA)}"


class Deaf(Play):
    """One that never hears that it shall stop."""

    experiment: ClassVar[str] = "deaf"

    def play(self, context: Context) -> None:
        STAGE.gate(self.name).wait(30)
