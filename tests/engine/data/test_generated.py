"""Datasets that are generated: random bits to count, and numbers to remember."""

from typing import Any

import mpmath
import numpy as np
import pytest

from service.engine.data import Dataset, count_ones, remember
from service.engine.network import Network
from service.engine.objective import make_objective
from service.engine.optimum import Optimum


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
    """Bits by rows, then one normal number per target, regardless of earlier draws."""
    # The generator draws normal numbers in pairs, and keeps the second one of the last pair.
    count_ones(3, 2, seed=4, noise=1.0)
    new = np.random.RandomState(5)
    inputs = np.around(new.random_sample((3, 2)))
    targets = inputs.sum(axis=1) + noise * new.standard_normal(3)
    for array, expected in zip(count_ones(3, 2, 5, noise), (inputs, targets), strict=True):
        np.testing.assert_array_equal(array, expected)
