"""Basin maps as a use case: limits, results, progress and files."""

from typing import Any

import numpy as np

from service.operations.computations.basins import BASIN_MAP, StepwiseBasinMap
from service.operations.computations.submit import compute, name_task
from service.schemas.basin_maps import BasinMapRequest
from service.schemas.resolved_datasets import ResolvedDataset

INPUTS, TARGETS = np.array([[1.0, 2.0], [0.5, -1.0], [3.0, 1.0]]), np.array([2.0, 0.0, 1.5])
# Some cells reach the target, some do not, and some diverge.
BODY: dict[str, Any] = {
    "optimizer": {"name": "gradient_descent", "learning_rate": 0.02},
    "window": {
        "w_in": {"low": -4.0, "high": 4.0},
        "w_rec": {"low": -3.0, "high": 6.0},
        "resolution": 7,
    },
    "n_iterations": 60,
    "target_cost": 0.3,
}


def make_request(**body: Any) -> BasinMapRequest:
    return BasinMapRequest.model_validate(BODY | body)


def data() -> ResolvedDataset:
    return ResolvedDataset.from_arrays(INPUTS.copy(), TARGETS.copy())


def begin(tile: int = 5_000, **body: Any) -> StepwiseBasinMap:
    """Return a map in steps of 25 iterations."""
    return StepwiseBasinMap(make_request(**body), data(), {}, [], stride=25, tile=tile)


def test_progress_is_the_average_over_all_rows() -> None:
    # Tiles of 4 and of 3 rows, 60 iterations each.
    work = begin(28)
    done = [work.done]
    work.run(lambda work: done.append(work.done))
    assert done == [0, 4 * 25 // 7, 4 * 50 // 7, 240 // 7, 315 // 7, 390 // 7, 60]


def test_a_tile_whose_cells_have_all_ended_needs_no_more_steps() -> None:
    done: list[int] = []
    output = begin(21, target_cost=1e9).run(lambda work: done.append(work.done))
    assert len(done) == 3
    assert output.result_json()["shares"]["target_reached"] == 1.0


def test_a_map_has_no_weights_of_its_own() -> None:
    assert begin().latest() == {"weights": None, "cost": None}


def test_the_size_of_a_result_is_not_underestimated() -> None:
    request = make_request()
    _, arrays = compute(name_task(BASIN_MAP, request), data())
    n_bytes = sum(each.nbytes for each in arrays.values())
    assert n_bytes <= BASIN_MAP.result_bytes(request, data().size) <= 2 * n_bytes
