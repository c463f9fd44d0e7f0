"""Trajectories from records, compared with costs worked out by hand."""

from math import inf, log10, nan

import numpy as np
import pytest

from service.engine.data import Dataset
from service.engine.network import Network
from service.engine.objective import Objective, make_objective
from service.engine.training import Outcome, TrainingCheckpoint, Trajectory, assemble_trajectory
from service.engine.types import Weights

START = Weights(1.0, 0.5)


def make(activation: str = "identity", n_steps: int = 2) -> Objective:
    """Return the cost of one sequence of ones with the target 2."""
    dataset = Dataset.from_arrays(np.ones((1, n_steps)), np.array([2.0]))
    return make_objective(dataset, Network(activation))


def assemble(
    *rows: tuple[float, float, float],
    end: tuple[int, float, float],
    outcome: Outcome | None = None,
    objective: Objective | None = None,
) -> Trajectory:
    """Return the trajectory of a run that recorded these rows and ended there."""
    iteration, *weights = end
    checkpoint = TrainingCheckpoint(iteration, Weights(*weights), ((), ()), outcome)
    record = np.array(rows, np.float64).reshape(-1, 3)
    return assemble_trajectory(objective or make(), START, checkpoint, record)


def test_costs_are_those_of_the_recorded_weights() -> None:
    rows = [(2.0, 2.0, 0.5), (4.0, 1.0, -3.0), (6.0, 1.0, 1.0)]
    found = assemble(*rows, end=(6, 1.0, 1.0))
    assert found.weights.tolist() == [[1.0, 0.5], [2.0, 0.5], [1.0, -3.0], [1.0, 1.0]]
    # The output after two ones is w_in (w_rec + 1).
    np.testing.assert_allclose(found.cost, [0.5**2, 1.0, 4.0**2, 0.0], rtol=1e-14)
    expected = [2 * log10(0.5), 0.0, 2 * log10(4.0), -inf]
    np.testing.assert_allclose(found.log10_cost, expected, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize(
    ("recorded", "end", "iterations"),
    [
        ([], 0, [0]),
        ([], 3, [0, 3]),
        ([2, 4], 4, [0, 2, 4]),
        ([2, 4], 5, [0, 2, 4, 5]),
    ],
)
def test_the_first_and_the_last_iteration_are_recorded_once(
    recorded: list[int], end: int, iterations: list[int]
) -> None:
    rows = [(float(k), 1.0 + k, 0.5) for k in recorded]
    found = assemble(*rows, end=(end, 1.0 + end, 0.5))
    assert found.iteration.tolist() == iterations
    assert found.iteration.dtype == np.int64
    assert found.weights[:, 0].tolist() == [1.0 + k for k in iterations]
    assert found.iterations == end


@pytest.mark.parametrize("activation", ["identity", "tanh", "sigmoid", "relu"])
@pytest.mark.parametrize("lost", [(inf, 0.5), (0.5, -inf), (nan, 1.0), (1.0, nan)])
def test_a_weight_that_is_not_finite_has_no_cost(
    activation: str, lost: tuple[float, float]
) -> None:
    found = assemble((1.0, 1.0, 0.25), end=(2, *lost), objective=make(activation))
    assert np.isfinite(found.cost[:2]).all()
    assert np.isfinite(found.log10_cost[:2]).all()
    assert np.isnan([found.cost[2], found.log10_cost[2]]).all()
    np.testing.assert_array_equal(found.weights[2], lost)


def test_a_cost_that_overflows_has_a_logarithm() -> None:
    found = assemble(end=(1, 1.0, 10.0), objective=make(n_steps=200))
    assert found.cost[1] == inf
    # The output is (10²⁰⁰ - 1) / 9.
    assert found.log10_cost[1] == pytest.approx(400.0 - 2.0 * log10(9.0), rel=1e-12)


@pytest.mark.parametrize("outcome", [*Outcome, None])
def test_a_run_that_could_continue_has_exhausted_its_iterations(outcome: Outcome | None) -> None:
    found = assemble(end=(7, 1.0, 1.0), outcome=outcome)
    assert found.outcome is (outcome or Outcome.ITERATIONS_EXHAUSTED)
    assert found.iterations == 7
