"""Data whose optimum is at infinity, at several places, nowhere, or obvious."""

from math import isfinite, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from service.engine.data import Dataset
from service.engine.objective import LinearObjective
from service.engine.optimum import Optimum
from service.engine.types import Array
from tests.engine.conftest import cost_at, find_optimum

R = np.random.default_rng(0).normal(size=(8, 6))
BITS = np.random.default_rng(0).integers(0, 2, (8, 6)).astype(float)
ZERO = np.zeros((4, 3))
PADDED = np.hstack([np.zeros((8, 2)), R, np.zeros((8, 3))])
ONE_COLUMN = np.outer([1.0, 2.0, 3.0], [0.0, 1.0, 0.0])


def times(inputs: Array, *factor: float) -> Array:
    """Multiply every p_i by a polynomial in w_rec, its highest power first."""
    return np.array([np.convolve(row, factor) for row in inputs])


def leaky(w_rec: float) -> Array:
    """Return the outputs of the network for R with w_in = 1."""
    return R @ w_rec ** np.arange(6.0)[::-1]


def alike(left: float, right: float) -> bool:
    return (isnan(left) and isnan(right)) or left == pytest.approx(right, rel=1e-12, abs=1e-14)


def check(found: Optimum, weights: tuple[float, float], cost: float, *, unique: bool) -> None:
    """Compare with an attained optimum computed by hand."""
    assert found.attained
    assert found.unique == unique
    assert alike(found.weights.w_in, weights[0])
    assert alike(found.weights.w_rec, weights[1])
    assert found.cost == pytest.approx(cost, rel=1e-12, abs=1e-28)


