"""The metrics of this process and of the database, for Prometheus.

Requests are counted in plain dictionaries, because they all end in the event loop: the counters of
``prometheus_client`` take a lock per bucket. Everything else is read when Prometheus requests it.
Counts of jobs come from the database, so that all replicas report the same.
"""

import platform
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from service import __version__
from service.api.exchange import Exchange
from service.errors import ServiceError
from service.rendering.pool import RenderPool
from service.scheduling import Scheduler
from service.store import job_queries, job_totals
from service.store.database import Database
from service.store.job_queries import UnfinishedJobs
from service.store.job_totals import JobSeconds

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BOUNDS: Final = (*map(str, BUCKETS), "+Inf")
NO_ROUTE: Final = "none"  # the route of requests that match none, or are refused before
NO_STATUS: Final = "none"  # of a request that the end of the service canceled


@dataclass(slots=True)
class _Durations:
    """A histogram of durations: how many are in each bucket, and their sum."""

    counts: list[int] = field(default_factory=lambda: [0] * len(BOUNDS))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds


class Metrics(Collector):
    """Counts requests, and collects the state of the service.

    Parameters
    ----------
    scheduler, render_pool, database
        Those of the service.
    count_workers
        Returns how many workers of this process are alive.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        render_pool: RenderPool,
        database: Database,
        count_workers: Callable[[], int],
    ) -> None:
        self._scheduler = scheduler
        self._render_pool = render_pool
        self._database = database
        self._count_workers = count_workers
        self._requests: dict[tuple[str, str, str], int] = {}
        self._durations: dict[tuple[str, str], _Durations] = {}
        self._work: dict[str, tuple[float, float]] = {}
        self.registry = CollectorRegistry()
        self.registry.register(self)
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def observe(self, exchange: Exchange) -> None:
        """Count a request that has ended. Call it in the event loop."""
        route = exchange.route or NO_ROUTE
        status = NO_STATUS if exchange.outcome is None else str(exchange.outcome)
        # A client may invent methods, so those of unknown routes are counted together.
        method = exchange.method if exchange.route is not None else NO_ROUTE
        request = route, method, status
        self._requests[request] = self._requests.get(request, 0) + 1
        durations = self._durations.get((route, method))
        if durations is None:
            durations = self._durations[route, method] = _Durations()
        durations.add(exchange.seconds)
        work = exchange.work
        if work.actual:  # otherwise it accepted a job at most
            estimated, actual = self._work.get(route, (0.0, 0.0))
            self._work[route] = estimated + work.estimated, actual + work.actual

    def describe(self) -> Iterator[Metric]:
        """Return nothing, so that registering does not collect."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics. It reads the database, so do not call it in the event loop."""
        build = GaugeMetricFamily(
            "rnn_build_info", "The version of the service.", labels=["version", "python"]
        )
        build.add_metric([__version__, platform.python_version()], 1.0)
        yield build
        yield from self._collect_requests()
        yield from self._collect_queues()
        yield from self._collect_database()

    def _collect_requests(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "rnn_http_requests",
            "Requests by route, method and status.",
            labels=["route", "method", "status"],
        )
        for labels, n in list(self._requests.items()):
            requests.add_metric(labels, n)
        yield requests
        durations = HistogramMetricFamily(
            "rnn_http_request_duration_seconds",
            "Seconds from the request to the end of its response.",
            labels=["route", "method"],
        )
        for (route, method), each in list(self._durations.items()):
            buckets = list(zip(BOUNDS, accumulate(each.counts), strict=True))
            durations.add_metric([route, method], buckets, each.total)
        yield durations
        estimated = CounterMetricFamily(
            "rnn_computation_estimated_seconds",
            "Estimated seconds of computations by route.",
            labels=["route"],
        )
        actual = CounterMetricFamily(
            "rnn_computation_seconds", "Actual seconds of computations by route.", labels=["route"]
        )
        for route, work in list(self._work.items()):
            estimated.add_metric([route], work[0])
            actual.add_metric([route], work[1])
        yield estimated
        yield actual

    def _collect_queues(self) -> Iterator[Metric]:
        computations = GaugeMetricFamily(
            "rnn_computations",
            "CPU work of requests that waits for a core or runs, by queue.",
            labels=["queue", "state"],
        )
        for queue, counts in self._scheduler.counts().items():
            computations.add_metric([queue, "waiting"], counts.waiting)
            computations.add_metric([queue, "running"], counts.running)
        yield computations
        pictures = GaugeMetricFamily(
            "rnn_pictures", "Pictures that wait for a renderer or are drawn.", labels=["state"]
        )
        pictures.add_metric(["waiting"], self._render_pool.n_waiting)
        pictures.add_metric(["running"], self._render_pool.n_drawing)
        yield pictures
        yield GaugeMetricFamily(
            "rnn_workers", "Workers of this process that are alive.", self._count_workers()
        )

    def _collect_database(self) -> Iterator[Metric]:
        try:
            unfinished = job_queries.count_unfinished(self._database)
            totals = job_totals.read(self._database)
            n_bytes: float | None = self._database.size_bytes()
        except ServiceError:
            n_bytes = None
        yield GaugeMetricFamily(
            "rnn_database_up", "Whether the database is available.", float(n_bytes is not None)
        )
        if n_bytes is None:
            return
        yield GaugeMetricFamily("rnn_database_bytes", "The size of the database.", n_bytes)
        yield from _describe_unfinished(unfinished)
        yield from _describe_totals(totals)


def _describe_unfinished(unfinished: Iterable[UnfinishedJobs]) -> Iterator[Metric]:
    jobs = GaugeMetricFamily(
        "rnn_jobs", "Jobs that are queued or running.", labels=["kind", "status"]
    )
    ages = GaugeMetricFamily(
        "rnn_job_oldest_age_seconds",
        "Seconds since the submission of the oldest job, by kind and status.",
        labels=["kind", "status"],
    )
    for each in unfinished:
        jobs.add_metric([each.kind, each.status], each.n)
        ages.add_metric([each.kind, each.status], each.oldest_seconds)
    yield jobs
    yield ages


def _describe_totals(totals: Iterable[JobSeconds]) -> Iterator[Metric]:
    estimated = CounterMetricFamily(
        "rnn_job_estimated_seconds",
        "Estimated seconds of what workers have computed, by kind of job.",
        labels=["kind"],
    )
    actual = CounterMetricFamily(
        "rnn_job_seconds", "Actual seconds that workers have computed, by kind.", labels=["kind"]
    )
    for each in totals:
        estimated.add_metric([each.kind], each.estimated)
        actual.add_metric([each.kind], each.actual)
    yield estimated
    yield actual
