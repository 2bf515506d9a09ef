"""No test of a page leaves a job behind."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from engine.people.person import Person


@pytest.fixture(autouse=True)
def no_job_is_left_behind() -> Iterator[None]:
    yield
    scheduler: Any = sys.modules.get("engine.jobs.scheduler")
    opened = getattr(scheduler, "_open_jobs", None)  # a page's thread may be importing it just now
    if opened is None or not opened.cache_info().currsize:
        return  # no page asked for anything
    jobs = opened()  # not by the name that a test may still have put something in the place of
    for job in jobs.active():
        for owner in list(jobs._records[job.id].owners):
            jobs.cancel(job, Person(owner))
