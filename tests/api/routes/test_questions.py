"""Questions with short answers: evaluations, the optimum, gradient checks."""

from typing import Any

import pytest

from service.engine.network import ACTIVATIONS

START = {"w_in": -1.5, "w_rec": 2.0}
EXPLICIT = {
    "kind": "explicit",
    "inputs": [[1, 0.5, 0], [0, 0, 1], [0.25, 1, 0]],
    "targets": [1.5, 1, 1.25],
}


def test_the_tutorials_points(api: Any, tutorial: Any) -> None:
    for response in (api.post("/v1/evaluate", {}), api.post("/v1/evaluate")):
        evaluations = response.json()["evaluations"]
        assert [list(point["weights"].values()) for point in evaluations] == [
            [2, 1], [1, 2], [1, -2], [1, 0], [1, 0.5], [1, -0.5],
        ]  # fmt: skip
        assert {len(point["outputs"]) for point in evaluations} == {20}
    start = tutorial["points"][-1]
    (evaluation,) = api.post("/v1/evaluate", {"points": [START]}).json()["evaluations"]
    assert evaluation["weight_gradient"]["w_in"] == pytest.approx(start["grad_wx"], rel=1e-12)
    assert evaluation["weight_gradient"]["w_rec"] == pytest.approx(start["grad_wRec"], rel=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_evaluation_is_that_of_a_training_run(api: Any, activation: str) -> None:
    network = {"activation": activation, "initial_state": 0.25}
    body: dict[str, Any] = {"dataset": EXPLICIT, "network": network}
    point = {"w_in": 0.3, "w_rec": 0.8}
    (evaluation,) = api.post("/v1/evaluate", body | {"points": [point]}).json()["evaluations"]
    run = {"initial_weights": point, "n_iterations": 0, "keep": False}
    outputs, curvature = evaluation.pop("outputs"), evaluation.pop("curvature")
    assert curvature["smallest"] < curvature["largest"]
    assert evaluation == api.post("/v1/training-runs", body | run).json()["initial"]
    model = {**network, **point}
    predicted = api.post("/v1/predict", {"model": model, "inputs": EXPLICIT["inputs"]}).json()
    assert outputs == predicted["outputs"]


def test_overflow_is_null_beside_its_logarithm(api: Any) -> None:
    body = {"dataset": {"n_steps": 1100}, "points": [{"w_in": 1, "w_rec": 2}]}
    (evaluation,) = api.post("/v1/evaluate", body).json()["evaluations"]
    assert evaluation["cost"] is None
    assert evaluation["log10_cost"] > 600
    assert evaluation["weight_gradient"] == {"w_in": None, "w_rec": None}
    assert evaluation["curvature"] is None
    assert None in evaluation["outputs"]


def test_a_perfect_fit_costs_zero(api: Any) -> None:
    (evaluation,) = api.post("/v1/evaluate", {"points": [{}]}).json()["evaluations"]
    assert (evaluation["cost"], evaluation["log10_cost"]) == (0.0, None)
    assert evaluation["weight_gradient"] == {"w_in": 0.0, "w_rec": 0.0}
    assert evaluation["curvature"]["largest"] == pytest.approx(1051, abs=0.5)
    assert evaluation["curvature"]["smallest"] == pytest.approx(1051 / 575, rel=1e-3)


def test_evaluations_that_are_too_many(api: Any) -> None:
    body = {"dataset": {"n_samples": 100_000, "n_steps": 1}}
    api.refused(api.post("/v1/evaluate", body), "/points", "600000 numbers")


def test_an_optimum_that_is_not_attained(api: Any) -> None:
    """The targets are the first inputs: the infimum of the cost is at infinity."""
    dataset = {
        "kind": "explicit",
        "inputs": [[1, 0, 1], [0, 1, 1], [1, 1, 0], [0, 0, 1]],
        "targets": [1, 0, 1, 0],
    }
    result = api.post("/v1/optimum", {"dataset": dataset}).json()
    assert result["attained"] is False
    assert result["weights"]["w_rec"] is None
    assert result["cost"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
def test_other_activations_have_no_exact_optimum(api: Any, activation: str) -> None:
    response = api.post("/v1/optimum", {"network": {"activation": activation}})
    api.refused(response, "/network/activation", "identity")


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
