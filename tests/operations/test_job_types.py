"""A computation in steps equals one without, wherever it is interrupted."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from service.operations.basins import BASIN_MAP, StepwiseBasinMap
from service.operations.job_types import JobType, StepwiseComputation
from service.operations.training import TRAINING_RUN, StepwiseTraining
from service.schemas.datasets import CountOnesDataset

OPTIMIZERS: list[dict[str, Any]] = [
    {"name": "rprop"},
    {"name": "irprop_minus"},
    {"name": "levenberg_marquardt"},
    {"name": "gradient_descent", "learning_rate": 1e-4},
    {"name": "momentum", "learning_rate": 1e-5},
    {"name": "rmsprop", "learning_rate": 1e-3},
    {"name": "adam", "learning_rate": 1e-2},
]
NEAR = {"w_in": 0.5, "w_rec": 0.9}
WINDOW = {"w_in": {"low": -1, "high": 1}, "w_rec": {"low": 0, "high": 1.2}, "resolution": 30}


def broken_off(begin: Callable[..., StepwiseComputation], request: Any) -> tuple[Any, list[int]]:
    """Compute in steps, and restore the computation from its state after each of them."""
    state: dict[str, Any] = {}
    parts, done = [], []
    while True:
        work = begin(request, CountOnesDataset().resolve(), state)
        work.step()
        part = work.part()
        parts += [part] if part else []
        done.append(work.done)
        if work.over:
            return work.finish(parts), done
        # The types that the store returns: float64 or int64.
        kinds = {"f": np.float64, "i": np.int64, "u": np.int64}
        state = {name: each.astype(kinds[each.dtype.kind]) for name, each in work.state().items()}


def check_equal(broken: Any, whole: Any) -> None:
    assert broken.arrays.keys() == whole.arrays.keys()
    for name, array in whole.arrays.items():
        np.testing.assert_array_equal(broken.arrays[name], array)
        assert broken.arrays[name].dtype == array.dtype
    assert broken.result_json() == whole.result_json()
    assert broken.done == whole.done


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda each: each["name"])
@pytest.mark.parametrize(
    "more", [{}, {"target_cost": 1.0, "record_every": 7}, {"network": {"activation": "tanh"}}]
)
def test_a_run_resumed_after_every_step(optimizer: dict[str, Any], more: dict[str, Any]) -> None:
    request = TRAINING_RUN.request_model.model_validate(
        {"optimizer": optimizer, "initial_weights": NEAR, "n_iterations": 150, **more}
    )
    whole = TRAINING_RUN.compute(request, CountOnesDataset().resolve())
    broken, done = broken_off(partial(StepwiseTraining, stride=13), request)
    check_equal(broken, whole)
    assert done == sorted(done)
    assert len(done) > 1 or whole.done <= 13


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda each: each["name"])
def test_a_map_resumed_after_every_step(optimizer: dict[str, Any]) -> None:
    begin = partial(StepwiseBasinMap, stride=15, tile=200)
    request = BASIN_MAP.request_model.model_validate(
        {"optimizer": optimizer, "window": WINDOW, "n_iterations": 40}
    )
    broken, done = broken_off(begin, request)
    again, _ = broken_off(begin, request)
    check_equal(broken, again)
    assert done == sorted(done)
    assert done[-1] == 40
    assert len(done) > 5
    whole = BASIN_MAP.compute(request, CountOnesDataset().resolve())
    np.testing.assert_array_equal(broken.arrays["outcome"], whole.arrays["outcome"])
    np.testing.assert_allclose(broken.arrays["cost"], whole.arrays["cost"], rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("computation", [TRAINING_RUN, BASIN_MAP], ids=lambda each: each.kind)
def test_zero_iterations(computation: JobType[Any]) -> None:
    request = computation.request_model.model_validate({"n_iterations": 0, "target_cost": 1e9})
    work = computation.begin(request, CountOnesDataset().resolve(), {})
    while True:
        work.step()
        if work.over:
            break
    part = work.part()
    check_equal(
        work.finish([part] if part else []),
        computation.compute(request, CountOnesDataset().resolve()),
    )
