"""Backpropagation through time."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from service.engine.data import count_ones, remember
from service.engine.network import (
    ACTIVATIONS,
    Network,
    backpropagate,
    check_gradient,
    cost_and_gradient,
    forward_states,
    mean_squared_error,
    output_gradient,
)
from service.engine.types import Array, Weights

names = st.sampled_from(sorted(ACTIVATIONS))
small = st.floats(-1.25, 1.25, width=32)
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
    """Return whether no pre-activation is near the kink of a relu."""
    states = forward_states(data[0], w_in, w_rec, network)
    z = w_rec * states[:, :-1] + w_in * data[0]
    return network.activation != "relu" or bool(np.all(np.abs(z) > 0.1))


@given(samples, small, small, small, names, angles)
def test_weight_gradient_matches_differences_along_random_directions(
    data: tuple[Array, Array],
    w_in: float,
    w_rec: float,
    initial_state: float,
    name: str,
    angle: float,
) -> None:
    network = Network(name, initial_state)
    assume(is_smooth(data, w_in, w_rec, network))
    cost, gradient = cost_and_gradient(*data, Weights(w_in, w_rec), network)
    a, b = np.cos(angle), np.sin(angle)
    numeric = slope(lambda h: cost_at(data, w_in + a * h, w_rec + b * h, network))
    scale = max(1.0, cost, float(np.abs(gradient).max()))
    assert a * gradient[0] + b * gradient[1] == pytest.approx(numeric, rel=1e-6, abs=1e-7 * scale)


@given(samples, small, small, small, names, st.data())
def test_state_gradients_match_differences(
    data: tuple[Array, Array],
    w_in: float,
    w_rec: float,
    initial_state: float,
    name: str,
    draw: st.DataObject,
) -> None:
    inputs, targets = data
    network = Network(name, initial_state)
    assume(is_smooth(data, w_in, w_rec, network))
    states = forward_states(inputs, w_in, w_rec, network)
    last = output_gradient(states[:, -1], targets)
    backward = backpropagate(inputs, states, last, w_in, w_rec, network)
    # The cost as a function of S_k: the rest of one sample's sequence, from the state S_k on.
    i = draw.draw(st.integers(0, len(targets) - 1))
    k = draw.draw(st.integers(0, inputs.shape[1]))
    rest = (inputs[i : i + 1, k:], targets[i : i + 1])
    from_state = Network(name, float(states[i, k]))
    numeric = slope(lambda h: cost_at(rest, w_in, w_rec, from_state, h)) / len(targets)
    assert backward.state_gradients.shape == states.shape
    assert backward.state_gradients[i, k] == pytest.approx(numeric, rel=1e-6, abs=1e-8)


def test_weight_gradients_of_the_tutorial(tutorial: dict[str, Any]) -> None:
    inputs, targets = np.array(tutorial["X"], dtype=float), np.array(tutorial["t"], dtype=float)
    for point in tutorial["points"]:
        weights = Weights(point["wx"], point["wRec"])
        cost, gradient = cost_and_gradient(inputs, targets, weights, Network())
        assert cost == pytest.approx(point["cost"], rel=1e-15, abs=1e-300)
        expected = [point["grad_wx"], point["grad_wRec"]]
        np.testing.assert_allclose(gradient, expected, rtol=1e-14, atol=1e-300)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_thousand_steps_with_w_rec_50(name: str) -> None:
    inputs, targets = count_ones(5, 1000)
    cost, gradient = cost_and_gradient(inputs, targets, Weights(1.0, 50.0), Network(name))
    check = check_gradient(inputs, targets, Weights(1.0, 50.0), Network(name))
    if not ACTIVATIONS[name].is_piecewise_linear:
        assert np.isfinite(cost)
        assert np.isfinite(gradient).all()
    else:
        assert cost == np.inf
        assert not np.isfinite(gradient).any()
        assert np.isnan([check.absolute_error, check.relative_error]).all()


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
    import torch  # noqa: PLC0415 -- only where it was asked for

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
