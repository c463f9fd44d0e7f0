"""States and activations."""

from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.signal import lfilter

from service.engine.arithmetic.extended_float import ExtendedArray
from service.engine.network.activations import ACTIVATIONS
from service.engine.network.forward import Network, forward_states, pre_activations
from service.engine.types import Array

weights = st.floats(-1.5, 1.5, allow_subnormal=False)
reals = st.floats(-10, 10, allow_subnormal=False)
matrices = arrays(
    float, st.tuples(st.integers(1, 4), st.integers(1, 30)), elements=st.floats(-5, 5, width=32)
)
names = st.sampled_from(sorted(ACTIVATIONS))

# Far out, and near 0, where 1 - tanh² and e^z lose all digits.
ARGUMENTS = [0.0, 1e-300, 1e-17, 0.3, 1.0, 5.0, 19.0, 40.0, 400.0, 1e5, 1e17]


def exact_slope(name: str, z: float) -> Any:
    if name == "identity":
        return mpmath.mpf(1)
    if name == "relu":
        return mpmath.mpf(z > 0)
    z = mpmath.mpf(z)
    return mpmath.sech(z) ** 2 if name == "tanh" else mpmath.sech(z / 2) ** 2 / 4


def exact_value(name: str, z: float) -> Any:
    z = mpmath.mpf(z)
    if name == "sigmoid":
        return mpmath.exp(z) / (1 + mpmath.exp(z)) if z < 0 else 1 / (1 + mpmath.exp(-z))
    return {"identity": z, "relu": max(z, mpmath.mpf(0)), "tanh": mpmath.tanh(z)}[name]


@pytest.mark.parametrize("z", [sign * z for z in ARGUMENTS for sign in (1, -1)])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_and_its_slope_in_fifty_digits(name: str, z: float) -> None:
    f = ACTIVATIONS[name]
    at = np.array([z])
    with mpmath.workdps(50):
        value, slope = exact_value(name, z), exact_slope(name, z)
        log = float(mpmath.log(slope)) if slope else -np.inf
        log10 = float(mpmath.log10(abs(value))) if value else -np.inf
    assert f.function(at)[0] == pytest.approx(float(value), rel=1e-14, abs=1e-307)
    assert f.derivative(at)[0] == pytest.approx(float(slope), rel=1e-14, abs=1e-307)
    assert f.log_derivative(at)[0] == pytest.approx(log, rel=1e-15, abs=1e-15)
    wide = f.extended_function(ExtendedArray.of(at))
    assert wide.sign()[0] == float(mpmath.sign(value))
    assert wide.log10()[0] == pytest.approx(log10, rel=1e-14, abs=1e-14)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_at_infinity(name: str) -> None:
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
    assert not np.isnan(f.log_derivative(ends)).any()
    assert f.bounded == (name in {"tanh", "sigmoid"})
    assert f.name == name


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_states_beyond_float64_keep_their_activation(name: str) -> None:
    huge, tiny = (
        ExtendedArray.of(np.array([0.75, -0.75]), 5000.0),
        ExtendedArray.of(np.array([0.75, -0.75]), -5000.0),
    )
    f = ACTIVATIONS[name].extended_function
    signs = {"identity": [1, -1], "relu": [1, 0], "tanh": [1, -1], "sigmoid": [1, 0]}[name]
    np.testing.assert_array_equal(f(huge).sign(), signs)
    exponent = 0.0 if name in {"tanh", "sigmoid"} else 5000.0
    assert f(huge).log10()[0] == pytest.approx(
        np.log10(0.75) * (exponent > 0) + exponent * np.log10(2.0), rel=1e-15
    )
    if name == "sigmoid":
        np.testing.assert_array_equal(f(tiny).value(), [0.5, 0.5])
    else:
        assert f(tiny).log10()[0] == pytest.approx(np.log10(0.75) - 5000 * np.log10(2.0), rel=1e-15)


@given(matrices, weights, weights, reals)
def test_identity_states_are_those_of_a_first_order_filter(
    inputs: Array, w_in: float, w_rec: float, initial_state: float
) -> None:
    states = forward_states(inputs, w_in, w_rec, Network("identity", initial_state))
    begin = np.full((len(inputs), 1), w_rec * initial_state)
    expected, _ = lfilter([w_in], [1.0, -w_rec], inputs, axis=1, zi=begin)
    scale = np.max(np.abs(expected), initial=1.0)
    np.testing.assert_array_equal(states[:, 0], initial_state)
    np.testing.assert_allclose(states[:, 1:], expected, rtol=1e-12, atol=1e-12 * scale)


@given(matrices, weights, weights, reals, names)
def test_a_network_is_its_recurrence(
    inputs: Array, w_in: float, w_rec: float, initial_state: float, name: str
) -> None:
    network = Network(name, initial_state)
    states = forward_states(inputs, w_in, w_rec, network)
    z = pre_activations(inputs, states, w_in, w_rec)
    assert states.shape == (inputs.shape[0], inputs.shape[1] + 1)
    for k in range(inputs.shape[1]):
        by_hand = w_rec * states[:, k] + w_in * inputs[:, k]
        np.testing.assert_array_equal(z[:, k], by_hand)
        np.testing.assert_allclose(states[:, k + 1], network.f.function(by_hand), rtol=1e-14)


@given(matrices, weights, weights, reals, st.sampled_from(["identity", "relu"]))
def test_states_scale_with_w_in_and_the_initial_state(
    inputs: Array, w_in: float, w_rec: float, initial_state: float, name: str
) -> None:
    states = forward_states(inputs, w_in, w_rec, Network(name, initial_state))
    scaled = forward_states(inputs, 8.0 * w_in, w_rec, Network(name, 8.0 * initial_state))
    np.testing.assert_allclose(scaled, 8.0 * states, rtol=1e-12, atol=1e-300)


@given(matrices, weights, weights, reals)
def test_tanh_is_odd_and_the_sigmoid_is_half_a_tanh(
    inputs: Array, w_in: float, w_rec: float, initial_state: float
) -> None:
    tanh = forward_states(inputs, w_in, w_rec, Network("tanh", initial_state))
    mirrored = forward_states(-inputs, w_in, w_rec, Network("tanh", -initial_state))
    np.testing.assert_array_equal(mirrored, -tanh)
    z = np.linspace(-30.0, 30.0, 101)
    half = 0.5 + 0.5 * np.tanh(0.5 * z)
    np.testing.assert_allclose(ACTIVATIONS["sigmoid"].function(z), half, atol=1e-15)


def test_the_notes_outputs(note: dict[str, Any]) -> None:
    inputs = np.array(note["X"], dtype=float)
    for point in note["points"]:
        states = forward_states(inputs, point["wx"], point["wRec"], Network())
        np.testing.assert_array_equal(states[:, -1], point["outputs"])


@pytest.mark.parametrize("w_rec", [50.0, -50.0])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_overflow_is_an_answer(name: str, w_rec: float) -> None:
    states = forward_states(np.ones((2, 1000)), 1.0, w_rec, Network(name, 0.5))
    if name == "identity" or (name == "relu" and w_rec > 0):
        np.testing.assert_array_equal(np.abs(states[:, -1]), np.inf)
    else:
        assert np.isfinite(states).all()


def test_an_unknown_activation_has_no_function() -> None:
    with pytest.raises(KeyError, match="swish"):
        forward_states(np.ones((1, 1)), 1.0, 1.0, Network("swish"))


def test_the_inputs_are_left_alone() -> None:
    inputs = np.ones((3, 4))
    inputs.flags.writeable = False
    for name in ACTIVATIONS:
        forward_states(inputs, 0.5, 0.5, Network(name))
