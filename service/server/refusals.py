"""Errors of the server itself, before a request reaches the application."""

from collections.abc import Iterable, Sequence
from typing import Final

import httptools

from service.api.errors import HEADERS_TOO_LARGE, MALFORMED, NOT_IMPLEMENTED, URL_TOO_LONG, Refused

MAX_HEADER_BYTES: Final = 64 * 1024  # of all header fields, or of the trailers
MAX_HEADERS: Final = 100
MAX_URL_BYTES: Final = 16 * 1024


def explain(error: httptools.HttpParserError) -> Refused:
    """Return the error raised by a callback of the parser, or the one for the parser's error."""
    if isinstance(error.__context__, Refused):
        return error.__context__
    if isinstance(error, httptools.HttpParserInvalidMethodError):
        return Refused(NOT_IMPLEMENTED, "the method is not supported")
    return Refused(MALFORMED, "the request is not valid HTTP")


def check_headers(url: bytes, headers: Sequence[tuple[bytes, bytes]], n_received: int) -> None:
    """Raise Refused if the URL, the headers or the trailers are too large.

    Parameters
    ----------
    n_received
        The bytes of these received so far, possibly not all parsed.
    """
    if len(url) > MAX_URL_BYTES:
        raise Refused(URL_TOO_LONG, f"the URL is longer than the limit of {MAX_URL_BYTES} bytes")
    if len(headers) > MAX_HEADERS:
        raise Refused(HEADERS_TOO_LARGE, f"there are more than {MAX_HEADERS} header fields")
    size = sum(len(name) + len(value) for name, value in headers)
    if max(size, n_received) > MAX_HEADER_BYTES:
        limit = f"the limit of {MAX_HEADER_BYTES} bytes"
        raise Refused(HEADERS_TOO_LARGE, f"the header fields are larger than {limit}")


def check_host(headers: Iterable[tuple[bytes, bytes]], version: str) -> None:
    """Raise Refused unless there is one Host (RFC 9112, section 3.2). The application checks it."""
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) > 1 or not all(hosts) or (not hosts and version == "1.1"):
        raise Refused(MALFORMED, "a request must have exactly one Host header")


def check_coding(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Raise Refused unless the body is unencoded or chunked (RFC 9112, section 6.1)."""
    values = [value for name, value in headers if name == b"transfer-encoding"]
    codings = [coding.strip().lower() for value in values for coding in value.split(b",")]
    if codings and codings[-1] != b"chunked":
        raise Refused(MALFORMED, "the last Transfer-Encoding must be chunked")
    if len(codings) > 1:
        raise Refused(NOT_IMPLEMENTED, "the only supported Transfer-Encoding is chunked")
