"""Rate limits that hold for all replicas, counted in a real Redis server."""

import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.live.conftest import wait_for
from tests.programs import needs

pytestmark = needs("redis-server")


class Redis:
    """A Redis server without files, and the address of its socket."""

    def __init__(self, directory: Path) -> None:
        path = str(directory / "redis.sock")
        self.url = f"redis+unix://{path}"
        self.client = redis.Redis(unix_socket_path=path)
        options = ["--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
        wait_for(self._responds, bool)

    def _responds(self) -> bool:
        assert self.process.poll() is None
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False


@pytest.fixture
def counters(tmp_path: Path) -> Iterator[Redis]:
    """Return a Redis server."""
    started = Redis(tmp_path)
    yield started
    started.client.close()
    started.process.kill()
    started.process.wait(60)


@pytest.fixture
def servers(start_server: Callable[..., Any], tmp_path: Path, counters: Redis) -> list[Any]:
    """Return two servers with common limits."""
    options = {"rate_limit_requests": "4/day", "rate_limit_storage": counters.url}
    return [start_server(tmp_path / name, **options) for name in ("one", "two")]


def statuses(servers: list[Any]) -> list[int]:
    """Send a request to each server, and return the statuses of the responses."""
    return [each.client.get("/v1/optimizers").status_code for each in servers]


def test_a_limit_holds_for_two_servers(servers: list[Any]) -> None:
    first, second = servers
    response = first.client.get("/v1/optimizers")
    assert '"requests";r=3' in response.headers["ratelimit"]
    response = second.client.get("/v1/optimizers")
    assert '"requests";r=2' in response.headers["ratelimit"]
    assert statuses(servers) == [200, 200]
    refused = first.client.get("/v1/optimizers")
    assert (refused.status_code, refused.json()["type"]) == (429, "/problems/rate-limited")
    assert statuses(servers) == [429, 429]


@pytest.mark.slow
def test_nothing_is_limited_while_the_storage_fails(
    servers: list[Any], counters: Redis, tmp_path: Path
) -> None:
    wait_for(lambda: statuses(servers), lambda seen: seen == [429, 429])
    counters.process.send_signal(signal.SIGSTOP)  # it accepts connections and does not respond
    assert statuses(servers) == [200, 200]
    counters.process.send_signal(signal.SIGCONT)
    wait_for(
        lambda: statuses(servers), lambda seen: seen == [429, 429]
    )  # it is used again after some seconds
    counters.process.kill()
    counters.process.wait(60)
    assert statuses(servers) == [200, 200]
    for name in ("one", "two"):
        log = tmp_path / f"{name}.log"
        wait_for(log.read_text, lambda text: "cannot count for rate limits" in text)
