"""Bodies and responses with gzip."""

import asyncio
import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from starlette.exceptions import HTTPException

from service.api.compression import MIN_BYTES, GzipBody, accepts_gzip
from service.api.examples import DATASET_ID

GZIP = {"accept-encoding": "gzip"}
ENCODED = {"content-encoding": "gzip", "content-type": "application/json"}
SURFACE = "/v1/cost-surface?resolution=20"


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        (b"gzip", True),
        (b"deflate, GZIP;q=0.5, br", True),
        (b"br;q=1.0, x-gzip", True),
        (b"gzip ; q=1", True),
        (b"", False),
        (b"identity", False),
        (b"gzip;q=0", False),
        (b"gzip;q=0.000, deflate", False),
        (b"notgzip, gzipped", False),
    ],
)
def test_the_header_accept_encoding_is_read(header: bytes, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


def read_encoded(contents: bytes, limit: int = 10**9, chunk: int = 1000) -> bytes:
    """Return what the application receives if a client sends these contents."""
    parts = [contents[at : at + chunk] for at in range(0, len(contents), chunk)] or [b""]

    async def receive() -> Any:
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def read() -> bytes:
        body = GzipBody(receive, limit)
        found, more = b"", True
        while more:
            message = await body.receive()
            found += message["body"]
            more = message["more_body"]
        return found

    return asyncio.run(read())


@pytest.mark.parametrize("text", [b"", b"short", b"0" * 3_000_000, bytes(range(256)) * 5000])
@pytest.mark.parametrize("chunk", [1, 17, 10**6])
def test_a_body_is_decoded(text: bytes, chunk: int) -> None:
    encoded = gzip.compress(text, 1)
    if len(encoded) // chunk < 100_000:
        assert read_encoded(encoded, chunk=chunk) == text
        assert read_encoded(encoded + gzip.compress(b"more"), chunk=chunk) == text + b"more"


def test_an_empty_body_needs_no_encoding() -> None:
    assert read_encoded(b"") == b""


@pytest.mark.parametrize(
    "contents",
    [
        b"no gzip",
        gzip.compress(b"text" * 100)[:-1],
        gzip.compress(b"text") + b"rest",
        zlib.compress(b"text"),
        gzip.compress(b"text")[:-8] + bytes(8),
    ],
    ids=["no gzip", "incomplete", "more", "zlib", "wrong sum"],
)
def test_an_invalid_body_is_malformed(api: Any, contents: bytes) -> None:
    with pytest.raises(HTTPException) as caught:
        read_encoded(contents)
    assert caught.value.status_code == 400
    for path in ("/v1/predict", "/v1/gradient-trace", "/v1/datasets"):
        response = api.post(path, content=contents, headers=ENCODED)
        assert response.status_code == 400
        assert response.json()["type"] == "/problems/malformed"


def test_a_body_may_have_several_members(api: Any) -> None:
    members = [b'{"inputs": [[1,', b"", b" 1]]}"]
    contents = b"".join(map(gzip.compress, members))
    response = api.post("/v1/predict", content=contents, headers=ENCODED)
    assert response.json()["outputs"] == [2.0]


@pytest.mark.parametrize("rest", [b"\0" * 600, b"x", b"{}", gzip.compress(b" ", mtime=0)[:12]])
def test_other_data_after_the_members_is_refused(api: Any, rest: bytes) -> None:
    contents = gzip.compress(b"{}") + rest
    response = api.post("/v1/predict", content=contents, headers=ENCODED)
    assert response.status_code == 400
    detail = response.json()["detail"]
    assert detail in {
        "the body after its first member is not valid gzip",
        "the gzip body is incomplete",
    }


def test_a_body_is_limited_after_decoding(make_api: Callable[..., Any]) -> None:
    api = make_api(max_body_bytes=200_000)
    bomb = gzip.compress(b" " * 10_000_000)
    assert len(bomb) < 20_000
    for path in ("/v1/predict", "/v1/gradient-trace", "/v1/datasets"):
        response = api.post(path, content=bomb, headers=ENCODED)
        assert response.status_code == 413
        assert "200000 bytes" in response.json()["detail"]


def test_encoded_requests_have_the_same_results(api: Any) -> None:
    body = {"inputs": [[1.0, 0.0, 1.0]] * 5}
    contents = gzip.compress(json.dumps(body).encode())
    assert api.post("/v1/predict", content=contents, headers=ENCODED).json()["outputs"] == [2.0] * 5
    table = gzip.compress(b"1,0,1\r\n0,1,1\r\n" * 50_000)
    csv = {**ENCODED, "content-type": "text/csv"}
    assert api.post("/v1/datasets", content=table, headers=csv).json()["n_samples"] == 100_000


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "x"])
def test_other_encodings_are_refused(api: Any, encoding: str) -> None:
    headers = {**ENCODED, "content-encoding": encoding}
    response = api.post("/v1/predict", content=b"{}", headers=headers)
    assert response.status_code == 415
    assert response.headers["accept-encoding"] == "gzip"


