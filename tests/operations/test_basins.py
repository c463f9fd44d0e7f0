"""Basin maps as a use case: limits, results, progress and files."""

from typing import Any

import numpy as np
import pytest

from service.operations.basins import (
    BASIN_MAP,
    StepwiseBasinMap,
    estimate,
)
from service.operations.limits import Limits
from service.schemas.basin_maps import BasinMapRequest
from service.schemas.datasets import CountOnesDataset
from service.schemas.resolved_datasets import DatasetSize, ResolvedDataset

LIMITS, SIZE = Limits(), DatasetSize(3, 2)
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
OUTCOMES = ["iterations_exhausted", "target_reached", "diverged"]


def make_request(**body: Any) -> BasinMapRequest:
    return BasinMapRequest.model_validate(BODY | body)


def data() -> ResolvedDataset:
    return ResolvedDataset.from_arrays(INPUTS.copy(), TARGETS.copy())


def test_the_estimate_grows_with_every_cell_and_with_trial_steps() -> None:
    def seconds(resolution: int, **body: Any) -> float:
        window = BODY["window"] | {"resolution": resolution}
        return estimate(make_request(window=window, **body), SIZE, LIMITS)

    tanh = {"network": {"activation": "tanh"}}
    assert seconds(400, **tanh) == pytest.approx(16.0 * seconds(100, **tanh), rel=0.05)
    least_squares = {"optimizer": {"name": "levenberg_marquardt"}}
    assert seconds(100, **least_squares) > 2.0 * seconds(100)


def test_the_shares_count_the_outcomes() -> None:
    output = BASIN_MAP.compute(make_request(), data())
    result = output.result_json()
    counts = np.bincount(output.arrays["outcome"].ravel(), minlength=3)
    assert counts.min() > 0
    assert result["shares"] == pytest.approx(dict(zip(OUTCOMES, counts / 49.0, strict=True)))
    assert result["optimum"]["cost"] < 0.3
    assert output.done == 60
    tanh = BASIN_MAP.compute(make_request(network={"activation": "tanh"}), data())
    assert tanh.result_json()["optimum"] is None


def begin(tile: int = 5_000, state: Any = None, **body: Any) -> StepwiseBasinMap:
    """Return a map in steps of 25 iterations."""
    return StepwiseBasinMap(make_request(**body), data(), state or {}, stride=25, tile=tile)


@pytest.mark.parametrize(
    ("tile", "n_tiles"),
    [(1, 7), (6, 7), (14, 4), (15, 4), (5_000, 1)],  # whole rows of 7 cells
)
def test_a_map_in_steps_is_the_map_at_once(tile: int, n_tiles: int) -> None:
    work = begin(tile)
    parts = []
    while True:
        work.step()
        part = work.part()
        parts += [part] if part else []
        if work.over:
            break
        work = begin(tile, {name: array.copy() for name, array in work.state().items()})
    found, whole = work.finish(parts), BASIN_MAP.compute(make_request(), data())
    assert len(parts) == n_tiles
    assert found.result_json() == whole.result_json()
    assert found.done == whole.done
    for name, array in whole.arrays.items():
        np.testing.assert_allclose(found.arrays[name], array, rtol=1e-12)
        assert found.arrays[name].dtype == array.dtype


def test_progress_is_the_average_over_all_rows() -> None:
    # Tiles of 4 and of 3 rows, 60 iterations each.
    work = begin(28)
    done = [work.done]
    while not work.over:
        work.step()
        done.append(work.done)
    assert done == [0, 4 * 25 // 7, 4 * 50 // 7, 240 // 7, 315 // 7, 390 // 7, 60]


def test_a_tile_whose_cells_have_all_ended_needs_no_more_steps() -> None:
    work = begin(21, target_cost=1e9)
    for _ in range(3):
        assert not work.over
        work.step()
    assert work.over
    assert work.finish([work.part()]).result_json()["shares"]["target_reached"] == 1.0


def test_a_map_has_no_weights_of_its_own() -> None:
    work = begin()
    work.step()
    assert work.latest() == {"weights": None, "cost": None}
    assert work.part() == {}  # no tile is finished


def test_a_step_takes_about_a_tenth_of_a_second_by_its_estimate() -> None:
    tanh = make_request(network={"activation": "tanh"})
    work = StepwiseBasinMap(tanh, data(), {})
    longer = tanh.model_copy(update={"n_iterations": work.stride})
    assert estimate(longer, SIZE, LIMITS) == pytest.approx(0.1, rel=0.02)


def test_the_pass_over_the_data_is_no_part_of_an_iteration() -> None:
    small, large = (
        StepwiseBasinMap(make_request(), CountOnesDataset(n_samples=n).resolve(), {})
        for n in (10, 100_000)
    )
    assert large.stride > 0.5 * small.stride > 50


def test_the_size_of_a_result_is_not_underestimated() -> None:
    request = make_request()
    arrays = BASIN_MAP.compute(request, data()).arrays
    n_bytes = sum(each.nbytes for each in arrays.values())
    assert n_bytes <= BASIN_MAP.result_bytes(request, data().size) <= 2 * n_bytes
