"""How long `/livez` takes while pictures are drawn on every core.

``python -m benchmarks.livez`` prints rows of Markdown: a real server, a process that asks for
pictures never asked for before on more connections than there are cores, and this one, which
asks `/livez` every five milliseconds.
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

from benchmarks.pictures import serving, without_kernel_override

SECONDS = 8.0
PAUSE = 0.005
CONNECTIONS = 2 * (os.cpu_count() or 1) + 2


def load(port: int, until: float, seeds: int, results: "multiprocessing.Queue[int]") -> None:
    """Ask for new pictures on many connections; report how many were drawn."""
    numbers, drawn, lock = count(seeds), [0], threading.Lock()

    def client() -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            while time.time() < until:
                with lock:
                    seed = next(numbers)
                connection.request("GET", f"/v1/cost-surface.png?seed={seed}")
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 200, answer.status
                with lock:
                    drawn[0] += 1

    clients = [threading.Thread(target=client) for _ in range(CONNECTIONS)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    results.put(drawn[0])


def probe(port: int, seconds: float) -> list[float]:
    """Return how long each `/livez` took, in milliseconds, rising."""
    taken = []
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        until = time.perf_counter() + seconds
        while (began := time.perf_counter()) < until:
            connection.request("GET", "/livez")
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
            taken.append(1e3 * (time.perf_counter() - began))
            time.sleep(PAUSE)
    return sorted(taken)


def row(work: str, taken: list[float], pictures: float) -> str:
    """Return a row of milliseconds."""
    p99 = taken[int(0.99 * (len(taken) - 1))]
    times = f"{statistics.median(taken):.2f} | {p99:.2f} | {taken[-1]:.2f}"
    return f"| {work} | {times} | {len(taken)} | {pictures:.0f} |"


def measured(number: int | None, name: str) -> Iterator[str]:
    """Measure one server, idle and drawing."""
    context = multiprocessing.get_context("spawn")
    settings: dict[str, object] = {} if number is None else {"render_processes": number}
    with serving(**settings) as port:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            connection.request("GET", "/v1/cost-surface.png")  # all processes are warm after it
            connection.getresponse().read()
        if number is None:
            yield row("nothing to draw", probe(port, SECONDS / 2), 0)
        results = context.Queue()
        until = time.time() + SECONDS + 3
        asking = context.Process(target=load, args=(port, until, 10_000, results))
        asking.start()
        time.sleep(2)  # until the load is there
        taken = probe(port, SECONDS)
        drawn = results.get(timeout=60)
        asking.join()
        yield row(name, taken, drawn / (SECONDS + 2))


def main() -> None:
    """Print the rows."""
    without_kernel_override()
    print("| `/livez` | median ms | p99 ms | worst ms | asked | pictures a second |")
    print("| --- | --- | --- | --- | --- | --- |")
    for number, name in (
        (None, f"a process a core draws, {CONNECTIONS} connections ask for new pictures"),
        (0, "the same, drawn in a thread of the server"),
    ):
        for each in measured(number, name):
            print(each, flush=True)


if __name__ == "__main__":
    main()
