"""The latency of `/livez` while pictures are drawn on every core.

``python -m benchmarks.livez`` prints a Markdown table. One process requests new pictures from a
real server on more connections than there are cores. This process requests `/livez` every five
milliseconds.
"""

import http.client
import multiprocessing
import os
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import count

from benchmarks.machine import restart_without_overrides
from benchmarks.service import serve

SECONDS = 8.0
PAUSE = 0.005
CONNECTIONS = 2 * (os.cpu_count() or 1) + 2


def request_pictures(
    port: int, until: float, seeds: int, results: "multiprocessing.Queue[int]"
) -> None:
    """Request new pictures on many connections; put their number into ``results``."""
    numbers, drawn, lock = count(seeds), [0], threading.Lock()

    def client() -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            while time.time() < until:
                with lock:
                    seed = next(numbers)
                connection.request("GET", f"/v1/cost-surface.png?seed={seed}")
                response = connection.getresponse()
                response.read()
                assert response.status == 200, response.status
                with lock:
                    drawn[0] += 1

    threads = [threading.Thread(target=client) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put(drawn[0])


def probe(port: int, seconds: float) -> list[float]:
    """Return the latencies of `/livez` in milliseconds, in ascending order."""
    timings = []
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        until = time.perf_counter() + seconds
        while (start := time.perf_counter()) < until:
            connection.request("GET", "/livez")
            response = connection.getresponse()
            response.read()
            assert response.status == 200, response.status
            timings.append(1e3 * (time.perf_counter() - start))
            time.sleep(PAUSE)
    return sorted(timings)


def format_row(name: str, timings: list[float], pictures: float) -> str:
    """Return a row of milliseconds."""
    p99 = timings[int(0.99 * (len(timings) - 1))]
    times = f"{statistics.median(timings):.2f} | {p99:.2f} | {timings[-1]:.2f}"
    return f"| {name} | {times} | {len(timings)} | {pictures:.0f} |"


def measure(number: int | None, name: str) -> Iterator[str]:
    """Measure one server, idle and while it draws."""
    context = multiprocessing.get_context("spawn")
    settings: dict[str, object] = {} if number is None else {"render_processes": number}
    with serve(**settings) as port:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            connection.request("GET", "/v1/cost-surface.png")  # starts all rendering processes
            connection.getresponse().read()
        if number is None:
            yield format_row("nothing to draw", probe(port, SECONDS / 2), 0)
        results = context.Queue()
        until = time.time() + SECONDS + 3
        requester = context.Process(target=request_pictures, args=(port, until, 10_000, results))
        requester.start()
        time.sleep(2)  # until all connections are busy
        timings = probe(port, SECONDS)
        drawn = results.get(timeout=60)
        requester.join()
        yield format_row(name, timings, drawn / (SECONDS + 2))


def main() -> None:
    """Print the table."""
    restart_without_overrides()
    print("| `/livez` | median ms | p99 ms | max ms | requests | pictures per second |")
    print("| --- | --- | --- | --- | --- | --- |")
    for number, name in (
        (None, f"one rendering process per core, {CONNECTIONS} connections request new pictures"),
        (0, "the same, drawn in a thread of the server"),
    ):
        for row in measure(number, name):
            print(row, flush=True)


if __name__ == "__main__":
    main()
