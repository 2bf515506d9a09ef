"""A cluster: what was sent is not lost with the machine that sent it, and what went wrong is sent again with a word."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cache.store import ResultStore
from engine.core.errors import BadRequest, RefusedFile
from engine.core.settings.cluster import Cluster
from engine.jobs.executors import choose, cluster, sending
from engine.jobs.executors.cluster import Slurm
from engine.jobs.executors.collecting import collect
from engine.jobs.executors.dask_pool import Pool
from engine.jobs.executors.executor import Gone, Handle, Unshared
from engine.jobs.executors.processes import Processes
from engine.jobs.executors.run_folder import RunFolder
from engine.jobs.executors.threads import Threads
from engine.jobs.executors.wire import Task
from engine.jobs.relays import Relays
from engine.jobs.runner import Runner
from engine.jobs.scheduler import Jobs
from tests.engine.jobs.executors import slurm_here
from tests.engine.jobs.executors.test_contract import SECONDS, ended, fresh, until
from tests.engine.jobs.executors.tiny import Tiny, noted

pytest.importorskip("submitit")
CHOSEN = Cluster(
    slurm_at_once=2,
    slurm_parts=2,
    slurm_partition="gpu",
    slurm_gres="gpu:1",
    slurm_minutes=30,
    slurm_setup=("true module load cuda",),
    slurm_environment={"OMP_NUM_THREADS": "1", "WITH_SPACE": "a b"},
    slurm_options={"account": "vision"},
)


@pytest.fixture
def open_cluster(tmp_path: Path) -> Iterator[Callable[..., Slurm]]:
    opened: list[Slurm] = []

    def make(kind: str = "debug", store: str = "results") -> Slurm:
        opened.append(Slurm(Runner(ResultStore(tmp_path / store)), tmp_path / "runs", CHOSEN, kind))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


@pytest.fixture
def slurm_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """SLURM's commands are on this machine; what they know."""
    slurm_here.install(tmp_path / "slurm")
    sending.submitit().SlurmJob.watcher.clear()  # what it knows of the jobs of other tests
    monkeypatch.setenv("PATH", f"{tmp_path / 'slurm'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(cluster, "POLL_SECONDS", {})
    monkeypatch.setattr(cluster, "LATE_SECONDS", 1.0)
    return tmp_path / "slurm" / "state"


@pytest.mark.slow
def test_an_array_of_jobs_is_what_the_settings_say_and_what_they_made_comes_back(
    open_cluster: Callable[..., Slurm], slurm_state: Path, ledger: str
) -> None:
    there = open_cluster("slurm")
    requests = [Tiny(name=fresh(), ledger=ledger) for _ in range(5)]
    handles = there.submit_all(requests)
    ended(*handles)
    assert {handle.status for handle in handles} == {"done"}, [handle.error for handle in handles]
    script = (slurm_state / "script").read_text()
    for line in ("array=0-2%2", "partition=gpu", "gres=gpu:1", "time=30", "account=vision", "signal=USR2@120"):
        assert f"#SBATCH --{line}" in script
    assert (
        script.index("module load cuda")
        < script.index("export WITH_SPACE='a b'")
        < script.index("submitit.core._submit")
    )
    assert sorted(name for what, name, _ in noted(ledger) if what == "ends") == sorted(each.name for each in requests)
    (run,) = RunFolder.all_in(there.folder)
    assert [run.job_of(task.name) for task in run.tasks()] == ["1000_0", "1000_1", "1000_2"]


@pytest.mark.slow
def test_a_job_that_is_preempted_by_two_signals_in_a_row_goes_on_and_loses_nothing(
    open_cluster: Callable[..., Slurm], slurm_state: Path, ledger: str
) -> None:
    there = open_cluster("slurm")
    first, second = there.submit_all([Tiny(name=fresh(), ledger=ledger, steps=30, seconds=0.1) for _ in range(2)])
    ended(first)
    until(lambda: len(noted(ledger)) >= 3)
    process = noted(ledger)[-1][2]
    os.kill(process, signal.SIGTERM)
    os.kill(process, signal.SIGUSR2)
    os.kill(process, signal.SIGUSR2)
    ended(second)
    assert second.status == "done", second.error
    assert [what for what, _, _ in noted(ledger)] == ["begins", "ends", "begins", "begins", "ends"]
    assert second.attempts == 2


@pytest.mark.slow
def test_what_was_sent_is_taken_up_again_after_a_restart(
    open_cluster: Callable[..., Slurm], slurm_state: Path, ledger: str
) -> None:
    request = Tiny(name=fresh(), ledger=ledger, steps=20, seconds=0.1)
    before = open_cluster("slurm")
    handle = before.submit(request)
    until(lambda: handle.status == "running")
    before.close()
    assert handle.status == "cancelled", "nobody here waits for it any more"
    after = open_cluster("slurm", store="after the restart")
    again = after.submit(request)
    ended(again)
    assert again.status == "done" and [what for what, _, _ in noted(ledger)] == ["begins", "ends"]
    assert len(RunFolder.all_in(after.folder)) == 1


@pytest.mark.slow
def test_a_restart_of_the_dashboard_leaves_what_runs_and_what_waits_on_the_cluster_alone(
    open_cluster: Callable[..., Slurm], slurm_state: Path, ledger: str
) -> None:
    requests = [Tiny(name=fresh(), ledger=ledger, steps=20, seconds=0.1) for _ in range(3)]

    def dashboard(store: str) -> Jobs:
        there = open_cluster("slurm", store)
        return Jobs(ResultStore(there.folder.parent / store), carriers=lambda line, runner: Relays(line, runner, there))

    before = dashboard("results")
    for request in requests:
        before.submit(request)
    runs = open_cluster("slurm").folder
    until(lambda: noted(ledger) != [] and sum(len(run.parts()) for run in RunFolder.all_in(runs)) == len(requests))
    before.close()
    after = dashboard("after the restart")
    assert {after.wait(after.submit(request), SECONDS).status for request in requests} == {"done"}
    after.close()
    assert sorted(name for what, name, _ in noted(ledger) if what == "begins") == sorted(each.name for each in requests)


def test_what_was_sent_can_be_collected_by_somebody_else(open_cluster: Callable[..., Slurm], tmp_path: Path) -> None:
    there = open_cluster()
    done, failed = there.submit_all([Tiny(name=fresh()), Tiny(name=fresh(), act="refuses")])
    ended(done, failed)
    (run,) = RunFolder.all_in(tmp_path / "runs")
    other = Runner(ResultStore(tmp_path / "another"))
    found = collect(run, other)
    assert found.complete and found.taken == 1 and other.find(done.key) is not None
    assert found.failed == {failed.key: "Unit 900 is out of range."}


def test_what_failed_is_sent_again_with_a_word(
    open_cluster: Callable[..., Slurm], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = open_cluster()
    request = Tiny(name=fresh())
    real = Tiny.run

    def refuses(self: Tiny, context: object) -> None:
        raise BadRequest("The disk of the node is full.")

    monkeypatch.setattr(Tiny, "run", refuses)
    handle = there.submit(request)
    ended(handle)
    assert str(handle.error) == "The disk of the node is full."
    monkeypatch.setattr(Tiny, "run", real)
    (run,) = RunFolder.all_in(there.folder)
    assert there.resend(run) == 1
    until(lambda: run.parts()[request.key()].status == "done")
    assert collect(run, there.runner).failed == {} and there.runner.find(request.key()) is not None
    assert there.resend(run) == 0


def spoil(run: RunFolder) -> None:
    """Of what a run made one file is damaged, and the other ones are gone."""
    (_, damaged), *rest = run.results()
    damaged.write_bytes(damaged.read_bytes()[:100])
    for _, file in rest:
        file.unlink()


def test_what_is_done_and_whose_result_got_lost_is_sent_again_with_a_word(open_cluster: Callable[..., Slurm]) -> None:
    handles = open_cluster().submit_all([Tiny(name=fresh()), Tiny(name=fresh())])
    ended(*handles)
    other = open_cluster(store="another")
    (run,) = RunFolder.all_in(other.folder)
    spoil(run)
    assert other.resend(run) == 2
    until(lambda: all(part.status == "done" for part in run.parts().values()))
    collect(run, other.runner)
    assert all(other.runner.find(handle.key) is not None for handle in handles) and other.resend(run) == 0


def test_who_asks_again_for_what_got_lost_gets_it_computed_again(
    open_cluster: Callable[..., Slurm], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "LATE_SECONDS", 0.5)
    request = Tiny(name=fresh())
    ended(open_cluster().submit(request))
    other = open_cluster(store="another")
    spoil(*RunFolder.all_in(other.folder))
    handle = other.submit(request)
    ended(handle)
    assert isinstance(handle.error, RefusedFile), handle.status
    again = other.submit(request)
    ended(again)
    assert again.status == "done", again.error


@pytest.mark.slow
def test_what_was_written_down_but_never_sent_is_sent_by_who_asks_next(
    open_cluster: Callable[..., Slurm], slurm_state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "SENDING_SECONDS", 0.0)
    there = open_cluster("slurm")
    request = Tiny(name=fresh())
    run = RunFolder.create(there.folder, "slurm")  # and then its machine went down
    run.add_task([Task.of(request)])
    handle = there.submit(request)
    ended(handle)
    assert handle.status == "done" and len(run.tasks()) == 2


def test_the_numbers_of_jobs_that_somebody_else_is_still_sending_are_looked_for_until_they_are_there(
    open_cluster: Callable[..., Slurm], monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[str] = []
    monkeypatch.setattr(Slurm, "_tend", lambda self: None)
    monkeypatch.setattr(sending, "has_ended", lambda run, job: False if job else None)
    monkeypatch.setattr(sending, "stop", lambda run, job: stopped.extend([job.job_id] if job else []))
    there, requests = open_cluster("slurm"), [Tiny(name=fresh()) for _ in range(2)]
    run = RunFolder.create(there.folder, "slurm")
    tasks = [run.add_task([Task.of(request)]) for request in requests]
    for task, request in zip(tasks, requests, strict=True):
        (run.path / "tasks" / task / "began" / request.key()).write_text("node1 7\n")
    unwanted, wanted = there.submit_all(requests)
    unwanted.cancel()
    (watched,) = there._watched.values()
    there._look(watched)
    for number, task in enumerate(tasks):
        run.note_job(task, f"1000_{number}")
    monkeypatch.setattr(cluster, "SENDING_SECONDS", 0.0)
    monkeypatch.setattr(cluster, "LATE_SECONDS", 0.0)
    there._look(watched)
    assert stopped == ["1000_0"] and wanted.status == "running"
    assert len(run.tasks()) == 2, "nothing is sent a second time"


def test_what_somebody_else_cancelled_and_still_runs_is_not_joined_but_sent_again(
    open_cluster: Callable[..., Slurm],
) -> None:
    there, request = open_cluster(), Tiny(name=fresh())
    run = RunFolder.create(there.folder, there.cluster)
    (run.path / "tasks" / run.add_task([Task.of(request)]) / "began" / request.key()).write_text("node1 7\n")
    assert there._join([handle := Handle(request, request.key(), lambda: None)]) == []
    run.cancel([request.key()])
    assert run.parts()[request.key()].status == "running" and there._join([handle]) == [handle]


@pytest.mark.slow
def test_a_part_that_kills_its_job_each_time_loses_none_of_those_that_wait_behind_it(
    open_cluster: Callable[..., Slurm], slurm_state: Path
) -> None:
    there = open_cluster("slurm")
    deadly, behind = there.submit_all([Tiny(name=fresh(), act="dies"), Tiny(name=fresh())])
    ended(deadly, behind)
    assert deadly.status == "failed" and "died twice" in str(deadly.error)
    assert (behind.status, behind.attempts) == ("done", 1), behind.error


@pytest.mark.slow
def test_what_waits_in_the_queue_of_the_cluster_is_taken_out_of_it(
    open_cluster: Callable[..., Slurm], slurm_state: Path, ledger: str
) -> None:
    there = open_cluster("slurm")
    requests = [Tiny(name=fresh(), ledger=ledger, steps=1000, seconds=0.05) for _ in range(6)]
    handles = there.submit_all(requests)
    until(lambda: handles[0].status == "running")
    for handle in handles[4:]:
        handle.cancel()
    ended(*handles[4:])
    until(lambda: "CANCELLED" in (slurm_state / "1000_2").read_text())
    assert handles[0].status == "running", "its place in the queue is not what ends it"
    for handle in handles[:4]:
        handle.cancel()
    ended(*handles)
    assert {handle.status for handle in handles} == {"cancelled"}
    assert not {name for _, name, _ in noted(ledger)} & {each.name for each in requests[4:]}


def test_without_a_cluster_it_is_one_sentence(
    open_cluster: Callable[..., Slurm], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    there = open_cluster("slurm")
    handle = there.submit(Tiny(name=fresh()))
    ended(handle)
    assert isinstance(handle.error, Gone) and "srun" in str(handle.error)
    assert str(handle.error).startswith("The cluster took no job: ")
    assert str(handle.error).endswith("Look at [cluster] in vitrine.toml.")
    again = there.submit(handle.request)
    ended(again)
    assert isinstance(again.error, Gone), "it does not wait for what was never sent"
    assert RunFolder.all_in(there.folder) == [], "nothing is left behind each time that somebody asks"


def test_what_a_cluster_refuses_after_it_took_some_fails_and_what_it_took_is_waited_for(
    open_cluster: Callable[..., Slurm], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "LARGEST_ARRAY", 1)
    package, sent = sending.submitit(), []
    real = package.AutoExecutor.submit

    def submit(self: object, work: object) -> object:
        sent.append(work)
        if len(sent) > 1:
            raise package.core.utils.FailedJobError("You may have one job.\nMore of the same.")
        return real(self, work)

    monkeypatch.setattr(package.AutoExecutor, "submit", submit)
    there = open_cluster()
    handles = there.submit_all([Tiny(name=fresh()) for _ in range(4)])
    ended(*handles)
    assert [handle.status for handle in handles] == ["done"] * 2 + ["failed"] * 2, "two to a job"
    assert str(handles[3].error) == (
        "The cluster took only 1 of 2 jobs: You may have one job. Look at [cluster] in vitrine.toml."
    )
    (run,) = RunFolder.all_in(there.folder)
    assert sorted(part.status for part in run.parts().values()) == ["done", "done", "failed", "failed"]


def test_a_send_that_fails_in_a_way_that_nobody_thought_of_is_not_the_end_of_the_next_one(
    open_cluster: Callable[..., Slurm], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = open_cluster()
    with monkeypatch.context() as broken:
        broken.setattr(sending.submitit(), "AutoExecutor", None)
        handle = there.submit(Tiny(name=fresh()))
        ended(handle)
    assert handle.status == "failed" and "Something went wrong inside tiny" in str(handle.error)
    again = there.submit(Tiny(name=fresh()))
    ended(again)
    assert again.status == "done", again.error


def test_without_a_shared_folder_the_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="slurm_folder"):
        choose.open_executor(Runner(ResultStore(tmp_path)), "slurm")
    with pytest.raises(BadRequest, match="dask_scheduler"):
        choose.open_executor(Runner(ResultStore(tmp_path)), "dask")


def test_what_names_an_upload_is_refused_before_anything_is_sent(open_cluster: Callable[..., Slurm]) -> None:
    there = open_cluster()
    with pytest.raises(Unshared, match=r"uploaded to this server alone, .* \(executor = 'slurm'\) do not see it"):
        there.submit_all([Tiny(name=fresh()), Tiny(name="up-0123456789abcdef")])
    there.close()
    assert RunFolder.all_in(there.folder) == []
    assert Pool.elsewhere and not Processes.elsewhere and not Threads.elsewhere, (
        "this machine sees its own cache folder"
    )


def test_processes_of_this_machine_take_the_place_of_a_cluster_where_the_settings_say_so(tmp_path: Path) -> None:
    runner = Runner(ResultStore(tmp_path / "results"))
    for named in ("local", "slurm"):
        chosen = Cluster.model_validate({"slurm_folder": tmp_path / "runs", "slurm_cluster": named})
        opened = choose.open_executor(runner, "slurm", chosen)
        opened.close()
        assert isinstance(opened, Slurm) and opened.cluster == named
