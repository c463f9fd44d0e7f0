"""POST /v1/gradient-check."""

from typing import Any

import pytest


def test_the_check_at_the_tutorials_start(api: Any, tutorial: Any) -> None:
    start = tutorial["points"][-1]
    assert (start["wx"], start["wRec"]) == (-1.5, 2.0)
    for response in (api.post("/v1/gradient-check", {}), api.post("/v1/gradient-check")):
        result = response.json()
        assert result["analytic"]["w_in"] == pytest.approx(start["grad_wx"], rel=1e-12)
        assert result["analytic"]["w_rec"] == pytest.approx(start["grad_wRec"], rel=1e-12)
        assert result["numeric"]["w_rec"] == pytest.approx(start["grad_wRec"], rel=1e-6)
        assert 0 < result["relative_error"] < 1e-6


def test_a_check_that_overflows_is_null(api: Any) -> None:
    body = {"dataset": {"n_steps": 1000}, "weights": {"w_in": 1, "w_rec": 50}}
    nothing = {"w_in": None, "w_rec": None}
    result = api.post("/v1/gradient-check", body).json()
    assert result == {
        "analytic": nothing,
        "numeric": nothing,
        "absolute_error": None,
        "relative_error": None,
    }


def test_a_coarse_step_has_a_larger_error(api: Any) -> None:
    errors = [
        api.post("/v1/gradient-check", {"step": step}).json()["relative_error"]
        for step in (1e-5, 1e-3, 1e-1)
    ]
    assert errors == sorted(errors)


def test_a_check_that_takes_too_long(make_api: Any) -> None:
    api = make_api(max_work_seconds=0.01)
    body = {"dataset": {"n_samples": 1000, "n_steps": 1000}}
    api.refused(api.post("/v1/gradient-check", body), "/dataset", "0.01")
