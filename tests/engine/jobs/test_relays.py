"""Relays: jobs of the queue are carried out by an executor, and end as they would have here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from cache.store import ResultStore
from engine.core.errors import BadRequest
from engine.core.request import Progress
from engine.jobs import relays
from engine.jobs.executors.executor import Executor, Gone, Handle, Unshared
from engine.jobs.executors.worker import Lacks
from engine.jobs.relays import Relays
from engine.jobs.scheduler import Jobs
from engine.people.person import Person
from tests.engine.jobs.playing import SECONDS, Play, Quick, Stage, until

ANNA, BERT = Person("anna"), Person("bert")
PHOTO = "up-0123456789abcdef"


class Somewhere(Executor):
    """Takes what it is given; the test says how it goes on."""

    name, slots, elsewhere = "somewhere", 2, True

    def _send(self, handles: Sequence[Handle]) -> None:
        if self.gone:
            raise Gone("Nobody answers at tcp://there:1.")
        self.taken.extend(handles)

    def _stop(self, handle: Handle) -> None:
        handle.ends("cancelled")

    def close(self) -> None:
        self.closed = True

    taken: list[Handle]
    gone = closed = False


@pytest.fixture
def queue(store: ResultStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[Jobs, Somewhere]]]:
    monkeypatch.setattr(relays, "AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(relays, "POLL_SECONDS", 0.01)
    opened: list[Jobs] = []

    def open_queue(otherwise_here: bool = False, **so: int) -> tuple[Jobs, Somewhere]:
        made: list[Somewhere] = []

        def carriers(line: relays.Line, runner: relays.Runner) -> Relays:
            made.append(Somewhere(runner))
            vars(made[0]).update(so, taken=[])
            return Relays(line, runner, made[0], otherwise_here=otherwise_here)

        opened.append(Jobs(store, carriers=carriers))
        return opened[-1], made[0]

    yield open_queue
    for each in opened:
        each.close()


def taken(there: Somewhere, count: int) -> list[Handle]:
    until(lambda: len(there.taken) >= count)
    return there.taken


def test_two_peoples_jobs_run_at_once_and_say_how_they_go(queue: Callable[..., tuple[Jobs, Somewhere]]) -> None:
    jobs, there = queue()
    first, second = jobs.submit(Play(name="a"), ANNA), jobs.submit(Play(name="b"), BERT)
    handles = {handle.key: handle for handle in taken(there, 2)}
    handles[first.id].begins("there")
    handles[first.id].tells(Progress(3, 4, "counting", b"png"))
    until(lambda: jobs.snapshot(first).step == 3)
    assert jobs.snapshot(first).preview == b"png" and jobs.snapshot(second).status == "running"
    handles[second.id].ends("failed", BadRequest("There is none."))
    assert jobs.wait(second, SECONDS).error == "There is none."
    handles[first.id].ends("done")
    assert jobs.wait(first, SECONDS).status == "done"


def test_a_job_takes_time_only_while_a_worker_has_it(queue: Callable[..., tuple[Jobs, Somewhere]]) -> None:
    jobs, there = queue()
    record = jobs._records[jobs.submit(Play(name="a"), ANNA).id]
    (handle,) = taken(there, 1)
    until(lambda: record.seconds() is None)
    assert record.status == "running", "it waits there, and is not in our queue any more"
    handle.begins("there")
    until(lambda: record.seconds() is not None)
    handle.waits("The worker died; the job begins once more")
    until(lambda: record.seconds() is None)


def test_a_job_takes_no_time_while_nobody_answers_or_another_is_computed_here(
    queue: Callable[..., tuple[Jobs, Somewhere]], stage: Stage
) -> None:
    jobs, _ = queue(gone=True)
    record = jobs._records[jobs.submit(Play(name="a"), ANNA).id]
    until(lambda: record.seconds() is None)
    jobs, _ = queue(gone=True, otherwise_here=True)
    for name in "bc":
        stage.gate(name)
        jobs.submit(Play(name=name), ANNA)
    both = [jobs._records[Play(name=name).key()] for name in "bc"]
    until(lambda: len(stage.ran) == 1 and {record.seconds() is None for record in both} == {True, False})


def test_what_is_cancelled_here_is_stopped_there(queue: Callable[..., tuple[Jobs, Somewhere]]) -> None:
    jobs, there = queue()
    job = jobs.submit(Play(name="a"), ANNA)
    handle = taken(there, 1)[0]
    assert jobs.cancel(job, ANNA)
    assert jobs.wait(job, SECONDS).status == "cancelled" and handle.cancelled


def test_what_was_cancelled_there_is_not_sent_again(queue: Callable[..., tuple[Jobs, Somewhere]]) -> None:
    """By `cluster cancel`, say: whoever asked finds it cancelled."""
    jobs, there = queue()
    job = jobs.submit(Play(name="a"), ANNA)
    taken(there, 1)[0].ends("cancelled")
    until(lambda: jobs.snapshot(job).status == "cancelled")
    assert len(there.taken) == 1


def test_where_nobody_answers_a_job_waits_and_says_why(queue: Callable[..., tuple[Jobs, Somewhere]]) -> None:
    jobs, there = queue(gone=True)
    job = jobs.submit(Play(name="a"), ANNA)
    until(lambda: jobs.snapshot(job).message == "Nobody answers at tcp://there:1.")
    there.gone = False
    taken(there, 1)[0].ends("done")
    assert jobs.wait(job, SECONDS).status == "done"


def test_a_job_that_waits_for_an_answer_can_be_cancelled(queue: Callable[..., tuple[Jobs, Somewhere]]) -> None:
    jobs, _ = queue(gone=True)
    job = jobs.submit(Play(name="a"), ANNA)
    until(lambda: jobs.snapshot(job).message != "")
    assert jobs.cancel(job, ANNA) and jobs.wait(job, SECONDS).status == "cancelled"


def test_where_nobody_answers_jobs_are_computed_here_if_that_is_wanted(
    queue: Callable[..., tuple[Jobs, Somewhere]], stage: Stage
) -> None:
    jobs, _ = queue(gone=True, otherwise_here=True)
    assert jobs.wait(jobs.submit(Play(name="a"), ANNA), SECONDS).status == "done" and stage.ran == ["a"]


def test_what_a_worker_lacks_is_computed_here_or_said(
    queue: Callable[..., tuple[Jobs, Somewhere]], stage: Stage
) -> None:
    for here, status in ((False, "failed"), (True, "done")):
        jobs, there = queue(otherwise_here=here)
        job = jobs.submit(Play(name=status), ANNA)
        taken(there, 1)[0].ends("failed", Lacks("The worker on node7 lacks something."))
        ended = jobs.wait(job, SECONDS)
        assert ended.status == status and (ended.error or "").startswith("" if here else "The worker on node7")
    assert stage.ran == ["done"]


def test_what_needs_an_upload_is_refused_before_it_waits_for_workers_that_do_not_see_it(
    queue: Callable[..., tuple[Jobs, Somewhere]], stage: Stage
) -> None:
    jobs, there = queue()
    with pytest.raises(Unshared) as refused:
        jobs.submit(Play(name=PHOTO), ANNA)
    assert str(refused.value) == (
        f"{PHOTO} was uploaded to this server alone, and the workers that compute here (executor = 'somewhere') do not see it: "
        "let uploads_folder in vitrine.toml be a folder that all of them share, or let executor be 'local'."
    )
    with pytest.raises(Unshared):
        there.submit_all([Play(name="a"), Play(name=PHOTO)])
    assert jobs.active() == [] and there.taken == [] and stage.ran == [], "not even what was asked for along with it"


def test_what_needs_an_upload_is_computed_in_the_server_where_that_is_wanted_or_short(
    queue: Callable[..., tuple[Jobs, Somewhere]], stage: Stage
) -> None:
    for request, here in ((Play(name=PHOTO), True), (Quick(name=PHOTO), False)):
        jobs, there = queue(otherwise_here=here)
        assert jobs.wait(jobs.submit(request, ANNA), SECONDS).status == "done" and there.taken == []
    assert stage.ran == [PHOTO, PHOTO]


def test_a_short_job_with_an_upload_that_turns_out_to_be_long_ends_with_the_sentence(
    queue: Callable[..., tuple[Jobs, Somewhere]],
) -> None:
    jobs, there = queue()
    ended = jobs.wait(jobs.submit(Quick(name=PHOTO, needs="long"), ANNA), SECONDS)
    assert (
        ended.status == "failed" and "let uploads_folder in vitrine.toml" in (ended.error or "") and there.taken == []
    )


def test_what_needs_an_upload_is_sent_where_all_share_the_folder_of_uploads(
    queue: Callable[..., tuple[Jobs, Somewhere]], configured: Callable[..., None], tmp_path: Path
) -> None:
    configured(cluster={"uploads_folder": tmp_path / "shared"})
    jobs, there = queue()
    job = jobs.submit(Play(name=PHOTO), ANNA)
    taken(there, 1)[0].ends("done")
    assert jobs.wait(job, SECONDS).status == "done"


def test_short_jobs_are_computed_here_while_long_ones_are_away(
    queue: Callable[..., tuple[Jobs, Somewhere]], stage: Stage
) -> None:
    jobs, there = queue()
    away = [jobs.submit(Play(name=name), ANNA) for name in "ab"]
    taken(there, 2)
    short = jobs.submit(Quick(name="short"), BERT)
    assert jobs.wait(short, SECONDS).status == "done" and stage.ran == ["short"]
    assert {jobs.snapshot(job).status for job in away} == {"running"} and len(there.taken) == 2


def test_a_short_job_that_turned_out_to_be_long_there_lets_the_other_short_ones_pass(
    queue: Callable[..., tuple[Jobs, Somewhere]],
) -> None:
    jobs, there = queue(passes=True, slots=1)
    long, short = (jobs.submit(Quick(name=name), ANNA) for name in "ab")
    (handle,) = taken(there, 1)
    handle.begins("there")
    assert jobs.snapshot(short).status == "queued"
    handle.long = True
    taken(there, 2)[1].ends("done")
    assert jobs.wait(short, SECONDS).status == "done" and jobs.snapshot(long).status == "running"
    assert jobs._records[long.id].lane == "usual"


def test_where_no_thread_can_be_started_jobs_are_carried_out_one_after_the_other(
    queue: Callable[..., tuple[Jobs, Somewhere]], monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, there = queue(passes=True)
    start = threading.Thread.start

    def none_left(thread: threading.Thread) -> None:
        if thread.name in ("relay", "short"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", none_left)
    first, second = (jobs.submit(Play(name=name), ANNA) for name in "ab")
    (handle,) = taken(there, 1)
    short = jobs.submit(Quick(name="short"), BERT)
    taken(there, 2)[1].ends("done")
    assert jobs.wait(short, SECONDS).status == "done" and jobs.snapshot(second).status == "queued"
    handle.ends("done")
    assert jobs.wait(first, SECONDS).status == "done"
    taken(there, 3)[2].ends("done")
    assert jobs.wait(second, SECONDS).status == "done"


def test_the_executor_is_let_go_at_the_end(queue: Callable[..., tuple[Jobs, Somewhere]]) -> None:
    jobs, there = queue()
    job = jobs.submit(Play(name="a"), ANNA)
    taken(there, 1)
    jobs.close()
    assert there.closed and jobs.snapshot(job).status == "cancelled"


@pytest.mark.parametrize("outlives", [True, False])
def test_the_end_of_this_process_stops_only_what_could_not_be_taken_up_again(
    queue: Callable[..., tuple[Jobs, Somewhere]], outlives: bool
) -> None:
    jobs, there = queue(outlives=outlives)
    job = jobs.submit(Play(name="a"), ANNA)
    (handle,) = taken(there, 1)
    handle.begins("there")
    jobs.close()
    assert handle.cancelled == (not outlives) and jobs.snapshot(job).status == "cancelled"


def test_what_could_be_taken_up_again_is_stopped_where_somebody_says_so_or_it_makes_room(
    queue: Callable[..., tuple[Jobs, Somewhere]],
) -> None:
    jobs, there = queue(outlives=True)
    stopped, part = jobs.submit(Play(name="a"), ANNA), jobs.submit(Play(name="b"), ANNA, batch="sweep/1")
    handles = {handle.key: handle for handle in taken(there, 2)}
    assert jobs.cancel(stopped, ANNA)
    until(lambda: handles[stopped.id].cancelled)
    for name in "cd":
        jobs.submit(Play(name=name), BERT)
    until(lambda: handles[part.id].cancelled)


def test_a_laptop_has_one_thread_as_before(store: ResultStore) -> None:
    jobs = Jobs(store, carriers=relays.carriers)
    assert isinstance(jobs._workers, relays.Workers)
    jobs.close()
