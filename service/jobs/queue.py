"""DBOS, as far as it is used here: a durable queue of tickets in the store's own database."""

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

os.environ.setdefault("DBOS__CLOUD", "false")
from dbos import DBOS, DBOSClient

from service.store.engines import close_engine, open_queue_engine
from service.store.errors import translate_errors

APPLICATION: Final = "linear-rnn"
WORKFLOW: Final = "job"
POLL_SECONDS: Final = 0.1
KEEP: Final = timedelta(hours=1)  # how long DBOS remembers what is over, for whoever looks
FEW: Final = 2  # connections

logging.getLogger("dbos").setLevel(logging.ERROR)


def queue_of(result_version: int) -> str:
    """Name the queue: a worker takes only jobs whose results it would compute alike."""
    return f"results-{result_version}"


class Deliveries:
    """Delivers jobs and tells what has become of them; connects when first used."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine = open_queue_engine(url, FEW)
        self._client = DBOSClient(
            system_database_url=url,
            system_database_engine=self._engine,
            system_database_pool_size=FEW,
            application_name=APPLICATION,
            lazy=True,
            retry_connection_errors=False,
        )

    def migrate(self, result_version: int) -> None:
        """Bring DBOS's tables up to date, and make the queue; any number may at once.

        DBOS has a lock of its own. The store's must not be held meanwhile: on PostgreSQL it is a
        transaction, and indexes made concurrently wait for every transaction to end.
        """
        with translate_errors():
            DBOS.migrate(self._url)
            self._client.register_queue(
                queue_of(result_version), worker_concurrency=1, polling_interval_sec=POLL_SECONDS
            )

    def deliver(self, connection: Any, ticket: str, result_version: int) -> None:
        """Bring a ticket to a worker once the transaction of this connection is committed."""
        self._client.enqueue_in_transaction(
            connection,
            {
                "queue_name": queue_of(result_version),
                "workflow_name": WORKFLOW,
                "workflow_id": ticket,
                "app_version": queue_of(result_version),
            },
            ticket,
        )

    def under_way(self, tickets: list[str]) -> dict[str, str]:
        """Return what DBOS knows about tickets, by its own words: ENQUEUED, PENDING and others."""
        with translate_errors():
            found = self._client.list_workflows(
                workflow_ids=tickets, load_input=False, load_output=False
            )
        return {each.workflow_id: each.status for each in found}

    def forget(self, ticket: str) -> None:
        """Give up the delivery of a ticket that is worth nothing any more."""
        with translate_errors():
            self._client.cancel_workflows([ticket])

    def clean(self) -> None:
        """Remove what has been over for an hour."""
        before = (datetime.now(UTC) - KEEP).isoformat()
        with translate_errors():
            over = self._client.list_workflows(
                status=["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"],
                end_time=before,
                limit=1000,
                load_input=False,
                load_output=False,
            )
            if over:
                self._client.delete_workflows([each.workflow_id for each in over])

    def close(self) -> None:
        """Close the connections."""
        self._client.destroy()
        if self._engine is not None:
            close_engine(self._engine)


def take(url: str, name: str, result_version: int, do: Callable[[str], None]) -> None:
    """Begin to take tickets from the queue, one at a time, in threads of DBOS.

    Parameters
    ----------
    name
        Of this process: no other that lives, or ever lived, may have it.
    do
        Called with each ticket.
    """
    DBOS(
        config={
            "name": APPLICATION,
            "system_database_url": url,
            "system_database_engine": open_queue_engine(url, FEW),
            "sys_db_pool_size": FEW,
            "executor_id": name,
            "application_version": queue_of(result_version),
            "run_migrations": False,
            "log_level": "ERROR",
            "max_executor_threads": 8,
            "scheduler_polling_interval_sec": 3600.0,
        }
    )

    @DBOS.workflow(name=WORKFLOW)
    def job(ticket: str) -> None:
        do(ticket)

    DBOS.listen_queues([queue_of(result_version)])
    DBOS.launch()


def take_no_more() -> None:
    """Stop taking tickets; what is being done goes on."""
    DBOS.destroy(workflow_completion_timeout_sec=0)
