"""A full disk, and a data directory that vanishes: the same errors for requests and for jobs."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from service.store.database import RESERVE_BYTES

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
