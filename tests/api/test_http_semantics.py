"""HTTP semantics: request ids, HEAD, preconditions, caching, encodings, as httplint judges them."""

import re
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from httplint import HttpRequestLinter, HttpResponseLinter
from httplint.note import levels

from service.api.examples import DATASET_ID, FIT_ID, MAP_ID, RUN_ID

CASES: list[tuple[str, str, dict[str, str], Any, int]] = [
    ("GET", "/", {}, None, 200),
    ("GET", "/v1/cost-surface", {}, None, 200),
    ("GET", "/v1/cost-surface.npz", {}, None, 200),
    ("GET", "/v1/cost-surface.pdf", {}, None, 200),
    ("GET", "/nothing", {}, None, 404),
    ("GET", "/v1/optimizers", {}, None, 200),
    ("GET", "/v1/training-runs", {}, None, 200),
    ("GET", f"/v1/training-runs/{RUN_ID}/events", {}, None, 200),
    ("GET", f"/v1/training-runs/{RUN_ID}/trajectory.csv", {}, None, 200),
    ("GET", f"/v1/basin-maps/{MAP_ID}.png", {}, None, 200),
    ("GET", f"/v1/datasets/{DATASET_ID}.csv", {}, None, 200),
    ("GET", "/metrics", {}, None, 200),
    ("GET", "/problems/conflict", {}, None, 200),
    ("OPTIONS", "/v1/predict", {}, None, 204),
    ("GET", "/v1/gradient-trace.csv", {"if-none-match": "*"}, None, 304),
    ("GET", f"/v1/training-runs/{RUN_ID}", {"if-none-match": "*"}, None, 304),
    ("GET", "/v1/gradient-trace.csv", {"range": "bytes=0-99"}, None, 206),
    ("GET", "/v1/gradient-trace.csv", {"range": "bytes=999999-"}, None, 416),
    ("HEAD", "/v1/gradient-trace.csv", {}, None, 200),
    ("POST", "/v1/predict", {}, {}, 200),
    ("POST", "/v1/training-runs", {}, {"dataset": {"seed": 20_261}}, 201),
    ("POST", "/v1/training-runs", {"prefer": "respond-async"}, {"dataset": {"seed": 20_262}}, 202),
    ("DELETE", f"/v1/training-runs/{RUN_ID}", {}, None, 204),
    ("DELETE", f"/v1/training-runs/{RUN_ID}", {"if-match": '"other"'}, None, 412),
    ("DELETE", f"/v1/datasets/{DATASET_ID}", {"origin": "https://example.org"}, None, 403),
    ("PUT", "/v1/predict", {}, {}, 405),
    ("POST", "/v1/datasets", {}, {"x": "a" * 9_000_000}, 413),
    ("POST", "/v1/predict", {"content-type": "text/csv"}, {}, 415),
    ("POST", "/v1/predict", {}, {"x": 1}, 422),
]


@pytest.mark.parametrize(("method", "path", "headers", "body", "status"), CASES)
@pytest.mark.usefixtures("examples")
def test_httplint_reports_no_error(
    api: Any, method: str, path: str, headers: dict[str, str], body: Any, status: int
) -> None:
    plain = {"accept-encoding": "identity", **headers}
    response = api.request(method, path, headers=plain, **({} if body is None else {"json": body}))
    assert response.status_code == status
    assert find_errors(response, response.content) == []


def test_httplint_reports_errors() -> None:
    request = httpx.Request("GET", "http://localhost/")
    response = httpx.Response(200, headers={"content-length": "9"}, content=b"1", request=request)
    response.headers["cache-control"] = "max-age=x"
    assert find_errors(response, response.content)


def find_errors(response: httpx.Response, content: bytes) -> list[str]:
    """Return the errors that httplint finds in a response with the content that was sent."""
    sent = response.request
    request = HttpRequestLinter()
    request.process_request_topline(sent.method.encode(), str(sent.url).encode(), b"HTTP/1.1")
    request.process_headers(list(sent.headers.raw))
    request.finish_content(complete=True)
    linter = HttpResponseLinter()
    linter.request = request
    linter.is_head_response = sent.method == "HEAD"
    status = str(response.status_code).encode()
    linter.process_response_topline(b"HTTP/1.1", status, response.reason_phrase.encode())
    linter.process_headers(list(response.headers.raw))
    linter.feed_content(content)
    linter.finish_content(complete=True)
    return [note.summary for note in linter.notes if note.level is levels.BAD]


