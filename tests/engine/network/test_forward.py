"""States of the network."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.signal import lfilter

from service.engine.network import ACTIVATIONS, Network, final_outputs, forward_states
from service.engine.types import Array

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


def test_outputs_of_the_tutorial(tutorial: dict[str, Any]) -> None:
    inputs = np.array(tutorial["X"], dtype=float)
    for point in tutorial["points"]:
        states = forward_states(inputs, point["wx"], point["wRec"], Network())
        np.testing.assert_array_equal(states[:, -1], point["outputs"])


@pytest.mark.parametrize("w_rec", [50.0, -50.0])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_overflow_gives_infinite_states(name: str, w_rec: float) -> None:
    states = forward_states(np.ones((2, 1000)), 1.0, w_rec, Network(name, 0.5))
    if name == "identity" or (name == "relu" and w_rec > 0):
        np.testing.assert_array_equal(np.abs(states[:, -1]), np.inf)
    else:
        assert np.isfinite(states).all()


def test_inputs_are_not_modified() -> None:
    inputs = np.ones((3, 4))
    inputs.flags.writeable = False
    for name in ACTIVATIONS:
        forward_states(inputs, 0.5, 0.5, Network(name))
