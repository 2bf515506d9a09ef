"""No test of a page leaves a job behind."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.pages.opening import owners_of


@pytest.fixture(autouse=True)
def no_job_is_left_behind() -> Iterator[None]:
    yield
    scheduler = sys.modules.get("engine.jobs.scheduler")
    if scheduler is None or not scheduler._open_jobs.cache_info().currsize:
        return  # no page asked for anything
    jobs = scheduler.jobs
    for job in jobs().active():
        for owner in owners_of(job.id):
            jobs().cancel(job, owner)
