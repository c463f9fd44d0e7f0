"""States outside the float64 range."""

import numpy as np
import pytest

from service.engine.arithmetic.extended_float import SMALL
from service.engine.data.count_ones import count_ones
from service.engine.network import extended_forward as module
from service.engine.network.activations import ACTIVATIONS
from service.engine.network.extended_forward import extended_states
from service.engine.network.forward import Network, forward_states, pre_activations
from service.engine.types import Array, Weights


def mixed_inputs() -> Array:
    """Return inputs (T, N) that start early, late or never, and one with long gaps."""
    x = np.zeros((2500, 5))
    x[:, 0] = count_ones(1, 2500)[0]
    x[1700:, 1] = 1.0
    x[-1, 2] = -1.0
    x[[3, 1800, 2400], 3] = 1e-250, -1e250, 1.0
    return x


@pytest.mark.parametrize("initial_state", [0.0, pytest.param(1.0, marks=pytest.mark.slow), -3.0])
@pytest.mark.parametrize("w_rec", [0.5, 0.97, -1.5, 2.0, -50.0, 1e30])
@pytest.mark.parametrize("name", ["identity", "relu"])
def test_blocks_match_single_steps_bit_for_bit(
    name: str, w_rec: float, initial_state: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights, network = Weights(-0.75, w_rec), Network(name, initial_state)
    states, z = extended_states(mixed_inputs(), weights, network)
    monkeypatch.setattr(module, "SHORTEST_BLOCK", 10_000)
    single_states, single_z = extended_states(mixed_inputs(), weights, network)
    np.testing.assert_array_equal(states.mantissa, single_states.mantissa)
    np.testing.assert_array_equal(states.exponent, single_states.exponent)
    np.testing.assert_array_equal(z, single_z)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_within_float64_states_match_forward_states_bit_for_bit(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs, _ = count_ones(4, 50)
    weights, network = Weights(0.75, 1.25), Network(name, 0.5)
    expected = forward_states(inputs, *weights, network)
    sums = pre_activations(inputs, expected, *weights)
    # With the second pair, every number counts as lost to underflow.
    for small, large in ((SMALL, module.LARGE_SUM), (np.inf, np.inf)):
        monkeypatch.setattr(module, "SMALL", small)
        monkeypatch.setattr(module, "LARGE_SUM", large)
        states, z = extended_states(np.ascontiguousarray(inputs.T), weights, network)
        np.testing.assert_array_equal(states.value().T, expected)
        np.testing.assert_array_equal(z.T, sums)


@pytest.mark.parametrize("name", ["identity", "tanh", "relu"])
def test_decaying_states_do_not_underflow(name: str) -> None:
    states, z = extended_states(np.zeros((5000, 1)), Weights(1.0, 0.5), Network(name, 1e-3))
    np.testing.assert_allclose(
        states.log()[:, 0], np.log(1e-3) - np.arange(5001) * np.log(2.0), rtol=1e-6
    )
    assert np.all(z > 0.0)


def test_a_sigmoid_far_below_zero_does_not_underflow() -> None:
    states, z = extended_states(np.array([[-1e4], [0.0]]), Weights(1.0, 1.0), Network("sigmoid"))
    assert states.log()[1, 0] == pytest.approx(-1e4, rel=1e-15)
    assert states.value()[2, 0] == 0.5
    assert z[1, 0] > 0.0
