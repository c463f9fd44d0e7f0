"""Detection of jobs whose worker is dead or that the queue has lost, and their redelivery.

Every process that serves HTTP runs a reaper, once per second. Any number may run, since only one of
them can replace a lease. A worker is presumed dead when its heartbeat, by the clock of the
database, has not changed during ten seconds of continuous observation. An outage of the database, a
full disk or a suspended reaper interrupts the observation, which then starts again. None of them
therefore makes a worker look dead. The death of a worker counts against its job only if a reaper
has seen the worker alive before, since otherwise the whole service was lost.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import inf
from time import monotonic
from typing import Final, NamedTuple

from anyio import to_thread

from service.errors import ServiceError
from service.jobs.queue import ENQUEUED, JobQueue
from service.lifecycle import JobProblem
from service.operations.ids import RESULT_VERSION
from service.store import job_queries, jobs
from service.store.database import Database
from service.store.retention import delete_expired
from service.store.rows import JsonObject

logger = logging.getLogger(__name__)

REAP_SECONDS: Final = 1.0
MAX_GAP_SECONDS: Final = 5.0  # between two observations of a continuous series
DEAD_SECONDS: Final = 10.0  # without a change of the heartbeat
QUEUE_RETENTION: Final = timedelta(hours=1)  # of finished queue entries, for inspection
LOST_SECONDS: Final = 5.0  # taken from the queue, but not claimed by a worker
OUTDATED_SECONDS: Final = 30.0  # queued for workers of an earlier release, of which none has a job
MAX_QUEUED: Final = 50  # queued jobs that are observed, those that run next

POISON_JOB: Final[JsonObject] = {
    "type": JobProblem.WORKER_LOST,
    "detail": f"{jobs.MAX_DELIVERIES} workers in a row were lost at the same step of this job; "
    "it may need more memory than is available",
}

OUTDATED: Final = "outdated"  # the state of a job for which there is no worker
OUTDATED_JOB: Final[JsonObject] = {
    "type": JobProblem.FAILED,
    "detail": "an earlier release accepted this job, and no worker of that release is left; send "
    "the request again",
}


class Observation(NamedTuple):
    """The last observed state of a job, since when it is unchanged, and if it changed before."""

    state: object
    since: float
    has_changed: bool = False


@dataclass
class Reaper:
    """Observes running and queued jobs, and requeues those that make no progress.

    Parameters
    ----------
    retention
        How long finished computations, and datasets without any, stay stored. None for ever.
    max_expired
        How many computations and datasets are deleted at a time.
    clean_seconds
        The time between two deletions.
    clock
        Returns the monotonic time in seconds.
    """

    database: Database
    queue: JobQueue
    retention: timedelta | None = None
    max_expired: int = 50
    clean_seconds: float = 600.0
    clock: Callable[[], float] = monotonic
    _observations: dict[str, Observation] = field(default_factory=dict, init=False)
    _last_run: float = field(default=-inf, init=False)
    _last_cleaning: float = field(default=-inf, init=False)

    async def run(self) -> None:
        """Reap once per second, in a thread, until the task is cancelled."""
        while True:
            await asyncio.sleep(REAP_SECONDS)
            try:
                await to_thread.run_sync(self.reap, abandon_on_cancel=True)
            except ServiceError as error:
                logger.info("cannot look for lost jobs: %s", error.detail)
            except Exception:
                logger.exception("cannot look for lost jobs")

    def reap(self) -> int:
        """Observe all jobs once, and requeue those whose worker is dead or that the queue lost.

        Queued jobs that no worker will take fail. Return how many jobs were requeued. After a
        failed observation, the next call starts again.
        """
        now = self.clock()
        continues = now - self._last_run <= MAX_GAP_SECONDS
        previous = self._observations if continues else {}
        self._observations, self._last_run = {}, -inf  # remain if the store fails below
        lost = []
        observations = {}
        for lease, (state, max_seconds) in self._read_states().items():
            # A worker that is new has just claimed its job, and may have died since.
            observation = previous.get(lease, Observation(state, now, has_changed=continues))
            if observation.state != state:
                observation = Observation(state, now, has_changed=True)
            observations[lease] = observation
            if now - observation.since >= max_seconds:
                lost.append(lease)
        self._observations, self._last_run = observations, now
        if now - self._last_cleaning > self.clean_seconds:
            is_clean = self._clean()
            self._last_cleaning = now if is_clean else self._last_cleaning
        return sum(self._resolve(lease, observations[lease]) for lease in lost)

    def _read_states(self) -> dict[str, tuple[object, float]]:
        """Return for each lease a state that must change, and within how many seconds."""
        running = job_queries.list_running(self.database)
        if running:
            self.database.check_ready()  # otherwise no worker can store its heartbeat
        states: dict[str, tuple[object, float]] = {
            job.lease: (job.heartbeat_at, DEAD_SECONDS) for job in running
        }
        queued = job_queries.list_queued_leases(self.database, MAX_QUEUED)
        statuses = self.queue.get_statuses(queued) if queued else {}
        for lease in queued:
            if statuses.get(lease) != ENQUEUED:
                states[lease] = statuses.get(lease), LOST_SECONDS
        for lease in job_queries.list_outdated_leases(self.database, RESULT_VERSION):
            states[lease] = OUTDATED, OUTDATED_SECONDS
        return states

    def _clean(self) -> bool:
        """Delete what is no longer needed, for about a second; return whether all of it is gone."""
        n_deleted = 0
        if self.retention is not None:
            before = datetime.now(UTC) - self.retention
            n_deleted = delete_expired(self.database, before, self.max_expired)
        released = self.database.release_space()
        if n_deleted or released:
            return False
        self.queue.delete_finished(datetime.now(UTC) - QUEUE_RETENTION)
        return True

    def _resolve(self, lease: str, observation: Observation) -> bool:
        """Requeue a job, or fail one that no worker will take; return whether it was requeued."""
        if observation.state == OUTDATED:
            return self._requeue(lease, OUTDATED_JOB, max_deliveries=0)
        return self._requeue(lease, POISON_JOB if observation.has_changed else None)

    def _requeue(
        self, lease: str, error: JsonObject | None, max_deliveries: int = jobs.MAX_DELIVERIES
    ) -> bool:
        status = jobs.requeue(self.database, lease, self.queue.enqueue, error, max_deliveries)
        if status is None:
            return False
        logger.warning("job %s has no worker and is now %s", lease.partition(".")[0], status)
        try:
            self.queue.cancel(lease)
        except ServiceError:
            logger.debug("the queue entry %s remains", lease)
        return status == "queued"
