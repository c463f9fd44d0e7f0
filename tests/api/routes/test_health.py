"""GET /livez and /readyz."""

from typing import Any

import pytest


def test_health(api: Any) -> None:
    for path in ("/livez", "/readyz"):
        assert api.get(path).json()["status"] == "ok"


def test_readiness_fails_while_no_worker_can_start(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
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
