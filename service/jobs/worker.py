"""A worker: executes one job at a time, step by step."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import monotonic, thread_time
from typing import Any, NoReturn, TypeVar

import numpy as np

from service.errors import (
    DiskFull,
    Invalid,
    LimitExceeded,
    ServiceError,
    StoreFull,
    StoreUnavailable,
)
from service.jobs.queue import JobQueue, Pace, consume
from service.lifecycle import JobProblem
from service.operations.computations.job_types import AfterStep, JobType, StepwiseComputation
from service.operations.computations.resources import RESOURCES
from service.operations.shared.resolve import resolve_dataset
from service.settings import Settings
from service.store import checkpoints, jobs
from service.store.checkpoints import Checkpoint
from service.store.database import Database
from service.store.rows import ComputationRow

logger = logging.getLogger(__name__)

JOB_TYPES: dict[str, JobType[Any]] = {
    resource.job_type.kind: resource.job_type for resource in RESOURCES
}

T = TypeVar("T")


@dataclass(frozen=True)
class Timing:
    """Durations in seconds."""

    checkpoint: float = 0.5  # between two checkpoints
    heartbeat: float = 1.0  # between two heartbeats
    step_wait: float = 1.5  # the longest wait for a step whose result is no longer needed
    retry: float = 0.5  # between two attempts to reach the database
    idle: float = 1.0  # between two polls while nothing wakes the worker


class JobLeft(BaseException):
    """The job was cancelled or given to another worker, or this worker stops or has returned it."""


class Worker:
    """One worker process.

    Parameters
    ----------
    name
        A unique name, which is never reused.
    exit_now
        Terminates the process at once. A step cannot be interrupted, and some take minutes.
    """

    def __init__(
        self,
        settings: Settings,
        name: str,
        exit_now: Callable[[], None],
        timing: Timing = Timing(),
        job_types: Mapping[str, JobType[Any]] = JOB_TYPES,
    ) -> None:
        self.max_seconds = settings.max_job_seconds  # of CPU time, after which a job fails
        self.job_types = job_types
        self.timing = timing
        self.url = settings.store_url
        self.name = name
        self.exit_now = exit_now
        self.database = Database(self.url, settings.max_stored_bytes)
        self.queue = JobQueue(self.url)
        self.pace = Pace(timing.idle)
        self.stopping = threading.Event()
        self.executing = threading.Lock()  # held while a job is executed
        self.lease = ""  # of that job

    def run(self) -> None:
        """Execute jobs until `stop` is called, and return after the last one is requeued.

        A job is requeued after its current step, or during the step if it takes too long. The
        result of that step is then discarded.
        """
        try:
            self._retry(self._open)
        except JobLeft:
            return
        self.stopping.wait()
        if not self.executing.acquire(timeout=self.timing.step_wait):
            self._requeue(self.lease)
            self._cancel_queue_entry(self.lease)

    def stop(self) -> None:
        """Make `run` return."""
        self.stopping.set()

    def execute(self, lease: str) -> None:
        """Execute the job of a lease. The outcome is stored in the row of the job."""
        with self.executing:
            if self.stopping.is_set():
                return  # a reaper requeues the job
            self.lease = lease
            try:
                row = self._retry(lambda: jobs.claim(self.database, lease, self.name))
                if row is not None:
                    self._execute_claimed(row, lease)
            except JobLeft:
                return

    def _open(self) -> None:
        self.database.migrate()
        self.queue.migrate()
        consume(self.url, self.name, self.execute, self.pace)

    def _execute_claimed(self, row: ComputationRow, lease: str) -> None:
        with self._heartbeat(lease):
            try:
                self._compute(row, lease)
            except StoreFull as error:
                self._fail(lease, JobProblem.STORE_FULL, error.detail)
            except LimitExceeded as error:
                self._fail(lease, JobProblem.LIMIT, error.detail)
            except Invalid as error:
                self._fail(lease, JobProblem.INVALID, error.detail)
            except ServiceError as error:
                self._fail(lease, JobProblem.FAILED, error.detail)
            except MemoryError:
                self._fail(lease, JobProblem.FAILED, "there is not enough memory")
            except Exception:
                logger.exception("job %s", row.id)
                self._fail(
                    lease, JobProblem.INTERNAL, "an unexpected error; see the log of the worker"
                )

    def _fail(self, lease: str, problem: JobProblem, detail: str) -> None:
        error = {"type": problem, "detail": detail}
        self._retry(lambda: jobs.fail(self.database, lease, error))

    def _compute(self, row: ComputationRow, lease: str) -> None:
        started, seconds_before = thread_time(), row.compute_seconds or 0.0
        job_type = self.job_types[row.kind]
        request = job_type.request_model.model_validate(row.request)
        state, parts = self._retry(lambda: checkpoints.load(self.database, row.id))
        # Reading its arrays later waits for the database, too.
        dataset = resolve_dataset(request.dataset, self.database, limits=None, retry=self._retry)

        def seconds() -> float:
            return seconds_before + thread_time() - started

        computation = job_type.begin(request, dataset, state, parts)
        output = computation.run(self._save_checkpoints(row, lease, seconds))
        arrays = {name: np.asarray(array) for name, array in output.arrays.items()}
        result = output.result_json()
        self._write(
            lambda: jobs.succeed(self.database, lease, result, output.done, seconds(), arrays)
        )

    def _save_checkpoints(
        self, row: ComputationRow, lease: str, seconds: Callable[[], float]
    ) -> AfterStep:
        """Return the callback after each step of a job, which saves checkpoints at intervals.

        The job is returned if it has to yield at two checkpoints in a row. In between, an idle
        worker takes the waiting job, if there is one.
        """
        saved, yields = monotonic(), False

        def after_step(computation: StepwiseComputation) -> None:
            nonlocal saved, yields
            if monotonic() - saved < self.timing.checkpoint and not self.stopping.is_set():
                return
            spent = seconds()
            if spent > self.max_seconds:
                detail = f"the job took {spent:.3g} seconds; the limit is {self.max_seconds:g}"
                raise LimitExceeded(detail, limit=self.max_seconds, spent=spent)
            self._save_checkpoint(row, lease, computation, spent)
            saved = monotonic()
            if self.stopping.is_set():
                self._return_job(lease)
            yielded, yields = yields, self._retry(lambda: jobs.must_yield(self.database, lease))
            if yielded and yields:
                self._return_job(lease)

        return after_step

    def _save_checkpoint(
        self, row: ComputationRow, lease: str, computation: StepwiseComputation, seconds: float
    ) -> None:
        """Store a checkpoint. The progress so far corrects the estimate of the remaining time."""
        n_parts, done, due = len(computation.parts), computation.done, None
        part = computation.add_part()
        if done:
            due = row.created_at.timestamp() + seconds * (row.progress_total - done) / done
        checkpoint = Checkpoint(
            n_parts, done, computation.latest(), computation.state(), part, seconds, due
        )
        self._write(lambda: checkpoints.save(self.database, lease, checkpoint))

    def _return_job(self, lease: str) -> NoReturn:
        """Requeue the job for another worker, and end its execution here."""
        self._requeue(lease)
        raise JobLeft

    def _requeue(self, lease: str) -> None:
        with suppress(ServiceError):  # a reaper requeues the job later
            jobs.requeue(self.database, lease, self.queue.enqueue)

    def _cancel_queue_entry(self, lease: str) -> None:
        with suppress(ServiceError):
            self.queue.cancel(lease)

    def _write(self, write: Callable[[], bool]) -> None:
        """Execute a write that requires a valid lease; raises JobLeft."""
        if not self._retry(write):
            raise JobLeft

    def _retry(self, call: Callable[[], T]) -> T:
        """Repeat a call until the database accepts data; raises JobLeft."""
        waits = False
        while True:
            try:
                return call()
            except (StoreUnavailable, DiskFull) as error:
                if not waits:
                    logger.warning("the worker waits: %s", error.detail)
                waits = True
                if self.stopping.wait(self.timing.retry):
                    raise JobLeft from None

    @contextmanager
    def _heartbeat(self, lease: str) -> Iterator[None]:
        """Record every second that this worker is alive, regardless of the length of a step.

        If the lease is no longer valid, the job was cancelled or given to another worker. The
        process then exits, unless the job ends first.
        """
        over = threading.Event()

        def beat() -> None:
            while not over.wait(self.timing.heartbeat):
                try:
                    if not jobs.heartbeat(self.database, lease):
                        break
                except ServiceError as error:
                    logger.info("cannot store the heartbeat: %s", error.detail)
            if not over.wait(self.timing.step_wait) and not self.stopping.is_set():
                self._cancel_queue_entry(lease)
                self.exit_now()

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
