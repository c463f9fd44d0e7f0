"""The transport of one response, on a transport that keeps what is written."""

import asyncio

import pytest

from service.server.transport import JOINED_BYTES, ResponseTransport

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n"
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


class Recorder(asyncio.Transport):
    """A transport that keeps every call."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.calls.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


@pytest.fixture
def below() -> Recorder:
    """Return the transport of the connection."""
    return Recorder()


def test_a_stream_has_no_chunks_in_http_1_0(below: Recorder) -> None:
    response = ResponseTransport(below, "1.0")
    for part in (STREAM_HEAD, b"1a\r\n" + HEAD[:26] + b"\r\n", b"", b"1\r\na\r\n0\r\n\r\n"):
        response.write(part)
    assert b"".join(below.calls) == b"HTTP/1.1 200 OK\r\n\r\n" + HEAD[:26] + b"a"


@pytest.mark.parametrize("size", [0, 1, JOINED_BYTES, JOINED_BYTES + 1])
def test_head_and_body_are_one_write(below: Recorder, size: int) -> None:
    response = ResponseTransport(below, "1.1")
    response.write(HEAD % size)
    assert below.calls == []
    response.write(size * b"b")
    assert below.calls == [HEAD % size + size * b"b"]


def test_later_parts_are_written_at_once_whatever_they_contain(below: Recorder) -> None:
    response = ResponseTransport(below, "1.1")
    parts = [HEAD % 99, b"first", HEAD % 5, b"last"]
    for part in parts:
        response.write(part)
    assert below.calls == [parts[0] + parts[1], *parts[2:]]


def test_the_head_of_a_stream_does_not_wait(below: Recorder) -> None:
    response = ResponseTransport(below, "1.1")
    parts = [STREAM_HEAD, b"22\r\n" + HEAD % 5 + b"\r\n", b"0\r\n\r\n"]
    for n_written, part in enumerate(parts, 1):
        response.write(part)
        assert below.calls == parts[:n_written]


def test_closing_sends_a_head_that_waits(below: Recorder) -> None:
    response = ResponseTransport(below, "1.1")
    response.write(HEAD % 5)
    assert not response.is_closing()
    response.close()
    assert response.is_closing()
    assert below.calls == [HEAD % 5]
    assert below.closed
