"""A worker: takes one job after the other, and does each step by step."""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any, Final, NoReturn, TypeVar

import numpy as np

from service.engine.types import Array
from service.errors import ServiceError, StoreFull, StoreUnavailable
from service.jobs.problems import INTERNAL, JOB_FAILED, STORE_FULL, make_problem
from service.jobs.queue import Deliveries, take
from service.jobs.reaper import REAP_SECONDS, Reaper
from service.operations.basins import BASINS
from service.operations.ids import RESULT_VERSION
from service.operations.job_types import Arrays, JobType, StepwiseComputation
from service.operations.resolve import ResolvedDataset, resolve_dataset
from service.operations.training import TRAINING
from service.schemas.datasets import DatasetSource
from service.store import checkpoints, datasets, jobs
from service.store.database import Database
from service.store.rows import ComputationRow

logger = logging.getLogger(__name__)

CHECKPOINT_SECONDS: Final = 0.5
BEAT_SECONDS: Final = 1.0
STEP_SECONDS: Final = 1.5  # how long a step may go on that nobody wants any more
RETRY_SECONDS: Final = 0.5
KINDS: dict[str, JobType[Any]] = {each.kind: each for each in (TRAINING, BASINS)}

T = TypeVar("T")


class Lost(Exception):
    """The job is no longer this worker's: cancelled, or given to another."""


class Stopped(Exception):
    """The worker is to end while the store is away."""


