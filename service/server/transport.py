"""The transport of one response."""

from asyncio import Transport
from typing import Final

LENGTH: Final = b"\r\ncontent-length: "  # as uvicorn writes it
JOINED_BYTES: Final = 16 * 1024  # of a body that is copied


class ResponseTransport:
    """Sends the head of a response together with the first part of the body.

    Uvicorn writes both separately, which takes two system calls and two packets, and wakes the
    client twice. A head without a Content-Length is sent at once, since the body of a stream may
    follow later.

    Parameters
    ----------
    transport
        That of the connection.
    """

    __slots__ = ("_begun", "_head", "_transport")

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._begun = False
        self._head = b""

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
        else:
            self._transport.write(data)
        self._begun = True

    def close(self) -> None:
        """Close the connection after everything has been sent."""
        if self._head:
            self._transport.write(self._head)
        self._transport.close()

    def is_closing(self) -> bool:
        """Return whether the connection is closed or is about to be."""
        return self._transport.is_closing()
