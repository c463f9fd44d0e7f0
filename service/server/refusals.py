"""Refusals of the server itself, before a request reaches the application."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from service.api.errors import (
    HEADERS_TOO_LARGE,
    MALFORMED,
    MEDIA_TYPE,
    NOT_IMPLEMENTED,
    RETRY_AFTER_SECONDS,
    URL_TOO_LONG,
    ProblemType,
    problem_body,
)

MAX_HEADER_BYTES: Final = 64 * 1024  # of all header fields together, or of the trailers
MAX_HEADERS: Final = 100
MAX_URL_BYTES: Final = 16 * 1024
HOST: Final = re.compile(rb"[^\x00-\x20\x7f-\xff/?#@]+")


class Refusal(Exception):
    """A request that is refused before it reaches the application."""

    def __init__(self, kind: ProblemType, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail

    def encode(self, request_id: str, default_headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        """Return the response, after which the connection ends."""
        body = problem_body(self.kind, self.detail, request_id)
        fields = [
            *default_headers,
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            (b"x-request-id", request_id.encode()),
            (b"connection", b"close"),
        ]
        if self.kind in RETRY_AFTER_SECONDS:
            fields.append((b"retry-after", b"%d" % RETRY_AFTER_SECONDS[self.kind]))
        head = [part for name, value in fields for part in (name, b": ", value, b"\r\n")]
        return b"".join([STATUS_LINE[self.kind.status], *head, b"\r\n", body])


def explain(error: httptools.HttpParserError) -> Refusal:
    """Return the refusal that a callback of the parser raised, or that the parser's error means."""
    if isinstance(error.__context__, Refusal):
        return error.__context__
    if isinstance(error, httptools.HttpParserInvalidMethodError):
        return Refusal(NOT_IMPLEMENTED, "the method is unknown")
    return Refusal(MALFORMED, "the request is not valid HTTP")


def check_headers(url: bytes, headers: Sequence[tuple[bytes, bytes]], n_received: int) -> None:
    """Raise a Refusal if the URL, the headers or the trailers are too large.

    Parameters
    ----------
    n_received
        The bytes of these received so far, which may be parsed in part.
    """
    if len(url) > MAX_URL_BYTES:
        raise Refusal(URL_TOO_LONG, f"the URL is longer than the limit of {MAX_URL_BYTES} bytes")
    if len(headers) > MAX_HEADERS:
        raise Refusal(HEADERS_TOO_LARGE, f"there are more than {MAX_HEADERS} header fields")
    size = sum(len(name) + len(value) for name, value in headers)
    if max(size, n_received) > MAX_HEADER_BYTES:
        limit = f"the limit of {MAX_HEADER_BYTES} bytes"
        raise Refusal(HEADERS_TOO_LARGE, f"the header fields are larger than {limit}")


def check_host(headers: Iterable[tuple[bytes, bytes]], version: str) -> None:
    """Raise a Refusal unless there is one valid Host (RFC 9112, section 3.2)."""
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) > 1 or (not hosts and version == "1.1"):
        raise Refusal(MALFORMED, "a request has exactly one Host header field")
    if hosts and not HOST.fullmatch(hosts[0]):
        raise Refusal(MALFORMED, "the Host header field is not a name or an address")


def check_coding(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Raise a Refusal unless the body is sent as it is, or in chunks (RFC 9112, section 6.1)."""
    values = [value for name, value in headers if name == b"transfer-encoding"]
    if not values:
        return
    *others, last = [coding.strip().lower() for coding in b",".join(values).split(b",")]
    if last != b"chunked" or b"chunked" in others:
        raise Refusal(MALFORMED, "the last Transfer-Encoding, and no other, is chunked")
    if others:
        raise Refusal(NOT_IMPLEMENTED, "the only known Transfer-Encoding is chunked")
