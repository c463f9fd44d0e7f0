"""Cost and gradient from moments, compared with the network, fractions and fifty digits."""

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.engine.data import Dataset, count_ones
from service.engine.network import Network, cost_and_gradient
from service.engine.objective import LinearObjective
from service.engine.types import Weights
from tests.engine.conftest import cost_at, exact_pass, extended_gradient, sign_and_log10


def by_fractions(
    inputs: NDArray[Any], targets: NDArray[Any], w_in: Fraction, w_rec: Fraction
) -> tuple[Fraction, Fraction, Fraction]:
    """Return the exact cost and gradient, from the recurrence and its derivatives."""
    cost = by_w_in = by_w_rec = Fraction(0)
    for row, target in zip(inputs.tolist(), targets.tolist(), strict=True):
        state = slope_in = slope_rec = Fraction(0)
        for x in map(Fraction, row):
            slope_rec = slope_rec * w_rec + state
            slope_in = slope_in * w_rec + x
            state = state * w_rec + w_in * x
        residual = state - Fraction(target)
        cost += residual**2
        by_w_in += 2 * residual * slope_in
        by_w_rec += 2 * residual * slope_rec
    n = len(targets)
    return cost / n, by_w_in / n, by_w_rec / n


@given(
    st.integers(1, 8),
    st.integers(1, 25),
    st.integers(0, 2**32 - 1),
    st.floats(-1.6, 1.6),
    st.floats(-1.6, 1.6),
    st.sampled_from([0.0, 1.0, -3.0]),
)
def test_cost_and_gradient_match_backpropagation(
    n_samples: int, n_steps: int, seed: int, w_in: float, w_rec: float, initial_state: float
) -> None:
    inputs, targets = count_ones(n_samples, n_steps, seed, noise=0.5)
    inputs = inputs * 1.7 - 0.4
    objective = LinearObjective(Dataset.from_arrays(inputs, targets), initial_state)
    network = Network("identity", initial_state)
    cost, gradient = cost_and_gradient(inputs, targets, Weights(w_in, w_rec), network)
    # Rounding errors are relative to the cost with all terms positive.
    size, slopes = cost_and_gradient(
        np.abs(inputs),
        -np.abs(targets),
        Weights(abs(w_in), abs(w_rec)),
        Network("identity", abs(initial_state)),
    )
    assert cost_at(objective, w_in, w_rec) == pytest.approx(cost, rel=1e-7, abs=1e-20 * size)
    found = objective.gradient(w_in, w_rec)
    for each, other, bound in zip(found, gradient, slopes, strict=True):
        assert each == pytest.approx(other, abs=1e-13 * bound + 1e-300)
    many = objective.gradients(np.array([w_in]), np.array([w_rec]))
    scaled = extended_gradient(objective, w_in, w_rec)
    for each, one, wide, bound in zip(found, many, scaled, slopes, strict=True):
        if np.isfinite(each):
            assert one[0] == pytest.approx(each, abs=1e-13 * bound + 1e-300)
        assert wide.value() == pytest.approx(one[0], abs=1e-12 * bound + 1e-300)


@pytest.mark.parametrize("n_steps", [15, 16, 100])
def test_gradient_is_zero_at_a_perfect_fit(n_steps: int) -> None:
    objective = LinearObjective(Dataset.from_arrays(*count_ones(n_steps=n_steps)))
    assert objective.gradient(1.0, 1.0) == (0.0, 0.0)
    assert [g.sign() for g in extended_gradient(objective, 1.0, 1.0)] == [0.0, 0.0]


@pytest.mark.parametrize("distance", [1e-2, 1e-5, 1e-8])
@pytest.mark.parametrize("n_steps", [10, 100])
def test_gradient_is_accurate_near_a_perfect_fit(n_steps: int, distance: float) -> None:
    inputs, targets = count_ones(n_steps=n_steps)
    w_in, w_rec = 1.0 + distance, 1.0 - distance / n_steps
    _, *exact = by_fractions(inputs, targets, Fraction(w_in), Fraction(w_rec))
    found = LinearObjective(Dataset.from_arrays(inputs, targets)).gradient(w_in, w_rec)
    assert found == pytest.approx(tuple(map(float, exact)), rel=1e-14 / distance)


