"""The objective that runs the network."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.engine.data import Dataset, count_ones
from service.engine.network import (
    ACTIVATIONS,
    Network,
    cost_and_gradient,
    curvatures,
    forward_states,
)
from service.engine.objective import NetworkObjective, make_objective
from service.engine.types import Weights
from tests.engine.conftest import cost_at, exact_pass, extended_gradient, sign_and_log10

NAMES = ["relu", "sigmoid", "tanh"]
weights = st.floats(-2, 2, width=32)


def objective_of(
    name: str, n_samples: int = 6, n_steps: int = 9, initial_state: float = 0.5
) -> NetworkObjective:
    inputs, targets = count_ones(n_samples, n_steps, seed=3)
    return NetworkObjective(inputs, targets + 0.25, Network(name, initial_state))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_only_activations_run_the_network(name: str) -> None:
    chosen = make_objective(Dataset.from_arrays(*count_ones()), Network(name))
    assert isinstance(chosen, NetworkObjective) == (name != "identity")


@given(st.lists(st.tuples(weights, weights), min_size=1, max_size=5), st.sampled_from(NAMES))
@example([(0.0, 1.1754943508222875e-38)], "relu")
def test_batches_match_single_weights(rows: list[tuple[float, float]], name: str) -> None:
    objective = objective_of(name)
    inputs, targets = count_ones(6, 9, seed=3)
    w_in, w_rec = np.array(rows).T
    costs, (by_w_in, by_w_rec) = objective.costs(w_in, w_rec), objective.gradients(w_in, w_rec)
    for i, row in enumerate(rows):
        cost, gradient = cost_and_gradient(
            inputs, targets + 0.25, Weights(*row), Network(name, 0.5)
        )
        assert costs[i] == pytest.approx(cost, rel=1e-13)
        assert cost_at(objective, *row) == pytest.approx(cost, rel=1e-13)
        size = 1e-12 * (1.0 + float(np.abs(gradient).max()))
        assert objective.gradient(*row) == tuple(gradient)
        if not gradient.all():
            # After an underflow, a relu may be inactive that is active in exact arithmetic.
            gradient = np.array([each.value() for each in extended_gradient(objective, *row)])
        assert (by_w_in[i], by_w_rec[i]) == pytest.approx(tuple(gradient), rel=1e-12, abs=size)
    np.testing.assert_allclose(objective.log10_costs(w_in, w_rec), np.log10(costs), rtol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_many_weights_have_the_results_of_each(name: str) -> None:
    """They are computed in several chunks."""
    inputs, targets = np.random.default_rng(1).standard_normal((2, 3000, 3))
    objective = NetworkObjective(inputs, targets[:, 0], Network(name, 0.5))
    w_in, w_rec = np.random.default_rng(0).uniform(-2, 2, (2, 401))
    costs, gradients = objective.costs(w_in, w_rec), objective.gradients(w_in, w_rec)
    for k in (0, 47, 48, 333, 400):
        one = w_in[k : k + 1], w_rec[k : k + 1]
        assert objective.costs(*one)[0] == pytest.approx(costs[k], rel=1e-13)
        np.testing.assert_allclose(objective.gradients(*one)[:, 0], gradients[:, k], rtol=1e-11)


@pytest.mark.parametrize("w_rec", [2.0, 50.0, -50.0])
@pytest.mark.parametrize("name", NAMES)
def test_logarithms_and_signs_outside_the_float64_range(name: str, w_rec: float) -> None:
    inputs, targets = count_ones(2, 1100, seed=3)
    objective = NetworkObjective(inputs, targets + 0.25, Network(name, 0.5))
    exact = exact_pass(inputs, targets + 0.25, (0.75, w_rec), name, 0.5)
    _, log10 = sign_and_log10(exact.cost)
    found = objective.log10_costs(np.array([0.75]), np.array([w_rec]))
    has_state = name != "relu" or w_rec < 0.0  # others overflow
    assert found[0] == pytest.approx(log10 if has_state else np.inf, rel=1e-14, abs=1e-12)
    expected = 10.0**log10 if log10 < 308.0 else np.inf
    assert cost_at(objective, 0.75, w_rec) == pytest.approx(expected, rel=1e-11)
    for gradient, number in zip(
        extended_gradient(objective, 0.75, w_rec), (exact.by_w_in, exact.by_w_rec), strict=True
    ):
        sign, log10 = sign_and_log10(number)
        assert gradient.sign() == sign
        assert gradient.log10() == pytest.approx(log10, rel=1e-14, abs=1e-11)


def test_costs_near_the_limits_of_float64() -> None:
    ends = NetworkObjective(np.ones((2, 1)), np.zeros(2), Network("relu"))
    w_in, w_rec = np.array([1.2e154, 1e-170, 1e200, 0.0, np.inf, np.nan]), np.ones(6)
    np.testing.assert_allclose(
        ends.costs(w_in, w_rec), [1.44e308, 0.0, np.inf, 0.0, np.nan, np.nan], rtol=1e-12
    )
    expected = [308.0 + np.log10(1.44), -340.0, 400.0, -np.inf, np.nan, np.nan]
    np.testing.assert_allclose(ends.log10_costs(w_in, w_rec), expected, rtol=1e-14)


def test_a_relu_whose_states_overflow_and_return() -> None:
    """The first state is 5.1e308, so the second one is 1.7e308 - 0.51e308."""
    inputs = np.array([[-3.0, -1.0], [0.0, 0.0]])
    objective = NetworkObjective(inputs, np.array([1.0, 1.0]), Network("relu"))
    w_in, w_rec = np.array([-1.7e308, 1.0]), np.array([-0.1, 1.0])
    np.testing.assert_array_equal(objective.costs(w_in, w_rec), [np.inf, 1.0])
    np.testing.assert_array_equal(objective.log10_costs(w_in, w_rec), [np.inf, 0.0])


@pytest.mark.oracle
@pytest.mark.parametrize("name", NAMES)
def test_costs_and_gradients_match_pytorch(name: str) -> None:
    import torch  # noqa: PLC0415 -- only if requested

    inputs, targets = count_ones(6, 9, seed=3)
    w_in, w_rec = (w.ravel() for w in np.meshgrid(np.linspace(-2, 2, 4), np.linspace(-1, 2, 5)))
    a, b = (torch.tensor(w[:, None], requires_grad=True) for w in (w_in, w_rec))
    state = torch.full((20, 6), 0.5, dtype=torch.float64)
    f = getattr(torch, name)
    for x in torch.from_numpy(inputs.T.copy()):
        state = f(b * state + a * x)
    costs = torch.mean((state - torch.from_numpy(targets + 0.25)) ** 2, dim=1)
    costs.sum().backward()
    objective = objective_of(name)
    np.testing.assert_allclose(objective.costs(w_in, w_rec), costs.detach().numpy(), rtol=1e-12)
    for ours, theirs in zip(objective.gradients(w_in, w_rec), (a.grad, b.grad), strict=True):
        np.testing.assert_allclose(ours, theirs.numpy()[:, 0], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("initial_state", [0.0, -0.7])
def test_rows_are_w_rec_and_columns_w_in(activation: str, initial_state: float) -> None:
    inputs, targets = count_ones(7, 5, seed=3)
    network = Network(activation, initial_state)
    w_in, w_rec = np.linspace(-1.0, 2.0, 4), np.linspace(-2.0, 1.0, 3)
    objective = make_objective(Dataset.from_arrays(inputs, targets), network)
    costs = objective.costs(w_in[None, :], w_rec[:, None])
    assert costs.shape == (3, 4)
    for i, row in enumerate(w_rec):
        for j, column in enumerate(w_in):
            outputs = forward_states(inputs, column, row, network)[:, -1]
            expected = np.mean((outputs - targets) ** 2)
            assert costs[i, j] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("initial_state", [0.0, 0.5])
@pytest.mark.parametrize("n_steps", [1, 10, 200])
def test_no_weights(activation: str, initial_state: float, n_steps: int) -> None:
    data = Dataset.from_arrays(*count_ones(3, n_steps))
    objective = make_objective(data, Network(activation, initial_state))
    none = np.empty(0)
    assert objective.costs(none, none).shape == (0,)
    assert objective.log10_costs(none, none).shape == (0,)
    assert objective.gradients(none, none).shape == (2, 0)
    assert [x.mantissa.shape for x in objective.extended_gradients(none, none)] == [(0,), (0,)]
    assert objective.normal_equations(none, none).steps.shape == (2, 0)
    assert curvatures(*count_ones(3, n_steps), none, none, Network(activation)).shape == (0, 2)
