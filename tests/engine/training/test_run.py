"""Training runs: the tutorial's trajectory, outcomes, and resumed runs."""

from dataclasses import replace
from math import inf, log, nan
from typing import Any

import numpy as np
import pytest

from service.engine.arithmetic import ExtendedArray
from service.engine.data import Dataset, count_ones
from service.engine.network import Network
from service.engine.objective import NetworkObjective, Objective, make_objective
from service.engine.training import (
    OPTIMIZERS,
    Clip,
    Outcome,
    TrainingSetup,
    advance_training,
    start_training,
    train,
)
from service.engine.types import Array, Weights
from tests.engine.training.conftest import NEAR_START, NORM, TUTORIAL_START, VALUE


@pytest.fixture(scope="module")
def rprop(objective: Objective) -> TrainingSetup:
    return TrainingSetup(objective, OPTIMIZERS["rprop"]())


class Plane(NetworkObjective):
    """A cost with a constant gradient, which may be outside the float64 range."""

    def __init__(self, by_w_in: ExtendedArray, by_w_rec: ExtendedArray) -> None:
        super().__init__(np.ones((1, 1)), np.ones(1), Network())
        self.by_weights = by_w_in, by_w_rec

    def gradient(self, *_: float) -> tuple[float, float]:
        with np.errstate(over="ignore"):
            by_w_in, by_w_rec = (float(g.sign() * np.exp(g.log())) for g in self.by_weights)
        return by_w_in, by_w_rec

    def extended_gradients(self, *_: Array) -> tuple[ExtendedArray, ExtendedArray]:
        by_w_in, by_w_rec = self.by_weights
        return by_w_in[None], by_w_rec[None]


def make_plane(by_w_in: float, by_w_rec: float) -> Plane:
    """Return a plane with these derivatives, given as sign times natural logarithm."""

    def number(signed_log: float) -> ExtendedArray:
        size: ExtendedArray = ExtendedArray.exp(np.float64(abs(signed_log)))
        return ExtendedArray(np.copysign(size.mantissa, signed_log), size.exponent)

    return Plane(number(by_w_in), number(by_w_rec))


@pytest.mark.parametrize("kind", ["moments", "backpropagation"])
def test_tutorial_bit_for_bit(kind: str, rprop: TrainingSetup, tutorial: dict[str, Any]) -> None:
    if kind == "backpropagation":
        rprop = replace(rprop, objective=NetworkObjective(*count_ones(), Network()))
    run = train(rprop, TUTORIAL_START, n_iterations=500)
    golden = tutorial["rprop"]
    assert run.iteration.tolist() == list(range(501))
    assert run.weights.shape == (501, 2)
    for iteration, weights in golden["trajectory"].items():
        assert run.weights[int(iteration)].tolist() == weights
    for iteration, cost in golden["cost_at"].items():
        assert run.cost[int(iteration)] == pytest.approx(cost, rel=1e-8)
    exact = golden["exact"]["cost_at"]["500"]
    assert run.cost[-1] == pytest.approx(exact, rel=1e-8)
    assert run.weights[-1].tolist() == [1.001355547207059, 0.9996744737846419]
    assert (run.outcome, run.iterations) == (Outcome.ITERATIONS_EXHAUSTED, 500)
    np.testing.assert_allclose(run.log10_cost, np.log10(run.cost), rtol=1e-12)


# Costs after 500 iterations that the descriptions in the registry state.
STATED_COSTS: list[tuple[str, dict[str, float], Weights, Clip | None, str]] = [
    ("rprop", {}, TUTORIAL_START, None, "1.8e-6"),
    ("irprop_minus", {}, TUTORIAL_START, None, "9.2e-9"),
    ("irprop_minus", {}, NEAR_START, None, "4.9e-10"),
    ("gradient_descent", {}, TUTORIAL_START, NORM, "7.4e-2"),
    ("gradient_descent", {}, NEAR_START, NORM, "1.3e-2"),
    ("gradient_descent", {"learning_rate": 0.001}, NEAR_START, None, "5.0e-3"),
    ("gradient_descent", {"learning_rate": 3e-7}, TUTORIAL_START, None, "4.9e1"),
    ("momentum", {}, TUTORIAL_START, NORM, "7.6e-4"),
    ("momentum", {}, NEAR_START, NORM, "4.6e-2"),
    ("momentum", {"learning_rate": 0.001}, NEAR_START, None, "3.9e-10"),
    ("rmsprop", {"alpha": 0.99}, TUTORIAL_START, None, "313"),
    ("adam", {}, TUTORIAL_START, None, "1.5e3"),
    ("adam", {}, TUTORIAL_START, NORM, "2.4e-15"),
    ("adam", {}, NEAR_START, None, "2.7e-5"),
    ("adam", {"learning_rate": 0.05}, NEAR_START, None, "2.9e-12"),
]


