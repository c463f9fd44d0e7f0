"""/v1/basin-maps."""

import io
from typing import Any

import numpy as np
import pytest

from service.api.examples import MAP_ID

MAPS = "/v1/basin-maps"
COARSE = {"window": {"resolution": 5}, "n_iterations": 60}


def test_an_empty_request_has_the_tutorials_defaults(make_api: Any) -> None:
    api = make_api()
    response = api.post(MAPS, {})
    assert response.status_code == 201
    result = response.json()
    assert result["id"] == MAP_ID
    assert response.headers["location"] == f"{MAPS}/{MAP_ID}"
    assert result["request"]["window"]["resolution"] == 100
    assert result["request"]["n_iterations"] == 500
    assert result["request"]["target_cost"] == 0.01
    shares = result["shares"]
    assert sum(shares.values()) == pytest.approx(1)
    assert 0.7 < shares["target_reached"] < 0.9  # about four of five initial weights
    again = api.post(MAPS)
    assert (again.status_code, again.json()) == (200, result)


def test_a_cell_is_a_training_run(api: Any) -> None:
    """Train from the ends of both axes."""
    result = api.post(MAPS, {**COARSE, "keep": False}).json()
    assert (result["id"], result["links"]) == (None, None)
    cells = result["map"]
    for row, column in ((0, 0), (0, 4), (4, 0), (3, 3)):
        start = {"w_in": cells["w_in"][column], "w_rec": cells["w_rec"][row]}
        body = {"initial_weights": start, "n_iterations": 60, "target_cost": 0.01}
        run = api.post("/v1/training-runs", {**body, "keep": False}).json()
        assert cells["iterations"][row][column] == run["iterations"]
        assert cells["cost"][row][column] == pytest.approx(run["final"]["cost"], rel=1e-6)
        assert cells["outcome"][row][column] == run["outcome"]


def test_the_archive_of_a_map(stored_api: Any) -> None:
    result = stored_api.post(MAPS, COARSE).json()
    arrays = np.load(io.BytesIO(stored_api.get(result["links"]["npz"]).content))
    assert sorted(arrays) == ["cost", "iterations", "outcome", "w_in", "w_rec"]
    assert arrays["cost"].shape == arrays["outcome"].shape == (5, 5)
    assert np.mean(arrays["outcome"] == "target_reached") == result["shares"]["target_reached"]
    assert stored_api.get(MAPS).json()["items"] == [result]
    assert stored_api.get("/v1/training-runs").json()["items"] == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"window": {"resolution": 1001}}, "/window/resolution"),
        ({"clip": {}}, "/clip"),
        ({"window": {"resolution": 400}, "keep": False, "n_iterations": 0}, "/window/resolution"),
        (
            {"window": {"resolution": 900}, "n_iterations": 10**6, "dataset": {"n_steps": 1000}},
            "/n_iterations",
        ),
    ],
)
def test_invalid_bodies(api: Any, body: Any, pointer: str) -> None:
    api.refused(api.post(MAPS, body), pointer)
