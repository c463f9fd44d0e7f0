"""Datasets that are generated: random bits to count, and numbers to remember."""

from typing import Any

import mpmath
import numpy as np
import pytest

from service.engine.data import Dataset, count_ones, remember
from service.engine.network import Network
from service.engine.objective import make_objective
from service.engine.optimum import Optimum
from service.engine.training import OPTIMIZERS, Outcome, TrainingSetup, Trajectory, train
from service.engine.types import Weights


def test_the_first_input_is_the_target_and_zeros_follow() -> None:
    inputs, targets = remember(5, 4, seed=7)
    expected = np.random.RandomState(7).standard_normal(5)
    np.testing.assert_array_equal(targets, expected)
    np.testing.assert_array_equal(inputs[:, 0], expected)
    np.testing.assert_array_equal(inputs[:, 1:], np.zeros((5, 3)))
    assert [array.shape for array in remember()] == [(20, 30), (20,)]


def optimum(n_steps: int) -> Optimum:
    found = make_objective(Dataset.from_arrays(*remember(n_steps=n_steps)), Network()).optimum
    assert found is not None
    return found


@pytest.mark.parametrize("n_steps", [2, 30, 1000])
def test_the_optima_are_a_curve(n_steps: int) -> None:
    best = optimum(n_steps)
    assert (best.cost, best.attained, best.unique) == (0.0, True, False)
    w_in, w_rec = map(mpmath.mpf, best.weights)
    assert abs(w_in * w_rec ** (n_steps - 1) - 1) < 1e-12


def exact_slopes(w_in: mpmath.mpf, w_rec: mpmath.mpf) -> tuple[mpmath.mpf, mpmath.mpf]:
    """Return the derivatives of the cost from the closed form."""
    m = mpmath.fsum(mpmath.mpf(x) ** 2 for x in remember()[1]) / 20
    slope = 2 * m * (w_in * w_rec**29 - 1)
    return slope * w_rec**29, slope * 29 * w_in * w_rec**28


def train_from(start: Weights, optimizer: str, n_iterations: int, **settings: float) -> Trajectory:
    objective = make_objective(Dataset.from_arrays(*remember()), Network())
    setup = TrainingSetup(objective, OPTIMIZERS[optimizer](**settings))
    return train(setup, start, n_iterations)


def test_a_vanishing_gradient_blocks_gradient_descent() -> None:
    start = Weights(1.0, 0.5)
    run = train_from(start, "gradient_descent", 2000, learning_rate=0.01)
    assert run.cost[0] == pytest.approx(1.2274, abs=5e-5)
    assert np.ptp(run.cost) < 1e-11
    assert np.hypot(*(run.weights[-1] - start)) == pytest.approx(5e-6, rel=0.1)
    with mpmath.workdps(40):
        w_in, w_rec = map(mpmath.mpf, start)
        assert float(mpmath.hypot(*exact_slopes(w_in, w_rec))) == pytest.approx(2.7e-7, rel=0.02)
        for _ in range(2000):
            by_w_in, by_w_rec = exact_slopes(w_in, w_rec)
            w_in, w_rec = w_in - by_w_in / 100, w_rec - by_w_rec / 100
        moved = [float(w_in - 1), float(w_rec - 0.5)]
    np.testing.assert_allclose(run.weights[-1] - start, moved, rtol=1e-6)


def test_the_sign_is_enough_for_rprop() -> None:
    run = train_from(Weights(1.0, 0.5), "rprop", 60)
    assert int(np.argmax(run.cost < 1e-12)) == 56
    with mpmath.workdps(40):
        weights, last, steps = [mpmath.mpf(1), mpmath.mpf(1) / 2], [0, 0], [0.001, 0.001]
        costs = []
        for _ in range(61):
            costs.append((weights[0] * weights[1] ** 29 - 1) ** 2)
            for k, slope in enumerate(exact_slopes(*weights)):
                sign = int(mpmath.sign(slope))
                steps[k] *= 1.2 if sign == last[k] else 0.5
                last[k] = sign
            weights = [w - s * step for w, s, step in zip(weights, last, steps, strict=True)]
    below = [cost * np.mean(remember()[1] ** 2) < 1e-12 for cost in costs]
    assert below.index(True) == 56


def test_an_exploding_gradient_throws_gradient_descent_off() -> None:
    run = train_from(Weights(1.0, 0.9), "gradient_descent", 10, learning_rate=0.01)
    assert run.outcome is Outcome.DIVERGED
    distances = np.hypot(*np.diff(run.weights[:5], axis=0).T)
    assert (distances[:2] < 0.1).all()  # two steps toward the curve of optima
    assert distances[2] > 2.0  # the third across it, to where the gradient is 300,000
    assert distances[3] > 2000.0


def test_defaults_give_the_data_of_the_tutorial(tutorial: dict[str, Any]) -> None:
    inputs, targets = count_ones()
    np.testing.assert_array_equal(inputs, tutorial["X"])
    np.testing.assert_array_equal(targets, tutorial["t"])


@pytest.mark.parametrize("generate", [count_ones, remember])
def test_data_depend_only_on_the_seed(generate: Any) -> None:
    np.random.seed(7)  # noqa: NPY002 -- the global stream is neither used nor advanced
    expected = np.random.RandomState(7).random_sample()
    first, again = generate(seed=2**32 - 1), generate(seed=2**32 - 1)
    np.testing.assert_array_equal(first[0], again[0])
    assert not np.array_equal(generate(seed=0)[0], first[0])
    assert np.random.random_sample() == expected  # noqa: NPY002


@pytest.mark.parametrize("noise", [0.1, 1.0, 3.0])
def test_the_order_of_the_draws(noise: float) -> None:
    """Bits by rows, then one normal number per target, whatever was drawn before."""
    # The generator draws normal numbers in pairs, and keeps the second one of the last pair.
    count_ones(3, 2, seed=4, noise=1.0)
    new = np.random.RandomState(5)
    inputs = np.around(new.random_sample((3, 2)))
    targets = inputs.sum(axis=1) + noise * new.standard_normal(3)
    for array, expected in zip(count_ones(3, 2, 5, noise), (inputs, targets), strict=True):
        np.testing.assert_array_equal(array, expected)
