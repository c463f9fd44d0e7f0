"""Gradients outside the float64 range."""

from itertools import product

import numpy as np
import pytest

from service.engine.arithmetic import ExtendedArray
from service.engine.data import count_ones
from service.engine.network import (
    ACTIVATIONS,
    Network,
    extended_gradients,
)
from service.engine.types import Array, Weights
from tests.engine.conftest import exact_pass, sign_and_log10


def gradients_of(
    inputs: Array, targets: Array, weights: Weights, network: Network
) -> tuple[tuple[ExtendedArray, ExtendedArray], ExtendedArray]:
    """Return the gradients at one pair of weights: by the weights, and by the states."""
    w_in, w_rec = np.array(weights)[:, None]
    (by_w_in, by_w_rec), state_gradients = extended_gradients(inputs, targets, w_in, w_rec, network)
    return (by_w_in[0], by_w_rec[0]), state_gradients[:, 0]


def real_data(n_samples: int, n_steps: int, seed: int = 1) -> tuple[Array, Array]:
    random = np.random.RandomState(seed)
    inputs = random.standard_normal((n_samples, n_steps))
    # About half of the inputs are 0; the first sample has only a last input.
    inputs *= random.random_sample(inputs.shape) < 0.5
    inputs[0, :-1] = 0.0
    inputs[:, -1] = 0.7
    return inputs, 3.0 + random.standard_normal(n_samples)


def assert_exact(
    data: tuple[Array, Array], weights: Weights, network: Network, *, absolute: float
) -> None:
    """Compare every sign, and every logarithm to the absolute tolerance or 14 digits."""
    weight_gradient, state_gradients = gradients_of(*data, weights, network)
    exact = exact_pass(*data, weights, network.activation, network.initial_state)
    found = [state_gradients, *weight_gradient]
    expected = [*exact.trace, exact.by_w_in, exact.by_w_rec]
    signs, logs = np.array([sign_and_log10(number) for number in expected]).T
    np.testing.assert_array_equal(np.hstack([each.sign() for each in found]), signs)
    np.testing.assert_allclose(
        np.hstack([each.log10() for each in found]), logs, rtol=1e-14, atol=absolute
    )


@pytest.mark.parametrize("initial_state", [0.0, 1.0, -3.0])
@pytest.mark.parametrize(
    ("name", "w_rec"),
    [
        *product(ACTIVATIONS, [0.0, 0.5, 1.0, -1.0, 2.0, -2.0, 50.0, -50.0]),
        # The states of a bounded activation lose digits where they are subnormal.
        *product(["identity", "relu"], [5e-324, 1e-300]),
    ],
)
def test_results_match_fifty_digits(name: str, w_rec: float, initial_state: float) -> None:
    for n_samples, n_steps, w_in in [(3, 1, 1.25), (2, 30, -0.75), (2, 5, 0.0), (2, 12, 1e-200)]:
        data, weights = real_data(n_samples, n_steps), Weights(w_in, w_rec)
        network = Network(name, initial_state)
        assert_exact(data, weights, network, absolute=1e-12)


@pytest.mark.parametrize("initial_state", [0.0, 1.0, -3.0])
@pytest.mark.parametrize("w_rec", [1e150, -1e150])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_w_rec_near_the_end_of_the_float64_range(
    name: str, w_rec: float, initial_state: float
) -> None:
    # One sample: with slopes near e^(-1e150), the rounding error of a logarithm is larger than
    # any sum over samples.
    data, network = real_data(1, 9), Network(name, initial_state)
    weights = Weights(1.25, w_rec)
    assert_exact(data, weights, network, absolute=1e-12)


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
def test_two_thousand_steps_match_fifty_digits(
    name: str, w_rec: float, initial_state: float
) -> None:
    data, network = real_data(2, 2000), Network(name, initial_state)
    weights = Weights(0.75, w_rec)
    assert_exact(data, weights, network, absolute=1e-11)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gradients_of_many_samples_are_those_of_the_mean(name: str) -> None:
    """They are computed in several chunks."""
    inputs, targets = real_data(7, 40)
    rest = Weights(0.75, 1.5), Network(name, 0.5)
    few, few_by_state = gradients_of(inputs, targets, *rest)
    many, many_by_state = gradients_of(np.tile(inputs, (2000, 1)), np.tile(targets, 2000), *rest)
    for one, other in zip([few_by_state, *few], [many_by_state, *many], strict=True):
        np.testing.assert_allclose(one.value(), other.value(), rtol=1e-10)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_networks_that_run_together_have_the_gradients_of_each(name: str) -> None:
    data, network = real_data(7, 40), Network(name, 0.5)
    pairs = [(0.75, 1.5), (1e30, -1e31), (-2.0, 1e-200), (0.0, 3.0)]
    w_in, w_rec = np.array(pairs).T
    weight_gradient, state_gradients = extended_gradients(*data, w_in, w_rec, network)
    for k, pair in enumerate(pairs):
        alone, alone_by_state = gradients_of(*data, Weights(*pair), network)
        together = [state_gradients[:, k], *(each[k] for each in weight_gradient)]
        for one, other in zip(together, [alone_by_state, *alone], strict=True):
            np.testing.assert_array_equal(one.mantissa, other.mantissa)
            np.testing.assert_array_equal(one.exponent, other.exponent)
    none = extended_gradients(*data, np.empty(0), np.empty(0), network)
    assert none.state_gradients.mantissa.shape == (41, 0)


@pytest.mark.parametrize("name", ["identity", "relu"])
def test_exact_zeros_stay_zeros(name: str) -> None:
    inputs, targets = count_ones(20, 700)
    optimum = inputs, targets, Weights(1.0, 1.0), Network(name)
    weight_gradient, state_gradients = gradients_of(*optimum)
    for numbers in (state_gradients, *weight_gradient):
        np.testing.assert_array_equal(numbers.sign(), 0.0)
        np.testing.assert_array_equal(numbers.log(), -np.inf)
    # All states are 0, so the derivative with respect to w_rec is 0 for every w_rec.
    no_input = inputs, targets, Weights(0.0, 3.0), Network(name)
    assert gradients_of(*no_input)[0][1].sign() == 0.0
