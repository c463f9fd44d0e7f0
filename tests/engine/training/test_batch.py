"""Cells that are trained together, each compared with a run of its own."""

from typing import Any

import numpy as np
import pytest

from service.engine.data.count_ones import count_ones
from service.engine.data.dataset import Dataset
from service.engine.network.forward import Network
from service.engine.objective.base import Objective, make_objective
from service.engine.training.basins import start_basin_map
from service.engine.training.batch import BasinCheckpoint, Batch, CellOutcome
from service.engine.training.clip import Clip
from service.engine.training.optimizers import OPTIMIZERS
from service.engine.training.run import advance_training, start_training
from service.engine.training.setup import TrainingSetup
from service.engine.training.trajectory import Outcome, TrainingCheckpoint
from service.engine.types import Weights

W_IN, W_REC = np.array([-1.5, 0.2, 0.9, 1.4]), np.array([-1.2, 0.4, 0.9, 2.0, 1e80])
N_CELLS = W_IN.size * W_REC.size
CODES = {
    None: CellOutcome.ITERATIONS_EXHAUSTED,
    Outcome.TARGET_REACHED: CellOutcome.TARGET_REACHED,
    Outcome.DIVERGED: CellOutcome.DIVERGED,
}


@pytest.fixture(scope="module")
def objective() -> Objective:
    return make_objective(Dataset.from_arrays(*count_ones(20, 6)), Network())


def train_batch(setup: TrainingSetup, cells: list[int], *parts: tuple[int, int]) -> BasinCheckpoint:
    """Train some cells of the grid in a batch for each part of the iterations."""
    checkpoint = start_basin_map(setup.optimizer, W_IN, W_REC)
    for first, last in parts:
        running = [cell for cell in cells if not checkpoint.outcome[cell]]
        with np.errstate(all="ignore"):
            Batch(setup, checkpoint, np.array(running)).train(range(first, last))
    return checkpoint


def train_cell(setup: TrainingSetup, cell: int, until: int) -> TrainingCheckpoint:
    """Train from the weights of one cell, as a run."""
    row, column = divmod(cell, W_IN.size)
    start = start_training(Weights(W_IN[column], W_REC[row]), setup.optimizer)
    return advance_training(setup, start, until)[0]


# These runs are not chaotic, and in every case cells end at different iterations.
CASES: list[tuple[str, dict[str, Any], Clip | None]] = [
    ("rprop", {}, None),
    ("irprop_minus", {}, None),
    ("levenberg_marquardt", {}, None),
    ("gradient_descent", {"learning_rate": 0.01}, None),
    ("momentum", {"learning_rate": 0.002}, Clip("norm", 1.0)),
    ("adam", {"learning_rate": 0.05}, Clip("value", 1.0)),
    ("adam", {"learning_rate": 0.05}, None),
    ("rmsprop", {"learning_rate": 0.01}, None),
]


@pytest.mark.parametrize(("name", "parameters", "clip"), CASES)
@pytest.mark.parametrize("parts", [[(0, 20)], [(0, 3), (3, 4), (4, 20)]])
def test_each_cell_ends_like_its_run(
    name: str,
    parameters: dict[str, float],
    clip: Clip | None,
    parts: list[tuple[int, int]],
    objective: Objective,
) -> None:
    setup = TrainingSetup(objective, OPTIMIZERS[name](**parameters), 0.5, clip)
    found = train_batch(setup, list(range(N_CELLS)), *parts)
    ended = set()
    for cell in range(N_CELLS):
        run = train_cell(setup, cell, 20)
        assert found.outcome[cell] == CODES[run.outcome]
        assert found.iterations[cell] == run.iteration
        np.testing.assert_allclose(found.weights[:, cell], run.weights, rtol=1e-7)
        if run.outcome is None:
            state = found.optimizer_state[..., cell].T
            np.testing.assert_allclose(state, run.optimizer_states, rtol=1e-6)
        ended.add(run.iteration)
    assert len(ended) > 2


