"""Parsing of requests: bodies, media types and query parameters."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.engine.network import ACTIVATIONS
from service.engine.training import OPTIMIZERS
from service.operations.shared.field_errors import MAX_FIELDS

JSON = {"content-type": "application/json"}
PATHS = [
    ("GET", "/v1/training-runs"),
    ("GET", "/v1/optimizers"),
    ("GET", "/v1/datasets"),
    ("GET", "/v1/gradient-trace"),
    ("POST", "/v1/predict"),
    ("POST", "/v1/training-runs"),
    ("GET", "/livez"),
]
# One of each kind: without and with parameters of the path, one that stores, and one that also
# reads files.
COMPUTATIONS = ["/v1/predict", "/v1/gradient-trace.png", "/v1/training-runs", "/v1/datasets"]


@pytest.mark.parametrize("path", COMPUTATIONS)
@pytest.mark.parametrize(
    "media_type",
    [
        "text/html",
        "text/foo+json",
        "foo+json",
        "application/",
        "application/jsonx",
        "multipart/mixed; boundary=x",
        "",
        "application/json" * 500,
    ],
)
def test_unsupported_media_types(api: Any, path: str, media_type: str) -> None:
    for body in (b"{}", b"[" * 100_000):
        response = api.request("POST", path, content=body, headers={"content-type": media_type})
        assert response.status_code == 415
        assert response.json()["type"] == "/problems/unsupported-media-type"


@pytest.mark.parametrize(
    "headers",
    [
        JSON,
        JSON | {"content-encoding": "Identity"},
        {"content-type": "APPLICATION/JSON; charset=utf-8"},
        {"content-type": "application/vnd.example+json"},
        {"content-type": "application/json ; a=b;;;="},
    ],
)
def test_json_media_types(api: Any, headers: dict[str, str]) -> None:
    assert api.request("POST", "/v1/predict", content=b"{}", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/gradient-trace.png", "/v1/datasets"])
@pytest.mark.parametrize("media_type", ["application/json", "text/csv"])
@pytest.mark.parametrize("encoding", ["gzip", "br", "x"])
def test_encoded_bodies_are_refused(api: Any, path: str, media_type: str, encoding: str) -> None:
    headers = {"content-type": media_type, "content-encoding": encoding}
    response = api.request("POST", path, content=b"{}", headers=headers)
    assert response.status_code == 415
    assert response.headers["accept-encoding"] == "identity"


def test_an_empty_body_needs_no_media_type(api: Any) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}  # what `curl -d ''` sends
    assert api.request("POST", "/v1/predict", headers=headers).status_code == 200


async def _in_pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def test_a_body_without_a_length(api: Any) -> None:
    pieces = (b'{"inp', b'uts": [[1, 2]', b"]}")
    for headers, status in ((JSON, 200), ({}, 415)):
        response = api.request("POST", "/v1/predict", content=_in_pieces(*pieces), headers=headers)
        assert response.status_code == status
        assert status != 200 or response.json()["outputs"] == [3.0]


@pytest.mark.parametrize("media_type", ["", "application/json", "text/html"])
@pytest.mark.parametrize("path", ["/v1/predict", "/v1/gradient-trace.csv", "/v1/datasets"])
def test_an_empty_body_without_a_length(api: Any, path: str, media_type: str) -> None:
    headers = {"content-type": media_type}
    response = api.request("POST", path, content=_in_pieces(b"", b""), headers=headers)
    assert response.status_code in {200, 201}
    assert response.content == api.post(path).content


@pytest.mark.parametrize("path", COMPUTATIONS)
@pytest.mark.parametrize("media_type", ["application/json", "text/csv"])
@pytest.mark.parametrize("length", [(b"transfer-encoding", b"chunked"), (b"content-length", b"9")])
def test_a_client_that_disconnects_is_not_an_error(
    api: Any, path: str, media_type: str, length: tuple[bytes, bytes]
) -> None:
    messages = [
        {"type": "http.request", "body": b'{"', "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"content-type", media_type.encode()), length],
        "http_version": "1.1",
        "scheme": "http",
    }
    api.runner.run(api.app(scope, receive, send))  # an exception would fail the test
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


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        (b" " * 1_999_999 + b"{}", "2000000 bytes"),
        (b'{"inputs": [' + b",".join([b"[1]"] * 100_000) + b"]}", "100000 lists"),
        (b"{" + b",".join(b'"%d": 1' % i for i in range(501)) + b"}", "500 fields"),
        (b'{"points": [' + b",".join([b"{}"] * 500) + b"]}", "500 fields"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/cost-surface", "/v1/datasets"])
def test_bodies_that_are_too_large(api: Any, path: str, text: bytes, limit: str) -> None:
    response = api.post_text(path, text)
    assert response.status_code == 413
    assert response.json()["type"] == "/problems/too-large"
    for part in (limit, "application/x-npz", "text/csv"):
        assert part in response.json()["detail"]


def test_the_largest_bodies(api: Any) -> None:
    assert api.post_text("/v1/predict", b" " * 1_999_998 + b"{}").status_code == 200
    rows = b'{"inputs": [' + b",".join([b"[1]"] * 99_999) + b"]}"
    assert len(api.post_text("/v1/predict", rows).json()["outputs"]) == 99_999

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 100_000

    response = api.request("POST", "/v1/predict", content=endless(), headers=JSON)
    assert response.status_code == 413


def test_files_have_a_limit_of_their_own(make_api: Any) -> None:
    api = make_api(max_body_bytes=100_000)
    csv = {"content-type": "text/csv"}
    for n_rows, status in ((20_000, 201), (20_001, 413)):
        table = b"1.,2\n" * n_rows
        assert api.post("/v1/datasets", content=table, headers=csv).status_code == status


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ({"a/b~c": 1}, "/a~1b~0c", "Unknown field"),
        ({"dataset": {"inputs": [[1]], "targets": [1, 2]}}, "/dataset", "1 sequence, 2 targets"),
        ({"x" * 1000: 1}, "/" + "x" * 200, "Unknown field"),
    ],
)
def test_a_pointer_and_a_reason_per_field(api: Any, body: Any, pointer: str, detail: str) -> None:
    result = api.refused(api.post("/v1/training-runs", body), pointer, detail)
    assert len(result["errors"]) == 1


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_unknown_query_parameters(api: Any, method: str, path: str) -> None:
    for name in ("foo", "Limit", "n_sample"):
        api.refused(api.request(method, f"{path}?{name}=1"), name, "Known query parameters: ")


@pytest.mark.parametrize(
    ("query", "parameter", "detail"),
    [
        ("dataset=ds_1&n_steps=3", "dataset", "n_steps cannot"),
        ("point=1,2&point=1", "point", "two numbers, w_in,w_rec, not '1'"),
        ("point=1,x", "point", "number, not 'x'"),
        ("w_in=2,1", "w_in", "low must be below high"),
        ("n_steps=10000&n_samples=9999", "n_samples", "the limit is 20000000"),
        ("kind=stored", "kind", "'count_ones' or 'remember'"),
    ],
)
def test_invalid_query_parameters(api: Any, query: str, parameter: str, detail: str) -> None:
    result = api.refused(api.get(f"/v1/cost-surface?{query}"), parameter, detail)
    assert len(result["errors"]) == 1
    assert result["detail"].startswith(parameter) or detail in result["detail"]


@pytest.mark.parametrize(
    "path", ["/v1/gradient-trace", "/v1/gradient-trace.csv", "/v1/cost-surface"]
)
def test_defaults_of_parameters_that_do_not_apply_are_ignored(api: Any, path: str) -> None:
    """Clients that are generated from the schema send all parameters with a default."""
    stored = api.post("/v1/datasets", {}).json()["id"]
    defaults = "kind=count_ones&n_samples=20&n_steps=10&seed=1&noise=0"
    expected = api.get(path).content
    assert api.get(f"{path}?dataset={stored}").content == expected
    assert api.get(f"{path}?dataset={stored}&{defaults}").content == expected
    for name, value in (("n_samples", 21), ("n_steps", 11), ("kind", "remember"), ("noise", 0.5)):
        query = f"dataset={stored}&{name}={value}"
        api.refused(api.get(f"{path}?{query}"), "dataset", f"{name} cannot be combined")
    remember = api.get(f"{path}?kind=remember&n_samples=20&seed=1").content
    assert api.get(f"{path}?kind=remember&noise=0.0").content == remember
    api.refused(api.get(f"{path}?kind=remember&noise=0.5"), "noise", "Unknown field")


def test_query_parameters_beside_a_body(api: Any) -> None:
    for query, parameter in (("dpi=10", "dpi"), ("dpi=300&width=2400&height=1800", "dpi")):
        api.refused(api.post(f"/v1/cost-surface.png?{query}", {}), parameter)


@pytest.mark.parametrize(
    ("path", "body", "pointer", "nearest", "known"),
    [
        ("training-runs", {"clip": {"tresh": 1}}, "/clip/tresh", "threshold", "by, threshold"),
        ("training-runs", {"dataset": {"sede": 1}}, "/dataset/sede", "seed", "kind, n_samples"),
        ("cost-surface", {"windows": [{}, {"WIn": {}}]}, "/windows/1/WIn", "w_in", "resolution, "),
        ("datasets", {"n_step": 3}, "/n_step", "n_steps", "kind, n_samples, "),
    ],
)
def test_the_nearest_field_is_named(
    api: Any, path: str, body: Any, pointer: str, nearest: str, known: str
) -> None:
    details = (f"Unknown field; did you mean `{nearest}`?", f"Known fields: {known}")
    api.refused(api.post(f"/v1/{path}", body), pointer, *details)


def test_numbers_and_names_of_details_are_members(api: Any) -> None:
    def members(response: Any) -> dict[str, Any]:
        (field,) = response.json()["errors"]
        return {k: v for k, v in field.items() if k not in {"pointer", "parameter", "detail"}}

    activations = {"known": [*ACTIVATIONS]}
    optimizers = {"known": [*OPTIMIZERS]}
    runs = "/v1/training-runs"
    for response, expected in (
        (api.post(runs, {"clip": {"tresh": 1}}), {"known": ["by", "threshold"]}),
        (api.post(runs, {"optimizer": {"name": "adma"}}), optimizers),
        (api.post(runs, {"network": {"activation": "than"}}), activations),
        (api.post(runs, {"n_iterations": -1}), {"limit": 0}),
        (api.get("/v1/gradient-trace?activation=than"), activations),
        (api.get("/v1/cost-surface?resolution=1"), {"limit": 2}),
    ):
        assert (response.status_code, members(response)) == (422, expected)
    unknown = api.get("/v1/datasets?limt=3").json()
    assert "did you mean `limit`?" in unknown["detail"]
    assert unknown["known"] == unknown["errors"][0]["known"] == ["cursor", "limit"]
    above = api.post(runs, {"n_iterations": 1_000_001}).json()
    assert (above["limit"], above["needed"]) == (1_000_000, 1_000_001)
    table = api.upload("x,target\n1,2\n1,a\n").json()
    assert (table["line"], table["column"]) == (3, 2)
    few = {"dataset": {"kind": "series", "inputs": [], "sequences": [{"targets": [1]}]}}
    short = api.post("/v1/fits", few).json()
    assert (short["n_targets"], short["n_unknowns"], short["needed"]) == (1, 3, 50)


def test_names_that_are_near_no_field_or_many(api: Any) -> None:
    result = api.refused(api.post("/v1/predict", {"x": 1}), "/x", "Unknown field. Known fields: ")
    assert "did you mean" not in result["detail"]
    many = {f"return_state{n}" + "s" * n: n for n in range(400)}
    result = api.refused(api.post("/v1/predict", many), "/return_state0", "`return_states`")
    assert len(result["errors"]) == MAX_FIELDS


def test_a_kind_that_only_one_source_has_is_inferred(api: Any) -> None:
    explicit = {"inputs": [[1, 2]], "targets": [3]}
    stored = api.post("/v1/datasets", explicit).json()
    assert stored["n_steps"] == 2
    assert api.post("/v1/datasets", explicit | {"kind": "explicit"}).json() == stored
    assert api.post("/v1/optimum", {"dataset": {"id": stored["id"]}}).json()["cost"] == 0
    assert api.post("/v1/datasets", {"n_samples": 3, "n_steps": 4}).json()["n_samples"] == 3
    run = api.post("/v1/training-runs", {"n_iterations": 5}).json()
    found = api.post("/v1/predict", {"model": {"id": run["id"]}}).json()["model"]
    assert found["w_in"] == run["final"]["weights"]["w_in"]
    fitted = api.post("/v1/fits", {}).json()["id"]
    found = api.post("/v1/predict", {"model": {"id": fitted}, "inputs": [[1]]}).json()["model"]
    assert found["id"] == fitted
    body = {"optimizer": {"beta_1": 0.8, "learning_rate": 0.1}, "n_iterations": 5}
    assert api.post("/v1/training-runs", body).json()["request"]["optimizer"]["name"] == "adam"


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        (
            {"dataset": {"id": "ds_1", "seed": 3}},
            "/dataset/kind",
            "'count_ones', 'remember', 'explicit', ",
        ),
        (
            {"optimizer": {"learning_rate": 0.1}},
            "/optimizer/name",
            "it may be 'gradient_descent', 'momentum', 'rmsprop', 'adam'",
        ),
    ],
)
def test_a_missing_kind_is_named(api: Any, body: Any, pointer: str, detail: str) -> None:
    result = api.refused(api.post("/v1/training-runs", body), pointer, detail)
    assert len(result["errors"]) == 1
