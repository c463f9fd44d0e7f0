"""Training with trial steps: final costs compared with SciPy, descent, and overflow."""

from typing import Any

import numpy as np
import pytest
from scipy.optimize import least_squares

from service.engine.data import Dataset, count_ones
from service.engine.network import Network, final_outputs
from service.engine.objective import Objective, make_objective
from service.engine.training import OPTIMIZERS, LeastSquaresOptimizer, Outcome, TrainingSetup, train
from service.engine.types import Array, Weights
from tests.engine.training.conftest import NEAR_START, TUTORIAL_START


@pytest.fixture(scope="module")
def optimizer() -> LeastSquaresOptimizer:
    built = OPTIMIZERS["levenberg_marquardt"]()
    assert isinstance(built, LeastSquaresOptimizer)
    return built


def scipy_cost(inputs: Array, targets: Array, start: Weights, network: Network) -> float:
    """Return the mean squared error that MINPACK's Levenberg-Marquardt method ends with."""

    def errors(weights: Array) -> Array:
        w_in, w_rec = weights.tolist()
        return final_outputs(inputs, w_in, w_rec, network) - targets

    tolerances: Any = {"ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15}
    found = least_squares(errors, start, method="lm", max_nfev=5000, **tolerances)
    return float(np.mean(found.fun**2))


def noisy(n_steps: int) -> tuple[Array, Array]:
    return count_ones(50, n_steps, seed=4, noise=1.0)


def normal(n_steps: int) -> tuple[Array, Array]:
    random = np.random.default_rng(5)
    inputs = random.normal(size=(30, n_steps))
    return inputs, inputs @ 0.8 ** np.arange(n_steps)[::-1] + 0.3 * random.normal(size=30)


DATA = {"noisy": noisy(10), "noisy, long": noisy(60), "normal": normal(12), "short": normal(2)}


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("start", [(0.5, 0.5), (1.5, 0.8), (0.2, 0.95), (2.0, 0.3)])
@pytest.mark.parametrize("initial_state", [0.0, 0.5])
def test_final_costs_match_scipy(
    name: str, start: tuple[float, float], initial_state: float, optimizer: LeastSquaresOptimizer
) -> None:
    inputs, targets = DATA[name]
    network = Network("identity", initial_state)
    objective = make_objective(Dataset.from_arrays(inputs, targets), network)
    run = train(TrainingSetup(objective, optimizer), Weights(*start), n_iterations=200)
    expected = scipy_cost(inputs, targets, Weights(*start), network)
    assert run.cost[-1] == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
@pytest.mark.parametrize("start", [(0.5, 0.5), (0.3, 0.8)])
def test_final_costs_with_an_activation_match_scipy(
    activation: str, start: tuple[float, float], optimizer: LeastSquaresOptimizer
) -> None:
    inputs, targets = count_ones(30, 6, noise=0.5)
    targets = targets / 10.0
    network = Network(activation, 0.1)
    objective = make_objective(Dataset.from_arrays(inputs, targets), network)
    run = train(TrainingSetup(objective, optimizer), Weights(*start), n_iterations=300)
    expected = scipy_cost(inputs, targets, Weights(*start), network)
    assert run.cost[-1] == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(("start", "iterations"), [(TUTORIAL_START, 20), (NEAR_START, 19)])
def test_iterations_stated_in_the_description(
    start: Weights, iterations: int, objective: Objective, optimizer: LeastSquaresOptimizer
) -> None:
    run = train(TrainingSetup(objective, optimizer), start)
    assert run.outcome is Outcome.ITERATIONS_EXHAUSTED
    assert run.cost[iterations] < 1e-20 < run.cost[iterations - 1]
    assert str(iterations) in (OPTIMIZERS["levenberg_marquardt"].build.__doc__ or "")
    assert run.cost[-1] < 1e-27


@pytest.mark.parametrize("start", [TUTORIAL_START, NEAR_START, Weights(2.9, -2.9)])
def test_the_cost_never_increases(
    start: Weights, objective: Objective, optimizer: LeastSquaresOptimizer
) -> None:
    run = train(TrainingSetup(objective, optimizer), start, n_iterations=100)
    moved = (run.weights[1:] != run.weights[:-1]).any(axis=1)
    assert (run.cost[1:][moved] < run.cost[:-1][moved]).all()
    assert not moved.all()  # some steps are rejected


@pytest.mark.parametrize("activation", ["identity", "relu"])
def test_costs_that_overflow_decrease(activation: str, optimizer: LeastSquaresOptimizer) -> None:
    objective = make_objective(Dataset.from_arrays(*count_ones(4, 600)), Network(activation))
    run = train(TrainingSetup(objective, optimizer), Weights(1.0, 2.0), n_iterations=30)
    assert np.isinf(run.cost[1])
    assert (np.diff(run.log10_cost) <= 0.0).all()
    assert run.log10_cost[-1] < run.log10_cost[0] - 10.0


def test_a_run_whose_equations_overflow_diverges(optimizer: LeastSquaresOptimizer) -> None:
    objective = make_objective(Dataset.from_arrays(*count_ones(4, 1200)), Network("relu"))
    run = train(TrainingSetup(objective, optimizer), Weights(1.0, 2.0))
    assert (run.outcome, run.iterations) == (Outcome.DIVERGED, 1)
    assert np.isnan(run.weights[-1]).all()
