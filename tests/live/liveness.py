"""The latency of `/livez` while a test loads the server."""

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from math import inf
from threading import Event, Thread
from time import monotonic, process_time
from typing import Any

import numpy as np

LIMIT_SECONDS = 0.05  # of the 99th percentile
DELAYS = 20  # of the control that `/livez` may take, if that is longer: it has several threads
PAUSE_SECONDS = 0.01
WORK_SECONDS = 0.1  # of the processor, to measure how long they take
# A server that does nothing else. It shows how long this machine delays any response now.
CONTROL = r"""
import asyncio

class Control(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

async def main():
    server = await asyncio.get_running_loop().create_server(Control, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


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
def control_server() -> Iterator[int]:
    """Run the control in a process of its own; return its port."""
    command = [sys.executable, "-c", CONTROL]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


@contextmanager
def responsive(server: Any, longest: float = inf, usual: float = LIMIT_SECONDS) -> Iterator[None]:
    """Check that `/livez` meanwhile takes less than ``usual`` seconds, in 99 % of cases.

    It never takes more than ``longest`` seconds.

    Where the machine is so busy that it delays even a server which does nothing, the limit is a
    multiple of that delay. Other processes delay the threads of the server more, since each of them
    waits for the GIL that another one holds.
    """
    done = Event()
    waits: list[tuple[float, float]] = []
    with control_server() as control_port:
        thread = Thread(target=_probe, args=((server.port, control_port), done, waits))
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
    factor = load_factor()
    for quantile, usual_limit in ((0.99, usual), (1.0, longest)):
        livez, control = np.quantile(waits, quantile, axis=0)
        limit = max(usual_limit, DELAYS * control) * factor
        assert livez < limit, (quantile, livez, control, sorted(waits)[-10:])


def _probe(ports: tuple[int, int], done: Event, waits: list[tuple[float, float]]) -> None:
    """Measure the latency of both servers in turn until the event is set."""
    livez, control = ports
    while not done.wait(PAUSE_SECONDS) or not waits:
        waits.append((_measure(livez), _measure(control)))


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
