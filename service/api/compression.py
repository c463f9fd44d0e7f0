"""Compression of responses with gzip, where it pays."""

import re
import zlib
from collections.abc import Mapping
from typing import Any, Final

from anyio import to_thread
from starlette.types import Message, Scope, Send

from service.api.exchange import RawHeaders

MEDIA_TYPES: Final = {
    b"application/json",
    b"application/problem+json",
    b"image/svg+xml",
    b"text/css",
    b"text/csv",
    b"text/html",
    b"text/javascript",
}
MIN_BYTES: Final = 1000  # a smaller response fits into one packet anyway
LEVEL: Final = 4
INLINE_BYTES: Final = 16 * 1024  # encoded on the event loop, in less than a millisecond
GZIP: Final = 31  # the window size of zlib that selects the format gzip
SUFFIX: Final = b'-gzip"'  # the end of the ETag of an encoded response
VARY: Final = (b"vary", b"Accept-Encoding")
ENCODING: Final = (b"content-encoding", b"gzip")
CONDITIONS: Final = (b"if-none-match", b"if-match")
_ACCEPTED: Final = re.compile(rb"(?:^|,)\s*(?:x-)?gzip\s*(?:;\s*q=([0-9.]+)\s*)?(?:,|$)")


def accepts_gzip(accept_encoding: bytes) -> bool:
    """Return whether a client accepts gzip, according to its Accept-Encoding header."""
    match = _ACCEPTED.search(accept_encoding.lower())
    return match is not None and (match[1] is None or match[1].strip(b"0.") != b"")


def remove_suffixes(scope: Scope, headers: Mapping[bytes, bytes]) -> None:
    """Let the conditions of a request name the ETags of responses that are not encoded."""
    none_match, match = CONDITIONS
    if SUFFIX in headers.get(none_match, b"") or SUFFIX in headers.get(match, b""):
        scope["headers"] = [
            (name, value.replace(SUFFIX, b'"') if name in CONDITIONS else value)
            for name, value in scope["headers"]
        ]


def _add_suffix(headers: RawHeaders) -> RawHeaders:
    """Return headers whose ETag is that of the encoded response."""
    return [(name, value[:-1] + SUFFIX if name == b"etag" else value) for name, value in headers]


class GzipResponse:
    """One response, encoded if the client accepts it and it pays.

    The ETag of an encoded response has a suffix, since its bytes differ.

    Parameters
    ----------
    send
        Sends the messages.
    headers
        The headers of the request.
    """

    def __init__(self, send: Send, headers: Mapping[bytes, bytes]) -> None:
        self._send = send
        self._headers = headers
        self._start: Message | None = None
        self._compressor: Any = None
        self._is_whole = False  # the first part is the last

    async def send(self, message: Message) -> None:
        """Send a message; the start of an encoded response waits for the first part."""
        if message["type"] == "http.response.start":
            self._prepare(message)
            if self._start is None:
                await self._send(message)
        elif self._compressor is None:
            await self._send(message)
        else:
            await self._send_part(message.get("body", b""), message.get("more_body", False))

    def _prepare(self, message: Message) -> None:
        """Add the header Vary, and decide whether the response is encoded."""
        headers, status = message.get("headers", []), message["status"]
        media_type, size = b"", MIN_BYTES
        for name, value in headers:
            if name == b"content-type":
                media_type = value.partition(b";")[0]
            elif name == b"content-length":
                size, self._is_whole = int(value), True
        if status == 304:
            if SUFFIX in self._headers.get(b"if-none-match", b"") and self._accepts():
                headers = _add_suffix(headers)
            message["headers"] = [*headers, VARY]
            return
        if size < MIN_BYTES or media_type not in MEDIA_TYPES:
            return
        message["headers"] = [*headers, VARY]
        if status == 206 or not self._accepts():
            return
        self._compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
        others = [each for each in headers if each[0] != b"content-length"]
        self._start = {**message, "headers": [*_add_suffix(others), VARY, ENCODING]}

    def _accepts(self) -> bool:
        return accepts_gzip(self._headers.get(b"accept-encoding", b""))

    async def _send_part(self, body: bytes, more_body: bool) -> None:
        if len(body) <= INLINE_BYTES:
            part = self._encode(body, more_body)
        else:
            part = await to_thread.run_sync(self._encode, body, more_body)
        if self._start is not None:
            start, self._start = self._start, None
            if self._is_whole:
                start["headers"].append((b"content-length", b"%d" % len(part)))
            await self._send(start)
        if part or not more_body:
            await self._send({"type": "http.response.body", "body": part, "more_body": more_body})

    def _encode(self, body: bytes, more_body: bool) -> bytes:
        part: bytes = self._compressor.compress(body)
        return part if more_body else part + self._compressor.flush()
