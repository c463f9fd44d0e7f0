"""The pass forward and back beyond float64."""

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from service.engine.arithmetic.extended_float import SignedLog
from service.engine.data.count_ones import count_ones
from service.engine.network import extended_backward as scaled
from service.engine.network.activations import ACTIVATIONS
from service.engine.network.backward import backward_through_time, cost_and_gradient
from service.engine.network.extended_backward import (
    ScaledPass,
    extended_pass,
    scaled_cost,
    scaled_pass,
    sensitivities,
)
from service.engine.network.forward import Network, forward_states
from service.engine.types import Array, Weights

Apart = Callable[[Any], tuple[float, float]]
finite = st.floats(-1e100, 1e100, allow_subnormal=False)


def real_data(n_samples: int, n_steps: int, seed: int = 1) -> tuple[Array, Array]:
    random = np.random.RandomState(seed)
    inputs = random.standard_normal((n_samples, n_steps))
    # Half of the inputs are 0, and the first sample has a last input alone.
    inputs *= random.random_sample(inputs.shape) < 0.5
    inputs[0, :-1] = 0.0
    inputs[:, -1] = 0.7
    return inputs, 3.0 + random.standard_normal(n_samples)


def assert_right(found: ScaledPass, exact: Any, apart: Apart, absolute: float) -> None:
    """Compare every sign, and every logarithm to the tolerance or 14 digits."""
    pairs = [
        *zip(*found.outputs, exact.outputs, strict=True),
        *zip(*found.state_gradients, exact.trace, strict=True),
        (*found.cost, exact.cost),
        (*found.weight_gradient[0], exact.by_w_in),
        (*found.weight_gradient[1], exact.by_w_rec),
    ]
    expected = np.array([apart(number) for _, _, number in pairs])
    signs, logs = np.array([pair[:2] for pair in pairs], dtype=float).T
    np.testing.assert_array_equal(signs, expected[:, 0])
    np.testing.assert_allclose(logs / np.log(10.0), expected[:, 1], rtol=1e-14, atol=absolute)


@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=5))
def test_signed_logarithms_calculate(rows: list[tuple[float, float]]) -> None:
    left, right = np.array(rows).T
    a, b = SignedLog.of(left), SignedLog.of(right)
    np.testing.assert_allclose(a.value(), left, rtol=1e-12)
    np.testing.assert_allclose(a.times(b).value(), left * right, rtol=1e-12)
    size = float(np.sum(np.abs(left)))
    assert float(a.sum().value()) == pytest.approx(float(np.sum(left)), rel=1e-12, abs=1e-12 * size)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(a.log10(), np.log10(np.abs(left)), rtol=1e-14, atol=1e-14)


def test_signed_logarithms_beyond_float64() -> None:
    numbers = SignedLog(np.array([1.0, -1.0, 1.0, 0.0]), np.array([1e4, 1e4, -1e4, -np.inf]))
    np.testing.assert_array_equal(numbers.value(), [np.inf, -np.inf, 0.0, 0.0])
    assert (numbers.sum().sign, numbers.sum().log) == (0.0, -np.inf)
    doubled = SignedLog(np.ones((2, 3)), np.full((2, 3), 5e5)).sum(axis=0)
    np.testing.assert_array_equal(doubled.sign, np.ones(3))
    np.testing.assert_allclose(doubled.log, 5e5 + np.log(2.0), rtol=1e-15)
    assert (SignedLog.of(0.0).sign, SignedLog.of(0.0).log) == (0.0, -np.inf)
    assert SignedLog.of(np.zeros(3)).sum().sign == 0.0


@pytest.mark.parametrize("initial_state", [0.0, 1.0, -3.0])
@pytest.mark.parametrize("w_rec", [0.0, 5e-324, 1e-300, 0.5, 1.0, -1.0, 2.0, -2.0, 50.0, -50.0])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_weight_in_fifty_digits(
    name: str, w_rec: float, initial_state: float, exact_pass: Any, sign_and_log10: Apart
) -> None:
    for n_samples, n_steps, w_in in [(3, 1, 1.25), (2, 30, -0.75), (2, 5, 0.0), (2, 12, 1e-200)]:
        inputs, targets = real_data(n_samples, n_steps)
        weights = Weights(w_in, w_rec)
        found = scaled_pass(inputs, targets, weights, Network(name, initial_state))
        exact = exact_pass(inputs, targets, weights, name, initial_state)
        assert_right(found, exact, sign_and_log10, absolute=1e-12)


@pytest.mark.parametrize("initial_state", [0.0, 1.0, -3.0])
@pytest.mark.parametrize("w_rec", [1e150, -1e150])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_weight_near_the_end_of_float64(
    name: str, w_rec: float, initial_state: float, exact_pass: Any, sign_and_log10: Apart
) -> None:
    # One sample: with slopes about e^(-1e150) even a logarithm's last digit outweighs a sum.
    inputs, targets = real_data(1, 9)
    weights = Weights(1.25, w_rec)
    found = scaled_pass(inputs, targets, weights, Network(name, initial_state))
    exact = exact_pass(inputs, targets, weights, name, initial_state)
    assert_right(found, exact, sign_and_log10, absolute=1e-12)


@pytest.mark.parametrize(
    ("name", "w_rec", "initial_state"),
    [
        ("identity", 2.0, 1.0),
        ("identity", -50.0, -3.0),
        ("identity", 0.5, 1.0),
        ("relu", 2.0, 1.0),
        ("relu", 50.0, -3.0),
        ("tanh", 2.0, -3.0),
        ("tanh", 0.5, 1.0),
        ("sigmoid", 50.0, 1.0),
        ("sigmoid", -2.0, 0.0),
    ],
)
def test_two_thousand_steps_in_fifty_digits(
    name: str, w_rec: float, initial_state: float, exact_pass: Any, sign_and_log10: Apart
) -> None:
    inputs, targets = real_data(2, 2000)
    weights = Weights(0.75, w_rec)
    found = scaled_pass(inputs, targets, weights, Network(name, initial_state))
    exact = exact_pass(inputs, targets, weights, name, initial_state)
    assert_right(found, exact, sign_and_log10, absolute=1e-11)


