"""Timeouts of clients, which depend on their progress."""

from enum import Enum, auto
from typing import Final

MIN_PROGRESS_BYTES: Final = 64 * 1024  # of a body or a response, per client timeout
TRANSFER_SECONDS: Final = 600.0  # for one body, or for one part of a response
LINGER_SECONDS: Final = 2.0  # for a rejected client to read the reason


class Expected(Enum):
    """The expected action of a client."""

    HEADERS = auto()
    BODY = auto()
    UNUSED_BODY = auto()
    READ = auto()
    CLOSE = auto()


class Progress:
    """A check that a client sends or reads fast enough, within a timeout in seconds."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._task: object = None
        self._task_since = 0.0
        self._n_bytes = 0
        self._n_bytes_since = 0.0

    def is_overdue(
        self, expected: Expected | None, part: tuple[int, int], n_bytes: int, now: float
    ) -> bool:
        """Return True if the client has made too little progress with the expected action.

        ``part`` is the request or the part of a response, each with a separate timeout.
        ``n_bytes`` increases with the progress.
        """
        task = expected and (expected, part)
        if task != self._task:
            self._task, self._task_since = task, now
            self._n_bytes, self._n_bytes_since = n_bytes, now
        elif expected is None:
            return False
        elif n_bytes - self._n_bytes >= MIN_PROGRESS_BYTES:
            self._n_bytes, self._n_bytes_since = n_bytes, now
        timeout = self._timeout
        if expected is Expected.CLOSE:
            timeout = min(timeout, LINGER_SECONDS)
        return now - self._n_bytes_since >= timeout or now - self._task_since >= TRANSFER_SECONDS
