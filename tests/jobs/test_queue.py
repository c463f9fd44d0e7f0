"""The queue with DBOS itself, on both databases."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from time import time

import pytest

from service.errors import StoreUnavailable
from service.jobs.queue import JobQueue
from service.operations.shared.ids import RESULT_VERSION
from service.store import Database
from tests.conftest import at_once
from tests.programs import run_program


@pytest.fixture
def queue(database_url: str, database: Database) -> Iterator[JobQueue]:
    """Return a queue in a database with its tables."""
    queue = JobQueue(database_url)
    queue.migrate()
    yield queue
    queue.close()


def test_concurrent_migrations_change_nothing(database_url: str, queue: JobQueue) -> None:
    others = [JobQueue(database_url) for _ in range(4)]
    at_once(4, lambda number: others[number].migrate())
    for other in others:
        other.close()
    assert queue.get_statuses(["run_0.1"]) == {}


def test_a_lease_is_enqueued_with_its_transaction(database: Database, queue: JobQueue) -> None:
    with database.transaction() as connection:
        queue.enqueue(connection, "run_0.1", 1, 0.0)
        queue.enqueue(connection, "run_0.1", 1, 0.0)

    def roll_back() -> None:
        with database.transaction() as connection:
            queue.enqueue(connection, "run_0.2", 1, 0.0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        roll_back()
    assert queue.get_statuses(["run_0.1", "run_0.2"]) == {"run_0.1": "ENQUEUED"}


def test_entries_are_delivered_in_order_of_their_due_times(
    database: Database, database_url: str, queue: JobQueue
) -> None:
    now = time()
    dues = {"run_0.1": now + 86_400, "run_0.2": now + 5, "run_0.3": 0.0, "run_0.4": now + 9e9}
    with database.transaction() as connection:
        for lease, due in dues.items():
            queue.enqueue(connection, lease, RESULT_VERSION, due)
    consumer = f"""
import sys, threading
from service.jobs.queue import Pace, consume
delivered, enough = [], threading.Event()
def execute(lease):
    delivered.append(lease)
    if len(delivered) == 4:
        enough.set()
consume({database_url!r}, "executor", execute, Pace(1.0))
assert enough.wait(60), delivered
print(*delivered, flush=True)
"""
    process = run_program(sys.executable, "-c", consumer + "import os\nos._exit(0)", check=False)
    assert process.stdout.split() == ["run_0.3", "run_0.2", "run_0.1", "run_0.4"], process.stderr


def test_a_consumer_whose_start_fails_can_be_started_again(
    database: Database, database_url: str, queue: JobQueue
) -> None:
    """The database of a worker may become unavailable between two statements of its start."""
    with database.transaction() as connection:
        queue.enqueue(connection, "run_0.1", RESULT_VERSION, 0.0)
    consumer = f"""
import os, threading
from service.errors import StoreUnavailable
from service.jobs.queue import Pace, consume
delivered = threading.Event()
def start(url):
    consume(url, "executor", lambda lease: delivered.set(), Pace(1.0))
try:
    start("postgresql://nobody@127.0.0.1:1/a")
except StoreUnavailable as error:
    print(error.detail)
start({database_url!r})
assert delivered.wait(60)
print("delivered", flush=True)
os._exit(0)
"""
    process = run_program(sys.executable, "-c", consumer, check=False)
    lines = process.stdout.splitlines()
    assert lines == ["the database is unavailable; try again later", "delivered"], process


def test_an_idle_consumer_is_woken_by_an_entry(database_url: str, queue: JobQueue) -> None:
    """It looks for entries once per hour."""
    consumer = f"""
import os, sys, threading
import service.jobs.queue
service.jobs.queue.AWAKE_SECONDS = 1.0
from service.jobs.queue import JobQueue, Pace, consume
from service.operations.shared.ids import RESULT_VERSION
from service.store import Database
delivered = threading.Semaphore(0)
pace = Pace(3600.0)
database, queue = Database({database_url!r}), JobQueue({database_url!r}, pace.wake)
database.migrate()
consume({database_url!r}, "executor", lambda lease: delivered.release(), pace)
for number, pause in enumerate([0.0, 1.5]):
    threading.Event().wait(pause)
    with database.transaction() as connection:
        queue.enqueue(connection, f"run_0.{{number}}", RESULT_VERSION, 0.0)
    assert delivered.acquire(timeout=60), number
os._exit(0)
"""
    run_program(sys.executable, "-c", consumer)


def test_the_errors_of_dbos_are_lines_of_json(database_url: str, queue: JobQueue) -> None:
    consumer = f"""
import logging, os
from service.logs import configure_log
log = configure_log("info")
from service.jobs.queue import Pace, consume
consume({database_url!r}, "executor", print, Pace(1.0))
logging.getLogger("dbos").info("hidden")
logging.getLogger("dbos").error("an error")
log.flush()
os._exit(0)
"""
    done = run_program(sys.executable, "-c", consumer)
    (line,) = done.stderr.splitlines()
    assert (json.loads(line)["event"], json.loads(line)["level"]) == ("an error", "error")


def test_finished_entries_are_deleted_after_a_while(database: Database, queue: JobQueue) -> None:
    leases = ["run_0.1", "run_0.2"]
    with database.transaction() as connection:
        for lease in leases:
            queue.enqueue(connection, lease, 1, 0.0)
    queue.cancel("run_0.1")
    now = datetime.now(UTC)
    queue.delete_finished(now - timedelta(minutes=1))
    assert queue.get_statuses(leases) == {"run_0.1": "CANCELLED", "run_0.2": "ENQUEUED"}
    queue.delete_finished(now + timedelta(minutes=1))
    assert queue.get_statuses(leases) == {"run_0.2": "ENQUEUED"}


def test_an_unavailable_database_is_reported_at_once() -> None:
    queue = JobQueue("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    with pytest.raises(StoreUnavailable):
        queue.get_statuses(["run_0.1"])
    queue.close()