@pytest.mark.parametrize("initial_state", [0.0, 0.5])
def test_costs_broadcast(initial_state: float) -> None:
    inputs, targets = count_ones()
    objective = LinearObjective(Dataset.from_arrays(inputs, targets + 0.125), initial_state)
    u, w = np.linspace(-3.0, 3.0, 7), np.linspace(-2.0, 2.0, 5)
    points = np.array([[cost_at(objective, x, y) for x in u.tolist()] for y in w.tolist()])
    for w_in, w_rec, expected in (
        (u[None, :], w[:, None], points),
        (u, w[:, None], points),
        (u[:, None], w, points.T),
        (u[:5], w, points.diagonal()),
        (np.array(u[3]), w, points[:, 3]),
        (u, np.array(w[1]), points[1]),
        (u[None, :, None], w[:, None, None], points[:, :, None]),
        (np.array(u[2]), np.array(w[4]), points[4, 2]),
        (u[:0], np.array(1.0), points[0, :0]),
    ):
        costs, logs = objective.costs(w_in, w_rec), objective.log10_costs(w_in, w_rec)
        assert costs.shape == logs.shape == expected.shape
        np.testing.assert_allclose(costs, expected, rtol=1e-12)
        np.testing.assert_allclose(logs, np.log10(expected), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("initial_state", [0.0, 1.0, -3.0])
@pytest.mark.parametrize("n_steps", [1, 2, 7, 60, pytest.param(400, marks=pytest.mark.slow)])
def test_outside_the_float64_range(n_steps: int, initial_state: float) -> None:
    inputs, targets = count_ones(3, n_steps, noise=0.3)
    inputs *= 1.3
    if n_steps > 2:
        inputs[:, [0, -1]] = 0.0
    objective = LinearObjective(Dataset.from_arrays(inputs, targets), initial_state)
    w_in = [0.0, -1.5, 1e-200, 1e50]
    w_rec = [0.0, 5e-324, -1e-160, -0.3, 1.0, -1.0, 1.0000001, 2.0, -40.0, 1e150]
    w_rec = w_rec if n_steps < 100 else w_rec[3:]
    pairs = np.array([*product(w_in, w_rec)])
    logs, costs = objective.log10_costs(*pairs.T), objective.costs(*pairs.T)
    many = objective.gradients(*pairs.T)
    surface = objective.log10_costs(np.array(w_in)[None, :], np.array(w_rec)[:, None])
    np.testing.assert_allclose(surface.T.ravel(), logs, rtol=1e-12, atol=1e-9)
    for i, weights in enumerate(pairs.tolist()):
        exact = exact_pass(inputs, targets, tuple(weights), "identity", initial_state)
        log10 = sign_and_log10(exact.cost)[1]
        assert logs[i] == pytest.approx(log10, rel=1e-13, abs=1e-9)
        assert costs[i] == (np.inf if log10 > 308.3 else pytest.approx(float(exact.cost)))
        derivatives = exact.by_w_in, exact.by_w_rec
        for one, each, g in zip(
            many, extended_gradient(objective, *weights), derivatives, strict=True
        ):
            sign, log10 = sign_and_log10(g)
            assert each.sign() == np.sign(one[i]) == sign
            assert each.log10() == pytest.approx(log10, rel=1e-13, abs=1e-9)
            if abs(log10) < 300.0:
                assert one[i] == pytest.approx(float(g), rel=1e-9)


@pytest.mark.parametrize("weights", [(-1.5, 2.0), (0.7, -1.01), (0.5, 0.999)])
def test_ten_thousand_steps(weights: tuple[float, float]) -> None:
    inputs, targets = count_ones(2, 10_000)
    objective = LinearObjective(Dataset.from_arrays(inputs, targets))
    exact = exact_pass(inputs, targets, weights, "identity", 0.0)
    _, log10 = sign_and_log10(exact.cost)
    gradient = map(sign_and_log10, (exact.by_w_in, exact.by_w_rec))
    assert objective.log10_costs(*map(np.array, weights)) == pytest.approx(log10, rel=1e-12)
    for found, (sign, log10) in zip(extended_gradient(objective, *weights), gradient, strict=True):
        assert found.sign() == sign
        assert found.log10() == pytest.approx(log10, rel=1e-12)
