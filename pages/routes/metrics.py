"""`/api/metrics`: what a Prometheus server reads. Closed to strangers by `pages.routes.guard`."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from engine.core import config, logs, release
from pages.common import serve
from pages.routes import answers, health, requests

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

ABSENT = "Metrics need the package prometheus_client. Run: pip install -r requirements-metrics.txt"


def metrics(request: Request) -> Response:
    """All numbers, in the text form that Prometheus reads; 503 where its client is not installed."""
    try:
        from prometheus_client import CollectorRegistry, ProcessCollector
        from prometheus_client.exposition import choose_encoder
    except ModuleNotFoundError:
        return _absent()
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(Collector())
    encoder, kind = choose_encoder(request.headers.get("accept", ""))
    return Response(encoder(registry), media_type=kind, headers=answers.NO_STORE)


def _absent() -> JSONResponse:
    return answers.refused(ABSENT, 503)


class Collector:
    """Reads the numbers from those who keep them."""

    def collect(self) -> Iterator[Metric]:
        """Of the server, of the store and, once the engine is there, of jobs and memory."""
        yield from _server()
        yield from _store()
        if serve.is_ready() and serve.warm_up().error is None:
            yield from _jobs()
            yield from _memory()


def _gauge(name: str, says: str, values: Mapping[str, float | None] | float, label: str = "kind") -> Metric:
    """A number that goes up and down, alone or one a label."""
    from prometheus_client.core import GaugeMetricFamily

    if not isinstance(values, Mapping):
        return GaugeMetricFamily(f"vitrine_{name}", says, value=values)
    family = GaugeMetricFamily(f"vitrine_{name}", says, labels=[label])
    for kind, value in values.items():
        if value is not None:
            family.add_metric([kind], value)
    return family


def _counter(name: str, says: str, labels: list[str], values: Mapping[Any, float]) -> Metric:
    """A number that only grows, one a set of labels."""
    from prometheus_client.core import CounterMetricFamily

    family = CounterMetricFamily(f"vitrine_{name}", says, labels=labels)
    for kinds, value in values.items():
        family.add_metric(list(kinds), value)
    return family


def _server() -> Iterator[Metric]:
    from prometheus_client.core import InfoMetricFamily

    counts = requests.COUNTS
    yield InfoMetricFamily(
        "vitrine", "Which Vitrine runs.", value={"version": release.VERSION, "commit": release.commit() or "unknown"}
    )
    yield _gauge("start_time_seconds", "When the process began, seconds since 1970.", release.STARTED)
    yield _gauge("ready", "1 when pages can be drawn and results kept.", float(not health.why_not()))
    yield _gauge("sessions", "Browser sessions that are connected.", counts.sessions)
    yield _gauge("threads", "Threads of the process.", threading.active_count())
    answered = {(status,): float(count) for status, count in sorted(counts.answers.items())}
    yield _counter("answers", "Answers over HTTP, by status.", ["status"], answered)
    yield _counter("page_runs", "Runs of pages.", ["page"], {(page,): n for page, n in sorted(counts.runs.items())})
    took = {(page,): seconds for page, seconds in sorted(counts.run_seconds.items())}
    yield _counter("page_run_seconds", "Seconds that runs of pages took.", ["page"], took)
    lines = {(level,): float(logs.COUNTS.lines[level]) for level in ("warning", "error", "critical")}
    yield _counter("log_lines", "Lines of the log, by level.", ["level"], lines)


def _store() -> Iterator[Metric]:
    store = config.store()
    stored = store.stats()
    reads = {(outcome,): float(count) for outcome, count in store.reads().items()}
    yield _counter("cache_reads", "Results that were looked for in the cache.", ["outcome"], reads)
    yield _gauge("cache_results", "Results in the cache.", stored["entries"])
    yield _gauge("cache_bytes", "Bytes in the cache.", stored["bytes"])
    yield _gauge("cache_limit_bytes", "How many bytes the cache may have.", stored["limit_bytes"])
    yield _gauge("cache_problems", "What went wrong with the cache since the process began.", len(store.problems()))


def _jobs() -> Iterator[Metric]:
    from prometheus_client.core import HistogramMetricFamily

    from engine.jobs.scheduler import jobs
    from engine.jobs.tally import BOUNDS

    line, tally = jobs(), jobs().tally
    yield _gauge("jobs", "Jobs now, and those that an earlier process did not finish.", line.counts(), "status")
    yield _gauge("draining", "1 while no more jobs are taken, since the server is about to end.", float(line.draining))
    ended = {kinds: float(count) for kinds, count in sorted(tally.ended.copy().items())}
    yield _counter("jobs_ended", "Jobs that ended.", ["experiment", "status"], ended)
    seconds = HistogramMetricFamily("vitrine_job_seconds", "How long jobs ran.", labels=["experiment"])
    for experiment, taken in sorted(tally.seconds.copy().items()):
        buckets = [(str(bound), count) for bound, count in zip(BOUNDS, taken.up_to, strict=True)]
        seconds.add_metric([experiment], [*buckets, ("+Inf", taken.count)], taken.total)
    yield seconds


def _memory() -> Iterator[Metric]:
    from engine.core import devices
    from engine.models import catalog

    device, host = devices.describe(devices.pick()), devices.host_memory()
    kinds = {"total": device["memory_total"], "free": device["memory_free"]}
    yield _gauge("device_memory_bytes", f"Memory of the device ({device['kind']}).", kinds)
    yield _gauge("host_memory_bytes", "Memory of the machine.", {"total": host[0], "free": host[1]})
    yield _gauge("models_loaded", "Models in memory.", len(catalog.pool().keys()))
    yield _gauge("models_bytes", "Bytes of the models in memory.", catalog.pool().memory_bytes)


ROUTES = [Route("/api/metrics", metrics)]