def test_identity_is_no_encoding(api: Any) -> None:
    headers = {**ENCODED, "content-encoding": "identity"}
    assert api.post("/v1/predict", content=b"{}", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        SURFACE,
        "/v1/gradient-trace.csv",
        "/v1/cost-surface.svg",
        f"/v1/datasets/{DATASET_ID}.csv",
        "/openapi.json",
        "/",
        "/explorer/main.js",
        "/explorer/css/base.css",
        "/v1/optimizers",
    ],
)
def test_responses_are_encoded_if_the_client_accepts_it(api: Any, path: str) -> None:
    api.post("/v1/datasets", {})
    plain, encoded = api.get(path), api.get(path, headers=GZIP)
    assert "content-encoding" not in plain.headers
    assert encoded.headers["content-encoding"] == "gzip"
    assert encoded.content == plain.content  # httpx decodes it
    for response in (plain, encoded):
        assert "Accept-Encoding" in response.headers["vary"]
    if "content-length" in encoded.headers:
        assert int(encoded.headers["content-length"]) < len(plain.content)
    head = api.head(path, headers=GZIP)
    names = {"content-encoding", "content-length", "etag", "vary", "content-type"}
    for name in names:
        assert head.headers.get(name) == encoded.headers.get(name)


@pytest.mark.parametrize(
    "path", ["/livez", "/v1/cost-surface.png", "/v1/cost-surface.npz", "/v1/gradient-trace.pdf"]
)
def test_small_and_compressed_responses_are_not_encoded(api: Any, path: str) -> None:
    response = api.get(path, headers=GZIP)
    assert "content-encoding" not in response.headers
    assert len(response.content) < MIN_BYTES or "vary" not in response.headers


def test_each_encoding_has_its_etag_and_both_are_valid(api: Any) -> None:
    path = "/v1/gradient-trace.csv"
    plain, encoded = api.get(path), api.get(path, headers=GZIP)
    etags = plain.headers["etag"], encoded.headers["etag"]
    assert etags[0] != etags[1]
    for etag in etags:
        for accepted in ({}, GZIP):
            for known in (etag, f'"x", {etag}', f"W/{etag}"):
                response = api.get(path, headers={**accepted, "if-none-match": known})
                assert response.status_code == 304
                assert "Accept-Encoding" in response.headers["vary"]
    assert api.get(path, headers={**GZIP, "if-none-match": etags[1]}).headers["etag"] == etags[1]
    assert api.get(path, headers={"if-none-match": etags[0]}).headers["etag"] == etags[0]
    assert api.get(path, headers={**GZIP, "if-none-match": '"x-gzip"'}).status_code == 200


def test_a_resource_can_be_deleted_with_the_etag_of_either_encoding(api: Any) -> None:
    for seed, suffix in ((71, ""), (72, "-gzip")):
        link = api.post("/v1/datasets", {"seed": seed}).json()["links"]["self"]
        etag = api.get(link).headers["etag"]
        known = {"if-match": f'{etag[:-1]}{suffix}"'}
        assert api.delete(link, headers=known).status_code == 204
