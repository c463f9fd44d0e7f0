"""The durable queue of jobs: DBOS, in the database of the store.

Each entry is a DBOS workflow whose id is the lease of a job (see `service.store.jobs`). DBOS only
delivers. Leases, heartbeats, deliveries and checkpoints are columns and rows of the store.
"""

import logging
import os
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, Final

os.environ.setdefault("DBOS__CLOUD", "false")
from dbos import DBOS, DBOSClient

from service.operations.shared.ids import RESULT_VERSION
from service.store.engines import close_engine, open_queue_engine
from service.store.errors import translate_errors

APPLICATION: Final = "linear-rnn"
WORKFLOW: Final = "job"
POLL_SECONDS: Final = 0.1
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


class JobQueue:
    """The client side of the queue, in the database of the store. It connects at its first use."""

    def __init__(self, url: str) -> None:
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


def consume(url: str, executor: str, execute: Callable[[str], None]) -> None:
    """Start to take leases from the queue, one at a time, in threads of DBOS.

    ``execute`` is called with each lease. ``executor`` is a name that no other process has or had,
    so that DBOS recovers nothing by itself. The `reaper` does.
    """
    DBOS(
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
        }
    )

    @DBOS.workflow(name=WORKFLOW)
    def job(lease: str) -> None:
        execute(lease)

    DBOS.listen_queues([queue_name(RESULT_VERSION)])
    DBOS.launch()