@pytest.mark.parametrize(("name", "parameters", "initial", "clip", "cost"), STATED_COSTS)
def test_costs_stated_in_descriptions(
    name: str,
    parameters: dict[str, float],
    initial: Weights,
    clip: Clip | None,
    cost: str,
    objective: Objective,
) -> None:
    run = train(TrainingSetup(objective, OPTIMIZERS[name](**parameters), clip=clip), initial)
    assert run.outcome is Outcome.ITERATIONS_EXHAUSTED
    assert run.cost[-1] == pytest.approx(float(cost), rel=0.03)
    assert cost in (OPTIMIZERS[name].build.__doc__ or "")


@pytest.mark.parametrize(
    ("initial", "clip", "below"),
    [
        (TUTORIAL_START, None, 0.16),
        (NEAR_START, None, 0.0201),
        (TUTORIAL_START, NORM, 0.08),
        (NEAR_START, NORM, 0.08),
    ],
)
def test_rmsprop_ends_jumping_around_the_minimum(
    initial: Weights, clip: Clip | None, below: float, objective: Objective
) -> None:
    run = train(TrainingSetup(objective, OPTIMIZERS["rmsprop"](), clip=clip), initial)
    assert 0.8 * below < run.cost[-100:].max() < below


@pytest.mark.parametrize("name", ["gradient_descent", "momentum"])
@pytest.mark.parametrize("initial", [TUTORIAL_START, NEAR_START])
def test_unclipped_descent_diverges(name: str, initial: Weights, objective: Objective) -> None:
    run = train(TrainingSetup(objective, OPTIMIZERS[name]()), initial)
    assert run.outcome is Outcome.DIVERGED
    assert run.iterations < 20
    assert run.iteration[-1] == run.iterations
    assert np.isfinite(run.weights[:-1]).all()
    assert not np.isfinite(run.weights[-1]).all()
    assert np.isnan(run.cost[-1])
    assert np.isnan(run.log10_cost[-1])
    assert not np.isnan(run.cost[:-1]).any()


@pytest.mark.parametrize("target", [1e3, 1.0, 0.01, 1e-5])
def test_run_ends_at_the_first_cost_at_most_the_target(target: float, rprop: TrainingSetup) -> None:
    whole = train(rprop, TUTORIAL_START)
    first = int(np.argmax(whole.cost <= target))
    run = train(replace(rprop, target_cost=target), TUTORIAL_START, record_every=7)
    assert (run.outcome, run.iterations) == (Outcome.TARGET_REACHED, first)
    assert run.cost[-1] <= target
    assert (run.iteration[-1], run.weights[-1].tolist()) == (first, whole.weights[first].tolist())


def test_target_reached_at_the_last_iteration(rprop: TrainingSetup) -> None:
    whole = train(rprop, TUTORIAL_START)
    first = int(np.argmax(whole.cost <= 0.01))
    run = train(replace(rprop, target_cost=0.01), TUTORIAL_START, n_iterations=first)
    assert run.outcome is Outcome.TARGET_REACHED
    short = train(replace(rprop, target_cost=0.01), TUTORIAL_START, n_iterations=first - 1)
    assert short.outcome is Outcome.ITERATIONS_EXHAUSTED


def test_finished_run_does_not_continue(objective: Objective) -> None:
    optimizer = OPTIMIZERS["rprop"]()
    setup = TrainingSetup(objective, optimizer, target_cost=1.0)
    end, _ = advance_training(setup, start_training(TUTORIAL_START, optimizer), 500)
    assert end.outcome is Outcome.TARGET_REACHED
    after, record = advance_training(TrainingSetup(objective, optimizer, 1e-9), end, 500)
    assert after == end
    assert record.shape == (0, 3)


@pytest.mark.parametrize("activation", ["identity", "tanh", "relu", "sigmoid"])
@pytest.mark.parametrize("initial", [Weights(nan, 1.0), Weights(0.5, inf)])
def test_nonfinite_initial_weights_have_diverged(activation: str, initial: Weights) -> None:
    objective = make_objective(Dataset.from_arrays(*count_ones()), Network(activation))
    run = train(TrainingSetup(objective, OPTIMIZERS["rprop"](), 1e300), initial)
    assert (run.outcome, run.iterations) == (Outcome.DIVERGED, 0)
    assert np.isnan(run.cost).all()
    assert np.isnan(run.log10_cost).all()


