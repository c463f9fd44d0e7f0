"""The events of requests in the log."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from service.api.examples import DATASET_ID
from service.api.request_record import DISCONNECTED, RequestRecord, log_request
from service.keys import Scope, make_key
from service.logs import BoundedQueueHandler, configure_log
from tests.api.conftest import bearer

KEY, ENTRY = make_key("alice", Scope.WRITE)


class Logged:
    """An application and the log of its requests."""

    def __init__(self, api: Any, handler: BoundedQueueHandler, stream: io.StringIO) -> None:
        self.api = api
        self._handler = handler
        self._stream = stream

    def events(self) -> list[dict[str, Any]]:
        """Return the events since the last call."""
        self._handler.flush()
        text = self._stream.getvalue()
        self._stream.seek(0)
        self._stream.truncate()
        return [json.loads(line) for line in text.splitlines()]

    def request(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """Send a request and return its event."""
        self.api.request(method, path, **more)
        (event,) = self.events()
        return event


@pytest.fixture
def logged(restored_logging: None, make_api: Callable[..., Any]) -> Any:
    """Return a function that starts an application with a log."""

    def start(**settings: Any) -> Logged:
        stream = io.StringIO()
        handler = configure_log("info", stream)
        return Logged(make_api(**settings), handler, stream)

    return start


def test_a_request_is_one_event(logged: Any) -> None:
    log = logged()
    event = log.request("POST", "/v1/predict?", json={}, headers={"x-request-id": "mine"})
    del event["timestamp"]
    assert 0.0 < event.pop("seconds") < 60.0
    assert event.pop("bytes") > 50
    assert event.pop("client") == "127.0.0.1"
    assert event == {
        "level": "info",
        "logger": "service.api.request_record",
        "event": "request",
        "request_id": "mine",
        "method": "POST",
        "route": "/v1/predict",
        "path": "/v1/predict",
        "status": 200,
        "key": None,
    }


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/v1/training-runs/run_1", "/v1/training-runs/{run_id}", 404),
        ("GET", "/v1/datasets/ds_1.csv", "/v1/datasets/{dataset_id}.{suffix}", 404),
        ("HEAD", "/v1/gradient-trace.svg", "/v1/gradient-trace.{suffix}", 200),
        ("GET", "/explorer/main.js", "/explorer/{path}", 200),
        ("GET", "/nothing", None, 404),
        ("DELETE", "/v1/optimizers", "/v1/optimizers", 405),
        ("OPTIONS", "/livez", "/livez", 204),
    ],
)
def test_routes_are_templates(
    logged: Any, method: str, path: str, route: str | None, status: int
) -> None:
    event = logged().request(method, path)
    assert (event["method"], event["route"], event["status"]) == (method, route, status)
    assert event["path"] == path
    if method == "HEAD":
        assert event["bytes"] == 0


def test_estimated_work_is_logged(logged: Any) -> None:
    log = logged()
    event = log.request("GET", "/v1/cost-surface?resolution=50")
    assert 0.0 < event["estimated_seconds"] < 10.0
    assert 0.0 < event["spent_seconds"] < 10.0
    assert "estimated_seconds" not in log.request("GET", "/livez")


def test_refused_requests_are_logged_with_the_name_of_the_key(logged: Any) -> None:
    log = logged(api_keys=str(ENTRY))
    assert log.request("GET", "/v1/optimizers")["status"] == 401
    event = log.request("GET", "/v1/optimizers", headers=bearer(KEY))
    assert (event["status"], event["key"]) == (200, "alice")
    assert KEY not in json.dumps(event)
    forged = log.request("GET", "/livez", headers={"host": "evil.example"})
    assert forged["status"] == 200
    assert log.request("GET", "/", headers={"host": "evil.example"})["status"] == 403


def test_deletions_and_cancellations_are_audited(logged: Any) -> None:
    log = logged()
    log.api.post("/v1/datasets", {})
    run = log.api.post("/v1/training-runs", {}, headers={"prefer": "respond-async"}).json()
    log.events()
    log.api.delete(f"/v1/datasets/{DATASET_ID}")
    log.api.post(run["links"]["cancel"])
    log.api.delete("/v1/datasets/ds_1")
    audits = [event for event in log.events() if event["event"] == "audit"]
    assert [(each["action"], each["path"], each["status"]) for each in audits] == [
        ("delete", f"/v1/datasets/{DATASET_ID}", 204),
        ("cancel", run["links"]["cancel"], 202),
    ]
    assert all(each["request_id"] and each["client"] for each in audits)


def test_a_deletion_is_audited_if_its_client_has_left(restored_logging: None) -> None:
    stream = io.StringIO()
    handler = configure_log("info", stream)
    scope = {"path": "/v1/datasets/ds_1", "request_id": "mine"}
    record = RequestRecord(scope, "DELETE", status=204, interruption=DISCONNECTED)
    log_request(record)
    handler.flush()
    request, audit = map(json.loads, stream.getvalue().splitlines())
    assert (request["status"], request["reason"]) == DISCONNECTED
    assert (audit["event"], audit["action"], audit["status"]) == ("audit", "delete", 204)
    assert audit["request_id"] == "mine"


def test_a_request_without_the_scope_is_logged_with_the_name_of_the_key(logged: Any) -> None:
    key, entry = make_key("reader", Scope.READ)
    event = logged(api_keys=str(entry)).request(
        "DELETE", f"/v1/datasets/{DATASET_ID}", headers=bearer(key)
    )
    assert (event["status"], event["key"]) == (403, "reader")


def test_an_internal_error_is_logged(logged: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("service.operations.questions.predict.final_outputs", fail)
    log = logged()
    with pytest.raises(ZeroDivisionError) as raised:
        log.api.post("/v1/predict", {}, headers={"x-request-id": "mine"})
    (event,) = log.events()
    assert (event["status"], event["route"]) == (500, "/v1/predict")
    assert raised.value.__notes__ == ["request mine"]