matrices = arrays(
    float, st.tuples(st.integers(1, 5), st.integers(1, 12)), elements=st.floats(-3, 3, width=32)
)
ordinary = st.floats(-2, 2, width=32)


@given(matrices, ordinary, ordinary, ordinary, st.sampled_from(sorted(ACTIVATIONS)))
def test_within_float64_nothing_changes(
    inputs: Array, w_in: float, w_rec: float, initial_state: float, name: str
) -> None:
    targets = inputs.sum(axis=1) + 0.25
    weights, network = Weights(w_in, w_rec), Network(name, initial_state)
    found = extended_pass(inputs, targets, weights, network)
    cost, gradient = cost_and_gradient(inputs, targets, weights, network)
    states = forward_states(inputs, *weights, network)
    backward = backward_through_time(
        inputs, states, found.output_gradient.value(), *weights, network
    )
    np.testing.assert_array_equal(found.outputs.value(), states[:, -1])
    assert float(found.cost.value()) == pytest.approx(cost, rel=1e-14, abs=1e-300)
    each = np.abs(backward.state_gradients)
    np.testing.assert_allclose(
        found.state_gradients.value(),
        backward.state_gradients.sum(axis=0),
        rtol=1e-13,
        atol=1e-14 * float(each.max()) + 1e-300,
    )
    terms = float(each[:, 1:].max()) * inputs.size
    for ours, plain, factor in zip(found.weight_gradient, gradient, (inputs, states), strict=True):
        slack = 1e-14 * terms * float(np.abs(factor).max()) + 1e-300
        assert float(ours.value()) == pytest.approx(plain, rel=1e-13, abs=slack)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_parts_of_the_samples_add_up(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, targets = real_data(7, 40)
    arguments = (inputs, targets, Weights(0.75, 1.5), Network(name, 0.5))
    whole = scaled_pass(*arguments)
    derivatives = sensitivities(inputs, *arguments[2:])
    monkeypatch.setattr(scaled, "CHUNK", 90)  # two samples at a time
    parts = scaled_pass(*arguments)
    for one, other in zip(whole[:4], parts[:4], strict=True):
        np.testing.assert_array_equal(one.sign, other.sign)
        np.testing.assert_allclose(one.log, other.log, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        np.array(whole.weight_gradient, dtype=float),
        np.array(parts.weight_gradient, dtype=float),
        rtol=1e-12,
    )
    np.testing.assert_allclose(sensitivities(inputs, *arguments[2:]).log(), derivatives.log())


@pytest.mark.parametrize("w_rec", [0.5, 2.0])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_cost_alone_is_that_of_the_whole_pass(name: str, w_rec: float) -> None:
    arguments = (*real_data(3, 1500), Weights(0.75, w_rec), Network(name, 0.5))
    assert scaled_cost(*arguments) == scaled_pass(*arguments).cost


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_sensitivities_are_derivatives_of_the_output(name: str, exact_pass: Any) -> None:
    inputs, _ = real_data(3, 20)
    found = sensitivities(inputs, Weights(0.75, 0.9), Network(name, 0.5))
    # A target far below every output turns the residuals into one and the same number.
    exact = exact_pass(inputs, np.full(3, -1e30), (0.75, 0.9), name, 0.5)
    expected = [float(number / (2e30 / 3)) for number in exact.trace]
    np.testing.assert_allclose(found.value(), expected, rtol=1e-13)


@pytest.mark.parametrize("name", ["identity", "relu"])
def test_zeros_are_zeros(name: str) -> None:
    inputs, targets = count_ones(20, 700)
    optimum = scaled_pass(inputs, targets, Weights(1.0, 1.0), Network(name))
    numbers = (optimum.cost, optimum.state_gradients, *optimum.weight_gradient)
    assert all(np.all(n.sign == 0.0) and np.all(n.log == -np.inf) for n in numbers)
    # Nothing comes in and nothing was there: ∂w_rec is 0, however large w_rec is.
    silent = scaled_pass(inputs, targets, Weights(0.0, 3.0), Network(name))
    assert silent.weight_gradient[1].sign == 0.0
    assert silent.cost.value() == pytest.approx(np.mean(targets**2), rel=1e-14)


def test_a_sum_of_a_state_and_an_input_beyond_float64() -> None:
    # z = 1e400 - 1e390: no float64 holds a term, and tanh z is 1.
    inputs, targets = np.array([[-1e190]]), np.array([0.5])
    weights = Weights(1e200, 1e200)
    tanh = scaled_pass(inputs, targets, weights, Network("tanh", 1e200))
    assert tanh.outputs.value()[0] == 1.0
    assert tanh.cost.value() == pytest.approx(0.25, rel=1e-14)
    identity = scaled_pass(inputs, targets, weights, Network("identity", 1e200))
    assert identity.outputs.log10()[0] == pytest.approx(400.0 + np.log10(1.0 - 1e-10), rel=1e-15)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_ten_thousand_steps_take_a_moment(name: str) -> None:
    inputs, targets = count_ones(20, 10_000)
    begin = perf_counter()
    found = scaled_pass(inputs, targets, Weights(1.0, 2.0), Network(name))
    assert perf_counter() - begin < 10.0
    assert np.all(found.state_gradients.sign != 0.0)
    assert np.isfinite(found.state_gradients.log).all()
