"""Basin maps: cells compared with single runs, resumed maps, and overflow."""

from typing import Any

import numpy as np
import pytest

from service.engine.data import Dataset, count_ones
from service.engine.network import Network
from service.engine.objective import Objective, make_objective
from service.engine.training import (
    OPTIMIZERS,
    BasinMap,
    Clip,
    Outcome,
    TrainingSetup,
    advance_basin_map,
    assemble_basin_map,
    start_basin_map,
    train,
)
from service.engine.types import Array, Weights
from tests.engine.training.conftest import NORM, VALUE


def train_all(setup: TrainingSetup, w_in: Array, w_rec: Array, n_iterations: int = 500) -> BasinMap:
    end = advance_basin_map(setup, start_basin_map(setup.optimizer, w_in, w_rec), n_iterations)
    return assemble_basin_map(setup.objective, w_in, w_rec, end)


def by_runs(setup: TrainingSetup, w_in: Array, w_rec: Array, n_iterations: int) -> BasinMap:
    """Return the map computed by one run after another."""
    shape = w_rec.size, w_in.size
    cost, iterations = np.empty(shape), np.empty(shape, np.int64)
    outcome = np.empty(shape, np.uint8)
    for i, row in enumerate(w_rec):
        for j, column in enumerate(w_in):
            run = train(setup, Weights(column, row), n_iterations, record_every=9999)
            cost[i, j], iterations[i, j] = run.cost[-1], run.iterations
            outcome[i, j] = run.outcome.code
    return BasinMap(w_in, w_rec, cost, iterations, outcome)


def train_and_compare(
    setup: TrainingSetup, w_in: Array, w_rec: Array, n_iterations: int
) -> BasinMap:
    """Return a map, each cell of which has the end of a training run."""
    batch = train_all(setup, w_in, w_rec, n_iterations)
    runs = by_runs(setup, w_in, w_rec, n_iterations)
    np.testing.assert_array_equal(batch.outcome, runs.outcome)
    np.testing.assert_array_equal(batch.iterations, runs.iterations)
    np.testing.assert_allclose(batch.cost, runs.cost, rtol=1e-6, atol=1e-24)
    return batch


@pytest.mark.parametrize("name", ["rprop", "irprop_minus"])
def test_rprop_weights_match_the_runs_bit_for_bit(name: str, objective: Objective) -> None:
    axis = np.linspace(-2.0, 2.0, 9)
    optimizer = OPTIMIZERS[name]()
    setup = TrainingSetup(objective, optimizer)
    batch = advance_basin_map(setup, start_basin_map(optimizer, axis, axis), 150)
    for cell, (w_rec, w_in) in enumerate((w_rec, w_in) for w_rec in axis for w_in in axis):
        run = train(setup, Weights(w_in, w_rec), n_iterations=150)
        assert batch.weights[:, cell].tolist() == run.weights[-1].tolist()


# These runs are not chaotic: they amplify rounding to at most a millionth.
CASES = [
    ("rprop", {}, None),
    ("irprop_minus", {}, None),
    ("gradient_descent", {"learning_rate": 1e-4}, None),
    ("gradient_descent", {"learning_rate": 3e-3}, NORM),
    ("gradient_descent", {"learning_rate": 1e-3}, VALUE),
    ("momentum", {"learning_rate": 1e-4}, None),
    ("momentum", {"learning_rate": 1e-3, "nesterov": True}, NORM),
    ("adam", {}, None),
    ("adam", {}, NORM),
    ("rmsprop", {"learning_rate": 1e-4}, VALUE),
    ("levenberg_marquardt", {}, None),
]


@pytest.mark.parametrize(("name", "parameters", "clip"), CASES)
def test_cells_match_runs(
    name: str, parameters: dict[str, Any], clip: Clip | None, objective: Objective
) -> None:
    w_in, w_rec = np.linspace(-2.0, 2.0, 8), np.linspace(-1.9, 2.1, 7)
    setup = TrainingSetup(objective, OPTIMIZERS[name](**parameters), target_cost=0.05, clip=clip)
    train_and_compare(setup, w_in, w_rec, 150)


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
@pytest.mark.parametrize("name", ["rprop", "adam", "levenberg_marquardt"])
def test_cells_match_runs_with_an_activation(activation: str, name: str) -> None:
    inputs, targets = count_ones(5, 6)
    objective = make_objective(Dataset.from_arrays(inputs, targets / 7.0), Network(activation, 0.2))
    w_in, w_rec = np.linspace(-1.5, 2.0, 4), np.linspace(-2.0, 1.5, 3)
    setup = TrainingSetup(objective, OPTIMIZERS[name](), target_cost=0.02)
    train_and_compare(setup, w_in, w_rec, 40)


@pytest.mark.parametrize("target", [1e-3, 1e-12, 1e-20, 0.0])
def test_small_targets_need_accurate_costs(target: float, objective: Objective) -> None:
    # Costs computed from moments alone have no correct digit below about 1e-14.
    axis = np.linspace(0.9, 1.1, 5)
    setup = TrainingSetup(objective, OPTIMIZERS["rprop"](), target_cost=target)
    batch = train_and_compare(setup, axis, axis, 250)
    reached = batch.outcome == Outcome.TARGET_REACHED.code
    assert reached.any()
    assert (batch.cost[reached] <= target).all()
    assert not (batch.cost[~reached] <= target).any()


# From 3, the squares of the gradients overflow at 200 steps, and the gradients at 600.
@pytest.mark.parametrize("n_steps", [200, 600])
@pytest.mark.parametrize(("name", "clip"), [("rprop", None), ("adam", NORM), ("momentum", VALUE)])
def test_overflow(name: str, clip: Clip | None, n_steps: int) -> None:
    objective = make_objective(Dataset.from_arrays(*count_ones(20, n_steps)), Network())
    w_in, w_rec = np.array([-2.0, 0.0, 1.5]), np.array([-3.0, -1.0, 2.0, 3.0])
    setup = TrainingSetup(objective, OPTIMIZERS[name](), clip=clip)
    train_and_compare(setup, w_in, w_rec, 60)
    assert objective.costs(w_in[None, :], w_rec[:, None]).max() > 1e180


def test_no_iterations(objective: Objective) -> None:
    w_in, w_rec = np.array([1.0, -1.5]), np.array([1.0, 2.0, 0.0])
    setup = TrainingSetup(objective, OPTIMIZERS["rprop"](), target_cost=0.01)
    basin_map = train_all(setup, w_in, w_rec, n_iterations=0)
    assert basin_map.outcome.tolist() == [[1, 0], [0, 0], [0, 0]]
    assert not basin_map.iterations.any()
    assert basin_map.cost[1, 1] == pytest.approx(615689.775, rel=1e-12)


def test_a_map_of_several_batches_consists_of_smaller_maps(objective: Objective) -> None:
    w_in, w_rec = np.linspace(-2.0, 2.0, 80), np.linspace(-2.0, 2.0, 70)
    setup = TrainingSetup(objective, OPTIMIZERS["rprop"](), target_cost=0.01)
    whole = train_all(setup, w_in, w_rec, n_iterations=30)
    rows = train_all(setup, w_in, w_rec[40:44], n_iterations=30)
    np.testing.assert_array_equal(whole.outcome[40:44], rows.outcome)
    np.testing.assert_array_equal(whole.iterations[40:44], rows.iterations)
    np.testing.assert_allclose(whole.cost[40:44], rows.cost, rtol=1e-9)