@pytest.mark.parametrize("size", [301.0, 400.0, 700.0, 1000.0, 1e6])
def test_overflowing_gradients_are_clipped_by_norm(size: float) -> None:
    plane = make_plane(size, -(size + log(2.0)))
    descent = OPTIMIZERS["gradient_descent"](learning_rate=1.0)
    setup = TrainingSetup(plane, descent, clip=Clip("norm", 3.0))
    run = train(setup, Weights(0.0, 0.0), n_iterations=1)
    expected = np.array([-1.0, 2.0]) * 3.0 / np.sqrt(5.0)
    np.testing.assert_allclose(run.weights[-1], expected, rtol=1e-9)


def test_overflowing_gradients_are_clipped_by_value() -> None:
    plane = make_plane(1e5, -log(0.5 + 1.0))
    descent = OPTIMIZERS["gradient_descent"](learning_rate=1.0)
    run = train(TrainingSetup(plane, descent, clip=VALUE), Weights(0.0, 0.0), n_iterations=1)
    assert run.weights[-1].tolist() == [-1.0, 1.0]


def test_clipping_has_no_effect_on_rprop() -> None:
    plane = make_plane(300.0, -log(1.5))
    setup = TrainingSetup(plane, OPTIMIZERS["rprop"](), clip=Clip("norm", 1e-200))
    run = train(setup, NEAR_START, n_iterations=3)
    free = train(replace(setup, clip=None), NEAR_START, n_iterations=3)
    assert run.weights.tolist() == free.weights.tolist()
    assert run.weights[-1, 1] > NEAR_START.w_rec


@pytest.mark.parametrize("name", ["rmsprop", "adam"])
@pytest.mark.parametrize("sizes", [(360.0, 360.0), (1e4, 1e4), (360.0, 1.0), (1.0, 360.0)])
def test_overflowing_optimizer_state_is_divergence(name: str, sizes: tuple[float, float]) -> None:
    # g² overflows from about e^355 on, and g / √(g²) would then be 0 in every iteration.
    setup = TrainingSetup(make_plane(*sizes), OPTIMIZERS[name]())
    run = train(setup, NEAR_START, n_iterations=5)
    assert (run.outcome, run.iterations) == (Outcome.DIVERGED, 1)
    assert run.iteration.tolist() == [0, 1]


def test_run_stays_at_a_perfect_fit() -> None:
    perfect = make_objective(Dataset.from_arrays(*count_ones()), Network())
    for name in OPTIMIZERS:
        setup = TrainingSetup(perfect, OPTIMIZERS[name]())
        run = train(setup, Weights(1.0, 1.0), n_iterations=4000)
        assert run.weights[-1].tolist() == [1.0, 1.0]
        assert run.outcome is Outcome.ITERATIONS_EXHAUSTED


def test_rprop_trains_where_the_cost_has_1200_digits() -> None:
    inputs, targets = count_ones(20, 2000)
    objective = make_objective(Dataset.from_arrays(inputs, targets), Network())
    run = train(TrainingSetup(objective, OPTIMIZERS["rprop"]()), TUTORIAL_START)
    assert run.cost[0] == inf
    assert run.log10_cost[0] == pytest.approx(1204.0, abs=0.01)
    np.testing.assert_allclose(run.weights[-1], [2.0415, 0.99917], rtol=1e-5)
    assert run.cost[-1] / np.mean(targets**2) == pytest.approx(1.8e-4, rel=0.02)


@pytest.mark.parametrize("name", ["gradient_descent", "momentum", "rmsprop", "adam"])
def test_clipping_by_norm_trains_where_the_cost_has_1200_digits(name: str) -> None:
    inputs, targets = count_ones(20, 2000)
    objective = make_objective(Dataset.from_arrays(inputs, targets), Network())
    run = train(TrainingSetup(objective, OPTIMIZERS[name](), clip=NORM), TUTORIAL_START)
    assert run.outcome is Outcome.ITERATIONS_EXHAUSTED
    assert run.log10_cost[-1] < 10.0
    free = train(TrainingSetup(objective, OPTIMIZERS[name]()), TUTORIAL_START)
    assert (free.outcome, free.iterations) == (Outcome.DIVERGED, 1)
