"""Time limits of clients, by a clock that the test controls."""

import pytest

from service.server.progress import (
    LINGER_SECONDS,
    MIN_PROGRESS_BYTES,
    TRANSFER_SECONDS,
    Expected,
    Progress,
)

TIMEOUT = 20.0


def seconds_until_overdue(
    expected: Expected | None, bytes_per_second: float = 0.0, part_seconds: float = 1e9
) -> float | None:
    """Return after how many seconds a client is overdue, or None if it is never."""
    progress = Progress(TIMEOUT)
    for second in range(1000):
        part = int(second // part_seconds), 0
        if progress.is_overdue(expected, part, int(second * bytes_per_second), float(second)):
            return float(second)
    return None


@pytest.mark.parametrize("expected", [each for each in Expected if each is not Expected.CLOSE])
def test_a_client_without_progress_has_the_timeout(expected: Expected) -> None:
    assert seconds_until_overdue(expected) == TIMEOUT


def test_a_refused_client_has_little_time() -> None:
    assert seconds_until_overdue(Expected.CLOSE) == LINGER_SECONDS


def test_a_client_that_has_nothing_to_do_is_never_overdue() -> None:
    assert seconds_until_overdue(None) is None


@pytest.mark.parametrize(
    ("rate", "seconds"), [(0.9, TIMEOUT), (1.1, TRANSFER_SECONDS), (100.0, TRANSFER_SECONDS)]
)
def test_progress_extends_the_time_up_to_a_limit(rate: float, seconds: float) -> None:
    minimum = MIN_PROGRESS_BYTES / (TIMEOUT - 1.0)  # checked once per second
    assert seconds_until_overdue(Expected.BODY, rate * minimum) == seconds


def test_each_part_has_its_own_limit() -> None:
    rate = 2.0 * MIN_PROGRESS_BYTES / TIMEOUT
    assert seconds_until_overdue(Expected.READ, rate, TRANSFER_SECONDS - 10.0) is None
    assert seconds_until_overdue(Expected.READ, 0.0, TIMEOUT - 1.0) is None
