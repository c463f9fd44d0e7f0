"""POST /v1/optimum."""

from typing import Any

import pytest


def test_the_optimum_of_the_tutorial(api: Any) -> None:
    for response in (api.post("/v1/optimum", {}), api.post("/v1/optimum")):
        assert response.json() == {
            "weights": {"w_in": 1.0, "w_rec": 1.0},
            "cost": 0.0,
            "log10_cost": None,
            "attained": True,
            "unique": True,
        }


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
