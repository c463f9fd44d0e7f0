"""How routes read their arguments: bodies, media types and query parameters."""

import asyncio
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Body, Depends, FastAPI, Path, Request
from pydantic import TypeAdapter
from starlette.responses import JSONResponse, Response

from service.api import requests
from service.api.errors import InvalidBody
from service.api.field_errors import field_errors
from service.api.requests import MAX_MEMBERS, make_router
from service.schemas import json_numbers
from service.schemas.base import RequestModel

PATHS = [
    ("GET", "/v1/training-runs"),
    ("GET", "/v1/optimizers"),
    ("GET", "/v1/datasets"),
    ("GET", "/v1/gradient-trace"),
    ("POST", "/v1/predict"),
    ("POST", "/v1/gradient-check"),
    ("POST", "/v1/training-runs"),
    ("GET", "/livez"),
    ("GET", "/readyz"),
]
COMPUTATIONS = [
    "/v1/predict",
    "/v1/gradient-trace",
    "/v1/gradient-trace.png",
    "/v1/gradient-check",
    "/v1/cost-surface",
    "/v1/cost-surface.npz",
    "/v1/optimum",
    "/v1/training-runs",
    "/v1/basin-maps",
    "/v1/datasets",
]


class Numbers(RequestModel):
    """A body."""

    x: int = 1


async def get_agent(request: Request) -> str:
    """Return something that only the request knows."""
    return request.headers["user-agent"]


NumbersBody = Annotated[Numbers, Body(default_factory=Numbers)]
AgentDep = Annotated[str, Depends(get_agent)]


def make_app() -> FastAPI:
    """Return an application with one route of each kind."""
    router = make_router("Test")

    @router.post("/direct")
    async def direct(request: Request, agent: AgentDep, body: NumbersBody) -> Response:
        return JSONResponse(
            [request.method, agent, body.x, "fastapi_inner_astack" in request.scope]
        )

    @router.post("/items/{name}")
    async def with_path(
        name: Annotated[str, Path()], agent: AgentDep, body: NumbersBody
    ) -> Response:
        return JSONResponse([name, agent, body.x])

    app = FastAPI()
    app.router.routes += router.routes
    return app


def post(path: str, **options: Any) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(make_app())
        headers = {"User-Agent": "me"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://test", headers=headers
        ) as client:
            return await client.post(path, **options)

    return asyncio.run(send())


@pytest.mark.parametrize(("body", "x"), [({}, 1), ({"x": 3}, 3)])
def test_a_route_with_a_body_reads_its_own_arguments(body: dict[str, int], x: int) -> None:
    assert post("/direct", json=body).json() == ["POST", "me", x, False]  # not FastAPI's handler


def test_fastapi_reads_path_parameters() -> None:
    assert post("/items/a", json={"x": 3}).json() == ["a", "me", 3]


@pytest.mark.parametrize("path", ["/direct", "/items/a"])
def test_a_route_rejects_unknown_query_parameters(path: str) -> None:
    response = post(path, params={"y": "1"}, json={})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/y")


@pytest.mark.parametrize("path", COMPUTATIONS)
@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{'a': 1}",
        '{"a": 1,}',
        "[1, 2",
        "NaN",
        '{"n_iterations": NaN}',
        '{"n_iterations": Infinity}',
        '{"n_iterations": -Infinity}',
        '{"n_iterations": 1e400}',
        '{"n_iterations": 1' + "0" * 400 + "}",
        '{"title": "\\ud800"}',
        b"\xff\xfe{}",
        "[" * 100_000,
        "\ufeff{}".encode(),
    ],
)
def test_malformed_bodies(api: Any, path: str, text: str | bytes) -> None:
    response = api.post_text(path, text)
    assert response.status_code == 400
    assert response.json()["type"] == "/problems/malformed"
    assert "at character" in response.json()["detail"]


@pytest.mark.parametrize("path", COMPUTATIONS)
def test_bodies_that_are_not_objects(api: Any, path: str) -> None:
    for text in ("null", "[]", '"{}"', "0", "true", "[" * 1000 + "]" * 1000):
        api.refused(api.post_text(path, text), "", "object")


