"""Gradients, also where float64 overflows or underflows."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from service.engine.arithmetic import ExtendedArray
from service.engine.data import count_ones, remember
from service.engine.network import (
    ACTIVATIONS,
    Network,
    backpropagate,
    check_gradient,
    cost_and_gradient,
    extended_gradients,
    forward_states,
    mean_squared_error,
    output_gradient,
)
from service.engine.types import Array, Weights
from tests.engine.conftest import exact_pass, sign_and_log10

small = st.floats(-1.25, 1.25, width=32)
pairs = st.builds(Weights, small, small)
networks = st.builds(Network, st.sampled_from(sorted(ACTIVATIONS)), small)
angles = st.floats(0.0, 6.28)
samples = st.tuples(st.integers(1, 4), st.integers(1, 8)).flatmap(
    lambda shape: st.tuples(
        arrays(float, shape, elements=st.floats(-2, 2, width=32)),
        arrays(float, shape[:1], elements=st.floats(-2, 2, width=32)),
    )
)


def cost_at(
    data: tuple[Array, Array], w_in: float, w_rec: float, network: Network, initial: float = 0.0
) -> float:
    network = Network(network.activation, network.initial_state + initial)
    return mean_squared_error(forward_states(data[0], w_in, w_rec, network)[:, -1], data[1])


def slope(function: Any, h: float = 1e-3) -> float:
    """Return the derivative of a function at 0, with an error of fourth order in h."""
    inner, outer = function(h) - function(-h), function(2 * h) - function(-2 * h)
    return float((8.0 * inner - outer) / (12.0 * h))


def is_smooth(data: tuple[Array, Array], w_in: float, w_rec: float, network: Network) -> bool:
    """Return True if no pre-activation is near the kink of a relu."""
    states = forward_states(data[0], w_in, w_rec, network)
    z = w_rec * states[:, :-1] + w_in * data[0]
    return network.activation != "relu" or bool(np.all(np.abs(z) > 0.1))


@given(samples, pairs, networks, angles)
def test_weight_gradient_matches_differences_along_random_directions(
    data: tuple[Array, Array], weights: Weights, network: Network, angle: float
) -> None:
    w_in, w_rec = weights
    assume(is_smooth(data, w_in, w_rec, network))
    cost, gradient = cost_and_gradient(*data, weights, network)
    a, b = np.cos(angle), np.sin(angle)
    numeric = slope(lambda h: cost_at(data, w_in + a * h, w_rec + b * h, network))
    scale = max(1.0, cost, float(np.abs(gradient).max()))
    assert a * gradient[0] + b * gradient[1] == pytest.approx(numeric, rel=1e-6, abs=1e-7 * scale)


@given(samples, pairs, networks, st.data())
def test_state_gradients_match_differences(
    data: tuple[Array, Array], weights: Weights, network: Network, draw: st.DataObject
) -> None:
    inputs, targets = data
    w_in, w_rec = weights
    assume(is_smooth(data, w_in, w_rec, network))
    states = forward_states(inputs, w_in, w_rec, network)
    last = output_gradient(states[:, -1], targets)
    backward = backpropagate(inputs, states, last, w_in, w_rec, network)
    # The cost as a function of S_k: the rest of one sample's sequence, from the state S_k on.
    i = draw.draw(st.integers(0, len(targets) - 1))
    k = draw.draw(st.integers(0, inputs.shape[1]))
    rest = (inputs[i : i + 1, k:], targets[i : i + 1])
    from_state = Network(network.activation, float(states[i, k]))
    numeric = slope(lambda h: cost_at(rest, w_in, w_rec, from_state, h)) / len(targets)
    assert backward.state_gradients.shape == states.shape
    assert backward.state_gradients[i, k] == pytest.approx(numeric, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("n_steps", [1, 10, 100, 1000])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_check_finds_a_small_error(name: str, n_steps: int) -> None:
    inputs, targets = count_ones(5, n_steps)
    check = check_gradient(inputs, targets + 0.3, Weights(0.7, 0.9), Network(name, 0.25))
    assert check.relative_error < 1e-5
    _, gradient = cost_and_gradient(inputs, targets + 0.3, Weights(0.7, 0.9), Network(name, 0.25))
    np.testing.assert_array_equal(check.analytic, gradient)


def test_check_uses_the_given_step() -> None:
    # At T = 3 the cost is of degree 4 in w_rec, so a large step has a visible error.
    inputs, targets = np.ones((1, 3)), np.zeros(1)
    weights = Weights(1.0, 1.0)
    wide = check_gradient(inputs, targets, weights, Network(), step=0.5)
    # y = 1 + w + w²: at 1.5 and 0.5 it is 4.75 and 1.75; by w_in the cost is 9 w_in².
    np.testing.assert_allclose(wide.numeric, [18.0, 4.75**2 - 1.75**2], rtol=1e-14)
    np.testing.assert_allclose(wide.analytic, [18.0, 18.0], rtol=1e-14)
    assert wide.absolute_error == pytest.approx(1.5, rel=1e-12)
    assert wide.relative_error == pytest.approx(1.5 / np.hypot(18.0, 19.5), rel=1e-12)


@pytest.mark.parametrize("n_steps", [1, 10, 100, 1000])
@pytest.mark.parametrize("name", ["identity", "relu"])
def test_the_error_is_small_at_an_optimum(name: str, n_steps: int) -> None:
    check = check_gradient(*count_ones(20, n_steps), Weights(1.0, 1.0), Network(name))
    np.testing.assert_array_equal(check.analytic, 0.0)
    assert check.absolute_error == np.hypot(*check.numeric)
    assert check.relative_error < 1e-4


def test_the_error_is_small_where_the_gradient_is_below_the_rounding_of_the_cost() -> None:
    data = remember()
    for w_rec in (0.1, 0.5):
        check = check_gradient(*data, Weights(1.0, w_rec), Network())
        assert 0.0 < np.hypot(*check.analytic) < 1e-6
        assert check.relative_error < 1e-3


@given(samples, small, small, st.sampled_from(["identity", "tanh", "sigmoid"]))
def test_the_error_is_small_at_every_point(
    data: tuple[Array, Array], w_in: float, w_rec: float, name: str
) -> None:
    check = check_gradient(*data, Weights(w_in, w_rec), Network(name))
    # Where the gradient is 0, differences keep an error of h² times the third derivative.
    assert check.relative_error < 1e-3 or check.absolute_error < 1e-6


def test_check_of_huge_and_of_zero_gradients() -> None:
    inputs, targets = np.ones((1, 1)), np.zeros(1)
    huge = check_gradient(1e100 * inputs, targets, Weights(1.0, 0.0), Network())
    assert huge.analytic[0] == pytest.approx(2e200, rel=1e-15)
    assert huge.relative_error < 1e-9
    still = check_gradient(0.0 * inputs, targets, Weights(1.0, 1.0), Network())
    assert (still.absolute_error, still.relative_error) == (0.0, 0.0)
    np.testing.assert_array_equal(still.analytic, [0.0, 0.0])
    # At 1e30 the step is below the resolution of float64.
    lost = check_gradient(inputs, targets, Weights(1e30, 0.0), Network())
    assert np.isnan(lost.relative_error)


@pytest.mark.oracle
@pytest.mark.parametrize("initial_state", [0.0, 0.5])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gradients_match_pytorch(name: str, initial_state: float) -> None:
    import torch  # noqa: PLC0415 -- only if requested

    inputs, targets = count_ones(7, 25, seed=4, noise=0.5)
    f = {"identity": lambda z: z, "relu": torch.relu, "tanh": torch.tanh}.get(name, torch.sigmoid)
    w_in, w_rec = (torch.tensor(w, dtype=torch.float64, requires_grad=True) for w in (0.7, 0.9))
    states = [torch.full((7,), initial_state, dtype=torch.float64, requires_grad=True)]
    for x in torch.from_numpy(inputs.T.copy()):
        states.append(f(w_rec * states[-1] + w_in * x))
        states[-1].retain_grad()
    cost = torch.mean((states[-1] - torch.from_numpy(targets)) ** 2)
    cost.backward()

    network = Network(name, initial_state)
    found, gradient = cost_and_gradient(inputs, targets, Weights(0.7, 0.9), network)
    ours = forward_states(inputs, 0.7, 0.9, network)
    last = output_gradient(ours[:, -1], targets)
    backward = backpropagate(inputs, ours, last, 0.7, 0.9, network)
    assert found == pytest.approx(cost.item(), rel=1e-13)
    np.testing.assert_allclose(gradient, [w_in.grad.item(), w_rec.grad.item()], rtol=1e-12)
    np.testing.assert_allclose(
        backward.state_gradients.T, [s.grad.numpy() for s in states], rtol=1e-12
    )


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
def test_w_rec_near_the_ends_of_float64(name: str, w_rec: float, initial_state: float) -> None:
    # One sample: with slopes near e^(-1e150), the rounding error of a logarithm is larger than
    # any sum over samples.
    data, network = real_data(1, 9), Network(name, initial_state)
    weights = Weights(1.25, w_rec)
    assert_exact(data, weights, network, absolute=1e-12)


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