@pytest.mark.parametrize(
    ("inputs", "targets", "s0", "weights", "cost", "unique"),
    [
        # Without inputs the outputs are s0 w_rec^T, with no way to make them negative if T is even.
        (ZERO, [1, 2, 3, 4], 0.0, (0.0, 1.0), 7.5, False),
        (ZERO, [16, 16, 17, 15], 2.0, (0.0, 2.0), 0.5, False),
        (ZERO, [-16, -16, -17, -15], 2.0, (0.0, -2.0), 0.5, False),
        (np.zeros((2, 4)), [32, 34], 2.0, (0.0, 16.5**0.25), 1.0, False),
        (np.zeros((2, 4)), [-32, -34], 2.0, (0.0, 0.0), 1090.0, False),
        # Targets that are all 0.
        (R, np.zeros(8), 0.0, (0.0, 1.0), 0.0, False),
        (R, np.zeros(8), 1.0, (0.0, 0.0), 0.0, True),
        (times(R, 1, 0), np.zeros(8), 1.0, (0.0, 0.0), 0.0, False),
        (ZERO, np.zeros(4), 0.0, (0.0, 1.0), 0.0, False),
        (ZERO, np.zeros(4), 3.0, (0.0, 0.0), 0.0, False),
        # One sequence, or two equal ones: only the mean output matters.
        ([[1, 0, 2]], [5], 0.0, (5 / 3, 1.0), 0.0, False),
        ([[1, -1, 0]], [5], 0.0, (2.5, -1.0), 0.0, False),
        ([[1, 0, -1]], [6], 0.0, (-8.0, 0.5), 0.0, False),
        ([[1, 0, 2]], [5], 1.5, (3.5 / 3, 1.0), 0.0, False),
        ([[1, 0, 1], [1, 0, 1]], [2, 3], 0.0, (1.25, 1.0), 0.25, False),
        # One step: a straight line, through the origin or not.
        ([[1], [2], [3]], [1, 2, 4], 0.0, (17 / 14, 1.0), 5 / 42, False),
        ([[1], [2], [3]], [1, 2, 4], 2.0, (1.5, -1 / 3), 1 / 18, True),
        ([[2], [2], [2]], [1, 2, 3], 2.0, (0.0, 1.0), 2 / 3, False),
        # One nonzero column determines only w_in w_rec^k; an initial state also determines w_rec.
        (ONE_COLUMN, [2, 4, 6], 0.0, (2.0, 1.0), 0.0, False),
        (ONE_COLUMN, [3, 5, 7], 1.0, (2.0, 1.0), 0.0, True),
        # Sequences that are multiples of one: the cost is the same for all w_rec.
        ([[1, 2, 1], [2, 4, 2]], [1, 2], 0.0, (0.25, 1.0), 0.0, False),
        ([[1, 2, 1], [2, 4, 2]], [1, 3], 0.0, (0.35, 1.0), 0.1, False),
        ([[1, 2, 1], [2, 4, 2]], [1, 2], 1.0, (1.0, 0.0), 0.0, True),
        # Targets that no inputs explain.
        ([[1, 1], [1, -1], [1, 1], [1, -1]], [1, 1, -1, -1], 0.0, (0.0, 1.0), 1.0, False),
        ([[1, 1], [1, -1], [1, 1], [1, -1]], [1, 1, -1, -1], 1.0, (0.0, 0.0), 1.0, True),
        # The last input: w_rec = 0 forgets all others.
        (BITS, BITS[:, -1], 0.0, (1.0, 0.0), 0.0, True),
        (R, R[:, -1], 1.0, (1.0, 0.0), 0.0, True),
        # Zero columns shift powers of w_rec into w_in.
        (PADDED, R.sum(axis=1), 0.0, (1.0, 1.0), 0.0, True),
        (PADDED, leaky(0.5), 0.0, (8.0, 0.5), 0.0, True),
        # A root that all p_i share, away from the minimum.
        (times(BITS, 1, -1), BITS @ 0.5 ** np.arange(6.0)[::-1], 0.0, (-2.0, 0.5), 0.0, True),
        (times(R, 1, -0.3), leaky(0.9), 0.0, (1 / 0.6, 0.9), 0.0, True),
        (times(R, 1, -3), leaky(0.9), 0.0, (-1 / 2.1, 0.9), 0.0, True),
        # Only even powers: w_rec and -w_rec do the same.
        (np.kron(R, [1, 0]), leaky(0.25), 0.0, (2.0, 0.5), 0.0, False),
        # Two sequences can often be fitted in several ways: here 2 (w³ + w + 1) = 3 (w² + w).
        ([[1, 0, 1, 1], [0, 1, 1, 0]], [3, 2], 0.0, (1.0, 1.0), 0.0, False),
        ([[1, 0], [0, 1]], [1, 1], 0.0, (1.0, 1.0), 0.0, True),
        # At w_rec = 1 the inputs cancel and the state alone fits.
        ([[1, -1, 0], [2, -2, 0]], [1, 1], 1.0, (0.0, 1.0), 0.0, False),
        (times(R[:, :4], 1, -1), np.ones(8), 1.0, (0.0, 1.0), 0.0, False),
        # So flat about w_rec = 0 that any small w_rec has a cost of rounding errors.
        ([[0, 0, 0, 0, 0, 0], [0, -1, 0, -2, 0, 2]], [0, 3], -2.0, (1.5, 0.0), 0.0, True),
        ([[0, 0, 0], [0, 0, 1]], [0, 1], 0.01, (1.0, 0.0), 0.0, True),
        # Weights that approach infinity fit as well, but none attain it.
        ([[1] * 7, [1, 1, 1, 1, 1, 0, 0]], [2, 2], 0.0, (2.0, -1.0), 0.0, True),
        # Constant targets: the initial state alone may be enough.
        (R, np.full(8, 3.0), 1.0, (0.0, 3 ** (1 / 6)), 0.0, False),
        (R[:, 1:], np.full(8, 3.0), 1.0, (0.0, 3**0.2), 0.0, True),
    ],
)
def test_optimum_that_is_attained(
    inputs: Array,
    targets: Array,
    s0: float,
    weights: tuple[float, float],
    cost: float,
    unique: bool,
) -> None:
    found = find_optimum(np.array(inputs, dtype=float), np.array(targets, dtype=float), s0)
    check(found, weights, cost, unique=unique)


