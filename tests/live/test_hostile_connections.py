"""Hostile bytes on connections: refused once, without a second response and without a hang."""

import gzip
import io
from collections.abc import Iterator
from http.client import HTTPResponse
from socket import SHUT_WR
from typing import Any

import psutil
import pytest

from tests.live.conftest import receive_all, wait_for

HOST = b"host: localhost\r\n"
JSON = HOST + b"content-type: application/json\r\n"
POST = b"POST /v1/predict HTTP/1.1\r\n" + JSON
CLOSING = b"GET /livez HTTP/1.1\r\nconnection: close\r\n"
LIVEZ = b"GET /livez HTTP/1.1\r\n" + HOST + b"\r\n"
# It computes for longer than the end of a connection takes to arrive.
LONG = b'{"keep": false, "n_iterations": 3000, "network": {"activation": "tanh"}}'
TRAIN = b"POST /v1/training-runs HTTP/1.1\r\n%bcontent-length: %d\r\n\r\n%b" % (
    JSON,
    len(LONG),
    LONG,
)
CHUNKED = b"transfer-encoding: chunked\r\n"
SETTINGS = {"client_timeout": 2, "max_sync_seconds": 60}  # slow clients are disconnected soon
SMUGGLED = b"2\r\n{}\r\n0\r\n\r\nGET /livez HTTP/1.1\r\n" + HOST + b"\r\n"


@pytest.fixture(autouse=True)
def _still_alive(server: Any) -> Iterator[None]:
    """Check that the server responds after each test."""
    yield
    assert server.client.get("/livez").status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        POST + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{} ",
        POST + b"content-length: 2\r\ncontent-length: 2\r\n\r\n{}",
        POST + b"content-length: 2, 2\r\n\r\n{}",
        POST + b"content-length: -2\r\n\r\n{}",
        POST + b"content-length: +2\r\n\r\n{}",
        POST + b"content-length: 0x2\r\n\r\n{}",
        POST + b"content-length: 99999999999999999999999\r\n\r\n{}",
        POST + b"content-length: 2\r\n" + CHUNKED + b"\r\n" + SMUGGLED,
        POST + CHUNKED + b"content-length: 2\r\n\r\n" + SMUGGLED,
        POST + b"transfer-encoding: xchunked\r\n\r\n" + SMUGGLED,
        POST + b"transfer-encoding: chunked, identity\r\n\r\n" + SMUGGLED,
        POST + CHUNKED + b"\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        POST + CHUNKED + b"\r\n-2\r\n{}\r\n0\r\n\r\n",
        POST + CHUNKED + b"\r\n2\r\n{}}\r\n0\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
        b"GET /livez HTTP/1.1\r\nhost: localhost\r\nHOST: example.org\r\n\r\n",
        CLOSING + b"host: a b\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nhost:\r\n\r\n",
        b"GET /livez HTTP/1.0\r\nhost: \t\r\n\r\n",
        CLOSING + b"host: user@localhost\r\n\r\n",
        b"GET /livez HTTP/1.0\r\nhost: localhost/path\r\n\r\n",
        CLOSING + b"host: \xe4.example\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n" + HOST + b"a: b\r\n c\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n" + HOST + b"a : b\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n" + HOST + b"a: b\0c\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n" + HOST + b"a\0: b\r\n\r\n",
        b"GET /livez HTTP/1.1\n" + HOST + b"\n",
        b"GET /livez HTTP/1.1\r" + HOST + b"\r",
        b"GET /livez HTTP/1.1 x\r\n" + HOST + b"\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT example.org:80 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"CONNECT localhost:80 HTTP/1.1\r\n" + HOST + b"content-length: 2\r\n\r\n{}",
    ],
)
def test_requests_of_doubtful_meaning_are_refused(server: Any, sent: bytes) -> None:
    received = server.exchange(sent)
    assert received.startswith(b"HTTP/1.1 400 "), received[:300]
    assert received.count(b"HTTP/1.1 ") == 1
    assert b"\r\nconnection: close\r\n" in received
    assert b'"type":"/problems/malformed"' in received


@pytest.mark.parametrize("codings", [b"gzip, chunked", b"gzip\r\ntransfer-encoding: chunked"])
def test_other_transfer_encodings_are_not_implemented(server: Any, codings: bytes) -> None:
    received = server.exchange(POST + b"transfer-encoding: " + codings + b"\r\n\r\n" + SMUGGLED)
    assert received.startswith(b"HTTP/1.1 501 ")
    assert received.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("length", [b"2 ", b"2\t ", b" 2"])
