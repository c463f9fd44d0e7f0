"""Training runs as a use case: limits, results, progress and files."""

from math import isinf, isnan
from typing import Any

import numpy as np
import pytest

from service.operations.computations.submit import compute, name_task
from service.operations.computations.training import TRAINING_RUN, StepwiseTraining, count_recorded
from service.schemas.resolved_datasets import ResolvedDataset
from service.schemas.training_runs import TrainingRunRequest

INPUTS, TARGETS = np.array([[1.0, 2.0], [0.5, -1.0], [3.0, 1.0]]), np.array([2.0, 0.0, 1.5])


def make_request(**body: Any) -> TrainingRunRequest:
    return TrainingRunRequest.model_validate(body)


def data() -> ResolvedDataset:
    return ResolvedDataset.from_arrays(INPUTS.copy(), TARGETS.copy())


def cost_and_gradient(w_in: float, w_rec: float) -> tuple[float, list[float]]:
    """Return the mean squared error of w_in (w_rec x_1 + x_2), and its derivatives."""
    p = w_rec * INPUTS[:, 0] + INPUTS[:, 1]
    errors = w_in * p - TARGETS
    by_w_in, by_w_rec = 2.0 * errors * p, 2.0 * errors * w_in * INPUTS[:, 0]
    return float(np.mean(errors**2)), [float(np.mean(by_w_in)), float(np.mean(by_w_rec))]


@pytest.mark.parametrize("n_iterations", [0, 1, 9, 10])
@pytest.mark.parametrize("record_every", [1, 3, 10, 20])
def test_no_run_records_more_than_estimated(n_iterations: int, record_every: int) -> None:
    request = make_request(n_iterations=n_iterations, record_every=record_every)
    _, arrays = compute(name_task(TRAINING_RUN, request), data())
    n_recorded = len(arrays["iteration"])
    assert count_recorded(request) - 1 <= n_recorded <= count_recorded(request)
    assert sum(each.nbytes for each in arrays.values()) <= TRAINING_RUN.result_bytes(
        request, data().size
    ) + (8 * n_recorded)


def begin(state: Any = None, **body: Any) -> StepwiseTraining:
    return StepwiseTraining(make_request(**body), data(), state or {}, [])


@pytest.mark.parametrize("weights", [(1.0, 0.5), (np.nan, 0.5), (1.0, -np.inf)])
def test_latest_weights_that_are_not_finite_are_null(weights: tuple[float, float]) -> None:
    head = np.array([7.0, *weights])
    work = begin({"head": head, "states": np.array([[0.1, 1.0], [0.1, 1.0]])})
    assert work.done == 7
    w_in, w_rec = (None if isnan(each) or isinf(each) else each for each in weights)
    cost = None
    if w_in is not None and w_rec is not None:
        cost = pytest.approx(cost_and_gradient(w_in, w_rec)[0])
    assert work.latest() == {"weights": {"w_in": w_in, "w_rec": w_rec}, "cost": cost}


def test_the_latest_weights_of_a_finished_run_are_its_final_ones() -> None:
    work = begin(n_iterations=3)
    work.run(lambda _: None)
    row, _ = compute(name_task(TRAINING_RUN, make_request(n_iterations=3)), data())
    final = (row.result or {})["final"]
    cost = pytest.approx(final["cost"], rel=1e-12)  # of a trajectory, in another order of sums
    assert work.latest() == {"weights": final["weights"], "cost": cost}


def test_a_latest_cost_that_overflows_is_null() -> None:
    work = begin(initial_weights={"w_in": 1e200, "w_rec": 1.0})
    assert work.latest() == {"weights": {"w_in": 1e200, "w_rec": 1.0}, "cost": None}