@pytest.mark.parametrize("path", COMPUTATIONS)
@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "text/foo+json",
        "foo+json",
        "+json",
        "application/",
        "application/jsonx",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "application/json" * 500,
    ],
)
def test_unsupported_media_types(api: Any, path: str, media_type: str) -> None:
    response = api.request("POST", path, content=b"{}", headers={"content-type": media_type})
    assert response.status_code == 415
    assert response.json()["type"] == "/problems/unsupported-media-type"


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "APPLICATION/JSON; charset=utf-8",
        "application/vnd.example+json",
        "application/json ; a=b;;;=",
    ],
)
def test_json_media_types(api: Any, media_type: str) -> None:
    response = api.request(
        "POST", "/v1/predict", content=b"{}", headers={"content-type": media_type}
    )
    assert response.status_code == 200


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/gradient-trace.png", "/v1/datasets"])
@pytest.mark.parametrize("media_type", ["application/json", "text/csv"])
@pytest.mark.parametrize("encoding", ["gzip", "br", "x"])
def test_encoded_bodies_are_refused(api: Any, path: str, media_type: str, encoding: str) -> None:
    headers = {"content-type": media_type, "content-encoding": encoding}
    response = api.request("POST", path, content=b"{}", headers=headers)
    assert response.status_code == 415
    assert response.headers["accept-encoding"] == "identity"


def test_identity_is_no_encoding(api: Any) -> None:
    headers = {"content-type": "application/json", "content-encoding": "Identity"}
    assert api.request("POST", "/v1/predict", content=b"{}", headers=headers).status_code == 200


def test_an_empty_body_needs_no_media_type(api: Any) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}  # what `curl -d ''` sends
    assert api.request("POST", "/v1/predict", headers=headers).status_code == 200


async def _in_pieces() -> Any:
    for piece in (b'{"inp', b'uts": [[1, 2]', b"]}"):
        yield piece


def test_a_body_without_a_length(api: Any) -> None:
    json = {"content-type": "application/json"}
    response = api.request("POST", "/v1/predict", content=_in_pieces(), headers=json)
    assert response.json()["outputs"] == [3.0]
    assert api.request("POST", "/v1/predict", content=_in_pieces()).status_code == 415


async def _nothing() -> Any:
    for _ in range(2):
        yield b""


@pytest.mark.parametrize("media_type", [None, "application/json", "text/plain"])
def test_an_empty_body_without_a_length(api: Any, media_type: str | None) -> None:
    headers = {} if media_type is None else {"content-type": media_type}
    for path in ("/v1/predict", "/v1/optimum", "/v1/datasets"):
        response = api.request("POST", path, content=_nothing(), headers=headers)
        assert response.status_code in {200, 201}
        assert response.json() == api.post(path).json()


@pytest.mark.parametrize("path", COMPUTATIONS)
@pytest.mark.parametrize("media_type", ["application/json", "text/csv"])
def test_a_client_that_disconnects_is_not_an_error(api: Any, path: str, media_type: str) -> None:
    messages = [
        {"type": "http.request", "body": b'{"', "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", media_type.encode()), (b"transfer-encoding", b"chunked")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
        "http_version": "1.1",
        "scheme": "http",
    }
    api._runner.run(api.app(scope, receive, send))  # an exception would fail the test
    assert 400 <= sent[0]["status"] < 500


def test_large_bodies_are_parsed_like_small_ones(api: Any) -> None:
    """They are parsed in a thread."""
    inputs: list[Any] = [[1] * 50_000, [2]]
    assert api.post("/v1/predict", {"inputs": inputs}).json()["outputs"] == [50_000, 2]
    inputs[0][40_000] = "1"
    api.refused(api.post("/v1/predict", {"inputs": inputs}), "/inputs/0/40000")
    assert api.post_text("/v1/predict", b" " * 200_000 + b"{").status_code == 400
    ragged = [[1] * 50_000, [2] * 50_000, [3] * 49_999]
    dataset = {"kind": "explicit", "inputs": ragged, "targets": [1, 2, 3]}
    api.refused(api.post("/v1/datasets", dataset), "/inputs/2", "same length")
    dataset = {"kind": "explicit", "inputs": [[1]] * 50_000, "targets": ragged[0]}
    assert api.post("/v1/datasets", dataset).status_code == 201
    swapped = dataset | {"inputs": ragged[0], "targets": [[1]] * 50_000}
    response = api.post("/v1/datasets", swapped)
    pointers = [each["pointer"] for each in response.json()["errors"]]
    assert (response.status_code, pointers) == (422, ["/inputs/0", "/targets/0"])
    api.refused(api.post("/v1/datasets", dataset | {"kind": ragged}), "/kind")
    api.refused(api.post("/v1/predict", {"model": {"w_in": ragged}}), "/model/w_in")


