"""Monitoring: probes, metrics in the format of Prometheus, and traces."""

import subprocess
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.api import telemetry
from service.api.telemetry import ENDPOINTS, RESOURCE, make_telemetry_config
from service.errors import Invalid, StoreUnavailable
from service.store.database import Database
from tests.programs import needs

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(api: Any) -> Samples:
    """Return the metrics by name and labels, as another implementation reads them."""
    text = api.get("/metrics").text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((name, frozenset(labels.items())))


def test_requests_are_counted_by_route_method_and_status(make_api: Any) -> None:
    api = make_api()
    for _ in range(3):
        api.post("/v1/predict", {})
    api.post("/v1/predict", {"x": 1})
    api.head("/v1/optimizers")
    for i in range(3):
        api.get(f"/nothing/{i}")
        api.get(f"/v1/training-runs/run_{i}")
    samples = scrape(api)
    for route, method, status, n in (
        ("/v1/predict", "POST", "200", 3),
        ("/v1/predict", "POST", "422", 1),
        ("/v1/optimizers", "HEAD", "200", 1),
        ("none", "none", "404", 3),
        ("/v1/training-runs/{run_id}", "GET", "404", 3),
    ):
        labels = {"route": route, "method": method, "status": status}
        assert value(samples, "rnn_http_requests_total", **labels) == n
    where = {"route": "/v1/predict", "method": "POST"}
    name = "rnn_http_request_duration_seconds"
    assert value(samples, f"{name}_count", **where) == 4
    assert value(samples, f"{name}_bucket", le="+Inf", **where) == 4
    assert 0.0 < (value(samples, f"{name}_sum", **where) or 0.0) < 60.0


def test_estimated_and_actual_seconds_of_computations(make_api: Any) -> None:
    api = make_api()
    api.get("/v1/cost-surface?resolution=50")
    api.get("/livez")
    samples = scrape(api)
    for name in ("rnn_computation_estimated_seconds_total", "rnn_computation_seconds_total"):
        assert 0.0 < (value(samples, name, route="/v1/cost-surface") or 0.0) < 60.0
        assert value(samples, name, route="/livez") is None


def test_jobs_and_the_database(stored_api: Any) -> None:
    def count(kind: str, status: str) -> float | None:
        return value(scrape(stored_api), "rnn_jobs", kind=kind, status=status)

    assert count("training_run", "queued") == count("basin_map", "running") == 0
    for seed in range(3):
        request = {"dataset": {"seed": seed}}
        stored_api.post("/v1/training-runs", request, headers={"prefer": "respond-async"})
    assert count("training_run", "queued") == 3
    samples = scrape(stored_api)
    labels = {"kind": "training_run", "status": "queued"}
    age = value(samples, "rnn_job_oldest_age_seconds", **labels)
    assert age is not None
    assert 0.0 <= age < 600.0
    assert value(samples, "rnn_database_up") == 1
    assert (value(samples, "rnn_database_bytes") or 0) > 10_000


def test_metrics_without_a_database(make_api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_database: Database) -> int:
        raise StoreUnavailable("the database is unavailable")

    monkeypatch.setattr(Database, "size_bytes", fail)
    samples = scrape(make_api())
    assert value(samples, "rnn_database_up") == 0
    assert value(samples, "rnn_jobs", kind="training_run", status="queued") is None
    assert value(samples, "rnn_pictures", state="waiting") == 0
    assert value(samples, "rnn_computations", queue="long", state="running") == 0
    assert value(samples, "rnn_workers") == 0


@needs("promtool")
def test_promtool_accepts_the_metrics(make_api: Any) -> None:
    api = make_api()
    api.get("/v1/cost-surface")
    api.post("/v1/training-runs", {}, headers={"prefer": "respond-async"})
    text = api.get("/metrics").text
    command = ["promtool", "check", "metrics"]
    result = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_not_ready_while_no_worker_can_start(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    state = api.app.state.service
    assert api.get("/readyz").status_code == 200
    monkeypatch.setattr(state, "get_worker_problem", lambda: "the workers exit when they start")
    assert api.get("/readyz").status_code == 200  # for ten seconds
    state.ready_at -= 10.0
    response = api.get("/readyz")
    assert (response.status_code, response.json()["type"]) == (503, "/problems/not-ready")
    assert response.json()["detail"] == "the workers exit when they start"


def test_a_service_that_shuts_down_is_alive_but_not_ready(make_api: Any) -> None:
    api = make_api()
    api.app.state.service.close()
    assert api.get("/livez").status_code == 200
    assert api.get("/readyz").status_code == 503
    assert api.post("/v1/gradient-check", {}).status_code == 503
    assert api.get("/v1/cost-surface.png").status_code == 503


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*ENDPOINTS, "OTEL_SERVICE_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(RESOURCE, "")


def test_it_is_off_without_a_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not any(make_telemetry_config().values())
    monkeypatch.setenv(ENDPOINTS[0], "")
    assert not any(make_telemetry_config().values())


def test_a_missing_package_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "PACKAGES", ("no_such_package",))
    monkeypatch.setenv(ENDPOINTS[0], "http://collector:4318")
    with pytest.raises(Invalid, match=r"`pip install '\.\[telemetry\]'` in the repository"):
        make_telemetry_config()
