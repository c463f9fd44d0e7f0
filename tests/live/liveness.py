"""Requests to `/livez` while a test loads the server."""

import http.client
from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Event, Thread
from typing import Any

PAUSE_SECONDS = 0.01
WAIT_SECONDS = 120.0


@contextmanager
def responsive(server: Any, at_least: int = 1) -> Iterator[None]:
    """Check that `/livez` meanwhile responds at least some times.

    Each request follows the response to the one before it. An event loop that computes, or that
    clients keep busy, responds few times. The time of each response proves nothing, since other
    processes of the machine delay it as well.
    """
    done = Event()
    statuses: list[int] = []
    thread = Thread(target=_probe, args=(server.port, done, statuses))
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(WAIT_SECONDS)
    assert set(statuses) == {200}
    assert len(statuses) >= at_least


def _probe(port: int, done: Event, statuses: list[int]) -> None:
    """Send requests until the event is set, each on a connection of its own, as probes do."""
    while not done.wait(PAUSE_SECONDS) or not statuses:
        with closing(
            http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_SECONDS)
        ) as connection:
            connection.request("GET", "/livez")
            response = connection.getresponse()
            response.read()
            statuses.append(response.status)
