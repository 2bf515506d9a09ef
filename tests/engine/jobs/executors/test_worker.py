"""A worker sees to it that it would compute exactly what was asked for, and hands on what it made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cache.blob import Blob
from cache.store import ResultStore, StoreFull
from engine.core.errors import BadRequest, Cancelled, PutBack
from engine.core.request import Made, Progress
from engine.jobs import keys
from engine.jobs.executors.wire import Task, checked
from engine.jobs.executors.worker import Box, Failed, Lacks, Sparing, carry_out, ended_with, problem_of, understood
from tests.engine.jobs.executors.tiny import Tiny, noted


def told(progress: Progress | None) -> None:
    """Nobody listens."""


def task_of(asked: Tiny, /, **changed: Any) -> Task:
    return Task(**{**vars(Task.of(asked)), **changed})


def test_a_request_is_understood_where_everything_is_the_same() -> None:
    assert understood(Task.of(Tiny(name="a"))) == Tiny(name="a")


def test_a_worker_of_another_version_says_so() -> None:
    older = json.loads(Tiny(name="a").canonical()) | {"version": 0}
    with pytest.raises(Lacks, match=r"another version of “tiny”\. Install the same Vitrine"):
        understood(task_of(Tiny(name="a"), request=json.dumps(older, sort_keys=True, separators=(",", ":"))))


def test_a_worker_that_does_not_know_the_experiment_says_so() -> None:
    with pytest.raises(Lacks, match="does not know this request"):
        understood(task_of(Tiny(name="a"), request='{"experiment":"unknown"}'))


def test_a_worker_that_lacks_the_weights_or_has_others_says_so(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.write_text("ours")
    task = Task.of(Tiny(name="a", weights=str(weights)))
    weights.write_text("others")
    with pytest.raises(Lacks, match="has another weights of that name than was asked for"):
        understood(task)
    weights.unlink()
    with pytest.raises(Lacks, match="lacks something: The weights “tiny” are not here"):
        understood(task)


def test_a_worker_that_computes_in_another_precision_than_is_wanted_says_so() -> None:
    ours = keys.computes_in(Tiny)
    other = "float32" if ours != "float32" else "bfloat16"
    understood(Task.of(Tiny(name="a"), ours))
    with pytest.raises(Lacks, match=f"computes in {ours}, and {other} was asked for"):
        understood(Task.of(Tiny(name="a"), other))


def test_what_is_carried_out_is_in_the_box_and_can_be_checked() -> None:
    box, task = Box(), Task.of(Tiny(name="abc"))
    facts = carry_out(task, box, told)
    assert facts["status"] == "done" and [*box.made] == [facts["place"]]
    assert checked(facts["place"], box.made[facts["place"]]).arrays["x"].tolist() == [97, 98, 99]


def test_how_it_ended_is_told_in_plain_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    def cancelled(progress: Progress | None) -> None:
        raise Cancelled("stopped")

    refused = carry_out(Task.of(Tiny(name="a", act="refuses")), Box(), told)
    assert refused == {"status": "failed", "error": "Unit 900 is out of range.", "broken": False}
    assert carry_out(Task.of(Tiny(name="a", act="breaks")), Box(), told)["broken"]
    bug = carry_out(Task.of(Tiny(name="a", act="fails")), Box(), told)
    assert bug["status"] == "failed" and "secret" not in bug["error"]
    assert carry_out(Task.of(Tiny(name="a")), Box(), cancelled)["status"] == "cancelled"
    other = carry_out(task_of(Tiny(name="a"), fingerprints={"weights": "x"}), Box(), told)
    assert other["status"] == "lacks" and isinstance(problem_of(other), Lacks)


def test_a_problem_comes_back_as_what_it_was() -> None:
    request = Tiny(name="a")
    for problem, kind in ((PutBack("later"), PutBack), (Lacks("none"), Lacks), (BadRequest("bad"), Failed)):
        back = problem_of(ended_with(problem, request))
        assert type(back) is kind and str(back) == str(problem)
    assert "read what it was sent" in ended_with(ValueError("secret"), None)["error"]


def test_a_box_hands_on_what_could_not_be_stored_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ResultStore(tmp_path / "results")
    box = Box(store, every=False)
    box.put("a", Blob(facts={"n": 1}))
    assert box.made == {} and store.has("a")

    def full(*_: object) -> None:
        raise StoreFull("The disk is full.")

    monkeypatch.setattr(store, "put_bytes", full)
    box.put("b", Blob(facts={"n": 2}))
    assert [*box.made] == ["b"] and (there := box.get("b")) is not None and there.facts == {"n": 2}
    store.close()


def test_a_box_of_another_machine_hands_on_all_that_was_made(tmp_path: Path) -> None:
    store = ResultStore(tmp_path / "results")
    first, again = Box(store), Box(store)
    task = Task.of(Tiny(name="a"))
    place = carry_out(task, first, told)["place"]
    assert first.made[place] == store.get_bytes(place)
    assert carry_out(task, again, told)["place"] == place and again.get_bytes(place) == first.made[place]
    store.close()


def test_a_result_that_does_not_say_what_it_was_made_of_is_computed_again(tmp_path: Path, ledger: str) -> None:
    store, request = ResultStore(tmp_path / "results"), Tiny(name="a", ledger=ledger)
    place = keys.stored_key(request.key(), keys.computes_in(request))
    old = {"request": json.loads(request.canonical()), "facts": {"precision": keys.computes_in(request)}}
    store.put(place, Blob(facts=old))
    box = Box(store)
    assert carry_out(Task.of(request), box, told)["status"] == "done"
    assert len(noted(ledger)) == 2 and checked(place, box.made[place]).arrays["x"].tolist() == [97, 32, 32]
    store.close()


def test_reports_are_sent_now_and_then_and_no_finished_picture_is_lost() -> None:
    sent: list[Progress] = []
    sparing = Sparing(sent.append, lambda: False, seconds=3600)
    picture = np.zeros((1, 1, 3), np.uint8)
    sparing(Progress(1, 9))
    sparing(Progress(2, 9, made={"7": Made(picture, 1.0)}))
    sparing(Progress(3, 9, "three"))
    assert [each.step for each in sent] == [1]
    sparing.flush()
    sparing.flush()
    assert [each.step for each in sent] == [1, 3] and sent[1].made["7"].activation == 1.0


def test_a_report_of_what_was_cancelled_stops_it() -> None:
    with pytest.raises(Cancelled):
        Sparing(lambda progress: None, lambda: True)(None)
