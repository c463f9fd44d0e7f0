"""What was delivered and came to nothing is found and delivered again.

Every worker sweeps, once a second; any number may, since a ticket is exchanged only once. A
worker counts as dead when its heartbeat, written with the database's clock, has not changed for
ten seconds of unbroken watching. So a database that was away, or a sweeper that slept, kills
nobody: after a gap the watch begins anew.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from service.errors import ServiceError
from service.jobs.problems import WORKER_LOST, make_problem
from service.jobs.queue import Deliveries
from service.store import job_queries, jobs
from service.store.database import Database

logger = logging.getLogger(__name__)

REAP_SECONDS: Final = 1.0
CLEAN_SECONDS: Final = 600.0
LONGEST_GAP: Final = 5.0  # between two sweeps of an unbroken watch
DEAD_SECONDS: Final = 10.0  # without a heartbeat
LOST_SECONDS: Final = 5.0  # out of the queue, and no worker says that it has the job
LOOKED_AT: Final = 50  # of the jobs that wait, the oldest
QUEUED: Final = "ENQUEUED"

POISON: Final = make_problem(
    WORKER_LOST,
    f"{jobs.MAX_DELIVERIES} workers in a row were lost at the same step of this job; "
    "it may need more memory than there is",
)


@dataclass
class Reaper:
    """Watches jobs that are held or wait, and delivers again those that nobody is at."""

    database: Database
    deliveries: Deliveries
    watched: dict[str, tuple[object, float]] = field(default_factory=dict)
    last: float = 0.0
    cleaned: float = 0.0

    def sweep(self, now: float | None = None) -> int:
        """Look once; return how many jobs were delivered again. Raises as the store does."""
        now = monotonic() if now is None else now
        if now - self.last > LONGEST_GAP:
            self.watched = {}
        evidence: dict[str, tuple[object, float]] = {
            each.lease: (each.heartbeat_at, DEAD_SECONDS)
            for each in job_queries.list_running(self.database)
        }
        waiting = job_queries.list_queued_leases(self.database, LOOKED_AT)
        known = self.deliveries.under_way(waiting) if waiting else {}
        for ticket in waiting:
            if known.get(ticket) != QUEUED:
                evidence[ticket] = known.get(ticket), LOST_SECONDS
        watched = {}
        lost = []
        for ticket, (seen, patience) in evidence.items():
            before, since = self.watched.get(ticket, (None, now))
            watched[ticket] = seen, since if before == seen else now
            if now - watched[ticket][1] >= patience:
                lost.append(ticket)
        self.watched, self.last = watched, now
        if now - self.cleaned > CLEAN_SECONDS:
            self.deliveries.clean()
            self.cleaned = now
        return sum(self._again(ticket) for ticket in lost)

    def release(
        self, lost: Collection[str] = (), *, but: Collection[str] = (), blameless: bool = False
    ) -> int:
        """Deliver again what workers of these names held, or those of all names but some.

        It does not count against the jobs where their workers were ended on purpose: ``blameless``.
        """
        found = job_queries.list_running(self.database)
        mine = [
            each.lease for each in found if (each.owner in lost if lost else each.owner not in but)
        ]
        return sum(self._again(ticket, blameless) for ticket in mine)

    def _again(self, ticket: str, blameless: bool = False) -> bool:
        poisoned = None if blameless else POISON
        status = jobs.requeue(self.database, ticket, self.deliveries.deliver, poisoned)
        if status is None:
            return False
        logger.warning("the worker of %s is gone: %s", ticket.partition(".")[0], status)
        try:
            self.deliveries.forget(ticket)
        except ServiceError:
            logger.debug("the old delivery %s stays", ticket)
        return status == "queued"
