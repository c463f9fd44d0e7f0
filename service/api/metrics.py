"""The metrics of this process and of the database, for Prometheus.

Counts of jobs come from the database, so that all replicas report the same.
"""

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service import __version__
from service.api.request_record import RequestRecord
from service.errors import ServiceError
from service.rendering.pool import RenderPool
from service.scheduling import Scheduler
from service.store import job_queries
from service.store.database import Database

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
NO_ROUTE: Final = "none"  # the route of requests that match none, or are rejected before
NO_STATUS: Final = "none"  # for a request that was canceled by the shutdown

disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """Counters of requests, and the state of the service."""

    def __init__(
        self,
        scheduler: Scheduler,
        render_pool: RenderPool,
        database: Database,
        count_workers: Callable[[], int],
    ) -> None:
        self.registry = registry = CollectorRegistry()
        counter = partial(Counter, registry=registry)
        labels = ["route", "method"]
        help_text = "Requests by route, method and status."
        self._requests = counter("rnn_http_requests", help_text, [*labels, "status"])
        name, help_text = "rnn_http_request_duration_seconds", "Seconds until the response ended."
        self._durations = Histogram(name, help_text, labels, buckets=BUCKETS, registry=registry)
        name, help_text = "rnn_computation_estimated_seconds", "Estimated seconds of computations."
        self._estimated = counter(name, help_text, ["route"])
        name, help_text = "rnn_computation_seconds", "Actual seconds of computations."
        self._actual = counter(name, help_text, ["route"])
        registry.register(StateCollector(scheduler, render_pool, database, count_workers))
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)

    def observe(self, record: RequestRecord) -> None:
        """Count a request that has ended."""
        route = record.route or NO_ROUTE
        status = NO_STATUS if record.outcome is None else str(record.outcome)
        # A client can invent methods, so methods of unknown routes are counted together.
        method = record.method if record.route is not None else NO_ROUTE
        self._requests.labels(route, method, status).inc()
        self._durations.labels(route, method).observe(record.seconds)
        if record.work.spent:  # otherwise it only accepted a job
            self._estimated.labels(route).inc(record.work.estimated)
            self._actual.labels(route).inc(record.work.spent)


@dataclass(eq=False)
class StateCollector(Collector):
    """A collector of the state of this process and of the database, called by Prometheus."""

    scheduler: Scheduler
    render_pool: RenderPool
    database: Database
    count_workers: Callable[[], int]

    def describe(self) -> list[Metric]:
        """Return nothing, so that registration does not read the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics. Do not call it in the event loop."""
        build = GaugeMetricFamily(
            "rnn_build_info", "The version of the service.", labels=["version", "python"]
        )
        build.add_metric([__version__, platform.python_version()], 1.0)
        work = GaugeMetricFamily(
            "rnn_computations",
            "Waiting and running computations of requests, by queue.",
            labels=["queue", "state"],
        )
        for queue, counts in self.scheduler.counts().items():
            for state, n in counts._asdict().items():
                work.add_metric([queue, state], n)
        pictures = GaugeMetricFamily(
            "rnn_pictures", "Waiting and drawn pictures.", labels=["state"]
        )
        pictures.add_metric(["waiting"], self.render_pool.n_waiting)
        pictures.add_metric(["running"], self.render_pool.n_drawing)
        n_workers = self.count_workers()
        workers = GaugeMetricFamily("rnn_workers", "Live workers of this process.", n_workers)
        yield from (build, work, pictures, workers, *self._collect_database())

    def _collect_database(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("rnn_database_up", "1 if the database is available.")
        try:
            unfinished = job_queries.count_unfinished(self.database)
            n_bytes = self.database.size_bytes()
        except ServiceError:
            up.add_metric([], 0.0)
            yield up
            return
        up.add_metric([], 1.0)
        yield up
        yield GaugeMetricFamily("rnn_database_bytes", "The size of the database.", n_bytes)
        labels = ["kind", "status"]
        jobs = GaugeMetricFamily("rnn_jobs", "Queued and running jobs.", labels=labels)
        ages = GaugeMetricFamily(
            "rnn_job_oldest_age_seconds",
            "Seconds since the submission of the oldest job, by kind and status.",
            labels=labels,
        )
        for group in unfinished:
            jobs.add_metric([group.kind, group.status], group.n)
            ages.add_metric([group.kind, group.status], group.oldest_seconds)
        yield from (jobs, ages)