class Worker:
    """One process's work. `stop` ends it: what is being done is kept and given back.

    ``leave`` ends the process at once: a step cannot be broken off, and some take minutes, such as
    the one pass over much data.
    """

    def __init__(self, url: str, name: str, leave: Callable[[], None]) -> None:
        self.url = url
        self.name = name
        self.leave = leave
        self.database = Database(url)
        self.deliveries = Deliveries(url)
        self.sweeper = Reaper(self.database, self.deliveries)
        self.stopping = threading.Event()
        self.idle = threading.Lock()  # held while a job is being done
        self.ticket = ""  # of that job

    def run(self) -> None:
        """Take jobs until `stop` is called; then return as soon as the last is given back.

        It is given back after its step, or in the middle of one that takes too long: what is
        computed from then on is nobody's.
        """
        try:
            self._patiently(self._open)
        except Stopped:
            return
        while not self.stopping.wait(REAP_SECONDS):
            try:
                self.sweeper.sweep()
            except ServiceError as error:
                self.sweeper.watched = {}
                logger.info("cannot look for lost jobs: %s", error.detail)
        if not self.idle.acquire(timeout=STEP_SECONDS):
            self._redeliver(self.ticket)
            self._forget(self.ticket)

    def stop(self) -> None:
        """Begin to end."""
        self.stopping.set()

    def _open(self) -> None:
        self.database.migrate()
        self.deliveries.migrate(RESULT_VERSION)
        take(self.url, self.name, RESULT_VERSION, self.do)

    def do(self, ticket: str) -> None:
        """Do the job of a ticket, as far as it goes; whatever happens is in its row."""
        with self.idle:
            if self.stopping.is_set():
                return  # the sweepers deliver it again
            self.ticket = ticket
            try:
                row = self._patiently(lambda: jobs.claim(self.database, ticket, self.name))
                if row is not None:
                    self._do(row, ticket)
            except (Lost, Stopped):
                return

    def _do(self, row: ComputationRow, ticket: str) -> None:
        with self._beating(ticket):
            try:
                self._compute(row, ticket)
            except (Lost, Stopped):
                raise
            except StoreFull as error:
                self._fail(ticket, STORE_FULL, error.detail)
            except ServiceError as error:
                self._fail(ticket, JOB_FAILED, error.detail)
            except MemoryError:
                self._fail(ticket, JOB_FAILED, "there is not enough memory")
            except Exception:
                logger.exception("job %s", row.id)
                self._fail(ticket, INTERNAL, "the log has more")

    def _fail(self, ticket: str, slug: str, detail: str) -> None:
        error = make_problem(slug, detail)
        self._patiently(lambda: jobs.fail(self.database, ticket, error))

    def _compute(self, row: ComputationRow, ticket: str) -> None:
        began, spent = monotonic(), row.compute_seconds or 0.0
        computation = KINDS[row.kind]
        question = computation.question.model_validate(row.request)
        state, parts = self._patiently(lambda: checkpoints.load(self.database, row.id))
        samples = self._patiently(lambda: self._resolve(question.dataset))
        work = computation.begin(question, samples, state)
        saved = monotonic()

        def seconds() -> float:
            return spent + monotonic() - began

        while True:
            work.step()
            if work.over:
                break
            if monotonic() - saved >= CHECKPOINT_SECONDS or self.stopping.is_set():
                parts += self._save(ticket, work, len(parts), seconds())
                saved = monotonic()
                if self.stopping.is_set():
                    self._give_back(ticket)
        last = work.part()
        computed = work.finish([*parts, last] if last else parts)
        arrays = {name: np.asarray(array) for name, array in computed.arrays.items()}
        result = computed.plain_result()
        self._own(
            lambda: jobs.succeed(self.database, ticket, result, computed.done, seconds(), arrays)
        )

    def _resolve(self, source: DatasetSource) -> ResolvedDataset:
        """Resolve the dataset of a job; its arrays are read with patience, too."""

        def load(database: Database, dataset_id: str) -> tuple[Array, Array]:
            return self._patiently(lambda: datasets.load(database, dataset_id))

        return resolve_dataset(source, self.database, limits=None, load=load)

    def _save(
        self, ticket: str, work: StepwiseComputation, number: int, seconds: float
    ) -> list[Arrays]:
        """Keep a checkpoint, and return the part that was kept with it, if there was one."""
        part = work.part()
        at = checkpoints.Checkpoint(number, work.done, work.latest(), work.state(), part, seconds)
        self._own(lambda: checkpoints.save(self.database, ticket, at))
        return [part] if part else []

    def _give_back(self, ticket: str) -> NoReturn:
        """Let another worker go on; where the store is away they find out by themselves."""
        self._redeliver(ticket)
        raise Stopped

    def _redeliver(self, ticket: str) -> None:
        with suppress(ServiceError):
            jobs.requeue(self.database, ticket, self.deliveries.deliver)

    def _forget(self, ticket: str) -> None:
        with suppress(ServiceError):
            self.deliveries.forget(ticket)

    def _own(self, write: Callable[[], bool]) -> None:
        """Write what only the job's own worker may; raises Lost where it no longer is."""
        if not self._patiently(write):
            raise Lost

    def _patiently(self, call: Callable[[], T]) -> T:
        """Call until the store is there; raises Stopped where the worker is to end before."""
        while True:
            try:
                return call()
            except StoreUnavailable:
                if self.stopping.wait(RETRY_SECONDS):
                    raise Stopped from None

    @contextmanager
    def _beating(self, ticket: str) -> Iterator[None]:
        """Tell the store every second that this worker lives, however long a step is.

        So it is known within a second, too, that the job was cancelled or given to another.
        """
        over = threading.Event()

        def beat() -> None:
            while not over.wait(BEAT_SECONDS):
                try:
                    if not jobs.heartbeat(self.database, ticket):
                        break
                except ServiceError as error:
                    logger.info("no heartbeat: %s", error.detail)
            if not over.wait(STEP_SECONDS) and not self.stopping.is_set():
                self._forget(ticket)
                self.leave()

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def end_with_parent(stream: int, stop: Callable[[], None]) -> None:
    """Stop when the other end of a pipe is closed: the parent ended, however it did."""

    def watch() -> None:
        while os.read(stream, 1):
            pass
        stop()
        threading.Timer(5.0, lambda: os._exit(1)).start()

    threading.Thread(target=watch, name="parent", daemon=True).start()
