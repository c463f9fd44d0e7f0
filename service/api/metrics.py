"""The metrics of this process and of the database, for Prometheus.

Counts of jobs come from the database, so that all replicas report the same.
"""

import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import prometheus_client as prometheus
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service import __version__
from service.api.request_record import RequestRecord
from service.errors import ServiceError
from service.rendering.pool import RenderPool
from service.scheduling.scheduler import Scheduler
from service.store import job_queries
from service.store.database import Database

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
NO_ROUTE: Final = "none"  # the route of requests that match none, or are rejected before
NO_STATUS: Final = "none"  # for a request that was canceled by the shutdown

prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """Counters of requests, and the state of the service."""

    def __init__(
        self,
        scheduler: Scheduler,
        render_pool: RenderPool,
        database: Database,
        count_workers: Callable[[], int],
    ) -> None:
        self.registry = registry = prometheus.CollectorRegistry()
        counter = partial(prometheus.Counter, registry=registry)
        labels = ["route", "method"]
        help_text = "Requests by route, method and status."
        self._requests = counter("rnn_http_requests", help_text, [*labels, "status"])
        name, help_text = "rnn_http_request_duration_seconds", "Seconds until the response ended."
        self._durations = prometheus.Histogram(
            name, help_text, labels, buckets=BUCKETS, registry=registry
        )
        name, help_text = "rnn_computation_estimated_seconds", "Estimated seconds of computations."
        self._estimated = counter(name, help_text, ["route"])
        name, help_text = "rnn_computation_seconds", "Actual seconds of computations."
        self._actual = counter(name, help_text, ["route"])
        build = {"version": __version__, "python": platform.python_version()}
        prometheus.Info("rnn_build", "The version of the service.", registry=registry).info(build)
        workers = prometheus.Gauge(
            "rnn_workers", "Live workers of this process.", registry=registry
        )
        workers.set_function(count_workers)
        registry.register(StateCollector(scheduler, render_pool, database))
        prometheus.ProcessCollector(registry=registry)
        prometheus.GCCollector(registry=registry)

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

    def describe(self) -> list[Metric]:
        """Return nothing, so that registration does not read the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics. Do not call it in the event loop."""
        work = {
            (queue, state): n
            for queue, counts in self.scheduler.counts().items()
            for state, n in counts._asdict().items()
        }
        help_text = "Waiting and running computations of requests, by queue."
        yield _gauge("rnn_computations", help_text, work.items(), "queue", "state")
        pictures = {(state,): n for state, n in self.render_pool.counts._asdict().items()}
        yield _gauge("rnn_pictures", "Waiting and drawn pictures.", pictures.items(), "state")
        name, help_text = "rnn_database_up", "1 if the database is available."
        try:
            groups = job_queries.count_unfinished(self.database)
            n_bytes = self.database.size_bytes()
        except ServiceError:
            yield GaugeMetricFamily(name, help_text, 0.0)
            return
        yield GaugeMetricFamily(name, help_text, 1.0)
        yield GaugeMetricFamily("rnn_database_bytes", "The size of the database.", n_bytes)
        jobs = {(group.kind, group.status): group.n for group in groups}
        yield _gauge("rnn_jobs", "Queued and running jobs.", jobs.items(), "kind", "status")
        ages = {(group.kind, group.status): group.oldest_seconds for group in groups}
        help_text = "Seconds since the submission of the oldest job, by kind and status."
        yield _gauge("rnn_job_oldest_age_seconds", help_text, ages.items(), "kind", "status")


def _gauge(
    name: str, help_text: str, values: Iterable[tuple[Sequence[str], float]], *labels: str
) -> Metric:
    """Return a metric with values by their labels."""
    gauge = GaugeMetricFamily(name, help_text, labels=labels)
    for own, value in values:
        gauge.add_metric(own, value)
    return gauge
