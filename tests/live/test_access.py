"""Access from outside, as a real server sees it: proxies, keys, and the log."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.keys import Scope, make_key
from tests.live.conftest import Start

FORWARDED = {"x-forwarded-for": "203.0.113.9", "x-request-id": "mine"}


def logged(log: Path, request_id: str) -> list[dict[str, Any]]:
    """Return the events of a request."""
    events = [json.loads(line) for line in log.read_text().splitlines()]
    return [event for event in events if event.get("request_id") == request_id]


@pytest.mark.parametrize(
    ("settings", "client"),
    [
        pytest.param({}, "127.0.0.1", marks=pytest.mark.slow),
        pytest.param({"trusted_proxies": "10.0.0.0/8"}, "127.0.0.1", marks=pytest.mark.slow),
        ({"trusted_proxies": "10.0.0.0/8,127.0.0.1"}, "203.0.113.9"),
        pytest.param({"trusted_proxies": "*"}, "203.0.113.9", marks=pytest.mark.slow),
    ],
)
def test_forwarded_addresses_count_from_trusted_proxies_only(
    start: Start, tmp_path: Path, settings: dict[str, str], client: str
) -> None:
    options = {"log_level": "info", "rate_limit_requests": "5/hour", **settings}
    server = start(**options)
    for n in range(6):
        response = server.client.get("/v1/optimizers", headers=FORWARDED)
        assert response.status_code == (200 if n < 5 else 429)
    another = server.client.get("/v1/optimizers", headers={"x-forwarded-for": "203.0.113.10"})
    assert another.status_code == (429 if client == "127.0.0.1" else 200)
    server.stop()
    events = logged(tmp_path / "data.log", "mine")
    assert [event["client"] for event in events] == [client] * 6


def test_keys_of_the_environment(start: Start, tmp_path: Path) -> None:
    key, entry = make_key("alice", Scope.WRITE)
    options = {"log_level": "info", "api_keys": entry}
    server = start(1, **options)
    assert server.client.get("/v1/training-runs").status_code == 401
    bearer = {"authorization": f"Bearer {key}", "x-request-id": "mine"}
    dataset = server.client.post("/v1/datasets", json={}, headers=bearer).json()
    assert server.client.delete(dataset["links"]["self"], headers=bearer).status_code == 204
    assert "rnn_workers 1.0" in server.client.get("/metrics", headers=bearer).text
    server.stop()
    text = (tmp_path / "data.log").read_text()
    assert key not in text
    events = logged(tmp_path / "data.log", "mine")
    assert {event["key"] for event in events} == {"alice"}
    assert [event["action"] for event in events if event["event"] == "audit"] == ["delete"]
