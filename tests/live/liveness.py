"""The latency of `/livez` while a test loads the server."""

import http.client
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from statistics import median
from threading import Event, Thread
from time import monotonic, process_time
from typing import Any

USUAL_SECONDS = 0.05  # of the median
LONGEST_SECONDS = 2.0  # of each request
PAUSE_SECONDS = 0.01
WORK_SECONDS = 0.1  # of the processor, to measure how long they take


def load_factor() -> float:
    """Return by how much other processes delay this one, at least 1.

    The load average covers the last minute, and the measurement this moment.
    """
    began, worked = monotonic(), process_time()
    while process_time() - worked < WORK_SECONDS:
        pass
    measured = (monotonic() - began) / WORK_SECONDS
    return max(1.0, measured, os.getloadavg()[0] / (os.cpu_count() or 1))


@contextmanager
def responsive(server: Any) -> Iterator[list[float]]:
    """Check that `/livez` meanwhile usually takes little time, and never long; yield the times.

    Other processes delay single requests by more than a defect would, but not half of them. An
    event loop that clients keep busy delays all requests, and one that computes delays some by
    seconds.
    """
    done = Event()
    waits: list[float] = []
    thread = Thread(target=_probe, args=(server.port, done, waits))
    thread.start()
    try:
        yield waits
    finally:
        done.set()
        thread.join()
    factor = load_factor()
    assert median(waits) < USUAL_SECONDS * factor, sorted(waits)
    assert max(waits) < LONGEST_SECONDS * factor, sorted(waits)[-10:]


def _probe(port: int, done: Event, waits: list[float]) -> None:
    """Measure the latency until the event is set."""
    while not done.wait(PAUSE_SECONDS) or not waits:
        waits.append(_measure(port))


def _measure(port: int) -> float:
    """Return the time of a request on a connection of its own, as probes send it."""
    sent = monotonic()
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
        connection.request("GET", "/livez")
        response = connection.getresponse()
        response.read()
        seconds = monotonic() - sent
    assert response.status == 200
    return seconds
