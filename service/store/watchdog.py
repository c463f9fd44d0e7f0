"""A PostgreSQL server that says nothing any more, although its sockets are alive.

The kernel of a server that is frozen goes on acknowledging what is sent, so that neither
keepalives nor timeouts that the server itself keeps come to an end. Silence alone proves nothing:
a statement may wait for a lock, or build an index. So whoever has waited for some seconds asks the
server over another connection, and waits on if that is answered.
"""

from collections.abc import Callable, Generator
from threading import Lock
from time import monotonic
from typing import Any, Final, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

SILENT_SECONDS: Final = 3.0  # then the server is asked, and has as long to answer
REFUSE_SECONDS: Final = 1.0  # after it was silent, before anybody tries again

R = TypeVar("R")


class SilenceError(psycopg.OperationalError):
    """The server does not answer."""


class CircuitBreaker:
    """The way to one server, for all connections of an engine.

    While the server is silent one call at a time tries to connect, and all others are refused at
    once: they would only keep threads that others need.
    """

    def __init__(self) -> None:
        self._silent = False
        self._again = 0.0
        self._trying = Lock()

    def connect(self, *arguments: Any, **parameters: Any) -> "WatchedConnection":
        """Connect as psycopg does; raises psycopg.Error."""
        connection = self._connect(*arguments, **parameters)
        connection.answers = lambda: self._answers(*arguments, **parameters)
        return connection

    def _connect(self, *arguments: Any, **parameters: Any) -> "WatchedConnection":
        if not self._silent:
            return self._try(*arguments, **parameters)
        if monotonic() < self._again or not self._trying.acquire(blocking=False):
            raise SilenceError("the server did not answer a moment ago")
        try:
            return self._try(*arguments, **parameters)
        finally:
            self._trying.release()

    def _try(self, *arguments: Any, **parameters: Any) -> "WatchedConnection":
        try:
            connection = WatchedConnection.connect(*arguments, **parameters)
        except psycopg.errors.ConnectionTimeout:
            self._found_silent()
            raise
        self._silent = False
        return connection

    def _answers(self, *arguments: Any, **parameters: Any) -> bool:
        """Ask; whatever comes back, even a refusal, shows that the server is at work."""
        try:
            with self._connect(*arguments, **parameters) as connection:
                connection.execute("SELECT 1")  # a proxy may answer before this, but not to this
        except psycopg.errors.ConnectionTimeout:
            return False
        except SilenceError:
            self._found_silent()
            return False
        except psycopg.Error:
            return True
        return True

    def _found_silent(self) -> None:
        self._again = monotonic() + REFUSE_SECONDS
        self._silent = True


class WatchedConnection(psycopg.Connection[Any]):
    """A connection that gives up once its server is silent, and is closed then.

    ``answers`` tells whether the server is at work; a connection without one trusts silence.
    """

    answers: Callable[[], bool] | None = None

    def wait(self, gen: Generator[Any, Any, R], *arguments: Any, **options: Any) -> R:
        """Wait for an answer; raises SilenceError."""
        return super().wait(self._watching(gen), *arguments, **options)

    def _watching(self, gen: Generator[Any, Any, R]) -> Generator[Any, Any, R]:
        """Pass on what psycopg's wait tells its generator: several times a second, nothing."""
        try:
            wanted = next(gen)
            heard = monotonic()
            while True:
                ready = yield wanted
                if ready:
                    heard = monotonic()
                elif monotonic() - heard >= SILENT_SECONDS:
                    self._check()
                    heard = monotonic()
                wanted = gen.send(ready)
        except StopIteration as end:
            value: R = end.value
            return value

    def _check(self) -> None:
        # Whoever waits for notifications asked for nothing, and may wait for ever.
        if self.pgconn.transaction_status != TransactionStatus.ACTIVE:
            return
        if self.answers is None or not self.answers():
            self.close()
            raise SilenceError("the server has been silent for too long")
