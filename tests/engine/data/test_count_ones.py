"""Count-ones data."""

from typing import Any

import numpy as np
import pytest

from service.engine.data import count_ones, remember


def test_defaults_give_the_data_of_the_tutorial(tutorial: dict[str, Any]) -> None:
    inputs, targets = count_ones()
    np.testing.assert_array_equal(inputs, tutorial["X"])
    np.testing.assert_array_equal(targets, tutorial["t"])


def test_inputs_are_bits_and_targets_their_sum() -> None:
    inputs, targets = count_ones(300, 7, seed=5)
    assert inputs.shape == (300, 7)
    assert set(np.unique(inputs)) == {0.0, 1.0}
    np.testing.assert_array_equal(targets, [list(row).count(1.0) for row in inputs])
    # 2,100 fair bits: five standard deviations are 115.
    assert abs(inputs.sum() - 1050) < 115


def test_rows_are_drawn_in_order() -> None:
    few, _ = count_ones(3, 8, seed=2)
    many, _ = count_ones(50, 8, seed=2)
    np.testing.assert_array_equal(many[:3], few)


@pytest.mark.parametrize("generate", [count_ones, remember])
def test_data_depend_only_on_the_seed(generate: Any) -> None:
    np.random.seed(7)  # noqa: NPY002 -- the global stream is neither used nor advanced
    expected = np.random.RandomState(7).random_sample()
    first, again = generate(seed=2**32 - 1), generate(seed=2**32 - 1)
    np.testing.assert_array_equal(first[0], again[0])
    assert not np.array_equal(generate(seed=0)[0], first[0])
    assert np.random.random_sample() == expected  # noqa: NPY002


def test_earlier_draws_leave_nothing_behind() -> None:
    # The generator draws normal numbers in pairs, and keeps the second one of the last pair.
    count_ones(3, 2, seed=4, noise=1.0)
    new = np.random.RandomState(5)
    inputs = np.around(new.random_sample((3, 2)))
    targets = inputs.sum(axis=1) + new.standard_normal(3)
    for array, expected in zip(count_ones(3, 2, 5, 1.0), (inputs, targets), strict=True):
        np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize("noise", [0.1, 3.0])
def test_noise_changes_only_targets_by_its_standard_deviation(noise: float) -> None:
    inputs, targets = count_ones(4000, 5, seed=3)
    noisy_inputs, noisy = count_ones(4000, 5, seed=3, noise=noise)
    np.testing.assert_array_equal(noisy_inputs, inputs)
    errors = (noisy - targets) / noise
    assert abs(errors.mean()) < 0.08
    assert abs(errors.std() - 1.0) < 0.06
    # Another noise level scales the same draws.
    _, other = count_ones(4000, 5, seed=3, noise=2.0 * noise)
    np.testing.assert_allclose(other - targets, 2.0 * (noisy - targets), rtol=1e-9, atol=1e-12)
