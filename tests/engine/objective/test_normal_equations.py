"""Normal equations compared with Jacobians from complex steps and from differences."""

from typing import Any

import numpy as np
import pytest

from service.engine.data import Dataset, count_ones
from service.engine.network import Network, final_outputs
from service.engine.objective import NetworkObjective, make_objective
from service.engine.types import Array

WEIGHTS = [(-1.5, 2.0), (0.5, 0.5), (1.0, 1.0), (2.0, -1.3), (0.7, 0.0), (-2.0, 1e-3)]


def data(n_samples: int, n_steps: int) -> tuple[Array, Array]:
    random = np.random.default_rng(n_steps)
    inputs = random.normal(size=(n_samples, n_steps))
    return inputs, inputs.sum(axis=1) + random.normal(size=n_samples)


def complex_step_jacobian(inputs: Array, w_in: float, w_rec: float, initial_state: float) -> Array:
    """Return the derivatives (2, N) of the identity's outputs; no difference loses digits."""
    h = 1e-200
    columns = []
    for u, w in ((w_in + h * 1j, w_rec), (w_in, w_rec + h * 1j)):
        state: Any = np.full(len(inputs), initial_state, complex)
        for x in inputs.T:
            state = w * state + u * x
        columns.append(state.imag / h)
    return np.array(columns)


def difference_jacobian(inputs: Array, w_in: float, w_rec: float, network: Network) -> Array:
    h = 1e-6
    return np.array(
        [
            final_outputs(inputs, w_in + u, w_rec + w, network)
            - final_outputs(inputs, w_in - u, w_rec - w, network)
            for u, w in ((h, 0.0), (0.0, h))
        ]
    ) / (2.0 * h)


def expected(jacobian: Array, errors: Array) -> tuple[Array, Array]:
    matrix, products = jacobian @ jacobian.T, jacobian @ errors
    return -products / np.diag(matrix), matrix[0, 1] / np.diag(matrix)


@pytest.mark.parametrize("initial_state", [0.0, 0.4])
@pytest.mark.parametrize(("n_samples", "n_steps"), [(20, 10), (3, 25), (7, 2), (4, 1), (1, 3)])
@pytest.mark.parametrize("kind", ["factor", "network"])
def test_equations_of_the_identity_match_complex_steps(
    kind: str, n_samples: int, n_steps: int, initial_state: float
) -> None:
    inputs, targets = data(n_samples, n_steps)
    network = Network("identity", initial_state)
    objective = (
        make_objective(Dataset.from_arrays(inputs, targets), network)
        if kind == "factor"
        else NetworkObjective(inputs, targets, network)
    )
    steps, couplings = objective.normal_equations(*np.array(WEIGHTS).T)
    for i, (w_in, w_rec) in enumerate(WEIGHTS):
        errors = final_outputs(inputs, w_in, w_rec, network) - targets
        jacobian = complex_step_jacobian(inputs, w_in, w_rec, initial_state)
        if not jacobian[1].any():  # one step from the initial state 0: w_rec has no effect
            assert (steps[1, i], couplings[1, i]) == (0.0, 0.0)
            continue
        step, coupling = expected(jacobian, errors)
        np.testing.assert_allclose(steps[:, i], step, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(couplings[:, i], coupling, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
def test_equations_of_an_activation_match_differences(activation: str) -> None:
    inputs, targets = data(9, 6)
    network = Network(activation, 0.3)
    objective = NetworkObjective(inputs, targets, network)
    weights = [(0.5, 0.5), (-0.8, 0.3), (0.4, -0.9)]
    steps, couplings = objective.normal_equations(*np.array(weights).T)
    for i, (w_in, w_rec) in enumerate(weights):
        errors = final_outputs(inputs, w_in, w_rec, network) - targets
        step, coupling = expected(difference_jacobian(inputs, w_in, w_rec, network), errors)
        np.testing.assert_allclose(steps[:, i], step, rtol=1e-7)
        np.testing.assert_allclose(couplings[:, i], coupling, rtol=1e-7)


@pytest.mark.parametrize("activation", ["identity", "tanh"])
def test_many_equations_are_those_of_each_pair(activation: str) -> None:
    """They are computed in several parts."""
    dataset = Dataset.from_arrays(*data(2000, 4))
    objective = make_objective(dataset, Network(activation))
    w_in, w_rec = np.random.default_rng(0).normal(size=(2, 500))
    whole = np.array(objective.normal_equations(w_in, w_rec))
    for k in (0, 61, 62, 63, 499):
        one = objective.normal_equations(w_in[k : k + 1], w_rec[k : k + 1])
        np.testing.assert_allclose(np.array(one)[..., 0], whole[..., k], rtol=1e-9)


@pytest.mark.parametrize("initial_state", [0.0, 0.4])
def test_sums_that_overflow_have_the_same_equations(initial_state: float) -> None:
    inputs, targets = count_ones(4, 600)
    network = Network("identity", initial_state)
    weights = np.array([[1.0, -1.5, 0.3, 1.0], [2.0, -1.9, 3.0, 0.5]])
    linear = make_objective(Dataset.from_arrays(inputs, targets), network)
    by_network = NetworkObjective(inputs, targets, network)
    assert np.isinf(linear.costs(*weights)).tolist() == [True, True, True, False]
    found, expected = (each.normal_equations(*weights) for each in (linear, by_network))
    np.testing.assert_allclose(found, expected, rtol=1e-10)
