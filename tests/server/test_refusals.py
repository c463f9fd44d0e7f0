"""Limits of the head of a request. The live tests send what is refused."""

import pytest

from service.server.refusals import (
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    MAX_URL_BYTES,
    Refusal,
    check_coding,
    check_headers,
    check_host,
)

LONG = b"a" * (MAX_HEADER_BYTES // 2)


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


@pytest.mark.parametrize("host", [b"a", b"[::1]:80", b"127.0.0.1:8000"])
def test_a_host_is_a_name_or_an_address(host: bytes) -> None:
    check_host([(b"host", host)], "1.1")


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ([], None),
        ([b"Chunked"], None),
        ([b"gzip, chunked"], 501),
        ([b"gzip", b"chunked"], 501),
        ([b"gzip"], 400),
        ([b"chunked", b"gzip"], 400),
        ([b"chunked, chunked"], 400),
    ],
)
def test_chunks_are_the_only_transfer_encoding(values: list[bytes], status: int | None) -> None:
    headers = [(b"transfer-encoding", value) for value in values]
    if status is None:
        check_coding(headers)
        return
    with pytest.raises(Refusal) as caught:
        check_coding(headers)
    assert caught.value.kind.status == status
