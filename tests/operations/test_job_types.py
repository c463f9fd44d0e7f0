"""A computation in steps equals one without, wherever it is interrupted."""

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

import numpy as np
import pytest

from service.engine.data import Series
from service.operations.computations import fits
from service.operations.computations.basins import BASIN_MAP, StepwiseBasinMap
from service.operations.computations.fits import FIT
from service.operations.computations.job_types import JobType, StepwiseComputation
from service.operations.computations.submit import compute, name_task
from service.operations.computations.training import TRAINING_RUN, StepwiseTraining
from service.operations.shared.limits import Limits
from service.schemas.datasets import CountOnesDataset
from service.schemas.fits import FitRequest
from service.schemas.resolved_datasets import ResolvedSeries

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


class Ended(Exception):
    """A computation ended after a step."""


def end_after(n_steps: int) -> Callable[[StepwiseComputation], None]:
    """Return a function that ends a computation when it is called so often."""
    calls = count(1)

    def end(_: StepwiseComputation) -> None:
        if next(calls) % n_steps == 0:
            raise Ended

    return end


def broken_off(
    begin: Callable[..., StepwiseComputation], request: Any, dataset: Any, n_steps: int = 1
) -> tuple[Any, list[int]]:
    """Compute, and restore the computation from its state and its parts after some steps.

    Return the output, and the progress after each of these.
    """
    state: Any = {}
    parts: list[Any] = []
    done: list[int] = []
    while True:
        work = begin(request, dataset, state, parts)
        try:
            return work.run(end_after(n_steps)), done
        except Ended:
            work.add_part()
            parts, state = [to_stored(part) for part in work.parts], to_stored(work.state())
            done.append(work.done)


def to_stored(arrays: Any) -> Any:
    """Return arrays with the types that the store returns: float64 or int64."""
    kinds = {"f": np.float64, "i": np.int64, "u": np.int64}
    return {name: each.astype(kinds[each.dtype.kind]) for name, each in arrays.items()}


def check_equal(broken: Any, whole: Any) -> None:
    row, arrays = whole
    assert broken.arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(broken.arrays[name], array)
        assert broken.arrays[name].dtype == array.dtype
    assert broken.result_json() == row.result
    assert broken.done == row.progress_done


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda each: each["name"])
@pytest.mark.parametrize(
    "more", [{}, {"target_cost": 1.0, "record_every": 7}, {"network": {"activation": "tanh"}}]
)
def test_a_run_resumed_after_every_step(optimizer: dict[str, Any], more: dict[str, Any]) -> None:
    request = TRAINING_RUN.request_model.model_validate(
        {"optimizer": optimizer, "initial_weights": NEAR, "n_iterations": 150, **more}
    )
    dataset = CountOnesDataset().resolve()
    whole = compute(name_task(TRAINING_RUN, request), dataset)
    broken, done = broken_off(partial(StepwiseTraining, stride=13), request, dataset)
    check_equal(broken, whole)
    assert done == sorted(done)
    assert len(done) > 1 or whole[0].progress_done <= 13


# Tiles are whole rows of 30 cells.
@pytest.mark.parametrize(
    ("name", "tile", "n_tiles"),
    [
        *((optimizer["name"], 200, 5) for optimizer in OPTIMIZERS),
        *(("rprop", tile, n_tiles) for tile, n_tiles in ((1, 30), (59, 30), (60, 15), (5000, 1))),
    ],
)
def test_a_map_resumed_after_every_step(name: str, tile: int, n_tiles: int) -> None:
    (optimizer,) = (each for each in OPTIMIZERS if each["name"] == name)
    begin = partial(StepwiseBasinMap, stride=15, tile=tile)
    request = BASIN_MAP.request_model.model_validate(
        {"optimizer": optimizer, "window": WINDOW, "n_iterations": 40}
    )
    dataset = CountOnesDataset().resolve()
    broken, done = broken_off(begin, request, dataset)
    at_one_go = begin(request, dataset, {}, []).run(lambda _: None)
    assert broken.result_json() == at_one_go.result_json()
    for key, array in at_one_go.arrays.items():
        np.testing.assert_array_equal(broken.arrays[key], array, strict=True)
    assert done == sorted(done)
    assert done[-1] == 40
    assert n_tiles <= len(done) <= 3 * n_tiles  # fewer where all cells have ended
    _, whole = compute(name_task(BASIN_MAP, request), dataset)
    np.testing.assert_array_equal(broken.arrays["outcome"], whole["outcome"])
    np.testing.assert_allclose(broken.arrays["cost"], whole["cost"], rtol=1e-6, atol=1e-12)