@pytest.mark.parametrize("size", [2000, 200_000])
def test_numbers_that_underflow_are_located_in_large_bodies(api: Any, size: int) -> None:
    numbers = [b"1e-300"] * size
    accepted = b'{"inputs":[[%b]]}' % b",".join(numbers)
    assert api.post_text("/v1/predict", accepted).status_code == 200
    numbers[-2] = b"1e-400"
    text = b'{"inputs":[[0,1],[%b]]}' % b",".join(numbers)
    api.refused(api.post_text("/v1/predict", text), f"/inputs/1/{size - 2}", "underflows")


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_unknown_query_parameters(api: Any, method: str, path: str) -> None:
    for name in ("foo", "Limit", "n_sample"):
        result = api.refused(api.request(method, f"{path}?{name}=1"), f"/{name}", name)
        assert "known parameters" in result["detail"]


@pytest.mark.parametrize(
    "within",
    ["{}", '{"dataset": {}}', '{"dataset": {"n_steps": {}}}', '{"windows": [{}, {}]}', "[{}]"],
)
def test_thousands_of_fields_give_few_errors(
    api: Any, monkeypatch: pytest.MonkeyPatch, within: str
) -> None:
    counts = []

    def counted(error: Any, body: Any) -> Any:
        counts.append(len(error.errors()))
        return field_errors(error, body)

    monkeypatch.setattr(requests, "field_errors", counted)
    crowd = "{" + ", ".join(f'"{i}": {i}' for i in range(12_000)) + "}"
    response = api.post_text("/v1/cost-surface", within.replace("{}", crowd))
    assert response.status_code == 422
    assert counts[0] <= 2 * MAX_MEMBERS


def test_irregular_large_bodies_are_parsed_one_at_a_time(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parser of the rest of a body with regular lists need not wait for the others."""
    parsed: list[tuple[int, bool]] = []

    def parse(text: bytes) -> Any:
        parsed.append((len(text), requests._one_at_a_time.locked()))
        return loads(text)

    loads = json_numbers.loads
    monkeypatch.setattr(json_numbers, "loads", parse)
    numbers = [1] * (requests.LARGE // 2)
    assert api.post("/v1/predict", {"inputs": [numbers]}).status_code == 200
    ((size, is_locked),) = parsed
    assert size < 100
    assert not is_locked
    assert api.post("/v1/predict", {"inputs": [[*numbers, "text"]]}).status_code == 422
    assert parsed[1:] == [(requests.LARGE + len('{"inputs":[["text"]]}'), True)]
    assert not requests._one_at_a_time.locked()


@pytest.mark.parametrize(
    ("item", "status", "words"),
    [
        ("0.5", 200, ""),
        ("null", 422, "/inputs/0/0"),
        ("NaN", 400, "at character 12"),
        ("0.5 0.5", 400, "at character 16"),
        ('"0.123456789"', 413, "besides lists of numbers"),
        ("[[1]]", 413, "besides lists of numbers"),
        ("{}", 413, "or text/csv"),
        ("[0.5", 413, "is not JSON"),
    ],
)
def test_the_largest_bodies_are_lists_of_numbers(
    api: Any, item: str, status: int, words: str
) -> None:
    """The parser holds the GIL for 0.1 s for others of 8 MiB."""
    n_items = requests.MAX_IRREGULAR // (len(item) + 1) + 1
    for end in (']],"return_states":false}', ']], "model": {"kind": "wei\\u0067hts"}}'):
        text = '{"inputs":[[' + ",".join([item] * n_items) + end
        response = api.post_text("/v1/predict", text)
        assert (response.status_code, words in response.text) == (status, True), response.text[:300]


def test_an_invalid_body_is_freed_before_the_response() -> None:
    """Its deallocation takes too long for the event loop."""
    request = requests.ModelRequest({"type": "http"}, lambda: None, TypeAdapter(Numbers))  # type: ignore[arg-type, return-value]
    freed: list[bool] = []

    class Value(dict[str, Any]):
        def __del__(self) -> None:
            freed.append(True)

    with pytest.raises(InvalidBody) as caught:
        request._validate(Value(y=1))
    assert freed == [True]
    assert [each.pointer for each in caught.value.fields] == ["/y"]
