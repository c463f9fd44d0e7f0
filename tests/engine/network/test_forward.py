"""Activations, states and costs of the network."""

from fractions import Fraction
from itertools import pairwise
from math import inf, nan

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.signal import lfilter

from service.engine.network import (
    ACTIVATIONS,
    Network,
    final_outputs,
    forward_states,
    mean_squared_error,
    output_gradient,
)
from service.engine.types import Array
from tests.engine.conftest import exact_step

weights = st.floats(-1.5, 1.5, allow_subnormal=False)
reals = st.floats(-10, 10, allow_subnormal=False)
matrices = arrays(
    float, st.tuples(st.integers(1, 4), st.integers(1, 30)), elements=st.floats(-5, 5, width=32)
)
names = st.sampled_from(sorted(ACTIVATIONS))


@given(matrices, weights, weights, reals)
def test_identity_states_match_a_first_order_filter(
    inputs: Array, w_in: float, w_rec: float, initial_state: float
) -> None:
    states = forward_states(inputs, w_in, w_rec, Network("identity", initial_state))
    begin = np.full((len(inputs), 1), w_rec * initial_state)
    expected, _ = lfilter([w_in], [1.0, -w_rec], inputs, axis=1, zi=begin)
    scale = np.max(np.abs(expected), initial=1.0)
    np.testing.assert_array_equal(states[:, 0], initial_state)
    np.testing.assert_allclose(states[:, 1:], expected, rtol=1e-12, atol=1e-12 * scale)


@given(matrices, weights, weights, reals, names)
def test_states_follow_the_recurrence(
    inputs: Array, w_in: float, w_rec: float, initial_state: float, name: str
) -> None:
    network = Network(name, initial_state)
    states = forward_states(inputs, w_in, w_rec, network)
    assert states.shape == (inputs.shape[0], inputs.shape[1] + 1)
    for k in range(inputs.shape[1]):
        by_hand = w_rec * states[:, k] + w_in * inputs[:, k]
        np.testing.assert_allclose(states[:, k + 1], network.f.function(by_hand), rtol=1e-14)


@pytest.mark.parametrize("shape", [(3, 12), (30, 40), (31, 40), (1, 5000)])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_final_outputs_are_the_last_states_bit_for_bit(name: str, shape: tuple[int, int]) -> None:
    inputs = np.random.default_rng(3).standard_normal(shape[::-1]).T  # not contiguous
    for w_rec in (0.9, -1.7, 1e200):
        states = forward_states(inputs, 0.7, w_rec, Network(name, 0.25))
        outputs = final_outputs(inputs, 0.7, w_rec, Network(name, 0.25))
        np.testing.assert_array_equal(outputs, states[:, -1])


@pytest.mark.parametrize("w_rec", [50.0, -50.0])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_overflow_gives_infinite_states(name: str, w_rec: float) -> None:
    states = forward_states(np.ones((2, 1000)), 1.0, w_rec, Network(name, 0.5))
    if name == "identity" or (name == "relu" and w_rec > 0):
        np.testing.assert_array_equal(np.abs(states[:, -1]), np.inf)
    else:
        assert np.isfinite(states).all()


# Large arguments, and arguments near 0 where 1 - tanh² and e^z lose all digits.
ARGUMENTS = [0.0, 1e-300, 1e-17, 0.3, 1.0, 5.0, 19.0, 40.0, 400.0, 1e5, 1e17]


@pytest.mark.parametrize("z", [sign * z for z in ARGUMENTS for sign in (1, -1)])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_function_and_derivative_match_fifty_digits(name: str, z: float) -> None:
    f = ACTIVATIONS[name]
    at = np.array([z])
    with mpmath.workdps(50):
        value, slope = exact_step(name, mpmath.mpf(z))
        log = float(mpmath.log(slope)) if slope else -np.inf
    assert f.function(at)[0] == pytest.approx(float(value), rel=1e-14, abs=1e-307)
    assert f.derivative(at)[0] == pytest.approx(float(slope), rel=1e-14, abs=1e-307)
    assert f.slopes(at).log()[0] == pytest.approx(log, rel=1e-14, abs=1e-14)