READABLE = [
    "/livez",
    "/",
    "/docs",
    "/openapi.json",
    "/v1/optimizers",
    "/v1/gradient-trace",
    "/v1/gradient-trace.csv",
    "/v1/gradient-trace.png",
    "/v1/cost-surface?resolution=5",
    "/v1/cost-surface.npz",
    "/v1/training-runs",
    f"/v1/training-runs/{RUN_ID}",
    f"/v1/training-runs/{RUN_ID}/trajectory.csv",
    "/v1/datasets",
    f"/v1/datasets/{DATASET_ID}",
    f"/v1/datasets/{DATASET_ID}.npz",
    f"/v1/fits/{FIT_ID}.csv",
    "/nothing",
    "/v1/datasets/ds_1",
    "/v1/optimizers?x=1",
]


@pytest.mark.parametrize("path", READABLE)
@pytest.mark.usefixtures("examples")
def test_head_is_get_without_the_body(api: Any, path: str) -> None:
    got, head = api.get(path), api.head(path)
    assert head.content == b""
    assert head.status_code == got.status_code
    named = {"x-request-id"}
    assert {k: v for k, v in head.headers.items() if k not in named} == {
        k: v for k, v in got.headers.items() if k not in named
    }
    assert head.headers.get("content-length") == str(len(got.content))


@pytest.mark.parametrize("name", ["a", "~" * 128, "two words", "00-0af7651916cd43dd8448eb211c80"])
def test_a_request_id_is_echoed(api: Any, name: str) -> None:
    for path in ("/livez", "/v1/optimizers", "/nothing", "/v1/datasets/ds_1"):
        response = api.get(path, headers={"x-request-id": name})
        assert response.headers["x-request-id"] == name
        if response.status_code == 404:
            assert response.json()["request_id"] == name


@pytest.mark.parametrize("name", ["", "x" * 129, "é", "a\tb", b"\xff", "\x7f"])
def test_an_invalid_request_id_is_replaced(api: Any, name: str | bytes) -> None:
    raw = name if isinstance(name, bytes) else name.encode("latin-1")
    response = api.get("/nothing", headers=[(b"x-request-id", raw)])
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["x-request-id"])


def test_requests_without_an_id_get_different_ids(api: Any) -> None:
    assert len({api.get("/livez").headers["x-request-id"] for _ in range(20)}) == 20


ITEMS = [f"/v1/datasets/{DATASET_ID}", f"/v1/training-runs/{RUN_ID}", f"/v1/basin-maps/{MAP_ID}"]


