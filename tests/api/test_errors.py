"""Errors as problems."""

from typing import Any

import httpx
import numpy as np
import pytest

from service.api.errors import PROBLEM_TYPES, ProblemType, Refused, job_problem, problem_type
from service.api.examples import RUN_ID
from service.errors import ServiceError


def test_every_subclass_has_a_problem_type() -> None:
    def below(root: type[ServiceError]) -> set[type[ServiceError]]:
        return {root}.union(*map(below, root.__subclasses__()))

    kinds = below(ServiceError) - {Refused}  # has one of its own
    assert len(kinds) >= 8
    for kind in kinds:
        assert problem_type(kind.__new__(kind)) in PROBLEM_TYPES


def test_a_stored_problem_of_an_unknown_type_is_internal() -> None:
    problem = job_problem({"type": "from-a-newer-release", "detail": "a detail"})
    assert problem is not None
    assert problem["type"] == "/problems/internal"


@pytest.mark.parametrize(
    "path",
    [
        *("/nothing", "/v1", "/v1/", "/v1/predict/x", "/v2", "/docs/x", "/docs-assets"),
        *("/explorer", "/livez/", "/docs/", "/v1/datasets/", "/v1/optimizers/"),
    ],
)
def test_unknown_paths_are_not_found(api: Any, path: str) -> None:
    response = api.get(path)
    assert (response.status_code, response.json()["type"]) == (404, "/problems/not-found")
    assert "location" not in response.headers  # a slash at the end makes another path


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/predict", "POST, OPTIONS"),
        ("PUT", "/v1/optimizers", "GET, HEAD, OPTIONS"),
        ("PATCH", "/v1/datasets/ds_1", "GET, HEAD, DELETE, OPTIONS"),
        ("DELETE", "/v1/training-runs", "GET, HEAD, POST, OPTIONS"),
        ("PUT", "/v1/cost-surface", "GET, HEAD, POST, OPTIONS"),
        ("POST", "/", "GET, HEAD, OPTIONS"),
        ("DELETE", "/docs-assets/swagger-ui.css", "GET, HEAD, OPTIONS"),
        ("HEAD", f"/v1/training-runs/{RUN_ID}/events", "GET, OPTIONS"),
        ("DELETE", f"/v1/training-runs/{RUN_ID}/events", "GET, OPTIONS"),
    ],
)
def test_methods_that_are_not_allowed(api: Any, method: str, path: str, allowed: str) -> None:
    response = api.request(method, path)
    assert response.status_code == 405
    assert response.headers["allow"] == allowed
    options = api.request("OPTIONS", path)
    assert (options.status_code, options.content) == (204, b"")
    assert options.headers["allow"] == allowed


@pytest.mark.parametrize(
    "path", ["datasets/ds_", "training-runs/run_", "basin-maps/map_", "fits/fit_"]
)
@pytest.mark.parametrize("suffix", ["csv", "npz", "png", "other"])
def test_only_an_id_without_a_suffix_can_be_deleted(api: Any, path: str, suffix: str) -> None:
    assert api.delete(f"/v1/{path}{'0' * 32}.{suffix}").status_code == 404


@pytest.mark.parametrize("kind", PROBLEM_TYPES, ids=lambda kind: kind.slug)
def test_the_type_of_a_problem_is_a_page_about_it(api: Any, kind: ProblemType) -> None:
    response = api.get(f"/problems/{kind.slug}")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert f"<h1>{kind.title}</h1>" in response.text
    assert f"HTTP status {kind.status}." in response.text
    assert response.headers["content-security-policy"].endswith("; frame-ancestors 'none'")
    assert api.get("/problems/nothing").status_code == 404


def test_problems_do_not_repeat_long_input(api: Any) -> None:
    for response in (
        api.post("/v1/predict", {"x" * 10_000: 1}),
        api.post("/v1/predict", {"model": {"kind": "x" * 10_000}}),
        api.get("/v1/optimizers?" + "x" * 10_000),
        api.get("/" + "x" * 10_000),
        api.get("/v1/datasets/" + "x" * 10_000),
        api.get("/v1/cost-surface." + "x" * 10_000),
        api.get(f"/v1/gradient-trace?activation={'x' * 10_000}"),
    ):
        assert response.status_code in {404, 422}
        assert len(response.content) < 20_000


def test_an_internal_error_shows_no_internals(
    api: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("the password is hush")

    monkeypatch.setattr("service.operations.computations.training.advance_training", fail)
    transport = httpx.ASGITransport(app=api.app, raise_app_exceptions=False)
    quiet = httpx.AsyncClient(transport=transport, base_url="http://localhost")
    monkeypatch.setattr(api, "client", quiet)
    for keep in (True, False):
        response = api.post(
            "/v1/training-runs", {"n_iterations": 77, "keep": keep}, headers={"x-request-id": "me"}
        )
        assert response.status_code == 500
        assert response.json() == {
            "type": "/problems/internal",
            "title": "Internal server error",
            "status": 500,
            "detail": "an unexpected error; see the server log for this request id",
            "request_id": "me",
        }
        assert "hush" not in response.text
        assert "Traceback" not in response.text
    monkeypatch.undo()
    assert api.post("/v1/training-runs", {"n_iterations": 77}).status_code == 201


@pytest.mark.parametrize("keep", [True, False])
def test_a_lack_of_memory_is_temporary(
    api: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, keep: bool
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        np.empty(1 << 56)

    monkeypatch.setattr("service.operations.computations.training.advance_training", fail)
    response = api.post("/v1/training-runs", {"n_iterations": 78, "keep": keep})
    assert response.status_code == 503
    assert response.json()["type"] == "/problems/busy"
    assert int(response.headers["retry-after"]) > 0
    assert response.json()["request_id"] in caplog.text
    assert "PiB" in caplog.text
    assert "PiB" not in response.text
    monkeypatch.undo()
    assert api.post("/v1/training-runs", {"n_iterations": 78}).is_success
