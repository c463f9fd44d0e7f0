"""Refusals of the server: what they say, and when."""

import json

import httptools
import pytest

from service.api.errors import BUSY
from service.server.refusals import (
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    MAX_URL_BYTES,
    Refusal,
    check_headers,
    check_host,
    check_upgrade,
    explain,
)

LONG = b"a" * (MAX_HEADER_BYTES // 2)


def parse(data: bytes) -> httptools.HttpParserError:
    """Return the error of a parser whose first callback refuses."""

    class Protocol:
        def on_url(self, _url: bytes) -> None:
            raise Refusal(BUSY, "too busy")

    with pytest.raises(httptools.HttpParserError) as caught:
        httptools.HttpRequestParser(Protocol()).feed_data(data)
    return caught.value


@pytest.mark.parametrize(
    ("data", "slug", "detail"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "busy", "too busy"),  # of the callback
        (b"BREW / HTTP/1.1\r\n\r\n", "not-implemented", "the method is unknown"),
        (b"GET \x01 HTTP/1.1\r\n\r\n", "malformed", "the request is not valid HTTP"),
    ],
)
def test_an_error_of_the_parser_is_explained(data: bytes, slug: str, detail: str) -> None:
    refusal = explain(parse(data))
    assert (refusal.kind.slug, refusal.detail) == (slug, detail)


@pytest.mark.parametrize(
    ("url", "headers", "n_received", "slug"),
    [
        (b"a" * MAX_URL_BYTES, [(b"a", b"b")] * MAX_HEADERS, MAX_HEADER_BYTES, None),
        (b"a" * (MAX_URL_BYTES + 1), [], 0, "url-too-long"),
        (b"/", [(b"a", b"b")] * (MAX_HEADERS + 1), 0, "headers-too-large"),
        (b"/", [(LONG, LONG)], 0, None),
        (b"/", [(LONG, LONG), (b"a", b"")], 0, "headers-too-large"),
        (b"/", [], MAX_HEADER_BYTES + 1, "headers-too-large"),
    ],
)
def test_a_limit_is_allowed_and_one_more_is_not(
    url: bytes, headers: list[tuple[bytes, bytes]], n_received: int, slug: str | None
) -> None:
    if slug is None:
        check_headers(url, headers, n_received)
        return
    with pytest.raises(Refusal) as caught:
        check_headers(url, headers, n_received)
    assert caught.value.kind.slug == slug


@pytest.mark.parametrize("host", [b"a", b"[::1]:80", b"127.0.0.1:8000 \t", b""])
def test_a_host_is_a_name_or_an_address(host: bytes) -> None:
    check_host([(b"host", host)], "1.1")


@pytest.mark.parametrize("host", [b"a b", b"a/b", b"u@a", b"a?b", b"a#b", b"\xe4", b"a\x00", b" a"])
def test_other_hosts_are_refused(host: bytes) -> None:
    for version in ("1.0", "1.1"):
        with pytest.raises(Refusal, match="not a name or an address"):
            check_host([(b"host", host)], version)


def test_http_1_1_needs_exactly_one_host() -> None:
    check_host([], "1.0")
    for headers, version in (([], "1.1"), ([(b"host", b"a")] * 2, "1.0")):
        with pytest.raises(Refusal, match="exactly one Host"):
            check_host(headers, version)


@pytest.mark.parametrize("name", [b"content-length", b"transfer-encoding"])
def test_a_request_with_a_body_cannot_upgrade(name: bytes) -> None:
    check_upgrade([(b"upgrade", b"h2c")])
    with pytest.raises(Refusal, match="cannot upgrade"):
        check_upgrade([(b"upgrade", b"h2c"), (name, b"1")])


def test_a_refusal_is_a_problem_and_ends_the_connection() -> None:
    response = Refusal(BUSY, "too busy").encode("mine", [(b"date", b"today")])
    head, _, body = response.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    assert line.startswith(b"HTTP/1.1 503 ")
    assert dict(field.split(b": ") for field in fields) == {
        b"date": b"today",
        b"content-type": b"application/problem+json",
        b"content-length": b"%d" % len(body),
        b"cache-control": b"no-store",
        b"x-content-type-options": b"nosniff",
        b"x-request-id": b"mine",
        b"connection": b"close",
        b"retry-after": b"1",
    }
    problem = json.loads(body)
    assert (problem["type"], problem["detail"]) == ("/problems/busy", "too busy")
    assert problem["request_id"] == "mine"
