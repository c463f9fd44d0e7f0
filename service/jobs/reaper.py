"""Detection and redelivery of jobs whose worker is dead or that are missing from the queue.

Every process that serves HTTP runs a reaper, once per second. Any number can run, because only one
of them can replace a lease. A job is lost when its state has not changed during ten seconds of
continuous observation. For a running job, the state is the heartbeat of its worker, by the clock of
the database. A queued job has a state if a worker has taken it from the queue without claiming it,
or if no worker of its release remains. An outage of the database, a full disk or a suspended reaper
interrupts the observation, which then restarts, so a worker is not declared dead because of them.
The death of a worker is a failed attempt of its job only if a reaper has seen the worker alive
before, because otherwise the whole service failed.
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
from service.operations.shared.ids import RESULT_VERSION
from service.store import job_queries, jobs
from service.store.database import Database
from service.store.retention import delete_expired
from service.store.rows import JsonObject

logger = logging.getLogger(__name__)

REAP_SECONDS: Final = 1.0
MAX_GAP_SECONDS: Final = 5.0  # between two observations of a continuous series
LOST_SECONDS: Final = 10.0  # without a change of state, after which a job is lost
QUEUE_RETENTION: Final = timedelta(hours=1)  # of finished queue entries, for inspection
MAX_OBSERVED: Final = 100  # running ones, and those that run next

POISON_JOB: Final[JsonObject] = {
    "type": JobProblem.WORKER_LOST,
    "detail": f"{jobs.MAX_DELIVERIES} workers in a row were lost at the same step of this job; "
    "it may need more memory than is available",
}

OUTDATED: Final = "outdated"  # the state of a job of an earlier release without a worker
OUTDATED_JOB: Final[JsonObject] = {
    "type": JobProblem.FAILED,
    "detail": "an earlier release accepted this job, and no worker of that release remains; send "
    "the request again",
}


class Observation(NamedTuple):
    """The last observed state of a job, the time of its last change, and True if it changed."""

    state: object
    since: float
    has_changed: bool = False


@dataclass
class Reaper:
    """An observer of running and queued jobs, which requeues those without progress.

    Parameters
    ----------
    retention
        The time for which finished computations and unused datasets are stored; None for unlimited.
    max_expired
        The number of computations and datasets to delete at a time.
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
        """Observe all jobs once, and requeue those with a dead worker or without a queue entry.

        Queued jobs without a worker for their release fail. Return the number of requeued jobs.
        After a failed observation, the next call starts again.
        """
        now = self.clock()
        continues = now - self._last_run <= MAX_GAP_SECONDS
        previous = self._observations if continues else {}
        self._observations, self._last_run = {}, -inf  # remain if the store fails below
        lost = []
        observations = {}
        for lease, state in self._read_states().items():
            # A new worker has just claimed its job, and may have died since.
            observation = previous.get(lease, Observation(state, now, has_changed=continues))
            if observation.state != state:
                observation = Observation(state, now, has_changed=True)
            observations[lease] = observation
            if now - observation.since >= LOST_SECONDS:
                lost.append(lease)
        self._observations, self._last_run = observations, now
        if now - self._last_cleaning > self.clean_seconds:
            is_clean = self._clean()
            self._last_cleaning = now if is_clean else self._last_cleaning
        return sum(self._resolve(lease, observations[lease]) for lease in lost)

    def _read_states(self) -> dict[str, object]:
        """Return a state for each lease, which changes unless its job is lost."""
        unfinished = job_queries.list_unfinished(self.database, MAX_OBSERVED)
        running = [job for job in unfinished if job.status == "running"]
        queued = [job for job in unfinished if job.status == "queued"]
        if running:
            self.database.check_ready()  # otherwise no worker can store its heartbeat
        has_old_worker = any(job.result_version < RESULT_VERSION for job in running)
        states: dict[str, object] = {job.lease: job.heartbeat_at for job in running}
        statuses = {}
        if queued:
            statuses = self.queue.get_statuses([job.lease for job in queued])
            self.queue.wake()  # another process may have enqueued them
        for job in queued:
            status = statuses.get(job.lease)
            if job.result_version < RESULT_VERSION and not has_old_worker:
                states[job.lease] = OUTDATED
            elif status != ENQUEUED:  # taken by a worker, but not claimed
                states[job.lease] = status
        return states

    def _clean(self) -> bool:
        """Delete expired data, for about a second; return True if none remain."""
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
        """Requeue a job, or fail one without a worker for its release; return True if requeued."""
        error, max_deliveries = None, jobs.MAX_DELIVERIES
        if observation.state == OUTDATED:
            error, max_deliveries = OUTDATED_JOB, 0
        elif observation.has_changed:
            error = POISON_JOB
        status = jobs.requeue(self.database, lease, self.queue.enqueue, error, max_deliveries)
        if status is None:
            return False
        logger.warning("job %s has no worker and is now %s", lease.partition(".")[0], status)
        try:
            self.queue.cancel(lease)
        except ServiceError:
            logger.debug("the queue entry %s remains", lease)
        return status == "queued"
