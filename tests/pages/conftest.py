"""No test of a page leaves a job behind."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from engine.people.person import Person


@pytest.fixture(autouse=True)
def no_job_is_left_behind() -> Iterator[None]:
    yield
    scheduler = sys.modules.get("engine.jobs.scheduler")
    if scheduler is None or not scheduler._open_jobs.cache_info().currsize:
        return  # no page asked for anything
    jobs = scheduler._open_jobs()  # not by the name that a test may still have put something in the place of
    for job in jobs.active():
        for owner in list(jobs._records[job.id].owners):
            jobs.cancel(job, Person(owner))