@pytest.mark.parametrize("cells", [[3], [17, 2, 9], [0, 5, 10, 19, 1]])
def test_only_the_cells_of_the_batch_are_trained(cells: list[int], objective: Objective) -> None:
    setup = TrainingSetup(objective, OPTIMIZERS["rprop"](), target_cost=0.05)
    found = train_batch(setup, cells, (0, 20))
    start = start_basin_map(setup.optimizer, W_IN, W_REC)
    others = sorted(set(range(N_CELLS)) - set(cells))
    np.testing.assert_array_equal(found.weights[:, others], start.weights[:, others])
    np.testing.assert_array_equal(
        found.optimizer_state[..., others], start.optimizer_state[..., others]
    )
    assert not found.iterations[others].any()
    for cell in cells:
        run = train_cell(setup, cell, 20)
        assert found.weights[:, cell].tolist() == list(run.weights)
        assert (found.iterations[cell], found.outcome[cell]) == (run.iteration, CODES[run.outcome])


def test_a_batch_whose_cells_have_all_ended_stops(objective: Objective) -> None:
    calls = []

    class Counted(type(objective)):  # type: ignore[misc]
        """The same cost, counting how often it is compared with the target."""

        def is_at_most_and_gradients(self, *arguments: Any) -> Any:
            calls.append(arguments)
            return super().is_at_most_and_gradients(*arguments)

    counted = Counted(Dataset.from_arrays(*count_ones(20, 6)), 0.0, None)
    setup = TrainingSetup(counted, OPTIMIZERS["rprop"](), target_cost=1e300)
    found = train_batch(setup, [5, 6], (0, 1000))
    assert found.outcome[[5, 6]].tolist() == [CellOutcome.TARGET_REACHED] * 2
    assert not found.iterations.any()
    assert len(calls) == 1


@pytest.mark.parametrize("name", ["rprop", "adam", "levenberg_marquardt"])
@pytest.mark.parametrize("n_iterations", [0, 3])
def test_a_target_equal_to_the_cost_is_reached(
    name: str, n_iterations: int, objective: Objective
) -> None:
    (cost,) = objective.costs(W_IN[1:2], W_REC[1:2])
    for target, outcome in [(cost, CellOutcome.TARGET_REACHED), (np.nextafter(cost, 0.0), 0)]:
        setup = TrainingSetup(objective, OPTIMIZERS[name](), target_cost=target)
        checkpoint = start_basin_map(setup.optimizer, W_IN[1:2], W_REC[1:2])
        Batch(setup, checkpoint, np.array([0])).train(range(n_iterations))
        if outcome or not n_iterations:
            assert (checkpoint.iterations[0], checkpoint.outcome[0]) == (0, outcome)
        else:
            assert checkpoint.iterations[0] > 0


@pytest.mark.parametrize("name", ["adam", "rmsprop"])
def test_a_state_that_overflows_ends_only_its_cell(name: str, objective: Objective) -> None:
    """The square of the gradient overflows, and a step of 0 would follow in every iteration."""
    setup = TrainingSetup(objective, OPTIMIZERS[name]())
    checkpoint = start_basin_map(setup.optimizer, np.array([0.5]), np.array([0.4, 1e20, 0.9]))
    with np.errstate(all="ignore"):
        Batch(setup, checkpoint, np.arange(3)).train(range(5))
    assert checkpoint.outcome.tolist() == [0, CellOutcome.DIVERGED, 0]
    assert checkpoint.iterations.tolist() == [5, 1, 5]
    assert np.isfinite(checkpoint.weights).all()
    for cell, w_rec in [(0, 0.4), (2, 0.9)]:
        start = start_training(Weights(0.5, w_rec), setup.optimizer)
        run, _ = advance_training(setup, start, 5)
        np.testing.assert_allclose(checkpoint.weights[:, cell], run.weights, rtol=1e-9)
