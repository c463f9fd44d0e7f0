"""Closing while others are at work: every connection is closed in the end."""

import gc
import warnings
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from sqlalchemy import text

from service.store import Database


def test_a_connection_in_use_is_closed_when_it_is_given_back(database: Database) -> None:
    reading, closed = Event(), Event()

    def read() -> None:
        with database.snapshot() as connection:
            reading.set()
            assert closed.wait(20)
            assert connection.execute(text("SELECT 1")).scalar() == 1

    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        with ThreadPoolExecutor(1) as threads:
            late = threads.submit(read)
            assert reading.wait(20)
            database.close()
            closed.set()
            late.result()
        with pytest.MonkeyPatch.context() as patch:
            unraisable: list[object] = []
            patch.setattr("sys.unraisablehook", unraisable.append)
            gc.collect()
    assert unraisable == []


def test_what_was_closed_may_be_used_again(database: Database) -> None:
    for _ in range(2):
        database.close()
        database.ping()