@pytest.mark.parametrize(
    ("inputs", "targets", "s0", "w_rec"),
    [
        # The first input: w_rec grows beyond bounds while w_in w_rec^(T-1) stays 1.
        (BITS, BITS[:, 0], 0.0, nan),
        (R, R[:, 0], 0.0, nan),
        (PADDED, R[:, 0], 0.0, nan),
        (times(R, 1, -3), R[:, 0], 0.0, nan),
        # The last input before zeros: w_rec vanishes while w_in grows.
        (PADDED, R[:, -1], 0.0, 0.0),
        (PADDED, R[:, -1], 1.0, 0.0),
        # A root that all p_i share, where the rest of them fits.
        (times(BITS, 1, -1), BITS.sum(axis=1), 0.0, 1.0),
        (times(BITS, 1, -2, 1), BITS.sum(axis=1), 0.0, 1.0),
        (times(BITS, 1, 0, -1), BITS.sum(axis=1), 0.0, 1.0),
        (times(R, 1, -0.3), leaky(0.3), 0.0, 0.3),
        (times(R, 1, -3), leaky(3.0), 0.0, 3.0),
        # p_i = x_i (w_rec + 1)²: the targets want w_rec³ = -1 and the input part beside it.
        (np.array([[1, 2, 1], [2, 4, 2.0]]), np.array([1, 3.0]), 1.0, -1.0),
        # So flat about w_rec = 0 that any small w_rec has a cost of rounding errors.
        (np.array([[-1, 0, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 1, 0.0]]), np.array([0, 1.0]), 0.0, 0.0),
        (np.array([[0, 0, 0], [1.0, 0, 0]]), np.array([0, 1.0]), 0.01, 0.0),
        # The outputs approach 1 and 1 for w_rec near 0 and near infinity.
        (
            np.array([[1, 0, 0, 0, 0, 1, 1, 0.0], [1, 0, 0, 0, 0, 0, 1, 0]]),
            np.array([1.0, 1.0]),
            0.0,
            0.0,
        ),
    ],
)
def test_unattained_infimum(inputs: Array, targets: Array, s0: float, w_rec: float) -> None:
    found = find_optimum(inputs, targets, s0)
    assert not found.attained
    assert not found.unique
    assert isnan(found.weights.w_in)
    assert alike(found.weights.w_rec, w_rec)
    assert found.cost <= 1e-28 * np.mean(targets**2)


def test_an_infimum_above_zero_at_infinity() -> None:
    """Noise that is orthogonal to all inputs does not change the location."""
    inputs = np.vstack([R, R])
    noise = np.repeat([1.0, -1.0], 8)
    found = find_optimum(inputs, inputs[:, 0] + noise)
    assert not found.attained
    assert found.cost == pytest.approx(1.0, rel=1e-14)
    found = find_optimum(inputs, inputs[:, -1] + noise)
    check(found, (1.0, 0.0), 1.0, unique=True)


def test_a_shared_root_up_to_rounding() -> None:
    """Sequences whose sums are 0 up to rounding count as sequences whose sums are 0."""
    rng = np.random.default_rng(3)
    for n_steps in (5, 50, 500):
        inputs = rng.normal(size=(20, n_steps))
        inputs -= inputs.mean(axis=1, keepdims=True)
        found = find_optimum(inputs, rng.normal(size=20))
        assert found.attained
        assert isfinite(found.weights.w_in)
        assert abs(found.weights.w_in) < 1e6


def test_a_minimum_at_infinity_with_many_steps() -> None:
    inputs = np.random.default_rng(2).normal(size=(20, 2000))
    found = find_optimum(inputs, inputs[:, 0].copy())
    assert (found.attained, found.cost) == (False, 0.0)
    assert isnan(found.weights.w_rec)


def test_w_in_outside_the_float64_range_with_many_zero_columns() -> None:
    inputs = np.random.default_rng(2).normal(size=(20, 30))
    found = find_optimum(
        np.hstack([inputs, np.zeros((20, 500))]), inputs @ 0.01 ** np.arange(30.0)[::-1]
    )
    assert not found.attained
    assert not found.unique
    assert isnan(found.weights.w_in)
    assert found.weights.w_rec == 0.01


NUMBER = st.sampled_from([0.0, 1.0, -1.0, 2.0]) | st.builds(
    lambda sign, exponent: sign * 10.0**exponent, st.sampled_from([-1, 1]), st.floats(-100, 100)
)


@pytest.mark.slow
@given(st.data(), st.integers(1, 4), st.integers(1, 5), st.sampled_from([0.0, 1.0, -3.0, 1e60]))
def test_numbers_of_very_different_magnitudes_have_an_optimum(
    data: st.DataObject, n_samples: int, n_steps: int, initial_state: float
) -> None:
    """Squares of such numbers underflow relative to each other, so a local optimum is allowed."""
    inputs = data.draw(arrays(np.float64, (n_samples, n_steps), elements=NUMBER))
    targets = data.draw(arrays(np.float64, n_samples, elements=NUMBER))
    objective = LinearObjective(Dataset.from_arrays(inputs, targets), initial_state)
    best = objective.optimum
    assert 0.0 <= best.cost <= (1.0 + 1e-6) * np.mean(targets**2)  # that of both weights 0
    assert best.log10_cost == -np.inf or np.isfinite(best.log10_cost) or best.cost == np.inf
    for weights, largest in (
        ((1.0, 0.5), np.inf),
        ((0.0, 0.0), (1.0 + 1e-6) * np.mean(targets**2)),
    ):
        gap = objective.gap_to_optimum(*weights, cost_at(objective, *weights))
        assert np.isnan(gap) or 0.0 <= gap <= largest
