"""HTTP semantics, as httplint judges responses: caching, lengths, types, validation."""

from typing import Any

import httpx
import pytest

from service.api.examples import DATASET_ID, MAP_ID, RUN_ID
from tests.http_lint import find_errors

CASES: list[tuple[str, str, dict[str, str], Any, int]] = [
    ("GET", "/v1/cost-surface.pdf", {}, None, 200),
    ("GET", "/v1/optimizers", {}, None, 200),
    ("GET", "/v1/training-runs", {}, None, 200),
    ("GET", f"/v1/training-runs/{RUN_ID}/trajectory.csv", {}, None, 200),
    ("GET", f"/v1/basin-maps/{MAP_ID}.png", {}, None, 200),
    ("GET", f"/v1/datasets/{DATASET_ID}.csv", {}, None, 200),
    ("GET", "/openapi.json", {}, None, 200),
    ("GET", "/metrics", {}, None, 200),
    ("GET", "/livez", {}, None, 200),
    ("GET", "/problems/conflict", {}, None, 200),
    ("OPTIONS", "/v1/predict", {}, None, 204),
    ("GET", "/v1/gradient-trace.csv", {"if-none-match": "*"}, None, 304),
    ("GET", f"/v1/training-runs/{RUN_ID}", {"if-none-match": "*"}, None, 304),
    ("GET", "/v1/gradient-trace.csv", {"range": "bytes=0-99"}, None, 206),
    ("GET", "/v1/gradient-trace.png", {"range": "bytes=-99"}, None, 206),
    ("GET", "/v1/gradient-trace.csv", {"range": "bytes=999999-"}, None, 416),
    ("HEAD", "/v1/gradient-trace.csv", {}, None, 200),
    ("HEAD", "/v1/optimizers", {}, None, 200),
    ("POST", "/v1/predict", {}, {}, 200),
    ("POST", "/v1/training-runs", {}, {"dataset": {"seed": 20_261}}, 201),
    ("POST", "/v1/training-runs", {"prefer": "respond-async"}, {"dataset": {"seed": 20_262}}, 202),
    ("DELETE", f"/v1/training-runs/{RUN_ID}", {}, None, 204),
    ("DELETE", f"/v1/training-runs/{RUN_ID}", {"if-match": '"other"'}, None, 412),
    ("DELETE", f"/v1/datasets/{DATASET_ID}", {"origin": "https://example.org"}, None, 403),
    ("GET", "/nothing", {}, None, 404),
    ("PUT", "/v1/predict", {}, {}, 405),
    ("POST", "/v1/datasets", {}, {"x": "a" * 9_000_000}, 413),
    ("POST", "/v1/predict", {"content-type": "text/csv"}, {}, 415),
    ("POST", "/v1/predict", {}, {"x": 1}, 422),
]


@pytest.mark.parametrize(("method", "path", "headers", "body", "status"), CASES)
def test_httplint_reports_no_error(
    api: Any, method: str, path: str, headers: dict[str, str], body: Any, status: int
) -> None:
    for resource in ("training-runs", "basin-maps", "datasets"):
        api.post(f"/v1/{resource}", {})
    plain = {"accept-encoding": "identity", **headers}
    response = api.request(method, path, headers=plain, **({} if body is None else {"json": body}))
    assert response.status_code == status
    assert find_errors(response, response.content) == []


def test_httplint_reports_errors() -> None:
    request = httpx.Request("GET", "http://localhost/")
    response = httpx.Response(200, headers={"content-length": "9"}, content=b"1", request=request)
    response.headers["cache-control"] = "max-age=x"
    assert find_errors(response, response.content)
