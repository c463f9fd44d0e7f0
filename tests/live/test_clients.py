"""Real clients: those that close the connection, and those that offer to upgrade it."""

import contextlib
import http.client
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import requests
import yaml

from tests.live.conftest import WAIT_SECONDS, receive_all, wait_for
from tests.programs import needs

SETTINGS = {"max_body_bytes": 100_000}
LARGE = b"1,2\n" * 1_000_000  # more than the buffers of the kernel hold
H2C = (
    b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\n"
    b"http2-settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
)
POST = b"POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"

# What nginx needs to run without root.
NGINX = """
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    {servers}
}}
"""
ROOT = Path(__file__).parents[2]


def proxy_with_tls() -> str:
    """Return the proxy of deploy/nginx without TLS, its ports and its redirection."""
    text = (ROOT / "deploy/nginx/linear-rnn.conf").read_text()
    text = text.partition("server {\n    listen 80;")[0]
    return re.sub(r" +(ssl_|http2|listen \[|# nginx).*\n", "", text)


def proxy_of_compose() -> str:
    """Return the proxy of docker-compose.yml without the resolver of containers."""
    text = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["configs"]["proxy"]["content"]
    return re.sub(r" +resolver .*\n", "", text).replace("$$", "$")


def place(servers: str, socket: Path, url: str) -> str:
    """Return servers of nginx that listen on a socket, in front of the service at a URL."""
    servers = re.sub(r"listen (443 ssl|8000);", f"listen unix:{socket};", servers)
    return re.sub(r"127\.0\.0\.1:8000|api:8000", url.removeprefix("http://"), servers)


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


@contextlib.contextmanager
def nginx(folder: Path, servers: str) -> Iterator[httpx.Client]:
    """Run a proxy, and yield a client of it."""
    socket = folder / "socket"
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(servers=servers))
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
@pytest.mark.parametrize(
    "servers",
    [pytest.param(proxy_with_tls(), marks=pytest.mark.slow), proxy_of_compose()],
    ids=["TLS", "Compose"],
)
def test_proxies_do_not_limit_bodies(server: Any, tmp_path: Path, servers: str) -> None:
    """As they are in this repository, with a body above the limit that nginx had."""
    body = bytes(70_000_000)
    headers = {"content-type": "text/csv"}
    with nginx(tmp_path, place(servers, tmp_path / "socket", server.url)) as client:
        response = client.post("/v1/datasets", content=body, headers=headers)
    assert response.status_code == 413
    assert response.json()["type"] == "/problems/too-large"


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
    received = server.exchange(head + b"connection: close, upgrade\r\nupgrade: b\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in received


@needs("curl")
@pytest.mark.parametrize("body", [None, b"{}", LARGE])
def test_curl_may_offer_http_2(server: Any, body: bytes | None) -> None:
    command = ["curl", "--http2", "--silent", "--write-out", "%{http_code}", "--output", "-"]
    post = ["--data-binary", "@-", "--header", "content-type: application/json"]
    urls = 2 * [server.url + "/v1/predict"]
    done = subprocess.run(
        [*command, *(post if body else []), *urls], input=body, capture_output=True, check=True
    )
    status = {None: b"405", b"{}": b"200", LARGE: b"413"}[body]
    assert done.stdout.endswith(b"}" + status)
