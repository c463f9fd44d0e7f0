"""The transport of one response."""

from asyncio import Transport
from typing import Final

LENGTH: Final = b"\r\ncontent-length: "  # as uvicorn writes it
CHUNKED: Final = b"transfer-encoding: chunked\r\n"
JOINED_BYTES: Final = 16 * 1024  # of a body that is copied


class ResponseTransport:
    """Sends the head of a response together with the first part of the body.

    Uvicorn writes both separately, which takes two system calls and two packets, and wakes the
    client twice. A head without a Content-Length is sent at once, since the body of a stream may
    follow later.

    Uvicorn sends a stream in chunks, which HTTP/1.0 does not have: there it ends with the
    connection.

    Parameters
    ----------
    transport
        That of the connection.
    http_version
        That of the request.
    """

    __slots__ = ("_begun", "_head", "_http_version", "_removes_chunks", "_transport")

    def __init__(self, transport: Transport, http_version: str) -> None:
        self._transport = transport
        self._http_version = http_version
        self._begun = False
        self._head = b""
        self._removes_chunks = False

    def write(self, data: bytes) -> None:
        """Write the head, and then one part of the body after the other."""
        if self._head:
            if len(data) <= JOINED_BYTES:
                self._transport.write(self._head + data)
            else:
                self._transport.writelines((self._head, data))
            self._head = b""
        elif not self._begun and LENGTH in data:
            self._head = data
        elif not self._begun and self._http_version == "1.0":
            self._removes_chunks = CHUNKED in data
            self._transport.write(data.replace(CHUNKED, b""))
        else:
            self._transport.write(_read_chunk(data) if self._removes_chunks else data)
        self._begun = True

    def close(self) -> None:
        """Close the connection after everything has been sent."""
        if self._head:
            self._transport.write(self._head)
        self._transport.close()

    def is_closing(self) -> bool:
        """Return whether the connection is closed or is about to be."""
        return self._transport.is_closing()


def _read_chunk(data: bytes) -> bytes:
    """Return the content of a chunk, which the last one may follow."""
    size, _, rest = data.partition(b"\r\n")
    return rest[: int(size or b"0", 16)]