every_computation = pytest.mark.parametrize(
    "computation", [TRAINING_RUN, BASIN_MAP], ids=lambda each: each.kind
)


@every_computation
@pytest.mark.parametrize("activation", ["identity", "tanh"])
def test_a_step_takes_a_tenth_of_a_second(computation: JobType[Any], activation: str) -> None:
    window = {"window": {"resolution": 10}} if computation is BASIN_MAP else {}  # one tile
    request = computation.request_model.model_validate(
        {"network": {"activation": activation}, **window}
    )
    data = CountOnesDataset().resolve()
    work: Any = computation.begin(request, data, {}, [])
    seconds = [
        computation.estimate(
            request.model_copy(update={"n_iterations": n}), data.size, Limits(max_job_seconds=1e9)
        )
        for n in (0, work.stride)
    ]
    assert seconds[1] - seconds[0] == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize(
    "more",
    [
        {},
        pytest.param({"delay": {"low": 1, "high": 2}}, marks=pytest.mark.slow),
        {"noise": "ar1"},
        {"time_constants": 2},
        {"variance": "proportional", "offset": 20.0},
        {"w_rec": {"low": 0.9, "high": 0.9}},
    ],
    ids=lambda more: "-".join(more) or "default",
)
def test_a_fit_resumed_after_some_stages(more: dict[str, Any]) -> None:
    request, dataset = make_fit(more)
    whole = compute(name_task(FIT, request), dataset)
    broken, done = broken_off(FIT.begin, request, dataset, n_steps=7 if more else 2)
    check_equal(broken, whole)
    assert done == sorted(done)
    assert len(done) > 1
    assert done[-1] < whole[0].progress_done == request.progress_total


def make_fit(more: dict[str, Any]) -> tuple[FitRequest, ResolvedSeries]:
    """Return the request of a fit, and its series of two sequences."""
    rng = np.random.default_rng(3)
    inputs = rng.standard_normal((120, 1))
    targets = np.cumsum(inputs[:, 0]) + rng.standard_normal(120) + 40.0
    series = Series.from_sequences((inputs[:60], inputs[60:]), (targets[:60], targets[60:]))
    dataset = ResolvedSeries.from_series(series)
    assert FIT.complete is not None
    request = FitRequest.model_validate({"dataset": {"id": "ds_" + "1" * 32}} | more)
    return FIT.complete(request, dataset), dataset


def test_a_fit_ignores_the_stages_of_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    request, dataset = make_fit({})
    stages: list[int] = []
    parts: list[Any] = []
    work = FIT.begin(request, dataset, {}, [])
    expected = work.run(lambda each: parts.append(each.take_part()))
    FIT.begin(request, dataset, {}, parts).run(lambda _: stages.append(1))
    assert not stages
    monkeypatch.setattr(fits, "VERSION", fits.VERSION + 1)
    blocks = {"numbers": np.zeros(3), "blocks": np.array([5, 7, 1, 1, 3])}  # of earlier versions
    output = FIT.begin(request, dataset, {}, [blocks, *parts]).run(lambda _: stages.append(1))
    assert output.result_json() == expected.result_json()
    assert len(stages) == len(parts)