@pytest.mark.parametrize("z", [sign * z for z in ARGUMENTS[:-2] for sign in (1, -1)])
@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_second_derivatives_match_fifty_digits(name: str, z: float) -> None:
    with mpmath.workdps(50):
        at = mpmath.mpf(z) if name == "tanh" else mpmath.mpf(z) / 2
        expected = -2 * mpmath.tanh(at) * mpmath.sech(at) ** 2
        expected /= 1 if name == "tanh" else 8
    found = ACTIVATIONS[name].second_derivative(np.array([z]))[0]
    assert found == pytest.approx(float(expected), rel=1e-14, abs=1e-307)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values_at_infinity(name: str) -> None:
    f = ACTIVATIONS[name]
    ends = np.array([-np.inf, np.inf, -1.7e308, 1.7e308])
    expected = {
        "identity": ends,
        "relu": [0.0, np.inf, 0.0, 1.7e308],
        "tanh": [-1.0, 1.0, -1.0, 1.0],
        "sigmoid": [0.0, 1.0, 0.0, 1.0],
    }[name]
    slopes = {"identity": [1.0] * 4, "relu": [0.0, 1.0] * 2}.get(name, [0.0] * 4)
    np.testing.assert_array_equal(f.function(ends), expected)
    np.testing.assert_array_equal(f.derivative(ends), slopes)
    assert not np.isnan(f.slopes(ends).log()).any()
    np.testing.assert_array_equal(f.second_derivative(ends), 0.0)
    assert f.is_piecewise_linear == (name in {"identity", "relu"})


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_of_a_supported_kind_and_its_derivatives_match_differences(
    name: str,
) -> None:
    f = ACTIVATIONS[name]
    ends = np.array([-inf, -3.0, -0.5, 0.0, 0.5, 3.0, inf])
    if f.is_piecewise_linear:
        np.testing.assert_array_equal(f.function(2.0 * ends), 2.0 * f.function(ends))
    else:
        assert np.isfinite(f.function(ends)).all()
    z, step = np.array([-3.0, -1.0, -0.3, 0.3, 1.0, 3.0]), 1e-5
    for lower, derivative in pairwise((f.function, f.derivative, f.second_derivative)):
        differences = (lower(z + step) - lower(z - step)) / (2 * step)
        np.testing.assert_allclose(derivative(z), differences, rtol=1e-6, atol=1e-6)
    if f.log_derivative is not None:
        small = np.array([-30.0, -20.0, 20.0, 30.0])  # f' is small, but does not underflow
        np.testing.assert_allclose(f.log_derivative(small), np.log(f.derivative(small)), rtol=1e-7)


numbers = st.floats(-1e3, 1e3, allow_subnormal=False)
pairs = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=9)


@given(pairs)
def test_cost_matches_exact_fractions(rows: list[tuple[float, float]]) -> None:
    outputs, targets = np.array(rows).T
    residuals = [Fraction(y) - Fraction(t) for y, t in rows]
    exact = sum((r * r for r in residuals), Fraction(0)) / len(rows)
    # A residual has an error of half a unit in the last place of the larger number.
    slack = sum(map(abs, residuals), Fraction(0)) * Fraction(1e-12)
    error = abs(Fraction(mean_squared_error(outputs, targets)) - exact)
    assert error <= exact * Fraction(1e-14) + slack


@pytest.mark.parametrize(
    ("residuals", "cost"),
    [
        ([1.5e154] + [0.0] * 19, 1.125e307),  # its square overflows, the mean does not
        ([1e154] * 3, 1e308),  # the sum of the squares overflows
        ([3e-155, 4e-155], 1.25e-309),  # the squares are subnormal
        ([1e-162] * 2, 0.0),  # the mean is the smallest float or 0
        ([0.0, 0.0], 0.0),
        ([1e200], inf),
        ([1.7e308], inf),
    ],
)
def test_squares_may_overflow_or_underflow(residuals: list[float], cost: float) -> None:
    outputs = np.array(residuals)
    zeros = np.zeros(len(residuals))
    assert mean_squared_error(outputs, zeros) == pytest.approx(cost, rel=1e-12, abs=5e-324)
    assert mean_squared_error(zeros, outputs) == pytest.approx(cost, rel=1e-12, abs=5e-324)


@pytest.mark.parametrize("output", [inf, -inf, nan])
def test_an_output_that_is_not_finite_has_infinite_cost(output: float) -> None:
    assert mean_squared_error(np.array([1.0, output]), np.array([1.0, 2.0])) == inf


def test_residuals_near_the_largest_float() -> None:
    outputs, targets = np.array([1.5e308, 0.0]), np.array([0.5e308, 0.0])
    np.testing.assert_array_equal(output_gradient(outputs, targets), [1e308, 0.0])
    assert mean_squared_error(np.array([1.5e308]), np.array([-1.5e308])) == inf
