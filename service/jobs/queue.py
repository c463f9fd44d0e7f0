"""The durable queue of jobs: DBOS, in the database of the store.

Each entry is a DBOS workflow whose id is the lease of a job (see `service.store.jobs`). DBOS only
delivers. Leases, heartbeats, deliveries and checkpoints are columns and rows of the store.
"""

import logging
import os
from collections.abc import Callable, Collection
from datetime import datetime
from threading import Event
from time import monotonic
from typing import Any, Final

os.environ.setdefault("DBOS__CLOUD", "false")
from dbos import DBOS, DBOSClient

from service.errors import StoreError
from service.operations.shared.ids import RESULT_VERSION
from service.store.engines import close_engine, open_queue_engine
from service.store.errors import translate_errors

APPLICATION: Final = "linear-rnn"
WORKFLOW: Final = "job"
POLL_SECONDS: Final = 0.1
AWAKE_SECONDS: Final = 3.0  # while a woken worker polls
N_CONNECTIONS: Final = 2
PRIORITY_EPOCH: Final = 1_735_689_600  # 2025-01-01, so that due times are priorities of DBOS
MAX_PRIORITY: Final = 2**31 - 1
ENQUEUED: Final = "ENQUEUED"  # the DBOS status of an entry that no worker has taken
FINISHED: Final = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]

logging.getLogger("dbos").setLevel(logging.ERROR)
logging.getLogger("dbos").addHandler(logging.NullHandler())  # otherwise DBOS adds a text handler


def queue_name(result_version: int) -> str:
    """Return the name of the queue for a result version.

    A worker takes only jobs of its own version, because its results for others would differ.
    """
    return f"results-{result_version}"


class Pace:
    """The times at which a worker polls the queue.

    It polls ten times per second during the seconds after each call of `wake`, and otherwise every
    ``idle_seconds``, because a poll takes about 4 ms of CPU time.

    Parameters
    ----------
    idle_seconds
        The time between two polls while nothing wakes the worker.
    """

    def __init__(self, idle_seconds: float) -> None:
        self._idle_seconds = idle_seconds
        self._awake_until = 0.0
        self._woken = Event()
        self.wake()

    def wake(self) -> None:
        """Poll now, and ten times per second during the next seconds."""
        self._awake_until = monotonic() + AWAKE_SECONDS
        self._woken.set()

    def apply(self, stopping: Event) -> None:
        """Replace the method `wait` of an event of DBOS, for which its threads wait between polls.

        DBOS has no interface to wake a worker, and its own threads poll once per second.
        """
        wait_for_stop = stopping.wait

        def wait(timeout: float | None = None) -> bool:
            self._woken.clear()
            if monotonic() >= self._awake_until:
                self._woken.wait(self._idle_seconds)
                timeout = 0.0
            return wait_for_stop(timeout)

        stopping.wait = wait  # type: ignore[method-assign]


class JobQueue:
    """The client side of the queue, in the database of the store. It connects at its first use.

    Parameters
    ----------
    url
        The URL of the database.
    wake
        Wakes the workers that this process supervises.
    """

    def __init__(self, url: str, wake: Callable[[], None] = lambda: None) -> None:
        self.wake = wake
        self._url = url
        self._engine = open_queue_engine(url, N_CONNECTIONS)
        self._client = DBOSClient(
            system_database_url=url,
            system_database_engine=self._engine,
            system_database_pool_size=N_CONNECTIONS,
            application_name=APPLICATION,
            lazy=True,
            retry_connection_errors=False,
        )

    def migrate(self) -> None:
        """Migrate the tables of DBOS and create the queue of this release.

        Several processes can do so at the same time, because DBOS takes a lock. The caller must not
        hold the migration lock of the store: on PostgreSQL it is a transaction, and indexes that
        DBOS creates concurrently would wait for its end.
        """
        with translate_errors():
            DBOS.migrate(self._url)
            self._client.register_queue(
                queue_name(RESULT_VERSION), worker_concurrency=1, polling_interval_sec=POLL_SECONDS
            )

    def enqueue(self, connection: Any, lease: str, result_version: int, due: float) -> None:
        """Enqueue a lease in the transaction of a connection. Earlier due times come first."""
        self._client.enqueue_in_transaction(
            connection,
            {
                "queue_name": queue_name(result_version),
                "workflow_name": WORKFLOW,
                "workflow_id": lease,
                "app_version": queue_name(result_version),
                "priority": min(max(int(due - PRIORITY_EPOCH), 1), MAX_PRIORITY),
            },
            lease,
        )
        self.wake()  # before the end of the transaction, but the workers then poll several times

    def get_statuses(self, leases: Collection[str]) -> dict[str, str]:
        """Return the DBOS status of each lease that the queue contains."""
        with translate_errors():
            workflows = self._client.list_workflows(
                workflow_ids=list(leases), load_input=False, load_output=False
            )
        return {workflow.workflow_id: workflow.status for workflow in workflows}

    def cancel(self, lease: str) -> None:
        """Mark an entry as cancelled whose lease is no longer valid."""
        with translate_errors():
            self._client.cancel_workflows([lease])

    def delete_finished(self, before: datetime) -> None:
        """Delete up to 1000 entries that finished before a time."""
        with translate_errors():
            workflows = self._client.list_workflows(
                status=FINISHED,
                end_time=before.isoformat(),
                limit=1000,
                load_input=False,
                load_output=False,
            )
            if workflows:
                self._client.delete_workflows([workflow.workflow_id for workflow in workflows])

    def close(self) -> None:
        """Close the connections."""
        self._client.destroy()
        if self._engine is not None:
            close_engine(self._engine)


def consume(url: str, executor: str, execute: Callable[[str], None], pace: Pace) -> None:
    """Start to take leases from the queue, one at a time, in threads of DBOS.

    ``execute`` is called with each lease. ``executor`` is a name that no other process has or had,
    so that DBOS recovers nothing by itself. The `reaper` does. It raises a StoreError if the
    database is unavailable, and can then be called again.
    """
    dbos = DBOS(
        config={
            "name": APPLICATION,
            "system_database_url": url,
            "system_database_engine": open_queue_engine(url, N_CONNECTIONS),
            "sys_db_pool_size": N_CONNECTIONS,
            "executor_id": executor,
            "application_version": queue_name(RESULT_VERSION),
            "run_migrations": False,
            "log_level": "ERROR",
            "max_executor_threads": 8,
            "scheduler_polling_interval_sec": 3600.0,  # there are no schedules
            "notification_listener_polling_interval_sec": 3600.0,  # and no notifications
        }
    )

    @DBOS.workflow(name=WORKFLOW)
    def job(lease: str) -> None:
        try:
            execute(lease)
        finally:
            pace.wake()

    DBOS.listen_queues([queue_name(RESULT_VERSION)])
    try:
        with translate_errors():
            DBOS.launch()
    except StoreError:
        DBOS.destroy(destroy_registry=True)
        raise
    for stopping in dbos.background_thread_stop_events:
        pace.apply(stopping)
    dbos._background_jobs_stop_event.set()
