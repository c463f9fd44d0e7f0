"""Real clients: those that close the connection, and those that offer to upgrade it."""

import http.client
import json
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest
import requests

from tests.live.conftest import WAIT_SECONDS, receive_all, wait_for
from tests.programs import needs

LARGE = b"1,2\n" * 1_000_000  # more than the buffers of the kernel hold
H2C = (
    b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\n"
    b"http2-settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
)
POST = b"POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"

# A proxy as it is by default: HTTP/1.0 to the service, and a connection per request.
NGINX = """
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_max_body_size 0;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen unix:{socket};
        location / {{
            proxy_pass {url};
        }}
    }}
}}
"""

early_responses = pytest.mark.parametrize(
    ("method", "path", "media_type", "status"),
    [
        ("POST", "/v1/datasets", "text/csv", 413),
        ("POST", "/nothing", "text/csv", 404),
        ("PUT", "/v1/datasets", "text/csv", 405),
        ("POST", "/v1/predict", "text/csv", 415),
        ("POST", "/v1/predict?x=1", "application/json", 422),
    ],
)


@early_responses
@pytest.mark.parametrize("connection", ["close", "keep-alive"])
def test_python_clients_read_early_responses(
    server: Any, connection: str, method: str, path: str, media_type: str, status: int
) -> None:
    url = server.url + path
    headers = {"content-type": media_type, "connection": connection}
    for response in (
        requests.request(method, url, data=LARGE, headers=headers, timeout=WAIT_SECONDS),
        httpx.request(method, url, content=LARGE, headers=headers, timeout=WAIT_SECONDS),
    ):
        assert response.status_code == status
        assert response.json()["status"] == status


@early_responses
def test_http_1_0_has_a_response_that_precedes_the_end_of_the_body(
    server: Any, method: str, path: str, media_type: str, status: int
) -> None:
    head = f"{method} {path} HTTP/1.0\r\ncontent-type: {media_type}\r\n"
    with server.connect() as connection:
        connection.sendall(f"{head}content-length: {len(LARGE)}\r\n\r\n".encode() + LARGE)
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert response.status == status
        assert json.load(response)["status"] == status


@pytest.fixture(scope="module")
def nginx(server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Return a client of a proxy in front of the server."""
    folder = tmp_path_factory.mktemp("nginx")
    socket = folder / "socket"
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(socket=socket, url=server.url))
    command = ["nginx", "-p", str(folder), "-c", str(config), "-e", "stderr"]
    with (
        subprocess.Popen(command) as process,
        httpx.Client(
            base_url="http://localhost",
            transport=httpx.HTTPTransport(uds=str(socket)),
            timeout=WAIT_SECONDS,
        ) as client,
    ):
        try:
            wait_for(socket.exists, bool)
            yield client
        finally:
            process.terminate()


@needs("nginx")
@early_responses
def test_a_plain_proxy_passes_early_responses_on(
    nginx: httpx.Client, method: str, path: str, media_type: str, status: int
) -> None:
    for _ in range(10):
        headers = {"content-type": media_type}
        response = nginx.request(method, path, content=LARGE, headers=headers)
        assert response.status_code == status, response.text
        assert response.json()["status"] == status


@pytest.mark.parametrize("following", [b"", POST + b"content-length: 2\r\n\r\n{}"])
def test_a_connection_is_closed_after_the_body(server: Any, following: bytes) -> None:
    def ports() -> set[int]:
        process = psutil.Process(server.process.pid)
        return {each.raddr[1] for each in process.net_connections("tcp") if each.status != "LISTEN"}

    head = b"POST /nothing HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
    with server.connect() as connection:
        port = connection.getsockname()[1]
        connection.sendall(head + b"content-length: 100000\r\n\r\n")
        received = receive_all(connection)
        assert received.startswith(b"HTTP/1.1 404 ")
        assert port in ports()
        connection.sendall(b" " * 99_999)
        assert port in ports()
        connection.sendall(b" " + following)
        wait_for(ports, lambda seen: port not in seen)
    assert server.client.get("/livez").status_code == 200


@pytest.mark.parametrize("step", [1, 100_000])
@pytest.mark.parametrize(
    "rest",
    [
        b"content-length: 2\r\n\r\n{}",
        b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"expect: 100-continue\r\ncontent-length: 2\r\n\r\n{}",
    ],
)
def test_an_offer_to_upgrade_is_ignored(server: Any, rest: bytes, step: int) -> None:
    sent = 3 * (POST + H2C + rest) + POST + b"connection: close\r\n" + rest
    with server.connect() as connection:
        for start in range(0, len(sent), step):
            connection.sendall(sent[start : start + step])
        received = receive_all(connection)
    assert received.count(b"HTTP/1.1 200 ") == 4
    assert b"HTTP/1.1 4" not in received
    assert received.count(b"connection: close") == 1


def test_an_offer_to_upgrade_may_close_the_connection(server: Any) -> None:
    head = b"GET /livez HTTP/1.1\r\nhost: localhost\r\n"
    with server.connect(head + b"connection: close, upgrade\r\nupgrade: b\r\n\r\n") as connection:
        received = receive_all(connection)
    assert received.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in received