@pytest.fixture(scope="module")
def own_api(start_api: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return an application for the tests of this module."""
    with ExitStack() as closing:
        yield start_api(closing, data_dir=tmp_path_factory.mktemp("own"))


@pytest.fixture
def stored(own_api: Any) -> Any:
    """Return an application with one resource of each kind."""
    for item in ITEMS:
        assert own_api.post(item.rpartition("/")[0], {}).status_code in {200, 201}
    return own_api


@pytest.mark.parametrize("path", ["/v1/cost-surface.npz", "/v1/gradient-trace.svg"])
def test_if_none_match_applies_to_get_only(api: Any, path: str) -> None:
    etag = api.get(path).headers["etag"]
    for given in ("*", etag, f'"x", {etag}'):
        assert api.get(path, headers={"if-none-match": given}).status_code == 304
        response = api.post(path, {}, headers={"if-none-match": given})
        assert response.status_code == 200
        assert response.headers["etag"] == etag


@pytest.mark.parametrize("path", ITEMS)
def test_resources_have_an_etag(stored: Any, path: str) -> None:
    first = stored.get(path)
    etag = first.headers["etag"]
    assert stored.get(path).headers["etag"] == etag
    assert first.headers["cache-control"] == "no-cache"
    unchanged = stored.get(path, headers={"if-none-match": etag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert stored.get(path, headers={"if-none-match": '"x"'}).content == first.content


def test_the_etag_of_a_resource_changes_with_it(stored: Any) -> None:
    request = {"n_iterations": 500_000}
    run = stored.post("/v1/training-runs", request, headers={"prefer": "respond-async"}).json()
    path = f"/v1/training-runs/{run['id']}"
    etag = stored.get(path).headers["etag"]
    stored.post(f"{path}/cancel")
    assert stored.get(path, headers={"if-none-match": etag}).status_code == 200
    assert stored.delete(path, headers={"if-match": etag}).status_code == 412
    current = stored.get(path).headers["etag"]
    assert stored.delete(path, headers={"if-match": current}).status_code == 204


@pytest.mark.parametrize("path", ITEMS)
def test_if_match_guards_a_deletion(stored: Any, path: str) -> None:
    etag = stored.get(path).headers["etag"]
    for other in ('"x"', f"W/{etag}", '"x", "y"', "x"):
        refused = stored.delete(path, headers={"if-match": other})
        assert refused.status_code == 412
        assert refused.json()["type"] == "/problems/precondition-failed"
        assert stored.get(path).status_code == 200
    assert stored.delete(path, headers={"if-match": f'"x", {etag}'}).status_code == 204
    for given in (etag, "*"):
        assert stored.delete(path, headers={"if-match": given}).status_code == 404


@pytest.mark.parametrize("path", ITEMS)
def test_a_wildcard_matches_what_exists(stored: Any, path: str) -> None:
    assert stored.delete(path, headers={"if-match": "*"}).status_code == 204


def test_caches_may_store_the_optimizers(api: Any) -> None:
    first = api.get("/v1/optimizers")
    assert first.headers["cache-control"] == "max-age=300"
    headers = {"if-none-match": first.headers["etag"]}
    assert api.get("/v1/optimizers", headers=headers).status_code == 304


@pytest.mark.parametrize("path", ["/livez", "/v1/datasets", "/v1/gradient-trace", ITEMS[1]])
def test_caches_do_not_choose_how_long_they_store_json(stored: Any, path: str) -> None:
    assert stored.get(path).headers["cache-control"] == "no-cache"


GZIP = {"accept-encoding": "gzip"}
CSV = "/v1/gradient-trace.csv"
SURFACE = "/v1/cost-surface?resolution=20"


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("deflate, gzip;q=0.5, br", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, deflate", False),
    ],
)
def test_the_client_chooses(api: Any, header: str, accepted: bool) -> None:
    response = api.get(SURFACE, headers={"accept-encoding": header})
    assert (response.headers.get("content-encoding") == "gzip") == accepted


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
    for name in ("content-encoding", "content-length", "etag", "vary", "content-type"):
        assert head.headers.get(name) == encoded.headers.get(name)


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/training-runs/{RUN_ID}/events",
        "/livez",
        "/v1/cost-surface.png",
        "/v1/cost-surface.npz",
        "/v1/gradient-trace.pdf",
    ],
)
def test_other_responses_are_not_encoded(api: Any, path: str) -> None:
    api.post("/v1/training-runs", {})
    response = api.get(path, headers=GZIP)
    assert "content-encoding" not in response.headers
    assert "accept-encoding" not in response.headers.get("vary", "").lower()


@pytest.mark.parametrize("path", ["/v1/optimizers", "/v1/gradient-trace.svg", CSV])
def test_an_etag_is_valid_for_the_encoding_in_which_it_was_sent(api: Any, path: str) -> None:
    for headers in ({}, GZIP):
        etag = api.get(path, headers=headers).headers["etag"]
        for known in (etag, f'"x", {etag}', f"W/{etag}"):
            response = api.get(path, headers={**headers, "if-none-match": known})
            assert (response.status_code, response.headers["etag"]) == (304, etag)
    assert api.get(path, headers={**GZIP, "if-none-match": '"x-gzip"'}).status_code == 200


def test_a_resource_can_be_deleted_with_the_etag_of_either_encoding(api: Any) -> None:
    for seed, headers in ((71, {}), (72, GZIP)):
        link = api.post("/v1/datasets", {"seed": seed}).json()["links"]["self"]
        known = {"if-match": api.get(link, headers=headers).headers["etag"]}
        assert api.delete(link, headers=known).status_code == 204


def test_a_table_is_compressed_once(api: Any, monkeypatch: Any) -> None:
    api.post("/v1/datasets", {})
    path = f"/v1/datasets/{DATASET_ID}.csv"
    first = api.get(path, headers=GZIP)
    n_compressed = 0

    def count(compress: Any) -> Any:
        def counted(*arguments: Any, **options: Any) -> Any:
            nonlocal n_compressed
            n_compressed += 1
            return compress(*arguments, **options)

        return counted

    for name in ("compress", "compressobj"):
        monkeypatch.setattr(zlib, name, count(getattr(zlib, name)))
    again = api.get(path, headers=GZIP)
    assert again.content == first.content
    assert again.headers["content-length"] == first.headers["content-length"]
    assert n_compressed == 0
    api.get(SURFACE, headers=GZIP)
    assert n_compressed == 1
