"""The greeting, the listening socket, clients, limits of the process, the begin of a shutdown."""

import asyncio
import socket
import subprocess
import sys
from functools import partial
from typing import Any, cast

import pytest
import uvicorn

from service.errors import StartError
from service.server.connection import Connection, OpenConnections, ParseBudget
from service.server.listener import listen
from service.server.main import _Server, greeting
from service.settings import Settings
from tests.conftest import until


@pytest.mark.parametrize(
    ("host", "root"),
    [
        ("127.0.0.1", "http://127.0.0.1:81"),
        ("0.0.0.0", "http://localhost:81"),  # noqa: S104
        ("::", "http://localhost:81"),
        ("::1", "http://[::1]:81"),
    ],
)
def test_the_greeting_has_addresses_for_a_browser(host: str, root: str) -> None:
    text = greeting(Settings(host=host), 81)
    assert f"{root}/\n" in text
    assert f"{root}/docs\n" in text
    assert f"{root}/openapi.json" in text


def test_the_greeting_does_not_show_the_database_password() -> None:
    settings = Settings.model_validate({"database_url": "postgresql://u:hush@h/d"})
    assert "hush" not in greeting(settings, 81)


@pytest.mark.parametrize(("n_files", "allowed"), [(100, 200), (300, 300), (5000, 400)])
def test_files_are_allowed_up_to_the_hard_limit(n_files: int, allowed: int) -> None:
    code = (
        "from resource import RLIMIT_NOFILE, getrlimit, setrlimit\n"
        "from service.server.main import allow_files\n"
        "setrlimit(RLIMIT_NOFILE, (200, 400))\n"
        f"allow_files({n_files})\n"
        "print(getrlimit(RLIMIT_NOFILE)[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == allowed


async def respond(_scope: Any, _receive: Any, send: Any) -> None:
    """Respond without a body, as an application."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


def test_a_shutdown_begins_before_the_end_of_listening(capsys: pytest.CaptureFixture[str]) -> None:
    """A connection at the moment in which ``/readyz`` begins to fail gets its response."""
    settings = Settings()
    protocol = cast(
        "type[asyncio.Protocol]", partial(Connection, settings, ParseBudget(), OpenConnections([]))
    )
    config = uvicorn.Config(respond, http=protocol, lifespan="off", log_config=None)
    with listen("127.0.0.1", 0) as listener, socket.socket() as client:
        client.settimeout(60)

        def on_shutdown() -> None:
            client.connect(listener.getsockname())
            client.sendall(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")

        async def serve() -> None:
            server = _Server(config, settings, on_shutdown)
            serving = asyncio.create_task(server.serve([listener]))
            await until(lambda: server.started)
            server.should_exit = True
            await serving

        asyncio.run(serve())
        assert client.recv(100).startswith(b"HTTP/1.1 204 ")
    assert "is ready" in capsys.readouterr().out


@pytest.mark.parametrize("host", ["256.0.0.1.invalid", "a" * 64, "203.0.113.7"])
def test_a_foreign_address_is_reported_in_one_line(host: str) -> None:
    with pytest.raises(StartError) as caught:
        listen(host, 0)
    assert str(caught.value).startswith(f"cannot listen on {host} port 0: ")
    assert "\n" not in str(caught.value)


def test_connections_are_counted_per_address() -> None:
    opened = OpenConnections([])
    assert [opened.add("10.0.0.1") for _ in range(3)] == [1, 2, 3]
    assert opened.add("::ffff:10.0.0.1") == 4
    assert opened.add("10.0.0.2") == 1
    assert [opened.add(f"2001:db8::{n}") for n in (1, 2)] == [1, 2]
    opened.remove("10.0.0.1")
    assert opened.add("10.0.0.1") == 4
    opened.remove("10.0.0.2")
    assert opened.add("10.0.0.2") == 1


@pytest.mark.parametrize("proxies", [["*"], ["10.0.0.0/8"], ["10.0.0.1"]])
def test_those_of_trusted_proxies_are_not_counted(proxies: list[str]) -> None:
    opened = OpenConnections(proxies)
    assert [opened.add("10.0.0.1") for _ in range(3)] == [0, 0, 0]
    opened.remove("10.0.0.1")
    assert opened.add("10.0.0.1") == 0
    assert opened.add("192.0.2.1") == (proxies != ["*"])