def test_white_space_around_a_value_does_not_count(server: Any, length: bytes) -> None:
    sent = b"%sconnection: close \r\ncontent-length: %s\r\n\r\n{}" % (POST, length)
    assert server.exchange(sent).startswith(b"HTTP/1.1 200 ")


def test_http_1_0_needs_no_host(server: Any) -> None:
    assert server.exchange(b"GET /livez HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", ["/v1/gradient-trace.csv", "/v1/cost-surface.npz"])
@pytest.mark.parametrize("encoding", [b"identity", b"gzip"])
def test_a_stream_without_chunks_is_the_same(server: Any, path: str, encoding: bytes) -> None:
    request = b"GET %s HTTP/1.0\r\naccept-encoding: %s\r\n\r\n" % (path.encode(), encoding)
    head, _, body = server.exchange(request).partition(b"\r\n\r\n")
    assert b"connection: close" in head
    assert b"transfer-encoding" not in head
    encoded = b"content-encoding: gzip" in head
    assert encoded == (encoding == b"gzip" and path.endswith("csv"))
    expected = server.client.get(path).content
    assert (gzip.decompress(body) if encoded else body) == expected


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /livez HT",
        POST + b"content-length: 100\r\n\r\n{",
        POST + CHUNKED + b"\r\n2\r\n{",
        TRAIN.replace(b"HTTP/1.1", b"HTTP/1.0"),  # it may have left, which cannot be probed
    ],
)
def test_a_client_that_closes_its_half_too_early_gets_no_response(server: Any, sent: bytes) -> None:
    assert server.exchange(sent, half_close=True) == b""


class Received(io.BytesIO):
    """The received bytes of a connection, as a socket for the client of the standard library."""

    def makefile(self, _mode: str) -> "Received":
        """Return itself, so that a response begins where the previous one ended."""
        return self

    def close(self) -> None:
        """Stay open for the next response."""


def read_statuses(received: bytes) -> list[int]:
    """Return the statuses of the complete responses, of which some are not interim ones."""
    stream: Any = Received(received)
    statuses = []
    while stream.tell() < len(received):
        response = HTTPResponse(stream)
        response.begin()
        response.read()
        statuses.append(response.status)
    return statuses


@pytest.mark.parametrize(
    ("sent", "n_responses"),
    [
        (POST + b"content-length: 2\r\n\r\n{}", 1),
        (TRAIN, 1),
        (b"GET /v1/cost-surface.pdf HTTP/1.1\r\n" + HOST + b"\r\n", 1),
        (b"GET /v1/gradient-trace.csv HTTP/1.1\r\n" + HOST + b"\r\n", 1),
        (LIVEZ + TRAIN + LIVEZ, 3),
        (TRAIN + TRAIN + LIVEZ.replace(b"HTTP/1.1", b"HTTP/1.0"), 3),
        (TRAIN + b"GET /livez HT", 1),
    ],
)
def test_a_client_that_closes_its_half_gets_all_responses(
    server: Any, sent: bytes, n_responses: int
) -> None:
    received = server.exchange(sent, half_close=True)
    assert read_statuses(received) == n_responses * [200]


def test_a_client_that_closes_its_half_can_follow_a_job(server: Any) -> None:
    path = f"/v1/training-runs/{server.submit()['id']}"
    with server.connect(
        f"GET {path}/events HTTP/1.1\r\nhost: localhost\r\n\r\n".encode()
    ) as client:
        received = client.recv(65536)
        client.shutdown(SHUT_WR)
        for _ in range(10):  # until a comment shows that the server has noticed it
            received += client.recv(65536)
            if b"\r\n2\r\n:\n\r\n" in received:
                break
        assert server.client.post(f"{path}/cancel").status_code == 202
        received += receive_all(client)
    assert read_statuses(received) == [200]
    assert b"\r\n2\r\n:\n\r\n" in received
    assert b"event: done\n" in received


def test_a_client_that_closes_its_half_must_read_the_response(server: Any) -> None:
    stored = server.client.post("/v1/datasets", json={"n_samples": 200_000}).json()
    process = psutil.Process(server.process.pid)
    head = f"GET {stored['links']['csv']} HTTP/1.1\r\nhost: localhost\r\n\r\n"
    with server.connect(head.encode()) as client:
        client.shutdown(SHUT_WR)
        assert client.recv(9) == b"HTTP/1.1 "
        address = client.getsockname()
        wait_for(
            lambda: [each.raddr for each in process.net_connections("tcp")],
            lambda addresses: address not in addresses,
        )
        assert len(receive_all(client)) < 9_000_000  # the file has more
