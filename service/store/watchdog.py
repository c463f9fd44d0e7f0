"""Detection of a PostgreSQL server that does not respond although its sockets are open.

The kernel of a frozen server still acknowledges packets, so neither keepalives nor the timeouts of
the server itself expire. A late response alone is not conclusive, because a statement may wait for
a lock or build an index. After some seconds without a response, the server is therefore probed over
a second connection, and the wait continues if the probe succeeds.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from time import monotonic
from typing import Any, Final, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

PROBE_SECONDS: Final = 3.0  # without a response, after which the server is probed
REFUSE_SECONDS: Final = 1.0  # after a failed probe, until the next attempt to connect

R = TypeVar("R")

_gives_up: Final[ContextVar[bool]] = ContextVar("gives_up", default=False)


@contextmanager
def without_probes() -> Iterator[None]:
    """Close a connection without a response in this context, although its server may respond.

    It is for statements that neither wait for locks nor take long. Otherwise they would wait for a
    process of the server that is stopped.
    """
    token = _gives_up.set(True)
    try:
        yield
    finally:
        _gives_up.reset(token)


class UnresponsiveServerError(psycopg.OperationalError):
    """The server does not respond."""


class CircuitBreaker:
    """A connector to one server for all connections of an engine.

    While the server does not respond, one call per second tries to connect and all others fail at
    once. Otherwise they would block threads required by other requests.
    """

    def __init__(self, probe_seconds: float = PROBE_SECONDS) -> None:
        self._probe_seconds = probe_seconds
        self._retry_at: float | None = None  # None if the server responds

    def connect(self, *arguments: Any, **parameters: Any) -> "WatchedConnection":
        """Connect with the arguments of psycopg; raises psycopg.Error."""
        connection = self._connect(*arguments, **parameters)
        connection.probe = partial(self.probe, *arguments, **parameters)
        connection.probe_seconds = self._probe_seconds
        return connection

    def probe(self, *arguments: Any, **parameters: Any) -> bool:
        """Return True if the server responds, even with an error."""
        try:
            with self._connect(*arguments, **parameters) as connection:
                connection.execute("SELECT 1")  # a proxy can accept connections itself
        except (psycopg.errors.ConnectionTimeout, UnresponsiveServerError):
            self._retry_at = monotonic() + REFUSE_SECONDS
            return False
        except psycopg.Error:
            return True
        return True

    def _connect(self, *arguments: Any, **parameters: Any) -> "WatchedConnection":
        retry_at = self._retry_at  # another thread can change it
        if retry_at is not None:
            if monotonic() < retry_at:
                raise UnresponsiveServerError("the server did not respond a moment ago")
            self._retry_at = monotonic() + REFUSE_SECONDS
        try:
            connection = WatchedConnection.connect(*arguments, **parameters)
        except psycopg.errors.ConnectionTimeout:
            self._retry_at = monotonic() + REFUSE_SECONDS
            raise
        self._retry_at = None
        return connection


class WatchedConnection(psycopg.Connection[Any]):
    """A connection that closes itself when its server does not respond.

    ``probe`` returns True if the server responds over another connection. A connection without one
    closes itself without a probe.
    """

    probe: Callable[[], bool] | None = None
    probe_seconds = PROBE_SECONDS

    def wait(self, gen: Generator[Any, Any, R], *arguments: Any, **options: Any) -> R:
        """Wait for a response; raises UnresponsiveServerError."""
        return super().wait(self._watch(gen), *arguments, **options)

    def _watch(self, gen: Generator[Any, Any, R]) -> Generator[Any, Any, R]:
        """Relay the values sent by psycopg to its generator, repeatedly while it waits."""
        try:
            awaited = next(gen)
            last_response = monotonic()
            while True:
                ready = yield awaited
                if ready:
                    last_response = monotonic()
                elif monotonic() - last_response >= self.probe_seconds:
                    self._check_server()
                    last_response = monotonic()
                awaited = gen.send(ready)
        except StopIteration as end:
            value: R = end.value
            return value

    def _check_server(self) -> None:
        # A connection that waits for notifications has sent no statement, and can wait for hours.
        if self.pgconn.transaction_status != TransactionStatus.ACTIVE:
            return
        if _gives_up.get() or self.probe is None or not self.probe():
            self.close()
            raise UnresponsiveServerError("the server has not responded for too long")
